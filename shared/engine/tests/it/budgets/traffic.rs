//! Backfills beside live traffic.

use super::fleet::{BACKFILL, BEGIN, Caller, Heard, LIVE, rule, run};
use rtr_core::limit::Traffic;

const FOR_MS: i64 = 120_000;

fn of(heard: &[Heard], traffic: Traffic) -> Vec<Heard> {
    heard.iter().copied().filter(|call| call.by == traffic && call.at >= BEGIN.plus_ms(10_000)).collect()
}

/// The wait that one in a hundred exceeds, in milliseconds.
fn p99(calls: &[Heard]) -> i64 {
    let mut waits: Vec<i64> = calls.iter().map(|call| call.waited_ms).collect();
    waits.sort_unstable();
    waits[waits.len() * 99 / 100]
}

#[test]
fn given_a_backfill_when_changes_come_meanwhile_then_it_has_its_share_and_they_do_not_wait() {
    let limits = [rule(100, 10_000, 100)];
    // Some five calls a second.
    let live = vec![Caller { pause_ms: 800, ..LIVE }; 5];
    let alone = run(&live, (100, 10_000), &limits, FOR_MS);
    let beside: Vec<Caller> = live.iter().copied().chain([BACKFILL; 2]).collect();
    let both = run(&beside, (100, 10_000), &limits, FOR_MS);
    let (alone, with) = (of(&alone.heard, Traffic::Live), of(&both.heard, Traffic::Live));
    let filled = of(&both.heard, Traffic::Backfill);
    println!(
        "{} live alone, p99 {} ms; {} with {} filled, p99 {} ms",
        alone.len(),
        p99(&alone),
        with.len(),
        filled.len(),
        p99(&with)
    );
    // Two a second.
    assert!((198..=221).contains(&filled.len()), "{}", filled.len());
    assert!(with.len() * 100 >= alone.len() * 97, "{} of {}", with.len(), alone.len());
    assert!(p99(&with) * 10 <= p99(&alone) * 12 + 100, "{} ms, alone {} ms", p99(&with), p99(&alone));
    assert!(both.heard.iter().all(|call| call.taken));
}

#[test]
fn given_live_traffic_that_takes_all_when_a_backfill_comes_then_live_keeps_what_the_share_leaves() {
    let callers: Vec<Caller> = [LIVE; 10].into_iter().chain([BACKFILL; 10]).collect();
    let seen = run(&callers, (100, 10_000), &[rule(100, 10_000, 10)], FOR_MS);
    let (live, filled) = (of(&seen.heard, Traffic::Live).len(), of(&seen.heard, Traffic::Backfill).len());
    println!("{live} live, {filled} filled");
    assert!(filled <= 222, "{filled}");
    assert!(live >= 790, "{live}");
}
