//! What the CRMs said of owners, pipelines and stages, kept for a while: a name is asked for once, and not once a record.
//!
//! Invariants: no connection ever sees what another's CRM said, since org and connection are part of every key; nothing
//! holds beyond its time; what is kept has a bound. Pure but for the lock.

use rtr_connectors::connector::{Asked, Entry};
use rtr_core::key::ConnectionKey;
use rtr_core::mapping::{Answer, LookupFact, Objects, Read, Wanted};
use rtr_core::time::Instant;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What was found holds so many times as long as the configuration: people and stages change more seldom.
const FOUND_TIMES: i64 = 5;
/// The least time that anything holds, in milliseconds: what was learnt must still be known when it is used.
const LEAST_MS: i64 = 1_000;
/// For a person who wakes what is dead, absence holds no longer than this, in milliseconds: they may just have mended it.
const MENDED_MS: i64 = 5_000;
/// Names kept by an environment, of all connections together: some four megabytes.
const MOST_NAMES: usize = 20_000;

/// How long answers hold, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holds {
    found_ms: i64,
    absent_ms: i64,
}

impl Holds {
    /// By how long configuration does.
    pub(crate) fn of(cache_ms: i64) -> Self {
        let absent_ms = cache_ms.max(LEAST_MS);
        Self { found_ms: absent_ms.saturating_mul(FOUND_TIMES), absent_ms }
    }

    /// For who may have mended what was absent.
    pub(crate) fn mended(self) -> Self {
        Self { absent_ms: self.absent_ms.min(MENDED_MS), ..self }
    }
}

/// One account's directory for one look-up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The connection: its org is part of it.
    pub(crate) connection: ConnectionKey,
    /// Provider, secret and address: a connection that leads elsewhere by now has other ids.
    pub(crate) account: String,
    /// The look-up.
    pub(crate) lookup: &'static str,
    /// The CRM's object; empty where every object has the same.
    pub(crate) object: String,
}

impl Place {
    /// The place of `fact` for `object`.
    pub(crate) fn of(connection: &ConnectionKey, account: &str, fact: &LookupFact, object: &str) -> Self {
        let object = if fact.objects == Objects::All { "" } else { object };
        Self {
            connection: connection.clone(),
            account: account.to_owned(),
            lookup: fact.name,
            object: object.to_owned(),
        }
    }
}

/// What is kept of one place.
#[derive(Debug, Default)]
struct Shelf {
    /// When it was read as a whole.
    read_at: Option<Instant>,
    /// By the name, folded.
    names: HashMap<String, Known>,
}

/// What a name stands for, nothing included, and since when that is known.
#[derive(Debug)]
struct Known {
    entries: Vec<Entry>,
    at: Instant,
}

/// The directories of this environment's connections.
#[derive(Debug, Default)]
pub struct Directories {
    held: Mutex<HashMap<Place, Shelf>>,
}

impl Directories {
    /// What is known of what `wanted` stands for, within the entry of the id `within`.
    pub(crate) fn answer(
        &self,
        place: &Place,
        wanted: &Wanted,
        within: Option<&str>,
        holds: Holds,
        now: Instant,
    ) -> Answer {
        let held = self.lock();
        let Some(shelf) = held.get(place) else { return Answer::Unknown };
        let known = shelf.names.get(&fold(&wanted.value));
        let none: &[Entry] = &[];
        let (entries, at) = match (wanted.fact.read, shelf.read_at, known) {
            (Read::Whole, Some(at), known) => (known.map_or(none, |known| &known.entries[..]), at),
            (Read::Each, _, Some(known)) => (&known.entries[..], known.at),
            _ => return Answer::Unknown,
        };
        let found = judge(entries, &wanted.value, within);
        let hold_ms = if matches!(found, Answer::One(_)) { holds.found_ms } else { holds.absent_ms };
        // Not known beyond its time; from ahead of now, the clock has been set back since.
        if (0..hold_ms).contains(&now.since_ms(at)) { found } else { Answer::Unknown }
    }

    /// Whether the directory was read as a whole at `since` or later.
    pub(crate) fn was_read(&self, place: &Place, since: Instant) -> bool {
        self.lock().get(place).and_then(|shelf| shelf.read_at).is_some_and(|at| at >= since)
    }

    /// Keeps what the CRM said to `asked`, which was about `fact` in `place`.
    pub(crate) fn learn(
        &self,
        place: &Place,
        fact: &LookupFact,
        asked: &Asked,
        entries: Vec<Entry>,
        holds: Holds,
        now: Instant,
    ) {
        let mut held = self.lock();
        if fact.read == Read::Whole {
            let told: BTreeSet<&'static str> = entries.iter().map(|entry| entry.lookup).collect();
            for lookup in told.into_iter().chain([fact.name]) {
                let shelf = Shelf { read_at: Some(now), names: HashMap::new() };
                held.insert(Place { lookup, ..place.clone() }, shelf);
            }
        } else {
            let shelf = held.entry(place.clone()).or_default();
            for name in asked.names.iter().chain(entries.iter().map(|entry| &entry.name)) {
                shelf.names.insert(fold(name), Known { entries: Vec::new(), at: now });
            }
        }
        for entry in entries {
            let shelf = held.entry(Place { lookup: entry.lookup, ..place.clone() }).or_default();
            let known = shelf.names.entry(fold(&entry.name));
            known.or_insert_with(|| Known { entries: Vec::new(), at: now }).entries.push(entry);
        }
        bound(&mut held, place, holds, now);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Shelf>> {
        // A poisoned lock only says that a thread died elsewhere: what is in the map is still whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Too much is kept: first goes what holds no more, then all but what was learnt just now.
fn bound(held: &mut HashMap<Place, Shelf>, latest: &Place, holds: Holds, now: Instant) {
    let size = |held: &HashMap<Place, Shelf>| held.values().map(|shelf| shelf.names.len() + 1).sum::<usize>();
    if size(held) <= MOST_NAMES {
        return;
    }
    let fresh = |at: Instant| (0..holds.found_ms).contains(&now.since_ms(at));
    for shelf in held.values_mut() {
        shelf.names.retain(|_, known| fresh(known.at));
    }
    held.retain(|_, shelf| !shelf.names.is_empty() || shelf.read_at.is_some_and(fresh));
    if size(held) > MOST_NAMES {
        held.retain(|place, _| place.connection == latest.connection && place.account == latest.account);
        for shelf in held.values_mut() {
            shelf.names.retain(|_, known| known.at == now);
        }
    }
}

/// Which of `entries` of one name is meant. A name spelt exactly so comes before those that differ in case.
fn judge(entries: &[Entry], name: &str, within: Option<&str>) -> Answer {
    let inside = |entry: &&Entry| match (within, &entry.within) {
        (Some(outer), Some(held)) => outer == held,
        _ => true,
    };
    let inside: Vec<&Entry> = entries.iter().filter(inside).collect();
    let exact: Vec<&Entry> = inside.iter().filter(|entry| entry.name.trim() == name).copied().collect();
    let meant = if exact.is_empty() { inside } else { exact };
    let ids: BTreeSet<&str> = meant.iter().map(|entry| entry.id.as_str()).collect();
    match ids.into_iter().collect::<Vec<_>>()[..] {
        [] => Answer::None,
        [id] => Answer::One(id.to_owned()),
        _ => Answer::Several,
    }
}

fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests;
