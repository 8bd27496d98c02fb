//! What stops a lane as a whole: it touches no slot, and the lane goes on by itself.

use super::*;
use rtr_core::item::{Item, SlotState};

fn items(world: &World) -> Vec<Item> {
    world.records.state().items.values().map(|(item, _)| item.clone()).collect()
}

type Act = fn(&World);

/// What only a person ends: how it begins, and how the person ends it.
const PATIENT: [(&str, Act, Act); 4] = [
    ("paused", |world| mode(world, "paused"), |world| mode(world, "live")),
    ("shadowed", |world| mode(world, "shadow"), |world| mode(world, "live")),
    ("without a secret", |world| drop(world.secrets.take(SECRET)), new_token),
    (
        "suspended",
        |world| {
            let token = json!({"provider": "hubspot", "account": "acme", "action": "revoke"});
            world.crm.control("POST", "/_sandbox/tokens", &token);
        },
        new_token,
    ),
];

const SECRET: &str = "rtr/test/acme/hubspot";

fn new_token(world: &World) {
    let token = world.crm.token("acme");
    world.secrets.put(SECRET, &json!({"type": "bearer", "token": token}).to_string());
}

#[test]
fn given_a_connection_that_a_person_has_stopped_when_its_lane_is_due_then_no_slot_is_touched_and_it_looks_each_minute()
 {
    for (name, stop, go_on) in PATIENT {
        let mut world = linked_and_parked(30);
        stop(&world);
        world.caches = Caches::default();
        let before = items(&world);
        for minute in 0..4 {
            let calls = world.calls().len();
            assert!(world.sweep().len() == 1, "{name}: one look a minute");
            assert_eq!(lane(&world).due_at, Some(world.now().plus_ms(60_000)), "{name}");
            assert!(world.calls().len() <= calls + usize::from(minute == 0), "{name}: {:?}", world.calls());
            world.clock.advance_ms(59_999);
            assert!(world.sweep().is_empty(), "{name}");
            world.clock.advance_ms(1);
        }
        assert!(items(&world) == before, "{name}: a slot was touched");
        go_on(&world);
        world.clock.advance_ms(60_000);
        world.sweep();
        assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v2".to_owned(); 30]), "{name}");
    }
}

#[test]
fn given_a_throttle_of_a_few_seconds_when_drained_then_it_is_waited_out_in_place() {
    let world = linked_and_parked(150);
    world.faults(&json!([fault("*batch/update*", "status", &throttled(4), 1)]));
    let (began, before) = (world.now(), world.calls().len());
    let reports = world.sweep();
    assert_eq!((reports.len(), left(&world)), (1, 0));
    let waited = world.now().since_ms(began);
    assert!((4_000..6_000).contains(&waited), "{waited}");
    assert_eq!(writes_since(&world, before).len(), 3, "one refused, two of 150");
}

#[test]
fn given_a_throttle_of_half_a_minute_when_drained_then_the_run_ends_and_the_lane_is_due_just_then() {
    let world = linked_and_parked(150);
    world.faults(&json!([fault("*batch/update*", "status", &throttled(30), 1)]));
    let (began, before) = (world.now(), items(&world));
    world.sweep();
    let calls = world.calls().len();
    assert!(world.now().since_ms(began) < 1_000, "it does not wait in place");
    assert_eq!(lane(&world).due_at, Some(world.now().plus_ms(30_000)));
    assert!(items(&world) == before, "no slot is touched");
    world.clock.advance_ms(29_999);
    assert!(world.sweep().is_empty());
    assert_eq!(world.calls().len(), calls);
    world.clock.advance_ms(1);
    world.sweep();
    assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v2".to_owned(); 150]));
}

#[test]
fn given_a_throttle_in_the_middle_when_drained_then_what_went_before_it_has_gone_and_the_rest_goes_later() {
    let world = linked_and_parked(250);
    world.faults(&json!([{"provider": "hubspot", "account": "acme", "match": {"path": "*batch/update*"}, "fault": "status",
        "value": throttled(30), "skip": 1, "count": 1}]));
    let before = world.calls().len();
    world.sweep();
    assert_eq!(left(&world), 150);
    world.clock.advance_ms(30_000);
    world.sweep();
    assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v2".to_owned(); 250]));
    assert_eq!(writes_since(&world, before).len(), 4, "none twice");
}

#[test]
fn given_limits_of_one_call_in_ten_seconds_when_drained_then_they_are_kept() {
    let world = linked_and_parked(550);
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n    limits: [{{api: '*', requests: 1, per: 10s}}]\nroutes:\n  contact: [hubspot]\n"
    );
    world.configs.apply(&[("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", &org)]).unwrap();
    let (began, before) = (world.now(), world.calls().len());
    while left(&world) > 0 {
        world.sweep();
        world.clock.advance_ms(1_000);
        assert!(world.now().since_ms(began) < 300_000, "{} left", left(&world));
    }
    let took = world.now().since_ms(began);
    assert_eq!(writes_since(&world, before).len(), 6);
    assert!(took >= 50_000, "{took}");
}

#[test]
fn given_a_crm_that_is_down_when_drained_again_and_again_then_no_slot_is_touched_and_its_calls_are_bounded() {
    let world = linked_and_parked(30);
    world.faults(&json!([fault("*", "status", &json!(503), 1_000_000)]));
    let (began, before, calls) = (world.now(), items(&world), world.calls().len());
    while world.now().since_ms(began) < 600_000 {
        world.sweep();
        world.clock.advance_ms(2_000);
    }
    let asked = world.calls().len() - calls;
    assert!(items(&world) == before, "an outage costs what is parked nothing");
    assert!((6..=20).contains(&asked), "{asked} calls in ten minutes");
    world.faults(&json!([]));
    pass_minutes(&world, 6);
    assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v2".to_owned(); 30]));
}

#[test]
fn given_a_configuration_that_cannot_be_read_when_due_then_nothing_is_lost() {
    let world = linked_and_parked(3);
    world.configs.set_down(true);
    let before = items(&world);
    world.sweep();
    assert!(items(&world) == before);
    world.configs.set_down(false);
    pass_minutes(&world, 1);
    assert_eq!(left(&world), 0);
}

#[test]
fn given_a_table_that_does_not_answer_when_due_then_nothing_is_called_and_nothing_is_lost() {
    let world = linked_and_parked(3);
    world.records.state().down = true;
    let calls = world.calls().len();
    world.sweep();
    assert_eq!(world.calls().len(), calls);
    world.records.state().down = false;
    pass_minutes(&world, 1);
    assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v2".to_owned(); 3]));
}

#[test]
fn given_a_table_that_takes_no_writes_when_drained_then_it_is_not_hammered_and_nothing_is_lost_or_made_twice()
{
    for fate in [Fate::NotDone, Fate::AnswerLost] {
        for (count, contact) in [(30, CONTACT), (3, crate::bulk::crashes::WITHOUT_KEY)] {
            let (world, storm) = under_a_storm(contact);
            configure(&world, "paused", contact);
            bring(&world, &ids(count), 1);
            configure(&world, "live", contact);
            storm.set(Some(("write", fate)));
            let began = world.now();
            while world.now().since_ms(began) < 60_000 {
                world.sweep();
                world.clock.advance_ms(2_000);
            }
            let (calls, reads) = (world.calls().len(), world.records.state().reads);
            assert!(calls <= 130 && reads <= 400, "{calls} calls, {reads} reads in a minute, {fate:?}");
            storm.set(None);
            pass_minutes(&world, 6);
            assert_eq!((left(&world), world.contacts("email").len()), (0, count), "{fate:?}");
        }
    }
}

#[test]
fn given_a_table_that_takes_no_writes_when_what_is_parked_would_end_otherwise_then_it_is_not_hammered_either()
{
    let orphaned: Act =
        |world| drop(world.configs.apply(&[("orgs/acme.yaml", "org: acme\nconnections: {}\nroutes: {}\n")]));
    let busy: Act = |world| world.faults(&json!([fault("*", "status", &json!(423), 1_000_000)]));
    for (name, act) in [("orphaned", orphaned), ("busy", busy)] {
        let (world, storm) = under_a_storm(CONTACT);
        bring(&world, &ids(3), 1);
        park(&world, &ids(3), 2);
        act(&world);
        storm.set(Some(("write", Fate::NotDone)));
        let (began, reads) = (world.now(), world.records.state().reads);
        while world.now().since_ms(began) < 60_000 {
            world.sweep();
            world.clock.advance_ms(2_000);
        }
        let asked = world.records.state().reads - reads;
        assert!(asked <= 60, "{name}: {asked} reads in a minute");
        assert_eq!(left(&world), 3, "{name}");
        storm.set(None);
        world.faults(&json!([]));
        pass_minutes(&world, 1);
        let parked =
            |id: &String| world.item("contact", id).slot.is_some_and(|slot| slot.state == SlotState::Parked);
        assert!(!ids(3).iter().any(parked), "{name}");
    }
}

#[test]
fn given_a_stream_of_changes_at_a_paused_connection_when_each_is_parked_then_its_lane_is_still_looked_at_once_a_minute()
 {
    let world = World::with_contact(CONTACT);
    mode(&world, "paused");
    let (mut looks, began) = (0, world.now());
    for n in 0..300 {
        assert!(world.sync(&[contact(&world, &format!("c{n}"), 1)]).failed.is_empty());
        world.clock.advance_ms(2_000);
        looks += world.sweep().len();
    }
    let minutes = world.now().since_ms(began) / 60_000;
    assert!(looks <= 12, "{looks} looks in {minutes} minutes");
    mode(&world, "live");
    world.clock.advance_ms(60_000);
    world.sweep();
    assert_eq!((left(&world), world.contacts("email").len()), (0, 300));
}
