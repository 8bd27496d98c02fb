//! The way back: what CRMs tell of their records, on its way to the internal system.
//!
//! A CRM's record that has changed is told of by a [`Notice`] on `inbound.fifo`. Of a record that is linked, its own worker
//! looks what the CRM holds and judges it against what both sides had last; what is new in it is a [`Delivery`], on the same
//! queue. One that is not linked is offered to the internal system as a new record.
//!
//! - [`notice`] one record of a CRM has changed · [`delivery`] what is told of it · [`message`] all that `inbound.fifo` carries
//! - [`address`] where a CRM pushes to
//! - [`canonical`] values as both sides mean them · [`judge`](mod@judge) whose value of each property stands
//! - [`ledger`] what is kept of a CRM's record that the internal system is told of · [`answer`] what its answers mean

pub mod address;
pub mod answer;
pub mod canonical;
pub mod delivery;
pub mod judge;
pub mod ledger;
pub mod message;
pub mod notice;

pub use delivery::{Delivery, Offered};
pub use judge::{Had, Judgement, Pending, judge};
pub use message::{Message, Overwritten, Returned, Wake};
pub use notice::{Notice, Operation, Seen};

#[cfg(test)]
mod tests;
