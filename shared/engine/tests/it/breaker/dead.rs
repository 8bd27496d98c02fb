//! A CRM that is down, for everybody, and comes back.

use super::hall::Hall;
use super::{CONTACT, breaker, contact, down, environments, here, sync, times};
use rtr_core::breaker::{LONGEST_OPEN_MS, State};
use rtr_core::code::Code;
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::World;
use serde_json::json;
use std::sync::atomic::Ordering;

#[test]
fn given_a_dead_crm_and_1000_queued_records_when_ten_environments_work_then_few_calls_go_and_all_is_applied_when_it_is_back()
 {
    let world = World::with_contact(CONTACT);
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n    limits: [{{api: '*', requests: 10, per: 1s}}]\nroutes:\n  contact: [hubspot]\n"
    );
    world.configs.apply(&[("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", &org)]).unwrap();
    let hall = Hall::new(&world);
    let crm = Hall::crm(&world, &hall.clock);
    crm.down.store(true, Ordering::SeqCst);
    (0..1_000).for_each(|n| hall.bring(contact(&world, &format!("c{n:04}"), 1)));
    const UP_MS: i64 = 600_000;
    const END_MS: i64 = UP_MS + LONGEST_OPEN_MS + 60_000;
    let mut tasks: Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
    for _ in 0..10 {
        tasks.push(Box::pin(hall.environment(&crm, 10, END_MS)));
    }
    tasks.push(Box::pin(hall.lane(&crm, END_MS)));
    tasks.push(Box::pin(async {
        use rtr_connectors::http::Clock as _;
        hall.clock.sleep_ms(UP_MS).await;
        crm.down.store(false, Ordering::SeqCst);
        // Its records are as slow as those of one that has just come back.
        crm.takes_ms.store(300, Ordering::SeqCst);
    }));
    // While it is down, and just when it is back, something new comes all the time.
    tasks.push(Box::pin(async {
        use rtr_connectors::http::Clock as _;
        for n in 0..(END_MS - 60_000) / 500 {
            hall.bring(contact(&world, &format!("n{n:04}"), 1));
            hall.clock.sleep_ms(500).await;
        }
    }));
    hall.run(tasks);
    let asked = crm.between("acme", 0, UP_MS).len();
    assert!((6..=60).contains(&asked), "{asked} calls in ten minutes");
    println!(
        "{asked} calls in ten minutes to a dead CRM, {} writes of its breaker",
        hall.limits.state().breaker_writes
    );
    let all = 1_000 + usize::try_from((END_MS - 60_000) / 500).unwrap();
    assert_eq!(world.contacts("firstname"), vec!["v1".to_owned(); all]);
    assert_eq!(hall.breaker().state(rtr_core::time::Instant(i64::MAX)), State::Closed);
    // It is used again within the longest rest, and nobody falls on it.
    let back: Vec<_> = crm.between("acme", UP_MS, END_MS);
    let first_ms = back[0].began_ms;
    assert!(first_ms - UP_MS <= LONGEST_OPEN_MS + 5_000, "{first_ms}");
    for (second, most) in (0..4).zip([1, 2, 4, 8]) {
        // The ramp begins with the first answer.
        let from_ms = first_ms + 300 + second * 1_000;
        let most_seen = crm.between("acme", from_ms, from_ms + 1_000).iter().map(|call| call.in_flight).max();
        assert!(most_seen.unwrap_or(0) <= most, "{most_seen:?} at once in second {second}");
    }
    for call in &back {
        let in_second = crm.between("acme", call.began_ms - 999, call.began_ms + 1).len();
        // A rule gives its burst besides its rate.
        assert!(in_second <= 20, "{in_second} calls in the second before {}", call.began_ms);
    }
}

#[test]
fn given_a_blip_when_synced_then_nothing_opens_and_a_success_ends_the_count() {
    let world = World::with_contact(CONTACT);
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {}, "fault": "status", "value": 503, "count": 3}]));
    let envs = environments(2);
    assert_eq!(sync(&world, &envs[0], &[contact(&world, "a", 1)]).counts["applied"], 1);
    assert_eq!((breaker(&world).state(world.now()), breaker(&world).failures), (State::Closed, 0));
    assert_eq!(sync(&world, &envs[1], &[contact(&world, "b", 1)]).counts["applied"], 1);
}

#[test]
fn given_a_healthy_crm_when_synced_then_the_breaker_costs_no_request() {
    let world = World::with_contact(CONTACT);
    let envs = environments(3);
    for n in 0..9 {
        world.clock.advance_ms(700);
        sync(&world, &envs[n % 3], &[contact(&world, &format!("c{n}"), 1)]);
    }
    assert_eq!((world.limits.state().breaker_writes, world.contacts("email").len()), (0, 9));
    assert!(world.limits.state().breakers.is_empty(), "nobody asked for it but with a lease");
}

#[test]
fn given_429s_without_end_when_synced_then_it_never_opens() {
    let world = World::with_contact(CONTACT);
    down(&world, "status", &json!(429));
    let envs = environments(3);
    for n in 0..30 {
        sync(&world, &envs[n % 3], &[contact(&world, &format!("c{n}"), 1)]);
        world.clock.advance_ms(5_000);
    }
    assert!(world.calls().len() > 5);
    assert_eq!(breaker(&world), rtr_core::breaker::Breaker::default());
}

#[test]
fn given_an_open_breaker_when_more_comes_then_it_is_parked_without_a_call_and_says_why() {
    let world = World::with_contact(CONTACT);
    down(&world, "status", &json!(503));
    let envs = environments(2);
    sync(&world, &envs[0], &[contact(&world, "a", 1)]);
    let State::Open { until } = breaker(&world).state(world.now()) else { panic!("{:?}", breaker(&world)) };
    let (calls, leases) = (world.calls().len(), world.limits.state().leases);
    assert!(sync(&world, &envs[1], &[contact(&world, "b", 1)]).failed.is_empty());
    let slot = crate::parked(&world, "b");
    assert_eq!((slot.reason.code, slot.not_before), (Code::Resting, until));
    // It learned so with its lease; from now on it asks nobody.
    assert_eq!((world.calls().len(), world.limits.state().leases), (calls, leases + 1));
    sync(&world, &envs[1], &[contact(&world, "c", 1)]);
    assert_eq!((world.calls().len(), world.limits.state().leases), (calls, leases + 1));
    // When it is back the lane brings all of it.
    world.faults(&json!([]));
    world.clock.advance_ms(until.since_ms(world.now()));
    world.sweep();
    world.clock.advance_ms(10_000);
    sync(&world, &envs[0], &[build::again(contact(&world, "a", 1))]);
    assert_eq!(world.contacts("email"), ["a@x.io", "b@x.io", "c@x.io"]);
}

#[test]
fn given_a_limits_table_that_does_not_answer_when_the_crm_is_down_too_then_each_environment_has_a_breaker_of_its_own()
 {
    let world = World::with_contact(CONTACT);
    down(&world, "status", &json!(503));
    world.limits.state().hangs = true;
    let (envs, began) = (environments(3), world.now());
    let mut n = 0;
    while world.now().since_ms(began) < 600_000 {
        sync(&world, &envs[n % 3], &[contact(&world, &format!("c{n:04}"), 1)]);
        world.clock.advance_ms(500);
        n += 1;
    }
    let calls = times(&world, began).len();
    assert!(calls <= 3 * 15, "{calls} calls by three environments in ten minutes");
    // The table answers again: what it says counts, once what was found out here is over.
    world.limits.state().hangs = false;
    world.faults(&json!([]));
    world.clock.advance_ms(LONGEST_OPEN_MS);
    for env in &envs {
        assert_eq!(sync(&world, env, &[contact(&world, "new", 1)]).counts.get("parked"), None);
    }
    assert!(futures::executor::block_on(world.seams().limits.breaker(&here())).is_ok());
}
