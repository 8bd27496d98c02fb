//! What really struck: each fault counts here when it has, so that a test can tell that one never did.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// Counts by name.
#[derive(Default)]
pub(crate) struct Tally(Mutex<BTreeMap<String, u64>>);

impl Tally {
    /// One more of `what`.
    pub(crate) fn strike(&self, what: &str) {
        self.strike_often(what, 1);
    }

    /// So many more.
    pub(crate) fn strike_often(&self, what: &str, times: u64) {
        *self.0.lock().unwrap().entry(what.to_owned()).or_default() += times;
    }

    /// How often everything whose name begins with `what` struck.
    pub(crate) fn of(&self, what: &str) -> u64 {
        let counts = self.0.lock().unwrap();
        counts.iter().filter(|(name, _)| name.starts_with(what)).map(|(_, count)| count).sum()
    }

    /// All of them, for people.
    pub(crate) fn lines(&self) -> String {
        let counts = self.0.lock().unwrap();
        counts.iter().map(|(name, count)| format!("{count:>5}  {name}\n")).collect()
    }
}
