//! A message's body in, a checked value or the exact complaint out.

use super::{Change, Look, MAX_VERSION, Malformed, Message, Operation, Wake};
use crate::code::Code;
use crate::inbound::Notice;
use crate::key::{MAX_ID_CHARS, RecordKey};
use crate::time::Instant;
use crate::trace::Trace;
use serde_json::{Map, Value};

/// Reads the body of a message.
///
/// # Errors
/// [`Malformed`] with the position of a syntax error or the name of the field at fault.
pub fn parse(body: &str) -> Result<Message, Malformed> {
    let value: Value = serde_json::from_str(body).map_err(|error| Malformed {
        code: Code::MalformedJson,
        field: None,
        message: format!(
            "the body is not JSON: {} at line {} column {}",
            category(&error),
            error.line(),
            error.column()
        ),
    })?;
    let Value::Object(mut top) = value else {
        return Err(wrong(None, format!("the body is {}, a JSON object is expected", kind(&value))));
    };
    // An event may have fields of its own by these names: they make an envelope only around one.
    let bare = top.contains_key("org_id");
    if let Some(wake) = top.remove("wake").filter(|_| !bare) {
        return parse_wake(wake);
    }
    if let Some(look) = top.remove("look").filter(|_| !bare) {
        return parse_look(look);
    }
    if let Some(backfill) = top.remove("backfill").filter(|_| !bare) {
        return parse_backfill(backfill);
    }
    Ok(Message::Change(parse_event(top)?))
}

/// An event, with a CloudEvent around it or not.
fn parse_event(mut top: Map<String, Value>) -> Result<Change, Malformed> {
    let mut around = None;
    if !top.contains_key("org_id") && top.contains_key("specversion") {
        around = take_trace(&mut top);
        top = unwrap_cloud_event(top)?;
    }
    let change = parse_change(top)?;
    let trace = change.trace.or(around);
    Ok(Change { trace, ..change })
}

/// The trace that `from` names; what is no trace is passed over, as its standard wants it.
fn take_trace(from: &mut Map<String, Value>) -> Option<Trace> {
    from.remove("traceparent").as_ref().and_then(Value::as_str).and_then(Trace::from_traceparent)
}

fn parse_change(mut top: Map<String, Value>) -> Result<Change, Malformed> {
    let key = take_key(&mut top)?;
    let version = take_version(&mut top)?;
    let trace = take_trace(&mut top);
    let operation = match top.remove("operation") {
        None | Some(Value::Null) => Operation::Upsert,
        Some(Value::String(name)) => match name.as_str() {
            "upsert" | "created" | "updated" => Operation::Upsert,
            "deleted" => Operation::Deleted,
            _ => {
                let message = "`operation` is none of upsert, created, updated, deleted".to_owned();
                return Err(wrong(Some("operation"), message));
            }
        },
        Some(other) => {
            return Err(wrong(
                Some("operation"),
                format!("`operation` is {}, a string is expected", kind(&other)),
            ));
        }
    };
    let data = match (top.remove("data"), operation) {
        (Some(data @ Value::Object(_)), _) => data,
        (None | Some(Value::Null), Operation::Deleted) => Value::Object(Map::new()),
        (None, Operation::Upsert) => return Err(missing("data")),
        (Some(other), _) => {
            return Err(wrong(Some("data"), format!("`data` is {}, an object is expected", kind(&other))));
        }
    };
    let event_id = match top.remove("event_id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if id.is_empty() => {
            return Err(wrong(Some("event_id"), "`event_id` is empty; leave it out instead".to_owned()));
        }
        Some(Value::String(id)) => Some(id),
        Some(other) => {
            return Err(wrong(
                Some("event_id"),
                format!("`event_id` is {}, a string is expected", kind(&other)),
            ));
        }
    };
    let occurred_at = match top.remove("occurred_at") {
        None | Some(Value::Null) => None,
        // What is no time says nothing of when: the event's arrival stands for it.
        Some(Value::String(at)) => Instant::from_rfc3339(&at).ok(),
        Some(at) => {
            let message = format!("`occurred_at` is {}, a string is expected", kind(&at));
            return Err(wrong(Some("occurred_at"), message));
        }
    };
    Ok(Change {
        key,
        event_id,
        version,
        operation,
        occurred_at,
        data,
        trace,
        unknown_fields: top.len(),
        only: None,
        rewrite: false,
    })
}

/// An event for one connection alone, as a backfill sends it. What is around it is the body's, so that it is not lost on
/// the way from one queue to another.
fn parse_backfill(backfill: Value) -> Result<Message, Malformed> {
    let Value::Object(mut backfill) = backfill else {
        return Err(wrong(
            Some("backfill"),
            format!("`backfill` is {}, an object is expected", kind(&backfill)),
        ));
    };
    let connection = take_id(&mut backfill, "connection")?;
    let rewrite = match backfill.remove("rewrite") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(rewrite)) => rewrite,
        Some(other) => {
            let message = format!("`rewrite` is {}, a boolean is expected", kind(&other));
            return Err(wrong(Some("rewrite"), message));
        }
    };
    match backfill.remove("event") {
        Some(Value::Object(event)) => {
            Ok(Message::Change(Change { only: Some(connection), rewrite, ..parse_event(event)? }))
        }
        Some(other) => {
            Err(wrong(Some("event"), format!("`event` is {}, a change event is expected", kind(&other))))
        }
        None => Err(missing("event")),
    }
}

fn parse_wake(wake: Value) -> Result<Message, Malformed> {
    let Value::Object(mut wake) = wake else {
        return Err(wrong(Some("wake"), format!("`wake` is {}, an object is expected", kind(&wake))));
    };
    let key = take_key(&mut wake)?;
    let version = take_version(&mut wake)?;
    let connection = take_id(&mut wake, "connection")?;
    Ok(Message::Wake(Wake { key, connection, version }))
}

fn parse_look(look: Value) -> Result<Message, Malformed> {
    let Value::Object(mut look) = look else {
        return Err(wrong(Some("look"), format!("`look` is {}, an object is expected", kind(&look))));
    };
    let key = take_key(&mut look)?;
    let notice = Notice::of(look.remove("notice").unwrap_or_default())?;
    let anew = match look.remove("anew") {
        Some(Value::Array(names)) => {
            names.into_iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    Ok(Message::Look(Box::new(Look { key, notice, anew })))
}

fn unwrap_cloud_event(mut envelope: Map<String, Value>) -> Result<Map<String, Value>, Malformed> {
    match envelope.remove("data") {
        Some(Value::Object(event)) => Ok(event),
        Some(other) => Err(wrong(
            Some("data"),
            format!("the CloudEvent's `data` is {}, a change event is expected", kind(&other)),
        )),
        None => Err(Malformed {
            code: Code::MissingField,
            field: Some("data"),
            message: "the CloudEvent has no `data`; a change event in structured JSON mode is expected"
                .to_owned(),
        }),
    }
}

fn take_key(from: &mut Map<String, Value>) -> Result<RecordKey, Malformed> {
    Ok(RecordKey {
        org_id: take_id(from, "org_id")?,
        record_type: take_id(from, "record_type")?,
        record_id: take_id(from, "record_id")?,
    })
}

pub(crate) fn take_id(from: &mut Map<String, Value>, field: &'static str) -> Result<String, Malformed> {
    let id = match from.remove(field) {
        Some(Value::String(id)) => id,
        None => return Err(missing(field)),
        Some(other) => {
            return Err(wrong(Some(field), format!("`{field}` is {}, a string is expected", kind(&other))));
        }
    };
    let length = id.chars().count();
    let bad = |message| Err(Malformed { code: Code::BadId, field: Some(field), message });
    if length == 0 || length > MAX_ID_CHARS {
        return bad(format!("`{field}` has {length} characters, 1 to {MAX_ID_CHARS} are allowed"));
    }
    if let Some(at) = id.chars().position(char::is_control) {
        return bad(format!("`{field}` holds a control character at position {}", at + 1));
    }
    Ok(id)
}

fn take_version(from: &mut Map<String, Value>) -> Result<u64, Malformed> {
    let bad = |message| Err(Malformed { code: Code::BadVersion, field: Some("version"), message });
    match from.remove("version") {
        None => Err(missing("version")),
        Some(Value::Number(number)) => match number.as_u64() {
            Some(version) if version <= MAX_VERSION => Ok(version),
            Some(_) => bad(format!("`version` is above {MAX_VERSION} (2^53-1)")),
            None if number.as_i64().is_some() => bad("`version` is below 0".to_owned()),
            None => bad("`version` is not an integer".to_owned()),
        },
        Some(other) => bad(format!("`version` is {}, an integer is expected", kind(&other))),
    }
}

pub(crate) fn missing(field: &'static str) -> Malformed {
    Malformed { code: Code::MissingField, field: Some(field), message: format!("`{field}` is missing") }
}

pub(crate) fn wrong(field: Option<&'static str>, message: String) -> Malformed {
    Malformed { code: Code::WrongType, field, message }
}

pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

pub(crate) fn category(error: &serde_json::Error) -> &'static str {
    if error.is_eof() { "it ends too early" } else { "unexpected character" }
}
