//! A fake CRM that behaves as strictly as the vendor's own, and misbehaves when it is told to.
//!
//! The whole of it is one state machine, [`Sandbox`]: a request and the time go in, a [`Reply`] comes out. It
//! has no I/O, no clock and no randomness of its own, so that the same requests at the same times give the
//! same bytes, be it behind a socket (`src/main.rs`) or on a simulator's virtual clock. What a network does to
//! an answer (delay it, cut it, lose it) is *described* in the reply, and done by whoever owns the socket.
//!
//! A vendor is one folder (`hubspot/`, `salesforce/`) and one line in `provider.rs`.

mod clock;
mod consent;
mod control;
mod desk;
mod faults;
mod feed;
mod http;
mod hubspot;
mod ids;
mod journal;
mod limits;
mod provider;
mod push;
mod salesforce;
mod sandbox;
mod tokens;

pub use feed::Change;
pub use http::{Ending, Reply, Request};
pub use push::Push;
pub use sandbox::Sandbox;
