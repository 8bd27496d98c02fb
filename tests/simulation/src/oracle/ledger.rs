//! The books: every message of a batch has one ending at each CRM it is for, and every version that was accepted has one in
//! the end.

use super::Oracle;
use crate::events::key;
use crate::faults::Fault;
use crate::place::{goes_to, providers};
use crate::scenario::{Event, Kind, Record};
use crate::world::World;
use rtr_core::change::{Message, parse};
use rtr_core::item::{Ended, Item, SlotState};
use rtr_core::key::RecordKey;
use rtr_engine::batch::Received;
use rtr_engine::seams::Names;
use std::collections::{BTreeMap, BTreeSet};

/// The counters that are endings.
const ENDINGS: [&str; 6] = ["applied", "unchanged", "superseded", "skipped", "parked", "dead"];

/// The counters of events, by how they ended.
const EVENTS: [&str; 6] =
    ["event_applied", "event_unchanged", "event_superseded", "event_skipped", "event_parked", "event_dead"];

/// Faults after which the functions may not have known an org's connections, or knew others than it has now.
const BLIND: [Fault; 4] = [Fault::ConfigDown, Fault::ConfigSpoilt, Fault::OrgGone, Fault::TablesDown];

/// The endings of a pair's versions, by what the table says: the last that each was noted with.
#[derive(Debug, Default)]
pub(super) struct Books(BTreeMap<(String, String), BTreeMap<u64, Ended>>);

impl Oracle {
    /// An item stands as `item`.
    pub fn noted(&mut self, names: &Names, item: &Item) {
        let (Some(org), Some(kind), Some(id), Some(connection), Some(last)) =
            (&names.org_id, &names.record_type, &names.record_id, &names.connection, item.recent.last())
        else {
            return;
        };
        let pair = (format!("{org}/{kind}/{id}"), connection.clone());
        self.books.0.entry(pair).or_default().insert(last.version, last.ended);
    }

    /// What a person has given up ends: nothing older may land from now on.
    pub fn gives_up(&mut self, names: &Names, old: &Item, new: &Item) {
        let dropped = old.slot.as_ref().filter(|slot| slot.state == SlotState::Drop && new.slot.is_none());
        let (Some(slot), Some(org), Some(kind), Some(id), Some(connection)) =
            (dropped, &names.org_id, &names.record_type, &names.record_id, &names.connection)
        else {
            return;
        };
        // A newer version that is told ends it as well.
        if new.recent.last().is_none_or(|last| last.version != slot.wanted_version) {
            return;
        }
        let at = (connection.clone(), format!("{org}/{kind}/{id}"));
        let highest = self.highest.entry(at.clone()).or_default();
        *highest = slot.wanted_version.max(*highest);
        self.dropped.insert(at, slot.wanted_version);
    }

    /// Whether the newest version of `event`'s record was given up at `provider`.
    pub fn was_dropped(&self, event: &Event, provider: &str) -> bool {
        let dropped = self.dropped.get(&(provider.to_owned(), event.record.to_string()));
        dropped.is_some_and(|dropped| *dropped >= event.version)
    }

    /// The sync function has answered, and counted so much for `batch`.
    pub fn counted(
        &mut self,
        batch: &[Received],
        group_buckets: u64,
        (counts, returned): (&BTreeMap<&'static str, u64>, &[String]),
        blind: bool,
    ) {
        let count = |name: &str| counts.get(name).copied().unwrap_or(0);
        let endings: u64 = ENDINGS.iter().map(|name| count(name)).sum();
        let due = endings_due(batch, group_buckets) + count("malformed");
        if endings > due || endings < due && !blind {
            let what = format!("{endings} endings were counted, {due} were due: {counts:?}");
            self.violate("I1", None, what);
        }
        // Each message that leaves the queue was one thing, and each event of them ended once, for all its CRMs together.
        let left = batch.iter().filter(|one| !returned.contains(&one.message_id));
        let (mut events, mut others) = (0, 0);
        for one in left {
            let is_event = match parse(&one.body) {
                Ok(message) if message.key().message_group(group_buckets) != one.group => continue,
                Ok(message) => matches!(message, Message::Change(_)),
                Err(_) => true,
            };
            (events, others) = if is_event { (events + 1, others) } else { (events, others + 1) };
        }
        let ended: u64 = EVENTS.iter().map(|name| count(name)).sum();
        let told = (count("events"), ended, count("wakes") + count("looks_done"));
        if told != (events, events, others) {
            let what = format!(
                "{events} events and {others} others left the queue, {told:?} were counted: {counts:?}"
            );
            self.violate("I1", None, what);
        }
    }
}

/// Endings that a batch must have beside those of what cannot be read: one for each record at each CRM it goes to or is
/// woken for, and one for each message that a newer one of the batch stands for. What is in another group than its own is sent
/// on, and ends there.
fn endings_due(batch: &[Received], group_buckets: u64) -> u64 {
    let mut records: BTreeMap<RecordKey, (u64, u64, BTreeSet<String>, bool)> = BTreeMap::new();
    let mut looks = BTreeSet::new();
    let own = |received: &&Received, message: &Message| {
        message.key().message_group(group_buckets) == received.group
    };
    let read = batch.iter().filter_map(|received| Some((received, parse(&received.body).ok()?)));
    for (_, message) in read.filter(|(received, message)| own(received, message)) {
        let (messages, chosen, woken, changed) = records.entry(message.key().clone()).or_default();
        *messages += 1;
        match message {
            Message::Change(_) => {
                *chosen += u64::from(!*changed);
                *changed = true;
            }
            Message::Wake(wake) => *chosen += u64::from(woken.insert(wake.connection)),
            // It ends on the way back; of several at one record of a CRM one is done.
            Message::Look(look) => {
                let (at, id) = (look.notice.connection.key(), look.notice.external_id.clone());
                *chosen += u64::from(looks.insert((look.key.clone(), at, id)));
            }
        }
    }
    let ends =
        |(key, (messages, chosen, mut woken, changed)): (RecordKey, (u64, u64, BTreeSet<String>, bool))| {
            if changed {
                let deal = key.record_type == Kind::Deal.name();
                let routed =
                    providers(&key.org_id).iter().filter(|provider| !deal || **provider == "hubspot");
                woken.extend(routed.map(|provider| (*provider).to_owned()));
            }
            messages - chosen + woken.len() as u64
        };
    records.into_iter().map(ends).sum()
}

impl World<'_> {
    /// Whether a function may have gone by a configuration that is not the one there is.
    pub fn is_blind(&self) -> bool {
        BLIND.iter().any(|fault| self.core.plan().fired().contains_key(fault.name()))
    }

    /// Every version that was accepted has an ending at each CRM it goes to, or a newer one has; and nothing else has one.
    pub fn check_books(&self) {
        let mut oracle = self.core.oracle();
        let mut wrong: Vec<(Record, String)> = Vec::new();
        for (record, versions) in &oracle.accepted {
            for provider in ["hubspot", "salesforce"].into_iter().filter(|one| goes_to(record, one)) {
                let item = self.item(&key(record), provider);
                let pair = (record.to_string(), provider.to_owned());
                let noted = oracle.books.0.get(&pair);
                // Who was killed after the write could tell nobody.
                let stands = |version: &u64| item.recent.iter().any(|recent| recent.version == *version);
                let ended =
                    |version: &u64| noted.is_some_and(|noted| noted.contains_key(version)) || stands(version);
                let newest = versions.keys().rev().find(|version| ended(version)).copied();
                for version in versions.keys() {
                    // Superseded, where the newer one is written and this one is not.
                    if !ended(version) && newest < Some(*version) {
                        wrong.push((*record, format!("version {version} has no ending at {provider}")));
                    }
                }
                if let Some(stranger) =
                    noted.into_iter().flat_map(BTreeMap::keys).find(|one| !versions.contains_key(one))
                {
                    wrong.push((
                        *record,
                        format!("version {stranger} was never sent, and ended at {provider}"),
                    ));
                }
                // What is done was noted as done.
                let stood = |version| item.recent.iter().rev().find(|recent| recent.version == version);
                let last = item.applied_version.and_then(|version| {
                    stood(version).map(|recent| recent.ended).or_else(|| noted?.get(&version).copied())
                });
                if matches!(last, Some(Ended::Dead | Ended::Parked)) && item.slot.is_none() {
                    wrong.push((*record, format!("it is done at {provider}, and noted as {last:?}")));
                }
            }
        }
        for (record, what) in wrong {
            oracle.violate("I1", Some(record.to_string()), format!("{record}: {what}"));
        }
    }
}
