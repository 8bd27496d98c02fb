//! The records of one account, of every type, by id. Whatever a call did can be undone back to a mark: a
//! collection may be all or nothing, and a composite call of several may be so as a whole.

use super::schema::{Field, ObjectType};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One record. A field without a value is not in `values`.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) kind: &'static ObjectType,
    pub(super) values: BTreeMap<String, Value>,
    pub(super) created: i64,
    pub(super) modified: i64,
    /// When it went to the recycle bin.
    pub(super) deleted: Option<i64>,
    /// The record it was merged into.
    pub(super) master: Option<String>,
    /// Who made it and who changed it last; none: the account's own user.
    pub(super) created_by: Option<String>,
    pub(super) modified_by: Option<String>,
}

impl Record {
    /// A record as it is made.
    pub(super) fn new(id: &str, kind: &'static ObjectType, values: BTreeMap<String, Value>, at: i64) -> Self {
        let (created, modified, deleted, master) = (at, at, None, None);
        let (created_by, modified_by) = (None, None);
        Self { id: id.to_owned(), kind, values, created, modified, deleted, master, created_by, modified_by }
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.values.get(field).and_then(Value::as_str)
    }
}

/// A field of a type, and the records by its value.
type Index = BTreeMap<(&'static str, String), BTreeMap<String, BTreeSet<String>>>;

/// Every record.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    records: BTreeMap<String, Record>,
    index: Index,
    live: BTreeMap<&'static str, usize>,
    log: Vec<(String, Option<Record>)>,
    /// Ids written since somebody looked, if anybody does.
    pub(super) touched: Option<BTreeSet<String>>,
    /// What each record was when it was first written since somebody heard of them, if anybody does.
    pub(super) heard: Option<BTreeMap<String, Option<Record>>>,
}

impl Store {
    pub(super) fn get(&self, id: &str) -> Option<&Record> {
        self.records.get(id)
    }

    /// As [`Store::get`], unless it is in the recycle bin.
    pub(super) fn live(&self, id: &str) -> Option<&Record> {
        self.get(id).filter(|record| record.deleted.is_none())
    }

    /// Every record of a type, oldest first, those in the recycle bin included.
    pub(super) fn all(&self, kind: &ObjectType) -> impl DoubleEndedIterator<Item = &Record> + use<'_> {
        let end = format!("{}~", kind.prefix);
        self.records.range(kind.prefix.to_owned()..end).map(|(_, record)| record)
    }

    pub(super) fn count(&self, kind: &ObjectType) -> usize {
        self.live.get(kind.name).copied().unwrap_or_default()
    }

    /// Begins to keep the values of a field, of which there are none yet, for lookups.
    pub(super) fn watch(&mut self, kind: &'static ObjectType, field: &str) {
        self.index.entry((kind.name, field.to_owned())).or_default();
    }

    /// The ids that hold a value in a watched field, regardless of case; `None` if the field is not watched.
    pub(super) fn holders(&self, kind: &ObjectType, field: &str, value: &Value) -> Option<&BTreeSet<String>> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        let values = self.index.get(&(kind.name, field.to_owned()))?;
        Some(values.get(&key(value)).unwrap_or(&NONE))
    }

    /// The records, not deleted, that hold a key's value.
    pub(super) fn by_key(&self, kind: &ObjectType, field: &Field, value: &Value) -> Vec<&Record> {
        let holders = self.holders(kind, &field.name, value).into_iter().flatten();
        let live = holders.filter_map(|id| self.live(id));
        live.filter(|record| !field.case_sensitive || record.values.get(&field.name) == Some(value)).collect()
    }

    /// Puts a record in the place of its former self.
    pub(super) fn put(&mut self, record: Record) {
        let id = record.id.clone();
        let old = self.replace(&id, Some(record));
        self.log.push((id, old));
    }

    /// Removes a record for good.
    pub(super) fn erase(&mut self, id: &str) {
        let old = self.replace(id, None);
        self.log.push((id.to_owned(), old));
    }

    fn replace(&mut self, id: &str, new: Option<Record>) -> Option<Record> {
        if let Some(touched) = &mut self.touched {
            touched.insert(id.to_owned());
        }
        let old = self.records.remove(id);
        if let Some(heard) = &mut self.heard {
            heard.entry(id.to_owned()).or_insert_with(|| old.clone());
        }
        if let Some(old) = &old {
            self.note(old, false);
        }
        if let Some(new) = new {
            self.note(&new, true);
            self.records.insert(id.to_owned(), new);
        }
        old
    }

    fn note(&mut self, record: &Record, present: bool) {
        if record.deleted.is_none() {
            let count = self.live.entry(record.kind.name).or_default();
            *count = if present { *count + 1 } else { count.saturating_sub(1) };
        }
        for (field, value) in &record.values {
            let Some(values) = self.index.get_mut(&(record.kind.name, field.clone())) else { continue };
            let holders = values.entry(key(value)).or_default();
            if present {
                holders.insert(record.id.clone());
            } else {
                holders.remove(&record.id);
            }
            if holders.is_empty() {
                values.remove(&key(value));
            }
        }
    }

    /// A point to which all can be undone.
    pub(super) fn mark(&self) -> usize {
        self.log.len()
    }

    /// Undoes what was done since the mark.
    pub(super) fn undo(&mut self, mark: usize) {
        while self.log.len() > mark {
            let Some((id, old)) = self.log.pop() else { return };
            self.replace(&id, old);
        }
    }

    /// Keeps all that was done.
    pub(super) fn keep(&mut self) {
        self.log.clear();
    }
}

/// Text is compared without regard to case.
fn key(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::super::schema::{find, standard};
    use super::*;
    use serde_json::json;

    fn contact(id: &str, email: &str) -> Record {
        let kind = find("Contact").expect("a type");
        let values = BTreeMap::from([("Email".to_owned(), json!(email))]);
        Record::new(id, kind, values, 0)
    }

    #[test]
    fn given_changes_when_undone_to_a_mark_then_records_values_and_counts_are_as_they_were() {
        let kind = find("Contact").expect("a type");
        let email = standard(kind).into_iter().find(|field| field.name == "Email").expect("a field");
        let mut store = Store::default();
        store.watch(kind, "Email");
        store.put(contact("003a", "a@x.io"));
        let mark = store.mark();
        store.put(contact("003a", "b@x.io"));
        store.put(contact("003b", "a@x.io"));
        store.undo(mark);
        let ids = |value: &str| store.by_key(kind, &email, &json!(value)).len();
        assert_eq!((ids("A@X.IO"), ids("b@x.io"), store.count(kind)), (1, 0, 1));
        assert!(store.get("003b").is_none());
    }
}
