//! What the audit says of a file that is published: an entry for each org, before the first of its events is sent.
//!
//! A producer sends by this command too, and need not be let write anything but the queue: where the audit cannot be written that is
//! said, and it goes on.

use super::line::Event;
use crate::audit::{Who, note};
use crate::aws::Aws;
use rtr_core::audit::Entry;
use std::collections::BTreeSet;

/// Orgs that have an entry of their own; of a file with more the rest is one.
const OWN: usize = 100;

/// The entries of one run.
pub(super) struct Noting<'a> {
    aws: &'a Aws,
    who: &'a Who,
    file: String,
    noted: BTreeSet<String>,
    /// Whether it cannot be written.
    refused: bool,
}

impl<'a> Noting<'a> {
    /// Of the file that is called `file`.
    pub(super) fn new(aws: &'a Aws, who: &'a Who, file: String) -> Self {
        Self { aws, who, file, noted: BTreeSet::new(), refused: false }
    }

    /// Writes down whose events `batch` is the first of.
    pub(super) async fn note(&mut self, batch: &[Event], say: impl Fn(&str)) {
        for event in batch {
            let Some(entry) = self.entry(&event.org) else { continue };
            if let Err(problem) = note(self.aws, &entry).await {
                say(&format!("this is not in the audit: {}", problem.what));
                self.refused = true;
            }
        }
    }

    /// The entry that is still to be written before an event of `org` goes.
    fn entry(&mut self, org: &str) -> Option<Entry> {
        if self.refused || self.noted.len() > OWN || !self.noted.insert(org.to_owned()) {
            return None;
        }
        let entry = self.who.entry("publish", self.file.clone());
        let own = self.noted.len() <= OWN;
        Some(if own {
            Entry { org_id: Some(org.to_owned()), ..entry }
        } else {
            Entry { target: format!("{} (orgs beyond the first {OWN})", self.file), ..entry }
        })
    }
}
