//! The records of one account. Unique values hold over every record that is not archived, and a merged
//! record's id goes on naming the survivor. A change can be undone as a whole: a batch is all or nothing
//! unless its caller asked otherwise.

use std::collections::{BTreeMap, BTreeSet};

/// What a search still sees of a record, until that time: `None` when it did not see it at all.
#[derive(Debug, Clone)]
struct Stale {
    until: i64,
    seen: Option<BTreeMap<String, String>>,
}

/// One record.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) id: u64,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) archived: Option<i64>,
    stale: Vec<Stale>,
}

impl Record {
    pub(super) fn new(id: u64, now: i64) -> Self {
        Self {
            id,
            properties: BTreeMap::new(),
            created: now,
            updated: now,
            archived: None,
            stale: Vec::new(),
        }
    }

    /// The properties as a search sees them now.
    pub(super) fn searchable(&self, now: i64) -> Option<&BTreeMap<String, String>> {
        match self.stale.iter().find(|stale| stale.until > now) {
            Some(stale) => stale.seen.as_ref(),
            None => Some(&self.properties),
        }
    }
}

/// The records of one object type.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    records: BTreeMap<u64, Record>,
    unique: BTreeMap<String, BTreeMap<String, u64>>,
    aliases: BTreeMap<u64, u64>,
    /// Addresses that were erased on request and may not come back.
    pub(super) erased: BTreeSet<String>,
    undo: Option<Vec<(u64, Option<Record>)>>,
    /// How many records are not archived.
    live: usize,
    /// Ids written since somebody looked, if anybody does.
    pub(super) touched: Option<BTreeSet<u64>>,
    /// What each record was when it was first written since somebody heard of them, if anybody does.
    pub(super) heard: Option<BTreeMap<u64, Option<Record>>>,
}

impl Store {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.values()
    }

    pub(super) fn from(&self, id: u64) -> impl Iterator<Item = &Record> {
        self.records.range(id..).map(|(_, record)| record)
    }

    /// The record of that id, or the one it was merged into.
    pub(super) fn get(&self, id: u64) -> Option<&Record> {
        let mut id = id;
        while let Some(next) = self.aliases.get(&id) {
            id = *next;
        }
        self.records.get(&id)
    }

    /// As [`Store::get`], unless it is archived.
    pub(super) fn live(&self, id: u64) -> Option<&Record> {
        self.get(id).filter(|record| record.archived.is_none())
    }

    /// The record that holds a unique value.
    pub(super) fn by_value(&self, property: &str, value: &str) -> Option<&Record> {
        let id = self.unique.get(property)?.get(&key(property, value))?;
        self.records.get(id)
    }

    /// Puts a record in the place of its former self; `unique` are the properties whose values are unique.
    pub(super) fn put(&mut self, mut record: Record, unique: &[String], seen_from: i64, now: i64) {
        let old = self.records.get(&record.id).cloned();
        if seen_from > now {
            let seen = old.as_ref().map(|old| old.properties.clone());
            record.stale.retain(|stale| stale.until > now);
            // A later write is never seen before an earlier one.
            let until = record.stale.last().map_or(seen_from, |last| last.until.max(seen_from));
            record.stale.push(Stale { until, seen });
        } else {
            record.stale.clear();
        }
        if let Some(log) = &mut self.undo {
            log.push((record.id, old.clone()));
        }
        self.replace(record.id, old, Some(record), unique);
    }

    fn replace(&mut self, id: u64, old: Option<Record>, new: Option<Record>, unique: &[String]) {
        for name in unique {
            let index = self.unique.entry(name.clone()).or_default();
            if let Some(value) = old.as_ref().and_then(|record| record.properties.get(name)) {
                let value = key(name, value);
                if index.get(&value) == Some(&id) {
                    index.remove(&value);
                }
            }
            let live = new.as_ref().filter(|record| record.archived.is_none());
            if let Some(value) = live.and_then(|record| record.properties.get(name)) {
                index.insert(key(name, value), id);
            }
        }
        let counts =
            |record: &Option<Record>| usize::from(record.as_ref().is_some_and(|one| one.archived.is_none()));
        self.live = self.live + counts(&new) - counts(&old);
        if let Some(touched) = &mut self.touched {
            touched.insert(id);
        }
        if let Some(heard) = &mut self.heard {
            heard.entry(id).or_insert_with(|| old.clone());
        }
        match new {
            Some(record) => self.records.insert(id, record),
            None => self.records.remove(&id),
        };
    }

    /// Removes a record for good.
    pub(super) fn erase(&mut self, id: u64, unique: &[String]) {
        let old = self.records.get(&id).cloned();
        self.replace(id, old, None, unique);
    }

    /// From now on one id names another record.
    pub(super) fn alias(&mut self, from: u64, to: u64) {
        self.aliases.insert(from, to);
    }

    /// Starts a change that may be undone.
    pub(super) fn begin(&mut self) {
        self.undo = Some(Vec::new());
    }

    /// Keeps what was done since [`Store::begin`].
    pub(super) fn keep(&mut self) {
        self.undo = None;
    }

    /// Undoes what was done since [`Store::begin`].
    pub(super) fn undo(&mut self, unique: &[String]) {
        for (id, old) in self.undo.take().unwrap_or_default().into_iter().rev() {
            let new = self.records.get(&id).cloned();
            self.replace(id, new, old, unique);
        }
    }
}

/// Unique text is compared without regard to case, as HubSpot does for email.
fn key(property: &str, value: &str) -> String {
    if property == "email" { value.to_lowercase() } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u64, email: &str) -> Record {
        let mut record = Record::new(id, 0);
        record.properties.insert("email".to_owned(), email.to_owned());
        record
    }

    #[test]
    fn given_a_change_when_undone_then_records_and_unique_values_are_as_before() {
        let unique = vec!["email".to_owned()];
        let mut store = Store::default();
        store.put(record(1, "a@x.io"), &unique, 0, 0);
        store.begin();
        store.put(record(1, "b@x.io"), &unique, 0, 0);
        store.put(record(2, "a@x.io"), &unique, 0, 0);
        store.undo(&unique);
        assert_eq!(store.by_value("email", "A@x.io").map(|found| found.id), Some(1));
        assert!(store.by_value("email", "b@x.io").is_none());
        assert!(store.get(2).is_none());
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn given_a_lag_when_changed_twice_then_search_sees_each_state_in_its_time() {
        let mut store = Store::default();
        store.put(record(1, "a"), &[], 100, 0);
        let seen =
            |store: &Store, now| store.get(1).and_then(|r| r.searchable(now).map(|p| p["email"].clone()));
        assert_eq!(seen(&store, 99), None);
        assert_eq!(seen(&store, 100).as_deref(), Some("a"));
        let changed =
            Record { properties: record(1, "b").properties, ..store.get(1).cloned().expect("there") };
        store.put(changed, &[], 150, 50);
        assert_eq!(seen(&store, 99), None);
        assert_eq!(seen(&store, 149).as_deref(), Some("a"));
        assert_eq!(seen(&store, 150).as_deref(), Some("b"));
    }
}
