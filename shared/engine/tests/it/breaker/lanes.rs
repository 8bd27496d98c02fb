//! The bulk lane beside busy environments: it has its place, so that what is parked is drained.

use super::contact;
use super::hall::{Hall, limited};
use rtr_connectors::http::Clock as _;
use std::sync::atomic::Ordering;

type Task<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;
/// For so long records come, in milliseconds…
const COME_MS: i64 = 60_000;
/// …and for so long after that they have time to get there.
const THEN_MS: i64 = 30_000;

/// Of how many records how many got there, where so many come in a second to four times `share` environments and a lane.
fn landed(limit: &str, share: u64, takes_ms: i64, per_second: i64) -> (usize, usize) {
    let world = limited(limit, share);
    let hall = Hall::new(&world);
    let clock = hall.clock.clone();
    let crm = Hall::crm(&world, &clock);
    crm.takes_ms.store(takes_ms, Ordering::SeqCst);
    let end = COME_MS + THEN_MS;
    let mut tasks: Vec<Task<'_>> = vec![Box::pin(hall.lane(&crm, end))];
    for n in 0..4 * i64::try_from(share).unwrap() {
        let (hall, crm, clock) = (&hall, &crm, &clock);
        tasks.push(Box::pin(async move {
            clock.sleep_ms(n * 23).await;
            hall.environment(crm, 10, end).await;
        }));
    }
    let all = COME_MS * per_second / 1_000;
    tasks.push(Box::pin(async {
        for n in 0..all {
            hall.bring(contact(&world, &format!("c{n}"), 1));
            clock.sleep_ms(1_000 / per_second).await;
        }
    }));
    hall.run(tasks);
    (usize::try_from(all).unwrap(), world.contacts("firstname").len())
}

#[test]
fn given_more_work_than_a_share_can_do_when_the_lane_drains_then_all_of_it_gets_there() {
    for (limit, share, takes_ms, per_second) in [
        ("{api: '*', requests: 190, per: 10s}", 4, 900, 50),
        ("{api: '*', requests: 90, per: 10s, burst: 10}", 2, 600, 50),
        ("{api: '*', requests: 10, per: 1s}", 4, 3_000, 20),
        ("{api: '*', requests: 1, per: 1s}", 4, 3_000, 10),
    ] {
        let (all, landed) = landed(limit, share, takes_ms, per_second);
        println!("{limit}, share {share}, calls of {takes_ms} ms: {landed} of {all}");
        assert_eq!(landed, all, "{limit}, share {share}, calls of {takes_ms} ms");
    }
}
