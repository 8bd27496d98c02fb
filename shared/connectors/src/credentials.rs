//! Secrets as people write them, and the exchange of a refresh token for an access token, as pure functions.
//!
//! No secret value ever stands in an error or in a `Debug` text: what cannot be read is named, never quoted.

use crate::http::{Method, Outgoing, Response};
use rtr_core::time::Instant;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::time::Duration;

/// A token is renewed so long before it ends, in milliseconds: a call under way must not outlive it.
pub const REFRESH_EARLY_MS: i64 = 5 * 60 * 1_000;

/// Where and how access tokens are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenEndpoint {
    /// The provider's own token URL, used unless the secret names one.
    pub url: &'static str,
    /// How long a token lives when the answer does not say, in seconds.
    pub default_life_s: i64,
}

/// A connection's secret, read.
pub enum Credential {
    /// A token that lasts: a private app's, a service key.
    Bearer(Bearer),
    /// An access token of half an hour or so, and what renews it.
    OAuth2(Box<OAuth2>),
}

/// A token that lasts.
pub struct Bearer {
    token: SecretString,
    instance_url: Option<String>,
}

/// An OAuth grant.
pub struct OAuth2 {
    app: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    refresh_token: Option<SecretString>,
    access_token: Option<SecretString>,
    expires_at: Option<Instant>,
    token_url: Option<String>,
    instance_url: Option<String>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Credential::Bearer",
            Self::OAuth2(_) => "Credential::OAuth2",
        })
    }
}

/// New tokens.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// The token to send from now on.
    pub access_token: SecretString,
    /// The token to renew with from now on; none: the old one stays.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends.
    pub expires_at: Instant,
    /// The account it is for, where the answer says so.
    pub account: Option<String>,
}

/// No new tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefreshFailure {
    /// The grant is gone: a person must connect the account anew.
    #[error("{0}")]
    Revoked(String),
    /// The app's own settings are wrong: no fault of the account.
    #[error("{0}")]
    Config(String),
    /// It may work in a moment.
    #[error("{0}")]
    Transient(String),
}

impl Credential {
    /// Reads a connection's secret.
    ///
    /// # Errors
    /// What is wrong with it, quoting nothing of it.
    pub fn parse(secret: &SecretString) -> Result<Self, String> {
        let object = object(secret)?;
        match object.get("type").and_then(Value::as_str) {
            Some("bearer") => {
                let token = token(&object, "token")?.ok_or("the secret's `token` is missing")?;
                Ok(Self::Bearer(Bearer { token, instance_url: plain(&object, "instance_url")? }))
            }
            Some("oauth2") => Ok(Self::OAuth2(Box::new(OAuth2::read(&object)?))),
            Some(known @ ("client_credentials" | "jwt_bearer" | "basic" | "header")) => {
                Err(format!("the secret's type `{known}` is not supported yet; supported: bearer, oauth2"))
            }
            Some(_) => Err("the secret's `type` is unknown; supported: bearer, oauth2".to_owned()),
            None => Err("the secret's `type` is missing; supported: bearer, oauth2".to_owned()),
        }
    }

    /// The OAuth app whose secret must be joined by [`Credential::with_app`], if it names one.
    #[must_use]
    pub fn app(&self) -> Option<&str> {
        match self {
            Self::Bearer(_) => None,
            Self::OAuth2(oauth) => oauth.app.as_deref(),
        }
    }

    /// The same with what the app's secret says: client id, the newest client secret, token URL. The connection's own
    /// token URL wins.
    ///
    /// # Errors
    /// What is wrong with the app's secret, quoting nothing of it.
    pub fn with_app(self, app: &SecretString) -> Result<Self, String> {
        let Self::OAuth2(mut oauth) = self else { return Ok(self) };
        let object = object(app).map_err(|error| format!("of the app: {error}"))?;
        let newest = match object.get("client_secrets") {
            Some(Value::Array(secrets)) => secrets.first().and_then(Value::as_str).map(str::to_owned),
            _ => plain(&object, "client_secret")?,
        };
        let client_id = plain(&object, "client_id")?.ok_or("the app's `client_id` is missing")?;
        let client_secret = newest.ok_or("the app's `client_secrets` are missing")?;
        oauth.client_id = Some(client_id);
        oauth.client_secret = Some(client_secret.into());
        oauth.token_url = oauth.token_url.take().or(plain(&object, "token_url")?);
        Ok(Self::OAuth2(oauth))
    }

    /// The headers that authorise a request; none while there is no access token.
    #[must_use]
    pub fn headers(&self) -> Option<Vec<(String, SecretString)>> {
        let token = match self {
            Self::Bearer(bearer) => &bearer.token,
            Self::OAuth2(oauth) => oauth.access_token.as_ref()?,
        };
        let value = format!("Bearer {}", token.expose_secret());
        Some(vec![("authorization".to_owned(), value.into())])
    }

    /// When the access token ends, if that is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<Instant> {
        match self {
            Self::Bearer(_) => None,
            Self::OAuth2(oauth) => oauth.expires_at,
        }
    }

    /// Whether to renew before sending anything. A token of unknown life, or one that nothing renews, is used until it
    /// is refused.
    #[must_use]
    pub fn needs_refresh(&self, now: Instant) -> bool {
        match self {
            Self::Bearer(_) => false,
            Self::OAuth2(oauth) => {
                let ending = |at: Instant| at.since_ms(now) <= REFRESH_EARLY_MS;
                let due = oauth.access_token.is_none() || oauth.expires_at.is_some_and(ending);
                due && oauth.refresh_token.is_some()
            }
        }
    }

    /// Where the account's API is, if the secret says so.
    #[must_use]
    pub fn instance_url(&self) -> Option<&str> {
        match self {
            Self::Bearer(bearer) => bearer.instance_url.as_deref(),
            Self::OAuth2(oauth) => oauth.instance_url.as_deref(),
        }
    }

    /// The request for new tokens; none when there is nothing to renew with. The secret's token URL wins; else a
    /// connection that lives elsewhere gets its tokens there too.
    #[must_use]
    pub fn refresh_request(
        &self,
        endpoint: TokenEndpoint,
        base_url_override: Option<&str>,
        timeout: Duration,
    ) -> Option<Outgoing> {
        let Self::OAuth2(oauth) = self else { return None };
        let refresh_token = oauth.refresh_token.as_ref()?;
        let client_id = oauth.client_id.as_ref()?;
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token");
        form.append_pair("refresh_token", refresh_token.expose_secret());
        form.append_pair("client_id", client_id);
        if let Some(secret) = &oauth.client_secret {
            form.append_pair("client_secret", secret.expose_secret());
        }
        let url = match (&oauth.token_url, base_url_override) {
            (Some(url), _) => url.clone(),
            (None, Some(base)) => moved(endpoint.url, base),
            (None, None) => endpoint.url.to_owned(),
        };
        let headers = vec![
            ("content-type".to_owned(), "application/x-www-form-urlencoded".into()),
            ("accept".to_owned(), "application/json".into()),
        ];
        Some(Outgoing { method: Method::Post, url, headers, body: form.finish().into_bytes(), timeout })
    }

    /// Reads the answer to [`Credential::refresh_request`].
    ///
    /// # Errors
    /// Who has to act.
    pub fn read_refresh(
        &self,
        endpoint: TokenEndpoint,
        response: &Response,
        now: Instant,
    ) -> Result<Refreshed, RefreshFailure> {
        let status = response.status;
        let transient =
            |why: &str| Err(RefreshFailure::Transient(format!("the token endpoint {why} ({status})")));
        // Whatever the body of these says, it is not about the grant.
        if matches!(status, 408 | 423 | 429 | 477) || !(200..500).contains(&status) {
            return transient("is busy or unavailable");
        }
        if (300..400).contains(&status) {
            let message =
                format!("the token endpoint answered with a redirect, which is not followed ({status})");
            return Err(RefreshFailure::Config(message));
        }
        let Some(Value::Object(body)) = response.json() else {
            return transient("gave an answer that cannot be read");
        };
        // Some providers say no with a 200.
        if let Some(failure) = denied(&body) {
            return Err(failure);
        }
        match token(&body, "access_token") {
            Ok(Some(access_token)) if (200..300).contains(&status) => Ok(Refreshed {
                access_token,
                refresh_token: token(&body, "refresh_token").ok().flatten(),
                expires_at: now
                    .plus_ms(life_s(&body).unwrap_or(endpoint.default_life_s).saturating_mul(1_000)),
                account: body.get("hub_id").and_then(id),
            }),
            _ => transient("gave no access token"),
        }
    }
}

impl OAuth2 {
    fn read(object: &Map<String, Value>) -> Result<Self, String> {
        let expires_at = plain(object, "expires_at")?
            .map(|text| Instant::from_rfc3339(&text))
            .transpose()
            .map_err(|_| "the secret's `expires_at` is not an RFC 3339 time")?;
        let oauth = Self {
            app: plain(object, "app")?,
            client_id: plain(object, "client_id")?,
            client_secret: token(object, "client_secret")?,
            refresh_token: token(object, "refresh_token")?,
            access_token: token(object, "access_token")?,
            expires_at,
            token_url: plain(object, "token_url")?,
            instance_url: plain(object, "instance_url")?,
        };
        if oauth.refresh_token.is_none() && oauth.access_token.is_none() {
            return Err("the secret has neither a `refresh_token` nor an `access_token`".to_owned());
        }
        if oauth.refresh_token.is_some() && oauth.app.is_none() && oauth.client_id.is_none() {
            return Err("the secret names neither an `app` nor a `client_id`".to_owned());
        }
        Ok(oauth)
    }
}

/// The secret with the new tokens in it, everything else as it was.
///
/// # Errors
/// When the secret is not what it was when it was parsed.
pub fn write_back(original: &SecretString, refreshed: &Refreshed) -> Result<SecretString, String> {
    let mut object = object(original)?;
    object.insert("access_token".to_owned(), refreshed.access_token.expose_secret().into());
    object.insert("expires_at".to_owned(), refreshed.expires_at.to_rfc3339().into());
    if let Some(token) = &refreshed.refresh_token {
        object.insert("refresh_token".to_owned(), token.expose_secret().into());
    }
    Ok(Value::Object(object).to_string().into())
}

fn object(secret: &SecretString) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(secret.expose_secret()) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("the secret is not a JSON object".to_owned()),
        // serde's own words quote what they found.
        Err(error) => {
            Err(format!("the secret is not JSON: line {}, column {}", error.line(), error.column()))
        }
    }
}

fn plain(object: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(format!("the secret's `{name}` is not text")),
    }
}

/// A token goes into a header: a line break pasted with it is dropped, one within it refused here, since a refusal
/// further down might quote it.
fn token(object: &Map<String, Value>, name: &str) -> Result<Option<SecretString>, String> {
    match plain(object, name)? {
        Some(text) if text.chars().all(|c| c.is_ascii_graphic() || c == ' ') => Ok(Some(text.into())),
        Some(_) => Err(format!("the secret's `{name}` holds a character that no header can carry")),
        None => Ok(None),
    }
}

fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn life_s(body: &Map<String, Value>) -> Option<i64> {
    id(body.get("expires_in")?)?.parse().ok().filter(|seconds| *seconds > 0)
}

/// The token URL's path at another base.
fn moved(url: &str, base: &str) -> String {
    let path = url::Url::parse(url).map(|parsed| parsed.path().to_owned()).unwrap_or_default();
    format!("{}{path}", base.trim_end_matches('/'))
}

/// RFC 6749 puts a word in `error`; HubSpot adds a closer one in `status`, which is asked first.
fn denied(body: &Map<String, Value>) -> Option<RefreshFailure> {
    let words = ["status", "error"].into_iter().filter_map(|name| body.get(name).and_then(Value::as_str));
    words.into_iter().find_map(|word| match word {
        "BAD_REFRESH_TOKEN" | "BAD_HUB" | "invalid_grant" | "access_denied" => {
            Some(RefreshFailure::Revoked(format!("the grant was revoked or has ended ({word})")))
        }
        "BAD_CLIENT_ID"
        | "BAD_CLIENT_SECRET"
        | "BAD_REDIRECT_URI"
        | "BAD_GRANT_TYPE"
        | "invalid_client"
        | "unauthorized_client"
        | "invalid_request"
        | "unsupported_grant_type"
        | "invalid_scope" => {
            Some(RefreshFailure::Config(format!("the OAuth app's settings were refused ({word})")))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests;
