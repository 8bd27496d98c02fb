//! The adapters against a running AWS: MiniStack, which `make test` brings up. Each test makes what it needs under a
//! name of its own, and takes it away at the end.

// Helpers are tests too, which clippy's exception for tests does not see.
#![allow(clippy::unwrap_used)]

mod config;
mod lanes;
mod limits;
mod people;
mod queue;
mod records;
mod secrets;
mod services;
mod stack;
