//! Writes over a session, whole.

use super::super::client::{directory, lookup, write};
use super::fake::{Fake, Reply, each};
use super::*;
use crate::connector::{Asked, Lookup, LookupBy};
use crate::http::NoAnswer;
use crate::session::Quota;
use futures::executor::block_on;
use rtr_core::failure::Class;
use serde_json::json;
use std::sync::atomic::{AtomicI64, Ordering};

#[test]
fn given_one_bad_record_of_200_when_written_then_it_alone_fails_in_one_call() {
    for bad in [0, 99, 199] {
        let fake = Fake::new(|_: &str, body: &Value| {
            each(body, |n, _| (n == bad).then_some(("STRING_TOO_LONG", "Title: data value too large")))
        });
        let ids: Vec<String> = (0..200).map(|n| format!("r-{n}")).collect();
        let outcomes = block_on(write(&fake.session(), &named(upsert(), &refs(&ids))));
        assert!(outcomes.iter().enumerate().all(|(n, outcome)| outcome.is_err() == (n == bad)));
        assert_eq!(fake.sizes(), [200]);
    }
}

fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

#[test]
fn given_a_value_that_refuses_the_whole_call_when_written_then_it_alone_fails_within_two_log_n() {
    let fake = Fake::new(|path: &str, body: &Value| {
        let bad = body.to_string().contains("\"r-37\"") || path.ends_with("/r-37");
        if bad {
            Ok(answer(400, fixture!("400-parser.json")))
        } else if body["records"].is_array() {
            each(body, |_, _| None)
        } else {
            Ok(answer(201, &json!({"id": A, "success": true, "errors": [], "created": true}).to_string()))
        }
    });
    let ids: Vec<String> = (0..200).map(|n| format!("r-{n}")).collect();
    let outcomes = block_on(write(&fake.session(), &named(upsert(), &refs(&ids))));
    assert!(outcomes.iter().enumerate().all(|(n, outcome)| outcome.is_err() == (n == 37)));
    assert!(fake.sizes().len() <= 17, "{} calls", fake.sizes().len());
}

#[test]
fn given_a_throttled_half_when_dividing_then_what_is_left_has_the_same_failure_untried() {
    let fake = Fake::new(|_: &str, body: &Value| match body["records"].as_array().map(Vec::len) {
        Some(4) => Ok(answer(400, fixture!("400-parser.json"))),
        _ => Ok(answer(403, fixture!("403-daily.json"))),
    });
    let outcomes = block_on(write(&fake.session(), &named(upsert(), &["a", "b", "c", "d"])));
    assert!(outcomes.iter().all(|o| matches!(o, Err(f) if matches!(f.class, Class::Throttled { .. }))));
    assert_eq!(fake.sizes(), [4, 2]);
    assert_eq!(
        *fake.blocked.lock().unwrap(),
        [NOW.plus_ms(15 * 60 * 1_000)],
        "everybody stops for a quarter of an hour"
    );
}

#[test]
fn given_a_lost_answer_when_written_then_nobody_knows_and_nothing_is_sent_again() {
    for lost in [0, 500, 502, 504] {
        let fake = Fake::new(move |_: &str, _: &Value| match lost {
            0 => Err(NoAnswer::Unknown("reset".to_owned())),
            status => Ok(answer(status, "")),
        });
        for outcome in block_on(write(&fake.session(), &named(upsert(), &["a", "b"]))) {
            assert_eq!(outcome.unwrap_err().class, Class::OutcomeUnknown);
        }
        assert_eq!(fake.sizes(), [2]);
    }
}

#[test]
fn given_keys_that_differ_by_case_alone_when_written_then_the_second_follows_in_a_call_of_its_own() {
    let fake = Fake::new(|path: &str, body: &Value| match body["records"].is_array() {
        true => each(body, |_, _| None),
        false => Ok(answer(
            200,
            &format!(
                r#"{{"id":"{}","success":true,"errors":[],"created":false}}"#,
                if path.ends_with("/A") { B } else { A }
            ),
        )),
    });
    let outcomes = block_on(write(&fake.session(), &named(upsert(), &["a", "b", "A"])));
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(
        fake.paths(),
        [
            "PATCH /services/data/v62.0/composite/sobjects/Contact/Rtr_Record_Id__c",
            "PATCH /services/data/v62.0/sobjects/Contact/Rtr_Record_Id__c/A",
        ]
    );
}

#[test]
fn given_a_key_twice_when_the_first_answer_is_lost_then_the_second_is_not_sent() {
    let fake = Fake::new(|_: &str, _: &Value| Err(NoAnswer::Unknown("timeout".to_owned())));
    insta::assert_snapshot!(lines(&block_on(write(&fake.session(), &named(upsert(), &["a", "a"])))), @"
    OutcomeUnknown: the CRM did not answer: timeout
    Unavailable: not sent: a call before it did not end well
    ");
    assert_eq!(fake.paths().len(), 1);
}

#[test]
fn given_an_empty_update_or_an_erasure_when_written_then_nothing_is_sent() {
    let fake = Fake::new(|_: &str, _: &Value| Ok(answer(500, "")));
    let empty = call(Kind::Update, vec![item(A, [("Title".to_owned(), Patch::Keep)].into())]);
    assert_eq!(block_on(write(&fake.session(), &empty))[0].as_ref().unwrap().external_id, A);
    insta::assert_snapshot!(lines(&block_on(write(&fake.session(), &named(Kind::Erase, &[A])))), @"Refused: Salesforce has no erasure over its REST API; a record can be archived, which puts it in the bin for 15 days, and is erased by emptying the bin");
    let mut strange = named(upsert(), &["a"]);
    strange.object = "Contact/../User".to_owned();
    insta::assert_snapshot!(lines(&block_on(write(&fake.session(), &strange))), @"Refused: the mapping's object name is none that Salesforce can have: letters, digits and `_`");
    assert!(fake.paths().is_empty());
}

#[test]
fn given_a_lone_upsert_that_answers_204_when_written_then_its_id_is_asked_for_by_key() {
    let fake = Fake::new(|path: &str, _: &Value| match path.starts_with("PATCH") {
        true => Ok(answer(204, "")),
        false => Ok(answer(200, fixture!("200-query-2.json"))),
    });
    let outcomes = block_on(write(&fake.session(), &named(upsert(), &["c-9"])));
    assert_eq!(outcomes[0].as_ref().unwrap().external_id, B);
}

#[test]
fn given_a_key_that_no_address_can_hold_when_upserted_alone_then_it_goes_in_a_collection() {
    for key in ["a/b", "a.b", "a#b", "é"] {
        let fake = Fake::new(|path: &str, body: &Value| {
            assert!(path.contains("/composite/sobjects/"), "{path}");
            each(body, |_, _| None)
        });
        assert!(block_on(write(&fake.session(), &named(upsert(), &[key])))[0].is_ok(), "{key}");
    }
}

/// The first is merged into the second, the third is deleted, the fourth is there and refers to nothing.
fn after_a_merge(path: &str, body: &Value) -> Reply {
    if path.contains("/queryAll") {
        let row = |id: &str, deleted: bool, master: Option<&str>| json!({"Id": id, "IsDeleted": deleted, "MasterRecordId": master});
        let records = json!([row(A, true, Some(B)), row(GONE, true, None), row(THERE, false, None)]);
        let of_kept = json!([row(B, false, None)]);
        let records = if path.contains(A) { records } else { of_kept };
        return Ok(answer(200, &json!({"totalSize": 3, "done": true, "records": records}).to_string()));
    }
    each(body, |_, record| match record["id"].as_str() {
        Some(A) => Some(("ENTITY_IS_DELETED", "entity is deleted")),
        Some(B) => None,
        _ => Some(("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")),
    })
}
const GONE: &str = "003KX00000AbCd3YAF";
const THERE: &str = "003KX00000AbCd4YAF";

#[test]
fn given_updates_of_records_that_are_gone_when_written_then_merges_are_followed_and_the_rest_is_told_apart() {
    let fake = Fake::new(after_a_merge);
    let outcomes = block_on(write(&fake.session(), &named(Kind::Update, &[A, GONE, THERE])));
    insta::assert_snapshot!(lines(&outcomes), @r#"
    Moved { to: "003KX00000AbCd2YAF" }: the record was merged into Salesforce's record 003KX00000AbCd2YAF
    Missing: Salesforce has no such record: deleted, merged or never there
    Invalid { field: None }: the record is there, but Salesforce has no record with an id that it refers to
    "#);
    assert_eq!(
        fake.sizes(),
        [3, 0, 0],
        "one query for all, one for what they were merged into; and nothing is written to a record that may be another's"
    );
}

#[test]
fn given_a_fate_that_cannot_be_asked_for_when_an_update_missed_then_it_is_not_taken_for_gone() {
    let fake = Fake::new(|path: &str, body: &Value| match path.contains("queryAll") {
        true => Ok(answer(503, "")),
        false => each(body, |_, _| Some(("ENTITY_IS_DELETED", "entity is deleted"))),
    });
    let outcomes = block_on(write(&fake.session(), &named(Kind::Update, &[A])));
    assert_eq!(outcomes[0].as_ref().unwrap_err().class, Class::Unavailable);
}

#[test]
fn given_the_allowance_in_an_answer_when_written_then_the_limiter_hears_of_it() {
    let fake = Fake::new(|_: &str, body: &Value| {
        let headers = vec![("sforce-limit-info".to_owned(), "api-usage=4999/5000".to_owned())];
        each(body, |_, _| None).map(|reply| Response { headers, ..reply })
    });
    block_on(write(&fake.session(), &named(Kind::Update, &[A])));
    assert_eq!(
        *fake.used.lock().unwrap(),
        [Quota { per_ms: 86_400_000, limit: 5000, left: 1, resets_in_ms: None }]
    );
}

#[test]
fn given_two_pages_when_looked_up_then_all_is_found_and_a_page_elsewhere_is_not_fetched() {
    let asked = Lookup {
        object: "Contact".to_owned(),
        property: "Email".to_owned(),
        by: LookupBy::Any,
        values: vec!["ada@x.io".to_owned(), "bob@x.io".to_owned()],
        also: Some("Rtr_Record_Id__c".to_owned()),
    };
    let fake = Fake::new(|path: &str, _: &Value| match path.contains("?q=") {
        true => Ok(answer(200, fixture!("200-query-1.json"))),
        false => Ok(answer(200, fixture!("200-query-2.json"))),
    });
    let found = block_on(lookup(&fake.session(), &asked)).unwrap();
    let found: Vec<(&str, &str, Option<&str>)> =
        found.iter().map(|one| (one.external_id.as_str(), one.value.as_str(), one.also.as_deref())).collect();
    assert_eq!(found, [(A, "Ada@x.io", None), (B, "bob@x.io", Some("c-9"))]);
    let elsewhere = r#"{"done":false,"records":[],"nextRecordsUrl":"@evil.example/services/data/"}"#;
    for body in [elsewhere, "{}", "[]", r#"{"records":[]}"#] {
        let fake = Fake::new(move |_: &str, _: &Value| Ok(answer(200, body)));
        assert_eq!(block_on(lookup(&fake.session(), &asked)).unwrap_err().class, Class::Unavailable);
        assert_eq!(fake.paths().len(), 1);
    }
}

#[test]
fn given_a_maintenance_page_when_looked_up_then_it_is_asked_again() {
    let tries = AtomicI64::new(0);
    let fake = Fake::new(|_: &str, _: &Value| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(answer(200, "<html>")),
        1 => Ok(answer(503, fixture!("503-maintenance.html"))),
        _ => Ok(answer(200, fixture!("200-userinfo.json"))),
    });
    assert_eq!(block_on(super::super::setup::account(&fake.session())).unwrap(), "00DKX000000abcd2AA");
}

/// The functions spawn their work, so the connector's futures must be free to move between threads.
#[test]
fn given_the_connectors_futures_when_moved_to_a_thread_then_they_may() {
    fn movable<T: Send>(_: T) {}
    let fake = Fake::new(|_: &str, _: &Value| Ok(answer(204, "")));
    let (session, call) = (fake.session(), named(Kind::Update, &["1"]));
    movable(write(&session, &call));
    movable(super::super::setup::account(&session));
}

#[test]
fn given_users_and_stages_when_looked_up_then_one_query_each_and_none_for_what_is_no_address() {
    let fake = Fake::new(|path: &str, _: &Value| {
        let users = path.contains("FROM%20User");
        Ok(answer(
            200,
            if users { fixture!("200-query-users.json") } else { fixture!("200-query-stages.json") },
        ))
    });
    let of = |lookup, names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        block_on(directory(&fake.session(), &Asked { lookup, object: "Opportunity".to_owned(), names }))
    };
    assert_eq!(of("owner", &["ada@example.org"]).unwrap()[0].id, "005KX000001AdA1YAK");
    assert_eq!(of("stage", &[]).unwrap()[1].id, "Closed Won");
    assert_eq!(of("owner", &["nobody"]), Ok(Vec::new()));
    assert_eq!(fake.paths().len(), 2);
    assert_eq!(of("pipeline", &[]).unwrap_err().class, Class::Refused);
}
