//! Overload where it is counted who is at work, so that a CRM which hangs holds no more than its share: what is told of that is
//! paced with the leases, however long calls last.

use super::fleet::{BEGIN, between, most, rule};
use futures::future::join_all;
use rtr_connectors::http::Clock;
use rtr_connectors::session::{Gate, Heard};
use rtr_core::config::LimitRule;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::Traffic;
use rtr_core::time::Instant;
use rtr_engine::breaker::{Bounds, BreakerGate, Breakers};
use rtr_engine::gate::{LimiterGate, Pools};
use rtr_testkit::rows::{RowLimits, RowTable};
use rtr_testkit::timeline::Timeline;
use std::sync::{Arc, Mutex};

async fn call_on(
    clock: &Arc<Timeline>,
    table: &Arc<RowTable>,
    rules: &[LimitRule],
    (share, takes, lasting): (u64, (i64, i64), f64),
    calls: &Mutex<Vec<Instant>>,
    end: Instant,
) {
    let (limits, pools, breakers) = (RowLimits::new(table), Pools::default(), Breakers::default());
    let between = |least, most| between(clock, least, most);
    clock.sleep_ms(between(0, 1_000)).await;
    while clock.now() < end {
        let key = ConnectionKey::new("acme", "hubspot");
        let limiter = LimiterGate::new(&limits, &**clock, &pools, key.clone(), rules, Traffic::Live);
        let limiter = if share == 0 { limiter } else { limiter.holding_at_most(share) };
        let bounds = Bounds { call_ms: 30_000, deadline: clock.now().plus_ms(60_000) };
        let gate = BreakerGate::new(&limits, &**clock, &breakers, limiter, key, bounds);
        let mut wait = gate.resting().map(|held| held.until);
        if wait.is_none() {
            wait = gate.enter("*").await.err();
        }
        if wait.is_none() {
            wait = gate.admit("*").await.err().map(|held| held.until);
        }
        if let Some(until) = wait {
            gate.leave().await;
            clock.sleep_ms(until.since_ms(clock.now()).max(1)).await;
            continue;
        }
        let lasts = clock.random() < lasting;
        let takes_ms = if lasts { between(2_100, 3_000) } else { between(takes.0, takes.1) };
        calls.lock().unwrap().push(clock.now());
        // As a session does it.
        let (mut for_ms, mut pause_ms) = (0, gate.long_ms());
        while takes_ms > for_ms + pause_ms {
            clock.sleep_ms(pause_ms).await;
            for_ms += pause_ms;
            pause_ms = gate.lasts(for_ms).await;
        }
        clock.sleep_ms(takes_ms - for_ms).await;
        gate.heard(Heard::Works, takes_ms).await;
        gate.leave().await;
        clock.sleep_ms(between(20, 80)).await;
    }
}

#[test]
fn given_calls_that_are_counted_when_overload_lasts_then_a_row_sees_fewer_than_ten_writes_and_the_limit_is_used()
 {
    let mut beyond = Vec::new();
    // Where those at work come near the share, and where many calls last, that is what bounds them.
    for (requests, per_ms, burst, share, envs, takes, lasting, least) in [
        (90, 10_000, 10, 0, 16, (250, 450), 0.0, 90),
        (90, 10_000, 10, 4, 16, (100, 200), 0.0, 90),
        (90, 10_000, 10, 4, 16, (250, 450), 0.0, 80),
        (90, 10_000, 10, 12, 50, (700, 950), 0.0, 75),
        (190, 10_000, 19, 25, 100, (150, 400), 0.0, 90),
        (190, 10_000, 19, 10, 40, (150, 400), 0.0, 85),
        (10, 1_000, 10, 0, 50, (700, 950), 0.0, 90),
        (10, 1_000, 10, 12, 50, (700, 950), 0.0, 75),
        (20, 1_000, 20, 25, 100, (700, 950), 0.0, 90),
        (100, 1_000, 100, 25, 100, (100, 250), 0.0, 60),
        (4, 1_000, 4, 4, 16, (100, 300), 0.0, 90),
        (10, 1_000, 10, 25, 100, (1_050, 1_400), 0.0, 90),
        (10, 1_000, 10, 25, 100, (250, 450), 0.1, 80),
        (20, 1_000, 20, 25, 100, (250, 450), 0.1, 75),
        (90, 10_000, 10, 25, 100, (250, 450), 0.2, 75),
        (190, 10_000, 19, 25, 100, (150, 400), 0.05, 85),
    ] {
        let clock = Arc::new(Timeline::at(BEGIN));
        let table = Arc::new(RowTable::new(clock.clone(), 4));
        let (rules, calls) = ([rule(requests, per_ms, burst)], Mutex::default());
        let end = BEGIN.plus_ms(180_000);
        clock.run(join_all(
            (0..envs).map(|_| call_on(&clock, &table, &rules, (share, takes, lasting), &calls, end)),
        ));
        let from = BEGIN.plus_ms(60_000);
        let steady = calls.lock().unwrap().iter().filter(|at| **at >= from && **at < end).count();
        let used = steady as i64 * 100 * per_ms / (i64::try_from(requests).unwrap() * 120_000);
        let asked = table.asked();
        let writes = most(&asked.writes, 1_000);
        let (all, refused) = (asked.writes.len(), asked.refused.len());
        println!(
            "{requests} in {per_ms} ms, share {share}, {envs} environments, calls of {takes:?} ms, {lasting} of them of 2 to 3 s: \
            {used} % used, at most {writes} writes in a second, {} a second in all, {refused} refused",
            (all + refused) / 180
        );
        if used < least || writes >= 10 {
            beyond.push((requests, per_ms, share, envs, takes, lasting, used, writes));
        }
    }
    assert!(beyond.is_empty(), "{beyond:#?}");
}
