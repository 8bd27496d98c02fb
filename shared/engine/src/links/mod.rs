//! Moving in: links told by a file, written beside what is known, and compared with what the CRM holds.
//!
//! Every step may be done again: a line that is in agrees with itself, and a stamp writes what stands there.
//!
//! - [`import`] a portion of lines into items and claims · [`verify`] what the CRM has of them · [`stamp`] our key on it

mod crm;
mod import;

pub use crm::{Seen, stamp, verify};
pub use import::{Outcome, Writing, import};

use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::links::{Moment, Told};
use rtr_core::mapping::{Key, Mapping, MappingError, Subject};
use rtr_core::time::Instant;

/// Where links are imported to.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    /// The connection.
    pub connection: ConnectionKey,
    /// The type of the records.
    pub record_type: String,
    /// The mapping of that type there.
    pub mapping: &'a Mapping,
    /// Its revision.
    pub mapping_revision: u64,
    /// When the links count as made.
    pub linked_at: Instant,
    /// Who writes.
    pub by: String,
}

impl Target<'_> {
    fn key(&self, told: &Told) -> PairKey {
        let record = RecordKey::new(&self.connection.org_id, &self.record_type, &told.record_id);
        PairKey::new(&record, &self.connection)
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            object: &self.mapping.object,
            mapping_revision: self.mapping_revision,
            linked_at: self.linked_at,
            by: &self.by,
        }
    }

    /// The CRM's property by which our records are known, if the mapping has one.
    #[must_use]
    pub fn key_property(&self) -> Option<&str> {
        match &self.mapping.key {
            Key::Property { name } => Some(name),
            Key::Intent => self.mapping.marker.as_deref(),
        }
    }

    fn key_value(&self, told: &Told) -> Result<Option<String>, MappingError> {
        self.mapping.key_value(&Subject {
            org_id: &self.connection.org_id,
            record_type: &self.record_type,
            record_id: &told.record_id,
        })
    }
}
