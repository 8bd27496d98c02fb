//! What is in a batch: strays, what cannot be read, and per record the newest version for each connection. Pure.

use crate::batch::Received;
use rtr_core::change::{Change, Malformed, Message, Wake, parse};
use rtr_core::key::RecordKey;

/// A batch, taken apart. Numbers are places in the batch.
#[derive(Debug, Default)]
pub(super) struct Intake {
    /// Messages in a group that is not their record's own, with the group that is.
    pub(super) strays: Vec<(usize, RecordKey)>,
    /// Messages that cannot be read.
    pub(super) malformed: Vec<(usize, Malformed)>,
    /// The records, in the order of their first message.
    pub(super) records: Vec<RecordWork>,
}

/// The messages of one record.
#[derive(Debug)]
pub(super) struct RecordWork {
    /// The record.
    pub(super) key: RecordKey,
    /// The newest change event.
    pub(super) change: Option<(usize, Change)>,
    /// The newest wake-up of each connection.
    pub(super) wakes: Vec<(usize, Wake)>,
    /// Every message of the record, the chosen ones included.
    pub(super) messages: Vec<usize>,
    /// Whether any of them was received before.
    pub(super) again: bool,
}

impl RecordWork {
    /// Messages that stand for nothing any more: a newer one is in the same batch.
    #[must_use]
    pub(super) fn compacted(&self) -> Vec<usize> {
        let chosen = |place: &usize| {
            self.change.as_ref().is_some_and(|(at, _)| at == place)
                || self.wakes.iter().any(|(at, _)| at == place)
        };
        self.messages.iter().copied().filter(|place| !chosen(place)).collect()
    }
}

/// Takes the batch apart.
#[must_use]
pub(super) fn take_in(messages: &[Received], group_buckets: u64) -> Intake {
    let mut intake = Intake::default();
    for (place, received) in messages.iter().enumerate() {
        let message = match parse(&received.body) {
            Ok(message) => message,
            Err(malformed) => {
                intake.malformed.push((place, malformed));
                continue;
            }
        };
        if message.key().message_group(group_buckets) != received.group {
            intake.strays.push((place, message.key().clone()));
            continue;
        }
        let again = received.receive_count > 1;
        let found = intake.records.iter().position(|record| record.key == *message.key());
        let at = found.unwrap_or_else(|| {
            intake.records.push(RecordWork {
                key: message.key().clone(),
                change: None,
                wakes: Vec::new(),
                messages: Vec::new(),
                again: false,
            });
            intake.records.len() - 1
        });
        intake.records[at].add(place, message, again);
    }
    intake
}

impl RecordWork {
    fn add(&mut self, place: usize, message: Message, again: bool) {
        self.messages.push(place);
        self.again |= again;
        match message {
            // Of equal versions the later one stands: it is what the producer said last.
            Message::Change(change) => {
                if self.change.as_ref().is_none_or(|(_, held)| held.version <= change.version) {
                    self.change = Some((place, change));
                }
            }
            Message::Wake(wake) => {
                match self.wakes.iter_mut().find(|(_, held)| held.connection == wake.connection) {
                    Some(held) if held.1.version <= wake.version => *held = (place, wake),
                    Some(_) => {}
                    None => self.wakes.push((place, wake)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::time::Instant;

    fn message(id: &str, version: u64, group: &str, receives: u32) -> Received {
        Received {
            message_id: format!("{id}-{version}"),
            receipt: String::new(),
            body: format!(
                r#"{{"org_id":"acme","record_type":"contact","record_id":"{id}","version":{version},"data":{{}}}}"#
            ),
            group: group.to_owned(),
            first_received_at: Instant(0),
            receive_count: receives,
            lane: None,
        }
    }

    #[test]
    fn given_several_versions_of_a_record_when_taken_in_then_the_newest_stands_for_all() {
        let group = "acme#contact#a";
        let batch = [message("a", 2, group, 1), message("a", 4, group, 1), message("a", 3, group, 2)];
        let intake = take_in(&batch, 0);
        let record = &intake.records[0];
        assert_eq!(record.change.as_ref().map(|(place, change)| (*place, change.version)), Some((1, 4)));
        assert_eq!((record.compacted(), record.again), (vec![0, 2], true));
    }

    #[test]
    fn given_a_message_in_a_foreign_group_when_taken_in_then_it_is_a_stray_and_its_neighbours_are_not() {
        let batch = [message("a", 1, "elsewhere", 1), message("b", 1, "acme#contact#b", 1)];
        let intake = take_in(&batch, 0);
        assert_eq!(intake.strays.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0]);
        assert_eq!(intake.records.len(), 1);
    }

    #[test]
    fn given_an_unreadable_body_when_taken_in_then_only_that_message_is_malformed() {
        let mut bad = message("a", 1, "acme#contact#a", 1);
        bad.body = "{".to_owned();
        let intake = take_in(&[bad, message("b", 1, "acme#contact#b", 1)], 0);
        assert_eq!((intake.malformed.len(), intake.records.len()), (1, 1));
    }
}
