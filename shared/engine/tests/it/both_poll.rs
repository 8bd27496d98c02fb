//! A poll under way while thousands of records change, many at one and the same time, and that is killed in the middle.

use async_trait::async_trait;
use futures::FutureExt as _;
use rtr_connectors::http::{Http, NoAnswer, Outgoing, Response};
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_engine::poll;
use rtr_engine::seams::{QueueName, Seams};
use rtr_testkit::both::BothWays;
use rtr_testkit::world::TIMEOUT_MS;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Records that the batch calls of the CRM take.
const BATCH: usize = 100;

/// The CRM, which never answers a question again after so many.
struct Stops<'a>(&'a dyn Http, AtomicUsize);

#[async_trait]
impl Http for Stops<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        if self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            return std::future::pending().await;
        }
        self.0.send(outgoing).await
    }
}

/// People change, or make, records from `from` on, a hundred in a call.
fn people(both: &BothWays, ids: &mut Vec<String>, from: usize, count: usize, word: &str) {
    for first in (from..from + count).step_by(BATCH) {
        let last = (first + BATCH).min(from + count);
        let properties = |n: usize| json!({"email": format!("{n}@x.io"), "firstname": format!("{word}{n}")});
        let new = first >= ids.len();
        let inputs: Vec<Value> = (first..last)
            .map(|n| {
                if new {
                    json!({"properties": properties(n)})
                } else {
                    json!({"id": ids[n], "properties": properties(n)})
                }
            })
            .collect();
        let what = if new { "create" } else { "update" };
        let path = format!("/hubspot/acme/crm/v3/objects/contacts/batch/{what}");
        let answer = both.world.crm.ask("POST", &path, both.token("hubspot"), &json!({ "inputs": inputs }));
        let made = answer["results"].as_array().expect("written").clone();
        if new {
            let of = |one: &Value| {
                (
                    one["properties"]["email"].as_str().unwrap_or("").to_owned(),
                    one["id"].as_str().unwrap_or("").to_owned(),
                )
            };
            let by_email: BTreeMap<String, String> = made.iter().map(of).collect();
            ids.extend((first..last).map(|n| by_email[&format!("{n}@x.io")].clone()));
        }
    }
}

/// Until nothing is noticed or told any more. Calls take their time, so it is longer for more records.
fn quiet(both: &BothWays) {
    let sum = || (both.counted("poll", "noticed"), both.house.state().told.len());
    let mut before = (u64::MAX, 0);
    while sum() != before {
        before = sum();
        both.pass(900_000);
    }
}

/// Some runs of the poll, and one that is killed when it has asked the CRM so often.
fn killed_after(both: &BothWays, runs: usize, questions: usize) {
    for _ in 0..runs {
        both.sweep();
        let batch = both.world.queue.receive(QueueName::Poll, 1);
        let report = both.invoke(QueueName::Poll, &batch);
        both.settle_batch(QueueName::Poll, &batch, &report);
        both.world.clock.advance_ms(60_000);
    }
    both.sweep();
    let batch = both.world.queue.receive(QueueName::Poll, 1);
    assert_eq!(batch.len(), 1, "it is due");
    let http = Stops(&both.world.crm, AtomicUsize::new(questions));
    let seams = Seams { http: &http, ..both.world.seams() };
    let deadline = both.world.now().plus_ms(TIMEOUT_MS);
    let run = poll::run(&seams, &both.world.settings, &both.world.caches, &batch, deadline);
    assert!(run.now_or_never().is_none(), "it was under way");
}

#[test]
fn given_thousands_changed_during_a_poll_at_equal_times_and_a_kill_when_all_is_quiet_then_each_was_told_once()
{
    let size = std::env::var("RTR_POLL_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let both = BothWays::at_hubspot_alone();
    both.rounds.set(size);
    both.publishes.set(false);
    // Somebody works for the org, so its polls begin.
    both.house.edit("acme", "contact", "c-1", &json!({"email": "c-1@x.io", "stage": "new"}));
    both.publishes.set(true);
    both.settle();
    both.publishes.set(false);
    both.pass(10_000);
    let feed = PairKey::feed(&ConnectionKey::new("acme", "hubspot"), "contacts");
    assert!(both.world.records.item(&feed).slot.is_some());

    // The clock stands still while people work: a half has one stamp.
    let mut ids = Vec::new();
    people(&both, &mut ids, 0, size / 2, "a");
    both.world.clock.advance_ms(400_000);
    killed_after(&both, size / 2 / 10_000, 3);
    people(&both, &mut ids, size / 2, size - size / 2, "a");
    // What it had read before is changed behind its back, and what it had not read too.
    people(&both, &mut ids, size / 4, size / 2, "b");
    quiet(&both);
    let told = |both: &BothWays| {
        let mut by_id: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for one in &both.house.state().told {
            by_id
                .entry(one["external_id"].as_str().unwrap_or("").to_owned())
                .or_default()
                .push(one["data"]["name"]["first"].clone());
        }
        by_id
    };
    assert_eq!(both.house.state().repeats, 0, "the internal system heard nothing twice");
    let first = told(&both);
    assert_eq!(first.len(), size, "{:?}", both.counts.borrow());
    for (n, id) in ids.iter().enumerate() {
        let word = if (size / 4..size / 4 + size / 2).contains(&n) { "b" } else { "a" };
        let all = &first[id];
        assert_eq!(all.last(), Some(&json!(format!("{word}{n}"))), "record {n}");
        let mut once = all.clone();
        once.dedup();
        assert_eq!(&once, all, "record {n} is told of no state twice");
    }
    assert!(
        both.counted("poll", "echoes") > 0,
        "the overlap's repeats are dropped: {:?}",
        both.counts.borrow()
    );
    let sum_of = |both: &BothWays| {
        let state = both.house.state();
        (state.told.len(), state.repeats)
    };
    let (sum, repeats) = sum_of(&both);
    // Once more at one stamp, all linked by now.
    people(&both, &mut ids, 0, size, "c");
    both.world.clock.advance_ms(300_000);
    killed_after(&both, size / 10_000, 3);
    quiet(&both);
    let second = told(&both);
    assert_eq!(sum_of(&both).0 - sum, size, "{:?}", both.counts.borrow());
    assert!(ids.iter().enumerate().all(|(n, id)| second[id].last() == Some(&json!(format!("c{n}")))));
    assert_eq!(sum_of(&both).1, repeats, "the internal system heard nothing twice");
    println!("{size} records: {:?}", both.counts.borrow());
}
