//! What happens in one search of the protocol, and which rule it may do without.

use rtr_core::code::Code;
use rtr_core::item::{Body, Reason};
use rtr_core::plan::Wait;
use rtr_core::settle::{Ending, Filing, Parking};
use rtr_core::time::Instant;
use serde_json::Value;

/// A rule that a search may switch off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Only what was received once is called unchanged.
    Elide,
    /// A skipped version that came before removes the hash.
    Skip,
    /// A message whose call's outcome is unknown comes back only after the request landed or died, its hash removed.
    Hold,
    /// A crashed worker's message comes back only after its requests landed or died.
    Quarantine,
    /// What sleeps is looked at again by itself, since its wake-up may be lost.
    Look,
}

/// What happens in one search.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scenario {
    /// The record's content by version; version 1 is applied at the beginning.
    pub(crate) content: &'static [(u64, &'static str)],
    /// Versions on the queue, in order.
    pub(crate) queue: &'static [u64],
    /// Versions the mapping does not want.
    pub(crate) skipped: &'static [u64],
    /// Versions the CRM refuses until the cause is mended.
    pub(crate) bad: &'static [u64],
    /// Versions the CRM may refuse.
    pub(crate) flaky: &'static [u64],
    /// Crashes, unknown outcomes and redrives that may happen.
    pub(crate) crashes: u8,
    pub(crate) unknowns: u8,
    pub(crate) redrives: u8,
    /// Definite answers that say "not now".
    pub(crate) throttles: u8,
    /// Whether the record goes to other connections too: what cannot go now is parked, and its message acknowledged.
    pub(crate) parks: bool,
    /// Whether the record refers to another, which is not linked at the beginning.
    pub(crate) refers: bool,
    /// The rule that is switched off.
    pub(crate) without: Option<Rule>,
}

/// A dead letter of `data`.
pub(crate) fn dead(data: Value, reason: Reason, uncertain: bool) -> Ending {
    Ending::Dead(Box::new(Filing {
        reason,
        body: Body::Inline(data),
        deleted: false,
        attempts: 1,
        uncertain,
        not_created: false,
    }))
}

/// `data` kept until `until`, or until what it waits for is linked.
pub(crate) fn parked(data: Value, until: Instant, wait: Option<Wait>) -> Ending {
    let reason =
        wait.as_ref().map_or_else(|| Reason::new(Code::Throttled, "not now"), |wait| wait.reason.clone());
    Ending::Parked(Box::new(Parking {
        reason,
        body: Body::Inline(data),
        deleted: false,
        attempts: 1,
        until,
        wait,
    }))
}
