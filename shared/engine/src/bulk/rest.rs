//! What stops a lane, what holds it, and what only puts one version off. Pure.

use crate::work::fate::MessageFate;
use rtr_core::code::Code;
use rtr_core::item::Reason;
use rtr_core::time::Instant;

/// How a lane's work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It is to be looked at then, or at once, and why it does not go on now.
    Until(Instant, Code),
    /// Nobody may call for anything before: a hold that no slot keeps is kept by the lane as a whole.
    Held(Instant),
    /// Nothing is due; when the next is, as far as the index shows.
    Empty {
        /// The first that is not due yet.
        next: Option<Instant>,
    },
}

impl Rest {
    /// The same, but looked at again by then, for `code`.
    pub(super) fn at_latest(self, at: Instant, code: Code) -> Self {
        match self {
            Self::Until(until, why) => Self::Until(until.min(at), why),
            Self::Held(until) => Self::Held(until),
            Self::Empty { next } => Self::Until(next.map_or(at, |next| next.min(at)), code),
        }
    }

    /// Why it does not go on; none when nothing is due.
    pub(super) fn code(self) -> Option<Code> {
        match self {
            Self::Until(_, code) => Some(code),
            Self::Held(_) => Some(Code::OutcomeUnknown),
            Self::Empty { .. } => None,
        }
    }

    /// Until when the lane is closed to every later worker.
    pub(super) fn held(self) -> Option<Instant> {
        match self {
            Self::Held(until) => Some(until),
            Self::Until(..) | Self::Empty { .. } => None,
        }
    }
}

/// What only a person ends is looked at again after this, in milliseconds.
const PATIENT_MS: i64 = 60_000;
/// A lane that cannot go on rests at least this long, in milliseconds…
const LEAST_MS: i64 = 1_000;
/// …but for one that waits for its tokens: those have a time of their own.
const TOKENS_MS: i64 = 20;

/// When a lane goes on that `fate`, for `reason`, has stopped; none when that is a matter of the one version.
pub(super) fn stops(fate: &MessageFate, reason: &Reason, now: Instant) -> Option<Instant> {
    let until = match (reason.code, fate) {
        (Code::Paused | Code::Shadowed | Code::Suspended | Code::NoSecret, _) => now.plus_ms(PATIENT_MS),
        (Code::OutOfTime, _) => return Some(now),
        (_, MessageFate::ReturnAsIs) => now.plus_ms(LEAST_MS),
        (Code::Throttled, MessageFate::Return(until)) => return Some((*until).max(now.plus_ms(TOKENS_MS))),
        (
            Code::Throttled | Code::Unavailable | Code::Resting,
            MessageFate::Return(until) | MessageFate::Hold(until),
        ) => *until,
        _ => return None,
    };
    Some(until.max(now.plus_ms(LEAST_MS)))
}

/// Until when the lane is held, where the hold of a version could not be written: its request may land until then, and a
/// newer version that is parked meanwhile would know nothing of it.
pub(super) fn holds(fate: &MessageFate, reason: &Reason) -> Option<Instant> {
    match (reason.code, fate) {
        (Code::StateUnavailable, MessageFate::Hold(until)) => Some(*until),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_reasons_when_judged_then_only_the_connections_own_stop_the_lane() {
        let now = Instant(1_000);
        let stops = |code, fate| stops(&fate, &Reason::new(code, ""), now);
        let until = MessageFate::Return(Instant(9_000));
        assert_eq!(stops(Code::Throttled, until), Some(Instant(9_000)));
        assert_eq!(stops(Code::Unavailable, MessageFate::Return(now)), Some(Instant(2_000)));
        assert_eq!(stops(Code::Resting, until), Some(Instant(9_000)));
        assert_eq!(stops(Code::Suspended, until), Some(Instant(61_000)));
        assert_eq!(stops(Code::StateUnavailable, MessageFate::ReturnAsIs), Some(Instant(2_000)));
        assert_eq!(stops(Code::OutOfTime, until), Some(now));
        assert_eq!((stops(Code::Busy, until), stops(Code::NotVisibleYet, until)), (None, None));
        assert_eq!(stops(Code::OutcomeUnknown, MessageFate::Hold(now)), None);
    }

    #[test]
    fn given_a_hold_when_it_could_not_be_written_then_the_lane_keeps_it_and_no_other_rest_shortens_it() {
        let fate = MessageFate::Hold(Instant(61_000));
        let held = holds(&fate, &Reason::new(Code::StateUnavailable, ""));
        assert_eq!(held, Some(Instant(61_000)), "nobody else knows of it");
        assert_eq!(holds(&fate, &Reason::new(Code::OutcomeUnknown, "")), None, "its slot tells");
        let rest = Rest::Held(Instant(61_000)).at_latest(Instant(5), Code::NotVisibleYet);
        assert_eq!((rest, rest.held()), (Rest::Held(Instant(61_000)), Some(Instant(61_000))));
    }
}
