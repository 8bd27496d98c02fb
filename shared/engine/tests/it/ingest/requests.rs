//! Requests that come with a signature of AWS.

use super::{Hall, Scripted, contact, name, signed, statuses, throttled};
use proptest::prelude::*;
use rtr_core::ingest::http::Kind;
use rtr_engine::seams::NotTaken;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn given_a_batch_with_a_bad_item_when_posted_then_the_others_are_taken_and_each_is_told() {
    let hall = Hall::new();
    let bad =
        json!({"org_id": "acme", "record_type": "contact", "record_id": "b", "version": "1", "data": {}});
    let answer = hall.post(&[contact("acme", "a", 1), bad, contact("globex", "c", 1)]);
    assert_eq!((answer.status, &answer.body["accepted"], answer.retry_after_s), (200, &json!(2), None));
    assert_eq!(statuses(&answer), [200, 400, 200]);
    let refused = &answer.body["results"][1];
    assert_eq!((&refused["code"], &refused["field"]), (&json!("RTR1005"), &json!("version")));
    assert_eq!(hall.sent(), ["acme/a@1", "globex/c@1"]);
}

#[test]
fn given_a_repeat_when_posted_then_it_has_the_id_of_the_first_and_is_in_the_queue_once() {
    let hall = Hall::new();
    let id = |answer: rtr_core::ingest::Answer| answer.body["results"][0]["message_id"].clone();
    let first = id(hall.post(&[contact("acme", "a", 1)]));
    assert_eq!(id(hall.post(&[contact("acme", "a", 1)])), first);
    assert_eq!(hall.world.queue.state().changes.len(), 1);
}

#[test]
fn given_what_cannot_be_read_when_posted_then_nothing_of_it_is_taken() {
    let hall = Hall::new();
    let array = json!([contact("acme", "a", 1)]).to_string();
    let cases = [
        (None, array[..array.len() - 1].to_owned(), 400),
        (None, String::new(), 400),
        (None, "{".to_owned(), 400),
        (Some("text/csv"), array, 415),
    ];
    for (content_type, body, status) in cases {
        let mut request = signed(body.as_bytes());
        request.kind = Kind { content_type, ce_specversion: None };
        assert_eq!(hall.ask(&request).status, status, "{body}");
    }
    assert!(hall.sent().is_empty());
}

#[test]
fn given_a_queue_that_is_down_when_posted_then_all_of_it_may_be_sent_again() {
    let hall = Hall::new();
    hall.world.queue.state().down = true;
    let answer = hall.post(&[contact("acme", "a", 1), contact("acme", "a", 2)]);
    assert_eq!((answer.status, answer.retry_after_s), (503, Some(1)));
    assert_eq!(answer.body["results"][0]["code"], "RTR5007");
    assert_eq!(answer.body["results"][1]["code"], "RTR5008");
    hall.world.queue.state().down = false;
    assert_eq!(hall.post(&[contact("acme", "a", 1), contact("acme", "a", 2)]).status, 200);
    assert_eq!(hall.sent(), ["acme/a@1", "acme/a@2"]);
}

#[test]
fn given_a_group_that_is_throttled_when_posted_then_its_record_is_put_off_and_the_others_are_not() {
    let hall = Hall::new();
    hall.world.queue.state().throttles.insert("acme#contact#a".to_owned());
    let events = [contact("acme", "a", 1), contact("acme", "b", 1), contact("acme", "a", 2)];
    let answer = hall.post(&events);
    assert_eq!((answer.status, statuses(&answer), answer.retry_after_s), (200, vec![429, 200, 429], Some(1)));
    assert_eq!(hall.sent(), ["acme/b@1"]);
    let all = hall.post(&events[..1]);
    assert_eq!((all.status, all.retry_after_s), (429, Some(1)));
}

#[test]
fn given_an_entry_that_the_queue_refuses_for_good_when_sent_then_the_records_next_version_goes() {
    let hall = Hall::new();
    let queue = Scripted::new(|entry| {
        (entry.version == 1).then(|| NotTaken::Refused("InvalidMessageContents".to_owned()))
    });
    let body = json!([contact("acme", "a", 1), contact("acme", "a", 2)]).to_string();
    let answer = hall.ask_over(&queue, &signed(body.as_bytes()));
    assert_eq!(statuses(&answer), [400, 200]);
    assert_eq!(answer.body["results"][0]["code"], "RTR1010");
}

#[test]
fn given_more_than_its_time_is_enough_for_when_posted_then_the_rest_may_be_sent_again() {
    let hall = Hall::new();
    let clock = hall.world.clock.clone();
    let queue = Scripted::new(move |_| {
        clock.advance_ms(5_000);
        None
    });
    let events: Vec<Value> = (1..=10).map(|version| contact("acme", "a", version)).collect();
    let answer = hall.ask_over(&queue, &signed(json!(events).to_string().as_bytes()));
    // 29 s less the 8 that the last call may take.
    assert_eq!(statuses(&answer), [200, 200, 200, 200, 200, 503, 503, 503, 503, 503]);
    assert_eq!(answer.body["results"][5]["code"], "RTR5009");
}

#[test]
fn given_many_records_when_posted_then_calls_are_full_and_never_hold_two_of_one() {
    let hall = Hall::new();
    let queue = Scripted::new(|_| None);
    let events: Vec<Value> =
        (0..23).map(|n| contact("acme", &format!("c-{n}"), 1)).chain([contact("acme", "c-0", 2)]).collect();
    hall.ask_over(&queue, &signed(json!(events).to_string().as_bytes()));
    let sizes: Vec<usize> = queue.calls().iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 10, 3, 1]);
}

proptest! {
    #[test]
    fn given_any_request_and_any_failures_when_posted_then_each_item_is_told_once_and_no_record_is_out_of_order(
        items in proptest::collection::vec((0u8..5, any::<bool>()), 1..40), fails in proptest::collection::vec(0u8..6, 40),
    ) {
        let hall = Hall::new();
        // One in six of the versions is throttled.
        let throttles: Vec<bool> = fails.iter().map(|fail| *fail == 0).collect();
        let told = throttles.clone();
        let queue = Scripted::new(move |entry| told[usize::try_from(entry.version).unwrap()].then(throttled));
        let event = |(at, (record, good)): (usize, &(u8, bool))| {
            if *good { contact("acme", &record.to_string(), at as u64) } else { json!({"org_id": "acme"}) }
        };
        let events: Vec<Value> = items.iter().enumerate().map(event).collect();
        let answer = hall.ask_over(&queue, &signed(json!(events).to_string().as_bytes()));
        let results = answer.body["results"].as_array().unwrap();
        prop_assert_eq!(results.len(), items.len());
        let accepted = results.iter().filter(|result| result["status"] == 200).count();
        prop_assert_eq!(answer.body["accepted"].as_u64().unwrap(), accepted as u64);
        let mut broken: BTreeMap<u8, bool> = BTreeMap::new();
        for (at, (record, good)) in items.iter().enumerate() {
            let status = results[at]["status"].as_u64().unwrap();
            prop_assert_eq!(results[at]["index"].as_u64().unwrap(), at as u64);
            if !good {
                prop_assert_eq!(status, 400);
                continue;
            }
            let broken = broken.entry(*record).or_default();
            *broken |= throttles[at];
            prop_assert_eq!(status, if *broken { 429 } else { 200 });
        }
    }
}

#[test]
fn given_a_taken_event_when_the_queue_delivers_it_then_sync_applies_it() {
    let hall = Hall::new();
    hall.post(&[contact("acme", "a", 1)]);
    let sent = hall.world.queue.state().sent.clone();
    assert_eq!(name(&sent[0].1), "acme/a@1");
    hall.world.deliver();
    assert_eq!(hall.world.contacts("email"), ["a@x.example"]);
}
