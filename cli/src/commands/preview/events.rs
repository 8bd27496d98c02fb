//! The events of a file: one JSON value after another, however they are laid out.

use crate::commands::lines::unreadable;
use crate::problem::Problem;
use rtr_core::change::{Change, Malformed, Message, parse};
use serde_json::Value;
use std::io::Read as _;
use std::path::Path;

/// An event to preview.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// Its body.
    pub(super) body: String,
    /// What it says.
    pub(super) change: Change,
}

/// The events of the file `name`, or of stdin.
pub(super) fn read(name: &Path) -> Result<Vec<Event>, Problem> {
    let is_stdin = name.as_os_str() == "-";
    let shown = if is_stdin { "stdin".to_owned() } else { name.display().to_string() };
    let mut text = String::new();
    let read = if is_stdin {
        std::io::stdin().read_to_string(&mut text).map(|_| ())
    } else {
        std::fs::read_to_string(name).map(|read| text = read)
    };
    read.map_err(|error| unreadable(Path::new(&shown), &error))?;
    of_text(&shown, &text)
}

/// The events of `text`, which `name` holds.
pub(super) fn of_text(name: &str, text: &str) -> Result<Vec<Event>, Problem> {
    let text = text.trim_start_matches('\u{feff}');
    let mut bodies = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let value = value.map_err(|error| Problem::usage(format!("{name} is not JSON: {error}")))?;
        unfold(value, &mut bodies);
    }
    if bodies.is_empty() {
        return Err(Problem::usage(format!("{name} holds no event")));
    }
    bodies.into_iter().enumerate().map(|(at, body)| event(name, at + 1, body)).collect()
}

/// A list stands for its elements, and a function's input for the bodies of its messages.
fn unfold(value: Value, bodies: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.into_iter().for_each(|value| unfold(value, bodies)),
        Value::Object(map) if map.contains_key("Records") => {
            let messages = map.get("Records").and_then(Value::as_array);
            let body = |message: &Value| message["body"].as_str().map(str::to_owned);
            bodies.extend(messages.into_iter().flatten().filter_map(body));
        }
        other => bodies.push(other.to_string()),
    }
}

fn event(name: &str, number: usize, body: String) -> Result<Event, Problem> {
    let refused = |words: String| Problem::usage(format!("{name}, event {number}: {words}"));
    match parse(&body) {
        Ok(Message::Change(change)) => Ok(Event { body, change }),
        Ok(Message::Wake(_) | Message::Look(_)) => Err(refused("this is a wake-up, not an event".to_owned())),
        Err(Malformed { code, message, .. }) => Err(refused(format!("{code} {message}"))
            .hint(format!("sent as it is, it would be a dead letter: rtr explain {code}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Exit;

    const EVENT: &str =
        r#"{"org_id":"acme","record_type":"contact","record_id":"c-1","version":7,"data":{}}"#;

    fn versions(text: &str) -> Vec<u64> {
        of_text("f", text).unwrap().iter().map(|event| event.change.version).collect()
    }

    #[test]
    fn given_events_in_any_layout_when_read_then_they_come_in_their_order() {
        let pretty = serde_json::from_str::<Value>(EVENT).map(|one| format!("{one:#}")).unwrap();
        assert_eq!(versions(&pretty), [7]);
        let lines = format!("\u{feff}{EVENT}\n\n{}\n", EVENT.replace('7', "8"));
        assert_eq!(versions(&lines), [7, 8]);
        assert_eq!(versions(&format!("[{EVENT},{EVENT}]")), [7, 7]);
        let queue = serde_json::json!({"Records": [{"body": EVENT}]}).to_string();
        assert_eq!(versions(&queue), [7]);
    }

    #[test]
    fn given_a_file_that_is_not_there_when_read_then_what_was_asked_for_does_not_exist() {
        let of = |path| read(Path::new(path)).unwrap_err().exit;
        assert_eq!([of("/no/such/event.json"), of("/")], [Exit::NotFound, Exit::Usage]);
    }

    #[test]
    fn given_what_is_no_event_when_read_then_the_complaint_says_which_and_what_becomes_of_it() {
        let wake =
            r#"{"wake":{"org_id":"a","record_type":"c","record_id":"1","connection":"h","version":1}}"#;
        let bad = EVENT.replace('7', "\"7\"");
        let texts = ["", "{", &format!("{EVENT}\n{bad}"), wake];
        let seen: Vec<String> =
            texts.iter().map(|text| of_text("f", text).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(seen.join("\n"), @r"
        rtr: f holds no event
        rtr: f is not JSON: EOF while parsing an object at line 1 column 1
        rtr: f, event 2: RTR1005 `version` is a string, an integer is expected
          sent as it is, it would be a dead letter: rtr explain RTR1005
        rtr: f, event 1: this is a wake-up, not an event
        ");
    }
}
