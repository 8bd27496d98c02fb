//! Consents that people are asked for.

use super::Unavailable;
use async_trait::async_trait;
use rtr_core::time::Instant;
use secrecy::SecretString;

/// A person's consent that is being waited for: what its answer will be for.
#[derive(Debug, Clone)]
pub struct Consent {
    /// The org.
    pub org_id: String,
    /// The connection within the org.
    pub connection: String,
    /// The CRM.
    pub provider: String,
    /// The OAuth app; none: the client that the connection's own secret names.
    pub app: Option<String>,
    /// Proves that whoever trades the code in is who asked for it (PKCE).
    pub verifier: SecretString,
    /// Where the person is sent back to.
    pub redirect_uri: String,
    /// After this the answer counts no more.
    pub until: Instant,
}

/// How a consent ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConsentEnding {
    /// Whether the connection works now.
    pub connected: bool,
    /// Our words.
    pub message: String,
    /// The account at the CRM.
    pub account: Option<String>,
}

/// Consents under way, by their random state. A state serves once.
#[async_trait]
pub trait Consents: Send + Sync {
    /// Notes what `state` is for.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn put_consent(&self, state: &str, consent: &Consent) -> Result<(), Unavailable>;
    /// What `state` is for, to the first who asks in time; none to anybody else.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn take_consent(&self, state: &str) -> Result<Option<Consent>, Unavailable>;
    /// Notes how the consent ended, for whoever waits for it.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn end_consent(&self, state: &str, ending: &ConsentEnding) -> Result<(), Unavailable>;
    /// How the consent ended, if it has.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn consent_ending(&self, state: &str) -> Result<Option<ConsentEnding>, Unavailable>;
}
