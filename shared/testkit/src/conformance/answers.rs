//! Answers that were lost, or are none: nobody guesses, and no write is sent a second time.

use super::bench::{Bench, set};
use super::profile::Profile;
use rtr_connectors::connector::{Kind, LookupBy};
use rtr_connectors::http::{Clock, Response};
use rtr_connectors::session::LEAST_CALL_MS;
use rtr_core::failure::Class;
use serde_json::{Value, json};

/// Whether it landed or not, a write whose answer was lost is not sent again in place.
pub fn given_a_lost_answer_when_written_then_nobody_knows_and_it_is_sent_once(profile: &Profile) {
    let timeout = Bench::bare(profile).connector.capabilities().call_timeout_ms;
    let faults = [
        json!({"fault": "drop_after_commit"}),
        json!({"fault": "drop_then_commit", "value": 5_000}),
        json!({"fault": "refuse"}),
        json!({"fault": "latency", "value": timeout + 1}),
        json!({"fault": "truncate"}),
        json!({"fault": "truncate", "value": 0}),
        json!({"fault": "html"}),
        json!({"fault": "html", "value": 500}),
        json!({"fault": "html", "value": 502}),
        json!({"fault": "html", "value": 504}),
        json!({"fault": "empty_2xx"}),
    ];
    for fault in faults {
        for kind in 0..3 {
            unknown(profile, &fault, kind);
        }
    }
}

fn unknown(profile: &Profile, fault: &Value, kind: usize) {
    let bench = Bench::new(profile);
    let id = bench.make(1, "r-1");
    let (kind, id) = match kind {
        0 => (bench.upsert(), "r-1".to_owned()),
        1 => (Kind::Create, String::new()),
        _ => (Kind::Update, id),
    };
    bench.fault(fault.clone());
    bench.forget_calls();
    let fields = if kind == Kind::Create { (profile.fields)(2) } else { set(profile.text, "canary two") };
    let outcome = bench.write_one(kind.clone(), &id, fields);
    let class = outcome.map_err(|failure| failure.class);
    assert_eq!(class, Err(Class::OutcomeUnknown), "{kind:?} under {fault}");
    assert_eq!(bench.calls(), 1, "{kind:?} under {fault}: sent once");
}

/// A question may be asked again, and in the end it is unavailable, never "nothing found".
pub fn given_a_lost_answer_when_looked_up_then_it_is_asked_again_and_never_taken_for_nothing(
    profile: &Profile,
) {
    let faults = [
        json!({"fault": "refuse"}),
        json!({"fault": "truncate"}),
        json!({"fault": "html"}),
        json!({"fault": "html", "value": 502}),
        json!({"fault": "empty_2xx"}),
    ];
    for (property, by) in [(profile.key, LookupBy::Unique), (profile.text, LookupBy::Any)] {
        for fault in &faults {
            let bench = Bench::new(profile);
            let id = bench.make(1, "r-1");
            bench.write_one(Kind::Update, &id, set(profile.text, "r-1")).unwrap();
            let mut once = fault.clone();
            once["count"] = json!(1);
            bench.fault(once);
            let found = bench.lookup(property, by, &["r-1".to_owned()]).unwrap();
            assert_eq!(found.len(), 1, "{fault}: asked again");
            bench.fault(fault.clone());
            let class = bench.lookup(property, by, &["r-1".to_owned()]).map_err(|failure| failure.class);
            assert_eq!(class, Err(Class::Unavailable), "{fault}");
        }
    }
}

/// An answer in good order that does not say what was found has not said that nothing was.
pub fn given_a_success_that_says_nothing_when_looked_up_then_it_is_never_taken_for_nothing(
    profile: &Profile,
) {
    for body in
        ["{}", "[]", r#"{"status": "COMPLETE", "totalSize": 0}"#, r#"{"results": null, "records": null}"#]
    {
        for (property, by) in [(profile.key, LookupBy::Unique), (profile.text, LookupBy::Any)] {
            let bench = Bench::new(profile);
            bench.answer_always(Response { status: 200, headers: Vec::new(), body: body.into() });
            let class = bench.lookup(property, by, &["r-1".to_owned()]).map_err(|failure| failure.class);
            assert_eq!(class, Err(Class::Unavailable), "{body}");
        }
    }
}

/// Nothing follows a redirect: credentials and data would go where it points.
pub fn given_a_redirect_to_another_host_when_called_then_it_is_refused_and_nothing_is_sent_there(
    profile: &Profile,
) {
    let bench = Bench::new(profile);
    bench.fault(json!({"fault": "redirect", "value": "http://elsewhere.example/take/this"}));
    let failure = bench.write_one(bench.upsert(), "r-1", (profile.fields)(1)).unwrap_err();
    assert_eq!(failure.class, Class::Refused);
    let found = bench.lookup(profile.key, LookupBy::Unique, &["r-1".to_owned()]);
    assert_eq!(found.map_err(|failure| failure.class), Err(Class::Refused));
    assert!(bench.sent().iter().all(|url| url.contains(" http://sandbox/")), "{:?}", bench.sent());
    assert_eq!(bench.calls(), 2);
    assert_eq!(bench.records(), Vec::<Value>::new());
}

/// No call is begun that cannot end in time, and none outlasts the invocation.
pub fn given_little_time_when_called_then_no_call_begins_that_cannot_end(profile: &Profile) {
    let bench = Bench::new(profile);
    bench.time_left(LEAST_CALL_MS - 1);
    let failure = bench.write_one(bench.upsert(), "r-1", (profile.fields)(1)).unwrap_err();
    assert_eq!((failure.class, bench.calls()), (Class::OutOfTime, 0));
    bench.time_left(3_000);
    bench.fault(json!({"fault": "latency", "value": 10_000}));
    let begun = bench.clock.now().0;
    let failure = bench.write_one(bench.upsert(), "r-1", (profile.fields)(1)).unwrap_err();
    assert_eq!((failure.class, bench.calls()), (Class::OutcomeUnknown, 1));
    assert!(bench.clock.now().0 - begun <= 3_000, "given up when the time was over");
    // Busy answers are waited for only while there is time.
    bench.time_left(3_000);
    let begun = bench.clock.now().0;
    bench.fault(json!({"fault": "status", "value": 503}));
    assert!(bench.write_one(bench.upsert(), "r-1", (profile.fields)(1)).is_err());
    assert!(bench.clock.now().0 - begun <= 3_000);
}
