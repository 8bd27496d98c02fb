//! What an environment remembers of orgs: those seen lately, within a budget, each loaded when a record of it comes.
//!
//! Two generations: who is seen moves into the young one, and when that is full it becomes the old one, whose place it takes. So
//! nothing is listed, sorted or counted by use, and a flood of orgs costs those seen lately one more look at most.

use rtr_core::config::{GlobalDoc, Globals, OrgConfig, OrgDoc, Pauses, StoredDoc};
use rtr_core::mapping::ProviderFacts;
use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::Arc;

/// The budget of both generations in bytes: a quarter of what the functions have.
const BUDGET_BYTES: usize = 128 * 1_024 * 1_024;
/// What an org takes with its connections, routes and the documents they were made from, in bytes. Measured: `make bench-orgs`.
const ORG_BYTES: usize = 6 * 1_024;
/// What a compiled mapping takes that no other org shares, in bytes. Measured.
const MAPPING_BYTES: usize = 64 * 1_024;

/// How many times its text a document takes: an entry of a value map of 16 bytes some 100, parsed and compiled.
const TEXT_TIMES: usize = 12;

/// A document as last read; none where there is none.
pub(super) struct Known<T> {
    pub(super) doc: Option<Arc<StoredDoc<T>>>,
    pub(super) pauses: Arc<Pauses>,
    pub(super) read_at: Instant,
    pub(super) look_at: Instant,
    /// The bytes of the document's text.
    pub(super) bytes: usize,
}

/// What an org's configuration was made from: the revisions and the pauses.
pub(super) type Of = (Option<u64>, Option<u64>, Pauses);

/// All that is remembered.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) global: Option<Known<GlobalDoc>>,
    globals: Option<(Option<u64>, Arc<Globals>)>,
    young: HashMap<String, Org>,
    old: HashMap<String, Org>,
    young_bytes: usize,
}

struct Org {
    own: Known<OrgDoc>,
    resolved: Option<(Of, Arc<OrgConfig>)>,
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        let (doc, pauses) = (self.doc.clone(), self.pauses.clone());
        Self { doc, pauses, read_at: self.read_at, look_at: self.look_at, bytes: self.bytes }
    }
}

impl<T> Known<T> {
    pub(super) fn revision(&self) -> Option<u64> {
        self.doc.as_ref().map(|doc| doc.revision)
    }
}

impl Org {
    fn bytes(&self) -> usize {
        let mappings = self.own.doc.iter().flat_map(|doc| doc.doc.mappings.values());
        // A large document is parsed and compiled, each larger than its text.
        let own = MAPPING_BYTES * mappings.map(|types| types.len()).sum::<usize>();
        ORG_BYTES + own.max(TEXT_TIMES * self.own.bytes)
    }
}

impl Memory {
    /// The org's document, if it is remembered.
    pub(super) fn org(&mut self, org: &str) -> Option<Known<OrgDoc>> {
        if let Some(old) = self.old.remove(org) {
            self.put(org, old);
        }
        self.young.get(org).map(|known| known.own.clone())
    }

    /// Remembers what was read.
    pub(super) fn keep(&mut self, org: &str, own: &Known<OrgDoc>, global: &Known<GlobalDoc>) {
        // Another batch may have read it later, and told of it before.
        if self.global.as_ref().is_none_or(|known| known.read_at <= global.read_at) {
            self.global = Some(global.clone());
        }
        let young = self.young.remove(org);
        self.young_bytes = self.young_bytes.saturating_sub(young.as_ref().map_or(0, Org::bytes));
        let before = young.or_else(|| self.old.remove(org)).and_then(|before| before.resolved);
        self.old.remove(org);
        self.put(org, Org { own: own.clone(), resolved: before });
    }

    fn put(&mut self, org: &str, known: Org) {
        if self.young_bytes + known.bytes() > BUDGET_BYTES / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += known.bytes();
        self.young.insert(org.to_owned(), known);
    }

    /// What the org's documents came to, if they are those of `of`.
    pub(super) fn resolved(&self, org: &str, of: &Of) -> Option<Arc<OrgConfig>> {
        let (made_of, config) = self.young.get(org)?.resolved.as_ref()?;
        (made_of == of).then(|| config.clone())
    }

    /// Remembers what they came to, as long as the org is.
    pub(super) fn put_resolved(&mut self, org: &str, of: Of, config: &Arc<OrgConfig>) {
        if let Some(known) = self.young.get_mut(org) {
            known.resolved = Some((of, config.clone()));
        }
    }

    /// The mappings of `global`, compiled once for each revision.
    pub(super) fn globals(&mut self, global: &Known<GlobalDoc>, facts: &[ProviderFacts]) -> Arc<Globals> {
        let revision = global.revision();
        match &self.globals {
            Some((of, globals)) if *of == revision => globals.clone(),
            _ => {
                let globals = Arc::new(Globals::of(global.doc.as_deref().map(|stored| &stored.doc), facts));
                self.globals = Some((revision, globals.clone()));
                globals
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde_json::json;

    fn known<T>(doc: Option<StoredDoc<T>>) -> Known<T> {
        let at = Instant(0);
        Known { doc: doc.map(Arc::new), pauses: Arc::default(), read_at: at, look_at: at, bytes: 0 }
    }

    fn own(mappings: usize) -> Known<OrgDoc> {
        let types: serde_json::Map<String, serde_json::Value> =
            (0..mappings).map(|n| (format!("t{n}"), json!({"fields": {"a": "b"}}))).collect();
        let doc = serde_json::from_value(json!({"mappings": {"hubspot": types}})).unwrap();
        known(Some(StoredDoc { revision: 1, author: String::new(), at: String::new(), reason: None, doc }))
    }

    fn remembered(memory: &Memory) -> usize {
        memory.young.len() + memory.old.len()
    }

    #[test]
    fn given_ten_thousand_orgs_when_remembered_then_all_are_and_the_budget_is_kept_by_many_more() {
        let (mut memory, global) = (Memory::default(), known(None));
        (0..10_000).for_each(|n| memory.keep(&format!("org-{n}"), &own(0), &global));
        assert_eq!(remembered(&memory), 10_000);
        (0..100_000).for_each(|n| memory.keep(&format!("other-{n}"), &own(0), &global));
        assert!(remembered(&memory) * ORG_BYTES <= BUDGET_BYTES, "{}", remembered(&memory));
    }

    #[test]
    fn given_a_global_document_that_another_batch_read_later_when_an_older_one_is_told_then_the_later_one_stays()
     {
        let mut memory = Memory::default();
        let read = |at: i64| Known { read_at: Instant(at), ..known(None) };
        memory.keep("acme", &own(0), &read(2));
        memory.keep("globex", &own(0), &read(1));
        assert_eq!(memory.global.as_ref().map(|global| global.read_at), Some(Instant(2)));
        memory.keep("acme", &own(0), &read(3));
        assert_eq!(memory.global.map(|global| global.read_at), Some(Instant(3)));
    }

    #[test]
    fn given_an_org_that_moves_between_generations_when_kept_again_then_its_bytes_count_once() {
        let (mut memory, global) = (Memory::default(), known(None));
        (0..30_000).for_each(|n| memory.keep(&format!("org-{}", n % 15_000), &own(n % 2), &global));
        let young: usize = memory.young.values().map(Org::bytes).sum();
        assert_eq!(memory.young_bytes, young);
    }

    #[test]
    fn given_orgs_with_large_documents_when_remembered_then_their_text_counts() {
        let (mut memory, global) = (Memory::default(), known(None));
        let large = || Known { bytes: 380 * 1_024, ..own(1) };
        (0..1_000).for_each(|n| memory.keep(&format!("org-{n}"), &large(), &global));
        assert!(remembered(&memory) * 380 * 1_024 * TEXT_TIMES <= BUDGET_BYTES, "{}", remembered(&memory));
    }

    #[test]
    fn given_an_org_that_is_seen_again_and_again_when_others_flood_in_then_it_stays() {
        let (mut memory, global) = (Memory::default(), known(None));
        memory.keep("busy", &own(2), &global);
        for n in 0..100_000 {
            memory.keep(&format!("org-{n}"), &own(n % 3), &global);
            if n % 100 == 0 {
                assert!(memory.org("busy").is_some(), "{n}");
            }
        }
        assert!(memory.org("org-1").is_none());
        let bytes: usize = memory.young.values().chain(memory.old.values()).map(Org::bytes).sum();
        assert!(bytes <= BUDGET_BYTES, "{bytes}");
    }
}
