//! What becomes of a message whose work is over. Pure.

use rtr_core::time::Instant;

/// What becomes of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageFate {
    /// Every ending is written, or it needs none.
    Done,
    /// It comes back, not before this.
    Return(Instant),
    /// It comes back, and never before this: a request whose answer was lost may still land.
    Hold(Instant),
    /// It comes back when its visibility ends by itself: what should be written could not be.
    ReturnAsIs,
}

impl MessageFate {
    /// The fate of a message that has both: whichever comes back first decides.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Done, fate) | (fate, Self::Done) => fate,
            (Self::ReturnAsIs, _) | (_, Self::ReturnAsIs) => Self::ReturnAsIs,
            (Self::Hold(one), Self::Hold(two)) => Self::Hold(one.max(two)),
            (Self::Hold(until), _) | (_, Self::Hold(until)) => Self::Hold(until),
            (Self::Return(one), Self::Return(two)) => Self::Return(one.min(two)),
        }
    }
}
