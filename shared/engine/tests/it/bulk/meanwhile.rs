//! Newer versions that come while the bulk lane is at an older one: the newest is what the CRM holds in the end.

use super::*;
use rtr_core::item::{Item, SlotState};
use rtr_core::key::{PairKey, RecordKey};
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Named, Parked, Records, Seams, Sleeper, Unavailable, Write, Wrote};
use std::collections::HashMap;

/// Drains while version 3 of `c0001` comes, and then what is left.
fn drained_meanwhile(world: &World) {
    let newer = vec![contact(world, "c0001", 3)];
    let http = Meanwhile::new(world, "v2", newer);
    assert!(bulk_by(world, &http, &[baton(world)]).is_some());
    assert!(http.batch.lock().unwrap().is_none(), "it came while the call was under way");
    pass_minutes(world, 3);
}

#[test]
fn given_a_newer_version_while_the_older_is_called_when_it_succeeds_then_the_newer_goes_next() {
    let world = linked_and_parked(3);
    drained_meanwhile(&world);
    assert_eq!(
        (world.contacts("firstname"), left(&world)),
        (vec!["v2".to_owned(), "v2".into(), "v3".into()], 0)
    );
    assert_eq!(world.item("contact", "c0001").applied_version, Some(3));
}

#[test]
fn given_a_newer_version_while_the_older_is_made_when_it_succeeds_then_it_is_one_record_with_the_newer_content()
 {
    for mapping in [CONTACT, crashes::WITHOUT_KEY] {
        let world = World::with_contact(mapping);
        configure(&world, "paused", mapping);
        bring(&world, &ids(3), 2);
        configure(&world, "live", mapping);
        drained_meanwhile(&world);
        assert_eq!(
            (world.contacts("firstname"), left(&world)),
            (vec!["v2".to_owned(), "v2".into(), "v3".into()], 0)
        );
        let item = world.item("contact", "c0001");
        assert_eq!((item.applied_version, item.intent), (Some(3), None));
    }
}

#[test]
fn given_a_newer_version_while_the_older_is_called_when_that_is_refused_then_the_newer_goes_and_nothing_is_dead()
 {
    let world = linked_and_parked(1);
    mode(&world, "paused");
    world.sync(&[world.contact("c0000", 3, &json!({"email": "not an address", "first_name": "v3"}))]);
    mode(&world, "live");
    let http = Meanwhile::new(&world, "v3", vec![contact(&world, "c0000", 4)]);
    assert!(bulk_by(&world, &http, &[baton(&world)]).is_some());
    pass_minutes(&world, 1);
    assert_eq!((world.contacts("firstname"), left(&world)), (vec!["v4".to_owned()], 0));
}

#[test]
fn given_a_newer_version_while_the_older_is_called_when_its_answer_is_lost_then_the_newer_is_held_as_long() {
    let world = linked_and_parked(3);
    world.faults(&json!([fault("*batch/update*", "drop_then_commit", &json!(50_000), 1)]));
    let began = world.now();
    let http = Meanwhile::new(&world, "v2", vec![contact(&world, "c0001", 3)]);
    assert!(bulk_by(&world, &http, &[baton(&world)]).is_some());
    let slot = crate::parked(&world, "c0001");
    assert_eq!((slot.wanted_version, slot.not_before), (3, began.plus_ms(60_000)));
    assert_eq!(world.item("contact", "c0001").applied_hash, None);
    let calls = world.calls().len();
    while world.now() < began.plus_ms(59_000) {
        world.clock.advance_ms(1_000);
        world.sweep();
        assert_eq!(world.calls().len(), calls);
    }
    pass_minutes(&world, 1);
    assert_eq!(
        (world.contacts("firstname"), left(&world)),
        (vec!["v2".to_owned(), "v2".into(), "v3".into()], 0)
    );
}

#[test]
fn given_a_lost_answer_and_a_hold_that_cannot_be_written_when_a_newer_version_is_parked_then_it_waits_as_long()
 {
    let (world, storm) = under_a_storm(CONTACT);
    bring(&world, &ids(3), 1);
    park(&world, &ids(3), 2);
    world.faults(&json!([fault("*batch/update*", "drop_then_commit", &json!(50_000), 1)]));
    let began = world.now();
    storm.set(Some(("write", Fate::NotDone)));
    assert!(world.bulk(&[baton(&world)]).failed.is_empty());
    storm.set(None);
    let held = lane(&world).held_until.unwrap();
    assert!(held >= began.plus_ms(60_000), "{held:?}");
    assert!(world.sync(&[contact(&world, "c0001", 3)]).failed.is_empty());
    let calls = world.calls().len();
    while world.now() < held.plus_ms(-2_000) {
        world.clock.advance_ms(1_000);
        world.sweep();
        // One that was sent before, and comes late.
        assert!(world.bulk(&[baton(&world)]).failed.is_empty());
        assert_eq!(world.calls().len(), calls, "its request may land yet");
    }
    pass_minutes(&world, 3);
    assert_eq!(
        (world.contacts("firstname"), left(&world)),
        (vec!["v2".to_owned(), "v2".into(), "v3".into()], 0)
    );
    assert_eq!(lane(&world).held_until, None);
}

#[test]
fn given_a_hold_that_neither_its_slot_nor_the_lanes_row_takes_when_the_work_ends_then_the_queue_keeps_the_baton()
 {
    let (world, storm) = under_a_storm(CONTACT);
    park(&world, &ids(1), 1);
    world.faults(&json!([fault("*batch/upsert*", "drop_then_commit", &json!(50_000), 1)]));
    storm.set_all(&[("write", Fate::NotDone), ("pass_lane", Fate::NotDone)]);
    let baton = baton(&world);
    assert_eq!(world.bulk(&[baton.clone()]).failed, [baton.message_id]);
}

#[test]
fn given_a_delete_while_the_older_is_called_when_it_succeeds_then_the_record_is_gone_in_the_end() {
    let world = linked_and_parked(2);
    let http = Meanwhile::new(&world, "v2", vec![build::delete("acme", "contact", "c0001", 3, world.now())]);
    assert!(bulk_by(&world, &http, &[baton(&world)]).is_some());
    pass_minutes(&world, 1);
    assert_eq!((world.contacts("rtr_record_id"), left(&world)), (vec!["c0000".to_owned()], 0));
}

#[test]
fn given_a_newer_version_while_the_older_is_looked_for_when_it_is_found_then_it_is_adopted_with_the_newer_content()
 {
    let mapping = "object: contacts\nmatch: email\nfields:\n  email: email\n  firstname: first_name\n";
    let world = World::with_contact(mapping);
    let seed = json!({"provider": "hubspot", "account": "acme", "object": "contacts",
        "records": [{"properties": {"email": "c0000@x.io", "firstname": "theirs"}}]});
    world.crm.control("POST", "/_sandbox/records", &seed);
    configure(&world, "paused", mapping);
    bring(&world, &ids(1), 2);
    configure(&world, "live", mapping);
    let http = Meanwhile::new(&world, "c0000@x.io", vec![contact(&world, "c0000", 3)]);
    assert!(bulk_by(&world, &http, &[baton(&world)]).is_some());
    assert!(http.batch.lock().unwrap().is_none());
    pass_minutes(&world, 2);
    assert_eq!((world.contacts("firstname"), left(&world)), (vec!["v3".to_owned()], 0));
    assert_eq!(
        (world.contacts("rtr_record_id"), world.records.state().claims.len()),
        (vec!["c0000".to_owned()], 1)
    );
}

#[test]
fn given_the_same_version_sent_again_while_it_is_called_when_it_succeeds_then_it_is_written_once() {
    let world = linked_and_parked(1);
    let before = world.calls().len();
    let http = Meanwhile::new(&world, "v2", vec![build::again(contact(&world, "c0000", 2))]);
    assert!(bulk_by(&world, &http, &[baton(&world)]).is_some());
    pass_minutes(&world, 1);
    assert_eq!((world.calls().len() - before, left(&world)), (1, 0));
}

#[test]
fn given_another_record_parked_for_long_while_the_lane_is_worked_and_an_index_that_lags_then_it_is_not_forgotten()
 {
    let world = linked_and_parked(1);
    // Long after anybody parked: that is no reason to look again.
    world.clock.advance_ms(600_000);
    struct Lags<'a>(Meanwhile<'a>);
    #[async_trait]
    impl Http for Lags<'_> {
        async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
            let answer = self.0.send(outgoing).await;
            self.0.world.records.state().index_lags = true;
            answer
        }
    }
    world.faults(
        &json!([{"provider": "hubspot", "account": "acme", "match": {"body": "other"}, "fault": "status",
        "value": throttled(900), "count": 1}]),
    );
    let http = Lags(Meanwhile::new(&world, "v2", vec![contact(&world, "other", 1)]));
    assert!(bulk_by(&world, &http, &[baton(&world)]).is_some());
    assert_eq!(crate::parked(&world, "other").not_before, world.now().plus_ms(900_000));
    world.clock.advance_ms(5_000);
    world.records.state().index_lags = false;
    pass_minutes(&world, 17);
    assert_eq!(left(&world), 0, "{:?}", lane(&world));
}

/// What happens before a write.
enum First {
    /// The bulk lane works by this baton.
    Drains(Received),
    /// A job that has ended lets every record go.
    LetsGo,
}

/// A table before whose first write something happens.
struct Drained<'a>(&'a World, Mutex<Option<First>>);

#[async_trait]
impl Records for Drained<'_> {
    async fn read(&self, keys: &[PairKey]) -> Result<HashMap<PairKey, Item>, Unavailable> {
        self.0.records.read(keys).await
    }
    async fn write(&self, writes: &[Write]) -> Vec<Wrote> {
        let first = self.1.lock().unwrap().take();
        if let Some(First::LetsGo) = first {
            put_off_until(self.0, self.0.now());
        } else if let Some(First::Drains(baton)) = first {
            let (seams, deadline) = (self.0.seams(), self.0.now().plus_ms(TIMEOUT_MS));
            rtr_engine::bulk::run(&seams, &self.0.settings, &Caches::default(), &[baton], deadline).await;
            self.0.records.state().index_lags = true;
        }
        self.0.records.write(writes).await
    }
    async fn write_with_claims(&self, write: &Write, claims: &[ClaimChange]) -> Wrote {
        self.0.records.write_with_claims(write, claims).await
    }
    async fn waiting_for(
        &self,
        at: &ConnectionKey,
        on: &RecordKey,
        limit: usize,
    ) -> Result<Vec<Sleeper>, Unavailable> {
        self.0.records.waiting_for(at, on, limit).await
    }
    async fn due(&self, now: Instant, limit: usize) -> Result<Vec<Sleeper>, Unavailable> {
        self.0.records.due(now, limit).await
    }
    async fn parked(&self, at: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.0.records.parked(at, limit).await
    }
    async fn backfilled(&self, at: &ConnectionKey, limit: usize) -> Result<Vec<Parked>, Unavailable> {
        self.0.records.backfilled(at, limit).await
    }
    async fn owners(&self, claims: &[PairKey]) -> Result<HashMap<PairKey, String>, Unavailable> {
        self.0.records.owners(claims).await
    }

    async fn read_named(&self, keys: &[PairKey]) -> Result<Vec<Named>, Unavailable> {
        self.0.records.read_named(keys).await
    }
    async fn put_body(&self, key: &str, body: &[u8]) -> Result<(), Unavailable> {
        self.0.records.put_body(key, body).await
    }
    async fn body(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.0.records.body(key).await
    }
    async fn delete_body(&self, key: &str) -> Result<(), Unavailable> {
        self.0.records.delete_body(key).await
    }
}

/// Every slot is kept until `at`, as by a job.
fn put_off_until(world: &World, at: Instant) {
    for (item, _) in world.records.state().items.values_mut() {
        item.rev += 1;
        item.slot.as_mut().unwrap().not_before = at;
    }
}

#[test]
fn given_a_version_in_the_place_of_one_in_a_job_when_that_lets_go_before_it_is_written_then_it_does_not_wait_for_hours()
 {
    let world = linked_and_parked(1);
    put_off_until(&world, world.now().plus_ms(6 * 3_600_000));
    let records = Drained(&world, Mutex::new(Some(First::LetsGo)));
    let seams = Seams { records: &records, ..world.seams() };
    let (caches, deadline) = (Caches::default(), world.now().plus_ms(TIMEOUT_MS));
    let newer = [contact(&world, "c0000", 3)];
    let report = futures::executor::block_on(run(&seams, &world.settings, &caches, &newer, deadline));
    assert!(report.failed.is_empty());
    pass_minutes(&world, 10);
    assert_eq!((world.contacts("firstname"), left(&world)), (vec!["v3".to_owned()], 0));
}

#[test]
fn given_a_version_in_the_place_of_one_in_a_job_when_nothing_else_happens_then_it_keeps_the_jobs_time() {
    let world = linked_and_parked(1);
    let held = world.now().plus_ms(6 * 3_600_000);
    put_off_until(&world, held);
    assert!(world.sync(&[contact(&world, "c0000", 3)]).failed.is_empty());
    let slot = crate::parked(&world, "c0000");
    assert_eq!((slot.wanted_version, slot.not_before), (3, held));
}

#[test]
fn given_a_newer_version_that_was_read_before_the_older_was_drained_when_written_after_it_then_it_is_not_forgotten()
 {
    for refused in [false, true] {
        let world = linked_and_parked(1);
        if refused {
            world.crm.control(
                "PUT",
                "/_sandbox/properties",
                &json!({"provider": "hubspot", "account": "acme",
                "object": "contacts", "name": "firstname", "options": ["v3"]}),
            );
        }
        world.clock.advance_ms(600_000);
        let records = Drained(&world, Mutex::new(Some(First::Drains(baton(&world)))));
        let seams = Seams { records: &records, ..world.seams() };
        let message = contact(&world, "c0000", 3);
        let (caches, deadline) = (Caches::default(), world.now().plus_ms(TIMEOUT_MS));
        let report =
            futures::executor::block_on(run(&seams, &world.settings, &caches, &[message.clone()], deadline));
        world.records.state().index_lags = false;
        world.clock.advance_ms(5_000);
        if !report.failed.is_empty() {
            world.sync(&[build::again(message)]);
        }
        pass_minutes(&world, 10);
        let item = world.item("contact", "c0000");
        assert_eq!(
            (world.contacts("firstname"), left(&world)),
            (vec!["v3".to_owned()], 0),
            "{item:?} {:?}",
            lane(&world)
        );
        assert!(item.slot.is_none_or(|slot| slot.state != SlotState::Parked));
    }
}
