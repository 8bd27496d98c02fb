//! What a person does with what is parked: makes it due, or gives it up, while its connection is open or stopped.

use super::*;
use rtr_core::config::{Pause, Scope};
use rtr_core::item::Item;
use rtr_core::key::{PairKey, RecordKey};
use rtr_core::parked::{Act, Seen, give_up, hasten};
use rtr_engine::seams::{Limits as _, Names, Records as _, Write, Wrote};

/// One act on what is parked of `id`, and the lane is wanted.
fn act(world: &World, id: &str, decide: impl Fn(&Item, Seen) -> Act) -> Act {
    let key = PairKey::new(&RecordKey::new("acme", "contact", id), &here());
    let (old, names): (Item, Names) = world.records.state().items[&key].clone();
    let act = decide(&old, Seen::of(old.slot.as_ref().unwrap()));
    if let Act::Write(new) = &act {
        let write = Write { key, names, old, new: (**new).clone() };
        assert_eq!(futures::executor::block_on(world.records.write(&[write])), [Wrote::Done]);
        futures::executor::block_on(world.limits.want_lane(&here(), world.now())).unwrap();
    }
    act
}

fn hastened(world: &World, id: &str) -> Act {
    act(world, id, |item, seen| hasten(item, seen, "rtr#1", world.now()))
}

fn dropped(world: &World, id: &str) -> Act {
    act(world, id, |item, seen| give_up(item, seen, "rtr#1"))
}

#[test]
fn given_what_waits_long_when_made_due_then_it_goes_at_once_and_what_is_held_does_not() {
    let world = linked_and_parked(2);
    world.faults(&json!([fault("*batch/update*", "drop_then_commit", &json!(50_000), 1)]));
    world.sweep();
    let until = crate::parked(&world, "c0000").not_before;
    assert_eq!(hastened(&world, "c0000"), Act::Held(until));
    let calls = world.calls().len();
    world.sweep();
    assert_eq!((world.calls().len(), left(&world)), (calls, 2), "nothing is told while it may land");
    world.clock.advance_ms(60_000);
    world.sweep();
    assert_eq!(left(&world), 0);

    // What only waits goes when a person says so.
    park(&world, &ids(2), 3);
    put_off(&world, "c0001", 3_000_000);
    world.sweep();
    assert_eq!((left(&world), world.contacts("firstname")), (1, vec!["v2".to_owned(), "v3".to_owned()]));
    assert!(matches!(hastened(&world, "c0001"), Act::Write(_)));
    assert_eq!(hastened(&world, "c0001"), Act::Already);
    world.sweep();
    assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v3".to_owned(); 2]));
}

/// As the lane does with one that is busy.
fn put_off(world: &World, id: &str, ms: i64) {
    let at = world.now().plus_ms(ms);
    act(world, id, |item, _| {
        let mut new = Item { rev: item.rev + 1, ..item.clone() };
        new.slot.as_mut().unwrap().not_before = at;
        Act::Write(Box::new(new))
    });
}

#[test]
fn given_a_paused_connection_when_what_is_parked_is_given_up_then_it_ends_with_the_pause_and_is_never_told() {
    let world = World::with_contact(CONTACT);
    bring(&world, &ids(4), 1);
    world.configs.pause(Scope::All, Pause { by: "ada".to_owned(), at: world.now(), reason: None });
    bring(&world, &ids(4), 2);
    let calls = world.calls().len();
    ids(3).iter().for_each(|id| assert!(matches!(dropped(&world, id), Act::Write(_))));
    assert_eq!(dropped(&world, "c0000"), Act::Already);
    // A newer version is wanted again.
    bring(&world, &["c0002".to_owned()], 3);
    assert_eq!(crate::parked(&world, "c0002").wanted_version, 3);
    pass_minutes(&world, 3);
    assert_eq!(left(&world), 4, "a stopped lane touches nothing");
    world.configs.resume(&Scope::All);
    futures::executor::block_on(world.limits.want_lane(&here(), world.now())).unwrap();
    let reports = world.sweep();
    assert_eq!(reports[0].counts["dropped"], 2);
    assert_eq!(
        (left(&world), world.contacts("firstname")),
        (0, ["v1", "v1", "v2", "v3"].map(str::to_owned).to_vec())
    );
    assert_eq!(writes_since(&world, calls).len(), 1);
    let item = world.item("contact", "c0000");
    assert_eq!(
        (item.applied_version, item.applied_hash),
        (Some(2), None),
        "the fence stands where it was given up"
    );
}
