//! The queues: what is sent twice has one deduplication id.

use super::Script;
use futures::executor::block_on;
use rtr_engine::seams::{Outbound, Queue, QueueName};
use rtr_testkit::clock::TestClock;
use rtr_testkit::queue::{CHANGES, MemoryQueue};
use rtr_testkit::weather::Fate;
use std::sync::Arc;

fn queue() -> (Arc<Script>, MemoryQueue) {
    let script = Arc::new(Script::default());
    (script.clone(), MemoryQueue::under(Arc::new(TestClock::at(1_000)), script, CHANGES))
}

fn message(id: &str) -> Outbound {
    Outbound {
        trace: None,
        body: id.to_owned(),
        group: "a".to_owned(),
        deduplication_id: id.to_owned(),
        lane: None,
    }
}

fn send(queue: &MemoryQueue, ids: &[&str]) -> Vec<bool> {
    let messages: Vec<Outbound> = ids.iter().map(|id| message(id)).collect();
    block_on(queue.send(QueueName::Changes, &messages)).iter().map(Result::is_ok).collect()
}

fn received(queue: &MemoryQueue) -> Vec<(String, String)> {
    let received = queue.receive(QueueName::Changes, 10);
    received.into_iter().map(|one| (one.body, one.receipt)).collect()
}

fn bodies(queue: &MemoryQueue) -> Vec<String> {
    received(queue).into_iter().map(|(body, _)| body).collect()
}

#[test]
fn given_messages_when_the_answer_is_lost_then_they_arrive_and_a_repeat_adds_none() {
    let (script, queue) = queue();
    script.next(Fate::AnswerLost);
    assert_eq!(send(&queue, &["1", "2"]), [false, false]);
    assert_eq!(send(&queue, &["1", "2"]), [true, true]);
    assert_eq!(bodies(&queue), ["1", "2"]);
}

#[test]
fn given_messages_when_sent_twice_then_each_arrives_once_and_when_not_done_none_does() {
    let (script, queue) = queue();
    script.next(Fate::NotDone);
    assert_eq!(send(&queue, &["0"]), [false]);
    script.next(Fate::SentTwice);
    assert_eq!(send(&queue, &["1", "2"]), [true, true]);
    assert_eq!(bodies(&queue), ["1", "2"]);
}

#[test]
fn given_messages_when_some_are_not_taken_then_those_failed_and_the_others_arrive() {
    let (script, queue) = queue();
    script.next(Fate::Partly(0b10));
    assert_eq!(send(&queue, &["1", "2", "3"]), [true, false, true]);
    assert_eq!(bodies(&queue), ["1", "3"]);
}

#[test]
fn given_a_delete_when_its_answer_is_lost_then_the_message_is_gone_and_when_not_done_it_is_there() {
    let (script, queue) = queue();
    send(&queue, &["1", "2", "3"]);
    let receipts: Vec<String> = received(&queue).into_iter().map(|(_, receipt)| receipt).collect();
    for (fate, receipt) in [Fate::NotDone, Fate::AnswerLost].into_iter().zip(&receipts) {
        script.next(fate);
        assert!(block_on(queue.delete(std::slice::from_ref(receipt)))[0].is_err());
    }
    script.next(Fate::SentTwice);
    assert_eq!(block_on(queue.delete(&receipts[2..])), [Ok(())]);
    let left: Vec<String> = queue.state().changes.peek().map(|(_, sent)| sent.body.clone()).collect();
    assert_eq!(left, ["1"]);
}

#[test]
fn given_a_visibility_when_its_answer_is_lost_then_it_counts_and_when_not_done_it_does_not() {
    let (script, queue) = queue();
    send(&queue, &["1"]);
    let now = received(&queue).remove(0);
    script.next(Fate::NotDone);
    assert!(block_on(queue.set_visibility(&[(now.1.clone(), 0)]))[0].is_err());
    assert_eq!(bodies(&queue), [""; 0]);
    script.next(Fate::AnswerLost);
    assert!(block_on(queue.set_visibility(&[(now.1, 0)]))[0].is_err());
    assert_eq!(bodies(&queue), ["1"]);
}
