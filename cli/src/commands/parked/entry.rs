//! One parked version as people and scripts see it.

use crate::commands::dlq::letter::{Letter, id};
use crate::schema::foreign;
use rtr_core::item::{Slot, SlotState};
use rtr_core::key::ConnectionKey;
use rtr_core::parked::Seen;
use rtr_core::time::Instant;
use rtr_engine::seams::Named;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

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

/// One in the shape that scripts rely on.
#[derive(Serialize, JsonSchema)]
pub(super) struct Shown<'a> {
    id: &'a str,
    org_id: Option<&'a str>,
    connection: Option<&'a str>,
    record_type: Option<&'a str>,
    record_id: Option<&'a str>,
    version: Option<u64>,
    #[schemars(schema_with = "foreign::state")]
    state: SlotState,
    reason: &'a str,
    code: Option<&'a str>,
    message: &'a str,
    field: Option<&'a str>,
    /// Since when it is parked.
    since: &'a str,
    /// It does not go before this.
    not_before: String,
    attempts: u32,
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { letter, state, not_before, .. } = self;
        let shown = Shown {
            id: &letter.id,
            org_id: letter.org_id.as_deref(),
            connection: letter.connection.as_deref(),
            record_type: letter.record_type.as_deref(),
            record_id: letter.record_id.as_deref(),
            version: letter.version,
            state: *state,
            reason: &letter.reason,
            code: letter.code.as_deref(),
            message: &letter.message,
            field: letter.field.as_deref(),
            since: &letter.at,
            not_before: not_before.to_rfc3339(),
            attempts: letter.attempts,
        };
        shown.serialize(serializer)
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
        crate::schema::tests::fits("parked list", &[&parked, &dropping]);
        assert!(dropping.letter.message.starts_with("to be dropped"));
        assert_eq!(entry("c-1", SlotState::Dead, Code::Invalid), None);
        assert_eq!(entry("c-1", SlotState::Incomplete, Code::WaitingForReference), None);
    }
}
