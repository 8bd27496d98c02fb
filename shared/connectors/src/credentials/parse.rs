//! The JSON of a connection's secret, type by type. What is wrong is named, never quoted.

use super::jwt::Assertion;
use super::{Credential, Grant, Kind, Tokens};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rtr_core::time::Instant;
use secrecy::SecretString;
use serde_json::{Map, Value};

const TYPES: &str = "bearer, oauth2, client_credentials, jwt_bearer, basic, header";
/// Headers that are the carrier's own, or mean one connection and not the request.
const NOT_OURS: [&str; 13] = [
    "accept",
    "host",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "content-type",
];

impl Credential {
    /// Reads a connection's secret.
    ///
    /// # Errors
    /// What is wrong with it, quoting nothing of it.
    pub fn parse(secret: &SecretString) -> Result<Self, String> {
        let object = object(secret)?;
        let kind = match object.get("type").and_then(Value::as_str) {
            Some("bearer") => Kind::Bearer(needed_token(&object, "token")?),
            Some("basic") => basic(&object)?,
            Some("header") => header(&object)?,
            Some("oauth2") => Kind::Tokens(Box::new(oauth2(&object)?)),
            Some("client_credentials") => Kind::Tokens(Box::new(client_credentials(&object)?)),
            Some("jwt_bearer") => Kind::Tokens(Box::new(jwt_bearer(&object)?)),
            Some(_) => return Err(format!("the secret's `type` is unknown; supported: {TYPES}")),
            None => return Err(format!("the secret's `type` is missing; supported: {TYPES}")),
        };
        Ok(Self { kind, instance_url: plain(&object, "instance_url")?, webhook: webhook(&object)? })
    }
}

fn basic(object: &Map<String, Value>) -> Result<Kind, String> {
    let username = plain(object, "username")?.ok_or("the secret's `username` is missing")?;
    // The first colon ends the name: one within it would move the border (RFC 7617).
    if username.contains(':') {
        return Err("the secret's `username` holds a colon".to_owned());
    }
    let password = match object.get("password") {
        // An API key often goes as the name alone.
        None | Some(Value::Null) => "",
        // Blanks may be part of it.
        Some(Value::String(text)) => text.as_str(),
        Some(_) => return Err("the secret's `password` is not text".to_owned()),
    };
    if username.chars().chain(password.chars()).any(char::is_control) {
        return Err("the secret's `username` or `password` holds a control character".to_owned());
    }
    Ok(Kind::Basic(format!("Basic {}", BASE64.encode(format!("{username}:{password}"))).into()))
}

fn header(object: &Map<String, Value>) -> Result<Kind, String> {
    let name = plain(object, "name")?.ok_or("the secret's `name` is missing")?.to_ascii_lowercase();
    let of_a_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !name.chars().all(of_a_token) {
        return Err("the secret's `name` is no name of a header".to_owned());
    }
    if NOT_OURS.contains(&name.as_str()) {
        return Err("the secret's `name` is a header that the connection itself sets".to_owned());
    }
    Ok(Kind::Header(name, needed_token(object, "value")?))
}

fn oauth2(object: &Map<String, Value>) -> Result<Tokens, String> {
    let refresh_token = token(object, "refresh_token")?;
    let renewable = refresh_token.is_some();
    let tokens = tokens(object, Grant::Refresh(refresh_token))?;
    if !renewable && tokens.access_token.is_none() {
        return Err("the secret has neither a `refresh_token` nor an `access_token`".to_owned());
    }
    if renewable { with_client(tokens) } else { Ok(tokens) }
}

fn client_credentials(object: &Map<String, Value>) -> Result<Tokens, String> {
    let tokens = with_client(tokens(object, Grant::Client { scope: plain(object, "scope")? })?)?;
    if tokens.app.is_none() && tokens.client_secrets.is_empty() {
        return Err("the secret's `client_secret` is missing".to_owned());
    }
    Ok(tokens)
}

fn jwt_bearer(object: &Map<String, Value>) -> Result<Tokens, String> {
    let username = plain(object, "username")?.ok_or("the secret's `username` is missing")?;
    let audience = plain(object, "audience")?.ok_or("the secret's `audience` is missing")?;
    let key = plain(object, "private_key")?.ok_or("the secret's `private_key` is missing")?;
    let assertion = Assertion::new(username, audience, &SecretString::from(key))?;
    with_client(tokens(object, Grant::Jwt(assertion))?)
}

fn with_client(tokens: Tokens) -> Result<Tokens, String> {
    match (&tokens.app, &tokens.client_id) {
        (None, None) => Err("the secret names neither an `app` nor a `client_id`".to_owned()),
        _ => Ok(tokens),
    }
}

fn tokens(object: &Map<String, Value>, grant: Grant) -> Result<Tokens, String> {
    let expires_at = plain(object, "expires_at")?
        .map(|text| Instant::from_rfc3339(&text))
        .transpose()
        .map_err(|_| "the secret's `expires_at` is not an RFC 3339 time")?;
    let app = plain(object, "app")?;
    if app.as_deref().is_some_and(|name| !is_app_name(name)) {
        return Err("the secret's `app` is no name: letters, digits, `-`, `_` and `.`, up to 64".to_owned());
    }
    Ok(Tokens {
        app,
        client_id: plain(object, "client_id")?,
        client_secrets: client_secrets(object)?,
        grant,
        access_token: token(object, "access_token")?,
        expires_at,
        token_url: plain(object, "token_url")?,
    })
}

/// Whether `name` can be part of the name of an app's secret.
pub(super) fn is_app_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// `client_secrets`, the newest first, or the one `client_secret`.
pub(super) fn client_secrets(object: &Map<String, Value>) -> Result<Vec<SecretString>, String> {
    match object.get("client_secrets") {
        Some(list) => texts(list, "client_secrets"),
        None => Ok(token(object, "client_secret")?.into_iter().collect()),
    }
}

/// What webhooks are signed with, the newest first.
pub(super) fn webhook(object: &Map<String, Value>) -> Result<Vec<SecretString>, String> {
    match object.get("webhook") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(webhook)) => match webhook.get("secrets") {
            Some(list) => texts(list, "webhook.secrets"),
            None => Err("the secret's `webhook` has no `secrets`".to_owned()),
        },
        Some(_) => Err("the secret's `webhook` is not an object".to_owned()),
    }
}

fn texts(list: &Value, name: &str) -> Result<Vec<SecretString>, String> {
    let wrong = || format!("the secret's `{name}` are not a list of texts");
    let text = |value: &Value| {
        let text = value.as_str().map(str::trim).filter(|text| !text.is_empty());
        text.map(|text| SecretString::from(text.to_owned())).ok_or_else(wrong)
    };
    list.as_array().ok_or_else(wrong)?.iter().map(text).collect()
}

pub(super) fn object(secret: &SecretString) -> Result<Map<String, Value>, String> {
    use secrecy::ExposeSecret as _;
    match serde_json::from_str(secret.expose_secret()) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("the secret is not a JSON object".to_owned()),
        // serde's own words quote what they found.
        Err(error) => {
            Err(format!("the secret is not JSON: line {}, column {}", error.line(), error.column()))
        }
    }
}

pub(super) fn plain(object: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(format!("the secret's `{name}` is not text")),
    }
}

/// A token goes into a header: a line break pasted with it is dropped, one within it refused here, since a refusal
/// further down might quote it.
pub(super) fn token(object: &Map<String, Value>, name: &str) -> Result<Option<SecretString>, String> {
    match plain(object, name)? {
        Some(text) if text.chars().all(|c| c.is_ascii_graphic() || c == ' ') => Ok(Some(text.into())),
        Some(_) => Err(format!("the secret's `{name}` holds a character that no header can carry")),
        None => Ok(None),
    }
}

fn needed_token(object: &Map<String, Value>, name: &str) -> Result<SecretString, String> {
    token(object, name)?.ok_or_else(|| format!("the secret's `{name}` is missing"))
}
