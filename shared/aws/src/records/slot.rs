//! A slot and a shadow as attributes and back.

use super::item::DELETED;
use crate::attributes::{Row, Unreadable, map, n, number, required, s, text};
use aws_sdk_dynamodb::types::AttributeValue;
use rtr_core::code::Code;
use rtr_core::item::{Body, Reason, Shadow, Slot, SlotState, Waits};
use rtr_core::time::Instant;
use rtr_core::trace::Trace;
use std::collections::HashMap;

/// The `lane` of what came by a backfill, as on the message that brought it.
const BULK: &str = rtr_core::change::BULK;

pub(super) fn slot(slot: &Slot) -> AttributeValue {
    let state = match slot.state {
        SlotState::Parked => "parked",
        SlotState::Dead => "dead",
        SlotState::Drop => "drop",
        SlotState::Waiting => "waiting",
        SlotState::Incomplete => "incomplete",
    };
    // The data is JSON text: exact for every number, and no deeper than DynamoDB's 32 levels.
    let (body, data) = match &slot.body {
        Body::Inline(value) => ("data", value.to_string()),
        Body::Stored(key) => ("data_ref", key.clone()),
    };
    let mut fields = HashMap::from([
        ("wanted_version".to_owned(), n(slot.wanted_version)),
        ("mapping_revision".to_owned(), n(slot.mapping_revision)),
        ("state".to_owned(), s(state)),
        (body.to_owned(), s(data)),
        ("reason".to_owned(), reason(&slot.reason)),
        ("since".to_owned(), n(slot.since.0)),
        ("attempts".to_owned(), n(slot.attempts)),
    ]);
    if slot.deleted {
        fields.insert("op".to_owned(), s(DELETED));
    }
    if slot.not_before != Instant(0) {
        fields.insert("not_before".to_owned(), n(slot.not_before.0));
    }
    if slot.backfill {
        fields.insert("lane".to_owned(), s(BULK));
    }
    fields.extend(slot.occurred_at.map(|at| ("occurred_at".to_owned(), n(at.0))));
    fields.extend(slot.trace.as_ref().map(|trace| ("trace".to_owned(), s(trace.to_traceparent()))));
    if let Some(on) = &slot.waits {
        fields.insert("waits".to_owned(), waits(on));
    }
    AttributeValue::M(fields)
}

pub(super) fn read_slot(row: &Row) -> Result<Slot, Unreadable> {
    let state = match text(row, "state")? {
        Some("parked") => SlotState::Parked,
        Some("dead") => SlotState::Dead,
        Some("drop") => SlotState::Drop,
        Some("waiting") => SlotState::Waiting,
        Some("incomplete") => SlotState::Incomplete,
        _ => return Err(Unreadable { name: "state", wanted: "a slot's state" }),
    };
    let body = match text(row, "data_ref")? {
        Some(key) => Body::Stored(key.to_owned()),
        None => {
            let data = required(text(row, "data")?, "data")?;
            let wrong = |_| Unreadable { name: "data", wanted: "JSON" };
            Body::Inline(serde_json::from_str(data).map_err(wrong)?)
        }
    };
    Ok(Slot {
        wanted_version: required(number(row, "wanted_version")?, "wanted_version")?,
        mapping_revision: required(number(row, "mapping_revision")?, "mapping_revision")?,
        state,
        deleted: text(row, "op")? == Some(DELETED),
        body,
        reason: read_reason(required(map(row, "reason")?, "reason")?)?,
        since: Instant(required(number(row, "since")?, "since")?),
        not_before: Instant(number(row, "not_before")?.unwrap_or(0)),
        attempts: number(row, "attempts")?.unwrap_or(0),
        waits: map(row, "waits")?.map(read_waits).transpose()?,
        backfill: text(row, "lane")? == Some(BULK),
        occurred_at: number(row, "occurred_at")?.map(Instant),
        trace: text(row, "trace")?.and_then(Trace::from_traceparent),
    })
}

fn waits(on: &Waits) -> AttributeValue {
    AttributeValue::M(HashMap::from([
        ("record_type".to_owned(), s(&on.record_type)),
        ("record_id".to_owned(), s(&on.record_id)),
        ("look_at".to_owned(), n(on.look_at.0)),
    ]))
}

fn read_waits(row: &Row) -> Result<Waits, Unreadable> {
    Ok(Waits {
        record_type: required(text(row, "record_type")?, "record_type")?.to_owned(),
        record_id: required(text(row, "record_id")?, "record_id")?.to_owned(),
        look_at: Instant(number(row, "look_at")?.unwrap_or(0)),
    })
}

pub(super) fn shadow(shadow: &Shadow) -> AttributeValue {
    AttributeValue::M(HashMap::from([
        ("version".to_owned(), n(shadow.version)),
        ("mapping_revision".to_owned(), n(shadow.mapping_revision)),
        ("operation".to_owned(), s(&shadow.operation)),
        ("hash".to_owned(), s(&shadow.hash)),
        ("fields".to_owned(), AttributeValue::L(shadow.fields.iter().map(s).collect())),
        ("at".to_owned(), n(shadow.at.0)),
    ]))
}

pub(super) fn read_shadow(row: &Row) -> Result<Shadow, Unreadable> {
    let fields = row.get("fields").and_then(|value| value.as_l().ok()).into_iter().flatten();
    Ok(Shadow {
        version: required(number(row, "version")?, "version")?,
        mapping_revision: number(row, "mapping_revision")?.unwrap_or(0),
        operation: text(row, "operation")?.unwrap_or_default().to_owned(),
        hash: text(row, "hash")?.unwrap_or_default().to_owned(),
        fields: fields.filter_map(|field| field.as_s().ok().cloned()).collect(),
        at: Instant(number(row, "at")?.unwrap_or(0)),
    })
}

fn reason(reason: &Reason) -> AttributeValue {
    let mut fields = HashMap::from([
        ("code".to_owned(), s(reason.code.as_str())),
        ("message".to_owned(), s(&reason.message)),
    ]);
    for (name, value) in [("field", &reason.field), ("crm_message", &reason.crm_message)] {
        value.iter().for_each(|value| drop(fields.insert(name.to_owned(), s(value))));
    }
    AttributeValue::M(fields)
}

fn read_reason(row: &Row) -> Result<Reason, Unreadable> {
    let code = required(text(row, "code")?, "code")?;
    Ok(Reason {
        code: code.parse::<Code>().map_err(|_| Unreadable { name: "code", wanted: "a code" })?,
        message: text(row, "message")?.unwrap_or_default().to_owned(),
        field: text(row, "field")?.map(str::to_owned),
        crm_message: text(row, "crm_message")?.map(str::to_owned),
    })
}
