//! Asking for tokens: who asks, where, and with what.

use super::{Credential, Grant, Kind, TokenEndpoint};
use crate::http::{Method, Outgoing};
use rtr_core::time::Instant;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use url::form_urlencoded::Serializer;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// One request for tokens.
#[derive(Debug, Clone, Copy)]
pub struct TokenAsk<'a> {
    /// The provider's.
    pub endpoint: TokenEndpoint,
    /// The connection's own base URL: one that lives elsewhere gets its tokens there too.
    pub base_url: Option<&'a str>,
    /// After this the caller has given up.
    pub timeout: Duration,
    /// The time now.
    pub now: Instant,
    /// Which of the client's secrets to send, the newest first.
    pub client_secret: usize,
}

/// The OAuth client that asks.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    /// Its id, which is no secret.
    pub id: &'a str,
    /// Its secrets, the newest first; a public client has none.
    pub secrets: &'a [SecretString],
    /// Its own token URL.
    pub token_url: Option<&'a str>,
}

impl std::fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.id)
    }
}

impl Credential {
    /// The request for new tokens; none when there is nothing to renew with. The secret's token URL wins.
    ///
    /// # Errors
    /// When the assertion cannot be signed.
    pub fn refresh_request(&self, ask: &TokenAsk<'_>) -> Result<Option<Outgoing>, String> {
        let (Kind::Tokens(tokens), Some(client)) = (&self.kind, self.client()) else { return Ok(None) };
        let mut form = Serializer::new(String::new());
        match &tokens.grant {
            Grant::Refresh(None) => return Ok(None),
            Grant::Refresh(Some(token)) => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", token.expose_secret());
            }
            Grant::Client { scope } => {
                form.append_pair("grant_type", "client_credentials");
                if let Some(scope) = scope {
                    form.append_pair("scope", scope);
                }
            }
            Grant::Jwt(assertion) => {
                form.append_pair("grant_type", JWT_BEARER);
                form.append_pair("assertion", assertion.sign(client.id, ask.now)?.expose_secret());
            }
        }
        // The login server that an assertion is for is the one that takes it.
        let login = match &tokens.grant {
            Grant::Jwt(assertion) if assertion.audience.starts_with("https://") => {
                Some(assertion.audience.as_str())
            }
            _ => None,
        };
        Ok(Some(outgoing(form, client, ask, login)))
    }
}

/// The request that trades the code of a consent for tokens (RFC 6749 4.1.3, RFC 7636 4.5).
#[must_use]
pub fn code_request(
    client: Client<'_>,
    ask: &TokenAsk<'_>,
    code: &SecretString,
    verifier: &SecretString,
    redirect_uri: &str,
) -> Outgoing {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code");
    form.append_pair("code", code.expose_secret());
    form.append_pair("redirect_uri", redirect_uri);
    form.append_pair("code_verifier", verifier.expose_secret());
    outgoing(form, client, ask, None)
}

fn outgoing(
    mut form: Serializer<'_, String>,
    client: Client<'_>,
    ask: &TokenAsk<'_>,
    login: Option<&str>,
) -> Outgoing {
    form.append_pair("client_id", client.id);
    if let Some(secret) = client.secrets.get(ask.client_secret) {
        form.append_pair("client_secret", secret.expose_secret());
    }
    let url = match (client.token_url, ask.base_url.or(login)) {
        (Some(url), _) => url.to_owned(),
        (None, Some(base)) => moved(ask.endpoint.url, base),
        (None, None) => ask.endpoint.url.to_owned(),
    };
    let headers = vec![
        ("content-type".to_owned(), "application/x-www-form-urlencoded".into()),
        ("accept".to_owned(), "application/json".into()),
    ];
    let body = form.finish().into_bytes();
    Outgoing { method: Method::Post, url, headers, body, timeout: ask.timeout, question: None }
}

/// The path of `url` at another base.
pub(crate) fn moved(url: &str, base: &str) -> String {
    let path = url::Url::parse(url).map(|parsed| parsed.path().to_owned()).unwrap_or_default();
    format!("{}{path}", base.trim_end_matches('/'))
}
