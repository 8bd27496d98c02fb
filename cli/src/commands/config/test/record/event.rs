//! The newest version of one record among the events of a file: one event, JSON lines, or what SQS hands a function.

use crate::commands::lines::text_of;
use crate::problem::Problem;
use rtr_core::change::{Change, Message, Operation, parse};
use rtr_core::key::RecordKey;
use serde_json::Value;
use std::path::Path;

/// The data of `key` in `file`.
pub(super) fn read(file: &Path, key: &RecordKey) -> Result<Value, Problem> {
    let name = file.display();
    let bytes = std::fs::read(file).map_err(|error| {
        let what = format!("{name} cannot be read: {error}");
        if error.kind() == std::io::ErrorKind::NotFound {
            Problem::not_found(what)
        } else {
            Problem::usage(what)
        }
    })?;
    let text = text_of(&bytes).map_err(|_| Problem::usage(format!("{name} is not UTF-8")))?;
    let (events, unread) = events(text);
    let about = events.iter().filter(|change| change.key == *key).max_by_key(|change| change.version);
    let Some(change) = about else {
        let what = format!("{name} has no event of {} {} {}", key.org_id, key.record_type, key.record_id);
        let hint = format!(
            "it holds {} events of other records, and {unread} lines that are no event",
            events.len()
        );
        return Err(Problem::not_found(what).hint(hint));
    };
    if change.operation == Operation::Deleted || !change.data.is_object() {
        let what = format!("in {name} the record's newest version, {}, is a delete", change.version);
        return Err(
            Problem::usage(what).hint("what a delete does is a word of the mapping and depends on no record")
        );
    }
    Ok(change.data.clone())
}

/// The events of `text`, and how many lines are none.
fn events(text: &str) -> (Vec<Change>, usize) {
    let one = |text: &str| match parse(text) {
        Ok(Message::Change(change)) => Some(change),
        Ok(Message::Wake(_) | Message::Look(_)) | Err(_) => None,
    };
    if let Some(change) = one(text) {
        return (vec![change], 0);
    }
    let bodies: Vec<String> = match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(events)) => events.iter().map(Value::to_string).collect(),
        Ok(whole) => {
            let records = whole.get("Records").and_then(Value::as_array).into_iter().flatten();
            records.filter_map(|record| record.get("body")?.as_str()).map(str::to_owned).collect()
        }
        Err(_) => text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect(),
    };
    let changes: Vec<Change> = bodies.iter().filter_map(|body| one(body)).collect();
    let unread = bodies.len() - changes.len();
    (changes, unread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_text(text: &str, id: &str) -> Result<Value, Problem> {
        let file = std::env::temp_dir().join(format!("rtr-event-{}-{id}.json", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let read = read(&file, &RecordKey::new("acme", "contact", id));
        std::fs::remove_file(&file).unwrap();
        read
    }

    #[test]
    fn given_events_in_any_form_when_read_then_the_newest_of_the_record_is_taken() {
        let event = |id: &str, version: u64| json!({"org_id": "acme", "record_type": "contact", "record_id": id, "version": version, "data": {"v": version}});
        let one = format!("{:#}", event("a", 1));
        let lines = format!("{}\n\n{}\n{}\n?\n", event("b", 2), event("b", 1), event("x", 9));
        let records = json!({"Records": [{"body": event("c", 3).to_string()}]}).to_string();
        let list = json!([event("d", 4), event("x", 5)]).to_string();
        for (text, id, version) in [(&one, "a", 1), (&lines, "b", 2), (&records, "c", 3), (&list, "d", 4)] {
            assert_eq!(read_text(text, id), Ok(json!({"v": version})), "{text}");
        }
        let missing = read_text(&lines, "e").unwrap_err();
        assert_eq!(
            missing.hint.as_deref(),
            Some("it holds 3 events of other records, and 1 lines that are no event")
        );
        let gone = json!({"org_id": "acme", "record_type": "contact", "record_id": "f", "version": 2, "operation": "deleted"});
        assert!(read_text(&gone.to_string(), "f").unwrap_err().what.contains("is a delete"));
    }
}
