//! In-memory twins of the seams, for tests: the same promises as the real ones, with faults on request.
//!
//! One thread, a clock that only moves when somebody sleeps or a test moves it, and counters of every request.

pub mod both;
pub mod build;
pub mod bus;
pub mod clock;
pub mod configs;
pub mod conformance;
pub mod counting;
pub mod crm;
pub mod fifo;
pub mod house;
pub mod limits;
pub mod queue;
pub mod records;
pub mod rows;
pub mod secrets;
pub mod services;
pub mod timeline;
pub mod weather;
pub mod world;
