//! One record at one connection, on its way through the stages: planned, executed, committed.

use super::fate::MessageFate;
use super::sent;
use crate::seams::Names;
use rtr_connectors::registry::Connector;
use rtr_core::change::Operation;
use rtr_core::code::Code;
use rtr_core::config::{Connection, MappingAt, OrgConfig};
use rtr_core::item::{Body, Ended, Item, Lane, Reason, SlotState};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::mapping::{Mapped, Reference};
use rtr_core::payload::Resolved;
use rtr_core::plan::{Go, Incoming};
use rtr_core::sent::Sent;
use rtr_core::settle::Attempt;
use rtr_core::time::Instant;
use rtr_core::trace::Trace;
use rtr_core::trail::Trail;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One record at one connection.
pub(crate) struct Job {
    pub(crate) key: PairKey,
    pub(crate) record: RecordKey,
    pub(crate) connection: ConnectionKey,
    /// The message it came by, as a place in the batch.
    pub(crate) message: usize,
    /// Who works it.
    pub(crate) lane: Lane,
    pub(crate) receive_count: u32,
    pub(crate) first_received_at: Instant,
    /// When the version arrived: a wait for a reference begins then.
    pub(crate) arrived: Instant,
    pub(crate) again: bool,
    pub(crate) wake: bool,
    pub(crate) version: u64,
    pub(crate) by: String,
    pub(crate) operation: Operation,
    /// When the change occurred, by the internal system's word; when it arrived, where that says nothing.
    pub(crate) occurred_at: Instant,
    /// The change that came beside a wake: it counts if the wake finds nothing to wake.
    pub(crate) beside: Option<Beside>,
    /// The event's record; a wake's is the dead slot's, known once the item is read.
    pub(crate) data: Value,
    pub(crate) setup: Setup,
    pub(crate) mapped: Option<Mapped>,
    pub(crate) key_value: Option<String>,
    /// What made mapping impossible.
    pub(crate) unmappable: Option<Reason>,
    pub(crate) references: Vec<(Reference, Resolved)>,
    /// The item as last read or written by us.
    pub(crate) item: Item,
    /// Where the data of a version lies that will have to be completed.
    pub(crate) kept: Option<Body>,
    pub(crate) stage: Stage,
    /// Whether it goes after another of its batch, which it refers to.
    pub(crate) deferred: bool,
    /// Whether those of its batch that refer to it know what became of it: what they read since is newer.
    pub(crate) told: bool,
    /// Whether it was linked when it was first read.
    pub(crate) linked_before: bool,
    /// Whether its record goes to other connections too.
    pub(crate) several: bool,
    /// Whether it came by a backfill: only the bulk lane calls for it, behind all that is live.
    pub(crate) backfill: bool,
    /// Whether it is to be written although its version is applied already.
    pub(crate) rewrite: bool,
    /// Whether it takes the place of what is parked, and only that: what it would park anew no lane knows of.
    pub(crate) replaces: bool,
    /// Older versions of its batch, which may have been sent before: their records.
    pub(crate) before: Vec<Value>,
    /// What the CRM's record was found to hold before it is written to, where values flow back from it.
    pub(crate) compared: Option<Compared>,
    /// When its event entered its queue; of what was parked, since when it is.
    pub(crate) entered_at: Instant,
    /// The trace that it is part of.
    pub(crate) trace: Option<Trace>,
    /// What was called for it in this invocation.
    pub(crate) trail: Trail,
}

/// What was found of a linked record before it is written to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Compared {
    /// What is not written of the version: the CRM holds it, or its own value stands.
    pub(crate) left: BTreeSet<String>,
    /// Of these, where the CRM's own value stands.
    pub(crate) kept: BTreeSet<String>,
    /// Whether our key is in its place.
    pub(crate) stamped: bool,
    /// Whether the CRM holds something that the internal system has not been told of.
    pub(crate) news: bool,
}

/// A change event that a wake stands for.
pub(crate) struct Beside {
    pub(crate) message: usize,
    pub(crate) receive_count: u32,
    pub(crate) first_received_at: Instant,
    pub(crate) by: String,
    pub(crate) version: u64,
    pub(crate) operation: Operation,
    pub(crate) occurred_at: Instant,
    pub(crate) data: Value,
    pub(crate) backfill: bool,
    pub(crate) rewrite: bool,
    pub(crate) entered_at: Instant,
    pub(crate) trace: Option<Trace>,
}

/// What the configuration says of the pair.
pub(crate) struct Setup {
    pub(crate) config: Arc<OrgConfig>,
    pub(crate) mapping: Arc<MappingAt>,
    pub(crate) connector: Connector,
}

/// How far a job is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Not decided yet.
    Read,
    /// The CRM is to be told.
    Going(Box<Go>),
    /// Ended, and written where it needs to be.
    Ended(Ended, Option<Reason>),
    /// To come back.
    Returned(MessageFate, Reason),
}

impl Job {
    /// The connection's settings; present because a job is made of them.
    pub(crate) fn settings(&self) -> Option<&Connection> {
        self.setup.config.connections.get(&self.connection.connection)
    }

    /// Whether values flow back from the CRM to the internal system.
    pub(crate) fn flows_back(&self) -> bool {
        self.setup.config.inbound.is_some() && self.setup.mapping.mapping.flows_back()
    }

    pub(crate) fn incoming(&self) -> Incoming {
        Incoming {
            lane: self.lane,
            version: self.version,
            mapping_revision: self.setup.mapping.revision,
            operation: self.operation,
            wake: self.wake,
            again: self.again,
            rewrite: self.rewrite,
        }
    }

    /// The time at the earliest, as far as is known: by it a hold is over. A message that comes for the first time tells the
    /// queue's time, and a clock of ours that is ahead of it must not end a hold too soon.
    pub(crate) fn earliest(&self, now: Instant) -> Instant {
        if self.receive_count == 1 { now.min(self.first_received_at) } else { now }
    }

    /// The time at the latest, as far as is known: from it a hold is counted, though our clock be behind the queue's.
    pub(crate) fn latest(&self, now: Instant) -> Instant {
        now.max(self.first_received_at)
    }

    pub(crate) fn attempt(&self) -> Attempt {
        Attempt {
            lane: self.lane,
            version: self.version,
            mapping_revision: self.setup.mapping.revision,
            by: self.by.clone(),
            again: self.again,
            backfill: self.backfill,
            rewrite: self.rewrite,
            occurred_at: Some(self.occurred_at),
            trace: self.trace.clone(),
            sent: self.sent(),
        }
    }

    /// What this version may have written, once it was called for, and older ones before it: where values flow back.
    fn sent(&self) -> Sent {
        let at = &self.setup.mapping;
        match (self.going(), &self.mapped) {
            _ if !self.flows_back() => Sent::default(),
            (Some(go), _) => self.older().and(&sent::only_back(at, &go.base)),
            // An earlier try may have called for it.
            (None, Some(mapped)) if self.again => self.older().and(&sent::of_mapped(at, mapped)),
            (None, _) => self.older(),
        }
    }

    /// What older versions may have written whose outcome nobody knows: those of its batch, and the one whose place it takes.
    pub(crate) fn older(&self) -> Sent {
        let slot = self.item.slot.as_ref().filter(|slot| slot.wanted_version < self.version);
        let replaced = slot.and_then(|slot| match &slot.body {
            Body::Inline(data) if slot.state == SlotState::Parked && !slot.deleted => Some(data),
            _ => None,
        });
        let (config, at) = (&self.setup.config, &self.setup.mapping);
        let each = self.before.iter().chain(replaced);
        each.map(|data| sent::of_data(config, at, &self.record, data))
            .fold(Sent::default(), |sent, marks| sent.and(&marks))
    }

    pub(crate) fn names(&self) -> Names {
        Names {
            org_id: Some(self.record.org_id.clone()),
            connection: Some(self.connection.connection.clone()),
            record_type: Some(self.record.record_type.clone()),
            record_id: Some(self.record.record_id.clone()),
        }
    }

    /// Receives of the version so far, over all its messages.
    pub(crate) fn attempts(&self) -> u32 {
        let slot = self.item.slot.as_ref().filter(|slot| slot.wanted_version == self.version && self.wake);
        // Of several messages in one batch another may be the one that was received before.
        let receives = if self.again { self.receive_count.max(2) } else { self.receive_count };
        slot.map_or(0, |slot| slot.attempts).saturating_add(receives)
    }

    pub(crate) fn going(&self) -> Option<&Go> {
        match &self.stage {
            Stage::Going(go) => Some(go),
            _ => None,
        }
    }

    /// The provider of its CRM.
    pub(crate) fn provider(&self) -> &'static str {
        self.setup.connector.facts().name
    }

    /// The way to an ending that is written now.
    pub(crate) fn trail_at(&self, now: Instant) -> Trail {
        Trail {
            entered_ms: u64::try_from(now.since_ms(self.entered_at)).unwrap_or(0),
            receives: self.attempts(),
            mapping_revision: self.setup.mapping.revision,
            ..self.trail.clone()
        }
    }

    pub(crate) fn end(&mut self, ended: Ended) {
        self.stage = Stage::Ended(ended, None);
    }

    pub(crate) fn give_back(&mut self, until: Instant, reason: Reason) {
        self.stage = Stage::Returned(MessageFate::Return(until), reason);
    }

    pub(crate) fn hold(&mut self, until: Instant, reason: Reason) {
        self.stage = Stage::Returned(MessageFate::Hold(until), reason);
    }

    pub(crate) fn give_back_as_is(&mut self, why: &str) {
        let reason = Reason::new(Code::StateUnavailable, why);
        self.stage = Stage::Returned(MessageFate::ReturnAsIs, reason);
    }

    pub(crate) fn fate(&self) -> MessageFate {
        match &self.stage {
            Stage::Ended(..) => MessageFate::Done,
            Stage::Returned(fate, _) => *fate,
            // Cannot be left over; were it, nothing is lost: the message comes back.
            Stage::Read | Stage::Going(_) => MessageFate::ReturnAsIs,
        }
    }
}

/// Why the mapping leaves a version alone.
pub(super) fn left(code: Code) -> Reason {
    Reason::new(code, code.about())
}
