//! Laws of `Configs`: what was applied, from a cache with an expiry.

pub mod pauses;
pub mod revisions;

use async_trait::async_trait;
use rtr_core::config::{Pause, Scope};
use rtr_engine::seams::Configs;

/// How long the cache holds, in milliseconds.
pub const CACHE_MS: i64 = 5_000;

/// A table that files are applied to, and one environment's look at it.
#[async_trait]
pub trait Stack: Send + Sync {
    /// The configuration as an environment sees it.
    fn configs(&self) -> &dyn Configs;
    /// Applies files of YAML, each a path and a text, and removes nothing that they lack.
    async fn apply(&self, files: &[(&str, &str)]);
    /// Pauses `scope`; false when it is paused already.
    async fn pause(&self, scope: &Scope, pause: &Pause) -> bool;
    /// Ends the pause of `scope`; none when there was none.
    async fn resume(&self, scope: &Scope) -> Option<Pause>;
    /// Lets time go by.
    fn pass_ms(&self, ms: i64);
}
