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

/// Whether leases are of one token or of many, and whether or not they divide what a second has.
#[test]
fn given_a_crm_that_counts_by_the_second_when_it_is_overloaded_then_nine_tenths_go_and_hardly_a_call_is_refused()
 {
    for (requests, environments) in [
        (1, 1),
        (1, 50),
        (4, 2),
        (4, 50),
        (8, 3),
        (9, 20),
        (10, 5),
        (10, 20),
        (10, 50),
        (11, 10),
        (13, 20),
        (20, 10),
        (20, 50),
        (23, 20),
        (50, 20),
        (50, 50),
        (100, 35),
        (100, 50),
        (200, 50),
    ] {
        let (limit, takes) = ((requests, 1_000, requests), usize::try_from(requests).unwrap());
        let seen = overload(LIVE, limit, takes, environments, (60_000, 240_000));
        assert!(seen.refused * 100 < seen.calls, "{} of {} refused", seen.refused, seen.calls);
        assert!(seen.used_percent >= 90, "{} %", seen.used_percent);
        assert!(seen.busiest * 2 <= takes * 3, "{} in a second, of {takes}", seen.busiest);
        assert!(seen.leases < 10 && seen.writes < 10 * 240, "{} leases, {} writes", seen.leases, seen.writes);
    }
}

/// Environments that could call hardly faster than the limit lets them are not held back much either, however the luck goes.
#[test]
fn given_environments_that_call_hardly_faster_than_the_limit_when_it_lasts_then_more_than_eight_tenths_go() {
    for ((requests, per_ms, burst), takes, environments) in [
        ((10, 1_000, 10), 10, 2),
        ((50, 1_000, 50), 50, 10),
        ((100, 1_000, 100), 100, 20),
        ((150, 1_000, 150), 150, 35),
        ((90, 1_000, 45), 100, 25),
    ] {
        let seen = overload(LIVE, (requests, per_ms, burst), takes, environments, (60_000, 240_000));
        assert!(seen.refused * 100 < seen.calls, "{} of {} refused", seen.refused, seen.calls);
        assert!(seen.used_percent >= 82, "{} %", seen.used_percent);
    }
}

/// A CRM that takes a twentieth, a fifth, half of what its connection says: after two minutes that is known.
#[test]
fn given_a_crm_that_takes_much_less_than_is_configured_when_it_lasts_then_what_it_takes_is_used_and_it_hardly_refuses()
 {
    for (takes, environments, caller) in [(1, 20, LIVE), (1, 1, DRAIN), (4, 20, LIVE), (10, 20, LIVE)] {
        let seen = overload(caller, (20, 1_000, 20), takes, environments, (120_000, 1_320_000));
        let percent = (seen.calls - seen.refused) * 100 / (takes * 1_200);
        println!("takes {takes}: {percent} %");
        assert!(seen.refused * 100 < seen.calls, "{} of {} refused", seen.refused, seen.calls);
        assert!(percent >= 80, "{percent} %");
    }
}

/// A limit that is configured at twice the CRM's is found out.
#[test]
fn given_a_limit_that_is_twice_the_crms_when_it_lasts_then_refusals_bring_the_pace_down() {
    let seen = overload(LIVE, (200, 10_000, 200), 100, 10, (20_000, FOR_MS));
    assert!(seen.refused > 0 && seen.refused * 100 < seen.calls * 6, "{} of {}", seen.refused, seen.calls);
}
