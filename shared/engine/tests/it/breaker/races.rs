//! Who makes the one call at half-open.

use super::hall::{Hall, Ticking};
use super::{CONTACT, contact};
use rtr_connectors::http::Clock as _;
use rtr_core::breaker::{Change, FIRST_OPEN_MS, OPENS_AT, State};
use rtr_core::time::Instant;
use rtr_engine::seams::Limits as _;
use rtr_engine::sync::{Caches, run};
use rtr_testkit::world::{BEGIN, TIMEOUT_MS, World};
use std::sync::atomic::Ordering;

type Task<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The life of a call to HubSpot, and a second.
const PROBE_MS: i64 = 31_000;

async fn half_open(hall: &Hall<'_>) {
    let failed = Change::Failed { by: "x".to_owned(), count: OPENS_AT, answered: false, random: 0.0 };
    hall.limits.change_breaker(&super::here(), &failed).await.unwrap();
    hall.clock.sleep_ms(FIRST_OPEN_MS).await;
}

async fn work(hall: &Hall<'_>, http: &dyn rtr_connectors::http::Http, id: &str) {
    let deadline = hall.clock.now().plus_ms(TIMEOUT_MS);
    let batch = [contact(hall.world, id, 1)];
    run(&hall.seams(http), &hall.world.settings, &Caches::default(), &batch, deadline).await;
}

fn at(clock: &Ticking) -> i64 {
    clock.now().since_ms(BEGIN)
}

#[test]
fn given_ten_environments_at_half_open_when_all_have_work_then_one_call_goes_until_it_is_answered() {
    for down in [false, true] {
        let world = World::with_contact(CONTACT);
        let hall = Hall::new(&world);
        let crm = Hall::crm(&world, &hall.clock);
        crm.takes_ms.store(1_000, Ordering::SeqCst);
        crm.down.store(down, Ordering::SeqCst);
        let ids: Vec<String> = (0..10).map(|n| format!("c{n}")).collect();
        let tasks: Vec<Task<'_>> = ids
            .iter()
            .map(|id| -> Task<'_> {
                Box::pin(async {
                    if *id == ids[0] {
                        half_open(&hall).await;
                    } else {
                        hall.clock.sleep_ms(FIRST_OPEN_MS).await;
                    }
                    work(&hall, &crm, id).await;
                })
            })
            .collect();
        hall.run(tasks);
        let calls = crm.between("acme", 0, i64::MAX);
        // Whoever waits for a token meanwhile may go once it is answered, and only if it went well.
        assert!(calls.iter().all(|call| call.in_flight == 1), "{calls:?}");
        assert!(calls.len() == 1 || !down && calls[1].began_ms >= calls[0].began_ms + 1_000, "{calls:?}");
        let state = hall.breaker().state(Instant(BEGIN.0 + FIRST_OPEN_MS + 1_000));
        assert_eq!(matches!(state, State::Closed), !down, "{state:?}");
        // Those that may not go are parked, and were not tried.
        let parked = ids.iter().filter(|id| world.item("contact", id).slot.is_some()).count();
        assert!(parked + calls.len() >= 10, "{parked}");
    }
}

#[test]
fn given_a_prober_that_dies_when_its_time_is_over_then_another_probes_and_not_before() {
    let world = World::with_contact(CONTACT);
    let hall = Hall::new(&world);
    let crm = Hall::crm(&world, &hall.clock);
    crm.takes_ms.store(20_000, Ordering::SeqCst);
    let died: Task<'_> = Box::pin(async {
        half_open(&hall).await;
        let work = work(&hall, &crm, "a");
        let death = hall.clock.sleep_ms(1_000);
        // Dropped where it waits for its answer.
        futures::future::select(std::pin::pin!(work), std::pin::pin!(death)).await;
        crm.takes_ms.store(100, Ordering::SeqCst);
    });
    let other: Task<'_> = Box::pin(async {
        hall.clock.sleep_ms(FIRST_OPEN_MS + 2_000).await;
        for n in 0..20 {
            work(&hall, &crm, &format!("b{n}")).await;
            hall.clock.sleep_ms(2_000).await;
        }
        assert!(at(&hall.clock) > FIRST_OPEN_MS + PROBE_MS);
    });
    hall.run(vec![died, other]);
    let calls = crm.between("acme", 0, i64::MAX);
    let after_ms = calls[1].began_ms - calls[0].began_ms;
    assert!((PROBE_MS..PROBE_MS + 3_000).contains(&after_ms), "after {after_ms} ms");
    assert_eq!(hall.breaker().state(hall.clock.now()), State::Closed);
}

#[test]
fn given_a_prober_without_time_for_a_call_when_it_gives_up_then_another_probes_at_once() {
    let world = World::with_contact(CONTACT);
    let hall = Hall::new(&world);
    let crm = Hall::crm(&world, &hall.clock);
    let hasty: Task<'_> = Box::pin(async {
        half_open(&hall).await;
        // Three seconds are kept back for endings: half a second is left.
        let deadline = hall.clock.now().plus_ms(3_500);
        let batch = [contact(&world, "a", 1)];
        run(&hall.seams(&crm), &world.settings, &Caches::default(), &batch, deadline).await;
        assert!(hall.breaker().probe.is_none(), "{:?}", hall.breaker());
        work(&hall, &crm, "b").await;
    });
    hall.run(vec![hasty]);
    assert_eq!(crm.between("acme", 0, i64::MAX).len(), 1);
    assert_eq!(hall.breaker().state(hall.clock.now()), State::Closed);
}

#[test]
fn given_it_has_just_closed_when_twelve_environments_have_work_then_the_calls_in_flight_grow_with_each_second()
 {
    let world = World::with_contact(CONTACT);
    let hall = Hall::new(&world);
    let crm = Hall::crm(&world, &hall.clock);
    crm.takes_ms.store(900, Ordering::SeqCst);
    let (hall, crm) = (&hall, &crm);
    let tasks: Vec<Task<'_>> = (0..12)
        .map(|env| -> Task<'_> {
            Box::pin(async move {
                match env {
                    0 => half_open(hall).await,
                    _ => hall.clock.sleep_ms(FIRST_OPEN_MS).await,
                }
                for n in 0.. {
                    work(hall, crm, &format!("c{env}-{n}")).await;
                    hall.clock.sleep_ms(50).await;
                    if at(&hall.clock) > 15_000 {
                        return;
                    }
                }
            })
        })
        .collect();
    hall.run(tasks);
    // The probe is answered, and it closes.
    let closed_ms = FIRST_OPEN_MS + 900;
    let most = |from: i64, to: i64| {
        let calls = crm.between("acme", closed_ms + from, closed_ms + to);
        calls.iter().map(|call| call.in_flight).max().unwrap_or(0)
    };
    assert_eq!(crm.between("acme", 0, closed_ms).len(), 1);
    let seconds: Vec<u64> = (0..5).map(|second| most(second * 1_000, (second + 1) * 1_000)).collect();
    assert!(seconds.iter().zip([1, 2, 4, 8, 12]).all(|(seen, most)| *seen <= most), "{seconds:?}");
    assert!(
        seconds[0] < seconds[2] && seconds[2] < most(6_000, 9_000),
        "{seconds:?}, {}",
        most(6_000, 9_000)
    );
}
