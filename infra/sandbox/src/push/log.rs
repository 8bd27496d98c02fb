//! Every attempt to push, newest last, bounded. What it says of an address is what was entered, never its secret.

use super::address::Address;
use super::vendor::News;
use crate::clock::iso;
use serde_json::{Value, json};
use std::collections::VecDeque;

const MAX_ENTRIES: usize = 20_000;
/// So many of the newest have their bodies.
const MAX_BODIES: usize = 1_000;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is under way.
    Sending,
    /// A fault: the vendor believes that it was sent.
    Lost,
    /// The receiver said yes.
    Acknowledged,
    /// It said something else.
    Refused,
    /// It said nothing in time.
    Unanswered,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Lost => "lost",
            Self::Acknowledged => "acknowledged",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
        }
    }
}

/// One attempt.
#[derive(Clone)]
struct Entry {
    seq: u64,
    at: i64,
    push: u64,
    attempt: u32,
    provider: String,
    account: String,
    url: String,
    /// Type, id and what became of it, of each change.
    changes: Vec<(String, String, &'static str)>,
    fault: Option<String>,
    outcome: Outcome,
    status: Option<u16>,
    again: Option<i64>,
    body: Option<Vec<u8>>,
}

impl Entry {
    fn view(&self, with_body: bool) -> Value {
        let changes: Vec<Value> = self
            .changes
            .iter()
            .map(|(object, id, what)| json!({"object": object, "id": id, "change": what}))
            .collect();
        let mut view = json!({"seq": self.seq, "at": iso(self.at), "at_ms": self.at, "push": self.push,
            "attempt": self.attempt, "provider": self.provider, "account": self.account, "url": self.url,
            "changes": changes, "outcome": self.outcome.as_str(), "status": self.status,
            "again_at": self.again.map(iso)});
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

/// What an attempt is about.
pub(super) struct Attempt<'a> {
    pub(super) push: u64,
    pub(super) attempt: u32,
    pub(super) address: &'a Address,
    pub(super) news: &'a [News],
    pub(super) faults: &'a [String],
    pub(super) body: &'a [u8],
}

/// The ring of attempts. Numbers never repeat.
#[derive(Clone, Default)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
    last: u64,
}

impl Log {
    pub(super) fn begin(&mut self, now: i64, of: &Attempt<'_>, outcome: Outcome) {
        self.last += 1;
        let Address { provider, account, url, .. } = of.address;
        let changes = of.news.iter().map(|one| (one.object.clone(), one.id.clone(), one.what));
        self.entries.push_back(Entry {
            seq: self.last,
            at: now,
            push: of.push,
            attempt: of.attempt,
            provider: provider.clone(),
            account: account.clone(),
            url: url.clone(),
            changes: changes.collect(),
            fault: (!of.faults.is_empty()).then(|| of.faults.join("+")),
            outcome,
            status: None,
            again: None,
            body: Some(of.body.to_vec()),
        });
        if self.entries.len() > MAX_ENTRIES {
            self.entries.pop_front();
        }
        let old = self.entries.len().checked_sub(MAX_BODIES + 1);
        if let Some(old) = old.and_then(|at| self.entries.get_mut(at)) {
            old.body = None;
        }
    }

    /// How the push's attempt under way ended, and when there is another one.
    pub(super) fn end(&mut self, push: u64, outcome: Outcome, status: Option<u16>, again: Option<i64>) {
        let under_way = |entry: &&mut Entry| entry.push == push && entry.outcome == Outcome::Sending;
        if let Some(entry) = self.entries.iter_mut().rev().find(under_way) {
            (entry.outcome, entry.status, entry.again) = (outcome, status, again);
        }
    }

    /// The attempts after a sequence number that `wanted` holds for, oldest first.
    pub(super) fn since(&self, seq: u64, bodies: bool, wanted: impl Fn(&str, &str) -> bool) -> Vec<Value> {
        let start = self.entries.partition_point(|entry| entry.seq <= seq);
        let found = self.entries.range(start..).filter(|entry| wanted(&entry.provider, &entry.account));
        found.map(|entry| entry.view(bodies)).collect()
    }

    pub(super) fn last_seq(&self) -> u64 {
        self.last
    }

    pub(super) fn forget(&mut self, gone: impl Fn(&str, &str) -> bool) {
        self.entries.retain(|entry| !gone(&entry.provider, &entry.account));
    }
}
