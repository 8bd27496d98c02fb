//! Change Data Capture, relayed through a partner event bus of EventBridge's.
//!
//! <https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture/cdc_event_fields_header.htm>

use super::super::body::id18;
use crate::webhook::{Event, Heard, Part, Unreadable, hint, is_id, stamp};
use rtr_core::inbound::Operation;
use rtr_core::key::join;
use serde_json::Value;

/// What the source of a relayed event begins with; the Salesforce org and the channel follow.
const SOURCE: &str = "aws.partner/salesforce.com/";

/// Reads an EventBridge event around a change event: one says what happened to many records at once.
pub(super) fn read(event: &Value) -> Result<Heard, Unreadable> {
    let detail = event.get("detail").ok_or_else(|| Unreadable("the event has no `detail`".to_owned()))?;
    let header = detail.pointer("/payload/ChangeEventHeader").or_else(|| detail.get("ChangeEventHeader"));
    let header =
        header.ok_or_else(|| Unreadable("the event's `detail` has no ChangeEventHeader".to_owned()))?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    let needed =
        |name: &str| text(name).ok_or_else(|| Unreadable(format!("the ChangeEventHeader has no `{name}`")));
    let (object, change) = (needed("entityName")?, needed("changeType")?);
    if !is_id(object) {
        return Err(Unreadable("the ChangeEventHeader's `entityName` is no name".to_owned()));
    }
    let ids = header.get("recordIds").and_then(Value::as_array);
    let ids = ids.ok_or_else(|| Unreadable("the ChangeEventHeader has no `recordIds`".to_owned()))?;
    let mut heard = Heard::default();
    let operation = match change {
        // A gap: what changed is not told, that it changed is.
        "CREATE" | "UPDATE" | "UNDELETE" | "GAP_CREATE" | "GAP_UPDATE" | "GAP_UNDELETE" => Operation::Upsert,
        "DELETE" | "GAP_DELETE" => Operation::Deleted,
        // An overflow tells of no record; the poll finds what was not told.
        _ => {
            heard.add(Some(Part::SomethingElse));
            return Ok(heard);
        }
    };
    let source = event.get("source").and_then(Value::as_str).and_then(|source| source.strip_prefix(SOURCE));
    let account = source.and_then(|rest| rest.split('/').next()).and_then(id18);
    let at = stamp(header.get("commitTimestamp"));
    let number = header.get("sequenceNumber").map(Value::to_string).unwrap_or_default();
    let commit = header.get("commitNumber").map(Value::to_string).unwrap_or_default();
    // Of one transaction's events none has another's number.
    let transaction = text("transactionKey").unwrap_or(&commit);
    let origin = text("changeOrigin").or_else(|| text("commitUser")).map(hint);
    for id in ids {
        // A wildcard, as for a field that was given another type, names no record.
        let external_id = id.as_str().and_then(id18);
        heard.add(external_id.map(|external_id| {
            let identity = join(&[transaction, &number, change, &external_id]);
            let (operation, origin, account) = (operation.clone(), origin.clone(), account.clone());
            Part::Of(vec![Event {
                object: object.to_owned(),
                external_id,
                operation,
                at,
                origin,
                account,
                identity,
            }])
        }));
    }
    Ok(heard)
}
