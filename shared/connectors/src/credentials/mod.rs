//! Secrets as people write them, and how tokens are had with them, as pure functions.
//!
//! No secret value ever stands in an error or in a `Debug` text: what cannot be read is named, never quoted.
//!
//! - `parse` the JSON · `app` what an OAuth app's secret adds · `jwt` signed assertions · `connected` a consent's secret
//! - `request` asking for tokens · `answer` what came back · `account` whose they are

mod account;
mod answer;
mod app;
mod connected;
mod jwt;
mod parse;
mod request;
#[cfg(test)]
mod tests;

pub use account::same_account;
pub use answer::{RefreshFailure, Refreshed, read_tokens, write_back};
pub use app::App;
pub use connected::connected;
pub(crate) use request::moved;
pub use request::{Client, TokenAsk, code_request};

use crate::credentials::jwt::Assertion;
use rtr_core::time::Instant;
use secrecy::{ExposeSecret, SecretString};

/// A token is renewed so long before it ends, in milliseconds: a call under way must not outlive it.
pub const REFRESH_EARLY_MS: i64 = 5 * 60 * 1_000;

/// Where and how access tokens are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenEndpoint {
    /// The provider's own token URL, used unless the secret names one.
    pub url: &'static str,
    /// How long a token lives when the answer does not say, in seconds; 0: nobody knows, it is used until it is refused.
    pub default_life_s: i64,
}

/// A connection's secret, read.
pub struct Credential {
    kind: Kind,
    instance_url: Option<String>,
    webhook: Vec<SecretString>,
}

enum Kind {
    /// A token that lasts: a private app's, a service key.
    Bearer(SecretString),
    /// The value of the `authorization` header, made of a name and a password.
    Basic(SecretString),
    /// A header of the CRM's own.
    Header(String, SecretString),
    /// An access token that ends, and what renews it.
    Tokens(Box<Tokens>),
}

/// An access token that ends, and what renews it.
struct Tokens {
    app: Option<String>,
    client_id: Option<String>,
    /// The newest first.
    client_secrets: Vec<SecretString>,
    grant: Grant,
    access_token: Option<SecretString>,
    expires_at: Option<Instant>,
    token_url: Option<String>,
}

/// What an access token is renewed with.
enum Grant {
    /// A refresh token, if there is one.
    Refresh(Option<SecretString>),
    /// The client itself.
    Client { scope: Option<String> },
    /// A signed assertion for a user.
    Jwt(Assertion),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({})", self.kind_name())
    }
}

impl Credential {
    /// The secret's `type`.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Bearer(_) => "bearer",
            Kind::Basic(_) => "basic",
            Kind::Header(..) => "header",
            Kind::Tokens(tokens) => match &tokens.grant {
                Grant::Refresh(_) => "oauth2",
                Grant::Client { .. } => "client_credentials",
                Grant::Jwt(_) => "jwt_bearer",
            },
        }
    }

    /// The OAuth app whose secret must be joined by [`Credential::with_app`], if it names one.
    #[must_use]
    pub fn app(&self) -> Option<&str> {
        self.tokens().and_then(|tokens| tokens.app.as_deref())
    }

    /// The headers that authorise a request; none while there is no access token.
    #[must_use]
    pub fn headers(&self) -> Option<Vec<(String, SecretString)>> {
        let bearer = |token: &SecretString| format!("Bearer {}", token.expose_secret()).into();
        let (name, value) = match &self.kind {
            Kind::Bearer(token) => ("authorization", bearer(token)),
            Kind::Basic(value) => ("authorization", value.clone()),
            Kind::Header(name, value) => (name.as_str(), value.clone()),
            Kind::Tokens(tokens) => ("authorization", bearer(tokens.access_token.as_ref()?)),
        };
        Some(vec![(name.to_owned(), value)])
    }

    /// When the access token ends, if that is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<Instant> {
        self.tokens().and_then(|tokens| tokens.expires_at)
    }

    /// Whether something can be had to renew the access token with.
    #[must_use]
    pub fn can_refresh(&self) -> bool {
        self.tokens().is_some_and(|tokens| !matches!(tokens.grant, Grant::Refresh(None)))
    }

    /// Whether to renew before sending anything. A token of unknown life, or one that nothing renews, is used until it
    /// is refused.
    #[must_use]
    pub fn needs_refresh(&self, now: Instant) -> bool {
        let ending = |at: Instant| at.since_ms(now) <= REFRESH_EARLY_MS;
        let due = |tokens: &Tokens| tokens.access_token.is_none() || tokens.expires_at.is_some_and(ending);
        self.tokens().is_some_and(due) && self.can_refresh()
    }

    /// Where the account's API is, if the secret says so.
    #[must_use]
    pub fn instance_url(&self) -> Option<&str> {
        self.instance_url.as_deref()
    }

    /// What the CRM signs its webhooks with, the newest first; none where none is known. An app's stand behind the
    /// connection's own.
    #[must_use]
    pub fn webhook_secrets(&self) -> &[SecretString] {
        &self.webhook
    }

    /// How many client secrets there are to try: more than one while an app's is being replaced.
    #[must_use]
    pub fn client_secrets(&self) -> usize {
        self.tokens().map_or(0, |tokens| tokens.client_secrets.len())
    }

    fn tokens(&self) -> Option<&Tokens> {
        match &self.kind {
            Kind::Tokens(tokens) => Some(tokens),
            _ => None,
        }
    }
}
