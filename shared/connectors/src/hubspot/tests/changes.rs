//! What has changed: what is asked, and what is read of the answers.

use super::super::changes::{Reading, bin, binned, groups, has_room, page, read, reading, search};
use super::super::client::{changed, gone, snapshots};
use super::flow::Fake;
use super::requests::shown;
use super::*;
use crate::changes::{Fate, Position, Snapshot};
use futures::executor::block_on;
use rtr_core::failure::Class;
use serde_json::json;

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn from(after: Option<&str>) -> Position {
    Position { at: NOW, after: after.map(str::to_owned) }
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn said(reading: &Reading) -> String {
    let line = |one: &Snapshot| {
        format!("{}: {:?} at {:?} {}", one.external_id, one.fate, one.at.map(|at| at.0), json!(one.values))
    };
    reading
        .told
        .values()
        .map(line)
        .chain(reading.unsaid.iter().map(|id| format!("{id}: unsaid")))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A record as HubSpot gives it, with what was merged into it.
fn record(id: &str, merged: &str) -> Value {
    json!({"id": id, "properties": {"hs_object_id": id, "lastmodifieddate": "2026-11-18T11:06:40.123Z", "city": "Turin",
           "hs_merged_object_ids": if merged.is_empty() { Value::Null } else { json!(merged) }},
           "updatedAt": "2026-11-18T11:06:40.123Z", "archived": false})
}

#[test]
fn given_positions_when_searched_from_then_stamps_are_gone_through_and_within_one_ids() {
    let names = texts(&["city", "lastmodifieddate"]);
    insta::assert_snapshot!(shown(&search("contacts", &from(None), &names)), @r#"
    [search] POST /crm/v3/objects/contacts/search (reads)
    {"filterGroups":[{"filters":[{"operator":"GTE","propertyName":"lastmodifieddate","value":"1795000000123"}]}],"limit":200,"properties":["lastmodifieddate","hs_merged_object_ids","city"],"sorts":[{"direction":"ASCENDING","propertyName":"lastmodifieddate"}]}
    "#);
    insta::assert_snapshot!(shown(&search("deals", &from(Some("501")), &names)), @r#"
    [search] POST /crm/v3/objects/deals/search (reads)
    {"filterGroups":[{"filters":[{"operator":"EQ","propertyName":"hs_lastmodifieddate","value":"1795000000123"},{"operator":"GT","propertyName":"hs_object_id","value":"501"}]}],"limit":200,"properties":["hs_lastmodifieddate","hs_merged_object_ids","city","lastmodifieddate"],"sorts":[{"direction":"ASCENDING","propertyName":"hs_object_id"}]}
    "#);
}

#[test]
fn given_records_and_the_bin_when_asked_for_then_the_calls_are_these() {
    insta::assert_snapshot!(shown(&reading("contacts", &texts(&["501", "502"]), &texts(&["city"]))), @r#"
    [*] POST /crm/v3/objects/contacts/batch/read (reads)
    {"inputs":[{"id":"501"},{"id":"502"}],"properties":["lastmodifieddate","hs_merged_object_ids","city"]}
    "#);
    insta::assert_snapshot!(shown(&bin("0-1", Some("a b"))), @"[*] GET /crm/v3/objects/0-1?archived=true&limit=100&properties=hs_object_id&after=a%20b (reads)");
    let many: Vec<String> = (0..250).map(|n| n.to_string()).chain(texts(&["7", "x", ""])).collect();
    assert_eq!(
        groups(&many).iter().map(Vec::len).collect::<Vec<_>>(),
        [100, 100, 50],
        "each once, and no nonsense"
    );
}

#[test]
fn given_a_batch_in_part_when_read_then_here_merged_gone_and_unsaid_are_told_apart() {
    let answer = json_of(fixture!("207-read.json"));
    // The fixture's error names an address: what stands there is what was asked for.
    let asked = texts(&["60413", "nobody@example.org"]);
    insta::assert_snapshot!(said(&read("contacts", &asked, &texts(&["email", "city"]), &answer).unwrap()), @r#"
    60413: Here at Some(1795000000123) {"city":null,"email":"bea@example.org"}
    nobody@example.org: Gone at None {}
    "#);
    let answer = json!({"results": [record("70001", "60411; 60412"), record("501", "")]});
    let asked = texts(&["60412", "501", "70001", "60411"]);
    insta::assert_snapshot!(said(&read("contacts", &asked, &texts(&["city"]), &answer).unwrap()), @r#"
    501: Here at Some(1795000000123) {"city":"Turin"}
    60411: Merged { into: "70001" } at Some(1795000000123) {}
    60412: Merged { into: "70001" } at Some(1795000000123) {}
    70001: Here at Some(1795000000123) {"city":"Turin"}
    "#);
}

#[test]
fn given_answers_under_other_ids_when_read_then_nobody_is_taken_for_anothers() {
    let of = |asked: &[&str], results: Value| {
        said(&read("contacts", &texts(asked), &[], &json!({ "results": results })).unwrap())
    };
    // One of each is left: the record that nobody asked for is where the one went.
    insta::assert_snapshot!(of(&["60412", "501"], json!([record("501", ""), record("70001", "")])), @r#"
    501: Here at Some(1795000000123) {}
    60412: Merged { into: "70001" } at Some(1795000000123) {}
    "#);
    // That record is where another one went.
    insta::assert_snapshot!(of(&["60412", "501"], json!([record("70001", "60412")])), @r#"
    60412: Merged { into: "70001" } at Some(1795000000123) {}
    501: unsaid
    "#);
    insta::assert_snapshot!(of(&["60412", "501"], json!([record("70001", ""), record("70002", "")])), @"
    60412: unsaid
    501: unsaid
    ");
    // Left out of an answer is not gone, unless the answer is about nobody else.
    insta::assert_snapshot!(of(&["501", "502"], json!([record("501", "")])), @"
    501: Here at Some(1795000000123) {}
    502: unsaid
    ");
    insta::assert_snapshot!(of(&["502"], json!([])), @"502: Gone at None {}");
    let archived =
        json!({"id": "501", "properties": {}, "archived": true, "archivedAt": "2026-11-18T11:06:40.123Z"});
    insta::assert_snapshot!(of(&["501"], json!([archived])), @"501: Gone at Some(1795000000123) {}");
}

#[test]
fn given_a_read_that_failed_in_part_when_read_then_nobody_is_taken_for_gone() {
    let failed = json_of(fixture!("207-read-failed.json"));
    assert_eq!(read("contacts", &texts(&["501"]), &[], &failed).unwrap_err().class, Class::Unavailable);
}

#[test]
fn given_a_page_when_read_then_what_was_merged_is_told_of_before_where_it_went() {
    let answer = json!({"total": 2, "results": [record("501", ""), record("70001", "60411;60412")]});
    let page = page("contacts", &from(None), &texts(&["city"]), &answer).unwrap();
    let told: Vec<(&str, &Fate)> =
        page.changed.iter().map(|one| (one.external_id.as_str(), &one.fate)).collect();
    let into = Fate::Merged { into: "70001".to_owned() };
    assert_eq!(told, [("501", &Fate::Here), ("60411", &into), ("60412", &into), ("70001", &Fate::Here)]);
    assert!(page.changed.iter().all(|one| one.at == Some(NOW)));
    assert_eq!((page.next, page.more), (from(None), false));
}

#[test]
fn given_the_recorded_search_when_read_then_it_goes_on_from_its_last_stamp() {
    let page =
        page("contacts", &from(None), &texts(&["domain"]), &json_of(fixture!("200-search-1.json"))).unwrap();
    let told: Vec<(&str, &Value)> =
        page.changed.iter().map(|one| (one.external_id.as_str(), &one.values["domain"])).collect();
    assert_eq!(told, [("501", &json!("example.org")), ("502", &json!("Example.org"))]);
    // It tells of more, and all that it has shown is of one stamp.
    assert_eq!((page.next, page.more), (from(Some("0")), true));
}

#[test]
fn given_fewer_results_than_asked_for_when_more_were_found_then_the_page_is_no_last_one() {
    let more = |answer: Value| page("contacts", &from(None), &[], &answer).unwrap().more;
    let results = json!([record("501", "")]);
    assert!(more(json!({"total": 2, "results": results})));
    assert!(more(json!({"results": results, "paging": {"next": {"after": "1"}}})));
    assert!(more(json!({"results": vec![record("501", ""); 200]})));
    assert!(!more(json!({"total": 1, "results": results})) && !more(json!({"results": results})));
}

#[test]
fn given_a_change_without_a_stamp_or_an_id_when_read_then_nothing_is_passed_over_for_it() {
    for one in [
        json!({"id": "501", "properties": {}, "updatedAt": "2026-11-18T11:06:40.123Z"}),
        json!({"properties": {}}),
        json!({"id": "x"}),
    ] {
        let answer = json!({"total": 1, "results": [one]});
        assert_eq!(page("contacts", &from(None), &[], &answer).unwrap_err().class, Class::Unavailable);
    }
}

#[test]
fn given_the_bin_when_read_then_each_is_gone_since_then_and_a_circle_is_none() {
    let listed = json!({"results": [{"id": "501", "properties": {}, "archived": true, "archivedAt": "2026-11-18T11:06:40.123Z"},
        {"id": "502", "archived": true}], "paging": {"next": {"after": "502"}}});
    let page = binned(None, &listed).unwrap();
    assert_eq!(page.gone, [Snapshot::gone("501", Some(NOW)), Snapshot::gone("502", None)]);
    assert_eq!(page.next.as_deref(), Some("502"));
    assert_eq!(binned(Some("502"), &listed).unwrap_err().class, Class::Unavailable);
    assert_eq!(binned(None, &json!({"results": [{}]})).unwrap_err().class, Class::Unavailable);
    let fake = Fake::new(move |_: &str, _: &Value| Ok(answer(200, &listed.to_string())));
    assert_eq!(block_on(gone(&fake.session(), "contacts", None)).unwrap(), page);
}

#[test]
fn given_what_an_answer_says_nothing_of_when_read_then_it_is_asked_for_alone() {
    let fake = Fake::new(|_: &str, body: &Value| {
        let asked: Vec<&str> =
            body["inputs"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        Ok(match asked.as_slice() {
            [_, _, _] => {
                answer(200, &json!({"results": [record("70001", ""), record("503", "")]}).to_string())
            }
            ["501"] => answer(200, &json!({"results": [record("70001", "")]}).to_string()),
            _ => answer(404, fixture!("404-object.json")),
        })
    });
    let told =
        block_on(snapshots(&fake.session(), "contacts", &texts(&["501", "502", "503", "x"]), &[])).unwrap();
    let fates: Vec<&Fate> = told.iter().map(|one| &one.fate).collect();
    assert_eq!(fates, [&Fate::Merged { into: "70001".to_owned() }, &Fate::Gone, &Fate::Here, &Fate::Gone]);
    assert_eq!(fake.calls(), [vec!["501", "502", "503"], vec!["501"], vec!["502"]]);
    let nobody = Fake::new(|_: &str, _: &Value| Ok(answer(404, fixture!("404-object.json"))));
    let told = block_on(snapshots(&nobody.session(), "contacts", &texts(&["501", "502"]), &[])).unwrap();
    assert!(told.iter().all(|one| one.fate == Fate::Gone));
    assert_eq!(nobody.calls().len(), 3, "a refusal of the whole is not believed of each");
    let strange = Fake::new(|_: &str, _: &Value| {
        Ok(answer(200, &json!({"results": [record("70001", ""), record("70002", "")]}).to_string()))
    });
    let failure = block_on(snapshots(&strange.session(), "contacts", &texts(&["501"]), &[])).unwrap_err();
    assert_eq!(failure.class, Class::Unavailable);
}

#[test]
fn given_more_properties_than_a_search_has_room_for_when_asked_then_they_are_read_by_id() {
    let names: Vec<String> =
        (0..200).map(|n| format!("a_property_of_some_length_{n}")).chain(texts(&["city"])).collect();
    assert!(
        has_room("contacts", &from(None), &texts(&["city"])) && !has_room("contacts", &from(None), &names)
    );
    let fake = Fake::new(|path: &str, body: &Value| {
        assert!(path.ends_with("/batch/read") || body.to_string().len() <= 3_000);
        let (here, lost) = (record("70001", "60412"), record("501", ""));
        let results = if path.ends_with("/search") { json!([lost, here]) } else { json!([here]) };
        let errors = json!([{"category": "OBJECT_NOT_FOUND", "message": "x", "context": {"ids": ["501"]}}]);
        Ok(answer(207, &json!({"total": 2, "results": results, "errors": errors}).to_string()))
    });
    let page = block_on(changed(&fake.session(), "contacts", &from(None), &names)).unwrap();
    let told: Vec<(&str, &Fate, usize)> =
        page.changed.iter().map(|one| (one.external_id.as_str(), &one.fate, one.values.len())).collect();
    let into = Fate::Merged { into: "70001".to_owned() };
    assert_eq!(told, [("501", &Fate::Gone, 0), ("60412", &into, 0), ("70001", &Fate::Here, 201)]);
    assert_eq!(page.changed[2].values["city"], "Turin");
    assert_eq!(*fake.entered.lock().unwrap(), ["search", "*"]);
}
