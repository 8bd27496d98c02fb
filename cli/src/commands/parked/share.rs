//! Whose parked versions a command acts on, and how many: what is asked, shown and written down before it is done.

use super::act::What;
use super::entry::Entry;
use crate::output::{count, one_line, or_dash};
use rtr_core::item::SlotState;
use rtr_core::key::ConnectionKey;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Shares that a person is shown; a script gets all.
const SHOWN: usize = 20;

/// What was found, by what becomes of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Meant {
    /// Acted on.
    pub(super) entries: Vec<Entry>,
    /// They wait for another record, and are left alone.
    pub(super) waiting: usize,
    /// They were given up before, and cannot be made due.
    pub(super) dropping: usize,
}

/// What is acted on of one type at one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Share {
    org_id: String,
    connection: String,
    record_type: Option<String>,
    versions: usize,
}

impl Meant {
    /// Of `found`.
    pub(super) fn of(found: Vec<Entry>, what: What) -> Self {
        let mut meant = Self::default();
        for entry in found {
            match (entry.state, what) {
                (SlotState::Waiting, _) => meant.waiting += 1,
                (SlotState::Drop, What::Drain) => meant.dropping += 1,
                _ => meant.entries.push(entry),
            }
        }
        meant
    }
}

/// Whose `entries` are, in the order of their names.
pub(super) fn shares(entries: &[Entry]) -> Vec<Share> {
    let mut of: BTreeMap<(&ConnectionKey, Option<&String>), usize> = BTreeMap::new();
    for entry in entries {
        *of.entry((&entry.connection, entry.letter.record_type.as_ref())).or_default() += 1;
    }
    let share = |((key, record_type), versions): ((&ConnectionKey, Option<&String>), usize)| Share {
        org_id: key.org_id.clone(),
        connection: key.connection.clone(),
        record_type: record_type.cloned(),
        versions,
    };
    of.into_iter().map(share).collect()
}

/// The shares `of` what is dropped, and that `waiting` others are not.
pub(super) fn shares_words(of: &[Share], waiting: usize) -> String {
    let line = |Share { org_id, connection, record_type, versions }: &Share| {
        let versions = count(*versions, "parked version");
        one_line(&format!("{org_id} {connection}, {}: {versions}", or_dash(record_type.as_ref())))
    };
    let mut lines: Vec<String> = of.iter().take(SHOWN).map(line).collect();
    if of.len() > SHOWN {
        let rest = of[SHOWN..].iter().map(|share| share.versions).sum();
        lines.push(format!("… and {} of {} others", count(rest, "parked version"), of.len() - SHOWN));
    }
    if waiting > 0 {
        let versions = count(waiting, "version");
        lines.push(format!("left alone: {versions} waiting for another record"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;
    use rtr_core::code::Code;

    fn found() -> Vec<Entry> {
        let of = |id, state| entry(id, state, Code::Paused).unwrap();
        vec![
            of("c-1", SlotState::Parked),
            of("c-2", SlotState::Waiting),
            of("c-3", SlotState::Parked),
            of("c-4", SlotState::Drop),
            of("c-5", SlotState::Waiting),
        ]
    }

    #[test]
    fn given_what_waits_for_another_record_among_what_is_found_when_counted_then_it_counts_nowhere() {
        let dropped = Meant::of(found(), What::Drop);
        assert_eq!((dropped.entries.len(), dropped.waiting, dropped.dropping), (3, 2, 0));
        assert_eq!(
            shares_words(&shares(&dropped.entries), dropped.waiting),
            "acme hubspot, contact: 3 parked versions\nleft alone: 2 versions waiting for another record"
        );
        let drained = Meant::of(found(), What::Drain);
        assert_eq!((drained.entries.len(), drained.waiting, drained.dropping), (2, 2, 1));
    }

    #[test]
    fn given_more_shares_than_are_shown_when_told_then_the_others_are_counted() {
        let of = shares(&Meant::of(found(), What::Drain).entries);
        assert_eq!(shares_words(&of, 0), "acme hubspot, contact: 2 parked versions");
        let many = vec![of[0].clone(); SHOWN + 3];
        assert!(shares_words(&many, 0).ends_with("… and 6 parked versions of 3 others"));
    }
}
