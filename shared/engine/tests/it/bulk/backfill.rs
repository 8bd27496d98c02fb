//! Backfills: what they bring is planned at once, called for by the bulk lane alone, in full calls, behind all that is live,
//! and never over a newer version.

use super::*;
use rtr_core::code::Code;
use rtr_core::item::SlotState;
use rtr_core::time::Instant;
use rtr_engine::report::BatchReport;
use rtr_engine::seams::QueueName;

/// The same message, as a backfill sends it.
fn bulk_lane(mut message: Received) -> Received {
    message.lane = Some("bulk".to_owned());
    message
}

/// The same event for one connection alone.
fn only(message: &Received, connection: &str) -> Received {
    let event: Value = serde_json::from_str(&message.body).unwrap();
    let body = json!({"backfill": {"connection": connection, "event": event}});
    bulk_lane(Received { body: body.to_string(), ..message.clone() })
}

/// Backfills `version` of each of `ids`, ten a batch.
fn backfill(world: &World, ids: &[String], version: u64) -> Vec<BatchReport> {
    let batches = ids.chunks(10).map(|ids| {
        let batch: Vec<Received> = ids.iter().map(|id| bulk_lane(contact(world, id, version))).collect();
        let report = world.sync(&batch);
        assert!(report.failed.is_empty());
        report
    });
    batches.collect()
}

fn slot(world: &World, id: &str) -> rtr_core::item::Slot {
    world.item("contact", id).slot.unwrap()
}

/// The calls that write contacts, and of how many.
fn written(world: &World) -> Vec<String> {
    let requests = world.crm.requests("acme");
    let written = requests.iter().filter(|request| {
        let path = request["path"].as_str().unwrap_or("");
        path.contains("/objects/contacts/") && !path.ends_with("/read") && !path.ends_with("/search")
    });
    written
        .map(|request| format!("{} {}", request["path"].as_str().unwrap_or(""), request["items"]))
        .collect()
}

fn many(count: usize) -> World {
    let world = World::with_contact(CONTACT);
    backfill(&world, &ids(count), 1);
    world
}

#[test]
fn given_backfilled_contacts_when_they_come_then_nothing_is_called_and_the_lane_is_asked_for_once_a_batch() {
    let world = World::with_contact(CONTACT);
    let report = &backfill(&world, &ids(10), 1)[0];
    assert_eq!((report.counts["parked"], report.counts["backfilled"]), (10, 10));
    assert!(world.calls().is_empty());
    let slot = slot(&world, "c0003");
    assert_eq!(
        (slot.state, slot.backfill, slot.reason.code, slot.not_before),
        (SlotState::Parked, true, Code::Backfilled, world.now())
    );
    assert_eq!(lane(&world).due_at, Some(world.now()));
}

#[test]
fn given_2000_backfilled_contacts_when_drained_then_each_is_written_once_in_a_hundredth_of_a_call() {
    let world = many(2_000);
    pass_minutes(&world, 2);
    assert_eq!((world.contacts("rtr_record_id"), left(&world)), (ids(2_000), 0));
    let calls = world.calls();
    assert!(calls.len() * 1_000 <= 2_000 * 12, "{} calls: {calls:?}", calls.len());
    let written = written(&world);
    let sizes =
        written.iter().map(|call| call.strip_prefix("/crm/v3/objects/contacts/batch/upsert ").unwrap());
    assert_eq!(sizes.map(|size| size.parse::<usize>().unwrap()).sum::<usize>(), 2_000, "each once");
}

#[test]
fn given_versions_the_crm_has_or_that_are_no_newer_when_backfilled_then_they_end_at_once() {
    let world = World::with_contact(CONTACT);
    bring(&world, &ids(2), 2);
    let calls = world.calls().len();
    // An older one, the same, and a newer one with the same content.
    let same = world.contact("c0001", 3, &json!({"email": "c0001@x.io", "first_name": "v2"}));
    let old = [contact(&world, "c0000", 1), contact(&world, "c0000", 2), same].map(bulk_lane);
    let report = world.sync(&old);
    assert_eq!((report.counts["superseded"], report.counts["unchanged"]), (2, 1));
    assert_eq!((world.calls().len(), left(&world)), (calls, 0));
}

#[test]
fn given_a_live_version_while_a_backfilled_one_is_parked_when_drained_then_it_goes_first_and_alone() {
    let world = many(450);
    // Newer and older than what was backfilled.
    assert!(world.sync(&[contact(&world, "c0440", 2)]).failed.is_empty());
    assert!(world.sync(&[contact(&world, "c0441", 0)]).failed.is_empty());
    let live = slot(&world, "c0440");
    assert_eq!((live.wanted_version, live.backfill), (2, false));
    assert_eq!((slot(&world, "c0441").wanted_version, slot(&world, "c0441").backfill), (1, true));
    assert!(world.calls().is_empty(), "it is the bulk lane's");
    world.clock.advance_ms(1_000);
    world.sweep();
    let sizes: Vec<String> =
        written(&world).iter().map(|call| call.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(sizes, ["1", "100", "100", "100", "100", "49"]);
    let of = |name: &str| world.contacts("firstname").iter().filter(|v| *v == name).count();
    assert_eq!((of("v2"), of("v1"), left(&world)), (1, 449, 0));
}

#[test]
fn given_a_newer_backfilled_version_while_a_live_one_is_parked_when_it_comes_then_it_has_the_live_ones_place()
{
    let world = World::with_contact(CONTACT);
    park(&world, &ids(1), 1);
    let since = slot(&world, "c0000").since;
    backfill(&world, &ids(1), 2);
    let slot = slot(&world, "c0000");
    assert_eq!((slot.wanted_version, slot.backfill, slot.since), (2, false, since));
    world.sweep();
    assert_eq!((world.contacts("firstname"), left(&world)), (vec!["v2".to_owned()], 0));
}

#[test]
fn given_live_events_between_a_backfills_when_all_is_done_then_the_newest_won_and_live_ones_did_not_wait() {
    let world = World::with_contact(CONTACT);
    let all = ids(2_000);
    bring(&world, &all[..200], 5);
    let before = written(&world).len();
    for (n, chunk) in all.chunks(10).enumerate() {
        let batch: Vec<Received> = chunk.iter().map(|id| bulk_lane(contact(&world, id, 7))).collect();
        assert!(world.sync(&batch).failed.is_empty());
        if n % 20 == 0 {
            // One of a record that the backfill is at, one that it has not come to yet, and one of its own.
            let live = [
                contact(&world, &chunk[0], 9),
                contact(&world, &all[1_999 - n], 8),
                contact(&world, &format!("live{n}"), 1),
            ];
            assert!(world.sync(&live).failed.is_empty());
            let made = world.contacts("rtr_record_id");
            assert!(made.contains(&format!("live{n}")), "a record of its own is called for at once");
        }
        world.clock.advance_ms(50);
        if n % 10 == 9 {
            world.sweep();
        }
    }
    pass_minutes(&world, 3);
    assert_eq!(left(&world), 0);
    let of = |name: &str| world.contacts("firstname").iter().filter(|v| *v == name).count();
    assert_eq!((of("v9"), of("v5")), (10, 0));
    assert!(of("v8") >= 8, "{}", of("v8"));
    assert_eq!(world.contacts("rtr_record_id").len(), 2_010);
    for id in &all {
        let applied = world.item("contact", id).applied_version;
        assert!(applied >= Some(7), "{id} {applied:?}");
    }
    let sizes: Vec<usize> = written(&world)[before..]
        .iter()
        .map(|call| call.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    // Ten had a version after what was backfilled of them had gone; nothing else was written twice.
    assert!(sizes.iter().sum::<usize>() <= 2_010 + 20, "{sizes:?}");
}

#[test]
fn given_a_worker_killed_in_the_middle_of_a_backfill_when_it_goes_on_then_each_is_made_once() {
    for after in [3, 7, 12, 18, 25] {
        let (world, storm) = under_a_storm(CONTACT);
        mode(&world, "live");
        backfill(&world, &ids(450), 1);
        let baton = [baton(&world)];
        storm.left.store(after, Ordering::SeqCst);
        let http = &world.crm;
        assert!(bulk_by(&world, http, &baton).is_none() || after > 20, "it was killed");
        storm.left.store(CALM, Ordering::SeqCst);
        // Its requests have landed or died by then.
        pass_minutes(&world, 14);
        assert_eq!((world.contacts("rtr_record_id"), left(&world)), (ids(450), 0), "killed after {after}");
    }
}

#[test]
fn given_a_backfill_for_one_connection_when_it_comes_then_the_others_are_not_touched() {
    let world = World::with_contact(CONTACT);
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n  eu:\n    provider: hubspot\n    base_url: {BASE}/hubspot/eu\nroutes:\n  contact: [hubspot, eu]\n"
    );
    let files = [("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", &org)];
    world.configs.apply(&files).unwrap();
    world.clock.advance_ms(60_000);
    let event = contact(&world, "c", 1);
    let report = world.sync(&[only(&event, "hubspot")]);
    assert_eq!(report.counts["parked"], 1);
    assert_eq!(world.item_at("eu", "contact", "c").rev, 0);
    assert!(world.item_at("hubspot", "contact", "c").slot.is_some());
    // A connection that the record does not go to gets nothing.
    let nowhere = world.sync(&[only(&contact(&world, "d", 1), "pipedrive")]);
    assert_eq!((nowhere.counts["skipped"], nowhere.failed.len()), (1, 0));
    assert!(world.calls().is_empty());
    // In one batch with another version each connection has what is meant for it.
    let newer = [contact(&world, "e", 1), only(&contact(&world, "e", 2), "hubspot")];
    world.sync(&newer);
    assert_eq!(world.item_at("hubspot", "contact", "e").slot.map(|slot| slot.wanted_version), Some(2));
    let there = world.item_at("eu", "contact", "e");
    assert_eq!(there.slot.map_or(there.applied_version, |slot| Some(slot.wanted_version)), Some(1));
}

#[test]
fn given_a_backfilled_message_in_a_foreign_group_when_sent_on_then_its_lane_goes_with_it() {
    let mut world = World::with_contact(CONTACT);
    world.settings.group_buckets = 8;
    let stray = only(&contact(&world, "c", 1), "hubspot");
    assert_eq!(world.sync(std::slice::from_ref(&stray)).counts["sent_on"], 1);
    let sent = world.queue.take_sent(QueueName::Changes);
    assert_eq!((sent.len(), sent[0].lane.as_deref(), &sent[0].body), (1, Some("bulk"), &stray.body));
    assert!(sent[0].group.starts_with("acme#b"));
    let own = Received { group: sent[0].group.clone(), ..stray };
    assert_eq!(world.sync(&[own]).counts["parked"], 1);
}

#[test]
fn given_backfilled_contacts_that_wait_for_their_company_when_it_is_linked_then_they_go_by_the_bulk_lane() {
    let mapping = "object: contacts\nfields:\n  email: email\n  company: {reference: company, id: company_id, association: primary}\n";
    let world = World::with_contact(mapping);
    let of = |id: &str| {
        let data = json!({"email": format!("{id}@x.io"), "company_id": "k"});
        bulk_lane(world.contact(id, 1, &data))
    };
    let batch: Vec<Received> = ids(10).iter().map(|id| of(id)).collect();
    assert!(world.sync(&batch).failed.is_empty());
    assert!(
        ids(10).iter().all(|id| slot(&world, id).state == SlotState::Waiting && slot(&world, id).backfill)
    );
    world.sync(&[world.company("k", 1, &json!({"name": "K"}))]);
    for message in world.queue.take_sent(QueueName::Changes) {
        world.sync(&[build::raw(&message.body, &message.group, world.now())]);
    }
    assert!(
        ids(10).iter().all(|id| slot(&world, id).state == SlotState::Parked && slot(&world, id).backfill)
    );
    let before = written(&world).len();
    world.clock.advance_ms(1_000);
    pass_minutes(&world, 2);
    assert_eq!((world.contacts("email").len(), left(&world)), (10, 0));
    assert_eq!(written(&world)[before..], ["/crm/v3/objects/contacts/batch/upsert 10"]);
}

#[test]
fn given_a_backfilled_contact_whose_company_never_comes_when_its_wait_ends_then_it_is_written_once_and_the_looks_end()
 {
    let mapping = "object: contacts\nfields:\n  email: email\n  company: {reference: company, id: company_id, association: primary}\n";
    let world = World::with_contact(mapping);
    let data = json!({"email": "c@x.io", "company_id": "k"});
    world.sync(&[bulk_lane(world.contact("c", 1, &data))]);
    for _ in 0..24 * 5 {
        world.clock.advance_ms(3_600_000);
        world.sweep();
        world.sweep();
    }
    assert_eq!(slot(&world, "c").state, SlotState::Incomplete);
    assert_eq!(written(&world).len(), 1, "{:?}", written(&world));
    assert_eq!(slot(&world, "c").due_at(), None, "only its company's link wakes it now");
}

#[test]
fn given_a_dead_backfilled_version_when_a_person_wakes_it_then_it_is_called_for_at_once() {
    let world = World::with_contact(CONTACT);
    let bad = world.contact("c", 1, &json!({"email": "not an address", "first_name": "v1"}));
    world.sync(&[bulk_lane(bad)]);
    world.sweep();
    let dead = slot(&world, "c");
    assert_eq!((dead.state, dead.backfill), (SlotState::Dead, false));
    let calls = world.calls().len();
    world.sync(&[build::wake("acme", "contact", "c", "hubspot", 1, world.now())]);
    assert!(world.calls().len() > calls);
}

#[test]
fn given_a_live_version_for_a_lane_that_rests_when_it_takes_a_backfilled_ones_place_then_the_lane_is_due_at_once()
 {
    let world = many(10);
    let n = lane(&world).n;
    // The lane was looked at and rests for an hour.
    let later = world.now().plus_ms(3_600_000);
    let rests = Lane { n, due_at: Some(later), wanted_at: Some(Instant(0)), ..Lane::default() };
    world.limits.state().lanes.insert(here(), rests);
    world.sync(&[contact(&world, "c0001", 2)]);
    assert!(lane(&world).due_at <= Some(world.now()), "{:?}", lane(&world));
    world.limits.state().lanes.insert(here(), Lane { n, due_at: Some(later), ..Lane::default() });
    world.sync(&[contact(&world, "c0001", 3)]);
    assert_eq!(lane(&world).due_at, Some(later), "what is live knew its lane already");
}

#[test]
fn given_a_share_of_a_call_in_many_seconds_when_a_record_needs_two_then_the_first_is_not_made_again_and_again()
 {
    let world = World::with_contact(CONTACT);
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n    limits: [{{api: '*', requests: 2, per: 5s}}]\nroutes:\n  contact: [hubspot]\n"
    );
    let matched = CONTACT.replace("object: contacts\n", "object: contacts\nmatch: email\n");
    world.configs.apply(&[("mappings/hubspot/contact.yaml", &matched), ("orgs/acme.yaml", &org)]).unwrap();
    world.clock.advance_ms(60_000);
    backfill(&world, &ids(1), 1);
    let (began, before) = (world.now(), world.calls().len());
    while left(&world) > 0 && world.now().since_ms(began) < 300_000 {
        world.sweep();
        world.clock.advance_ms(10_000);
    }
    let calls = world.calls().split_off(before);
    assert_eq!(left(&world), 0, "{calls:#?}");
    assert!(calls.len() <= 3, "a look that time ran out after is made again, and no more: {calls:#?}");
    // A fifth of two calls in five seconds is one in twelve and a half.
    assert!(world.now().since_ms(began) >= 12_000);
}
