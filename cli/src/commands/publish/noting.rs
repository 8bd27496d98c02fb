//! What the audit says of a file that is published: an entry for each org, before the first of its events is sent.
//!
//! A producer sends by this command too, and need not be let write anything but the queue: where the audit cannot be written that is
//! said, and it goes on.

use super::line::Event;
use crate::audit::{Who, note};
use crate::aws::{Aws, says_denied};
use rtr_core::audit::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Orgs that have an entry of their own; of a file with more the rest is one.
const OWN: usize = 100;

/// Events that are to be sent, by org.
pub(super) type Counts = BTreeMap<String, u64>;

/// The entries of one run.
pub(super) struct Noting<'a> {
    aws: &'a Aws,
    entries: Entries<'a>,
}

impl<'a> Noting<'a> {
    /// Of the file that is called `file`, which has as many events of each org as `counts` says, if it was read before.
    pub(super) fn new(aws: &'a Aws, who: &'a Who, file: String, counts: Option<Counts>) -> Self {
        Self { aws, entries: Entries { who, file, counts, noted: BTreeSet::new(), denied: false } }
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
    counts: Option<Counts>,
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
            let count = self.counts.as_ref().and_then(|counts| counts.get(org).copied());
            Entry { org_id: Some(org.to_owned()), count, ..entry }
        } else {
            let target = format!("{} (orgs beyond the first {OWN})", self.file);
            Entry { target, count: self.rest(org), ..entry }
        })
    }

    /// The events of all orgs that have no entry of their own, `org` the first of them.
    fn rest(&self, org: &str) -> Option<u64> {
        let counts = self.counts.as_ref()?.iter();
        Some(counts.filter(|(name, _)| *name == org || !self.noted.contains(*name)).map(|(_, n)| n).sum())
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
        let of = |file: &str, counts| Entries {
            who: &who,
            file: file.to_owned(),
            counts,
            noted: BTreeSet::new(),
            denied: false,
        };
        let mut entries = of("events.jsonl", None);
        let first = entries.next("acme").unwrap();
        assert_eq!((first.org_id.as_deref(), entries.next("acme")), (Some("acme"), None));
        let said = entries.failed(&first, "writing the audit failed at AWS: PutItem: ThrottlingException");
        assert!(said.starts_with("what is sent of acme is not in the audit: "), "{said}");
        for n in 2..=OWN {
            assert!(entries.next(&format!("org-{n}")).is_some_and(|one| one.org_id.is_some()), "{n}");
        }
        let rest = entries.next("one-more").unwrap();
        assert_eq!((rest.org_id, rest.target.as_str()), (None, "events.jsonl (orgs beyond the first 100)"));
        assert_eq!((entries.next("and-one-more"), first.count), (None, None));

        let mut entries = of("-", None);
        let first = entries.next("acme").unwrap();
        entries.failed(&first, "writing the audit failed at AWS: PutItem: AccessDeniedException no");
        assert_eq!(entries.next("umbra"), None, "it would be refused again, once for each org");
    }

    #[test]
    fn given_a_file_that_was_read_before_when_noted_then_each_entry_says_how_many_events_it_is_of() {
        let who = Who { reason: None, author: "ada".to_owned() };
        let counts: Counts = (0..OWN + 3).map(|n| (format!("org-{n:03}"), 2)).collect();
        let (noted, file) = (BTreeSet::new(), "events.jsonl".to_owned());
        let mut entries = Entries { who: &who, file, counts: Some(counts.clone()), noted, denied: false };
        let noted: Vec<Entry> = counts.keys().filter_map(|org| entries.next(org)).collect();
        assert_eq!(noted.len(), OWN + 1);
        assert_eq!((noted[0].org_id.as_deref(), noted[0].count), (Some("org-000"), Some(2)));
        assert_eq!(
            (noted[OWN].org_id.as_deref(), noted[OWN].count),
            (None, Some(6)),
            "the three that are left"
        );
    }
}
