//! Calls that last are counted, and a table that is silent hears of no end: a healthy connection does not pay for it for long.

use super::hall::Hall;
use super::{CONTACT, contact};
use rtr_connectors::http::Clock as _;
use rtr_testkit::world::World;
use std::sync::atomic::Ordering;

type Task<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

/// How long after all is well again the first call goes, of a connection whose whole share was calls that lasted while the
/// table fell silent.
fn first_call_after_ms(share: u32) -> Option<i64> {
    let mut world = World::with_contact(CONTACT);
    world.settings.connection_share = u64::from(share);
    world.settings.tokens_within_ms = 250;
    let hall = Hall::new(&world);
    let clock = hall.clock.clone();
    let crm = Hall::crm(&world, &clock);
    crm.takes_ms.store(2_500, Ordering::SeqCst);
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for n in 0..share {
        hall.bring(contact(&world, &format!("old{n}"), 1));
        tasks.push(Box::pin(hall.environment(&crm, 1, 3_500)));
    }
    tasks.push(Box::pin(async {
        clock.sleep_ms(2_200).await;
        hall.limits.state().hangs = true;
        clock.sleep_ms(700).await;
        hall.limits.state().hangs = false;
    }));
    hall.run(tasks);
    assert!(hall.at_work() > 0, "the ends were not told");
    crm.takes_ms.store(100, Ordering::SeqCst);
    let began = hall.now_ms();
    hall.bring(contact(&world, "new", 1));
    let end = began + 120_000;
    hall.run(vec![Box::pin(hall.environment(&crm, 1, end)), Box::pin(hall.lane(&crm, end))]);
    crm.between("acme", began, i64::MAX).first().map(|call| call.began_ms - began)
}

#[test]
fn given_a_table_that_is_silent_when_calls_end_then_a_healthy_connection_is_called_again_within_seconds() {
    for share in [1, 4] {
        let after_ms = first_call_after_ms(share);
        assert!(after_ms.is_some_and(|ms| ms < 15_000), "with a share of {share}: {after_ms:?} ms");
    }
}
