//! Sparse indexes that lag behind the table.

use super::Script;
use futures::executor::block_on;
use rtr_core::code::Code;
use rtr_core::item::{Body, Item, Reason, Slot, SlotState, Waits};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::time::Instant;
use rtr_engine::seams::{Names, Records, Write, Wrote};
use rtr_testkit::clock::TestClock;
use rtr_testkit::records::MemoryRecords;
use serde_json::Value;
use std::sync::Arc;

const LAG_MS: i64 = 500;
const BEGIN: Instant = Instant(1_795_000_000_000);

struct Late {
    clock: Arc<TestClock>,
    table: MemoryRecords,
}

fn late() -> Late {
    let clock = Arc::new(TestClock::at(BEGIN.0));
    let script = Arc::new(Script { lag_ms: LAG_MS, ..Script::default() });
    Late { table: MemoryRecords::under(clock.clone(), script), clock }
}

impl Late {
    /// Writes what the record holds back from now on.
    fn put(&self, id: &str, slot: Option<Slot>) {
        let (record, at) = (RecordKey::new("acme", "contact", id), ConnectionKey::new("acme", "hubspot"));
        let key = PairKey::new(&record, &at);
        let names = Names {
            org_id: Some("acme".to_owned()),
            connection: Some("hubspot".to_owned()),
            record_type: Some("contact".to_owned()),
            record_id: Some(id.to_owned()),
        };
        let old = self.table.item(&key);
        let new = Item { rev: old.rev + 1, slot, ..Item::default() };
        assert_eq!(block_on(self.table.write(&[Write { key, names, old, new }])), [Wrote::Done]);
    }

    fn due(&self) -> Vec<String> {
        let found = block_on(self.table.due(BEGIN.plus_ms(60_000), 1_600)).unwrap();
        found
            .into_iter()
            .map(|one| format!("{}@{}", one.record.record_id, one.due_at.since_ms(BEGIN)))
            .collect()
    }

    fn waiting(&self) -> usize {
        let (record, at) = (RecordKey::new("acme", "company", "c"), ConnectionKey::new("acme", "hubspot"));
        block_on(self.table.waiting_for(&at, &record, 100)).unwrap().len()
    }
}

fn waits(ms: i64) -> Option<Slot> {
    let look_at = BEGIN.plus_ms(ms);
    Some(Slot {
        trace: None,
        wanted_version: 1,
        mapping_revision: 1,
        state: SlotState::Waiting,
        deleted: false,
        body: Body::Inline(Value::Null),
        reason: Reason::new(Code::Throttled, "waits"),
        since: BEGIN,
        not_before: look_at,
        attempts: 1,
        waits: Some(Waits { record_type: "company".to_owned(), record_id: "c".to_owned(), look_at }),
        backfill: false,
        occurred_at: None,
    })
}

#[test]
fn given_an_index_that_lags_when_something_is_filed_then_it_is_missing_for_that_time() {
    let late = late();
    late.put("a", waits(10));
    assert_eq!((late.due(), late.waiting()), (vec![], 0));
    late.clock.advance_ms(LAG_MS - 1);
    assert_eq!((late.due(), late.waiting()), (vec![], 0));
    late.clock.advance_ms(1);
    assert_eq!((late.due(), late.waiting()), (vec!["a@10".to_owned()], 1));
}

#[test]
fn given_an_index_that_lags_when_something_has_ended_then_the_read_behind_it_knows() {
    let late = late();
    late.put("a", waits(10));
    late.clock.advance_ms(LAG_MS);
    late.put("a", None);
    assert_eq!((late.due(), late.waiting()), (vec![], 0));
}

#[test]
fn given_an_index_that_lags_when_something_is_put_off_then_it_comes_with_its_new_time_or_not_yet() {
    let late = late();
    late.put("a", waits(10));
    late.clock.advance_ms(LAG_MS);
    late.put("a", waits(20));
    assert_eq!(late.due(), ["a@20"]);
    late.put("a", waits(90_000));
    assert_eq!((late.due(), late.waiting()), (vec![], 1));
    // What was put off and comes forward again is found where the index has it by then.
    late.clock.advance_ms(LAG_MS);
    late.put("a", waits(30));
    assert_eq!(late.due(), [""; 0]);
    late.clock.advance_ms(LAG_MS);
    assert_eq!(late.due(), ["a@30"]);
}
