//! The sandbox as its users meet it: requests go in, answers come out, on a clock that the test moves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod associations;
mod batch;
mod control;
mod directory;
mod edits;
mod faults;
mod objects;
mod properties;
mod pushes;
mod salesforce;
mod search;
mod socket;
mod world;
