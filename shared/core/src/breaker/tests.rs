use super::*;
use proptest::prelude::*;

fn failed(by: &str, count: u32) -> Change {
    Change::Failed { by: by.to_owned(), count, answered: false, random: 0.0 }
}

fn probe(by: &str, until: i64) -> Change {
    Change::Probe { by: by.to_owned(), until: Instant(until) }
}

fn succeeded(by: &str) -> Change {
    Change::Succeeded { by: by.to_owned() }
}

fn opened() -> Breaker {
    Breaker::default().after(&failed("a", OPENS_AT), Instant(0)).unwrap()
}

#[test]
fn given_failures_when_a_success_comes_between_or_they_are_far_apart_then_it_stays_closed() {
    let four = Breaker::default().after(&failed("a", OPENS_AT - 1), Instant(0)).unwrap();
    assert_eq!(four.state(Instant(0)), State::Closed);
    let well = four.after(&succeeded("b"), Instant(1)).unwrap();
    assert_eq!(well, Breaker::default());
    assert_eq!(well.after(&succeeded("b"), Instant(2)), None, "a healthy one costs no write");
    let later = four.after(&failed("b", 1), Instant(FORGET_MS + 1)).unwrap();
    assert_eq!((later.failures, later.state(Instant(FORGET_MS + 1))), (1, State::Closed));
    let fifth = four.after(&failed("b", 1), Instant(FORGET_MS)).unwrap();
    assert_eq!(fifth.state(Instant(FORGET_MS)), State::Open { until: Instant(FORGET_MS + FIRST_OPEN_MS) });
}

#[test]
fn given_it_is_open_when_calls_begun_before_end_then_they_change_nothing() {
    let open = opened();
    assert_eq!(open.after(&failed("b", 9), Instant(1)), None);
    assert_eq!(open.after(&succeeded("b"), Instant(1)), None);
    assert_eq!(open.after(&probe("b", 9_000), Instant(FIRST_OPEN_MS - 1)), None);
    // Nor do they once it is half-open and another has the probe.
    let probed = open.after(&probe("b", 9_000), Instant(FIRST_OPEN_MS)).unwrap();
    assert_eq!(probed.after(&failed("a", 1), Instant(FIRST_OPEN_MS)), None);
    assert_eq!(probed.after(&succeeded("a"), Instant(FIRST_OPEN_MS)), None);
}

#[test]
fn given_two_at_half_open_when_both_want_the_probe_then_the_second_gets_it_when_the_firsts_time_is_over() {
    let probed = opened().after(&probe("a", 9_000), Instant(FIRST_OPEN_MS)).unwrap();
    assert_eq!(probed.after(&probe("b", 9_000), Instant(8_999)), None);
    let next = probed.after(&probe("b", 20_000), Instant(9_000)).unwrap();
    assert_eq!(next.probing(Instant(9_000)).unwrap().by, "b");
    // Whoever is late has lost it.
    assert_eq!(next.after(&succeeded("a"), Instant(9_001)), None);
    // One that gives up without a call lets the next one go at once.
    let given_up = next.after(&Change::Leave { by: "b".to_owned() }, Instant(9_001)).unwrap();
    assert!(given_up.after(&probe("c", 20_000), Instant(9_001)).is_some());
}

#[test]
fn given_probes_that_fail_when_it_opens_again_then_for_twice_as_long_up_to_the_longest() {
    let (mut breaker, mut now, mut spans) = (opened(), Instant(0), Vec::new());
    for _ in 0..9 {
        let State::Open { until } = breaker.state(now) else { panic!("it is {:?}", breaker.state(now)) };
        spans.push(until.since_ms(now) / 1_000);
        now = until;
        breaker = breaker.after(&probe("a", now.0 + 1), now).unwrap().after(&failed("a", 1), now).unwrap();
    }
    assert_eq!(spans, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    // One that answers, though too late, rests as short as it may.
    let probed = breaker.after(&probe("a", now.0 + 400_000), now.plus_ms(LONGEST_OPEN_MS)).unwrap();
    let late = Change::Failed { by: "a".to_owned(), count: 1, answered: true, random: 0.0 };
    let at = now.plus_ms(LONGEST_OPEN_MS + 9_000);
    let slow = probed.after(&late, at).unwrap();
    assert_eq!(slow.state(at), State::Open { until: at.plus_ms(FIRST_OPEN_MS) });
}

#[test]
fn given_it_has_just_closed_when_it_opens_again_then_longer_and_once_it_was_steady_then_from_the_beginning() {
    let now = Instant(FIRST_OPEN_MS);
    let probed = opened().after(&probe("a", 9_000), now).unwrap();
    let closed = probed.after(&succeeded("a"), now).unwrap();
    assert_eq!(closed.after(&failed("b", 1), now).unwrap().state(now), State::Closed);
    assert_ne!(closed.after(&failed("b", OPENS_AGAIN_AT), now).unwrap().state(now), State::Closed);
    for (later, span) in [(STEADY_MS, 2 * FIRST_OPEN_MS), (STEADY_MS + 1, FIRST_OPEN_MS)] {
        let at = now.plus_ms(later);
        let again = closed.after(&failed("b", OPENS_AT), at).unwrap();
        assert_eq!(again.state(at), State::Open { until: at.plus_ms(span) });
    }
}

#[test]
fn given_it_has_just_closed_when_asked_then_those_who_may_be_at_work_double_each_second() {
    let now = Instant(FIRST_OPEN_MS);
    let closed = opened().after(&probe("a", 9_000), now).unwrap().after(&succeeded("a"), now).unwrap();
    let ramp = |ms: i64| closed.ramp(now.plus_ms(ms));
    let steps: Vec<Option<u64>> = (0..7).map(|second| ramp(second * 1_000)).collect();
    assert_eq!(steps, [Some(1), Some(2), Some(4), Some(8), Some(16), Some(32), None]);
    // A clock a little behind begins with one; one that is far off says nothing.
    assert_eq!((ramp(-2_000), ramp(-300_000)), (Some(1), None));
    let slow = Slow { median_ms: 3_000, until: now.plus_ms(SLOW_FOR_MS + 1_500) };
    let both = closed.after(&Change::Slow(slow), now.plus_ms(1_500)).unwrap();
    let cap = |breaker: &Breaker, ms: i64| {
        breaker.cap(Some(10_000), now.plus_ms(ms)).map(|cap| (cap.most, cap.others, cap.again_ms))
    };
    assert_eq!(cap(&closed, 1_500), Some((2, 2, RAMP_STEP_MS)));
    let since = |ms: i64| both.cap(Some(10_000), now.plus_ms(ms)).unwrap().since;
    assert_eq!((since(1_500), since(7_000)), (Some(now), None));
    let caps = [1_500, 2_500, 7_000, 62_000].map(|ms| cap(&both, ms));
    assert_eq!(
        caps,
        [Some((2, 2, 3_000)), Some((3, 2, 3_000)), Some((3, 2, 3_000)), None],
        "the fewer count"
    );
    assert_eq!(closed.capped_since(now), Some(now));
    let since = [1_500, 7_000, 62_000].map(|ms| both.capped_since(now.plus_ms(ms)));
    assert_eq!(since, [Some(now.plus_ms(1_500)), Some(now.plus_ms(1_500)), None]);
}

#[test]
fn given_limits_and_latencies_when_capped_then_the_slower_the_fewer_and_never_none() {
    let ten_a_second = Some(10_000);
    let caps: Vec<u64> =
        [1_000, 2_000, 5_000, 9_000, 60_000].map(|ms| slow_cap(ms, ten_a_second).unwrap()).into();
    assert_eq!(caps, [10, 5, 2, 1, 1]);
    assert_eq!(slow_cap(1_000, None), None);
}

#[test]
fn given_one_opened_by_a_clock_far_ahead_when_asked_then_it_is_time_for_a_probe() {
    let far = Breaker { open_until: Some(Instant(10 * LONGEST_OPEN_MS)), ..Breaker::default() };
    assert_eq!(far.state(Instant(0)), State::HalfOpen);
}

#[test]
fn given_a_state_of_another_release_when_read_then_what_it_lacks_is_healthy() {
    let read: Breaker = serde_json::from_str("{\"failures\": 3, \"new\": true}").unwrap();
    assert_eq!(read, Breaker { failures: 3, ..Breaker::default() });
}

fn change() -> impl Strategy<Value = Change> {
    let by = prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    (by, 0u8..6, 1u32..4, any::<bool>(), 0.0f64..1.0, 1i64..70_000).prop_map(
        |(by, what, count, answered, random, ms)| match what {
            0 | 1 => Change::Failed { by, count, answered, random },
            2 => Change::Succeeded { by },
            3 => Change::Probe { by, until: Instant(ms) },
            4 => Change::Leave { by },
            _ => Change::Slow(Slow { median_ms: ms, until: Instant(ms) }),
        },
    )
}

/// Times in a change count from when it is made.
fn from_now(change: Change, now: Instant) -> Change {
    let at = |until: Instant| now.plus_ms(until.0);
    match change {
        Change::Probe { by, until } => Change::Probe { by, until: at(until) },
        other => other,
    }
}

proptest! {
    #[test]
    fn given_any_history_when_it_goes_on_then_it_opens_and_closes_only_as_it_may(
        steps in prop::collection::vec((0i64..20_000, change()), 1..80),
    ) {
        let (mut breaker, mut now) = (Breaker::default(), Instant(0));
        let mut in_a_row = 0;
        for (pause, change) in steps {
            now = now.plus_ms(pause);
            let change = from_now(change, now);
            let (before, was) = (breaker.clone(), breaker.state(now));
            let Some(after) = breaker.after(&change, now) else { continue };
            prop_assert_ne!(&after.clone(), &before, "what changes nothing is not written");
            let is = after.state(now);
            match &change {
                Change::Failed { count, .. } if was == State::Closed => in_a_row += count,
                Change::Succeeded { .. } => in_a_row = 0,
                _ => {}
            }
            match (was, is) {
                (State::Closed, State::Open { until }) => {
                    let least = if before.ramp(now).is_some() { OPENS_AGAIN_AT } else { OPENS_AT };
                    prop_assert!(in_a_row >= least, "{in_a_row} failures");
                    prop_assert!((FIRST_OPEN_MS * 4 / 5..=LONGEST_OPEN_MS).contains(&until.since_ms(now)));
                    in_a_row = 0;
                }
                (State::HalfOpen, State::Open { until }) => {
                    prop_assert!(matches!(change, Change::Failed { .. }), "it opened without a failure");
                    prop_assert!((FIRST_OPEN_MS * 4 / 5..=LONGEST_OPEN_MS).contains(&until.since_ms(now)));
                    in_a_row = 0;
                }
                (State::HalfOpen, State::Closed) => {
                    let Change::Succeeded { by } = &change else {
                        return Err(TestCaseError::fail("it closed without a success"));
                    };
                    prop_assert_eq!(&before.probe.as_ref().unwrap().by, by);
                    prop_assert_eq!(after.ramp(now), Some(1));
                }
                (State::Open { .. }, State::Open { .. }) => prop_assert_eq!(after.open_until, before.open_until),
                (was, is) => prop_assert_eq!(was, is),
            }
            // A probe is never taken from whoever has it.
            if let (Some(held), Change::Probe { by, .. }) = (before.probing(now), &change) {
                prop_assert_eq!(&held.by, by);
            }
            // Twice is as once, but that failures count twice.
            if !matches!(change, Change::Failed { .. } | Change::Slow(_)) {
                prop_assert_eq!(after.after(&change, now), None);
            }
            breaker = after;
        }
        // Whatever has happened, somebody new can probe in time, and close it.
        let later = now.plus_ms(LONGEST_OPEN_MS + 70_000);
        if breaker.state(later) != State::Closed {
            let probed = breaker.after(&probe("new", later.0 + 1), later).unwrap();
            prop_assert_eq!(probed.after(&succeeded("new"), later).unwrap().state(later), State::Closed);
        }
    }
}
