//! The way back: what CRMs tell of their records, on its way to the internal system.
//!
//! - [`notice`] a message of `inbound.fifo`: one record of a CRM has changed · [`address`] where a CRM pushes to

pub mod address;
pub mod notice;

pub use notice::{Notice, Operation, Seen};
