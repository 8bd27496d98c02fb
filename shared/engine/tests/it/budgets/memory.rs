//! What is known to be empty costs nothing.

use super::fleet::{BEGIN, rule};
use rtr_connectors::http::Clock;
use rtr_connectors::session::{Gate, Quota};
use rtr_core::config::LimitRule;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::{QUOTA_MS, QUOTA_REST_MS, Traffic};
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

#[test]
fn given_a_place_that_ends_when_it_has_tokens_left_then_they_go_with_the_next_lease_while_they_are_good() {
    let world = World::new(vec![rule(20, 1_000, 20)]);
    let (other, pools) = (RowLimits::new(&world.table), Pools::default());
    let others = || {
        let key = ConnectionKey::new("acme", "hubspot");
        LimiterGate::new(&other, &*world.clock, &pools, key, &world.rules, Traffic::Live).holding_at_most(12)
    };
    let gate = world.gate(Traffic::Live).holding_at_most(12);
    // So many that leases are of three.
    (0..4).for_each(|_| world.clock.run(others().enter("*")).unwrap());
    let taken = || {
        let level = world.table.asked().rows.values().next().unwrap().bucket.levels[0].clone();
        level.recent.iter().sum::<u64>()
    };
    let before = taken();
    for (place, tokens) in [(0, 3), (1, 3 + 1)] {
        let writes = world.asked().1;
        assert_eq!(world.enter(&gate), Ok(()));
        assert_eq!((world.asked().1 - writes, taken() - before), (1, tokens), "of place {place}");
        world.clock.run(world.clock.sleep_ms(850));
    }
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
