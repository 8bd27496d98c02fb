//! What operators are told by events, and what of it they are not told twice.

use crate::CONTACT;
use crate::lines::lines;
use futures::executor::block_on;
use rtr_core::notice::{Notice, NoticeKind};
use rtr_engine::seams::Notices;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::World;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const SECRET: &str = "rtr/test/acme/hubspot";

fn contacts(world: &World, version: u64, ids: std::ops::Range<usize>) {
    for n in ids {
        world.sync(&[world.contact(
            &format!("c{n}"),
            version,
            &json!({"email": format!("p{n}@x.io"), "first_name": format!("v{version}")}),
        )]);
    }
}

fn told(world: &World) -> Vec<(NoticeKind, u64)> {
    world.bus.told().iter().map(|notice| (notice.kind, notice.count)).collect()
}

fn look_after(world: &World, seconds: i64) {
    world.clock.advance_ms(seconds * 1_000);
    world.sweep();
}

fn fails(what: &Value, count: u64) -> Value {
    json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*contacts*"}, "fault": "status",
        "value": what, "count": count}])
}

#[test]
fn given_a_revoked_token_when_many_find_it_out_then_it_is_told_once_and_once_that_it_is_mended() {
    let mut world = World::with_contact(CONTACT);
    let revoke = json!({"provider": "hubspot", "account": "acme", "action": "revoke"});
    world.crm.control("POST", "/_sandbox/tokens", &revoke);
    contacts(&world, 1, 0..5);
    world.caches = rtr_engine::sync::Caches::default();
    contacts(&world, 1, 5..9);
    world.sweep();
    assert_eq!(told(&world), [(NoticeKind::Suspended, 1)]);
    let token = world.crm.token("acme");
    world.secrets.put(SECRET, &json!({"type": "bearer", "token": token}).to_string());
    for _ in 0..3 {
        world.caches = rtr_engine::sync::Caches::default();
        contacts(&world, 1, 9..12);
        look_after(&world, 60);
    }
    assert_eq!(told(&world), [(NoticeKind::Suspended, 1), (NoticeKind::Resumed, 1)]);
    let notices = world.bus.told();
    assert_eq!(notices[0].since, notices[1].since, "it is of that suspension");
    // Refused anew it is another one, a quarter of an hour after the first at the earliest.
    world.crm.control("POST", "/_sandbox/tokens", &revoke);
    world.caches = rtr_engine::sync::Caches::default();
    contacts(&world, 2, 0..2);
    look_after(&world, 60);
    assert_eq!(told(&world).len(), 2);
    assert!(
        !world.limits.state().suspensions.is_empty(),
        "{:?} {:?}",
        world.limits.state().notices,
        world.calls()
    );
    look_after(&world, 900);
    assert_eq!(told(&world)[2], (NoticeKind::Suspended, 1));
}

#[test]
fn given_dead_letters_of_several_batches_when_they_are_gathered_then_one_notification_counts_them_all() {
    let world = World::with_contact(
        "object: contacts\nfields:\n  email: email | fail_here\n".replace("fail_here", "date").as_str(),
    );
    for n in 0..7 {
        let report = world.sync(&[world.contact(&format!("c{n}"), 1, &json!({"email": "no date"}))]);
        assert_eq!(report.counts["dead"], 1);
    }
    world.sweep();
    assert_eq!(told(&world), [], "others may come in a moment");
    look_after(&world, 10);
    assert_eq!(told(&world), [(NoticeKind::DeadLetters, 7)]);
    world.sync(&[world.contact("more", 1, &json!({"email": "no date"}))]);
    look_after(&world, 600);
    assert_eq!(told(&world).len(), 1, "no more often than every quarter of an hour");
    look_after(&world, 400);
    assert_eq!(told(&world)[1], (NoticeKind::DeadLetters, 1));
    let detail = world.bus.told()[1].detail();
    assert_eq!((&detail["code"], &detail["connection"]), (&json!("RTR2005"), &json!("hubspot")));
}

#[test]
fn given_an_event_bus_that_is_down_when_it_is_back_then_what_was_to_be_told_is_told_once() {
    let world = World::with_contact(CONTACT);
    let notice = Notice {
        kind: NoticeKind::BackfillDone,
        org_id: "acme".to_owned(),
        connection: Some("hubspot".to_owned()),
        provider: Some("hubspot".to_owned()),
        code: None,
        count: 1_000,
        since: world.now(),
        once: None,
    };
    block_on(world.limits.raise(&notice)).unwrap();
    world.bus.is_down.store(true, Ordering::Relaxed);
    look_after(&world, 1);
    assert_eq!(told(&world), []);
    world.bus.is_down.store(false, Ordering::Relaxed);
    look_after(&world, 1);
    assert_eq!(told(&world), [], "whoever failed may have told it: his time is waited for");
    look_after(&world, 30);
    look_after(&world, 30);
    assert_eq!(told(&world), [(NoticeKind::BackfillDone, 1_000)]);
}

#[test]
fn given_work_that_is_parked_for_an_hour_when_its_lane_is_looked_at_then_it_is_told_with_its_reason() {
    let world = World::with_contact(CONTACT);
    contacts(&world, 1, 0..1);
    world.faults(&fails(&json!(503), 100_000));
    for _ in 0..3 {
        contacts(&world, 2, 0..1);
        world.clock.advance_ms(1_000);
    }
    let message = world.contact("c0", 3, &json!({"email": "p0@x.io", "first_name": "y"}));
    world.sync(&[rtr_engine::batch::Received { receive_count: 9, ..message }]);
    crate::parked(&world, "c0");
    for _ in 0..70 {
        look_after(&world, 60);
    }
    let old: Vec<Notice> =
        world.bus.told().into_iter().filter(|notice| notice.kind == NoticeKind::ParkedOld).collect();
    assert_eq!(old.len(), 1, "{old:?}");
    assert_eq!(old[0].since, crate::parked(&world, "c0").since);
}

#[test]
fn given_a_table_that_hangs_when_letters_of_several_connections_are_raised_then_the_batch_answers_within_seconds()
 {
    let world = World::with_contact("object: contacts\nfields:\n  email: email | date\n");
    let names = ["a", "b", "c", "d", "e"];
    let connections: String = names
        .iter()
        .map(|name| format!("  {name}: {{provider: hubspot, base_url: {BASE}/hubspot/acme}}\n"))
        .collect();
    let org = format!("org: acme\nconnections:\n{connections}routes:\n  contact: [a, b, c, d, e]\n");
    world.configs.apply(&[("orgs/acme.yaml", &org)]).unwrap();
    world.limits.state().hangs = true;
    let began = world.now();
    let report = world.sync(&[world.contact("c", 1, &json!({"email": "no date"}))]);
    world.limits.state().hangs = false;
    assert_eq!((report.counts["dead"], report.failed.len()), (5, 0));
    let took_ms = world.now().since_ms(began);
    assert!((1_000..5_000).contains(&took_ms), "{took_ms} ms");
}

#[test]
fn given_a_suspension_whose_writer_died_when_another_sees_it_then_it_is_told_all_the_same_and_once() {
    let mut world = World::with_contact(CONTACT);
    let revoke = json!({"provider": "hubspot", "account": "acme", "action": "revoke"});
    world.crm.control("POST", "/_sandbox/tokens", &revoke);
    contacts(&world, 1, 0..1);
    // As it stands when he died between his two writes.
    assert_eq!(std::mem::take(&mut world.limits.state().notices).len(), 1);
    for _ in 0..3 {
        world.caches = rtr_engine::sync::Caches::default();
        contacts(&world, 1, 1..3);
        look_after(&world, 60);
    }
    assert_eq!(told(&world), [(NoticeKind::Suspended, 1)]);
}

#[test]
fn given_parked_work_whose_mapping_is_gone_when_its_lane_ends_it_then_the_dead_letters_are_told_and_have_lines()
 {
    let world = World::with_contact(CONTACT);
    world.faults(&fails(&json!(503), 100_000));
    let late = |id: &str| {
        let message = world.contact(id, 1, &json!({"email": format!("{id}@x.io"), "first_name": "y"}));
        world.sync(&[rtr_engine::batch::Received { receive_count: 9, ..message }]);
    };
    ["c0", "c1"].iter().for_each(|id| late(id));
    world.faults(&json!([]));
    world.configs.apply(&[("orgs/acme.yaml", "org: acme\nconnections: {}\nroutes: {}\n")]).unwrap();
    let dead = lines("record", || {
        for _ in 0..10 {
            look_after(&world, 60);
            world.deliver();
        }
    });
    look_after(&world, 1_000);
    assert_eq!(told(&world).iter().map(|(_, n)| n).sum::<u64>(), 2, "{:?}", told(&world));
    assert_eq!(dead.len(), 2, "{dead:?}");
    assert!(dead.iter().all(|line| line["outcome"] == "dead" && line["connection"] == "hubspot"), "{dead:?}");
}
