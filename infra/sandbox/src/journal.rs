//! Every vendor request that arrived, newest last. Bounded; sequence numbers never repeat, not even after a
//! reset, so that `since` always means what it says. Secrets are never kept.

use crate::clock::iso;
use serde_json::{Value, json};
use std::collections::VecDeque;

const MAX_ENTRIES: usize = 200_000;
const MAX_BODY: usize = 64 * 1024;
const MAX_BODIES: usize = 128 * 1024 * 1024;

/// One request and what became of it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) provider: String,
    pub(crate) account: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// What the caller saw; 0 when the connection was cut.
    pub(crate) status: u16,
    pub(crate) items: usize,
    pub(crate) fault: Option<String>,
    /// `None` when it was not kept or has been let go since.
    pub(crate) body: Option<Vec<u8>>,
}

impl Entry {
    pub(crate) fn view(&self, with_body: bool) -> Value {
        let mut view = json!({"seq": self.seq, "at": iso(self.at), "at_ms": self.at, "provider": self.provider,
            "account": self.account, "method": self.method, "path": self.path, "status": self.status,
            "items": self.items});
        if let Some(fault) = &self.fault {
            view["fault"] = json!(fault);
        }
        if with_body {
            let body = self.body.as_deref().map(String::from_utf8_lossy);
            view["body"] = body.map_or(Value::Null, |text| {
                serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()))
            });
        }
        view
    }
}

/// The ring of entries.
#[derive(Clone, Default)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    last: u64,
    body_bytes: usize,
    /// How many entries, from the oldest, have no body any more.
    bodiless: usize,
}

impl Journal {
    /// The number the next request has.
    pub(crate) fn next_seq(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.last
    }

    pub(crate) fn push(&mut self, mut entry: Entry) {
        if entry.body.as_ref().is_some_and(|body| body.is_empty() || body.len() > MAX_BODY) {
            entry.body = None;
        }
        self.body_bytes += entry.body.as_ref().map_or(0, Vec::len);
        self.entries.push_back(entry);
        while self.body_bytes > MAX_BODIES {
            let Some(oldest) = self.entries.get_mut(self.bodiless) else { break };
            self.body_bytes -= oldest.body.take().map_or(0, |body| body.len());
            self.bodiless += 1;
        }
        if self.entries.len() > MAX_ENTRIES
            && let Some(gone) = self.entries.pop_front()
        {
            self.body_bytes -= gone.body.map_or(0, |body| body.len());
            self.bodiless = self.bodiless.saturating_sub(1);
        }
    }

    /// Entries after a sequence number, oldest first.
    pub(crate) fn since(&self, seq: u64) -> impl Iterator<Item = &Entry> {
        let start = self.entries.partition_point(|entry| entry.seq <= seq);
        self.entries.range(start..)
    }

    pub(crate) fn newest(&self, count: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev().take(count)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets the entries that the test holds for.
    pub(crate) fn forget(&mut self, gone: impl Fn(&Entry) -> bool) {
        self.entries.retain(|entry| !gone(entry));
        self.body_bytes = self.entries.iter().filter_map(|entry| entry.body.as_ref()).map(Vec::len).sum();
        self.bodiless = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, body: usize) -> Entry {
        let text = String::new;
        let (provider, account, method, path) = (text(), text(), text(), text());
        let body = Some(vec![b'x'; body]);
        Entry { seq, at: 0, provider, account, method, path, status: 200, items: 1, fault: None, body }
    }

    #[test]
    fn given_more_entries_than_fit_when_pushed_then_the_oldest_go() {
        let mut journal = Journal::default();
        for _ in 0..MAX_ENTRIES + 5 {
            let seq = journal.next_seq();
            journal.push(entry(seq, 0));
        }
        assert_eq!(journal.len(), MAX_ENTRIES);
        assert_eq!(journal.since(0).next().map(|entry| entry.seq), Some(6));
        assert_eq!(journal.since(MAX_ENTRIES as u64 + 4).count(), 1);
    }

    #[test]
    fn given_many_large_bodies_when_pushed_then_old_bodies_go_and_entries_stay() {
        let mut journal = Journal::default();
        for _ in 0..2100 {
            let seq = journal.next_seq();
            journal.push(entry(seq, MAX_BODY));
        }
        assert_eq!(journal.len(), 2100);
        assert!(journal.body_bytes <= MAX_BODIES);
        assert!(journal.newest(1).all(|entry| entry.body.is_some()));
    }
}
