//! A CRM that does not answer: how many environments it holds at once, from its first call on or when it begins to hang.

use super::hall::{Crm, Hall};
use super::{CONTACT, contact};
use rtr_connectors::http::Clock as _;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::World;
use std::sync::atomic::Ordering;

type Task<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A quarter of the environments.
const SHARE: u64 = 10;

/// How many calls are in flight at most, of forty environments with work for all, once the CRM hangs after so long.
fn held_at_most(after_ms: i64) -> u64 {
    let mut world = World::with_contact(CONTACT);
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n    limits: [{{api: '*', requests: 190, per: 10s}}]\nroutes:\n  contact: [hubspot]\n"
    );
    world.configs.apply(&[("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", &org)]).unwrap();
    world.settings.connection_share = SHARE;
    world.settings.tokens_within_ms = 250;
    let hall = Hall::new(&world);
    let clock = hall.clock.clone();
    let crm: Crm<'_> = Hall::crm(&world, &clock);
    crm.takes_ms.store(150, Ordering::SeqCst);
    let end = after_ms + 15_000;
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for n in 0..4 * i64::try_from(SHARE).unwrap() {
        let (hall, crm, clock) = (&hall, &crm, &clock);
        tasks.push(Box::pin(async move {
            clock.sleep_ms(n * 23).await;
            hall.environment(crm, 10, end).await;
        }));
    }
    tasks.push(Box::pin(async {
        for n in 0..end / 60 {
            (0..10).for_each(|m| hall.bring(contact(&world, &format!("c{n}-{m}"), 1)));
            clock.sleep_ms(60).await;
        }
    }));
    tasks.push(Box::pin(async {
        clock.sleep_ms(after_ms).await;
        crm.takes_ms.store(30_000, Ordering::SeqCst);
    }));
    hall.run(tasks);
    let during = crm.between("acme", after_ms, end);
    during.iter().map(|call| call.in_flight).max().unwrap_or(0)
}

#[test]
fn given_a_crm_that_hangs_when_many_environments_have_work_for_it_then_no_more_of_them_are_held_than_its_share()
 {
    let from_the_first = held_at_most(0);
    assert!((1..=SHARE).contains(&from_the_first), "from the first call on: {from_the_first}");
    // Who has tokens left when it begins to hang needs no lease, and is not counted before a second has passed.
    let suddenly = held_at_most(10_000);
    assert!((1..=SHARE + SHARE / 2).contains(&suddenly), "{suddenly}");
    println!("{from_the_first} from the first call on, {suddenly} of one that begins to hang");
}
