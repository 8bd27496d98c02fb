//! What the audit says of a file that is published: an entry for each org, before the first of its events is sent.
//!
//! A producer sends by this command too, and need not be let write anything but the queue: where the audit cannot be written that is
//! said, and it goes on.

use super::line::Event;
use crate::audit::{Who, note};
use crate::aws::{Aws, says_denied};
use rtr_core::audit::Entry;
use std::collections::BTreeSet;

/// Orgs that have an entry of their own; of a file with more the rest is one.
const OWN: usize = 100;

/// The entries of one run.
pub(super) struct Noting<'a> {
    aws: &'a Aws,
    entries: Entries<'a>,
}

impl<'a> Noting<'a> {
    /// Of the file that is called `file`.
    pub(super) fn new(aws: &'a Aws, who: &'a Who, file: String) -> Self {
        Self { aws, entries: Entries { who, file, noted: BTreeSet::new(), denied: false } }
    }

    /// Writes down whose events `batch` is the first of.
    pub(super) async fn note(&mut self, batch: &[Event], say: impl Fn(&str)) {
        for event in batch {
            let Some(entry) = self.entries.next(&event.org) else { continue };
            if let Err(problem) = note(self.aws, &entry).await {
                say(&self.entries.failed(&entry, &problem.what));
            }
        }
    }
}

/// Which entries are still to be written.
struct Entries<'a> {
    who: &'a Who,
    file: String,
    noted: BTreeSet<String>,
    /// Whether none may be written by these credentials.
    denied: bool,
}

impl Entries<'_> {
    /// The entry that is to be written before an event of `org` goes, if one is.
    fn next(&mut self, org: &str) -> Option<Entry> {
        if self.denied || self.noted.len() > OWN || !self.noted.insert(org.to_owned()) {
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

    /// What is said of one that could not be written. Who may not write it may not write the next one either; of a table that is busy
    /// the next one is tried.
    fn failed(&mut self, entry: &Entry, why: &str) -> String {
        if says_denied(why) {
            self.denied = true;
            return format!("this is not in the audit: {why}");
        }
        let of = entry.org_id.as_deref().unwrap_or("the other orgs");
        format!("what is sent of {of} is not in the audit: {why}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_entries_that_fail_when_the_next_org_comes_then_it_has_one_unless_none_may_be_written() {
        let who = Who { reason: None, author: "ada".to_owned() };
        let mut entries =
            Entries { who: &who, file: "events.jsonl".to_owned(), noted: BTreeSet::new(), denied: false };
        let first = entries.next("acme").unwrap();
        assert_eq!((first.org_id.as_deref(), entries.next("acme")), (Some("acme"), None));
        let said = entries.failed(&first, "writing the audit failed at AWS: PutItem: ThrottlingException");
        assert!(said.starts_with("what is sent of acme is not in the audit: "), "{said}");
        for n in 2..=OWN {
            assert!(entries.next(&format!("org-{n}")).is_some_and(|one| one.org_id.is_some()), "{n}");
        }
        let rest = entries.next("one-more").unwrap();
        assert_eq!((rest.org_id, rest.target.as_str()), (None, "events.jsonl (orgs beyond the first 100)"));
        assert_eq!(entries.next("and-one-more"), None);

        let mut entries = Entries { who: &who, file: "-".to_owned(), noted: BTreeSet::new(), denied: false };
        let first = entries.next("acme").unwrap();
        entries.failed(&first, "writing the audit failed at AWS: PutItem: AccessDeniedException no");
        assert_eq!(entries.next("umbra"), None, "it would be refused again, once for each org");
    }
}
