//! A bulk lane as a row and back. These rows never expire: a number forgotten would make an old baton worth something.

use super::Kind;
use crate::attributes::{Row, Unreadable, n, number, required, s, text};
use rtr_core::digest;
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::time::Instant;
use rtr_engine::seams::Baton;
use std::collections::HashMap;

/// The sparse index of the lanes that are to be looked at; its keys are `lanes_pk` and `lanes_at`.
pub(super) const INDEX: &str = "lanes";
/// Partitions of the index: one takes a thousand writes a second, and whoever parks writes at most one in five.
const SHARDS: u64 = 4;

/// A lane as last seen in the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// Raised by every write; 0 where there is no row.
    pub(super) rev: u64,
    /// The write it came by: another write has another.
    pub(super) by: String,
    /// The lane.
    pub(super) lane: Lane,
}

/// The partitions of the index.
pub(super) fn partitions() -> impl Iterator<Item = String> {
    (0..SHARDS).map(partition)
}

fn partition(shard: u64) -> String {
    format!("{INDEX}#{shard}")
}

pub(super) fn to_row(connection: &ConnectionKey, stored: &Stored) -> Row {
    let key = connection.key();
    let Lane { n: number, due_at, wanted_at, taken_at, runs, looks, note, held_until } = &stored.lane;
    let mut row = HashMap::from([
        ("pk".to_owned(), s(Kind::Lane.key(&key))),
        // The key may be a digest.
        ("org_id".to_owned(), s(&connection.org_id)),
        ("connection".to_owned(), s(&connection.connection)),
        ("n".to_owned(), n(number)),
        ("runs".to_owned(), n(runs)),
        ("looks".to_owned(), n(looks)),
        ("rev".to_owned(), n(stored.rev)),
        ("by".to_owned(), s(&stored.by)),
    ]);
    if due_at.is_some() {
        row.insert("lanes_pk".to_owned(), s(partition(digest::number(key.as_bytes()) % SHARDS)));
    }
    let times =
        [("lanes_at", due_at), ("wanted_at", wanted_at), ("taken_at", taken_at), ("held_until", held_until)];
    for (name, at) in times {
        if let Some(at) = at {
            row.insert(name.to_owned(), n(at.0));
        }
    }
    if let Some(note) = note {
        row.insert("note".to_owned(), s(note));
    }
    row
}

pub(super) fn from_row(row: &Row) -> Result<Stored, Unreadable> {
    let time = |name| number(row, name).map(|at| at.map(Instant));
    let lane = Lane {
        n: required(number(row, "n")?, "n")?,
        due_at: time("lanes_at")?,
        wanted_at: time("wanted_at")?,
        taken_at: time("taken_at")?,
        runs: number(row, "runs")?.unwrap_or(0),
        looks: number(row, "looks")?.unwrap_or(0),
        note: text(row, "note")?.map(str::to_owned),
        held_until: time("held_until")?,
    };
    let by = text(row, "by")?.unwrap_or_default().to_owned();
    Ok(Stored { rev: required(number(row, "rev")?, "rev")?, by, lane })
}

/// When the lane is due and what starts it, as the index shows it.
pub(super) fn baton(row: &Row) -> Result<(Instant, Baton), Unreadable> {
    let name = |name| required(text(row, name)?, name).map(str::to_owned);
    let connection = ConnectionKey::new(name("org_id")?, name("connection")?);
    let at = Instant(required(number(row, "lanes_at")?, "lanes_at")?);
    Ok((at, Baton { connection, n: required(number(row, "n")?, "n")? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(lane: Lane) -> Row {
        let stored = Stored { rev: 3, by: "w-1".to_owned(), lane };
        let row = to_row(&ConnectionKey::new("ac#me", "hubspot"), &stored);
        assert_eq!(from_row(&row).unwrap(), stored);
        row
    }

    #[test]
    fn given_a_lane_when_stored_and_read_then_it_is_the_same_and_the_index_tells_its_baton() {
        let lane = Lane {
            n: 7,
            due_at: Some(Instant(40)),
            wanted_at: Some(Instant(5)),
            taken_at: Some(Instant(4)),
            runs: 2,
            looks: 3,
            note: Some("{\"job\":1}".to_owned()),
            held_until: Some(Instant(39)),
        };
        let row = there_and_back(lane);
        assert!(partitions().any(|partition| row["lanes_pk"] == s(partition)));
        let expected = Baton { connection: ConnectionKey::new("ac#me", "hubspot"), n: 7 };
        assert_eq!(baton(&row).unwrap(), (Instant(40), expected));
    }

    #[test]
    fn given_a_lane_that_nobody_has_to_look_at_when_stored_then_the_index_does_not_show_it() {
        let row = there_and_back(Lane::default());
        assert!(!row.contains_key("lanes_pk") && !row.contains_key("lanes_at"));
    }
}
