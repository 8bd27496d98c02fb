//! An OAuth app that connections share: its secret, `rtr/<stage>/apps/<name>`, holds what they would else repeat.

use super::parse::{client_secrets, is_app_name, object, plain, webhook};
use super::{Client, Credential, Kind};
use secrecy::SecretString;

/// An OAuth app's secret, read.
pub struct App {
    client_id: String,
    /// The newest first.
    client_secrets: Vec<SecretString>,
    token_url: Option<String>,
    webhook: Vec<SecretString>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}

impl App {
    /// The name of the secret of the app `name`, beside `secret` in the same stage: a function may read no other stage's.
    ///
    /// # Errors
    /// When either is no such name.
    pub fn secret_name(name: &str, secret: &str) -> Result<String, String> {
        if !is_app_name(name) {
            return Err("an app's name is of letters, digits, `-`, `_` and `.`, up to 64".to_owned());
        }
        match secret.split('/').collect::<Vec<_>>()[..] {
            ["rtr", stage, _, ..] if !stage.is_empty() => Ok(format!("rtr/{stage}/apps/{name}")),
            _ => Err(format!("the secret {secret} is not below rtr/<stage>/, where apps are")),
        }
    }

    /// Reads an app's secret.
    ///
    /// # Errors
    /// What is wrong with it, quoting nothing of it.
    pub fn parse(secret: &SecretString) -> Result<Self, String> {
        let object = object(secret)?;
        let client_id = plain(&object, "client_id")?.ok_or("the secret's `client_id` is missing")?;
        Ok(Self {
            client_id,
            client_secrets: client_secrets(&object)?,
            token_url: plain(&object, "token_url")?,
            webhook: webhook(&object)?,
        })
    }

    /// As the one who asks for tokens.
    #[must_use]
    pub fn client(&self) -> Client<'_> {
        Client { id: &self.client_id, secrets: &self.client_secrets, token_url: self.token_url.as_deref() }
    }
}

impl Credential {
    /// The same with what the app's secret says: client id, client secrets, token URL, webhook secrets. The connection's
    /// own token URL wins.
    #[must_use]
    pub fn with_app(mut self, app: App) -> Self {
        if let Kind::Tokens(tokens) = &mut self.kind {
            tokens.client_id = Some(app.client_id);
            tokens.client_secrets = app.client_secrets;
            tokens.token_url = tokens.token_url.take().or(app.token_url);
        }
        self.webhook.extend(app.webhook);
        self
    }

    /// The client that the secret itself names, if it does.
    #[must_use]
    pub fn client(&self) -> Option<Client<'_>> {
        let tokens = self.tokens()?;
        Some(Client {
            id: tokens.client_id.as_deref()?,
            secrets: &tokens.client_secrets,
            token_url: tokens.token_url.as_deref(),
        })
    }
}
