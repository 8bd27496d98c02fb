//! What both sides had last of each property, in eight bytes each: four that stand for its name, four for its value.
//!
//! Nobody keeps a record's data once it is told, so what a CRM's record holds now is held against these: a property that has
//! the mark's value is as both sides last had it, whoever wrote it. A mark of four bytes is another value's once in four
//! thousand million changes of that property.

use crate::digest;
use crate::inbound::canonical::mark;
use serde_json::Value;

/// Bytes of one property.
const ENTRY: usize = 8;

/// In the place of a property's name, which has no such character: that the record is gone.
pub const GONE: &str = "!gone";

/// In the place of properties' names: the version that the internal system was told last, in two parts.
const TOLD: [&str; 2] = ["!told.high", "!told.low"];

/// Before a property's name: what the internal system was told of it last, which a version may have been written over since.
const HEARD: &str = "!heard.";

/// A value's mark.
pub type Mark = [u8; 4];

/// The marks of a record's properties, in the order of their names' digests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(Vec<u8>);

impl Marks {
    /// The marks of `values`, by the names of their properties.
    pub fn of<'a>(values: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Self {
        let mut marks = Self::default();
        values.into_iter().for_each(|(name, value)| marks.set(name, mark(value)));
        marks
    }

    /// Reads [`Self::as_bytes`]; what is no whole entry is left out.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes[..bytes.len() - bytes.len() % ENTRY].to_vec())
    }

    /// As they are kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As one property stands in [`Self::as_bytes`].
    pub(crate) fn entry(name: &str, mark: Mark) -> [u8; ENTRY] {
        let ([a, b, c, d], [w, x, y, z]) = (digest::four(name.as_bytes()), mark);
        [a, b, c, d, w, x, y, z]
    }

    /// Whether nothing is known of any property.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mark of the property `name`; none when its value is not known.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Mark> {
        let at = self.find(digest::four(name.as_bytes())).ok()?;
        let mark = self.0.get(at + 4..at + ENTRY)?;
        mark.try_into().ok()
    }

    /// Notes what the property `name` holds.
    pub fn set(&mut self, name: &str, mark: Mark) {
        self.put(digest::four(name.as_bytes()), mark);
    }

    /// Forgets what the property `name` holds.
    pub fn forget(&mut self, name: &str) {
        if let Ok(at) = self.find(digest::four(name.as_bytes())) {
            self.0.drain(at..at + ENTRY);
        }
    }

    /// Whether both sides know that the record is gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.get(GONE).is_some()
    }

    /// Notes whether both sides know that the record is gone.
    pub fn note_gone(&mut self, gone: bool) {
        if gone { self.set(GONE, [1; 4]) } else { self.forget(GONE) }
    }

    /// The version that the internal system was told last, or is being told.
    #[must_use]
    pub fn told(&self) -> Option<u64> {
        let [high, low] = TOLD.map(|name| self.get(name).map(u32::from_be_bytes));
        Some(u64::from(high?) << 32 | u64::from(low?))
    }

    /// Notes the version that the internal system is being told.
    pub fn note_told(&mut self, version: u64) {
        let [a, b, c, d, w, x, y, z] = version.to_be_bytes();
        self.set(TOLD[0], [a, b, c, d]);
        self.set(TOLD[1], [w, x, y, z]);
    }

    /// What the internal system was told last of the property `name`.
    #[must_use]
    pub fn heard(&self, name: &str) -> Option<Mark> {
        self.get(&format!("{HEARD}{name}"))
    }

    /// Notes what the internal system is being told of the property `name`: that is what both sides have now.
    pub fn hear(&mut self, name: &str, mark: Mark) {
        self.set(name, mark);
        self.set(&format!("{HEARD}{name}"), mark);
    }

    /// These, which the internal system may not be told of under a version that it was told of before.
    #[must_use]
    pub fn since(mut self, older: &Self) -> Self {
        if let Some(version) = older.told() {
            self.note_told(version);
        }
        self
    }

    /// These, of a record that is there.
    #[must_use]
    pub fn and_there(mut self) -> Self {
        self.note_gone(false);
        self
    }

    /// These, and `older` for what they do not know.
    #[must_use]
    pub fn over(&self, older: &Self) -> Self {
        let mut all = older.clone();
        for entry in self.0.as_chunks::<ENTRY>().0 {
            let [a, b, c, d, w, x, y, z] = *entry;
            all.put([a, b, c, d], [w, x, y, z]);
        }
        all
    }

    /// Whether `other` has every one of these.
    #[must_use]
    pub fn are_in(&self, other: &Self) -> bool {
        self.0.as_chunks::<ENTRY>().0.iter().all(|entry| other.0.as_chunks::<ENTRY>().0.contains(entry))
    }

    fn put(&mut self, name: [u8; 4], mark: Mark) {
        match self.find(name) {
            Ok(at) => self.0[at + 4..at + ENTRY].copy_from_slice(&mark),
            Err(at) => drop(self.0.splice(at..at, name.into_iter().chain(mark))),
        }
    }

    /// Where the entry of `name` begins, or where it would.
    fn find(&self, name: [u8; 4]) -> Result<usize, usize> {
        let found = self.0.as_chunks::<ENTRY>().0.binary_search_by(|entry| entry[..4].cmp(&name));
        found.map(|at| at * ENTRY).map_err(|at| at * ENTRY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn given_marks_when_laid_over_older_ones_then_what_they_do_not_know_stays() {
        let (a, b, c) = (json!("a"), json!("b"), json!("c"));
        let older = Marks::of([("one", &a), ("two", &b)]);
        let newer = Marks::of([("two", &c)]).over(&older);
        assert_eq!((newer.get("one"), newer.get("two")), (Some(mark(&a)), Some(mark(&c))));
        assert!(Marks::of([("one", &a)]).are_in(&newer) && !older.are_in(&newer));
        let mut told = newer.clone();
        told.note_told(1_795_000_000_000_000);
        assert_eq!((told.told(), newer.told()), (Some(1_795_000_000_000_000), None));
        assert_eq!(Marks::from_bytes(&[newer.as_bytes(), &[1, 2, 3]].concat()), newer);
        told.hear("one", mark(&c));
        assert_eq!(
            (told.get("one"), told.heard("one"), told.heard("two")),
            (Some(mark(&c)), Some(mark(&c)), None)
        );
        let written = Marks::of([("one", &a)]).over(&told);
        assert_eq!((written.get("one"), written.heard("one")), (Some(mark(&a)), Some(mark(&c))));
    }

    proptest! {
        #[test]
        fn given_any_changes_when_noted_then_each_property_has_its_last_mark(
            changes in proptest::collection::vec(("[a-e]", proptest::option::of("[x-z]")), 0..30),
        ) {
            let (mut marks, mut model) = (Marks::default(), BTreeMap::new());
            for (name, value) in &changes {
                match value {
                    Some(value) => {
                        marks.set(name, mark(&json!(value)));
                        model.insert(name.clone(), mark(&json!(value)));
                    }
                    None => {
                        marks.forget(name);
                        model.remove(name);
                    }
                }
            }
            for name in ["a", "b", "c", "d", "e"] {
                prop_assert_eq!(marks.get(name), model.get(name).copied());
            }
            prop_assert_eq!(marks.as_bytes().len(), model.len() * ENTRY);
            prop_assert_eq!(Marks::from_bytes(marks.as_bytes()), marks);
        }
    }
}
