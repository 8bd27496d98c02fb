//! Whatever the order in which environments lease, and however far the clock steps forward.

use super::*;

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let rule = (1u64..60, 500i64..4_000, 1u64..60).prop_map(|(requests, per_ms, burst)| Rule {
        requests,
        per_ms,
        burst: burst.min(requests),
    });
    prop::collection::vec(rule, 1..3)
}

#[derive(Debug, Clone, Copy)]
struct Step {
    pause_ms: i64,
    want: u64,
    unused: u64,
    way: u8,
    ahead_ms: i64,
    refused: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ahead = prop_oneof![Just(0), 0i64..1_500];
    let unused = prop_oneof![Just(0), 0u64..30];
    let step =
        (prop_oneof![0i64..60, 0i64..3_000], 1u64..30, unused, 0u8..3, ahead, prop::bool::weighted(0.02));
    let step = step.prop_map(|(pause_ms, want, unused, way, ahead_ms, refused)| Step {
        pause_ms,
        want,
        unused,
        way,
        ahead_ms,
        refused,
    });
    prop::collection::vec(step, 1..200)
}

struct Grant {
    asked: i64,
    at: i64,
    tokens: u64,
    share: bool,
}

fn run(rules: &[Rule], percent: u8, steps: &[Step]) -> Vec<Grant> {
    let (mut bucket, mut now, mut grants) = (Bucket::default(), Instant(0), Vec::new());
    for step in steps {
        now = now.plus_ms(step.pause_ms);
        if step.refused {
            bucket = block(&bucket, now.plus_ms(500), now);
        }
        let way = [Way::Whole, Way::Even, Way::Share(percent)][usize::from(step.way)];
        // Some of the last lease of the same kind, if there was one.
        let last = grants.iter().rposition(|grant: &Grant| grant.share == (step.way == 2));
        let unused = last.map_or(Unused::default(), |last| Unused {
            tokens: step.unused.min(grants[last].tokens),
            leased_at: Instant(grants[last].at),
        });
        let ask = Ask {
            want: step.want,
            unused,
            way,
            ahead_ms: step.ahead_ms,
            spread_ms: 0,
            told: Vec::new(),
            flight: None,
        };
        let taken = take(&bucket, rules, &ask, now);
        assert!(taken.retry_at.is_none_or(|at| at > now));
        assert!(
            taken.granted > 0 || taken.retry_at.is_some() && taken.bucket == bucket,
            "a refusal changes nothing"
        );
        bucket = taken.bucket;
        if taken.granted > 0 {
            last.into_iter().for_each(|last| grants[last].tokens -= unused.tokens);
            let from = taken.retry_at.unwrap_or(now);
            assert!(from.since_ms(now) <= step.ahead_ms.min(AHEAD_MS));
            grants.push(Grant { asked: now.0, at: from.0, tokens: taken.granted, share: step.way == 2 });
        }
    }
    grants
}

fn most(grants: &[Grant], window_ms: i64, share: bool) -> u64 {
    let from = |began: i64| {
        let within = grants.iter().filter(move |grant| (began..began + window_ms).contains(&grant.at));
        within.filter(|grant| !share || grant.share).map(|grant| grant.tokens).sum()
    };
    grants.iter().map(|grant| from(grant.at)).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn given_any_leases_when_taken_then_no_window_has_more_than_its_rule_and_backfills_no_more_than_their_share(
        rules in rules(), percent in 0u8..=100, steps in steps(),
    ) {
        let grants = run(&rules, percent, &steps);
        for rule in &rules {
            prop_assert!(most(&grants, rule.per_ms, false) <= rule.requests);
            let share = (rule.requests * u64::from(percent) / 100).max(u64::from(percent > 0));
            prop_assert!(most(&grants, rule.per_ms, true) <= share);
        }
    }

    #[test]
    fn given_any_leases_when_counted_then_no_second_has_ten(rules in rules(), steps in steps()) {
        let grants = run(&rules, 20, &steps);
        let in_second = |began: i64| grants.iter().filter(|one| (began..began + 1_000).contains(&one.asked)).count();
        prop_assert!(grants.iter().all(|grant| in_second(grant.asked) < 10));
    }

    #[test]
    fn given_any_backfill_when_live_traffic_asks_after_it_then_it_gets_what_the_share_leaves(
        rules in rules(), percent in 1u8..=60, steps in steps(),
    ) {
        let rules: Vec<Rule> = rules.into_iter().map(|rule| Rule { burst: rule.requests, ..rule }).collect();
        let only_backfill: Vec<Step> = steps.iter().map(|step| Step { way: 2, refused: false, ..*step }).collect();
        let (mut bucket, mut now) = (Bucket::default(), Instant(0));
        for step in &only_backfill {
            now = now.plus_ms(step.pause_ms);
            let ask = Ask { want: step.want, unused: Unused::default(), way: Way::Share(percent), ahead_ms: 0, spread_ms: 0, told: Vec::new(), flight: None };
            bucket = take(&bucket, &rules, &ask, now).bucket;
        }
        // Nobody else has come for as long as the row may not be written.
        now = now.plus_ms(1_000);
        let left = rules.iter().map(|rule| {
            let share = (rule.requests * u64::from(percent) / 100).max(1);
            rule.requests - share.min(rule.requests)
        }).min().unwrap();
        let taken = take(&bucket, &rules, &Ask::whole(1_000), now);
        prop_assert!(taken.granted >= left, "{} of {left}", taken.granted);
    }

    #[test]
    fn given_a_refusal_when_asked_again_at_the_time_it_names_then_tokens_are_there_and_not_before(
        rules in rules(), steps in steps(),
    ) {
        let (mut bucket, mut now) = (Bucket::default(), Instant(0));
        for step in steps {
            now = now.plus_ms(step.pause_ms);
            let way = [Way::Whole, Way::Even, Way::Share(20)][usize::from(step.way)];
            let ask = Ask { want: step.want, unused: Unused::default(), way, ahead_ms: 0, spread_ms: 0, told: Vec::new(), flight: None };
            let taken = take(&bucket, &rules, &ask, now);
            if let Some(at) = taken.retry_at {
                prop_assert!(take(&bucket, &rules, &ask, at).granted > 0, "{ask:?} at {at:?}");
            }
            bucket = taken.bucket;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    // What is leased at once need not divide a window: half a token of each may be left lying, which is much of smaller limits.
    #[test]
    fn given_any_greed_when_it_lasts_then_nine_tenths_of_the_limit_are_used(
        requests in 10u64..200, per_ms in 1_000i64..12_000, burst in 1u64..200,
    ) {
        let rule = Rule { requests, per_ms, burst: burst.min(requests) };
        let (mut bucket, mut now, mut granted) = (Bucket::default(), Instant(0), 0);
        while now.0 < per_ms * 42 {
            let taken = take(&bucket, &[rule], &Ask::whole(1), now);
            bucket = taken.bucket;
            // The first windows begin with what was there.
            granted += if now.0 < per_ms * 2 { 0 } else { taken.granted };
            now = taken.retry_at.unwrap_or(now.plus_ms(1));
        }
        prop_assert!(granted * 10 + 40 * 5 >= requests * 40 * 9, "{granted} of {}", requests * 40);
    }
}
