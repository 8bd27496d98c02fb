//! What an item says of a record, in the shape that scripts rely on.

use crate::output::{Style, one_line, or_dash, pretty, table};
use rtr_core::code::Code;
use rtr_core::item::{Ended, Item, Recent, Slot, SlotState};
use rtr_core::key::RecordKey;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Record {
    /// The record.
    #[serde(flatten)]
    pub(super) key: RecordKey,
    /// What is known of it, by connection.
    pub(super) connections: BTreeMap<String, At>,
}

/// The record at one connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct At {
    /// The newest fact: dead, parked or deleted, else how the last event ended.
    pub(super) status: &'static str,
    pub(super) applied_version: Option<u64>,
    pub(super) external_id: Option<String>,
    /// The last outcomes, newest first.
    pub(super) recent: Vec<Outcome>,
    pub(super) object: Option<String>,
    pub(super) linked_at: Option<String>,
    pub(super) mapping_revision: Option<u64>,
    /// The version that is not applied, or not wholly.
    pub(super) slot: Option<Waiting>,
    /// What would have been written while the connection was shadowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shadow: Option<Shadowed>,
    /// Since when a create is under way whose outcome is not known.
    pub(super) create_open_since: Option<String>,
}

/// One outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Outcome {
    pub(super) at: String,
    pub(super) version: u64,
    pub(super) outcome: &'static str,
    pub(super) code: Option<Code>,
    pub(super) message: Option<String>,
    pub(super) field: Option<String>,
}

/// The version that is not applied.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Waiting {
    pub(super) state: SlotState,
    pub(super) version: u64,
    pub(super) operation: &'static str,
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) field: Option<String>,
    pub(super) since: String,
    pub(super) not_before: Option<String>,
    pub(super) attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crm_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Value>,
}

/// What would have been written: names and a digest, no values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Shadowed {
    pub(super) version: u64,
    pub(super) operation: String,
    pub(super) hash: String,
    pub(super) fields: Vec<String>,
    pub(super) at: String,
}

impl At {
    /// What `item` says.
    pub(super) fn of(item: &Item) -> Self {
        Self {
            status: status(item),
            applied_version: item.applied_version,
            external_id: item.external_id.clone(),
            recent: item.recent.iter().rev().map(|recent| outcome(recent, item)).collect(),
            object: item.object.clone(),
            linked_at: item.linked_at.map(|at| at.to_rfc3339()),
            mapping_revision: item.mapping_revision,
            slot: item.slot.as_ref().map(waiting),
            shadow: item.shadow.as_ref().map(|shadow| Shadowed {
                version: shadow.version,
                operation: shadow.operation.clone(),
                hash: shadow.hash.clone(),
                fields: shadow.fields.clone(),
                at: shadow.at.to_rfc3339(),
            }),
            create_open_since: item.intent.as_ref().map(|intent| intent.at.to_rfc3339()),
        }
    }
}

fn status(item: &Item) -> &'static str {
    match (&item.slot, item.recent.last()) {
        (Some(slot), _) if slot.state == SlotState::Dead => Ended::Dead.as_str(),
        (Some(slot), _) if slot.state == SlotState::Incomplete => Ended::Applied.as_str(),
        (Some(_), _) => Ended::Parked.as_str(),
        (None, _) if item.deleted => "deleted",
        (None, Some(recent)) => recent.ended.as_str(),
        (None, None) if item.applied_version.is_some() => Ended::Applied.as_str(),
        (None, None) => "started",
    }
}

/// An outcome keeps a code only; its words are the code's, or the slot's while that version lies there.
fn outcome(recent: &Recent, item: &Item) -> Outcome {
    let lies_there =
        |slot: &&Slot| slot.wanted_version == recent.version && Some(slot.reason.code) == recent.code;
    let slot = item.slot.as_ref().filter(lies_there);
    let about = recent.code.map(|code| code.about().to_owned());
    Outcome {
        at: recent.at.to_rfc3339(),
        version: recent.version,
        outcome: recent.ended.as_str(),
        code: recent.code,
        message: slot.map(|slot| slot.reason.message.clone()).or(about),
        field: slot.and_then(|slot| slot.reason.field.clone()),
    }
}

fn waiting(slot: &Slot) -> Waiting {
    Waiting {
        state: slot.state,
        version: slot.wanted_version,
        operation: slot.operation().as_str(),
        code: slot.reason.code,
        message: slot.reason.message.clone(),
        field: slot.reason.field.clone(),
        since: slot.since.to_rfc3339(),
        not_before: (slot.not_before.0 > 0).then(|| slot.not_before.to_rfc3339()),
        attempts: slot.attempts,
        crm_message: None,
        data: None,
    }
}

/// The record as people read it.
pub(super) fn words(style: Style, record: &Record) -> String {
    let rows = record.connections.iter().map(|(id, at)| {
        let why =
            at.slot.as_ref().map(|slot| format!("version {}: {} {}", slot.version, slot.code, slot.message));
        let (version, external) = (or_dash(at.applied_version), or_dash(at.external_id.as_ref()));
        vec![id.clone(), at.status.to_owned(), version, external, why.unwrap_or_default()]
    });
    let mut text = table(style, &["connection", "status", "version", "CRM id", "open"], rows.collect());
    let outcomes: Vec<Vec<String>> =
        record.connections.iter().flat_map(|(id, at)| at.recent.iter().map(|one| line(id, one))).collect();
    if !outcomes.is_empty() {
        let header = ["at", "connection", "outcome", "version", "code", "message"];
        text.push_str(&format!("\n\n{}", table(style, &header, outcomes)));
    }
    for (id, shadow) in record.connections.iter().filter_map(|(id, at)| Some((id, at.shadow.as_ref()?))) {
        let Shadowed { version, operation, fields, .. } = shadow;
        text.push_str(&format!(
            "\n\n{id} is shadowed: version {version} would {operation} {}",
            fields.join(", ")
        ));
    }
    for (id, slot) in record.connections.iter().filter_map(|(id, at)| Some((id, at.slot.as_ref()?))) {
        text.extend(
            slot.crm_message.iter().map(|words| format!("\n\n{id}: the CRM says: {}", one_line(words))),
        );
        text.extend(
            slot.data.iter().map(|data| format!("\n\n{id}: version {}\n{}", slot.version, pretty(data))),
        );
    }
    text
}

/// An outcome's cells.
pub(super) fn line(connection: &str, one: &Outcome) -> Vec<String> {
    vec![
        one.at.clone(),
        connection.to_owned(),
        one.outcome.to_owned(),
        one.version.to_string(),
        or_dash(one.code),
        one.message.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::item::{Body, Reason, Shadow, Waits};
    use rtr_core::time::Instant;
    use serde_json::json;

    fn dead() -> Item {
        let reason =
            Reason { field: Some("email".to_owned()), ..Reason::new(Code::Invalid, "email: not an address") };
        let slot = Slot {
            trace: None,
            wanted_version: 8,
            mapping_revision: 1,
            state: SlotState::Dead,
            deleted: false,
            body: Body::Inline(json!({"email": "secret"})),
            reason,
            since: Instant(1_795_000_060_000),
            not_before: Instant(0),
            attempts: 2,
            waits: None,
            backfill: false,
            occurred_at: None,
        };
        let item = Item {
            applied_version: Some(7),
            mapping_revision: Some(1),
            external_id: Some("501".to_owned()),
            object: Some("contacts".to_owned()),
            slot: Some(slot),
            ..Item::default()
        };
        let item = item.noting(Ended::Applied, 7, Instant(1_795_000_000_000), None);
        item.noting(Ended::Dead, 8, Instant(1_795_000_060_000), Some(Code::Invalid))
    }

    fn record() -> Record {
        let connections = BTreeMap::from([("hubspot".to_owned(), At::of(&dead()))]);
        Record { key: RecordKey::new("acme", "contact", "c-1"), connections }
    }

    #[test]
    fn given_a_dead_version_when_shown_as_json_then_the_shape_is_the_contracts() {
        insta::assert_json_snapshot!(record(), @r#"
        {
          "org_id": "acme",
          "record_type": "contact",
          "record_id": "c-1",
          "connections": {
            "hubspot": {
              "status": "dead",
              "applied_version": 7,
              "external_id": "501",
              "recent": [
                {
                  "at": "2026-11-18T11:07:40.000Z",
                  "version": 8,
                  "outcome": "dead",
                  "code": "RTR3001",
                  "message": "email: not an address",
                  "field": "email"
                },
                {
                  "at": "2026-11-18T11:06:40.000Z",
                  "version": 7,
                  "outcome": "applied",
                  "code": null,
                  "message": null,
                  "field": null
                }
              ],
              "object": "contacts",
              "linked_at": null,
              "mapping_revision": 1,
              "slot": {
                "state": "dead",
                "version": 8,
                "operation": "upsert",
                "code": "RTR3001",
                "message": "email: not an address",
                "field": "email",
                "since": "2026-11-18T11:07:40.000Z",
                "not_before": null,
                "attempts": 2
              },
              "create_open_since": null
            }
          }
        }
        "#);
    }

    #[test]
    fn given_a_dead_version_when_shown_plain_then_no_data_stands_there() {
        insta::assert_snapshot!(words(Style::Plain, &record()), @r"
        CONNECTION  STATUS  VERSION  CRM ID  OPEN
        hubspot     dead    7        501     version 8: RTR3001 email: not an address

        AT                        CONNECTION  OUTCOME  VERSION  CODE     MESSAGE
        2026-11-18T11:07:40.000Z  hubspot     dead     8        RTR3001  email: not an address
        2026-11-18T11:06:40.000Z  hubspot     applied  7        -
        ");
    }

    #[test]
    fn given_items_when_asked_for_the_newest_fact_then_slot_and_tombstone_come_before_outcomes() {
        let live = Item { slot: None, ..dead() }.noting(Ended::Unchanged, 9, Instant(0), None);
        assert_eq!(status(&dead()), "dead");
        assert_eq!(status(&live), "unchanged");
        assert_eq!(status(&Item { deleted: true, ..live }), "deleted");
        assert_eq!(status(&Item::default()), "started");
    }

    #[test]
    fn given_a_record_written_without_its_reference_when_shown_then_it_is_applied_and_says_what_is_missing() {
        let waits =
            Waits { record_type: "company".to_owned(), record_id: "k".to_owned(), look_at: Instant(0) };
        let message = "written without the company in `company`, which is not linked; completed when it is";
        let slot = Slot {
            state: SlotState::Incomplete,
            reason: Reason::new(Code::WaitingForReference, message),
            waits: Some(waits),
            ..dead().slot.unwrap()
        };
        let shadow = Shadow {
            version: 9,
            mapping_revision: 1,
            operation: "upsert".to_owned(),
            hash: "ab".to_owned(),
            fields: vec!["email".to_owned(), "firstname".to_owned()],
            at: Instant(0),
        };
        let item = Item { slot: Some(slot), shadow: Some(shadow), recent: Vec::new(), ..dead() };
        let connections = BTreeMap::from([("hubspot".to_owned(), At::of(&item))]);
        let record = Record { key: RecordKey::new("acme", "contact", "c-1"), connections };
        insta::assert_snapshot!(words(Style::Plain, &record), @r"
        CONNECTION  STATUS   VERSION  CRM ID  OPEN
        hubspot     applied  7        501     version 8: RTR4005 written without the company in `company`, which is not linked; completed when it is

        hubspot is shadowed: version 9 would upsert email, firstname
        ");
    }
}
