//! What is counted, measured, kept and told of a batch: the books that operators go by.

use crate::CONTACT;
use crate::lines::{Line, lines};
use rtr_core::metric::Metric;
use rtr_core::trace::Trace;
use rtr_core::trail::Did;
use rtr_engine::batch::Received;
use rtr_engine::report::BatchReport;
use rtr_testkit::build;
use rtr_testkit::world::World;
use serde_json::json;

fn person(world: &World, id: &str, version: u64) -> Received {
    world.contact(id, version, &json!({"email": format!("{id}@x.io"), "first_name": format!("v{version}")}))
}

fn events(report: &BatchReport) -> Vec<(&'static str, u64)> {
    let own = |(name, n): (&&'static str, &u64)| name.starts_with("event").then_some((*name, *n));
    report.counts.iter().filter_map(own).collect()
}

#[test]
fn given_a_batch_of_everything_when_worked_then_its_messages_add_up_and_each_event_ends_once() {
    let world = World::with_contact(CONTACT);
    let stray = Received { group: "elsewhere".to_owned(), ..person(&world, "s", 1) };
    let bad = build::raw("{", "acme#bad", world.now());
    let nowhere = build::event("acme", "invoice", "i", 1, &json!({}), world.now());
    let batch = [person(&world, "a", 1), person(&world, "a", 2), person(&world, "b", 1), stray, bad, nowhere];
    let report = world.sync(&batch);
    assert_eq!(
        events(&report),
        [
            ("event_applied", 2),
            ("event_dead", 1),
            ("event_skipped", 1),
            ("event_superseded", 1),
            ("events", 5)
        ]
    );
    assert_eq!((report.n(Metric::Messages), report.n(Metric::SentOn), report.failed.len()), (6, 1, 0));
    assert_eq!(report.of_provider[&("hubspot", Metric::Applied)], 2);
}

#[test]
fn given_an_event_that_comes_back_when_it_leaves_at_last_then_it_is_counted_then_and_as_what_it_was() {
    let world = World::with_contact(CONTACT);
    let message = person(&world, "a", 1);
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"},
        "fault": "status", "value": 503, "count": 100}]));
    let first = world.sync(std::slice::from_ref(&message));
    assert_eq!((first.failed.len(), events(&first)), (1, vec![]), "it is still there");
    world.faults(&json!([]));
    world.clock.advance_ms(400_000);
    let done = world.sync(&[build::again(message.clone())]);
    assert_eq!(events(&done), [("event_applied", 1), ("events", 1)]);
    // Its answer is lost, and it comes once more: how it ended then is what counts.
    let repeated = world.sync(&[build::again(build::again(message))]);
    assert_eq!(events(&repeated), [("event_applied", 1), ("events", 1)]);
}

#[test]
fn given_an_older_version_that_left_the_queue_when_the_newer_one_comes_back_then_it_is_counted_all_the_same()
{
    let world = World::with_contact(CONTACT);
    // The newer one stands before it: what is behind it comes back with it, but for what is out of the queue.
    let batch = [person(&world, "a", 2), person(&world, "a", 1)];
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"},
        "fault": "status", "value": 503, "count": 100}]));
    let first = world.sync(&batch);
    assert_eq!((first.taken_out.len(), events(&first)), (1, vec![("event_superseded", 1), ("events", 1)]));
    world.faults(&json!([]));
    world.clock.advance_ms(400_000);
    let [newer, _] = batch;
    let done = world.sync(&[build::again(newer)]);
    assert_eq!(events(&done), [("event_applied", 1), ("events", 1)]);
}

#[test]
fn given_an_applied_event_when_measured_then_it_is_how_long_it_took_and_what_waited_is_apart() {
    let world = World::with_contact(CONTACT);
    let sent_at = world.now();
    world.clock.advance_ms(1_200);
    let report = world.sync(&[Received { sent_at, ..person(&world, "a", 1) }]);
    let latency = &report.measured[&("hubspot", Metric::LatencyMs)];
    assert!(latency.len() == 1 && (1_200..2_000).contains(&latency[0]), "{latency:?}");
    let again = build::again(Received { sent_at, ..person(&world, "a", 2) });
    let report = world.sync(&[again]);
    assert!(!report.measured.contains_key(&("hubspot", Metric::LatencyMs)), "{:?}", report.measured);
    assert_eq!(report.measured[&("hubspot", Metric::LatencyHeldMs)].len(), 1);
}

#[test]
fn given_a_refused_value_when_it_is_dead_then_its_item_tells_the_way_and_the_call_is_counted() {
    let world = World::with_contact(CONTACT);
    world.sync(&[person(&world, "a", 1)]);
    let bad = world.contact("a", 2, &json!({"email": "no address", "first_name": "x"}));
    let report = world.sync(&[Received { sent_at: world.now().plus_ms(-300), ..bad }]);
    assert_eq!(report.counts["dead"], 1);
    let item = world.item("contact", "a");
    let trail = item.recent.last().unwrap().trail.clone().unwrap();
    assert_eq!(
        (trail.did, trail.receives, trail.mapping_revision > 0),
        (Some(Did::Update), 1, true),
        "{trail:?}"
    );
    assert!(
        trail.entered_ms >= 300 && trail.calls > 0 && trail.status.is_some_and(|status| status >= 207),
        "{trail:?}"
    );
    let first = item.recent.first().unwrap().trail.clone().unwrap();
    assert_eq!(first.did, Some(Did::Upsert));
}

#[test]
fn given_records_of_two_objects_in_one_batch_when_called_for_then_each_ones_trail_and_line_are_of_its_own_calls()
 {
    let world = World::with_contact(CONTACT);
    let company = world.company("k", 1, &json!({"name": "K", "domain": "k.io"}));
    let batch = [traced(person(&world, "a", 1), true), company];
    let told = lines("call", || drop(world.sync(&batch)));
    let trail = |kind: &str, id: &str| world.item(kind, id).recent.last().unwrap().trail.clone().unwrap();
    assert_eq!(trail("contact", "a").calls as usize, told.len(), "{told:?}");
    assert!(told.iter().all(|line| line["path"].contains("contacts")), "{told:?}");
    assert!(trail("company", "k").calls > 0);
}

#[test]
fn given_a_letter_of_a_traced_event_when_it_is_filed_then_its_line_and_its_record_have_the_trace() {
    let world = World::with_contact(CONTACT);
    let lost = traced(build::event("acme", "contact", "a", 1, &json!({}), world.now()), true);
    let strict = rtr_engine::batch::Settings { strict_orgs: true, ..world.settings.clone() };
    world.configs.apply(&[]).unwrap();
    let world = World { settings: strict, ..world };
    let lost =
        Received { body: lost.body.replace("acme", "nobody"), group: "nobody#contact#a".to_owned(), ..lost };
    world.sync(&[lost]);
    let letters = world.queue.receive(rtr_engine::seams::QueueName::DeadLetter, 10);
    assert!(letters.iter().all(|letter| letter.trace.is_some()) && letters.len() == 1, "{letters:?}");
    let told = lines("record", || drop(world.redrive(&letters)));
    assert_eq!(told[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736", "{told:?}");
    // It names no field and goes to no connection: the line has neither.
    assert!(told.iter().flat_map(|line| line.values()).all(|value| !value.is_empty()), "{told:?}");
    assert_eq!((told[0].get("field"), told[0].get("connection")), (None, None), "{told:?}");
}

#[test]
fn given_calls_that_fail_when_counted_then_each_is_of_its_kind() {
    let of = |status: u16| {
        let world = World::with_contact(CONTACT);
        world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"},
            "fault": "status", "value": status, "count": 1}]));
        let report = world.sync(&[person(&world, "a", 1)]);
        let all = [Metric::CrmFailed, Metric::CrmThrottled, Metric::CrmUnauthorized, Metric::CrmRefused];
        all.map(|metric| report.of_provider.get(&("hubspot", metric)).copied().unwrap_or(0))
    };
    assert_eq!(of(503), [1, 0, 0, 0]);
    assert_eq!(of(429), [0, 1, 0, 0]);
    assert_eq!(of(401), [0, 0, 1, 0]);
    assert_eq!(of(418), [0, 0, 0, 1]);
}

fn traced(message: Received, sampled: bool) -> Received {
    let flags = u8::from(sampled);
    let parent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0{flags}");
    Received { trace: Trace::from_traceparent(&parent), ..message }
}

#[test]
fn given_traced_events_when_called_for_then_the_sampled_ones_call_has_a_line_and_a_parked_one_keeps_its_trace()
 {
    let world = World::with_contact(CONTACT);
    let run = |batch: &[Received]| -> Vec<Line> { lines("call", || drop(world.sync(batch))) };
    assert_eq!(run(&[person(&world, "a", 1)]), Vec::<Line>::new());
    assert_eq!(run(&[traced(person(&world, "b", 1), false)]), Vec::<Line>::new());
    let told = run(&[traced(person(&world, "c", 1), true), person(&world, "d", 1)]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((told[0]["records"].as_str(), told[0]["status"].as_str()), ("2", "200"), "{told:?}");
    assert!(!told[0]["path"].contains('?'), "{told:?}");
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"},
        "fault": "status", "value": 503, "count": 100}]));
    let late = Received { receive_count: 9, ..traced(person(&world, "c", 2), false) };
    let failed = run(&[late]);
    assert!(
        !failed.is_empty() && failed.iter().all(|line| line["trace_id"].starts_with("4bf9")),
        "{failed:?}"
    );
    assert!(crate::parked(&world, "c").trace.is_some());
}
