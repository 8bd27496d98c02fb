//! One parked version as people and scripts see it.

use crate::commands::dlq::letter::{Letter, id};
use rtr_core::item::{Slot, SlotState};
use rtr_core::key::ConnectionKey;
use rtr_core::parked::Seen;
use rtr_core::time::Instant;
use rtr_engine::seams::Named;
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// A parked version. It shares with dead letters what they are filtered and counted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) letter: Letter,
    pub(super) connection: ConnectionKey,
    pub(super) state: SlotState,
    pub(super) not_before: Instant,
    pub(super) seen: Seen,
}

impl Entry {
    /// What is parked in `named` at `connection`; none when nothing is.
    pub(super) fn read(named: &Named, connection: &ConnectionKey) -> Option<Self> {
        let slot = named.item.slot.as_ref()?;
        if !matches!(slot.state, SlotState::Parked | SlotState::Drop | SlotState::Waiting) {
            return None;
        }
        let (names, reason) = (&named.names, &slot.reason);
        let letter = Letter {
            id: id(&named.key),
            org_id: names.org_id.clone(),
            connection: names.connection.clone(),
            record_type: names.record_type.clone(),
            record_id: names.record_id.clone(),
            version: Some(slot.wanted_version),
            reason: reason.class().to_owned(),
            code: Some(reason.code.to_string()),
            message: message(slot),
            field: reason.field.clone(),
            at: slot.since.to_rfc3339(),
            attempts: slot.attempts,
            direction: None,
            key: named.key.clone(),
            since: slot.since,
        };
        let (state, not_before) = (slot.state, slot.not_before);
        Some(Self { letter, connection: connection.clone(), state, not_before, seen: Seen::of(slot) })
    }
}

fn message(slot: &Slot) -> String {
    let dropping = if slot.state == SlotState::Drop { "to be dropped; it waited: " } else { "" };
    format!("{dropping}{}", slot.reason.message)
}

impl Serialize for Entry {
    /// In the shape that scripts rely on.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Letter { id, org_id, connection, record_type, record_id, version, reason, .. } = &self.letter;
        let mut shape = serializer.serialize_struct("Parked", 14)?;
        shape.serialize_field("id", id)?;
        shape.serialize_field("org_id", org_id)?;
        shape.serialize_field("connection", connection)?;
        shape.serialize_field("record_type", record_type)?;
        shape.serialize_field("record_id", record_id)?;
        shape.serialize_field("version", version)?;
        shape.serialize_field("state", &self.state)?;
        shape.serialize_field("reason", reason)?;
        shape.serialize_field("code", &self.letter.code)?;
        shape.serialize_field("message", &self.letter.message)?;
        shape.serialize_field("field", &self.letter.field)?;
        shape.serialize_field("since", &self.letter.at)?;
        shape.serialize_field("not_before", &self.not_before.to_rfc3339())?;
        shape.serialize_field("attempts", &self.letter.attempts)?;
        shape.end()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rtr_core::code::Code;
    use rtr_core::item::{Body, Item, Reason};
    use rtr_core::key::{PairKey, RecordKey};
    use rtr_engine::seams::Names;
    use serde_json::json;

    pub(in super::super) fn entry(record_id: &str, state: SlotState, code: Code) -> Option<Entry> {
        let connection = ConnectionKey::new("acme", "hubspot");
        let slot = Slot {
            trace: None,
            wanted_version: 7,
            mapping_revision: 1,
            state,
            deleted: false,
            body: Body::Inline(json!({"email": "private"})),
            reason: Reason::new(code, "the connection is paused"),
            since: Instant(1_795_000_000_000),
            not_before: Instant(1_795_000_060_000),
            attempts: 1,
            waits: None,
            backfill: false,
            occurred_at: None,
        };
        let names = Names {
            org_id: Some("acme".to_owned()),
            connection: Some("hubspot".to_owned()),
            record_type: Some("contact".to_owned()),
            record_id: Some(record_id.to_owned()),
        };
        let key = PairKey::new(&RecordKey::new("acme", "contact", record_id), &connection);
        let item = Item { slot: Some(slot), ..Item::default() };
        Entry::read(&Named { key, names, item }, &connection)
    }

    #[test]
    fn given_what_is_parked_when_read_then_the_json_is_exactly_the_contracts_and_holds_no_value() {
        let parked = entry("c-1", SlotState::Parked, Code::Paused).unwrap();
        insta::assert_snapshot!(serde_json::to_string(&parked).unwrap(), @r#"{"id":"7ba3413ad828a995","org_id":"acme","connection":"hubspot","record_type":"contact","record_id":"c-1","version":7,"state":"parked","reason":"waiting","code":"RTR4006","message":"the connection is paused","field":null,"since":"2026-11-18T11:06:40.000Z","not_before":"2026-11-18T11:07:40.000Z","attempts":1}"#);
        let dropping = entry("c-1", SlotState::Drop, Code::Paused).unwrap();
        assert!(dropping.letter.message.starts_with("to be dropped"));
        assert_eq!(entry("c-1", SlotState::Dead, Code::Invalid), None);
        assert_eq!(entry("c-1", SlotState::Incomplete, Code::WaitingForReference), None);
    }
}
