//! Which events go into the next request: several requests are under way at once, and none overtakes another within a
//! message group.
//!
//! A group is in at most one request at a time, and a record at most once in a request: SQS may refuse single entries,
//! and what is sent again must not come after its own successor.

use super::line::{Event, MAX_BYTES};
use std::collections::{HashSet, VecDeque};

/// Entries of one request. SQS's limit.
const MAX_ENTRIES: usize = 10;
/// Events held ready: enough that one busy group leaves others to send.
const LOOK_AHEAD: usize = 2_000;
/// Bytes held ready.
const LOOK_AHEAD_BYTES: usize = 32 * 1_024 * 1_024;

/// What waits, and what is under way.
#[derive(Debug, Default)]
pub(in crate::commands) struct Schedule {
    waiting: VecDeque<Event>,
    waiting_bytes: usize,
    busy: HashSet<String>,
}

impl Schedule {
    /// Whether more may be read.
    pub(in crate::commands) fn has_room(&self) -> bool {
        self.waiting.len() < LOOK_AHEAD && self.waiting_bytes < LOOK_AHEAD_BYTES
    }

    /// Whether nothing waits.
    pub(in crate::commands) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds an event behind all others.
    pub(in crate::commands) fn push(&mut self, event: Event) {
        self.waiting_bytes += event.bytes;
        self.waiting.push_back(event);
    }

    /// The next request; empty when nothing can go before another has ended.
    pub(in crate::commands) fn next_batch(&mut self) -> Vec<Event> {
        let (mut batch, mut bytes) = (Vec::<Event>::new(), 0);
        let mut kept = VecDeque::with_capacity(self.waiting.len());
        // What is passed over holds back everything behind it in its group.
        let mut passed: HashSet<String> = HashSet::new();
        while let Some(event) = self.waiting.pop_front() {
            if batch.len() == MAX_ENTRIES || bytes == MAX_BYTES {
                self.waiting.push_front(event);
                break;
            }
            let twice = batch.iter().any(|other| other.record == event.record);
            let waits = self.busy.contains(&event.group) || passed.contains(&event.group);
            if twice || waits || bytes + event.bytes > MAX_BYTES {
                passed.insert(event.group.clone());
                kept.push_back(event);
            } else {
                bytes += event.bytes;
                batch.push(event);
            }
        }
        kept.append(&mut self.waiting);
        self.waiting = kept;
        self.waiting_bytes -= bytes;
        self.busy.extend(batch.iter().map(|event| event.group.clone()));
        batch
    }

    /// A request has ended, all of its events settled.
    pub(in crate::commands) fn ended(&mut self, batch: &[Event]) {
        for event in batch {
            self.busy.remove(&event.group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(line: u64, group: &str, record: &str, bytes: usize) -> Event {
        let (group, record) = (group.to_owned(), record.to_owned());
        Event {
            line,
            body: String::new(),
            org: String::new(),
            record,
            version: line,
            group,
            deduplication_id: String::new(),
            bytes,
        }
    }

    fn lines(batch: &[Event]) -> Vec<u64> {
        batch.iter().map(|event| event.line).collect()
    }

    fn schedule(events: impl IntoIterator<Item = Event>) -> Schedule {
        let mut schedule = Schedule::default();
        events.into_iter().for_each(|event| schedule.push(event));
        schedule
    }

    #[test]
    fn given_many_records_when_scheduled_then_requests_are_full() {
        let mut schedule = schedule((1..=25).map(|n| event(n, &n.to_string(), &n.to_string(), 10)));
        let sizes = [schedule.next_batch().len(), schedule.next_batch().len(), schedule.next_batch().len()];
        assert_eq!((sizes, schedule.is_empty()), ([10, 10, 5], true));
    }

    #[test]
    fn given_versions_of_one_record_when_scheduled_then_each_waits_for_the_one_before() {
        let mut schedule = schedule([event(1, "a", "a", 1), event(2, "a", "a", 1), event(3, "b", "b", 1)]);
        let first = schedule.next_batch();
        assert_eq!(lines(&first), [1, 3]);
        assert!(schedule.next_batch().is_empty());
        schedule.ended(&first);
        assert_eq!(lines(&schedule.next_batch()), [2]);
    }

    #[test]
    fn given_coarse_groups_when_scheduled_then_order_within_the_group_is_kept() {
        let events =
            [event(1, "g", "a", 1), event(2, "g", "b", 1), event(3, "g", "a", 1), event(4, "g", "c", 1)];
        let mut schedule = schedule(events);
        let first = schedule.next_batch();
        // Line 4 would overtake line 3.
        assert_eq!(lines(&first), [1, 2]);
        schedule.ended(&first);
        assert_eq!(lines(&schedule.next_batch()), [3, 4]);
    }

    #[test]
    fn given_large_events_when_scheduled_then_a_request_stays_under_the_limit() {
        let half = MAX_BYTES / 2;
        let events = [event(1, "a", "a", half), event(2, "b", "b", half + 1), event(3, "c", "c", half)];
        let mut schedule = schedule(events);
        assert_eq!(lines(&schedule.next_batch()), [1, 3]);
        assert_eq!(lines(&schedule.next_batch()), [2]);
    }
}
