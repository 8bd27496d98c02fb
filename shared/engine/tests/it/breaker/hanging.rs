//! A CRM that does not answer: how many environments it holds at once, from its first call on or when it begins to hang.

use super::contact;
use super::hall::{Crm, Hall, limited};
use rtr_connectors::http::Clock as _;
use std::sync::atomic::Ordering;

type Task<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

/// How many calls are in flight at most, of four times `share` environments with work for all, once the CRM hangs after so
/// long; and how many were while it was well. A call takes `takes_ms`, under `requests` in ten seconds.
fn held_at_most(share: u64, after_ms: i64, requests: u64, takes_ms: i64) -> (u64, u64) {
    let world = limited(&format!("{{api: '*', requests: {requests}, per: 10s}}"), share);
    let hall = Hall::new(&world);
    let clock = hall.clock.clone();
    let crm: Crm<'_> = Hall::crm(&world, &clock);
    crm.takes_ms.store(takes_ms, Ordering::SeqCst);
    let end = after_ms + 15_000;
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for n in 0..4 * i64::try_from(share).unwrap() {
        let (hall, crm, clock) = (&hall, &crm, &clock);
        tasks.push(Box::pin(async move {
            clock.sleep_ms(n * 23).await;
            hall.environment(crm, 10, end).await;
        }));
    }
    // Twice as many as the limit takes.
    let every_ms = 5_000 / i64::try_from(requests).unwrap().clamp(1, 1_000);
    tasks.push(Box::pin(async {
        for n in 0..end / every_ms.max(1) {
            hall.bring(contact(&world, &format!("c{n}"), 1));
            clock.sleep_ms(every_ms.max(1)).await;
        }
    }));
    tasks.push(Box::pin(async {
        clock.sleep_ms(after_ms).await;
        crm.takes_ms.store(30_000, Ordering::SeqCst);
    }));
    hall.run(tasks);
    let most = |from: i64, to: i64| {
        crm.between("acme", from, to).iter().map(|call| call.in_flight).max().unwrap_or(0)
    };
    (most(after_ms, end), most(0, after_ms))
}

#[test]
fn given_a_crm_that_hangs_when_many_environments_have_work_for_it_then_no_more_of_them_are_held_than_its_share()
 {
    let mut beyond = Vec::new();
    for share in [10, 25] {
        for (after_ms, requests, takes_ms) in [
            (0, 190, 150),
            (10_000, 190, 150),
            (10_000, 190, 600),
            (10_000, 1_000, 80),
            (10_000, 1_000, 150),
            (10_000, 2_000, 150),
        ] {
            let (held, well) = held_at_most(share, after_ms, requests, takes_ms);
            println!(
                "share {share}, {requests} in 10 s, calls of {takes_ms} ms: {held} held, {well} while it was well"
            );
            // Who called with what was left of a lease is not counted for a moment, between the lease's end and his first word.
            let most = if after_ms == 0 { share } else { share + 2 };
            if !(1..=most).contains(&held) {
                beyond.push((share, requests, takes_ms, held));
            }
        }
    }
    assert!(beyond.is_empty(), "{beyond:?}");
}
