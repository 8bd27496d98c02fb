//! The version of a record that is not applied: why, for whom or until when, and what a person does about it. Pure.

use super::setting::Setting;
use crate::commands::dlq::letter::id;
use crate::schema::foreign;
use rtr_core::code::Code;
use rtr_core::item::{Slot, SlotState, Waits};
use rtr_core::key::PairKey;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// The version that is not applied.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Waiting {
    #[schemars(schema_with = "foreign::state")]
    pub(super) state: SlotState,
    pub(super) version: u64,
    pub(super) operation: &'static str,
    #[schemars(schema_with = "foreign::code")]
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) field: Option<String>,
    pub(super) since: String,
    pub(super) not_before: Option<String>,
    pub(super) attempts: u32,
    /// The record that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waits_for: Option<WaitsFor>,
    /// What a person does, where it waits for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crm_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Value>,
}

/// A record of the same org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct WaitsFor {
    pub(super) record_type: String,
    pub(super) record_id: String,
}

impl Waiting {
    /// What `slot` says of a record that goes to the connection of `setting`.
    pub(super) fn of(slot: &Slot, setting: &Setting) -> Self {
        let action = match slot.state {
            SlotState::Parked => setting.action(slot.reason.code),
            _ => None,
        };
        Self { action, ..Self::back(slot) }
    }

    /// What `slot` says of a record on its way back.
    pub(super) fn back(slot: &Slot) -> Self {
        let waits_for = |Waits { record_type, record_id, .. }: &Waits| WaitsFor {
            record_type: record_type.clone(),
            record_id: record_id.clone(),
        };
        Self {
            state: slot.state,
            version: slot.wanted_version,
            operation: slot.operation().as_str(),
            code: slot.reason.code,
            message: slot.reason.message.clone(),
            field: slot.reason.field.clone(),
            since: slot.since.to_rfc3339(),
            not_before: (slot.not_before.0 > 0).then(|| slot.not_before.to_rfc3339()),
            attempts: slot.attempts,
            waits_for: slot.waits.as_ref().map(waits_for),
            action: None,
            crm_message: None,
            data: None,
        }
    }

    /// Says by what command more is told of it, if it is dead: it lies under `key`.
    pub(super) fn is_letter(&mut self, key: &PairKey) {
        if self.state == SlotState::Dead {
            self.action = Some(format!("rtr dlq show --id {}", id(key)));
        }
    }

    /// Why it is open, in a line.
    pub(super) fn words(&self) -> String {
        let whom = self
            .waits_for
            .as_ref()
            .map(|WaitsFor { record_type, record_id }| format!("waits for {record_type} {record_id}"));
        let when = self.not_before.as_ref().filter(|_| self.action.is_none()).map(|at| {
            let until = if self.state == SlotState::Waiting { "until" } else { "not before" };
            format!("{until} {at}")
        });
        let rest: Vec<String> = whom.into_iter().chain(when).collect();
        let rest = if rest.is_empty() { String::new() } else { format!(" ({})", rest.join(", ")) };
        format!("version {}: {} {}{rest}", self.version, self.code, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::item::{Body, Reason};
    use rtr_core::key::{ConnectionKey, RecordKey};
    use rtr_core::time::Instant;

    fn slot(state: SlotState, code: Code, message: &str) -> Slot {
        Slot {
            trace: None,
            wanted_version: 8,
            mapping_revision: 1,
            state,
            deleted: false,
            body: Body::Inline(Value::Null),
            reason: Reason::new(code, message),
            since: Instant(1_795_000_000_000),
            not_before: Instant(1_795_000_060_000),
            attempts: 2,
            waits: None,
            backfill: false,
            occurred_at: None,
        }
    }

    #[test]
    fn given_what_is_open_when_told_then_it_says_for_whom_until_when_or_what_to_do() {
        let waits =
            Waits { record_type: "company".to_owned(), record_id: "k-1".to_owned(), look_at: Instant(0) };
        let message = "the company in `company` is not linked yet";
        let waiting =
            Slot { waits: Some(waits), ..slot(SlotState::Waiting, Code::WaitingForReference, message) };
        let parked = slot(SlotState::Parked, Code::Unavailable, "HubSpot answered 503");
        let paused = slot(SlotState::Parked, Code::Paused, "the connection is paused");
        let live = [waiting, parked, paused.clone()].map(|slot| Waiting::of(&slot, &Setting::sample()));
        let by = [Some("acme hubspot"), Some("--provider hubspot"), None];
        let stopped = by.map(|by| Waiting::of(&paused, &Setting::paused(by)));
        let mut told = [live, stopped].concat();
        let dead = Slot { not_before: Instant(0), ..slot(SlotState::Dead, Code::Invalid, "refused") };
        let mut dead = Waiting::of(&dead, &Setting::sample());
        dead.is_letter(&PairKey::new(
            &RecordKey::new("acme", "contact", "c"),
            &ConnectionKey::new("acme", "hubspot"),
        ));
        told.push(dead);
        let line = |one: &Waiting| format!("{} | {}", one.words(), one.action.as_deref().unwrap_or("-"));
        insta::assert_snapshot!(told.iter().map(line).collect::<Vec<_>>().join("\n"), @r"
        version 8: RTR4005 the company in `company` is not linked yet (waits for company k-1, until 2026-11-18T11:07:40.000Z) | -
        version 8: RTR4002 HubSpot answered 503 (not before 2026-11-18T11:07:40.000Z) | -
        version 8: RTR4006 the connection is paused (not before 2026-11-18T11:07:40.000Z) | -
        version 8: RTR4006 the connection is paused | when it may go on: rtr connection resume acme hubspot
        version 8: RTR4006 the connection is paused | when it may go on: rtr connection resume --provider hubspot
        version 8: RTR4006 the connection is paused | when it may go on: set `mode: live` of hubspot in the configuration and apply it
        version 8: RTR3001 refused | rtr dlq show --id a99cd191a4e5c0f4
        ");
    }
}
