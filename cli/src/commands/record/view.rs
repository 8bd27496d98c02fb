//! What an item says of a record, in the shape that scripts rely on.

use super::setting::{Absent, Setting};
use super::steps::{Step, steps};
use super::unread::Unread;
use super::waiting::Waiting;
use crate::schema::foreign;
use rtr_core::code::Code;
use rtr_core::item::{Ended, Item, Recent, Slot, SlotState};
use rtr_core::key::RecordKey;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Record {
    /// The record.
    #[serde(flatten)]
    #[schemars(with = "foreign::Record")]
    pub(super) key: RecordKey,
    /// What is known of it, by connection.
    pub(super) connections: BTreeMap<String, At>,
    /// Why nothing is known of it at others that it would go to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) absent: Vec<Absent>,
    /// Events of it that nobody could use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unread: Vec<Unread>,
}

/// The record at one connection.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
    /// The newest version that is wanted there.
    pub(super) wanted_version: Option<u64>,
    /// The way back: what the internal system was told of the CRM's record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inbound: Option<Back>,
}

/// What the internal system was told of the CRM's record. Versions are the CRM's stamps, in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Back {
    /// How the last of it ended, or that it waits or is dead.
    pub(super) status: &'static str,
    pub(super) told_version: Option<u64>,
    /// The last outcomes, newest first.
    pub(super) recent: Vec<Outcome>,
    /// What could not be told, or not yet.
    pub(super) slot: Option<Waiting>,
}

/// One outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Outcome {
    pub(super) at: String,
    pub(super) version: u64,
    pub(super) outcome: &'static str,
    #[schemars(schema_with = "foreign::code_or_null")]
    pub(super) code: Option<Code>,
    pub(super) message: Option<String>,
    pub(super) field: Option<String>,
    /// The way to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) steps: Vec<Step>,
}

/// What would have been written: names and a digest, no values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Shadowed {
    pub(super) version: u64,
    pub(super) operation: String,
    pub(super) hash: String,
    pub(super) fields: Vec<String>,
    pub(super) at: String,
}

impl At {
    /// What `item` says.
    pub(super) fn of(item: &Item, setting: &Setting) -> Self {
        let told = |recent: &Recent| {
            let one = outcome(recent, item);
            Outcome { steps: steps(recent, one.message.as_deref(), setting), ..one }
        };
        Self {
            status: status(item),
            applied_version: item.applied_version,
            external_id: item.external_id.clone(),
            recent: item.recent.iter().rev().map(told).collect(),
            object: item.object.clone(),
            linked_at: item.linked_at.map(|at| at.to_rfc3339()),
            mapping_revision: item.mapping_revision,
            slot: item.slot.as_ref().map(|slot| Waiting::of(slot, setting)),
            shadow: item.shadow.as_ref().map(|shadow| Shadowed {
                version: shadow.version,
                operation: shadow.operation.clone(),
                hash: shadow.hash.clone(),
                fields: shadow.fields.clone(),
                at: shadow.at.to_rfc3339(),
            }),
            create_open_since: item.intent.as_ref().map(|intent| intent.at.to_rfc3339()),
            wanted_version: item.slot.as_ref().map(|slot| slot.wanted_version).or(item.applied_version),
            inbound: None,
        }
    }
}

impl Back {
    /// What `item`, that of the CRM's record, says; none where nothing ever came of it.
    pub(super) fn of(item: &Item) -> Option<Self> {
        if item.rev == 0 {
            return None;
        }
        let status = match (&item.slot, item.recent.last()) {
            (Some(slot), _) if slot.state == SlotState::Dead => Ended::Dead.as_str(),
            (Some(_), _) => Ended::Parked.as_str(),
            (None, Some(recent)) => recent.ended.as_str(),
            (None, None) => "started",
        };
        Some(Self {
            status,
            told_version: item.applied_version,
            recent: item.recent.iter().rev().map(|recent| outcome(recent, item)).collect(),
            slot: item.slot.as_ref().map(Waiting::back),
        })
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
    // What is told of older ones is what is known of the code, and the field.
    let about = recent.code.map(|code| match &recent.field {
        Some(field) => format!("`{field}`: {}", code.about()),
        None => code.about().to_owned(),
    });
    Outcome {
        at: recent.at.to_rfc3339(),
        version: recent.version,
        outcome: recent.ended.as_str(),
        code: recent.code,
        message: slot.map(|slot| slot.reason.message.clone()).or(about),
        field: slot.and_then(|slot| slot.reason.field.clone()).or_else(|| recent.field.clone()),
        steps: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;
    use crate::output::Style;
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
        let connections = BTreeMap::from([("hubspot".to_owned(), At::of(&dead(), &Setting::sample()))]);
        Record {
            key: RecordKey::new("acme", "contact", "c-1"),
            connections,
            absent: Vec::new(),
            unread: Vec::new(),
        }
    }

    #[test]
    fn given_a_dead_version_when_shown_as_json_then_the_shape_is_the_contracts() {
        crate::schema::tests::holds("record", &record());
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
                  "field": "email",
                  "steps": [
                    {
                      "step": "route",
                      "at": null,
                      "message": "Records of type contact go to hubspot.",
                      "code": null
                    },
                    {
                      "step": "committed",
                      "at": "2026-11-18T11:07:40.000Z",
                      "message": "Dead, and waits for a person: email: not an address.",
                      "code": "RTR3001"
                    }
                  ]
                },
                {
                  "at": "2026-11-18T11:06:40.000Z",
                  "version": 7,
                  "outcome": "applied",
                  "code": null,
                  "message": null,
                  "field": null,
                  "steps": [
                    {
                      "step": "route",
                      "at": null,
                      "message": "Records of type contact go to hubspot.",
                      "code": null
                    },
                    {
                      "step": "committed",
                      "at": "2026-11-18T11:06:40.000Z",
                      "message": "Applied.",
                      "code": null
                    }
                  ]
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
              "create_open_since": null,
              "wanted_version": 8
            }
          }
        }
        "#);
    }

    #[test]
    fn given_a_dead_version_when_shown_plain_then_no_data_stands_there() {
        insta::assert_snapshot!(words(Style::Plain, &record()), @r"
        CONNECTION  STATUS  WANTED  APPLIED  CRM ID  OPEN
        hubspot     dead    8       7        501     version 8: RTR3001 email: not an address

        hubspot, version 8
        AT                        STEP       CODE     WHAT
                                  route               Records of type contact go to hubspot.
        2026-11-18T11:07:40.000Z  committed  RTR3001  Dead, and waits for a person: email: not an address.

        hubspot, before
        AT                        CONNECTION  OUTCOME  VERSION  CODE  MESSAGE
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
        let connections = BTreeMap::from([("hubspot".to_owned(), At::of(&item, &Setting::sample()))]);
        let record = Record {
            key: RecordKey::new("acme", "contact", "c-1"),
            connections,
            absent: Vec::new(),
            unread: Vec::new(),
        };
        insta::assert_snapshot!(words(Style::Plain, &record), @r"
        CONNECTION  STATUS   WANTED  APPLIED  CRM ID  OPEN
        hubspot     applied  8       7        501     version 8: RTR4005 written without the company in `company`, which is not linked; completed when it is (waits for company k)

        hubspot is shadowed: version 9 would upsert email, firstname
        ");
    }
}
