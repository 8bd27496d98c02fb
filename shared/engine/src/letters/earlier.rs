//! The mappings that letters died under: what was sent then is known as long as these are kept.

use crate::seams::Unavailable;
use async_trait::async_trait;
use rtr_core::config::{MappingAt, OrgConfig};
use std::sync::Arc;

/// A mapping as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Of {
    /// The org.
    pub org: String,
    /// The connection within the org.
    pub connection: String,
    /// The record type.
    pub record_type: String,
    /// The mapping's revision.
    pub revision: u64,
}

impl Of {
    /// What `config` has in its place.
    #[must_use]
    pub fn mapping<'c>(&self, config: &'c OrgConfig) -> Option<&'c Arc<MappingAt>> {
        config.mapping(&self.connection, &self.record_type)
    }
}

/// What is kept of earlier configuration.
#[async_trait]
pub trait Earlier: Send + Sync {
    /// The org's configuration with that mapping; none where it is not kept, or cannot be used any more. Asked for many at once.
    ///
    /// # Errors
    /// When what is kept does not answer.
    async fn config(&self, of: &Of) -> Result<Option<Arc<OrgConfig>>, Unavailable>;
}
