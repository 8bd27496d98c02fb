//! Where an account's changes are pushed to, as an administrator of it enters that.

use crate::faults::known;
use hyper::Uri;
use serde_json::{Value, json};

/// What every vendor's addresses are made of.
const SETTINGS: [&str; 5] = ["provider", "account", "url", "secret", "object"];

/// An address. It has no `Debug`: its secret must not show.
#[derive(Clone)]
pub(crate) struct Address {
    /// No other address has or had it.
    pub(crate) number: u64,
    pub(crate) provider: String,
    pub(crate) account: String,
    /// As it was entered, which is all that is ever shown.
    pub(crate) url: String,
    /// What its messages are signed with, or the word behind the URL.
    pub(crate) secret: String,
    /// The one type it is told of; none: all of them.
    pub(crate) object: Option<String>,
    /// HubSpot: the app that pushes.
    pub(crate) app_id: Option<u64>,
    /// HubSpot: `object.creation` and the type's id, as newer apps have it, rather than `contact.creation`.
    pub(crate) generic: bool,
}

impl Address {
    /// Reads one; `at` is its place in the input, `own` are the settings that its vendor alone has, and `objects` its types.
    pub(crate) fn parse(
        value: &Value,
        at: &str,
        own: &[&str],
        objects: &[String],
        number: u64,
    ) -> Result<Self, String> {
        known(value, &[&SETTINGS[..], own].concat(), at)?;
        let text = |name: &str| match value.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => Err(format!("{at}.{name}: expected a string that is not empty")),
        };
        let needed = |name: &str| text(name)?.ok_or_else(|| format!("{at}.{name}: missing"));
        let object = text("object")?;
        if let Some(object) = object.as_ref().filter(|object| !objects.contains(object)) {
            return Err(format!("{at}.object: \"{object}\" is not one of {}", objects.join(", ")));
        }
        let app_id = match value.get("app_id") {
            None | Some(Value::Null) => None,
            Some(id) => Some(id.as_u64().ok_or_else(|| format!("{at}.app_id: expected a whole number"))?),
        };
        let generic = match value.get("generic") {
            None | Some(Value::Null) => false,
            Some(flag) => flag.as_bool().ok_or_else(|| format!("{at}.generic: expected true or false"))?,
        };
        let secret = needed("secret")?;
        if let Some(wrong) = secret.chars().find(|c| !c.is_ascii_alphanumeric() && !"-_.~".contains(*c)) {
            return Err(format!(
                "{at}.secret: {wrong:?} cannot be part of one: letters, digits and -_.~ can"
            ));
        }
        Ok(Self {
            number,
            provider: needed("provider")?,
            account: needed("account")?,
            url: url(&needed("url")?, at)?,
            secret,
            object,
            app_id,
            generic,
        })
    }

    pub(crate) fn is_of(&self, provider: &str, account: &str) -> bool {
        self.provider == provider && self.account == account
    }

    /// What may be shown of it, and how many pushes wait.
    pub(crate) fn view(&self, waiting: usize) -> Value {
        let mut view = json!({"provider": self.provider, "account": self.account, "url": self.url,
            "object": self.object, "waiting": waiting});
        if self.provider == "hubspot" {
            (view["app_id"], view["generic"]) = (json!(self.app_id), json!(self.generic));
        }
        view
    }
}

/// The URL as it was entered, which is what some vendors sign.
fn url(text: &str, at: &str) -> Result<String, String> {
    let uri: Option<Uri> = text.parse().ok();
    let reachable = uri.filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some());
    let reachable = reachable.filter(|_| !text.contains('#'));
    reachable.map(|_| text.to_owned()).ok_or_else(|| {
        format!("{at}.url: expected http://host:port/path (a vendor asks for https, which the sandbox does not speak)")
    })
}
