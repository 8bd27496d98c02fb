//! Every refusal of the vendor's contract sheet, limits and tokens among them.

use super::bench::{Bench, set};
use super::profile::Profile;
use super::sheet::Means;
use rtr_connectors::connector::{Kind, LookupBy};
use rtr_connectors::http::Clock;
use rtr_core::failure::{Class, Failure};
use serde_json::json;

/// Each refusal has the class it must have, and is sent again only where it may be.
pub fn given_each_refusal_of_the_contract_sheet_when_written_then_its_class_is_the_one_agreed(
    profile: &Profile,
) {
    assert!(profile.sheet.len() >= 10, "a contract sheet has more rows than {}", profile.sheet.len());
    for row in profile.sheet {
        let bench = Bench::new(profile);
        let id = bench.make(1, "r-1");
        bench.fault(row.fault());
        bench.forget_calls();
        let failure = bench.write_one(Kind::Update, &id, set(profile.text, "canary two")).unwrap_err();
        let now = bench.clock.now().0;
        assert!(row.means.is(&failure, now), "{}: {:?} became {failure:?} at {now}", row.name, row.means);
        let again = bench.times_sent() > 1;
        assert_eq!(again, row.means.is_tried_again(), "{}: sent {} times", row.name, bench.times_sent());
        let renewals = usize::from(row.means == Means::Unauthorized);
        assert_eq!(bench.renewals(), renewals, "{}: a token is renewed once, and only if refused", row.name);
        assert_eq!(bench.value(&id, profile.text), None, "{}: nothing was written", row.name);
        bench.faults(&[]);
        assert!(bench.record(&id).is_some());
    }
}

/// A refusal of a question never reads as "there is none": that would make second records.
pub fn given_each_refusal_of_the_contract_sheet_when_looked_up_then_nothing_counts_as_absent(
    profile: &Profile,
) {
    for row in profile.sheet.iter().filter(|row| row.means != Means::Missing) {
        for by in [LookupBy::Unique, LookupBy::Any] {
            let bench = Bench::new(profile);
            bench.make(1, "r-1");
            bench.fault(row.fault());
            let property = if by == LookupBy::Unique { profile.key } else { profile.text };
            let found = bench.lookup(property, by, &["r-1".to_owned()]);
            let class = found.as_ref().map_err(|failure| &failure.class);
            assert!(found.is_err(), "{}: a look-up answers {found:?}", row.name);
            assert_ne!(class, Err(&Class::OutcomeUnknown), "{}: a question has no outcome", row.name);
        }
    }
}

/// A limit that was reached stops every environment's calls, until the time the vendor named or its window's end.
pub fn given_each_limit_reached_when_written_then_all_calls_stop_until_it_is_over(profile: &Profile) {
    let limits = profile.sheet.iter().filter(|row| matches!(row.means, Means::ThrottledFor(_)));
    for row in limits {
        let bench = Bench::new(profile);
        bench.fault(row.fault());
        let failure = bench.write_one(bench.upsert(), "r-1", (profile.fields)(1)).unwrap_err();
        let Class::Throttled { until: Some(until) } = failure.class else {
            assert!(row.means.is(&failure, bench.clock.now().0), "{}: {failure:?}", row.name);
            continue;
        };
        let blocked = bench.blocks().into_iter().map(|(_, until)| until).max();
        assert_eq!(blocked, Some(until), "{}: the gate is blocked", row.name);
        let calls = bench.calls();
        let again = bench.write_one(bench.upsert(), "r-1", (profile.fields)(1));
        let wait = until.0 - bench.clock.now().0;
        assert!(wait <= 1_500 || bench.calls() == calls, "{}: called while blocked: {again:?}", row.name);
        bench.faults(&[]);
        bench.clock.advance_ms(wait.max(0) + 1_500);
        bench.time_left(60_000);
        assert!(bench.write_one(bench.upsert(), "r-1", (profile.fields)(1)).is_ok(), "{}", row.name);
    }
}

/// A token that ended is renewed once, and the call goes on.
pub fn given_an_expired_token_when_written_then_it_is_renewed_once_and_the_write_goes_on(profile: &Profile) {
    let bench = Bench::new(profile);
    bench.expire_tokens();
    bench.forget_calls();
    assert!(bench.write_one(bench.upsert(), "r-1", (profile.fields)(1)).is_ok());
    assert_eq!((bench.renewals(), bench.calls()), (1, 2));
    // In the middle of a batch's parts as well.
    bench.fault(json!({"fault": "expire_token", "count": 1}));
    bench.forget_calls();
    assert!(bench.write_one(bench.upsert(), "r-2", (profile.fields)(2)).is_ok());
    assert_eq!(bench.renewals(), 2);
    assert_eq!(bench.records().len(), 2);
}

/// What a person withdrew is not asked for again and again.
pub fn given_revoked_tokens_when_written_then_the_connection_waits_for_a_person(profile: &Profile) {
    let bench = Bench::new(profile);
    bench.revoke();
    bench.forget_calls();
    let items = (0..3).map(|n| (format!("r-{n}"), (profile.fields)(n))).collect();
    for outcome in bench.write(bench.upsert(), items) {
        assert_eq!(outcome.map_err(|failure| failure.class), Err(Class::Revoked));
    }
    assert_eq!((bench.renewals(), bench.calls()), (1, 1));
    let found = bench.lookup(profile.key, LookupBy::Unique, &["r-1".to_owned()]);
    assert_eq!(found.map_err(|failure: Failure| failure.class), Err(Class::Revoked));
}
