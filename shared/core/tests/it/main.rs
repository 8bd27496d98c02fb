//! The record protocol, searched exhaustively over the real decision functions.

// The model is test code throughout: what it cannot do without is a mistake in it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod model;
mod pages;
mod protocol;
mod reference;
mod rule;
mod scenario;
mod source;
