//! Shares, pace, and what the CRM tells: all in the one row, on the writes that are made anyhow.

use super::{Environments, Table, at};
use rtr_core::limit::{Ask, QUOTA_MS, QUOTA_REST_MS, Rule, Told, Unused, Way};
use rtr_engine::seams::Lease;

const BUCKET: &str = "acme#hubspot#*";
const RULES: [Rule; 1] = [Rule { requests: 100, per_ms: 10_000, burst: 100 }];
const DAY: Rule = Rule { requests: 1_000, per_ms: QUOTA_MS, burst: 1_000 };

async fn lease(table: &dyn Table, rules: &[Rule], way: Way, want: u64) -> Lease {
    told(table, rules, way, want, Vec::new()).await
}

async fn told(table: &dyn Table, rules: &[Rule], way: Way, want: u64, told: Vec<Told>) -> Lease {
    table
        .lease(
            BUCKET,
            rules,
            &Ask { want, unused: Unused::default(), way, ahead_ms: 0, spread_ms: 0, told, flight: None },
        )
        .await
        .unwrap()
}

fn granted(tokens: u64) -> Lease {
    Lease { granted: tokens, ..Lease::default() }
}

/// Whoever asks for it: what one backfill has taken another has not.
pub async fn given_backfills_when_they_lease_then_together_they_get_their_share_and_live_traffic_the_rest(
    on: Environments<'_>,
) {
    let mut filled = 0;
    for n in 0..100 {
        let table = if n % 2 == 0 { on.one } else { on.two };
        filled += lease(table, &RULES, Way::Share(20), 99).await.granted;
        on.clock.advance_ms(100);
    }
    assert!((18..=20).contains(&filled), "{filled}");
    on.clock.advance_ms(1);
    let live = lease(on.two, &RULES, Way::Whole, 99).await.granted;
    assert!((80..=82).contains(&live), "{live}");
    assert_eq!(lease(on.one, &RULES, Way::Share(0), 1).await.granted, 0);
}

/// A quarter of a second's worth at most, and then at the rule's rate.
pub async fn given_a_full_bucket_when_it_is_drained_then_by_two_it_goes_evenly(on: Environments<'_>) {
    let mut drained = Vec::new();
    for n in 0..50 {
        let table = if n % 2 == 0 { on.one } else { on.two };
        drained.push(lease(table, &RULES, Way::Even, 99).await.granted);
        on.clock.advance_ms(100);
    }
    assert_eq!(drained[..3], [2, 1, 1]);
    let all: u64 = drained.iter().sum();
    assert!((48..=51).contains(&all), "{all}");
    assert_eq!(lease(on.one, &RULES, Way::Whole, 99).await.granted, 100 - all);
}

/// Once for all refusals of a window, and half of the way back with each minute without one.
pub async fn given_refusals_when_leased_after_them_then_everybody_is_slower_and_faster_again_in_time(
    on: Environments<'_>,
) {
    for (n, table) in [on.one, on.two, on.one].into_iter().enumerate() {
        table.block(BUCKET, at(5_000 + i64::try_from(n).unwrap())).await.unwrap();
        on.clock.advance_ms(10);
    }
    on.clock.advance_ms(5_000);
    // It begins anew with one, and has all that it may have a window later.
    assert_eq!(lease(on.two, &RULES, Way::Whole, 99).await, granted(1));
    on.clock.advance_ms(15_000);
    assert_eq!(lease(on.two, &RULES, Way::Whole, 99).await, granted(70));
    // A lease has counted it: another refusal, a window later, is another, and half is left.
    on.one.block(BUCKET, at(21_000)).await.unwrap();
    on.clock.advance_ms(1_000);
    assert_eq!(lease(on.one, &RULES, Way::Whole, 99).await.granted, 0);
    on.clock.advance_ms(30_000);
    assert_eq!(lease(on.one, &RULES, Way::Whole, 99).await, granted(35));
    // Back by half of the way to what was refused, twice.
    on.clock.advance_ms(120_000);
    assert_eq!(lease(on.two, &RULES, Way::Whole, 99).await, granted(62));
    // And beyond it, since nobody refuses.
    on.clock.advance_ms(900_000);
    assert_eq!(lease(on.one, &RULES, Way::Whole, 99).await, granted(99));
}

/// What one has heard, all keep to after its lease.
pub async fn given_what_the_crm_says_is_left_when_one_leases_with_it_then_nobody_has_more(
    on: Environments<'_>,
) {
    let says = |per_ms, left| vec![Told { per_ms, left, at: at(0), resets_at: None }];
    assert_eq!(told(on.one, &RULES, Way::Whole, 5, says(10_000, 8)).await, granted(5));
    assert_eq!(lease(on.two, &RULES, Way::Whole, 99).await, granted(3));
    // More than is there makes no more.
    assert_eq!(told(on.one, &RULES, Way::Whole, 9, says(10_000, 99)).await.granted, 0);
}

/// Not before it begins anew; where that is not told, it is looked at a quarter of an hour later.
pub async fn given_a_days_allowance_that_is_spent_when_leased_with_that_then_nothing_goes(
    on: Environments<'_>,
) {
    let rules = [RULES[0], DAY];
    let says = |resets_at| vec![Told { per_ms: QUOTA_MS, left: 0, at: at(0), resets_at }];
    let spent = |until| Lease { granted: 0, retry_at: Some(until), ..Lease::default() };
    let anew = at(7_000_000);
    assert_eq!(told(on.one, &rules, Way::Whole, 1, says(Some(anew))).await, spent(anew));
    assert_eq!(told(on.one, &rules, Way::Whole, 1, says(None)).await, spent(at(QUOTA_REST_MS)));
    // Without a rule for a day nobody counts it: the CRM may let calls through all the same.
    assert_eq!(told(on.one, &RULES, Way::Whole, 1, says(None)).await, granted(1));
}

/// In any second; what is asked beyond that gets larger leases, and waits.
pub async fn given_a_storm_of_asks_when_leased_then_a_second_has_less_than_ten_leases(on: Environments<'_>) {
    let rules = [Rule { requests: 90, per_ms: 1_000, burst: 90 }];
    let mut leases = Vec::new();
    for n in 0..400 {
        let table = if n % 2 == 0 { on.one } else { on.two };
        let lease = lease(table, &rules, Way::Whole, 1).await;
        if lease.granted > 0 {
            leases.push((n * 5, lease.granted));
        }
        on.clock.advance_ms(5);
    }
    for (began, _) in &leases {
        let within = leases.iter().filter(|(at, _)| (*began..began + 1_000).contains(at)).count();
        assert!(within < 10, "{within} from {began}");
    }
    let second: u64 = leases.iter().filter(|(at, _)| *at >= 1_000).map(|(_, tokens)| tokens).sum();
    assert!((72..=90).contains(&second), "{second}: {leases:?}");
}

/// One after the other, in the order in which they asked; whoever would have to wait longer asks later.
pub async fn given_an_empty_bucket_when_asked_ahead_then_each_gets_its_turn_and_the_time_of_it(
    on: Environments<'_>,
) {
    let ahead = async |table: &dyn Table| {
        let ask = Ask { ahead_ms: 250, ..Ask::whole(1) };
        table.lease(BUCKET, &RULES, &ask).await.unwrap()
    };
    assert_eq!(ahead(on.one).await, granted(1), "there are some");
    assert_eq!(lease(on.two, &RULES, Way::Whole, 99).await, granted(99));
    on.clock.advance_ms(10_310);
    assert_eq!(lease(on.two, &RULES, Way::Whole, 99).await, granted(2));
    let turn = |ms: i64| Lease { granted: 1, retry_at: Some(at(10_310 + ms)), ..Lease::default() };
    assert_eq!(ahead(on.one).await, turn(104));
    assert_eq!(ahead(on.two).await, turn(207));
    // The next two, since three leases in a second are many, come at 413, and may be had when that is no longer than so far ahead.
    assert_eq!(
        ahead(on.one).await,
        Lease { granted: 0, retry_at: Some(at(10_310 + 163)), ..Lease::default() }
    );
    // Who does not wait is behind them.
    let refused = lease(on.two, &RULES, Way::Whole, 1).await;
    assert_eq!(refused, Lease { granted: 0, retry_at: Some(at(10_310 + 413)), ..Lease::default() });
    on.clock.advance_ms(150);
    assert_eq!(lease(on.two, &RULES, Way::Whole, 1).await, refused);
}
