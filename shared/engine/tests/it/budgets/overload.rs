//! Steady overload: the limit is used, and hardly ever exceeded, at a price that does not grow with the environments.

use super::fleet::{BEGIN, Caller, DRAIN, LIVE, most, rule, run};
use rtr_core::time::Instant;

const FOR_MS: i64 = 120_000;

/// What came of an overload, from the third window on: the first has what was there.
struct Overload {
    calls: usize,
    refused: usize,
    /// Calls taken, of a hundred that the rule allows.
    used_percent: usize,
    /// The most calls in a second.
    busiest: usize,
    /// The most leases in a second.
    leases: usize,
    /// Writes and refused writes in all.
    writes: usize,
}

/// `environments` under a rule of `requests` in `per_ms`, at a CRM that takes `takes`.
fn overload(
    caller: Caller,
    (requests, per_ms, burst): (u64, i64, u64),
    takes: usize,
    environments: usize,
    (from_ms, for_ms): (i64, i64),
) -> Overload {
    let seen = run(&vec![caller; environments], (takes, per_ms), &[rule(requests, per_ms, burst)], for_ms);
    let all = &seen.heard;
    let steady = BEGIN.plus_ms(from_ms);
    let calls: Vec<_> =
        seen.heard.iter().filter(|call| call.at >= steady && call.at < BEGIN.plus_ms(for_ms)).collect();
    let refused = calls.iter().filter(|call| !call.taken).count();
    let windows = usize::try_from((for_ms - from_ms) / per_ms).unwrap();
    let whole = usize::try_from(requests).unwrap() * windows;
    let asked = seen.table.asked();
    let all = all.clone();
    let seen = Overload {
        calls: calls.len(),
        refused,
        used_percent: (calls.len() - refused) * 100 / whole,
        busiest: most(&calls.iter().map(|call| call.at).collect::<Vec<Instant>>(), 1_000),
        leases: most(&asked.writes, 1_000),
        writes: asked.writes.len() + asked.refused.len(),
    };
    println!(
        "{requests} in {per_ms} ms, burst {burst}, even {}, {environments} environments: {} calls, {refused} refused, {} % used, \
         at most {} calls and {} leases in a second, {} writes ({} refused), {} reads; {} granted, {} used, pace {}",
        caller.evenly,
        seen.calls,
        seen.used_percent,
        seen.busiest,
        seen.leases,
        seen.writes,
        asked.refused.len(),
        asked.reads,
        asked.granted,
        all.len(),
        asked.rows.values().next().map_or(0, |row| row.bucket.pace.permille),
    );
    seen
}

#[test]
fn given_more_to_send_than_the_crm_takes_in_ten_seconds_when_it_lasts_then_nine_tenths_go_and_evenly() {
    for (caller, limit, environments) in [
        (LIVE, (100, 10_000, 100), 20),
        (LIVE, (100, 10_000, 10), 5),
        (LIVE, (100, 10_000, 10), 50),
        (LIVE, (190, 10_000, 190), 16),
        (DRAIN, (100, 10_000, 100), 4),
    ] {
        let seen = overload(caller, limit, usize::try_from(limit.0).unwrap(), environments, (20_000, FOR_MS));
        assert!(seen.refused * 100 < seen.calls, "{} of {} refused", seen.refused, seen.calls);
        assert!(seen.used_percent >= 90, "{} %", seen.used_percent);
        let even = usize::try_from(limit.0 * 1_000 / u64::try_from(limit.1).unwrap()).unwrap();
        assert!(seen.busiest * 2 <= even * 3, "{} in a second, of {even}", seen.busiest);
        assert!(seen.leases < 10, "{} leases", seen.leases);
        assert!(seen.writes < 10 * 120, "{} writes", seen.writes);
    }
}

/// What is leased by one is used when it is counted, and is never refused. What must be leased by more is used later, so that
/// a CRM that counts by the second refuses some of it; and what is leased by tens is not all used in its time.
#[test]
fn given_a_crm_that_counts_by_the_second_when_it_is_overloaded_then_hardly_a_call_is_refused() {
    for (limit, takes, environments, percent) in [
        ((1, 1_000, 1), 1, 20, 92),
        ((4, 1_000, 4), 4, 20, 92),
        ((4, 1_000, 4), 4, 50, 92),
        ((10, 1_000, 10), 10, 8, 70),
        ((10, 1_000, 10), 10, 20, 70),
        ((10, 1_000, 10), 10, 50, 70),
        ((20, 1_000, 20), 20, 20, 70),
        ((20, 1_000, 20), 20, 50, 70),
        ((50, 1_000, 50), 50, 20, 70),
        ((50, 1_000, 50), 50, 50, 70),
        ((100, 1_000, 100), 100, 20, 75),
        ((100, 1_000, 100), 100, 40, 75),
        ((100, 1_000, 100), 100, 50, 75),
        ((90, 1_000, 90), 100, 40, 85),
        ((90, 1_000, 45), 100, 25, 85),
    ] {
        let seen = overload(LIVE, limit, takes, environments, (300_000, 600_000));
        assert!(seen.refused * 100 < seen.calls, "{} of {} refused", seen.refused, seen.calls);
        assert!(seen.used_percent >= percent, "{} %", seen.used_percent);
        assert!(seen.leases < 10 && seen.writes < 10 * 600, "{} leases, {} writes", seen.leases, seen.writes);
    }
}

/// A limit that is configured at twice the CRM's is found out.
#[test]
fn given_a_limit_that_is_twice_the_crms_when_it_lasts_then_refusals_bring_the_pace_down() {
    let seen = overload(LIVE, (200, 10_000, 200), 100, 10, (20_000, FOR_MS));
    assert!(seen.refused > 0 && seen.refused * 100 < seen.calls * 6, "{} of {}", seen.refused, seen.calls);
}

#[test]
fn sweep_it() {
    for (r, per) in [(9u64, 1_000), (10, 1_000), (11, 1_000), (17, 1_000),  (20, 1_000), (23, 1_000), (30, 1_000), (50, 1_000), (100, 1_000), (150, 1_000)] {
        for n in [2usize, 5, 10, 20, 35] {
            // An environment makes five to six calls a second.
            if n as u64 * 5 < r { continue; }
            let _ = overload(LIVE, (r, per, r), r as usize, n, (120_000, 420_000));
        }
    }
}

#[test]
fn trace_it() {
    let seen = run(&[LIVE; 10], (11, 1_000), &[rule(11, 1_000, 11)], 600_000);
    let all: Vec<_> = seen.heard.iter().map(|c| (c.at.since_ms(BEGIN), c.taken)).collect();
    for (i, (at, taken)) in all.iter().enumerate() {
        if i == 2000 {
            let ctx: Vec<i64> = all.iter().filter(|(a, _)| (*a - at).abs() < 1500).map(|(a, t)| if *t { a - at } else { 1_000_000 + a - at }).collect();
            println!("refused #{i} at {at}: {ctx:?}");
            let w: Vec<(i64, u64, bool)> = seen.table.asked().leases.iter().map(|w| (w.0.since_ms(BEGIN) - at, w.1, w.2)).filter(|d| d.0.abs() < 2500).collect();
            println!("   writes {w:?}");
        }
    }
}
