//! A table whose answers have a tail, as any network's: how far a limit is used, and what the CRM refuses of one that is known.

use super::fleet::{BEGIN, between, rule};
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

/// The CRM takes so many calls a second.
struct Crm {
    takes: usize,
    heard: Mutex<Vec<(Instant, bool)>>,
    by_backstop: Mutex<u64>,
}

/// As the sync lane calls: an invocation for each call, which waits a quarter of a second and is parked else; another comes
/// with the next event. Or as the bulk lane does, which is one and drains what was parked, evenly.
async fn call_on(
    clock: &Arc<Timeline>,
    table: &Arc<RowTable>,
    rules: &[LimitRule],
    (crm, is_lane): (&Crm, bool),
    end: Instant,
) {
    let (limits, pools, breakers) = (RowLimits::new(table), Pools::default(), Breakers::default());
    let between = |least, most| between(clock, least, most);
    clock.sleep_ms(between(0, 1_000)).await;
    while clock.now() < end {
        let key = ConnectionKey::new("acme", "hubspot");
        let limiter = LimiterGate::new(&limits, &**clock, &pools, key.clone(), rules, Traffic::Live)
            .holding_at_most(25);
        let limiter = if is_lane { limiter.evenly() } else { limiter.waiting_at_most(250) };
        let bounds = Bounds { call_ms: 30_000, deadline: clock.now().plus_ms(60_000) };
        let gate = BreakerGate::new(&limits, &**clock, &breakers, limiter, key, bounds);
        let entered = loop {
            let Err(until) = gate.enter("*").await else { break true };
            let wait_ms = until.since_ms(clock.now());
            if wait_ms > 1_500 || !gate.may_wait(wait_ms) {
                break false;
            }
            clock.sleep_ms(wait_ms.max(1)).await;
        };
        *crm.by_backstop.lock().unwrap() += gate.limiter.let_through();
        if entered {
            let began = clock.now();
            clock.sleep_ms(between(10, 40)).await;
            let now = clock.now();
            let taken = {
                let mut heard = crm.heard.lock().unwrap();
                let lately = heard.iter().rev().take_while(|(at, _)| now.since_ms(*at) < 1_000);
                let taken = lately.filter(|(_, taken)| *taken).count() < crm.takes;
                heard.push((now, taken));
                taken
            };
            clock.sleep_ms(between(50, 150)).await;
            let heard = if taken { Heard::Works } else { Heard::Throttles };
            gate.heard(heard, clock.now().since_ms(began)).await;
            if !taken {
                gate.block("*", now.plus_ms(1_000)).await;
            }
        }
        gate.leave().await;
        clock.sleep_ms(if is_lane { 30 } else { between(100, 400) }).await;
    }
}

/// How much of the limit is used, and of a thousand calls how many are refused and how many went by the backstop, with a table
/// of such a tail.
fn of_a_thousand(takes: usize, envs: usize, tail: (f64, i64)) -> [usize; 3] {
    let clock = Arc::new(Timeline::at(BEGIN));
    let table = Arc::new(RowTable::new(clock.clone(), 4).with_tail(tail.0, tail.1));
    let rules = [rule(takes as u64, 1_000, takes as u64)];
    let crm = Crm { takes, heard: Mutex::default(), by_backstop: Mutex::default() };
    let end = BEGIN.plus_ms(360_000);
    clock.run(join_all((0..=envs).map(|n| call_on(&clock, &table, &rules, (&crm, n == 0), end))));
    let heard = crm.heard.into_inner().unwrap();
    let late: Vec<bool> =
        heard.iter().filter(|(at, _)| at.since_ms(BEGIN) > 60_000).map(|(_, taken)| *taken).collect();
    let refused = late.iter().filter(|taken| !**taken).count();
    let (used, refused) =
        ((late.len() - refused) * 1_000 / (takes * 300), refused * 1_000 / late.len().max(1));
    let by_backstop = usize::try_from(crm.by_backstop.into_inner().unwrap()).unwrap();
    println!(
        "{takes} a second, {envs} environments, of a thousand ways {} take {} ms: {used} of a thousand used, {refused} refused, \
        {by_backstop} of {} by the backstop",
        tail.0,
        tail.1,
        heard.len()
    );
    [used, refused, by_backstop * 1_000 / heard.len()]
}

#[test]
fn given_a_table_with_a_tail_when_a_limit_is_overloaded_then_nobody_goes_by_the_backstop_and_hardly_anything_is_refused()
 {
    for (takes, envs) in [(1, 50), (10, 50), (20, 100)] {
        let [without, ..] = of_a_thousand(takes, envs, (0.0, 0));
        for tail in [(1.0, 40), (5.0, 30)] {
            let [used, refused, by_backstop] = of_a_thousand(takes, envs, tail);
            assert_eq!(by_backstop, 0);
            assert!(refused < 10, "{refused} of a thousand were refused");
            assert!(used * 100 >= without * 85, "{used} of a thousand instead of {without}");
        }
    }
}
