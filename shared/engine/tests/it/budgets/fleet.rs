//! Environments that call as fast as they may, and the CRM that they call.

use futures::future::join_all;
use rtr_connectors::http::Clock;
use rtr_connectors::session::Gate;
use rtr_core::config::LimitRule;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::Traffic;
use rtr_core::time::Instant;
use rtr_engine::gate::{LimiterGate, Pools};
use rtr_testkit::rows::{RowLimits, RowTable};
use rtr_testkit::timeline::Timeline;
use std::sync::{Arc, Mutex};

pub(super) const BEGIN: Instant = Instant(1_795_000_000_000);
/// A table is a few milliseconds away.
const WAY_MS: i64 = 4;

/// How an environment calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) traffic: Traffic,
    pub(super) evenly: bool,
    /// How long it does something else between two calls, in milliseconds: 0 when it calls as fast as it may.
    pub(super) pause_ms: i64,
}

pub(super) const LIVE: Caller = Caller { traffic: Traffic::Live, evenly: false, pause_ms: 0 };
pub(super) const DRAIN: Caller = Caller { evenly: true, ..LIVE };
pub(super) const BACKFILL: Caller = Caller { traffic: Traffic::Backfill, ..LIVE };

/// A call that the CRM heard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub(super) at: Instant,
    pub(super) by: Traffic,
    pub(super) taken: bool,
    /// How long it was held back by the limiter, in milliseconds.
    pub(super) waited_ms: i64,
}

/// Takes `requests` in any `per_ms`, and no more: what it refuses it does not count.
struct Crm {
    requests: usize,
    per_ms: i64,
    heard: Mutex<Vec<Heard>>,
}

impl Crm {
    fn call(&self, at: Instant, by: Traffic, waited_ms: i64) -> bool {
        let mut heard = self.heard.lock().unwrap();
        let lately = heard.iter().rev().take_while(|call| at.since_ms(call.at) < self.per_ms);
        let taken = lately.filter(|call| call.taken).count() < self.requests;
        heard.push(Heard { at, by, taken, waited_ms });
        taken
    }
}

/// What came of it.
pub(super) struct Seen {
    pub(super) heard: Vec<Heard>,
    pub(super) table: Arc<RowTable>,
}

/// `callers` call a CRM that takes `requests` in `per_ms`, under `rules`, for so many milliseconds.
pub(super) fn run(callers: &[Caller], crm: (usize, i64), rules: &[LimitRule], for_ms: i64) -> Seen {
    let clock = Arc::new(Timeline::at(BEGIN));
    let table = Arc::new(RowTable::new(clock.clone(), WAY_MS));
    let crm = Crm { requests: crm.0, per_ms: crm.1, heard: Mutex::default() };
    let end = BEGIN.plus_ms(for_ms);
    let calling = callers.iter().map(|caller| call_on(*caller, &clock, &table, &crm, rules, end));
    clock.run(join_all(calling));
    Seen { heard: crm.heard.into_inner().unwrap(), table }
}

async fn call_on(
    caller: Caller,
    clock: &Arc<Timeline>,
    table: &Arc<RowTable>,
    crm: &Crm,
    rules: &[LimitRule],
    end: Instant,
) {
    let (limits, pools) = (RowLimits::new(table), Pools::default());
    let key = ConnectionKey::new("acme", "hubspot");
    let gate = LimiterGate::new(&limits, &**clock, &pools, key, rules, caller.traffic);
    let gate = if caller.evenly { gate.evenly() } else { gate };
    let between = |least, most| clock.sleep_ms(between(clock, least, most));
    // They do not all begin at once.
    between(0, 1_000).await;
    let mut since = clock.now();
    while clock.now() < end {
        if let Err(until) = gate.enter("*").await {
            clock.sleep_ms(until.since_ms(clock.now()).max(1)).await;
            continue;
        }
        let waited_ms = clock.now().since_ms(since);
        between(10, 40).await;
        if !crm.call(clock.now(), caller.traffic, waited_ms) {
            gate.block("*", clock.now().plus_ms(crm.per_ms)).await;
        }
        between(50, 250).await;
        if caller.pause_ms > 0 {
            between(caller.pause_ms / 2, caller.pause_ms * 3 / 2).await;
        }
        since = clock.now();
    }
}

/// Some milliseconds, by chance.
pub(super) fn between(clock: &Timeline, least: i64, most: i64) -> i64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    let drawn = ((most - least) as f64 * clock.random()) as i64;
    least + drawn
}

pub(super) fn rule(requests: u64, per_ms: i64, burst: u64) -> LimitRule {
    LimitRule { api: "*".to_owned(), requests, per_ms, burst }
}

/// The most of `times` within any `window_ms`.
pub(super) fn most(times: &[Instant], window_ms: i64) -> usize {
    let mut times = times.to_vec();
    times.sort_unstable();
    let (mut from, mut most) = (0, 0);
    for (n, at) in times.iter().enumerate() {
        while at.since_ms(times[from]) >= window_ms {
            from += 1;
        }
        most = most.max(n + 1 - from);
    }
    most
}
