//! The way from the queue to the CRM: what of a backfill is still on it.

use super::pressure::depth;
use super::stops::Stopped;
use crate::aws::{Aws, unavailable};
use crate::problem::Problem;
use rtr_aws::function::Runtime;
use rtr_aws::records::{Backlog, backlog};
use rtr_core::item::{Item, Lane};
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::time::Instant;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::VecDeque;

/// Events sent last that are looked for one by one, where the queue is never empty: more than may wait in it.
const TAIL: usize = 20_000;
/// Items read at once.
const READ: usize = 100;
/// Items read for one look.
const READ_A_LOOK: usize = 2_000;
/// Looks in a row that must find nothing: indexes and counts of queues are late.
const QUIET_LOOKS: u32 = 2;

/// What of a backfill is parked at one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Waiting {
    /// The connection.
    pub(super) connection: String,
    /// How much.
    pub(super) parked: u64,
    /// Whether it was counted, and not estimated.
    pub(super) exact: bool,
    /// Why it does not go, if its connection is stopped.
    pub(super) stopped: Option<Stopped>,
}

/// The way of one backfill.
pub(super) struct Way<'a> {
    aws: &'a Aws,
    runtime: &'a Runtime,
    connections: Vec<ConnectionKey>,
    /// When it began, where what is applied already is written again: until something ends after that, it is on its way.
    since: Option<Instant>,
    /// The last events sent, the newest at the end: record and version.
    tail: VecDeque<(String, u64)>,
    turn: u64,
    quiet: u32,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    /// Parked, by connection.
    pub(super) waiting: Vec<Waiting>,
    /// Messages in the queue, others' too.
    pub(super) queued: u64,
    /// Whether everything has reached the CRM, or ended otherwise.
    pub(super) over: bool,
}

impl Look {
    /// The most that waits at one connection: one event waits at each.
    pub(super) fn parked(&self) -> u64 {
        self.waiting.iter().map(|one| one.parked).max().unwrap_or(0)
    }
}

impl<'a> Way<'a> {
    /// To `connections`.
    pub(super) fn new(
        aws: &'a Aws,
        runtime: &'a Runtime,
        connections: Vec<ConnectionKey>,
        since: Option<Instant>,
    ) -> Self {
        Self { aws, runtime, connections, since, tail: VecDeque::new(), turn: 0, quiet: 0 }
    }

    /// This version of the record was sent.
    pub(super) fn sent(&mut self, record: &str, version: u64) {
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back((record.to_owned(), version));
    }

    /// What is parked.
    pub(super) async fn parked(&mut self) -> Result<Vec<Waiting>, Problem> {
        let table = self.aws.stack.output("RECORDS_TABLE_NAME")?;
        self.turn += 1;
        let mut waiting = Vec::new();
        for key in &self.connections {
            let counted = backlog(&self.aws.clients.dynamodb, table, key, self.turn).await;
            let Backlog { parked, exact } =
                counted.map_err(|error| unavailable("counting what is parked", &self.aws.place, &error))?;
            waiting.push(Waiting { connection: key.connection.clone(), parked, exact, stopped: None });
        }
        Ok(waiting)
    }

    /// Looks whether all of it has reached the CRM, once everything is sent.
    ///
    /// It has, when nothing of a backfill is parked, and either the queue was empty since or the last events that were sent
    /// have left it, as their records say.
    pub(super) async fn look(&mut self) -> Result<Look, Problem> {
        let queued = depth(self.aws).await?;
        let waiting = self.parked().await?;
        let none = waiting.iter().all(|one| one.parked == 0);
        let left = none && (queued == 0 || self.tail_has_left().await?);
        self.quiet = if left { self.quiet + 1 } else { 0 };
        Ok(Look { waiting, queued, over: self.quiet >= QUIET_LOOKS })
    }

    /// Forgets those of the last events that have arrived; whether none is left.
    async fn tail_has_left(&mut self) -> Result<bool, Problem> {
        let mut read = 0;
        while read < READ_A_LOOK && !self.tail.is_empty() {
            let some: Vec<(String, u64)> = self.tail.iter().take(READ).cloned().collect();
            let keys: Vec<PairKey> = some.iter().flat_map(|(record, _)| self.pairs(record)).collect();
            let found = self.runtime.seams().records.read(&keys).await;
            let found = found.map_err(|error| unavailable("reading records", &self.aws.place, &error))?;
            let here = |(record, version): &(String, u64)| {
                self.pairs(record).all(|key| has_arrived(found.get(&key), *version, self.since))
            };
            let arrived: Vec<bool> = some.iter().map(here).collect();
            let gone = arrived.iter().take_while(|arrived| **arrived).count();
            self.tail.drain(..gone);
            if gone < some.len() {
                return Ok(false);
            }
            read += some.len();
        }
        Ok(self.tail.is_empty())
    }

    fn pairs(&self, record: &str) -> impl Iterator<Item = PairKey> {
        self.connections.iter().map(|connection| PairKey { pk: record.to_owned(), sk: connection.key() })
    }
}

/// Whether `version` is past the queue and the lane: told to the CRM, ended otherwise, or a live one's business by now.
fn has_arrived(item: Option<&Item>, version: u64, since: Option<Instant>) -> bool {
    let Some(item) = item else { return false };
    let kept = item.slot.as_ref().filter(|slot| slot.wanted_version >= version);
    match kept {
        Some(slot) => !(slot.backfill && slot.state.lane() == Lane::Bulk),
        None if item.applied_version == Some(version) => {
            since.is_none_or(|since| item.recent.iter().any(|last| last.at >= since))
        }
        None => item.applied_version >= Some(version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::code::Code;
    use rtr_core::item::{Body, Ended, Reason, Recent, Slot, SlotState};

    #[test]
    fn given_items_when_asked_then_a_version_has_arrived_once_it_is_neither_queued_nor_parked_by_a_backfill()
    {
        let slot = |state, backfill| Slot {
            trace: None,
            wanted_version: 5,
            mapping_revision: 1,
            state,
            deleted: false,
            body: Body::Inline(serde_json::Value::Null),
            reason: Reason::new(Code::Backfilled, ""),
            since: Instant(0),
            not_before: Instant(0),
            attempts: 1,
            waits: None,
            backfill,
            occurred_at: None,
        };
        let item = |applied, slot| Item { applied_version: applied, slot, ..Item::default() };
        let parked = item(Some(4), Some(slot(SlotState::Parked, true)));
        let dead = item(None, Some(slot(SlotState::Dead, false)));
        let live = item(None, Some(slot(SlotState::Parked, false)));
        let cases = [None, Some(&parked), Some(&dead), Some(&live)];
        assert_eq!(cases.map(|item| has_arrived(item, 5, None)), [false, false, true, true]);
        let applied = |version| item(Some(version), None);
        assert!(has_arrived(Some(&applied(5)), 5, None) && !has_arrived(Some(&applied(4)), 5, None));
        // What is written again was there before.
        let written = Recent {
            field: None,
            trail: None,
            ended: Ended::Applied,
            version: 5,
            at: Instant(9),
            code: None,
        };
        let again = Item { recent: vec![written], ..applied(5) };
        let since = |at| Some(Instant(at));
        assert!(has_arrived(Some(&again), 5, since(9)) && !has_arrived(Some(&again), 5, since(10)));
        assert!(has_arrived(Some(&applied(6)), 5, since(10)));
        assert!(!has_arrived(Some(&item(Some(4), Some(slot(SlotState::Dead, false)))), 6, None));
    }
}
