//! One environment's memory of the configuration, with the expiry and the grace of the real one.

use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_core::config::OrgConfig;
use rtr_core::time::Instant;
use rtr_engine::seams::{Configs, Unavailable};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long what has expired is used while the table does not answer, in milliseconds.
const GRACE_MS: i64 = 600_000;
/// After a look that failed the next one waits this long, in milliseconds.
const LOOK_AGAIN_MS: i64 = 5_000;

/// The configuration behind a cache, as an environment has it.
pub struct ConfigCache {
    table: Arc<dyn Configs>,
    clock: Arc<dyn Clock>,
    cache_ms: i64,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    config: Arc<OrgConfig>,
    read_at: Instant,
    look_at: Instant,
}

impl ConfigCache {
    /// A cold cache of `table` that holds for `cache_ms` milliseconds of `clock`.
    #[must_use]
    pub fn new(table: Arc<dyn Configs>, clock: Arc<dyn Clock>, cache_ms: i64) -> Self {
        Self { table, clock, cache_ms, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Configs for ConfigCache {
    async fn org(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        let now = self.clock.now();
        let known = self.known().get(org).cloned();
        if let Some(known) = known.as_ref().filter(|known| now < known.look_at) {
            return Ok(known.config.clone());
        }
        self.look(org, known, now).await
    }

    async fn org_anew(&self, org: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        let known = self.known().get(org).cloned();
        self.look(org, known, self.clock.now()).await
    }
}

impl ConfigCache {
    async fn look(
        &self,
        org: &str,
        known: Option<Known>,
        now: Instant,
    ) -> Result<Arc<OrgConfig>, Unavailable> {
        let known = match (self.table.org(org).await, known) {
            (Ok(config), _) => Known { config, read_at: now, look_at: now.plus_ms(self.cache_ms) },
            (Err(_), Some(known)) if now.since_ms(known.read_at) < self.cache_ms + GRACE_MS => {
                Known { look_at: now.plus_ms(LOOK_AGAIN_MS), ..known }
            }
            (Err(error), _) => return Err(error),
        };
        self.known().insert(org.to_owned(), known.clone());
        Ok(known.config)
    }
}
