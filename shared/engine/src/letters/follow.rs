//! What became of what a redrive sent, read from the items: the wake-ups answer to nobody.

use super::decision::Seen;
use super::letter::Letter;
use super::send::Sent;
use crate::seams::{Records, Unavailable};
use rtr_core::code::Code;
use rtr_core::item::{Ended, Item, Reason, SlotState};
use rtr_core::key::Whose;
use serde::Serialize;
use std::collections::VecDeque;

/// What became of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It lies there still: its wake-up was not worked yet.
    UnderWay,
    /// So it ended, or waits to go by itself.
    Ended(Ended),
    /// It was tried, and is dead again.
    DeadAgain(Reason),
}

/// What became of the version that was `seen` dead, by its item as it stands now.
#[must_use]
pub fn became(item: Option<&Item>, seen: Seen, whose: Whose) -> Became {
    let Some(item) = item else { return Became::Ended(Ended::Superseded) };
    let newer = |version: u64| seen.version.is_some_and(|seen| version > seen);
    let Some(slot) = &item.slot else { return Became::Ended(ended(item, seen, whose)) };
    match slot.state {
        SlotState::Dead if slot.since == seen.since => Became::UnderWay,
        SlotState::Dead => Became::DeadAgain(slot.reason.clone()),
        // The CRM has it, all but a record that it refers to.
        SlotState::Incomplete => Became::Ended(ended(item, seen, whose)),
        _ if newer(slot.wanted_version) => Became::Ended(Ended::Superseded),
        SlotState::Parked | SlotState::Waiting | SlotState::Drop => Became::Ended(Ended::Parked),
    }
}

/// How it ended where nothing of it is kept any more, by the outcomes that the item remembers.
fn ended(item: &Item, seen: Seen, whose: Whose) -> Ended {
    let over = |ended: Ended| !matches!(ended, Ended::Dead | Ended::Parked);
    let mut latest = item.recent.iter().rev();
    // What came of a CRM's record is told as of the version that it had when it was looked at anew.
    let own = match whose {
        Whose::External => latest.next(),
        Whose::Record | Whose::Feed => latest.find(|recent| Some(recent.version) == seen.version),
    };
    match own.filter(|recent| over(recent.ended)) {
        Some(recent) => recent.ended,
        None if item.applied_version.is_some() && item.applied_version == seen.version => Ended::Applied,
        None => Ended::Superseded,
    }
}

/// How many ended how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// The CRM, or the internal system, has it.
    pub applied: usize,
    /// It had it before.
    pub unchanged: usize,
    /// A newer version took its place.
    pub superseded: usize,
    /// It is not for this CRM, or was dropped meanwhile.
    pub skipped: usize,
    /// It cannot go now, and goes by itself.
    pub parked: usize,
    /// Sent as events: they end at their records.
    pub resent: usize,
    /// Not worked yet.
    pub under_way: usize,
    /// Tried, and dead again: by cause, the most frequent first.
    pub dead_again: Vec<DeadAgain>,
}

/// Those that died again of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadAgain {
    /// The code.
    pub code: Code,
    /// The field at fault.
    pub field: Option<String>,
    /// Our words.
    pub message: String,
    /// How many.
    pub count: usize,
    /// One of them.
    pub example: String,
}

/// Follows what was sent until it has ended.
#[derive(Debug, Default)]
pub struct Following {
    left: VecDeque<Sent>,
    outcomes: Outcomes,
}

impl Following {
    /// These too.
    pub fn add(&mut self, sent: Vec<Sent>) {
        for one in sent {
            if one.anew {
                self.outcomes.resent += 1;
            } else {
                self.left.push_back(one);
            }
        }
    }

    /// How many have not ended, as far as was looked.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// How many have.
    #[must_use]
    pub fn ended(&self) -> usize {
        let Outcomes { applied, unchanged, superseded, skipped, parked, dead_again, .. } = &self.outcomes;
        let again: usize = dead_again.iter().map(|group| group.count).sum();
        applied + unchanged + superseded + skipped + parked + again
    }

    /// Looks at `most` of those that are left, those first that were looked at longest ago.
    ///
    /// # Errors
    /// When the items cannot be read; all of them are left then.
    pub async fn look(&mut self, records: &dyn Records, most: usize) -> Result<(), Unavailable> {
        let some = most.min(self.left.len());
        let keys: Vec<_> = self.left.iter().take(some).map(|sent| sent.letter.key.clone()).collect();
        let items = if keys.is_empty() { return Ok(()) } else { records.read(&keys).await? };
        for _ in 0..some {
            let Some(sent) = self.left.pop_front() else { break };
            let key = &sent.letter.key;
            match became(items.get(key), sent.seen, key.whose()) {
                Became::UnderWay => self.left.push_back(sent),
                Became::Ended(ended) => self.count(ended),
                Became::DeadAgain(reason) => self.count_dead(&sent.letter, reason),
            }
        }
        Ok(())
    }

    fn count(&mut self, ended: Ended) {
        let outcomes = &mut self.outcomes;
        match ended {
            Ended::Applied => outcomes.applied += 1,
            Ended::Unchanged => outcomes.unchanged += 1,
            Ended::Superseded | Ended::Dead => outcomes.superseded += 1,
            Ended::Skipped => outcomes.skipped += 1,
            Ended::Parked => outcomes.parked += 1,
        }
    }

    fn count_dead(&mut self, letter: &Letter, reason: Reason) {
        let Reason { code, message, field, .. } = reason;
        let same =
            |group: &&mut DeadAgain| group.code == code && group.field == field && group.message == message;
        match self.outcomes.dead_again.iter_mut().find(same) {
            Some(group) => group.count += 1,
            None => {
                let example = letter.id.clone();
                self.outcomes.dead_again.push(DeadAgain { code, field, message, count: 1, example });
            }
        }
    }

    /// What is known by now.
    #[must_use]
    pub fn outcomes(&self) -> Outcomes {
        let mut outcomes = Outcomes { under_way: self.left.len(), ..self.outcomes.clone() };
        outcomes.dead_again.sort_by_key(|group| std::cmp::Reverse(group.count));
        outcomes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::item::{Body, Slot};
    use rtr_core::time::Instant;
    use serde_json::json;

    const SEEN: Seen = Seen { version: Some(7), since: Instant(1) };

    fn slot(state: SlotState, version: u64, since: i64) -> Slot {
        Slot {
            trace: None,
            wanted_version: version,
            mapping_revision: 1,
            state,
            deleted: false,
            body: Body::Inline(json!({})),
            reason: Reason::new(Code::Invalid, "refused"),
            since: Instant(since),
            not_before: Instant(0),
            attempts: 1,
            waits: None,
            backfill: false,
            occurred_at: None,
        }
    }

    fn dead() -> Item {
        Item { slot: Some(slot(SlotState::Dead, 7, 1)), ..Item::default() }.noting(
            Ended::Dead,
            7,
            Instant(1),
            Some(Code::Invalid),
        )
    }

    fn now(item: &Item) -> Became {
        became(Some(item), SEEN, Whose::Record)
    }

    #[test]
    fn given_what_was_woken_when_looked_at_then_its_item_tells_how_it_ended() {
        assert_eq!(now(&dead()), Became::UnderWay);
        let done = |ended| {
            let item = Item { slot: None, applied_version: Some(7), ..dead() };
            now(&item.noting(ended, 7, Instant(2), None))
        };
        for ended in [Ended::Applied, Ended::Unchanged, Ended::Skipped] {
            assert_eq!(done(ended), Became::Ended(ended));
        }
        let again = Item { slot: Some(slot(SlotState::Dead, 7, 2)), ..dead() };
        assert!(matches!(now(&again), Became::DeadAgain(reason) if reason.code == Code::Invalid));
        let parked = |version| Item { slot: Some(slot(SlotState::Parked, version, 1)), ..dead() };
        assert_eq!(now(&parked(7)), Became::Ended(Ended::Parked));
        assert_eq!(now(&parked(8)), Became::Ended(Ended::Superseded));
        let newer = Item { slot: None, applied_version: Some(8), ..dead() };
        assert_eq!(now(&newer.noting(Ended::Applied, 8, Instant(2), None)), Became::Ended(Ended::Superseded));
        let open = Item {
            slot: Some(slot(SlotState::Incomplete, 7, 1)),
            applied_version: Some(7),
            recent: Vec::new(),
            ..dead()
        };
        assert_eq!(now(&open), Became::Ended(Ended::Applied), "what it remembers may be elsewhere by now");
        assert_eq!(became(None, SEEN, Whose::Record), Became::Ended(Ended::Superseded));
    }

    #[test]
    fn given_a_crms_record_when_it_was_told_at_a_later_version_then_it_is_told() {
        let told = Item { slot: None, ..dead() }.noting(Ended::Applied, 9, Instant(2), None);
        assert_eq!(became(Some(&told), SEEN, Whose::External), Became::Ended(Ended::Applied));
    }
}
