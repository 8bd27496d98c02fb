//! Who may come in by an org's secret. It fails closed: who cannot be looked up does not come in.

use super::{Settings, Ways};
use crate::seams::Unavailable;
use rtr_core::ingest::secret::{IngestSecret, Presented};
use rtr_core::time::Instant;
use secrecy::ExposeSecret;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A secret that does not let in what comes is read again after this, in milliseconds: it may have been replaced.
const LOOK_AGAIN_MS: i64 = 5_000;
/// While the store does not answer, a secret is good for so many times as long.
const STALE: i64 = 10;
/// Orgs remembered.
const MAX_ORGS: usize = 10_000;

/// The orgs' secrets as last read; also that there is none, so that asking for others' orgs costs nothing.
#[derive(Debug, Default)]
pub struct Known {
    by_org: Mutex<HashMap<String, Read>>,
}

#[derive(Debug, Clone)]
struct Read {
    secret: Option<Arc<IngestSecret>>,
    at: Instant,
}

impl Read {
    fn admits(&self, presented: &Presented<'_>, body: &[u8], now: Instant) -> bool {
        self.secret.as_ref().is_some_and(|secret| secret.admits(presented, body, now))
    }
}

/// Whether what is `presented` with `body` lets in to `org`.
///
/// # Errors
/// When the store of secrets does not answer, and nothing that was read lately lets it in.
pub async fn admits(
    ways: &Ways<'_>,
    settings: &Settings,
    known: &Known,
    org: &str,
    presented: &Presented<'_>,
    body: &[u8],
) -> Result<bool, Unavailable> {
    let now = ways.clock.now();
    // A name with a `/` would be read as one of another kind of secret.
    if org.is_empty() || org.contains('/') || !presented.is_plausible(now) {
        return Ok(false);
    }
    let read = known.get(org);
    if let Some(read) = read.as_ref().filter(|read| now.since_ms(read.at) < settings.cache_ms) {
        if read.admits(presented, body, now) {
            return Ok(true);
        }
        if now.since_ms(read.at) < LOOK_AGAIN_MS {
            return Ok(false);
        }
    }
    let name = format!("rtr/{}/{org}/ingest", settings.stage);
    match ways.secrets.read(&name).await {
        Ok(text) => {
            let secret = text.and_then(|text| match IngestSecret::parse(text.text.expose_secret()) {
                Ok(secret) => Some(Arc::new(secret)),
                Err(why) => {
                    tracing::error!(
                        event = "ingest",
                        org_id = org,
                        error = why,
                        "the org's ingest secret cannot be used"
                    );
                    None
                }
            });
            let read = Read { secret, at: now };
            let lets_in = read.admits(presented, body, now);
            known.keep(org, read);
            Ok(lets_in)
        }
        Err(error) => {
            let lately = |read: &Read| now.since_ms(read.at) < settings.cache_ms * STALE;
            let lets_in = read.is_some_and(|read| lately(&read) && read.admits(presented, body, now));
            if lets_in { Ok(true) } else { Err(error) }
        }
    }
}

// A poisoned lock only says that a thread died elsewhere: what is in the map is still whole.
impl Known {
    fn get(&self, org: &str) -> Option<Read> {
        self.by_org.lock().unwrap_or_else(PoisonError::into_inner).get(org).cloned()
    }

    fn keep(&self, org: &str, read: Read) {
        let mut by_org = self.by_org.lock().unwrap_or_else(PoisonError::into_inner);
        if by_org.len() >= MAX_ORGS {
            by_org.clear();
        }
        by_org.insert(org.to_owned(), read);
    }
}
