//! Laws of `Secrets`: the latest version, whoever asks.

pub mod versions;

use rtr_engine::seams::Secrets;

/// A store, and a stem for names that nobody else uses.
#[derive(Clone, Copy)]
pub struct Store<'a> {
    /// The store.
    pub secrets: &'a dyn Secrets,
    /// What names begin with.
    pub stem: &'a str,
}
