//! One dead letter as the index shows it.

use super::decision::Seen;
use crate::seams::{Named, Names};
use rtr_core::digest;
use rtr_core::key::{PairKey, Whose};
use rtr_core::time::Instant;
use serde::{Deserialize, Serialize};

/// What stands for no connection in an item's key.
const NO_CONNECTION: &str = "-";
/// What begins the key of an item that belongs to no record.
const UNATTRIBUTED: &str = "!unattributed#";
/// Characters of an id: enough that two of a table never meet, few enough to copy.
const ID_CHARS: usize = 16;

/// A dead letter, in the shape that scripts rely on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Stable: the same record and connection always have it.
    pub id: String,
    /// The org, as far as it could be told.
    pub org_id: Option<String>,
    /// The connection.
    pub connection: Option<String>,
    /// The record type.
    pub record_type: Option<String>,
    /// The record id.
    pub record_id: Option<String>,
    /// The dead version.
    pub version: Option<u64>,
    /// The class of the reason.
    pub reason: String,
    /// The code.
    pub code: Option<String>,
    /// Our words.
    pub message: String,
    /// The field at fault.
    pub field: Option<String>,
    /// Since when.
    pub at: String,
    /// Receives so far.
    pub attempts: u32,
    /// `in`: it is of a CRM's record on its way to the internal system, and type and id are the CRM's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<&'static str>,
    /// The item.
    #[serde(skip)]
    pub key: PairKey,
    /// Since when, as the index sorts.
    #[serde(skip)]
    pub since: Instant,
}

/// The summary in the index. Codes are text here: a newer version of the functions may know more of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Summary {
    org_id: Option<String>,
    connection: Option<String>,
    record_type: Option<String>,
    record_id: Option<String>,
    version: Option<u64>,
    reason: String,
    code: Option<String>,
    message: String,
    field: Option<String>,
    attempts: u32,
}

impl Letter {
    /// The letter of the item under `key`, by its summary in the index.
    #[must_use]
    pub fn read(key: PairKey, since: Instant, summary: &str) -> Self {
        let summary: Summary = serde_json::from_str(summary).unwrap_or_else(|_| Summary {
            message: "the summary cannot be read; rtr dlq show reads the item itself".to_owned(),
            ..Summary::default()
        });
        Self::summed_up(key, since, summary)
    }

    fn summed_up(key: PairKey, since: Instant, summary: Summary) -> Self {
        // A body that nobody could read has no version: the item's 0 stands for none.
        let unread = key.pk.starts_with(UNATTRIBUTED) && summary.version == Some(0);
        Self {
            id: id(&key),
            org_id: summary.org_id,
            connection: summary.connection.filter(|name| name != NO_CONNECTION),
            record_type: summary.record_type,
            record_id: summary.record_id,
            version: summary.version.filter(|_| !unread),
            reason: summary.reason,
            code: summary.code,
            message: summary.message,
            field: summary.field,
            at: since.to_rfc3339(),
            attempts: summary.attempts,
            direction: (key.whose() == Whose::External).then_some("in"),
            key,
            since,
        }
    }

    /// The letter of an item as it was read; none when nothing is dead there.
    #[must_use]
    pub fn of(named: &Named) -> Option<Self> {
        let slot = named.item.dead()?;
        let Names { org_id, connection, record_type, record_id } = named.names.clone();
        let summary = Summary {
            org_id,
            connection,
            record_type,
            record_id,
            version: Some(slot.wanted_version),
            reason: slot.reason.class().to_owned(),
            code: Some(slot.reason.code.to_string()),
            message: slot.reason.message.clone(),
            field: slot.reason.field.clone(),
            attempts: slot.attempts,
        };
        Some(Self::summed_up(named.key.clone(), slot.since, summary))
    }

    /// Whether it belongs to no record: its body could not be read.
    #[must_use]
    pub fn is_unattributed(&self) -> bool {
        self.key.pk.starts_with(UNATTRIBUTED)
    }

    /// What was listed, to be told from what lies there later.
    #[must_use]
    pub fn seen(&self) -> Seen {
        Seen { version: self.version, since: self.since }
    }

    /// The plain names, for a write of the item.
    #[must_use]
    pub fn names(&self) -> Names {
        Names {
            org_id: self.org_id.clone(),
            connection: self.connection.clone(),
            record_type: self.record_type.clone(),
            record_id: self.record_id.clone(),
        }
    }

    /// Whose it is, in a line.
    #[must_use]
    pub fn whose(&self) -> String {
        let part = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
        let record = format!("{} {} {}", part(&self.org_id), part(&self.record_type), part(&self.record_id));
        self.connection
            .as_ref()
            .map_or_else(|| record.clone(), |connection| format!("{record} at {connection}"))
    }
}

/// What people name an item by.
#[must_use]
pub fn id(key: &PairKey) -> String {
    let mut id = digest::short_hex(format!("{}\n{}", key.pk, key.sk).as_bytes());
    id.truncate(ID_CHARS);
    id
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rtr_core::key::{ConnectionKey, RecordKey};

    pub(in super::super) fn letter(id: &str, connection: &str, at: i64, summary: &str) -> Letter {
        let key =
            PairKey::new(&RecordKey::new("acme", "contact", id), &ConnectionKey::new("acme", connection));
        Letter::read(key, Instant(at), summary)
    }

    const SUMMARY: &str = r#"{"org_id":"acme","connection":"hubspot","record_type":"contact","record_id":"c-1",
        "version":7,"reason":"rejected","code":"RTR3001","message":"the CRM refused a value","field":"email",
        "at":"x","attempts":2}"#;

    #[test]
    fn given_a_summary_when_read_then_the_json_is_exactly_the_contracts() {
        let letter = letter("c-1", "hubspot", 1_795_000_000_000, SUMMARY);
        insta::assert_snapshot!(serde_json::to_string(&letter).unwrap(), @r#"{"id":"7ba3413ad828a995","org_id":"acme","connection":"hubspot","record_type":"contact","record_id":"c-1","version":7,"reason":"rejected","code":"RTR3001","message":"the CRM refused a value","field":"email","at":"2026-11-18T11:06:40.000Z","attempts":2}"#);
        assert_eq!(letter.whose(), "acme contact c-1 at hubspot");
    }

    #[test]
    fn given_what_nobody_could_attribute_when_read_then_what_is_unknown_is_null() {
        let key = PairKey::unattributed(b"{");
        let summary = r#"{"org_id":null,"connection":"-","record_type":null,"record_id":null,"version":0,
            "reason":"malformed","code":"RTR1001","message":"m","field":null,"at":"x","attempts":1}"#;
        let letter = Letter::read(key, Instant(0), summary);
        assert_eq!((letter.connection.clone(), letter.version, letter.is_unattributed()), (None, None, true));
        assert!(Letter::read(PairKey::unattributed(b""), Instant(0), "?").message.contains("cannot be read"));
    }
}
