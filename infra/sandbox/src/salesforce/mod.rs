//! Salesforce: the REST API's records, collections, composite calls, queries, describe, the part of Tooling
//! that makes fields, and OAuth.
//!
//! Strict where the vendor is documented or was seen to be strict. Any version from v50.0 to v67.0 is answered.

mod access;
mod changes;
mod collections;
mod composite;
mod control;
mod describe;
mod desk;
mod directory;
mod duplicates;
mod errors;
mod ids;
mod ingest;
mod locks;
mod oauth;
mod outbound;
mod permissions;
mod query;
mod quota;
mod records;
mod schema;
mod soql;
mod store;
mod subrequest;
mod tooling;
mod values;
mod write;

use crate::feed::Touched;
use crate::ids::hash;
use crate::limits::Limit;
use crate::provider::{Answer, Call, Crm, Env, Kind};
use access::{Area, Context};
use duplicates::DuplicateRule;
use errors::Fail;
use locks::Locks;
use query::Cursors;
use quota::Usage;
use schema::{Field, ObjectType, TYPES};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::{Record, Store};

/// One Salesforce account ("org").
#[derive(Clone)]
struct Salesforce {
    salt: u64,
    org: String,
    /// The one user, as whom every call is made.
    user: String,
    last_number: u64,
    /// How many notifications were told of.
    told: u64,
    fields: BTreeMap<&'static str, Vec<Field>>,
    store: Store,
    rules: Vec<DuplicateRule>,
    locks: Locks,
    cursors: Cursors,
    usage: Usage,
    jobs: ingest::Jobs,
}

/// An empty account with Salesforce's standard fields, one user and that user's profile.
pub(crate) fn open(name: &str) -> Box<dyn Crm> {
    let salt = hash(name);
    // Ids differ from account to account, so that mixing them up shows.
    let id = |prefix: &str| ids::encode(prefix, begun(salt) + 1);
    let mut org = Salesforce {
        salt,
        org: id("00D"),
        user: id("005"),
        last_number: begun(salt) + 1,
        told: 0,
        fields: TYPES.iter().map(|kind| (kind.name, schema::standard(kind))).collect(),
        store: Store::default(),
        rules: Vec::new(),
        locks: Locks::default(),
        cursors: Cursors::default(),
        usage: Usage::default(),
        jobs: ingest::Jobs::default(),
    };
    for kind in TYPES {
        for field in schema::standard(kind).iter().filter(|field| field.is_key()) {
            org.store.watch(kind, &field.name);
        }
    }
    org.found(name);
    Box::new(org)
}

fn begun(salt: u64) -> u64 {
    (1 + salt % 60) * 62_u64.pow(9)
}

impl Salesforce {
    /// A number that nobody had: the clock is in it, so that a sandbox that begins anew gives none it gave before.
    fn next_number(&mut self, now: i64) -> u64 {
        let seconds = u64::try_from(now / 1_000 - 1_750_000_000).unwrap_or(0);
        self.last_number = (self.last_number + 1).max(begun(self.salt) + seconds * 1_000);
        self.last_number
    }

    /// Every field of a type, seen or not.
    fn definitions(&self, kind: &ObjectType) -> impl Iterator<Item = &Field> {
        self.fields.get(kind.name).into_iter().flatten()
    }

    /// The fields of a type that the account's user sees.
    fn fields(&self, kind: &ObjectType) -> impl Iterator<Item = &Field> {
        self.definitions(kind).filter(|field| field.visible)
    }

    /// The field of that name, if the user sees it; names are matched without regard to case.
    fn field(&self, kind: &ObjectType, name: &str) -> Option<&Field> {
        self.fields(kind).find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The field of that name, if records can be named by it.
    fn key(&self, kind: &ObjectType, name: &str) -> Result<&Field, Fail> {
        let key = |field: &&Field| field.external_id || (field.id_lookup && field.name != "Id");
        self.field(kind, name).filter(key).ok_or_else(|| Fail::no_external_id(name))
    }

    /// Puts a record in place, with what follows from it.
    fn hold(&mut self, mut record: Record) {
        let kind = record.kind;
        if kind.person {
            let parts: Vec<&str> =
                ["FirstName", "LastName"].iter().filter_map(|name| record.text(name)).collect();
            record.values.insert("Name".to_owned(), json!(parts.join(" ")));
        }
        self.store.put(record);
        self.grant(kind);
    }

    /// Undoes what was done since the mark.
    fn undo(&mut self, mark: usize) {
        self.store.undo(mark);
        self.grant_all();
    }

    fn route(&mut self, call: &Call<'_>, env: &mut Env<'_>) -> Result<Answer, Fail> {
        let parts = call.parts();
        match access::area(&parts) {
            Area::OAuth(rest) => Ok(oauth::serve(self, rest, call, env)),
            Area::Versions => Ok(access::versions()),
            Area::Data { version, number, rest } => {
                let context = Context::new(call, env, version, number);
                self.data(rest, call, &context, env)
            }
            Area::Unknown => Err(Fail::not_found()),
        }
    }

    /// Every path below `/services/data/v62.0`.
    fn data(
        &mut self,
        rest: &[&str],
        call: &Call<'_>,
        context: &Context,
        env: &mut Env<'_>,
    ) -> Result<Answer, Fail> {
        match rest {
            [] => Ok(describe::resources(context)),
            ["sobjects", rest @ ..] => records::serve(self, rest, call, context),
            ["composite", "sobjects", rest @ ..] => collections::serve(self, rest, call, context),
            ["composite", rest @ ..] => composite::serve(self, rest, call, context, env),
            [name @ ("query" | "queryAll"), rest @ ..] => query::serve(self, name, rest, call, context),
            ["jobs", "ingest", rest @ ..] => ingest::serve(self, rest, call, context),
            ["tooling", rest @ ..] => tooling::serve(self, rest, call, context),
            ["limits"] => Ok(self.usage.limits(env)),
            _ => Err(Fail::not_found()),
        }
    }
}

impl Crm for Salesforce {
    fn copy(&self) -> Box<dyn Crm> {
        Box::new(self.clone())
    }

    fn kind(&self, call: &Call<'_>) -> Kind {
        access::kind(call)
    }

    fn authorise(&self, call: &Call<'_>, env: &mut Env<'_>) -> Result<(), Answer> {
        access::authorise(call, env).map_err(Fail::answer)
    }

    fn serve(&mut self, call: &Call<'_>, env: &mut Env<'_>) -> Answer {
        if access::kind(call).api != "auth" {
            self.usage.count(env.now);
        }
        let mut answer = self.route(call, env).unwrap_or_else(Fail::answer);
        self.store.keep();
        answer.takes_ms = self.locks.settle(env.serial, env.now);
        answer
    }

    fn advance(&mut self, now: i64) {
        ingest::run(self, now);
    }

    fn next_due(&self) -> Option<i64> {
        self.jobs.next_due()
    }

    fn failure(&self, status: u16, _env: &mut Env<'_>) -> Answer {
        quota::failure(status)
    }

    fn limited(&self, limit: &Limit, _env: &mut Env<'_>) -> Answer {
        quota::limited(limit)
    }

    fn quota(&self, kind: Kind, limits: &[Limit], now: i64) -> Vec<(String, String)> {
        self.usage.headers(kind, limits, now)
    }

    fn token_path(&self) -> &'static str {
        "/services/oauth2/token"
    }

    fn token_lifetime(&self) -> i64 {
        7200
    }

    fn records(&self, object: &str, archived: bool) -> Result<Vec<Value>, String> {
        self.dump(object, archived, usize::MAX)
    }

    fn watch(&mut self) {
        self.store.touched = Some(BTreeSet::new());
    }

    fn touched(&mut self) -> Vec<Touched> {
        let touched = self.store.touched.as_mut().map(std::mem::take).unwrap_or_default();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let one = |id: String| {
            let kind = TYPES.iter().find(|kind| id.starts_with(kind.prefix))?;
            let values = self.store.live(&id).map(|record| {
                record.values.iter().map(|(name, value)| (name.clone(), text(value))).collect()
            });
            Some((kind.name.to_owned(), id, values))
        };
        touched.into_iter().filter_map(one).collect()
    }

    fn newest(&self, object: &str, count: usize) -> Result<Vec<Value>, String> {
        self.dump(object, false, count)
    }

    fn counts(&self) -> Vec<(String, usize)> {
        let shown = TYPES.iter().filter(|kind| kind.business);
        shown.map(|kind| (kind.name.to_owned(), self.store.count(kind))).collect()
    }

    fn seed(&mut self, object: &str, records: &[Value], env: &mut Env<'_>) -> Result<Vec<String>, String> {
        self.plant(object, records, env)
    }

    fn rule(&mut self, rule: &Value) -> Result<(), String> {
        self.set_rule(rule)
    }

    fn setting(&mut self, setting: &Value) -> Result<(), String> {
        self.set(setting)
    }

    fn act(&mut self, action: &Value, env: &mut Env<'_>) -> Result<Value, String> {
        self.do_action(action, env)
    }
}
