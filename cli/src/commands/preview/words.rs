//! A preview, for people.

use super::live::{Difference, Live};
use super::one::{At, Effect, Request, Told};
use super::unpreviewed::Unpreviewed;
use crate::output::{count, one_line, pretty, safe};
use rtr_connectors::registry;
use rtr_connectors::shape::{Compared, text};
use rtr_core::config::Mode;
use rtr_core::item::Ended;
use serde_json::Value;

/// One event, and what it would do at each connection.
pub(super) fn words(told: &Told) -> String {
    let Told { key, version, operation, connections, problem } = told;
    let head = format!("{} {} {} version {version}, {operation}", key.org_id, key.record_type, key.record_id);
    let mut blocks = vec![one_line(&head)];
    if let Some(Unpreviewed { event, message, advice }) = problem {
        let advice = advice.as_ref().map_or_else(String::new, |advice| format!("\n  {}", one_line(advice)));
        blocks.push(format!("{}{advice}", one_line(&format!("not previewed: event {event}: {message}"))));
    } else if connections.is_empty() {
        let nowhere = format!("skipped: no route says where `{}` of this org go", key.record_type);
        blocks.push(one_line(&nowhere));
    }
    blocks.extend(connections.iter().map(connection));
    blocks.join("\n\n")
}

fn connection(at: &At) -> String {
    let mut lines = vec![one_line(&format!("{}: {}", at.connection, what(at)))];
    match at.mode {
        Mode::Live => {}
        Mode::Paused => lines.push("  it is paused: nothing is sent until it is resumed".to_owned()),
        Mode::Shadow => lines.push("  it is shadowed: nothing is sent until its mode is live".to_owned()),
    }
    if !at.assumed.is_empty() {
        lines.push(one_line(&format!("  taken to be there: {}", at.assumed.join(", "))));
    }
    let requests = at.requests.iter().enumerate().map(|(place, one)| request(place + 1, one));
    let mut blocks = vec![lines.join("\n")];
    blocks.extend(requests);
    blocks.extend(at.live.as_ref().map(|live| difference(at, live)));
    blocks.join("\n\n")
}

fn what(at: &At) -> String {
    let id = at.external_id.as_deref().unwrap_or("of the CRM");
    let code = at.code.map_or_else(String::new, |code| format!(" {code}"));
    let unsaid =
        |field: &&String| !at.message.as_ref().is_some_and(|text| text.contains(&format!("`{field}`")));
    let field = at.field.as_ref().filter(unsaid).map_or_else(String::new, |field| format!(" `{field}`:"));
    let explain = at.code.map_or_else(String::new, |code| format!(" (rtr explain {code})"));
    let why = match &at.message {
        Some(message) => format!(":{code}{field} {message}{explain}"),
        None => String::new(),
    };
    match (at.outcome, at.effect) {
        (Ended::Applied, Some(Effect::Created)) => "a record is made".to_owned(),
        (Ended::Applied, Some(Effect::Updated)) => format!("record {id} is updated"),
        (Ended::Applied, Some(Effect::Adopted)) => format!("record {id} is found, linked and updated"),
        (Ended::Applied, _) if at.requests.iter().all(|one| one.is_question) => {
            "nothing is there that would have to go".to_owned()
        }
        (Ended::Applied, _) => format!("record {id} goes, or is marked as the mapping says"),
        (Ended::Unchanged, _) => format!("unchanged: the CRM was told the same before{why}"),
        (Ended::Superseded, _) => format!("superseded: this version or a newer one came before{why}"),
        (Ended::Skipped, _) if at.message.is_none() => {
            "skipped: the mapping says that it is not for this CRM".to_owned()
        }
        (Ended::Skipped, _) => format!("skipped{why}"),
        (Ended::Parked, _) => format!("waits{why}"),
        (Ended::Dead, _) => format!("a dead letter{why}"),
    }
}

/// A request, for people.
pub(crate) fn request(number: usize, one: &Request) -> String {
    let Request { method, url, headers, body, is_question, was_asked } = one;
    let note = match (is_question, was_asked) {
        (true, true) => "  (a question; asked just now)",
        (true, false) => "  (a question; taken to find nothing)",
        (false, _) => "",
    };
    let mut lines = vec![one_line(&format!("{number}. {method} {url}{note}"))];
    lines.extend(headers.iter().map(|(name, value)| one_line(&format!("   {name}: {value}"))));
    if !body.is_null() {
        lines.push(String::new());
        let body = match body {
            Value::String(text) => text.clone(),
            json => pretty(json),
        };
        lines.extend(safe(&body).lines().map(|line| format!("   {line}")));
    }
    lines.join("\n")
}

fn difference(at: &At, live: &Live) -> String {
    let Live { object, external_id, is_removed, fields, unknown } = live;
    let title = registry::by_name(&at.provider).map_or(at.provider.as_str(), |crm| crm.facts().title);
    let head = match (external_id, is_removed) {
        (Some(id), false) => format!("{title}'s record {id} of {object}:"),
        (Some(id), true) => format!("{title}'s record {id} of {object} goes"),
        (None, false) => format!("{title} has no such record of {object}; it gets:"),
        (None, true) => format!("{title} has no such record of {object}"),
    };
    let width = fields.iter().map(|one| one.field.chars().count()).max().unwrap_or_default();
    let mut lines = vec![one_line(&head)];
    lines.extend(fields.iter().map(|one| one_line(&field(one, width))));
    lines.extend(unknown.iter().map(|name| one_line(&format!("  ! {name}: {title} has no such property"))));
    let differing = fields.iter().filter(|one| one.is != Compared::Same).count();
    if !fields.is_empty() {
        lines.push(match differing {
            0 => format!("{}, none differs", count(fields.len(), "field")),
            n => format!("{}, {n} would change", count(fields.len(), "field")),
        });
    }
    if differing > 0 && at.outcome == Ended::Unchanged {
        lines.push("nothing is sent all the same: somebody changed it at the CRM".to_owned());
    }
    lines.join("\n")
}

fn field(one: &Difference, width: usize) -> String {
    let Difference { field, is, held, wanted } = one;
    let (held, wanted) = (text(held), text(wanted));
    match is {
        Compared::Same => format!("  = {field:width$}  {held}"),
        Compared::Changed => format!("  ~ {field:width$}  {held} → {wanted}"),
        Compared::Set => format!("  + {field:width$}  {wanted}"),
        Compared::Cleared => format!("  - {field:width$}  {held}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::code::Code;
    use rtr_core::key::RecordKey;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn at(outcome: Ended, effect: Option<Effect>) -> At {
        At {
            connection: "hubspot".to_owned(),
            provider: "hubspot".to_owned(),
            mode: Mode::Live,
            outcome,
            effect,
            code: None,
            field: None,
            message: None,
            external_id: Some("512".to_owned()),
            assumed: Vec::new(),
            requests: Vec::new(),
            live: None,
        }
    }

    fn told(connections: Vec<At>) -> String {
        let key = RecordKey::new("acme", "contact", "c-1");
        let told = Told { key, version: 7, operation: "upsert", connections, problem: None };
        crate::schema::tests::holds("preview", &[&told]);
        words(&told)
    }

    fn ask(path: &str, body: Value) -> Request {
        Request {
            method: "POST",
            url: format!("https://api.hubapi.com{path}"),
            headers: BTreeMap::from([("authorization".to_owned(), "Bearer ***".to_owned())]),
            body,
            is_question: path.ends_with("/search"),
            was_asked: false,
        }
    }

    #[test]
    fn given_a_first_write_when_told_then_every_request_stands_there_as_it_is_sent() {
        let created = At {
            mode: Mode::Shadow,
            assumed: vec!["company k".to_owned()],
            requests: vec![
                ask("/crm/v3/objects/contacts/search", json!({"limit": 200})),
                ask("/crm/v3/objects/contacts/batch/upsert", json!({"inputs": [{"id": "c-1"}]})),
            ],
            ..at(Ended::Applied, Some(Effect::Created))
        };
        insta::assert_snapshot!(told(vec![created]), @r#"
        acme contact c-1 version 7, upsert

        hubspot: a record is made
          it is shadowed: nothing is sent until its mode is live
          taken to be there: company k

        1. POST https://api.hubapi.com/crm/v3/objects/contacts/search  (a question; taken to find nothing)
           authorization: Bearer ***

           {
             "limit": 200
           }

        2. POST https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert
           authorization: Bearer ***

           {
             "inputs": [
               {
                 "id": "c-1"
               }
             ]
           }
        "#);
    }

    #[test]
    fn given_every_way_to_end_when_told_then_it_says_what_and_why() {
        let why = |outcome, code, field: &str, message: &str| At {
            code: Some(code),
            field: Some(field.to_owned()).filter(|field| !field.is_empty()),
            message: Some(message.to_owned()),
            ..at(outcome, None)
        };
        let all = vec![
            at(Ended::Applied, Some(Effect::Updated)),
            at(Ended::Applied, Some(Effect::Adopted)),
            at(Ended::Applied, Some(Effect::Deleted)),
            at(Ended::Unchanged, None),
            at(Ended::Superseded, None),
            at(Ended::Skipped, None),
            why(Ended::Skipped, Code::LeftOut, "", Code::LeftOut.about()),
            why(
                Ended::Parked,
                Code::WaitingForReference,
                "company",
                "the company in `company` is not linked yet",
            ),
            why(Ended::Dead, Code::MappingFailed, "stage", "the record's value is not one that `map` lists"),
        ];
        insta::assert_snapshot!(format!("{}\n--\n{}", told(all), told(Vec::new())), @r"
        acme contact c-1 version 7, upsert

        hubspot: record 512 is updated

        hubspot: record 512 is found, linked and updated

        hubspot: nothing is there that would have to go

        hubspot: unchanged: the CRM was told the same before

        hubspot: superseded: this version or a newer one came before

        hubspot: skipped: the mapping says that it is not for this CRM

        hubspot: skipped: RTR4021 The mapping's `when` does not take the record. (rtr explain RTR4021)

        hubspot: waits: RTR4005 the company in `company` is not linked yet (rtr explain RTR4005)

        hubspot: a dead letter: RTR2005 `stage`: the record's value is not one that `map` lists (rtr explain RTR2005)
        --
        acme contact c-1 version 7, upsert

        skipped: no route says where `contact` of this org go
        ");
    }

    #[test]
    fn given_an_event_that_cannot_be_previewed_when_told_then_it_says_which_why_and_what_to_do() {
        let problem = Unpreviewed {
            event: 3,
            message: "org `nobody` has no configuration: its events are skipped".to_owned(),
            advice: Some("rtr config show lists all".to_owned()),
        };
        let key = RecordKey::new("nobody", "contact", "c-1");
        let connections = Vec::new();
        let told = Told { key, version: 7, operation: "upsert", connections, problem: Some(problem) };
        crate::schema::tests::holds("preview", &[&told]);
        insta::assert_snapshot!(words(&told), @r"
        nobody contact c-1 version 7, upsert

        not previewed: event 3: org `nobody` has no configuration: its events are skipped
          rtr config show lists all
        ");
    }

    #[test]
    fn given_what_the_crm_holds_when_told_then_each_field_says_what_becomes_of_it() {
        let field = |name: &str, is, held: Value, wanted: Value| Difference {
            field: name.to_owned(),
            is,
            held,
            wanted,
        };
        let live = Live {
            object: "contacts".to_owned(),
            external_id: Some("512".to_owned()),
            is_removed: false,
            fields: vec![
                field("city", Compared::Cleared, json!("Berlin"), Value::Null),
                field("email", Compared::Same, json!("ann@x.io"), json!("Ann@x.io")),
                field("firstname", Compared::Changed, json!("Anna\u{1b}"), json!("Ann")),
                field("phone", Compared::Set, Value::Null, json!("+4930123")),
            ],
            unknown: vec!["nickname".to_owned()],
        };
        let unchanged = At { live: Some(live.clone()), ..at(Ended::Unchanged, None) };
        let absent = Live {
            external_id: None,
            fields: vec![live.fields[3].clone()],
            unknown: Vec::new(),
            ..live.clone()
        };
        let absent = At { live: Some(absent), ..at(Ended::Applied, Some(Effect::Created)) };
        let gone = At {
            live: Some(Live { is_removed: true, fields: Vec::new(), unknown: Vec::new(), ..live }),
            ..at(Ended::Applied, Some(Effect::Deleted))
        };
        insta::assert_snapshot!(told(vec![unchanged, absent, gone]), @r"
        acme contact c-1 version 7, upsert

        hubspot: unchanged: the CRM was told the same before

        HubSpot's record 512 of contacts:
          - city       Berlin
          = email      ann@x.io
          ~ firstname  Anna\u{1b} → Ann
          + phone      +4930123
          ! nickname: HubSpot has no such property
        4 fields, 3 would change
        nothing is sent all the same: somebody changed it at the CRM

        hubspot: a record is made

        HubSpot has no such record of contacts; it gets:
          + phone  +4930123
        1 field, 1 would change

        hubspot: nothing is there that would have to go

        HubSpot's record 512 of contacts goes
        ");
    }
}
