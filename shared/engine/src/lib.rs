//! The flows, async over seams: one file per function, the same code in Lambda and under a simulator.

pub mod apply;
pub mod authorize;
pub mod batch;
pub mod breaker;
pub mod bulk;
pub mod credentials;
pub mod directories;
pub mod gate;
pub mod ingest;
pub mod leases;
pub mod letters;
pub mod links;
pub mod notices;
pub mod poll;
pub mod reconcile;
pub mod redrive;
pub mod rehearsal;
pub mod report;
pub mod seams;
pub mod sweep;
pub mod sync;
pub mod wake;
pub mod webhook;
mod within;
pub mod work;
