//! What a vendor has to bring: one [`Crm`] per account, registered by one line in [`PROVIDERS`].
//!
//! A provider never sees faults, limits or the journal: those work on every vendor alike, around it.

use crate::desk::Desk;
use crate::feed::Touched;
use crate::http::{Request, decode};
use crate::limits::Limit;
use crate::push::vendor::Pushing;
use crate::tokens::TokenBook;
use serde_json::Value;

/// Opens an empty account of that name.
pub(crate) type Open = fn(&str) -> Box<dyn Crm>;

/// Every vendor, by the name in the URL, and how an empty account of it is opened.
pub(crate) const PROVIDERS: &[(&str, Open)] =
    &[("hubspot", crate::hubspot::open), ("salesforce", crate::salesforce::open)];

/// A request as the vendor sees it: without the sandbox's own prefix.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    /// The vendor's path without the query.
    pub(crate) path: &'a str,
    /// The path's parts, decoded.
    pub(crate) parts: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
}

impl<'a> Call<'a> {
    /// `skip` is the length of the sandbox's prefix within the request's path.
    pub(crate) fn new(request: &'a Request, skip: usize) -> Self {
        let (full, query) = request.split();
        let path = full.get(skip..).unwrap_or_default();
        let parts = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
        Self { request, path, parts, query }
    }

    pub(crate) fn parts(&self) -> Vec<&str> {
        self.parts.iter().map(String::as_str).collect()
    }

    pub(crate) fn method(&self) -> &str {
        &self.request.method
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The bearer token, if the request carries one.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let value = self.request.find_header("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

/// What surrounds a call: the time, the account's tokens, and what makes its ids unique.
pub(crate) struct Env<'a> {
    pub(crate) now: i64,
    /// A number no other request of this sandbox has.
    pub(crate) serial: u64,
    /// How long after a write a search may first see it.
    pub(crate) search_lag: i64,
    pub(crate) tokens: &'a mut TokenBook,
    /// The account's base URL, as the caller addressed it.
    pub(crate) base: String,
    /// The account's limit of a day, if it has one: how many requests it allows, and how many are left.
    pub(crate) daily: Option<(u64, u64)>,
}

/// A vendor's answer. The body stays a value until the end, so that faults can reorder or thin it out.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    /// HTML in the body's place, for a person.
    pub(crate) page: Option<String>,
    /// Whether a body that is a string is sent as it stands instead of as JSON.
    pub(crate) plain: bool,
    /// How long the vendor was at it: the caller waits as long.
    pub(crate) takes_ms: u64,
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { body: Some(body), ..Self::empty(status) }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None, page: None, plain: false, takes_ms: 0 }
    }

    pub(crate) fn page(status: u16, html: String) -> Self {
        Self { page: Some(html), ..Self::empty(status) }
    }

    pub(crate) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// What kind of call it is, for limits and for the journal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The name of the vendor's limit that applies: `search`, `auth`, else `records`.
    pub(crate) api: &'static str,
    /// The number of inputs in the call.
    pub(crate) items: usize,
    /// Whether it changes anything.
    pub(crate) writes: bool,
}

/// One account of one vendor.
pub(crate) trait Crm: Pushing + Desk + Send {
    /// The account as it stands, once more.
    fn copy(&self) -> Box<dyn Crm>;
    /// Classifies a call without doing it.
    fn kind(&self, call: &Call<'_>) -> Kind;
    /// Refuses a call whose credentials do not permit it.
    fn authorise(&self, call: &Call<'_>, env: &mut Env<'_>) -> Result<(), Answer>;
    /// Does the call.
    fn serve(&mut self, call: &Call<'_>, env: &mut Env<'_>) -> Answer;
    /// Does what it has taken upon itself to do later, as far as that is due.
    fn advance(&mut self, _now: i64) {}
    /// When the next of it is due.
    fn next_due(&self) -> Option<i64> {
        None
    }
    /// How this vendor words a bare status.
    fn failure(&self, status: u16, env: &mut Env<'_>) -> Answer;
    /// How it words a limit that was reached.
    fn limited(&self, limit: &Limit, env: &mut Env<'_>) -> Answer;
    /// The headers by which it tells what is left.
    fn quota(&self, kind: Kind, limits: &[Limit], now: i64) -> Vec<(String, String)>;
    /// Where the token endpoint is, below the account's base URL.
    fn token_path(&self) -> &'static str;
    /// How long an access token lives unless something else is asked for, in seconds.
    fn token_lifetime(&self) -> i64 {
        1800
    }
    /// Every record of a type, for whoever checks final states.
    fn records(&self, object: &str, archived: bool) -> Result<Vec<Value>, String>;
    /// Begins to note which records are written.
    fn watch(&mut self);
    /// The records written since this was last asked, each once, as they are now.
    fn touched(&mut self) -> Vec<Touched>;
    /// The newest records of a type, for the page.
    fn newest(&self, object: &str, count: usize) -> Result<Vec<Value>, String>;
    /// The number of records by type.
    fn counts(&self) -> Vec<(String, usize)>;
    /// Puts records in place as if they had always been there; gives their ids.
    fn seed(&mut self, object: &str, records: &[Value], env: &mut Env<'_>) -> Result<Vec<String>, String>;
    /// Adds or lifts a rule on a property.
    fn rule(&mut self, rule: &Value) -> Result<(), String>;
    /// Sets what an administrator of this vendor's account can set and no other vendor has.
    fn setting(&mut self, _setting: &Value) -> Result<(), String> {
        Err("this provider has no settings of its own".to_owned())
    }
    /// Does what a person does in the CRM and its API does not offer.
    fn act(&mut self, _action: &Value, _env: &mut Env<'_>) -> Result<Value, String> {
        Err("this provider has no actions of its own".to_owned())
    }
}
