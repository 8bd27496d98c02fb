//! How much is drained at once, in which order, and what it costs.

use super::*;
use rtr_engine::seams::QueueName;

#[test]
fn given_250_parked_updates_when_their_lane_is_due_then_three_calls_of_up_to_100_drain_them() {
    let world = linked_and_parked(250);
    let before = world.calls().len();
    assert_eq!(world.sweep()[0].counts["applied"], 250);
    assert_eq!(world.calls()[before..], ["POST contacts/batch/update 200"; 3]);
    assert_eq!(
        (world.contacts("firstname"), left(&world)),
        (vec!["v2"; 250].iter().map(|v| (*v).to_owned()).collect(), 0)
    );
}

#[test]
fn given_250_parked_contacts_that_the_crm_never_had_when_drained_then_each_is_made_once_in_three_calls() {
    let world = World::with_contact(CONTACT);
    park(&world, &ids(250), 1);
    world.sweep();
    assert_eq!(writes_since(&world, 0), ["POST contacts/batch/upsert 200"; 3]);
    assert_eq!((world.contacts("rtr_record_id"), left(&world)), (ids(250), 0));
    assert_eq!(world.records.state().claims.len(), 250);
}

#[test]
fn given_a_contact_that_changes_many_times_while_parked_when_drained_then_it_is_written_once_with_the_newest()
{
    let world = linked_and_parked(1);
    mode(&world, "paused");
    (3..=40).for_each(|version| bring(&world, &ids(1), version));
    // What comes late is no newer.
    bring(&world, &ids(1), 7);
    mode(&world, "live");
    let before = world.calls().len();
    world.sweep();
    assert_eq!((world.calls().len() - before, world.contacts("firstname")), (1, vec!["v40".to_owned()]));
    let item = world.item("contact", &ids(1)[0]);
    assert_eq!((item.applied_version, item.slot), (Some(40), None));
}

#[test]
fn given_more_parked_than_one_look_shows_when_drained_then_one_baton_is_enough_for_all() {
    let world = linked_and_parked(1_150);
    let before = world.calls().len();
    let reports = world.sweep();
    assert_eq!((reports.len(), reports[0].counts["applied"]), (1, 1_150));
    assert_eq!((world.calls().len() - before, left(&world)), (12, 0));
}

#[test]
fn given_contacts_and_companies_parked_when_drained_then_each_goes_to_its_own_object() {
    let world = World::with_contact(CONTACT);
    mode(&world, "paused");
    bring(&world, &ids(30), 1);
    for n in 0..30 {
        world.sync(&[world.company(&format!("k{n}"), 1, &json!({"name": format!("K{n}")}))]);
    }
    mode(&world, "live");
    world.sweep();
    assert_eq!(
        (world.contacts("email").len(), world.crm.records("acme", "companies").len(), left(&world)),
        (30, 30, 0)
    );
    assert_eq!(writes_since(&world, 0).len(), 2);
}

#[test]
fn given_a_worker_with_little_time_left_when_it_stops_then_the_next_baton_goes_at_once_and_nothing_is_lost() {
    let world = linked_and_parked(30);
    let before = world.calls().len();
    let (seams, batch) = (world.seams(), [baton(&world)]);
    let deadline = world.now().plus_ms(17_000);
    let caches = Caches::default();
    futures::executor::block_on(rtr_engine::bulk::run(&seams, &world.settings, &caches, &batch, deadline));
    assert_eq!((world.calls().len(), left(&world)), (before, 30));
    let sent = world.queue.take_sent(QueueName::Bulk);
    assert_eq!(sent.len(), 1);
    let next = build::raw(&sent[0].body, &sent[0].group, world.now());
    assert_eq!(world.bulk(&[next]).counts["applied"], 30);
    assert_eq!(left(&world), 0);
}

#[test]
fn given_what_is_due_later_when_the_lane_looks_then_it_is_looked_at_again_just_then() {
    let world = World::with_contact(CONTACT);
    world.faults(&json!([fault("*contacts*", "drop_after_commit", &Value::Null, 1)]));
    assert!(world.sync(&[contact(&world, "c", 1)]).failed.is_empty());
    let at = crate::parked(&world, "c").not_before;
    world.clock.advance_ms(1_000);
    world.bulk(&[baton(&world)]);
    // Somebody parked a moment ago, and the index may not show it: until then it looks more often.
    assert!(lane(&world).due_at <= Some(at), "{:?}", lane(&world));
    let mut looks = 0;
    while world.now() < at {
        world.clock.advance_ms(1_000);
        looks += world.sweep().len();
    }
    assert_eq!((left(&world), world.contacts("email").len()), (0, 1));
    assert!(looks <= 4, "{looks} looks in a minute");
    // In the end nobody looks any more.
    pass_minutes(&world, 5);
    assert_eq!(lane(&world).due_at, None);
    assert!(world.sweep().is_empty());
}

#[test]
fn given_a_large_body_parked_when_drained_then_it_is_not_left_behind() {
    let world = World::with_contact(CONTACT);
    mode(&world, "paused");
    for version in 1..=3 {
        let data =
            json!({"email": "c@x.io", "first_name": format!("v{version}"), "notes": "x".repeat(200_000)});
        assert!(world.sync(&[world.contact("c", version, &data)]).failed.is_empty());
        assert_eq!(world.records.state().bodies.len(), 1);
    }
    mode(&world, "live");
    world.sweep();
    assert_eq!((world.contacts("firstname"), world.records.state().bodies.len()), (vec!["v3".to_owned()], 0));
}

#[test]
fn given_many_large_bodies_parked_when_drained_then_a_worker_holds_no_more_than_twenty_of_them_at_once() {
    let world = World::with_contact(CONTACT);
    mode(&world, "paused");
    for id in ids(45) {
        let data = json!({"email": format!("{id}@x.io"), "first_name": "v1", "notes": "x".repeat(110_000)});
        assert!(world.sync(&[world.contact(&id, 1, &data)]).failed.is_empty());
    }
    for n in 100..110 {
        assert!(world.sync(&[contact(&world, &format!("c{n}"), 1)]).failed.is_empty());
    }
    mode(&world, "live");
    world.clock.advance_ms(60_000);
    world.sweep();
    assert_eq!((left(&world), world.contacts("email").len(), world.records.state().bodies.len()), (0, 55, 0));
    assert_eq!(
        writes_since(&world, 0),
        ["POST contacts/batch/upsert 200"; 3],
        "20 and the small ones, 20, 5"
    );
}
