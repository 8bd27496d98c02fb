//! The account's own allowance: its use is warned of, and stops nothing by itself.

use futures::executor::block_on;
use rtr_connectors::session::{Gate, Quota};
use rtr_core::key::ConnectionKey;
use rtr_core::limit::{QUOTA_MS, Traffic};
use rtr_engine::gate::{LimiterGate, Pools};
use rtr_testkit::clock::TestClock;
use rtr_testkit::limits::MemoryLimits;
use std::sync::Arc;

#[test]
fn given_an_allowance_when_nine_tenths_are_used_then_it_is_told_and_calls_still_go_out() {
    let clock = Arc::new(TestClock::at(1_795_000_000_000));
    let limits = MemoryLimits::new(clock.clone());
    let pools = Pools::default();
    let low = |used, limit| {
        let key = ConnectionKey::new("acme", "salesforce");
        let gate = LimiterGate::new(&limits, &*clock, &pools, key, &[], Traffic::Live);
        gate.quota(Quota { per_ms: QUOTA_MS, limit, left: limit.saturating_sub(used), resets_in_ms: None });
        assert_eq!(block_on(gate.enter("*")), Ok(()));
        gate.quota_low()
    };
    assert_eq!([low(18, 5_000), low(4_499, 5_000), low(0, 0)], [false; 3]);
    assert_eq!([low(4_500, 5_000), low(5_001, 5_000), low(u64::MAX, u64::MAX)], [true; 3]);
}
