//! What goes in which call, so that of one record no entry overtakes another.
//!
//! A call's entries fail each for itself, so two of one record never go in one call, and the later goes only once the
//! earlier was taken. Entries of several records go together and at once.

use super::{Entry, MAX_MESSAGE_BYTES};
use crate::key::RecordKey;
use std::collections::{HashMap, VecDeque};

/// Entries of a call. SQS's limit.
pub const MAX_ENTRIES: usize = 10;

/// The entries that are not settled yet, by record.
#[derive(Debug)]
pub struct Sending<'a> {
    entries: &'a [Entry],
    chains: Vec<VecDeque<usize>>,
    /// Which chain an entry is in.
    of: Vec<usize>,
    /// The chains that have entries left.
    open: Vec<usize>,
}

impl<'a> Sending<'a> {
    /// All of `entries`, in the order in which they came.
    #[must_use]
    pub fn new(entries: &'a [Entry]) -> Self {
        let mut chains: Vec<VecDeque<usize>> = Vec::new();
        let mut known: HashMap<&RecordKey, usize> = HashMap::new();
        let mut of = Vec::with_capacity(entries.len());
        for (place, entry) in entries.iter().enumerate() {
            let chain = *known.entry(&entry.key).or_insert_with(|| {
                chains.push(VecDeque::new());
                chains.len() - 1
            });
            chains[chain].push_back(place);
            of.push(chain);
        }
        let open = (0..chains.len()).collect();
        Self { entries, chains, of, open }
    }

    /// The calls to make next, by the places of their entries; none: all are settled. They may be made at once, and each
    /// entry is to be settled before the next are asked for.
    pub fn calls(&mut self) -> Vec<Vec<usize>> {
        self.open.retain(|chain| !self.chains[*chain].is_empty());
        let mut calls: Vec<Vec<usize>> = Vec::new();
        let mut bytes = 0;
        for place in self.open.iter().filter_map(|chain| self.chains[*chain].front().copied()) {
            let size = self.entries[place].body.len();
            match calls.last_mut() {
                Some(call) if call.len() < MAX_ENTRIES && bytes + size <= MAX_MESSAGE_BYTES => {
                    call.push(place);
                    bytes += size;
                }
                _ => {
                    calls.push(vec![place]);
                    bytes = size;
                }
            }
        }
        calls
    }

    /// The entry at `place` was taken: the next of its record may go.
    pub fn taken(&mut self, place: usize) {
        self.chains[self.of[place]].pop_front();
    }

    /// The entry at `place` was not taken; the places of those of its record that are therefore not sent.
    pub fn failed(&mut self, place: usize) -> Vec<usize> {
        let chain = std::mem::take(&mut self.chains[self.of[place]]);
        chain.into_iter().filter(|behind| *behind != place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(record: u8, version: u64, bytes: usize) -> Entry {
        Entry {
            trace: None,
            key: RecordKey::new("acme", "contact", record.to_string()),
            version,
            body: "x".repeat(bytes),
            group: String::new(),
            deduplication_id: String::new(),
        }
    }

    proptest! {
        #[test]
        fn given_any_entries_and_failures_when_sent_then_each_is_settled_once_and_no_record_is_out_of_order(
            records in proptest::collection::vec((0u8..6, prop_oneof![Just(10usize), Just(400_000), Just(MAX_MESSAGE_BYTES)]), 0..60),
            fails in proptest::collection::vec(any::<bool>(), 60),
        ) {
            let entries: Vec<Entry> = (0u64..).zip(&records).map(|(at, (record, bytes))| entry(*record, at, *bytes)).collect();
            let mut sending = Sending::new(&entries);
            let mut settled = vec![0; entries.len()];
            let mut taken: Vec<usize> = Vec::new();
            loop {
                let calls = sending.calls();
                if calls.is_empty() {
                    break;
                }
                for call in calls {
                    prop_assert!(call.len() <= MAX_ENTRIES);
                    prop_assert!(call.iter().map(|place| entries[*place].body.len()).sum::<usize>() <= MAX_MESSAGE_BYTES);
                    for place in call {
                        settled[place] += 1;
                        if fails[place] {
                            for behind in sending.failed(place) {
                                prop_assert!(behind > place && entries[behind].key == entries[place].key);
                                settled[behind] += 1;
                            }
                        } else {
                            sending.taken(place);
                            taken.push(place);
                        }
                    }
                }
            }
            prop_assert!(settled.iter().all(|count| *count == 1), "{:?}", settled);
            for record in 0..6u8 {
                let key = RecordKey::new("acme", "contact", record.to_string());
                let of = |place: &usize| entries[*place].key == key;
                let went: Vec<usize> = taken.iter().copied().filter(|place| of(place)).collect();
                // Exactly those before the first that failed, in their order.
                let expected: Vec<usize> = (0..entries.len()).filter(of).take_while(|place| !fails[*place]).collect();
                prop_assert_eq!(went, expected);
            }
        }
    }

    #[test]
    fn given_many_records_when_sent_then_full_calls_go_at_once() {
        let entries: Vec<Entry> = (0..25).map(|record| entry(record, 1, 10)).collect();
        let sizes: Vec<usize> = Sending::new(&entries).calls().iter().map(Vec::len).collect();
        assert_eq!(sizes, [10, 10, 5]);
    }
}
