//! What is in a batch: strays, what cannot be read, and per record the newest version for each connection. Pure.

use crate::batch::Received;
use rtr_core::change::{BULK, Change, Look, Malformed, Message, Operation, Wake, parse};
use rtr_core::inbound::{Notice, Seen};
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
    /// What each message is, by its place.
    pub(super) kinds: Vec<Kind>,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A change event.
    Change,
    /// A wake-up.
    Wake,
    /// A look.
    Look,
    /// It is in a group that is not its own.
    Stray,
    /// It cannot be read.
    Malformed,
}

/// The messages of one record.
#[derive(Debug)]
pub(super) struct RecordWork {
    /// The record.
    pub(super) key: RecordKey,
    /// The newest change event for all its connections.
    pub(super) change: Option<(usize, Change)>,
    /// Older ones that were received before, and may have been sent to a CRM then.
    pub(super) older: Vec<Change>,
    /// The newest of each connection for which a backfill sends alone.
    pub(super) only: Vec<(usize, Change)>,
    /// Whether any event came otherwise than by a backfill.
    pub(super) live: bool,
    /// The newest wake-up of each connection.
    pub(super) wakes: Vec<(usize, Wake)>,
    /// The newest look at each record of a CRM that it is linked to.
    pub(super) looks: Vec<(usize, Look)>,
    /// Every message of the record, the chosen ones included.
    pub(super) messages: Vec<usize>,
    /// Whether any of them was received before.
    pub(super) again: bool,
}

impl RecordWork {
    /// Messages that stand for nothing any more: a newer one is in the same batch.
    #[must_use]
    pub(super) fn compacted(&self) -> Vec<usize> {
        let stands = |(at, change): &&(usize, Change)| {
            change.only.as_ref().is_none_or(|name| self.change_for(name).is_some_and(|(one, _)| one == at))
        };
        let chosen = |place: &usize| {
            self.changes().filter(stands).any(|(at, _)| at == place)
                || self.wakes.iter().any(|(at, _)| at == place)
                || self.looks.iter().any(|(at, _)| at == place)
        };
        self.messages.iter().copied().filter(|place| !chosen(place)).collect()
    }

    /// The newest change events: for all its connections, and for one alone.
    pub(super) fn changes(&self) -> impl Iterator<Item = &(usize, Change)> {
        self.change.iter().chain(&self.only)
    }

    /// What counts of them for the connection `name`; of equal versions what is to be written whatever is applied, and then what
    /// came last.
    pub(super) fn change_for(&self, name: &str) -> Option<&(usize, Change)> {
        let meant = |change: &Change| change.only.as_ref().is_none_or(|only| only == name);
        self.changes()
            .filter(|(_, change)| meant(change))
            .max_by_key(|(at, change)| (change.version, change.rewrite, *at))
    }

    /// Whether `change` goes by the bulk lane, behind all that is live. What is for one connection alone always does: it is
    /// never called for while messages of older versions for the others are in the queue.
    pub(super) fn is_backfill(&self, change: &Change) -> bool {
        change.only.is_some() || !self.live
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
                intake.kinds.push(Kind::Malformed);
                continue;
            }
        };
        if message.key().message_group(group_buckets) != received.group {
            intake.strays.push((place, message.key().clone()));
            intake.kinds.push(Kind::Stray);
            continue;
        }
        intake.kinds.push(match &message {
            Message::Change(_) => Kind::Change,
            Message::Wake(_) => Kind::Wake,
            Message::Look(_) => Kind::Look,
        });
        let again = received.receive_count > 1;
        let found = intake.records.iter().position(|record| record.key == *message.key());
        let at = found.unwrap_or_else(|| {
            intake.records.push(RecordWork {
                key: message.key().clone(),
                change: None,
                older: Vec::new(),
                only: Vec::new(),
                live: false,
                wakes: Vec::new(),
                looks: Vec::new(),
                messages: Vec::new(),
                again: false,
            });
            intake.records.len() - 1
        });
        intake.records[at].add(place, message, again, received.lane.as_deref() == Some(BULK));
    }
    intake
}

impl RecordWork {
    fn add(&mut self, place: usize, message: Message, again: bool, bulk: bool) {
        self.messages.push(place);
        self.again |= again;
        match message {
            // Of equal versions the later one stands: it is what the producer said last.
            Message::Change(change) if change.only.is_some() => {
                match self.only.iter_mut().find(|(_, held)| held.only == change.only) {
                    Some(held) if held.1.version <= change.version => {
                        let rewrite = change.rewrite || (held.1.rewrite && held.1.version == change.version);
                        *held = (place, Change { rewrite, ..change });
                    }
                    Some(_) => {}
                    None => self.only.push((place, change)),
                }
            }
            Message::Change(change) => {
                self.live |= !bulk;
                let Some((_, held)) = self.change.take_if(|(_, held)| held.version <= change.version) else {
                    self.change.get_or_insert((place, change));
                    return;
                };
                // A version holds the changes of those before it: it counts as of the latest of them.
                let occurred_at = change.occurred_at.map(|at| held.occurred_at.map_or(at, |own| own.max(at)));
                self.change = Some((place, Change { occurred_at, ..change }));
                if self.again && held.operation == Operation::Upsert {
                    self.older.push(held);
                }
            }
            Message::Wake(wake) => {
                match self.wakes.iter_mut().find(|(_, held)| held.connection == wake.connection) {
                    Some(held) if held.1.version <= wake.version => *held = (place, wake),
                    Some(_) => {}
                    None => self.wakes.push((place, wake)),
                }
            }
            Message::Look(look) => self.add_look(place, *look),
        }
    }
}

impl RecordWork {
    /// The later of two looks at one record sees all that the earlier one would have seen.
    fn add_look(&mut self, place: usize, look: Look) {
        let (connection, id) = (&look.notice.connection, &look.notice.external_id);
        let same = |held: &Look| held.notice.connection == *connection && held.notice.external_id == *id;
        match self.looks.iter_mut().find(|(_, held)| same(held)) {
            Some(held) => {
                let mut anew = std::mem::take(&mut held.1.anew);
                anew.extend(look.anew.iter().cloned());
                // What a person wants to be told goes on being a person's.
                let by_person = held.1.notice.seen == Seen::Person;
                let seen = if by_person { Seen::Person } else { look.notice.seen };
                let notice = Notice { seen, ..look.notice };
                *held = (place, Look { anew, notice, ..look });
            }
            None => self.looks.push((place, look)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::time::Instant;

    fn message(id: &str, version: u64, group: &str, receives: u32) -> Received {
        Received {
            sent_at: Instant(0),
            trace: None,
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

    fn only(id: &str, version: u64, connection: &str) -> Received {
        let mut restricted = message(id, version, "acme#contact#a", 1);
        let event = &restricted.body;
        restricted.body = format!(r#"{{"backfill":{{"connection":"{connection}","event":{event}}}}}"#);
        restricted
    }

    #[test]
    fn given_versions_for_one_connection_alone_when_taken_in_then_each_connection_has_its_own_newest() {
        let batch =
            [message("a", 4, "acme#contact#a", 1), only("a", 5, "hubspot"), only("a", 3, "salesforce")];
        let intake = take_in(&batch, 0);
        let record = &intake.records[0];
        let of = |name| record.change_for(name).map(|(_, change)| change.version);
        assert_eq!((of("hubspot"), of("salesforce"), of("pipedrive")), (Some(5), Some(4), Some(4)));
        assert_eq!(record.compacted(), [2], "the newer one for all stands for it");
    }

    #[test]
    fn given_a_live_and_a_backfilled_version_when_taken_in_then_the_newer_one_is_live() {
        let bulk = Received { lane: Some(BULK.to_owned()), ..message("a", 5, "acme#contact#a", 1) };
        let live = |batch: &[Received]| {
            let intake = take_in(batch, 0);
            let record = &intake.records[0];
            record.change_for("hubspot").map(|(_, change)| (change.version, record.is_backfill(change)))
        };
        assert_eq!(live(std::slice::from_ref(&bulk)), Some((5, true)));
        assert_eq!(live(&[message("a", 4, "acme#contact#a", 1), bulk]), Some((5, false)));
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
