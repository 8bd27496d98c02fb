//! What is known to be empty costs nothing.

use super::fleet::{BEGIN, rule};
use rtr_connectors::http::Clock;
use rtr_connectors::session::{Gate, Heard, Quota};
use rtr_core::config::LimitRule;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::{QUOTA_MS, QUOTA_REST_MS, Traffic};
use rtr_core::time::Instant;
use rtr_engine::breaker::{Bounds, BreakerGate, Breakers};
use rtr_engine::gate::{LimiterGate, Pools};
use rtr_testkit::rows::{RowLimits, RowTable};
use rtr_testkit::timeline::Timeline;
use std::sync::Arc;

struct World {
    clock: Arc<Timeline>,
    table: Arc<RowTable>,
    limits: RowLimits,
    pools: Pools,
    rules: Vec<LimitRule>,
}

impl World {
    fn new(rules: Vec<LimitRule>) -> Self {
        let clock = Arc::new(Timeline::at(BEGIN));
        let table = Arc::new(RowTable::new(clock.clone(), 4));
        Self { limits: RowLimits::new(&table), clock, table, pools: Pools::default(), rules }
    }

    fn gate(&self, traffic: Traffic) -> LimiterGate<'_> {
        let key = ConnectionKey::new("acme", "hubspot");
        LimiterGate::new(&self.limits, &*self.clock, &self.pools, key, &self.rules, traffic)
    }

    fn enter(&self, gate: &LimiterGate<'_>) -> Result<(), i64> {
        self.clock.run(gate.enter("*")).map_err(|until| until.since_ms(self.clock.now()))
    }

    /// Reads and writes so far.
    fn asked(&self) -> (u64, usize) {
        let asked = self.table.asked();
        (asked.reads, asked.writes.len() + asked.refused.len())
    }
}

#[test]
fn given_an_empty_bucket_when_asked_again_and_again_then_nothing_is_read_or_written_before_it_said() {
    let world = World::new(vec![rule(2, 60_000, 2)]);
    let gate = world.gate(Traffic::Live);
    assert_eq!((world.enter(&gate), world.enter(&gate)), (Ok(()), Ok(())));
    let wait_ms = world.enter(&gate).unwrap_err();
    assert!(wait_ms > 59_000, "{wait_ms}");
    let before = world.asked();
    for _ in 0..50 {
        assert!(world.enter(&gate).is_err());
        // Another invocation in the same environment.
        assert!(world.enter(&world.gate(Traffic::Live)).is_err());
        world.clock.run(world.clock.sleep_ms(1_000));
    }
    assert_eq!(world.asked(), before);
    let left_ms = world.enter(&gate).unwrap_err();
    world.clock.run(world.clock.sleep_ms(left_ms));
    // It is given the next token, ahead of its time.
    let turn_ms = world.enter(&gate).unwrap_err();
    assert!((1..=1_000).contains(&turn_ms), "{turn_ms}");
    assert_eq!(world.asked().1, before.1 + 1);
    world.clock.run(world.clock.sleep_ms(turn_ms));
    assert_eq!((world.enter(&gate), world.asked().1), (Ok(()), before.1 + 1));
}

#[test]
fn given_a_bucket_that_others_emptied_when_asked_then_it_is_looked_at_and_not_written() {
    let world = World::new(vec![rule(2, 60_000, 2)]);
    let other = RowLimits::new(&world.table);
    let pools = Pools::default();
    let key = ConnectionKey::new("acme", "hubspot");
    let others = LimiterGate::new(&other, &*world.clock, &pools, key, &world.rules, Traffic::Live);
    assert_eq!((world.enter(&others), world.enter(&others)), (Ok(()), Ok(())));
    let (_, writes) = world.asked();
    assert!(world.enter(&world.gate(Traffic::Live)).is_err());
    assert_eq!(world.asked().1, writes);
}

/// An environment of several, so many of which have leased lately that leases are of three.
struct Busy {
    world: World,
    others: (RowLimits, Pools),
}

impl Busy {
    fn new() -> Self {
        let world = World::new(vec![rule(20, 1_000, 20)]);
        let others = (RowLimits::new(&world.table), Pools::default());
        let busy = Self { world, others };
        (0..4).for_each(|_| busy.other_takes().unwrap());
        busy
    }

    fn gate(&self) -> LimiterGate<'_> {
        self.world.gate(Traffic::Live).holding_at_most(12)
    }

    fn other_takes(&self) -> Result<(), Instant> {
        let (key, world) = (ConnectionKey::new("acme", "hubspot"), &self.world);
        let gate =
            LimiterGate::new(&self.others.0, &*world.clock, &self.others.1, key, &world.rules, Traffic::Live);
        world.clock.run(gate.holding_at_most(12).enter("*"))
    }

    /// Tokens that count in the last second.
    fn taken(&self) -> u64 {
        let level = self.world.table.asked().rows.values().next().unwrap().bucket.levels[0].clone();
        level.recent.iter().sum()
    }

    fn passes(&self, ms: i64) {
        self.world.clock.run(self.world.clock.sleep_ms(ms));
    }
}

#[test]
fn given_a_place_that_ends_when_it_has_tokens_left_then_they_go_back_with_the_next_lease_as_if_never_taken() {
    let busy = Busy::new();
    let gate = busy.gate();
    let before = busy.taken();
    assert_eq!((busy.world.enter(&gate), busy.taken() - before), (Ok(()), 3));
    busy.passes(850);
    let writes = busy.world.asked().1;
    // One was used; the lease of the next place is of two, since two came back.
    assert_eq!((busy.world.enter(&gate), busy.taken() - before), (Ok(()), 1 + 2));
    assert_eq!(busy.world.asked().1 - writes, 1);
}

#[test]
fn given_a_call_that_failed_when_its_place_is_left_then_what_it_had_left_goes_back_and_is_not_used_without_a_lease()
 {
    let busy = Busy::new();
    let (clock, breakers, before) = (&busy.world.clock, Breakers::default(), busy.taken());
    let bounds = Bounds { call_ms: 30_000, deadline: clock.now().plus_ms(60_000) };
    let key = ConnectionKey::new("acme", "hubspot");
    let gate = BreakerGate::new(&busy.world.limits, &**clock, &breakers, busy.gate(), key, bounds);
    clock.run(gate.enter("*")).unwrap();
    clock.run(gate.heard(Heard::Fails, 20));
    clock.run(gate.leave());
    let writes = busy.world.asked().1;
    clock.run(gate.enter("*")).unwrap();
    assert_eq!((busy.world.asked().1 - writes, busy.taken() - before), (1, 1 + 2));
}

#[test]
fn given_a_days_allowance_that_the_crm_says_is_spent_when_asked_then_nothing_is_written_until_it_may_be_anew()
{
    let world = World::new(vec![rule(10, 1_000, 1), rule(1_000, QUOTA_MS, 1_000)]);
    let gate = world.gate(Traffic::Live);
    assert_eq!(world.enter(&gate), Ok(()));
    gate.quota(Quota { per_ms: QUOTA_MS, limit: 1_000, left: 0, resets_in_ms: None });
    world.clock.run(world.clock.sleep_ms(2_000));
    let (_, writes) = world.asked();
    for _ in 0..20 {
        let wait_ms = world.enter(&gate).unwrap_err();
        assert!(wait_ms > 0 && wait_ms <= QUOTA_REST_MS, "{wait_ms}");
        world.clock.run(world.clock.sleep_ms(30_000));
    }
    assert_eq!(world.asked().1, writes);
    world.clock.run(world.clock.sleep_ms(QUOTA_REST_MS));
    assert_eq!(world.enter(&gate), Ok(()), "one call finds out");
}

#[test]
fn given_what_the_crm_says_is_left_when_the_next_lease_is_written_then_others_keep_to_it() {
    let world = World::new(vec![rule(100, 10_000, 100)]);
    let gate = world.gate(Traffic::Live);
    gate.quota(Quota { per_ms: 10_000, limit: 100, left: 6, resets_in_ms: None });
    assert_eq!(world.enter(&gate), Ok(()));
    assert_eq!(world.asked().1, 1, "with the lease, no write of its own");
    let left = world.table.asked().rows.values().next().unwrap().bucket.levels[0].left_milli;
    // Six, and what comes in while the row is on its way.
    assert!(left <= 5_200, "{left}");
}

#[test]
fn given_a_limiter_that_does_not_answer_when_a_backfill_asks_then_it_waits_and_live_traffic_goes() {
    let clock = Arc::new(rtr_testkit::clock::TestClock::at(BEGIN.0));
    let limits = rtr_testkit::limits::MemoryLimits::new(clock.clone());
    limits.state().hangs = true;
    let (pools, rules) = (Pools::default(), vec![rule(10, 1_000, 10)]);
    let gate = |traffic| {
        LimiterGate::new(&limits, &*clock, &pools, ConnectionKey::new("acme", "hubspot"), &rules, traffic)
    };
    let enter = |traffic| futures::executor::block_on(gate(traffic).enter("*"));
    assert!(enter(Traffic::Backfill).is_err_and(|until| until > clock.now()));
    assert_eq!(enter(Traffic::Live), Ok(()));
}
