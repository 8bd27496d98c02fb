//! Batons and the lane's row: one worker at a time, none lost, none that counts twice.

use super::*;
use async_trait::async_trait;
use rtr_engine::seams::{Limits as _, Outbound, Queue, QueueName, Seams, Unavailable};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

/// Receives what is in `bulk.fifo`, as Lambda does.
fn received(world: &World) -> Vec<Received> {
    world.queue.receive(QueueName::Bulk, 10)
}

fn settled(world: &World, batch: &[Received]) {
    for one in batch {
        world.queue.state().bulk.delete(&one.receipt, world.now());
    }
}

fn look(world: &World) {
    futures::executor::block_on(rtr_engine::sweep::run(
        &world.seams(),
        &world.settings,
        &world.bus,
        world.now(),
    ));
}

/// A sweep is always at work: what is under way within two looks of its time is so within five seconds.
#[test]
fn given_something_parked_until_some_moment_when_the_sweep_is_at_work_then_its_lane_is_under_way_within_five_seconds()
 {
    for wait_ms in [0, 1, 7_300, 19_999] {
        let world = World::with_contact(CONTACT);
        let due = world.now().plus_ms(wait_ms);
        futures::executor::block_on(world.limits.want_lane(&here(), due)).unwrap();
        let report = futures::executor::block_on(rtr_engine::sweep::run(
            &world.seams(),
            &world.settings,
            &world.bus,
            due.plus_ms(4_000),
        ));
        assert_eq!(report.counts.get("started"), Some(&1), "{wait_ms}");
        let batch = received(&world);
        assert_eq!(batch.len(), 1, "{wait_ms}");
        assert!(world.now() <= due.plus_ms(5_000), "{wait_ms}");
    }
}

/// A queue that takes nothing of the first sends.
struct Busy<'a> {
    queue: &'a dyn Queue,
    refuses: AtomicUsize,
}

#[async_trait]
impl Queue for Busy<'_> {
    async fn send(&self, to: QueueName, messages: &[Outbound]) -> Vec<Result<(), Unavailable>> {
        let refuses = self.refuses.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        if refuses {
            return messages.iter().map(|_| Err(Unavailable("it is busy".to_owned()))).collect();
        }
        self.queue.send(to, messages).await
    }

    async fn delete(&self, receipts: &[String]) -> Vec<Result<(), Unavailable>> {
        self.queue.delete(receipts).await
    }

    async fn set_visibility(&self, receipts: &[(String, i32)]) -> Vec<Result<(), Unavailable>> {
        self.queue.set_visibility(receipts).await
    }
}

#[test]
fn given_a_queue_that_refuses_a_baton_when_the_sweep_is_at_work_then_it_is_sent_again_within_five_seconds() {
    for refuses in [1, 2] {
        let world = World::with_contact(CONTACT);
        futures::executor::block_on(world.limits.want_lane(&here(), world.now())).unwrap();
        let queue = Busy { queue: &world.queue, refuses: AtomicUsize::new(refuses) };
        let seams = Seams { queue: &queue, ..world.seams() };
        let until = world.now().plus_ms(5_000);
        let report =
            futures::executor::block_on(rtr_engine::sweep::run(&seams, &world.settings, &world.bus, until));
        assert_eq!((report.counts.get("started"), received(&world).len()), (Some(&1), 1), "{refuses}");
    }
}

#[test]
fn given_two_batons_of_one_number_when_both_are_worked_then_the_work_is_done_once() {
    for together in [true, false] {
        let world = linked_and_parked(3);
        let before = world.calls().len();
        let one = baton(&world);
        let two = Received { message_id: "other".to_owned(), ..one.clone() };
        if together {
            assert!(world.bulk(&[one, two]).failed.is_empty());
        } else {
            assert!(world.bulk(&[one]).failed.is_empty());
            let looks = world.records.state().queries;
            assert!(world.bulk(&[two]).failed.is_empty());
            assert_eq!(world.records.state().queries, looks, "it does not even look");
        }
        assert_eq!((world.calls().len() - before, left(&world)), (1, 0));
    }
}

#[test]
fn given_a_baton_that_was_lost_when_the_queue_has_forgotten_it_then_the_sweep_sends_it_again() {
    let world = linked_and_parked(3);
    look(&world);
    let lost = received(&world);
    assert_eq!(lost.len(), 1);
    settled(&world, &lost);
    world.clock.advance_ms(60_000);
    look(&world);
    assert!(received(&world).is_empty(), "the queue takes it for the same");
    assert!(lane(&world).due_at.is_some());
    world.clock.advance_ms(241_000);
    look(&world);
    let again = received(&world);
    assert_eq!(world.bulk(&again).counts["applied"], 3);
    assert_eq!(left(&world), 0);
}

#[test]
fn given_a_queue_that_takes_no_baton_when_it_does_again_then_the_sweep_sends_it() {
    let world = linked_and_parked(3);
    world.queue.state().down = true;
    world.sweep();
    assert_eq!(left(&world), 3);
    world.queue.state().down = false;
    world.sweep();
    assert_eq!(left(&world), 0);
}

#[test]
fn given_a_worker_that_died_when_its_baton_comes_back_then_it_is_worth_something_once_its_requests_are_over()
{
    let world = linked_and_parked(3);
    look(&world);
    let first = received(&world);
    struct Hangs;
    #[async_trait]
    impl Http for Hangs {
        async fn send(&self, _: Outgoing) -> Result<Response, NoAnswer> {
            std::future::pending().await
        }
    }
    assert!(bulk_by(&world, &Hangs, &first).is_none());
    // An early copy of it does nothing.
    let before = world.calls().len();
    world.clock.advance_ms(100_000);
    assert!(world.bulk(&first).failed.is_empty());
    assert_eq!((world.calls().len(), left(&world)), (before, 3));
    world.clock.advance_ms(260_000);
    look(&world);
    let again = received(&world);
    assert_eq!(again[0].receive_count, 2);
    assert_eq!(world.bulk(&again).counts["applied"], 3);
    assert_eq!((left(&world), lane(&world).runs), (0, 0));
}

#[test]
fn given_a_message_that_is_no_baton_when_worked_then_it_is_done_with_and_touches_nothing() {
    let world = linked_and_parked(1);
    let before = (world.calls().len(), lane(&world), world.records.state().reads);
    let other = [
        build::raw("{", "g", world.now()),
        build::raw(
            "{\"baton\": {\"org_id\": \"acme\", \"connection\": \"hubspot\", \"n\": -1}}",
            "g",
            world.now(),
        ),
        contact(&world, "c0000", 9),
    ];
    assert!(world.bulk(&other).failed.is_empty());
    assert_eq!((world.calls().len(), lane(&world), world.records.state().reads), before);
    assert_eq!(left(&world), 1);
}

#[test]
fn given_a_lanes_row_that_does_not_answer_when_taken_then_the_baton_comes_back_and_the_work_is_done_once() {
    for fate in [Fate::NotDone, Fate::AnswerLost, Fate::SentTwice] {
        let (world, storm) = under_a_storm(CONTACT);
        park(&world, &ids(3), 1);
        storm.set(Some(("take_lane", fate)));
        look(&world);
        let first = received(&world);
        let report = world.bulk(&first);
        storm.set(None);
        if report.failed.is_empty() {
            settled(&world, &first);
        }
        for _ in 0..70 {
            world.clock.advance_ms(10_000);
            look(&world);
            let batch = received(&world);
            if world.bulk(&batch).failed.is_empty() {
                settled(&world, &batch);
            }
        }
        assert_eq!((left(&world), world.contacts("rtr_record_id")), (0, ids(3)), "{fate:?}");
        // Who does not know whether another has died goes one by one.
        let calls = writes_since(&world, 0).len();
        assert_eq!(calls, if fate == Fate::NotDone { 1 } else { 3 }, "{fate:?}");
    }
}

#[test]
fn given_a_lanes_row_that_does_not_answer_when_the_work_ends_then_what_is_parked_later_still_goes() {
    for fate in [Fate::NotDone, Fate::AnswerLost, Fate::SentTwice] {
        let (world, storm) = under_a_storm(CONTACT);
        park(&world, &ids(3), 1);
        storm.set(Some(("pass_lane", fate)));
        world.sweep();
        assert_eq!(left(&world), 0, "{fate:?}");
        storm.set(None);
        park(&world, &ids(3), 2);
        pass_minutes(&world, 7);
        assert_eq!((left(&world), world.contacts("firstname")), (0, vec!["v2".to_owned(); 3]), "{fate:?}");
        assert_eq!(lane(&world).runs, 0);
    }
}

#[test]
fn given_a_lane_that_cannot_be_told_when_something_would_be_parked_then_its_message_comes_back() {
    let (world, storm) = under_a_storm(CONTACT);
    mode(&world, "paused");
    storm.set(Some(("want_lane", Fate::NotDone)));
    let message = contact(&world, "c", 1);
    assert_eq!(world.sync(&[message.clone()]).failed, [message.message_id.clone()]);
    assert_eq!(world.item("contact", "c").slot, None, "nobody would look for it");
    storm.set(None);
    assert!(world.sync(&[build::again(message)]).failed.is_empty());
    mode(&world, "live");
    world.sweep();
    assert_eq!(world.contacts("email"), ["c@x.io"]);
}

#[test]
fn given_what_was_parked_a_minute_ago_and_an_index_that_lags_when_looked_at_then_it_is_looked_at_again_until_it_shows()
 {
    let world = linked_and_parked(3);
    world.records.state().index_lags = true;
    let mut looks = 0;
    for _ in 0..5 {
        looks += world.sweep().len();
        world.clock.advance_ms(10_000);
    }
    assert!((2..=5).contains(&looks), "{looks}");
    assert_eq!(left(&world), 3);
    world.records.state().index_lags = false;
    pass_minutes(&world, 1);
    assert_eq!(left(&world), 0);
}

#[test]
fn given_a_worker_whose_clock_is_ahead_when_nothing_is_due_by_the_queues_time_then_no_baton_follows_the_other()
 {
    let world = linked_and_parked(3);
    let ahead_ms = 300_000;
    // Due in two minutes: long ago by this clock.
    let mut baton = baton(&world);
    for (item, _) in world.records.state().items.values_mut() {
        let slot = item.slot.as_mut().unwrap();
        slot.not_before = world.now().plus_ms(120_000);
    }
    world.clock.advance_ms(ahead_ms);
    baton.first_received_at = world.now().plus_ms(-ahead_ms);
    assert!(world.bulk(&[baton]).failed.is_empty());
    assert_eq!(received(&world).len(), 0, "it would go round and round until the time has come");
    assert!(lane(&world).due_at.is_some_and(|at| at <= world.now().plus_ms(-ahead_ms + 120_000)));
}

#[test]
fn given_a_worker_whose_clock_is_ahead_when_it_has_no_time_by_it_then_no_baton_follows_and_the_lane_is_due_soon()
 {
    let world = linked_and_parked(3);
    let mut baton = baton(&world);
    baton.first_received_at = world.now().plus_ms(-70_000);
    let (seams, caches) = (world.seams(), Caches::default());
    let batch = [baton];
    let run = rtr_engine::bulk::run(&seams, &world.settings, &caches, &batch, world.now());
    assert!(futures::executor::block_on(run).failed.is_empty());
    assert_eq!(received(&world).len(), 0, "it would go round and round until the time has come");
    assert!(lane(&world).due_at.is_some_and(|at| at <= world.now().plus_ms(5_000)));
    world.clock.advance_ms(5_000);
    world.sweep();
    assert_eq!(left(&world), 0);
}
