//! Laws of `Limits`, `Consents` and `Notices`: what all environments must agree on, on one clock.

pub mod breakers;
pub mod buckets;
pub mod budgets;
pub mod lanes;
pub mod locks;
pub mod notes;
pub mod notices;
pub mod offers;

use crate::clock::TestClock;
use rtr_core::time::Instant;
use rtr_engine::seams::{Consents, Limits, Notices};

/// When the clock begins.
pub const BEGIN: Instant = Instant(1_795_000_000_000);

/// All traits of the limits table.
pub trait Table: Limits + Consents + Notices {}
impl<T: Limits + Consents + Notices> Table for T {}

/// Two environments over one table and one clock that shows [`BEGIN`].
#[derive(Clone, Copy)]
pub struct Environments<'a> {
    /// The first.
    pub one: &'a dyn Table,
    /// The second.
    pub two: &'a dyn Table,
    /// The clock of both.
    pub clock: &'a TestClock,
}

fn at(ms: i64) -> Instant {
    BEGIN.plus_ms(ms)
}
