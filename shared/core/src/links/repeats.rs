//! Lines of one file that contradict each other, found before any is written: else the first one would win by chance.
//!
//! A line is kept as two numbers and its place, so that a million lines take 48 MB and not a database.

use super::Told;
use crate::digest;
use std::collections::BTreeMap;

/// A line's other side: digest of what must be single, digest of what it stands with, place.
type Side = (u64, u64, u32);

/// All lines of a file, read once.
#[derive(Debug, Default)]
pub struct Repeats {
    by_record: Vec<Side>,
    by_external: Vec<Side>,
}

/// What contradicts a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// This line links the same record to another external id.
    Record(u64),
    /// This line links another record to the same external id.
    External(u64),
}

impl Repeats {
    /// Adds the line at place `line`, counted from 1.
    pub fn add(&mut self, line: u64, told: &Told) {
        let (record, external) =
            (digest::number(told.record_id.as_bytes()), digest::number(told.external_id.as_bytes()));
        let place = u32::try_from(line).unwrap_or(u32::MAX);
        self.by_record.push((record, external, place));
        self.by_external.push((external, record, place));
    }

    /// The lines that another one contradicts, by place, with the first line that does.
    #[must_use]
    pub fn conflicts(self) -> BTreeMap<u64, Conflict> {
        let mut found = BTreeMap::new();
        contradicted(self.by_external, |line, other| found.extend([(line, Conflict::External(other))]));
        contradicted(self.by_record, |line, other| found.extend([(line, Conflict::Record(other))]));
        found
    }
}

fn contradicted(mut sides: Vec<Side>, mut tell: impl FnMut(u64, u64)) {
    sides.sort_unstable();
    for group in sides.chunk_by(|one, two| one.0 == two.0) {
        // Equal lines agree: a group has to hold two different partners.
        if group.iter().all(|side| side.1 == group[0].1) {
            continue;
        }
        for side in group {
            let other = group.iter().find(|other| other.1 != side.1).map_or(side.2, |other| other.2);
            tell(u64::from(side.2), u64::from(other));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn conflicts(lines: &[(&str, &str)]) -> Vec<(u64, Conflict)> {
        let mut repeats = Repeats::default();
        for (at, (record, external)) in lines.iter().enumerate() {
            repeats.add(at as u64 + 1, &told(record, external));
        }
        repeats.conflicts().into_iter().collect()
    }

    fn told(record: &str, external: &str) -> Told {
        Told { record_id: record.to_owned(), external_id: external.to_owned(), version: None }
    }

    #[test]
    fn given_lines_that_contradict_when_compared_then_every_one_is_named_and_equal_ones_are_fine() {
        let lines = [("a", "1"), ("b", "2"), ("c", "2"), ("d", "3"), ("d", "4"), ("a", "1")];
        use Conflict::{External, Record};
        assert_eq!(conflicts(&lines), [(2, External(3)), (3, External(2)), (4, Record(5)), (5, Record(4))]);
    }

    proptest! {
        #[test]
        fn given_any_lines_when_those_in_conflict_are_left_out_then_the_rest_is_one_to_one(
            lines in proptest::collection::vec(("[a-d]", "[1-4]"), 0..12),
        ) {
            let mut repeats = Repeats::default();
            for (at, (record, external)) in lines.iter().enumerate() {
                repeats.add(at as u64, &told(record, external));
            }
            let out = repeats.conflicts();
            let kept: BTreeSet<_> =
                lines.iter().enumerate().filter(|(at, _)| !out.contains_key(&(*at as u64))).map(|(_, one)| one).collect();
            let records: BTreeSet<_> = kept.iter().map(|(record, _)| record).collect();
            let externals: BTreeSet<_> = kept.iter().map(|(_, external)| external).collect();
            prop_assert_eq!((records.len(), externals.len()), (kept.len(), kept.len()));
        }
    }
}
