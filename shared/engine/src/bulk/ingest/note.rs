//! What is written down of a job before it may run.

use rtr_connectors::connector::Kind;
use rtr_connectors::ingest::Target;
use rtr_core::key::PairKey;
use rtr_core::time::Instant;
use serde::{Deserialize, Serialize};

/// The note in the lane's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The job's id at the CRM.
    pub(super) id: String,
    object: String,
    operation: Operation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    property: Option<String>,
    /// Where the list lies.
    pub(super) list: String,
    /// Until when its records' slots are put off.
    pub(super) held: Instant,
    /// When it was made.
    pub(super) made_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Upsert,
    Update,
    Archive,
}

/// One row of a job: which version of which record it is, and what is kept of it once it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pk: String,
    sk: String,
    /// The version.
    pub(super) version: u64,
    /// The mapping revision it was planned under.
    pub(super) revision: u64,
    /// The digest of what it writes.
    pub(super) hash: String,
    /// The marks of it, in bytes.
    pub(super) base: Vec<u8>,
    /// By what the CRM knows the row: our key's value, or its own id.
    pub(super) id: String,
    /// Whether it is a delete.
    pub(super) deleted: bool,
}

impl Note {
    /// The note of job `id`; none for what no job may do.
    pub(super) fn new(
        id: String,
        target: &Target,
        list: String,
        held: Instant,
        made_at: Instant,
    ) -> Option<Self> {
        let (operation, property) = match &target.kind {
            Kind::Upsert { property } => (Operation::Upsert, Some(property.clone())),
            Kind::Update => (Operation::Update, None),
            Kind::Archive => (Operation::Archive, None),
            Kind::Create | Kind::Erase => return None,
        };
        Some(Self { id, object: target.object.clone(), operation, property, list, held, made_at })
    }

    /// What the job writes.
    pub(super) fn target(&self) -> Target {
        let kind = match self.operation {
            Operation::Upsert => Kind::Upsert { property: self.property.clone().unwrap_or_default() },
            Operation::Update => Kind::Update,
            Operation::Archive => Kind::Archive,
        };
        Target { object: self.object.clone(), kind }
    }

    /// As text.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads [`Self::to_text`]'s text.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl Entry {
    /// The row of the item under `key`, of nothing yet.
    pub(super) fn new(key: &PairKey, version: u64, revision: u64) -> Self {
        let (pk, sk) = (key.pk.clone(), key.sk.clone());
        let (hash, base, id) = (String::new(), Vec::new(), String::new());
        Self { pk, sk, version, revision, hash, base, id, deleted: false }
    }

    /// The item's key.
    pub(super) fn key(&self) -> PairKey {
        PairKey { pk: self.pk.clone(), sk: self.sk.clone() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn given_a_job_of_each_kind_when_noted_and_read_then_it_is_the_same() {
        let upsert = Kind::Upsert { property: "Key__c".to_owned() };
        for kind in [upsert, Kind::Update, Kind::Archive] {
            let target = Target { object: "Contact".to_owned(), kind };
            let note =
                Note::new("750".to_owned(), &target, "jobs/x".to_owned(), Instant(9), Instant(4)).unwrap();
            let read = Note::from_text(&note.to_text()).unwrap();
            assert_eq!((read.target(), read), (target, note));
        }
        assert_eq!(Note::from_text("something else"), None);
    }
}
