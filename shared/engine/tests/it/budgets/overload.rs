//! Steady overload: the limit is used, and hardly ever exceeded.

use super::fleet::{BEGIN, DRAIN, LIVE, most, rule, run};
use rtr_core::time::Instant;

/// Requests, window, burst, environments.
const LIMITS: &[(u64, i64, u64, usize)] = &[
    (100, 10_000, 100, 3),
    (100, 10_000, 100, 20),
    (100, 10_000, 10, 50),
    (10, 1_000, 10, 8),
    (100, 1_000, 100, 40),
    (190, 10_000, 190, 16),
];

#[test]
fn given_more_to_send_than_the_crm_takes_when_it_lasts_then_nine_tenths_are_used_and_one_in_a_hundred_refused()
 {
    for caller in [LIVE, DRAIN] {
        for (requests, per_ms, burst, environments) in LIMITS {
            let crm = (usize::try_from(*requests).unwrap(), *per_ms);
            let for_ms = 120_000;
            let seen = run(&vec![caller; *environments], crm, &[rule(*requests, *per_ms, *burst)], for_ms);
            // From the third window on: the first has what was there.
            let steady = BEGIN.plus_ms(2 * per_ms);
            let calls: Vec<_> = seen.heard.iter().filter(|call| call.at >= steady).collect();
            let refused = calls.iter().filter(|call| !call.taken).count();
            let taken = calls.len() - refused;
            let whole = crm.0 * usize::try_from((for_ms - 2 * per_ms) / per_ms).unwrap();
            let asked = seen.table.asked();
            let writes = |from: Instant| {
                let all = asked.writes.iter().chain(&asked.refused).copied();
                most(&all.filter(|at| *at >= from).collect::<Vec<_>>(), 1_000)
            };
            let seconds: Vec<Instant> = calls.iter().map(|call| call.at).collect();
            let busiest = most(&seconds, 1_000);
            let even = (*requests * 1_000) as usize / usize::try_from(*per_ms).unwrap();
            println!(
                "{caller:?} {requests}/{per_ms} burst {burst} by {environments}: {taken} of {whole}, {refused} refused, \
                 busiest {busiest} of {even}, granted {}/s, with refused writes {}/s ({} of {}), {} reads",
                most(&asked.writes, 1_000),
                writes(BEGIN),
                asked.refused.len(),
                asked.writes.len() + asked.refused.len(),
                asked.reads,
            );
        }
    }
}
