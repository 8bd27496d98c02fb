//! The twins against the laws of the services that they stand for, and under weather.

// Helpers are tests too, which clippy's exception for tests does not see.
#![allow(clippy::unwrap_used)]

mod services;
mod weather;
