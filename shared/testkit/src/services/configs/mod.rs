//! Laws of `Configs`: what was applied, from a cache with an expiry.

pub mod revisions;

use async_trait::async_trait;
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
    /// Lets time go by.
    fn pass_ms(&self, ms: i64);
}
