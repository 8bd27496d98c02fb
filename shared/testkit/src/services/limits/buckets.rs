//! Leases and blocks.

use super::{Environments, Table, at};
use rtr_core::limit::{Ask, Rule};
use rtr_engine::seams::Lease;

/// A token of [`TEN_A_SECOND`] comes back no later than so long after its window: a slot of it, and what a call may be late by.
const BACK_MS: i64 = 25 + 60;
/// It comes back evenly within that time.
const EACH_MS: i64 = 109;
const TEN_A_SECOND: [Rule; 1] = [Rule { requests: 10, per_ms: 1_000, burst: 10 }];
const BUCKET: &str = "acme#hubspot#*";

async fn lease(table: &dyn Table, rules: &[Rule], want: u64) -> Lease {
    table.lease(BUCKET, rules, &Ask::whole(want)).await.unwrap()
}

fn granted(tokens: u64) -> Lease {
    Lease { granted: tokens, ..Lease::default() }
}

fn not_before(ms: i64) -> Lease {
    Lease { retry_at: Some(at(ms)), ..Lease::default() }
}

/// Part of what was wanted is granted rather than nothing. What went counts for the whole window: a second, and a slot of a
/// fortieth of it, and what a call may be late by.
pub async fn given_two_environments_when_they_lease_then_together_they_get_no_more_than_the_rule(
    on: Environments<'_>,
) {
    assert_eq!(lease(on.one, &TEN_A_SECOND, 4).await, granted(4));
    assert_eq!(lease(on.two, &TEN_A_SECOND, 4).await, granted(4));
    assert_eq!(lease(on.one, &TEN_A_SECOND, 4).await, granted(2));
    for table in [on.one, on.two, on.one, on.two] {
        assert_eq!(lease(table, &TEN_A_SECOND, 4).await, not_before(1_000 + BACK_MS));
    }
    assert_eq!(lease(on.one, &TEN_A_SECOND, 0).await, granted(0));
}

/// A hundred in ten seconds and the moment that a call may be late by, no faster, and no more than the burst after a rest.
pub async fn given_an_empty_bucket_when_time_goes_by_then_it_refills_at_its_rate_up_to_its_burst(
    on: Environments<'_>,
) {
    let rule = [Rule { requests: 100, per_ms: 10_000, burst: 12 }];
    assert_eq!(lease(on.one, &rule, 99).await, granted(12));
    on.clock.advance_ms(550);
    assert_eq!(lease(on.two, &rule, 99).await, granted(5));
    // A third of a token was left.
    on.clock.advance_ms(70);
    assert_eq!(lease(on.one, &rule, 99).await, granted(1));
    on.clock.advance_ms(3_600_000);
    assert_eq!(lease(on.two, &rule, 99).await, granted(12));
    assert_eq!(lease(on.one, &rule, 1).await, not_before(3_600_620 + 104));
}

/// A bucket that was full and refills makes no two limits of one. When the window has room again it is not given at once
/// either: else all of it would go in a moment, window after window.
pub async fn given_a_full_bucket_when_all_is_taken_then_its_window_has_no_more_and_the_next_goes_evenly(
    on: Environments<'_>,
) {
    assert_eq!(lease(on.one, &TEN_A_SECOND, 99).await, granted(10));
    for pause_ms in [500, 500, BACK_MS - 1] {
        on.clock.advance_ms(pause_ms);
        assert_eq!(lease(on.two, &TEN_A_SECOND, 99).await, not_before(1_000 + BACK_MS));
    }
    on.clock.advance_ms(1);
    assert_eq!(lease(on.two, &TEN_A_SECOND, 99).await, granted(2));
    assert_eq!(lease(on.one, &TEN_A_SECOND, 99).await, not_before(1_000 + BACK_MS + EACH_MS));
    on.clock.advance_ms(250);
    assert_eq!(lease(on.one, &TEN_A_SECOND, 99).await, granted(2));
}

/// A millisecond earlier there is none. Looking in vain in between puts nothing off.
pub async fn given_an_empty_bucket_when_asked_then_the_time_it_names_is_the_first_at_which_a_token_is_there(
    on: Environments<'_>,
) {
    let slow = [Rule { requests: 7, per_ms: 60_000, burst: 1 }];
    // One token takes 60,000 / 7 milliseconds.
    let wait_ms = 8_572;
    assert_eq!(lease(on.one, &slow, 1).await, granted(1));
    assert_eq!(lease(on.two, &slow, 1).await, not_before(wait_ms));
    for pause_ms in [4_001, wait_ms - 4_001 - 1] {
        on.clock.advance_ms(pause_ms);
        for table in [on.one, on.two, on.one] {
            let refused = lease(table, &slow, 1).await;
            assert_eq!(refused.granted, 0);
            // Levels are counted in thousandths of a token, of which each takes nine milliseconds here.
            let late_ms = refused.retry_at.unwrap().since_ms(at(wait_ms));
            assert!((0..10).contains(&late_ms), "{late_ms}");
        }
    }
    on.clock.advance_ms(1);
    assert_eq!(lease(on.two, &slow, 1).await, granted(1));
}

/// All or nothing: what one rule refuses is not taken from the others either.
pub async fn given_several_rules_when_leased_then_each_must_give_and_a_refusal_takes_from_none(
    on: Environments<'_>,
) {
    let rules = [TEN_A_SECOND[0], Rule { requests: 30, per_ms: 60_000, burst: 12 }];
    assert_eq!(lease(on.one, &rules, 99).await, granted(10));
    assert_eq!(lease(on.two, &rules, 99).await, not_before(1_000 + BACK_MS));
    on.clock.advance_ms(1_500);
    // The fast one has more and the slow one two and three quarters.
    assert_eq!(lease(on.two, &rules, 99).await, granted(2));
    for table in [on.one, on.two, on.one, on.two] {
        assert_eq!(lease(table, &rules, 99).await, not_before(2_000));
    }
    on.clock.advance_ms(1_500);
    // The slow one has one and a half. Of the fast one nothing but what was granted is gone: the rule alone gives it.
    assert_eq!(lease(on.one, &rules, 99).await, granted(1));
    assert_eq!(lease(on.two, &TEN_A_SECOND, 99).await, granted(9));
}

/// Whoever loses the race for the row waits a moment.
pub async fn given_many_at_once_when_they_lease_then_no_token_is_given_twice(on: Environments<'_>) {
    let asked = (0..20).map(|n| lease(if n % 2 == 0 { on.one } else { on.two }, &TEN_A_SECOND, 1));
    let leases = futures::future::join_all(asked).await;
    let total: u64 = leases.iter().map(|lease| lease.granted).sum();
    assert!((1..=10).contains(&total), "{total}");
    let waiting: Vec<&Lease> = leases.iter().filter(|lease| lease.granted == 0).collect();
    assert!(waiting.iter().all(|lease| lease.retry_at > Some(at(0))), "{waiting:?}");
    // What nobody was granted is still there.
    on.clock.advance_ms(1);
    let mut rest = 0;
    for table in [on.one, on.two, on.one] {
        rest += lease(table, &TEN_A_SECOND, 99).await.granted;
    }
    assert_eq!(total + rest, 10);
}

/// For everybody; an earlier end changes nothing.
pub async fn given_a_block_when_another_leases_then_it_waits_until_the_latest_end(on: Environments<'_>) {
    assert_eq!(lease(on.two, &TEN_A_SECOND, 1).await, granted(1));
    on.one.block(BUCKET, at(5_000)).await.unwrap();
    on.one.block(BUCKET, at(10)).await.unwrap();
    on.two.block(BUCKET, at(4_999)).await.unwrap();
    for table in [on.one, on.two] {
        assert_eq!(lease(table, &TEN_A_SECOND, 1).await, not_before(5_000));
    }
    on.clock.advance_ms(4_999);
    for table in [on.one, on.two] {
        assert_eq!(lease(table, &TEN_A_SECOND, 1).await, not_before(5_000));
    }
    on.clock.advance_ms(1);
    // One, and the others evenly, at seven tenths of the pace, since the CRM refused.
    assert_eq!(lease(on.two, &TEN_A_SECOND, 99).await, granted(1));
    assert_eq!(lease(on.one, &TEN_A_SECOND, 1).await, not_before(5_155));
    on.clock.advance_ms(10_000);
    assert_eq!(lease(on.one, &TEN_A_SECOND, 99).await, granted(7));
}

/// A block is no refill.
pub async fn given_a_block_on_an_empty_bucket_when_it_ends_then_only_time_has_refilled_it(
    on: Environments<'_>,
) {
    let rule = [Rule { requests: 100, per_ms: 10_000, burst: 10 }];
    assert_eq!(lease(on.one, &rule, 10).await, granted(10));
    on.two.block(BUCKET, at(300)).await.unwrap();
    on.clock.advance_ms(300);
    assert_eq!(lease(on.one, &rule, 99).await, granted(1));
    // Nor is one full that nobody has leased from.
    let ten = Ask::whole(99);
    on.one.block("fresh", at(350)).await.unwrap();
    assert_eq!(on.two.lease("fresh", &rule, &ten).await, Ok(not_before(350)));
    on.clock.advance_ms(50);
    assert_eq!(on.two.lease("fresh", &rule, &ten).await, Ok(granted(1)));
}

/// One per connection and api.
pub async fn given_two_buckets_when_one_is_empty_or_blocked_then_the_other_is_not(on: Environments<'_>) {
    assert_eq!(lease(on.one, &TEN_A_SECOND, 10).await, granted(10));
    on.one.block(BUCKET, at(60_000)).await.unwrap();
    for other in ["acme#hubspot#search", "acme#hubspot", "other#hubspot#*"] {
        let answer = on.two.lease(other, &TEN_A_SECOND, &Ask::whole(99)).await;
        assert_eq!(answer, Ok(granted(10)), "{other}");
    }
}

/// Environments' clocks differ: a later look at an earlier time gives nothing away.
pub async fn given_a_clock_that_steps_back_when_leased_then_nothing_is_given_twice(on: Environments<'_>) {
    on.clock.advance_ms(60_000);
    assert_eq!(lease(on.one, &TEN_A_SECOND, 10).await, granted(10));
    on.clock.advance_ms(-30_000);
    assert_eq!(lease(on.two, &TEN_A_SECOND, 1).await.granted, 0);
    on.clock.advance_ms(30_000);
    assert_eq!(lease(on.two, &TEN_A_SECOND, 1).await, not_before(61_000 + BACK_MS));
}
