//! Connecting an account: a person consents at the CRM, and is sent back here with a code that is traded for tokens.
//!
//! A state is random, serves once, ends after ten minutes, and says by itself what its answer is for: nothing that the
//! browser brings decides which connection is written.
//!
//! - `begin` the question, asked by `rtr connection connect` · `trade` code to secret to tested connection · `page` what
//!   the person sees

mod begin;
mod page;
mod trade;

pub use begin::{Begin, BeginError, Begun, CONSENT_MS, Ready, begin, prepare};
pub use page::Page;

use crate::batch::Settings;
use crate::seams::{ConsentEnding, Consents, Seams};
use rtr_connectors::oauth::{Callback, callback};
use rtr_core::time::Instant;
use trade::trade;

/// Handles what the person's browser brought back: the query of the callback's address.
pub async fn run(
    seams: &Seams<'_>,
    consents: &dyn Consents,
    settings: &Settings,
    query: &str,
    deadline: Instant,
) -> Page {
    let read = callback(query);
    let state = match &read {
        Callback::Code { state, .. } | Callback::Denied { state, .. } => state,
        Callback::Unreadable => return Page::unreadable(),
    };
    let consent = match consents.take_consent(state).await {
        Ok(Some(consent)) => consent,
        Ok(None) => return Page::unknown_state(),
        Err(error) => {
            tracing::error!(event = "consent", message = %error);
            return Page::unavailable();
        }
    };
    let ending = match &read {
        Callback::Code { code, .. } => trade(seams, settings, &consent, code, deadline).await,
        Callback::Denied { by_person: true, .. } => failed("the consent was not given; nothing was changed"),
        _ => failed(
            "the CRM refused the question: check the app's scopes and its redirect address; nothing was changed",
        ),
    };
    if let Err(error) = consents.end_consent(state, &ending).await {
        tracing::warn!(event = "consent", message = %error);
    }
    tracing::info!(
        event = "consent",
        org_id = consent.org_id,
        connection = consent.connection,
        connected = ending.connected,
        message = ending.message
    );
    Page::of(&consent, &ending)
}

fn failed(why: impl Into<String>) -> ConsentEnding {
    ConsentEnding { connected: false, message: why.into(), account: None }
}
