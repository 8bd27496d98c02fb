//! The simulator: the real flows and the real connectors over the test kit's services and the CRM sandbox, on a virtual
//! clock, under every fault, with a watch on every invariant. One seed decides everything.

mod arrivals;
pub mod backfilled;
pub mod both;
pub mod core;
pub mod crowd;
pub mod draw;
mod dropping;
pub mod env;
pub mod events;
pub mod faults;
pub mod jobs;
pub mod kernel;
pub mod lambda;
pub mod logs;
pub mod many;
pub mod mutants;
pub mod network;
pub mod oracle;
pub mod people;
pub mod place;
pub mod plan;
mod queueing;
pub mod regroup;
pub mod report;
pub mod run;
pub mod scenario;
pub mod shrink;
pub mod story;
pub mod strikes;
pub mod trace;
pub mod weather;
pub mod world;
