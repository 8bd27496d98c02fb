//! What a token endpoint answered: new tokens, or who has to act.

use super::TokenEndpoint;
use super::account::{account_of, origin_of};
use super::parse::{object, token};
use crate::http::Response;
use rtr_core::time::Instant;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// New tokens.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// The token to send from now on.
    pub access_token: SecretString,
    /// The token to renew with from now on; none: the old one stays.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends; none: nobody knows.
    pub expires_at: Option<Instant>,
    /// The account it is for, where the answer says so.
    pub account: Option<String>,
    /// Where the account's API is, where the answer says so: it may have moved.
    pub instance_url: Option<String>,
}

/// No new tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefreshFailure {
    /// The grant is gone: a person must connect the account anew.
    #[error("{0}")]
    Revoked(String),
    /// The client's secret is wrong: an older one may do.
    #[error("{0}")]
    ClientSecret(String),
    /// The app's own settings are wrong: no fault of the account.
    #[error("{0}")]
    Config(String),
    /// It may work in a moment.
    #[error("{0}")]
    Transient(String),
}

/// Reads the answer to a request for tokens.
///
/// # Errors
/// Who has to act.
pub fn read_tokens(
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
            expires_at: life_s(&body, endpoint).map(|life| now.plus_ms(life.saturating_mul(1_000))),
            account: account_of(&body),
            instance_url: ["instance_url", "api_domain"]
                .into_iter()
                .find_map(|name| origin_of(body.get(name)?)),
        }),
        _ => transient("gave no access token"),
    }
}

/// The secret with the new tokens in it, everything else as it was.
///
/// # Errors
/// When the secret is not what it was when it was parsed.
pub fn write_back(original: &SecretString, refreshed: &Refreshed) -> Result<SecretString, String> {
    let mut object = object(original)?;
    let mut set = |name: &str, value: &str| object.insert(name.to_owned(), value.into());
    set("access_token", refreshed.access_token.expose_secret());
    if let Some(token) = &refreshed.refresh_token {
        set("refresh_token", token.expose_secret());
    }
    if let Some(url) = &refreshed.instance_url {
        set("instance_url", url);
    }
    match refreshed.expires_at {
        Some(at) => drop(set("expires_at", &at.to_rfc3339())),
        None => drop(object.remove("expires_at")),
    }
    Ok(Value::Object(object).to_string().into())
}

fn life_s(body: &Map<String, Value>, endpoint: TokenEndpoint) -> Option<i64> {
    let said = match body.get("expires_in") {
        Some(Value::Number(seconds)) => seconds.as_i64(),
        Some(Value::String(seconds)) => seconds.parse().ok(),
        _ => None,
    };
    said.or(Some(endpoint.default_life_s)).filter(|seconds| *seconds > 0)
}

/// RFC 6749 puts a word in `error`; HubSpot adds a closer one in `status`, which is asked first.
fn denied(body: &Map<String, Value>) -> Option<RefreshFailure> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let description = text("error_description").unwrap_or_default().to_ascii_lowercase();
    ["status", "error"].into_iter().filter_map(text).find_map(|word| of_word(word, &description))
}

fn of_word(word: &str, description: &str) -> Option<RefreshFailure> {
    let passing = [
        // Salesforce counts logins by the hour and calls it a bad grant.
        "login rate exceeded",
        // Zoho: ten tokens in ten minutes.
        "too many requests",
        // Entra ID: a transient error of its own (AADSTS90033), throttled (50196).
        "aadsts90033",
        "aadsts50196",
    ];
    let busy = |word: &str| {
        Some(RefreshFailure::Transient(format!("the token endpoint gives no tokens now ({word})")))
    };
    match word {
        _ if passing.iter().any(|words| description.contains(words)) => busy("too many requests"),
        "temporarily_unavailable" | "server_error" | "slow_down" => busy(word),
        "BAD_REFRESH_TOKEN"
        | "BAD_AUTH_CODE"
        | "BAD_HUB"
        | "invalid_grant"
        | "access_denied"
        | "interaction_required"
        | "consent_required"
        | "inactive_user"
        | "inactive_org"
        // Zoho's word for a refresh token that is none.
        | "invalid_code" => {
            Some(RefreshFailure::Revoked(format!("the grant was revoked or has ended ({word})")))
        }
        "BAD_CLIENT_SECRET" | "invalid_client" | "invalid_client_secret" => {
            Some(RefreshFailure::ClientSecret(format!("the OAuth app's settings were refused ({word})")))
        }
        "BAD_CLIENT_ID"
        | "BAD_REDIRECT_URI"
        | "BAD_GRANT_TYPE"
        | "invalid_client_id"
        | "unauthorized_client"
        | "invalid_request"
        | "invalid_app_access"
        | "redirect_uri_mismatch"
        | "invalid_redirect_uri"
        | "unsupported_grant_type"
        | "invalid_scope" => {
            Some(RefreshFailure::Config(format!("the OAuth app's settings were refused ({word})")))
        }
        _ => None,
    }
}
