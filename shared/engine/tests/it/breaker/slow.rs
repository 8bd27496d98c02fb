//! A CRM that answers, but takes its time.

use super::hall::{Crm, Hall};
use super::{CONTACT, contact};
use rtr_connectors::http::Clock as _;
use rtr_core::breaker::slow_cap;
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::World;
use serde_json::json;
use std::sync::atomic::Ordering;

type Task<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The calls a second that the slow connection's limits give.
const RATE: u64 = 10;

/// Two orgs, `acme` and `globex`.
fn world() -> World {
    let world = World::with_contact(CONTACT);
    let org = |name: &str| {
        format!(
            "org: {name}\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/{name}\n    limits: [{{api: '*', requests: {RATE}, per: 1s}}]\nroutes:\n  contact: [hubspot]\n"
        )
    };
    let (acme, globex) = (org("acme"), org("globex"));
    let files = [
        ("mappings/hubspot/contact.yaml", CONTACT),
        ("orgs/acme.yaml", &acme),
        ("orgs/globex.yaml", &globex),
    ];
    world.configs.apply(&files).unwrap();
    let token = world.crm.token("globex");
    world.secrets.put("rtr/test/globex/hubspot", &json!({"type": "bearer", "token": token}).to_string());
    world.crm.create_key("globex", "contacts", &token);
    world
}

fn globex(world: &World, n: usize) -> rtr_engine::batch::Received {
    let data = json!({"email": format!("g{n}@x.io"), "first_name": "v1"});
    build::event("globex", "contact", &format!("g{n}"), 1, &data, world.now())
}

/// Sixty records of each org, in batches that hold both, before ten environments and the slow one's lane; when the work
/// began that everybody does.
fn work(hall: &Hall<'_>, crm: &Crm<'_>, takes_ms: i64, for_ms: i64) -> i64 {
    crm.takes_ms.store(takes_ms, Ordering::SeqCst);
    let world = hall.world;
    // One environment finds out alone that it is slow.
    for n in 0..5 {
        hall.bring(contact(world, &format!("first{n}"), 1));
    }
    let alone_ms = 5 * takes_ms + 5_000;
    hall.run(vec![Box::pin(hall.environment(crm, 1, alone_ms))]);
    assert_eq!(hall.breaker().slow_ms(hall.clock.now()), Some(takes_ms));
    let began_ms = hall.now_ms();
    for n in 0..60 {
        hall.bring(contact(world, &format!("c{n:02}"), 1));
        hall.bring(globex(world, n));
    }
    let end_ms = began_ms + for_ms;
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for _ in 0..10 {
        tasks.push(Box::pin(hall.environment(crm, 4, end_ms)));
    }
    tasks.push(Box::pin(hall.lane(crm, end_ms)));
    hall.run(tasks);
    began_ms
}

#[test]
fn given_a_crm_whose_calls_take_3_s_when_ten_environments_work_then_no_more_are_in_flight_than_its_cap() {
    let world = world();
    let hall = Hall::new(&world);
    let clock = hall.clock.clone();
    let crm = Hall::crm(&world, &clock);
    let began_ms = work(&hall, &crm, 3_000, 120_000);
    let slow = crm.between("acme", began_ms, i64::MAX);
    let most = slow.iter().map(|call| call.in_flight).max().unwrap();
    assert!(most <= slow_cap(3_000, Some(RATE * 1_000)).unwrap(), "{most} at once");
    assert!(most >= 2, "it is used as far as it may be: {most}");
    assert_eq!(world.contacts("firstname").len(), 65, "all of it got there");
    assert_eq!(world.crm.records("globex", "contacts").len(), 60);
    // What is of another connection goes as if the slow one were not there.
    let last_ms = crm.between("globex", began_ms, i64::MAX).iter().map(|call| call.began_ms).max().unwrap();
    assert!(last_ms - began_ms <= 9_000, "the other's last call began after {} ms", last_ms - began_ms);
}

#[test]
fn given_a_crm_whose_calls_take_9_s_when_ten_environments_work_then_one_call_is_in_flight_and_all_of_it_gets_there()
 {
    let world = world();
    let hall = Hall::new(&world);
    let clock = hall.clock.clone();
    let crm = Hall::crm(&world, &clock);
    let began_ms = work(&hall, &crm, 9_000, 300_000);
    let slow = crm.between("acme", began_ms, i64::MAX);
    let most = slow.iter().map(|call| call.in_flight).max().unwrap();
    assert_eq!(most, 1);
    assert!(hall.breaker().openings > 0, "calls that take so long count as failed: {:?}", hall.breaker());
    assert_eq!(world.contacts("firstname").len(), 65, "{} calls", slow.len());
    let last_ms = crm.between("globex", began_ms, i64::MAX).iter().map(|call| call.began_ms).max().unwrap();
    assert!(last_ms - began_ms <= 9_000, "the other's last call began after {} ms", last_ms - began_ms);
}
