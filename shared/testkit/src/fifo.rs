//! An SQS FIFO queue of high throughput, as AWS documents it, as a value: no clock, no chance, no waiting.
//!
//! Messages of a group are received in order, and while any of them is in hand none of the others is received, be it
//! before or behind it. A message that is not deleted comes back at its place when its visibility ends, with a new receipt;
//! the old one is worth nothing then. Deduplication is by group and id, for five minutes from the first. A message received
//! more often than the redrive policy allows is moved to the dead-letter queue when it would be received once more.

use rtr_core::key::MAX_SQS_ID_CHARS;
use rtr_core::time::Instant;
use rtr_engine::batch::Received;
use rtr_engine::seams::Outbound;
use std::collections::{HashMap, HashSet};

/// How long an id is remembered, in milliseconds.
pub const DEDUPLICATION_MS: i64 = 300_000;

/// Bytes of a message, its attributes included. SQS's limit.
const MAX_BYTES: usize = 1_024 * 1_024;
/// What the attribute `lane` counts for beside its value: its name and its type.
const LANE_BYTES: usize = "lane".len() + "String".len();
/// The longest a message may be unseen, in seconds: twelve hours.
const MAX_VISIBILITY_S: i32 = 43_200;

/// Whether SQS takes such a message at all; what it does not take is refused however often it is sent.
#[must_use]
pub fn is_sendable(message: &Outbound) -> bool {
    let id = |text: &str| {
        (1..=MAX_SQS_ID_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let lane = message.lane.as_ref().map_or(0, |lane| lane.len() + LANE_BYTES);
    let bytes = message.body.len() + lane;
    !message.body.is_empty() && bytes <= MAX_BYTES && id(&message.group) && id(&message.deduplication_id)
}

/// How a queue is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// Unseen after a receive, in milliseconds.
    pub visibility_ms: i64,
    /// Receives before a message is moved; none: never.
    pub max_receives: Option<u32>,
    /// Messages are kept so long, in milliseconds.
    pub retention_ms: i64,
}

/// What became of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It is the one of the last receive, and the message is unseen still.
    Yes,
    /// It is that, and what was asked for is out of bounds.
    OutOfBounds,
    /// The message is visible again, was received anew, or is gone.
    Expired,
}

#[derive(Debug, Clone)]
struct Stored {
    sequence: u64,
    id: String,
    sent: Outbound,
    sent_at: Instant,
    first_received_at: Option<Instant>,
    receives: u32,
    receipt: u64,
    hidden_until: Instant,
}

/// The queue.
#[derive(Debug)]
pub struct Fifo {
    setup: Setup,
    prefix: &'static str,
    messages: Vec<Stored>,
    seen: HashMap<(String, String), (Instant, String)>,
    sequence: u64,
    receipts: u64,
    moved: Vec<Outbound>,
}

impl Fifo {
    /// An empty queue; `prefix` begins the ids of its messages and receipts.
    #[must_use]
    pub fn new(prefix: &'static str, setup: Setup) -> Self {
        Self {
            setup,
            prefix,
            messages: Vec::new(),
            seen: HashMap::new(),
            sequence: 0,
            receipts: 0,
            moved: Vec::new(),
        }
    }

    /// Takes a message; the id of it, or of the one that it repeats.
    pub fn send(&mut self, message: &Outbound, now: Instant) -> String {
        let key = (message.group.clone(), message.deduplication_id.clone());
        if let Some((at, id)) = self.seen.get(&key)
            && now.since_ms(*at) < DEDUPLICATION_MS
        {
            return id.clone();
        }
        self.sequence += 1;
        let id = format!("{}-{}", self.prefix, self.sequence);
        self.seen.insert(key, (now, id.clone()));
        self.messages.push(Stored {
            sequence: self.sequence,
            id: id.clone(),
            sent: message.clone(),
            sent_at: now,
            first_received_at: None,
            receives: 0,
            receipt: 0,
            hidden_until: Instant(i64::MIN),
        });
        id
    }

    /// Up to `most` messages, in order, each group's from its first on.
    pub fn receive(&mut self, most: usize, now: Instant) -> Vec<Received> {
        self.expire(now);
        let in_hand = self.messages.iter().filter(|message| message.hidden_until > now);
        let closed: HashSet<&str> = in_hand.map(|message| message.sent.group.as_str()).collect();
        let mut taken = Vec::new();
        let mut moved = Vec::new();
        for at in 0..self.messages.len() {
            let message = &self.messages[at];
            if closed.contains(message.sent.group.as_str()) {
                continue;
            }
            if taken.len() == most {
                break;
            }
            if self.setup.max_receives.is_some_and(|most| message.receives >= most) {
                moved.push(at);
                continue;
            }
            taken.push(at);
        }
        let received = taken.into_iter().map(|at| self.hand_out(at, now)).collect();
        for at in moved.into_iter().rev() {
            self.moved.push(self.messages.remove(at).sent);
        }
        received
    }

    fn hand_out(&mut self, at: usize, now: Instant) -> Received {
        self.receipts += 1;
        let (receipts, prefix, visibility) = (self.receipts, self.prefix, self.setup.visibility_ms);
        let message = &mut self.messages[at];
        message.receives += 1;
        message.receipt = receipts;
        message.hidden_until = now.plus_ms(visibility);
        let first_received_at = *message.first_received_at.get_or_insert(now);
        Received {
            sent_at: message.sent_at,
            trace: message.sent.trace.clone(),
            message_id: message.id.clone(),
            receipt: format!("{prefix}-r{receipts}"),
            body: message.sent.body.clone(),
            group: message.sent.group.clone(),
            first_received_at,
            receive_count: message.receives,
            lane: message.sent.lane.clone(),
        }
    }

    /// Deletes by receipt. One that has expired deletes nothing.
    pub fn delete(&mut self, receipt: &str, now: Instant) -> Held {
        match self.holder(receipt, now) {
            Some(at) => {
                self.messages.remove(at);
                Held::Yes
            }
            None => Held::Expired,
        }
    }

    /// Sets a message's visibility, from now on, by receipt. One that has expired sets nothing.
    pub fn set_visibility(&mut self, receipt: &str, seconds: i32, now: Instant) -> Held {
        match self.holder(receipt, now) {
            Some(_) if !(0..=MAX_VISIBILITY_S).contains(&seconds) => Held::OutOfBounds,
            Some(at) => {
                self.messages[at].hidden_until = now.plus_ms(i64::from(seconds) * 1_000);
                Held::Yes
            }
            None => Held::Expired,
        }
    }

    fn holder(&self, receipt: &str, now: Instant) -> Option<usize> {
        let number: u64 = receipt.strip_prefix(self.prefix)?.strip_prefix("-r")?.parse().ok()?;
        self.messages.iter().position(|message| message.receipt == number && message.hidden_until > now)
    }

    /// Messages that are unseen, of the groups that `of` names.
    pub fn in_flight(&self, now: Instant, of: impl Fn(&str) -> bool) -> usize {
        self.messages.iter().filter(|message| message.hidden_until > now && of(&message.sent.group)).count()
    }

    /// What the redrive policy has moved since this was last asked.
    pub fn take_moved(&mut self) -> Vec<Outbound> {
        std::mem::take(&mut self.moved)
    }

    /// When a message will be there to receive; none when there is none.
    #[must_use]
    pub fn next_visible(&self) -> Option<Instant> {
        let mut groups: Vec<&str> = Vec::new();
        let mut next: Option<Instant> = None;
        for message in &self.messages {
            if groups.contains(&message.sent.group.as_str()) {
                continue;
            }
            groups.push(&message.sent.group);
            let opens = self.opens(&message.sent.group);
            next = Some(next.map_or(opens, |held| held.min(opens)));
        }
        next
    }

    /// A group is closed while any of its messages is unseen.
    fn opens(&self, group: &str) -> Instant {
        let here = self.messages.iter().filter(|message| message.sent.group == group);
        here.map(|message| message.hidden_until).max().unwrap_or(Instant(i64::MAX))
    }

    /// The bodies of the messages kept, unseen ones included.
    pub fn bodies(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().map(|message| message.sent.body.as_str())
    }

    /// Messages kept, unseen ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The messages kept, in order: who looks changes nothing.
    pub fn peek(&self) -> impl Iterator<Item = (&str, &Outbound)> {
        self.messages.iter().map(|message| (message.id.as_str(), &message.sent))
    }

    fn expire(&mut self, now: Instant) {
        let keep = self.setup.retention_ms;
        self.messages.retain(|message| now.since_ms(message.sent_at) < keep);
        debug_assert!(self.messages.is_sorted_by_key(|message| message.sequence));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Fifo {
        Fifo::new("m", Setup { visibility_ms: 30_000, max_receives: Some(2), retention_ms: 86_400_000 })
    }

    fn message(group: &str, id: &str) -> Outbound {
        Outbound {
            trace: None,
            body: id.to_owned(),
            group: group.to_owned(),
            deduplication_id: id.to_owned(),
            lane: None,
        }
    }

    fn bodies(received: &[Received]) -> Vec<&str> {
        received.iter().map(|one| one.body.as_str()).collect()
    }

    #[test]
    fn given_two_groups_when_one_is_in_hand_then_only_the_other_is_received() {
        let mut queue = queue();
        for (group, id) in [("a", "a1"), ("a", "a2"), ("b", "b1")] {
            queue.send(&message(group, id), Instant(0));
        }
        assert_eq!(bodies(&queue.receive(1, Instant(0))), ["a1"]);
        assert_eq!(bodies(&queue.receive(10, Instant(0))), ["b1"]);
        assert_eq!(queue.next_visible(), Some(Instant(30_000)));
        assert_eq!(bodies(&queue.receive(10, Instant(30_000))), ["a1", "a2", "b1"]);
    }

    #[test]
    fn given_a_receipt_when_the_message_is_visible_again_then_it_deletes_nothing() {
        let mut queue = queue();
        queue.send(&message("a", "a1"), Instant(0));
        let first = queue.receive(1, Instant(0));
        assert_eq!(queue.set_visibility(&first[0].receipt, 5, Instant(1_000)), Held::Yes);
        assert_eq!(queue.delete(&first[0].receipt, Instant(6_000)), Held::Expired);
        let second = queue.receive(1, Instant(6_000));
        assert_eq!((second[0].receive_count, second[0].first_received_at), (2, Instant(0)));
        assert_eq!(queue.delete(&first[0].receipt, Instant(6_000)), Held::Expired);
        assert_eq!(queue.delete(&second[0].receipt, Instant(6_000)), Held::Yes);
        assert!(queue.is_empty());
    }

    #[test]
    fn given_a_repeat_when_it_comes_within_five_minutes_then_it_is_taken_and_not_delivered() {
        let mut queue = queue();
        let id = queue.send(&message("a", "a1"), Instant(0));
        assert_eq!(queue.send(&message("a", "a1"), Instant(DEDUPLICATION_MS - 1)), id);
        assert_eq!(queue.len(), 1);
        assert_ne!(queue.send(&message("b", "a1"), Instant(1)), id, "another group is another scope");
        assert_ne!(queue.send(&message("a", "a1"), Instant(DEDUPLICATION_MS)), id);
        assert_eq!(queue.len(), 3);
    }

    #[test]
    fn given_a_message_received_too_often_when_received_once_more_then_it_is_moved_and_its_successor_comes() {
        let mut queue = queue();
        queue.send(&message("a", "a1"), Instant(0));
        queue.send(&message("a", "a2"), Instant(0));
        for at in [0, 30_000] {
            assert_eq!(bodies(&queue.receive(1, Instant(at))), ["a1"]);
        }
        assert_eq!(bodies(&queue.receive(10, Instant(60_000))), ["a2"]);
        assert_eq!(queue.take_moved(), [message("a", "a1")]);
    }
}
