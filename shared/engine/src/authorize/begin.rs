//! The question: which app asks, for what, and what its answer will be for.

use crate::seams::{Consent, Consents, Seams};
use rtr_connectors::credentials::{App, Client, Credential};
use rtr_connectors::oauth::{ConsentAsk, consent_url, is_redirect_uri};
use rtr_connectors::registry;
use rtr_core::config::Connection;
use rtr_core::time::Instant;
use secrecy::SecretString;

/// How long a person has to consent, in milliseconds.
pub const CONSENT_MS: i64 = 10 * 60 * 1_000;

/// What to ask.
#[derive(Debug, Clone, Copy)]
pub struct Begin<'a> {
    /// The org.
    pub org_id: &'a str,
    /// The connection that will be connected.
    pub connection: &'a Connection,
    /// The OAuth app; none: the one that the connection's secret names, or its own client.
    pub app: Option<&'a str>,
    /// What is asked for; none: the provider's default.
    pub scope: Option<&'a str>,
    /// The stack's callback.
    pub redirect_uri: &'a str,
}

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The consent page, for the person's browser.
    pub url: String,
    /// What the answer is waited for with.
    pub state: String,
    /// After this no answer counts.
    pub until: Instant,
}

/// Why there is nothing to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    /// Something must be set up first.
    #[error("{0}")]
    Setup(String),
    /// AWS does not answer.
    #[error("{0}")]
    Unavailable(String),
}

/// A question that can be asked, and that nobody has noted yet.
#[derive(Debug)]
pub struct Ready {
    begun: Begun,
    consent: Consent,
}

impl Ready {
    /// Notes the question and gives the address to ask it at.
    ///
    /// # Errors
    /// That AWS does not answer.
    pub async fn note(self, consents: &dyn Consents) -> Result<Begun, BeginError> {
        let put = consents.put_consent(&self.begun.state, &self.consent).await;
        put.map_err(|error| BeginError::Unavailable(format!("the question cannot be noted: {error}")))?;
        Ok(self.begun)
    }
}

/// Prepares the question, notes it and gives the address to ask it at.
///
/// # Errors
/// What has to be set up first, or that AWS does not answer.
pub async fn begin(seams: &Seams<'_>, consents: &dyn Consents, ask: &Begin<'_>) -> Result<Begun, BeginError> {
    prepare(seams, ask).await?.note(consents).await
}

/// Prepares the question: nothing is changed yet.
///
/// # Errors
/// What has to be set up first, or that AWS does not answer.
pub async fn prepare(seams: &Seams<'_>, ask: &Begin<'_>) -> Result<Ready, BeginError> {
    let provider = &ask.connection.provider;
    let facts = registry::by_name(provider).and_then(|connector| connector.consent()).ok_or_else(|| {
        BeginError::Setup(format!("{provider} has no consent page: store the connection's secret by hand"))
    })?;
    if !is_redirect_uri(ask.redirect_uri) {
        return Err(BeginError::Setup("the stack's AuthorizeUrl is no address to come back to".to_owned()));
    }
    let (app, client) = client(seams, ask).await?;
    // Two draws of 128 bits: a verifier has 43 characters or more (RFC 7636 4.1).
    let verifier: SecretString = format!("{}{}", seams.clock.nonce(), seams.clock.nonce()).into();
    let state = seams.clock.nonce();
    let until = seams.clock.now().plus_ms(CONSENT_MS);
    let url = consent_url(
        facts,
        &ConsentAsk {
            client_id: client.client().id,
            redirect_uri: ask.redirect_uri,
            scope: ask.scope,
            state: &state,
            verifier: &verifier,
            base_url: ask.connection.base_url.as_deref(),
        },
    );
    let consent = Consent {
        org_id: ask.org_id.to_owned(),
        connection: ask.connection.id.clone(),
        provider: provider.clone(),
        app,
        verifier,
        redirect_uri: ask.redirect_uri.to_owned(),
        until,
    };
    Ok(Ready { begun: Begun { url, state, until }, consent })
}

/// Who asks: an app's secret, or the client in the connection's own.
pub(super) enum Asker {
    App(App),
    Own(Credential),
}

impl Asker {
    pub(super) fn client(&self) -> Client<'_> {
        match self {
            Self::App(app) => app.client(),
            // Only one with a client is made.
            Self::Own(credential) => {
                credential.client().unwrap_or(Client { id: "", secrets: &[], token_url: None })
            }
        }
    }
}

async fn client(seams: &Seams<'_>, ask: &Begin<'_>) -> Result<(Option<String>, Asker), BeginError> {
    let secret = &ask.connection.secret;
    let own = match read(seams, secret).await? {
        // One that cannot be read is about to be replaced.
        Some(text) => Credential::parse(&text).ok(),
        None => None,
    };
    let app = ask.app.or(own.as_ref().and_then(Credential::app)).map(str::to_owned);
    match (app, own) {
        (Some(app), _) => {
            let asker = asker_of_app(seams, &app, secret).await?;
            Ok((Some(app), asker))
        }
        (None, Some(own)) if own.client().is_some() => Ok((None, Asker::Own(own))),
        (None, _) => Err(BeginError::Setup(format!(
            "neither an app nor the secret {secret} says which OAuth client asks: store the app's client_id and \
             client_secrets as rtr/<stage>/apps/<name> and name it with --app"
        ))),
    }
}

/// The asker of a consent that was begun.
pub(super) async fn asker(seams: &Seams<'_>, app: Option<&str>, secret: &str) -> Result<Asker, BeginError> {
    if let Some(app) = app {
        return asker_of_app(seams, app, secret).await;
    }
    let own = read(seams, secret).await?.and_then(|text| Credential::parse(&text).ok());
    let own = own.filter(|own| own.client().is_some());
    own.map(Asker::Own)
        .ok_or_else(|| BeginError::Setup(format!("the secret {secret} names no client any more")))
}

async fn asker_of_app(seams: &Seams<'_>, app: &str, secret: &str) -> Result<Asker, BeginError> {
    let name = App::secret_name(app, secret).map_err(BeginError::Setup)?;
    let text = read(seams, &name).await?.ok_or_else(|| {
        BeginError::Setup(format!(
            "there is no secret {name}: it holds the app's client_id and client_secrets"
        ))
    })?;
    let parsed = App::parse(&text);
    parsed
        .map(Asker::App)
        .map_err(|why| BeginError::Setup(format!("the secret {name} cannot be used: {why}")))
}

async fn read(seams: &Seams<'_>, name: &str) -> Result<Option<SecretString>, BeginError> {
    let read = seams.secrets.read(name).await;
    let read =
        read.map_err(|error| BeginError::Unavailable(format!("the secret cannot be read: {error}")))?;
    Ok(read.map(|secret| secret.text))
}
