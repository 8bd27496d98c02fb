use super::*;
use rtr_core::code::Code;
use rtr_core::item::{Body, Ended, RECENT, Reason, Shadow, Slot, SlotState, TRAILS, Waits};
use rtr_core::key::{ConnectionKey, RecordKey};
use rtr_core::trail::{Did, Trail};
use serde_json::json;

fn key() -> PairKey {
    PairKey::new(&RecordKey::new("acme", "contact", "c-1"), &ConnectionKey::new("acme", "hubspot"))
}

fn dead_slot() -> Slot {
    Slot {
        trace: None,
        wanted_version: 8,
        mapping_revision: 3,
        state: SlotState::Dead,
        deleted: false,
        body: Body::Inline(json!({"n": 9_007_199_254_740_993_u64, "deep": [[[["é"]]]]})),
        reason: Reason {
            field: Some("email".to_owned()),
            crm_message: Some("`x` is no email".to_owned()),
            ..Reason::new(Code::Invalid, "the CRM refused a value")
        },
        since: Instant(1_795_000_000_123),
        not_before: Instant(0),
        attempts: 2,
        waits: None,
        backfill: false,
        occurred_at: None,
    }
}

fn full() -> Item {
    Item {
        rev: 9,
        applied_version: Some(0),
        mapping_revision: Some(12),
        applied_hash: Some("00ff".repeat(8)),
        base: Marks::from_bytes(&[0, 255, 7, 1, 9, 0, 0, 1]),
        sent: Sent::from_bytes(&[9; 16]),
        external_id: Some("501".to_owned()),
        object: Some("contacts".to_owned()),
        linked_at: Some(Instant(1)),
        deleted: true,
        slot: Some(dead_slot()),
        shadow: Some(Shadow {
            version: 9,
            mapping_revision: 12,
            operation: "upsert".to_owned(),
            hash: "ab".to_owned(),
            fields: vec!["company".to_owned(), "email".to_owned()],
            at: Instant(7),
        }),
        intent: Some(Intent {
            nonce: "n".to_owned(),
            version: 4,
            at: Instant(5),
            matched: Some("m".to_owned()),
        }),
        by: "m-1".to_owned(),
        crashes: 2,
        recent: vec![Recent {
            field: Some("email".to_owned()),
            trail: None,
            ended: Ended::Dead,
            version: 8,
            at: Instant(5),
            code: Some(Code::Invalid),
        }],
    }
}

fn row(key: &PairKey, names: &Names, item: &Item) -> Row {
    attributes(key, names, item).into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn there_and_back(item: &Item) -> Item {
    from_row(&row(&key(), &Names::default(), item)).unwrap()
}

#[test]
fn given_a_full_item_when_stored_and_read_then_it_is_the_same() {
    assert_eq!(there_and_back(&full()), full());
    let parked = Slot {
        state: SlotState::Drop,
        deleted: true,
        body: Body::Stored("bodies/x/y".to_owned()),
        not_before: Instant(77),
        ..dead_slot()
    };
    let item =
        Item { rev: 1, slot: Some(parked), applied_hash: Some("not hex".to_owned()), ..Item::default() };
    assert_eq!(there_and_back(&item), item);
}

#[test]
fn given_an_empty_item_when_stored_then_only_the_revision_is_there() {
    let item = Item { rev: 1, ..Item::default() };
    assert_eq!(attributes(&key(), &Names::default(), &item).keys().collect::<Vec<_>>(), [&"rev"]);
    assert_eq!(there_and_back(&item), item);
}

#[test]
fn given_a_dead_slot_when_stored_then_the_index_shows_its_summary_without_the_crms_words() {
    let stored = attributes(&key(), &Names::default(), &full());
    assert_eq!(stored.get("dead_pk"), Some(&s(key().index_partition("acme"))));
    assert_eq!(stored.get("dead_at"), Some(&n(1_795_000_000_123_i64)));
    assert!(!stored.contains_key("parked_pk") && !stored.contains_key("org_id"));
    let summary: serde_json::Value = serde_json::from_str(stored["dead_summary"].as_s().unwrap()).unwrap();
    assert_eq!(
        summary,
        json!({
            "org_id": "acme", "connection": "hubspot", "record_type": "contact", "record_id": "c-1", "version": 8,
            "reason": "rejected", "code": "RTR3001", "message": "the CRM refused a value", "field": "email",
            "at": "2026-11-18T11:06:40.123Z", "attempts": 2
        })
    );
}

#[test]
fn given_a_parked_slot_when_stored_then_the_index_shows_when_it_is_due() {
    let slot = Slot { state: SlotState::Parked, not_before: Instant(42), ..dead_slot() };
    let stored = attributes(&key(), &Names::default(), &Item { slot: Some(slot), ..full() });
    assert_eq!(stored.get("parked_pk"), Some(&s(key().index_partition("acme#hubspot"))));
    assert_eq!(stored.get("parked_at"), Some(&n(42)));
    assert!(!stored.contains_key("dead_pk") && !stored.contains_key("due_pk"));
}

#[test]
fn given_a_slot_that_waits_when_stored_then_its_indexes_show_for_whom_and_when_to_look() {
    let on = Waits { record_type: "company".to_owned(), record_id: "k#1".to_owned(), look_at: Instant(40) };
    let waits = Slot { state: SlotState::Waiting, not_before: Instant(90), waits: Some(on), ..dead_slot() };
    let item = Item { slot: Some(waits.clone()), ..full() };
    assert_eq!(there_and_back(&item), item);
    let stored = attributes(&key(), &Names::default(), &item);
    assert_eq!(stored.get("waiting_pk"), Some(&s("acme%23hubspot#company#k%231")));
    assert_eq!((stored.get("due_at"), stored.get("parked_at")), (Some(&n(40)), Some(&n(90))));
    // People count it with what is parked; the bulk lane asks for partitions of its own.
    assert_eq!(stored.get("parked_pk"), Some(&s(key().index_partition("!waits#acme#hubspot"))));
    // What went without its reference is not parked any more, and still found by it.
    let incomplete = Slot { state: SlotState::Incomplete, ..waits };
    let stored = attributes(&key(), &Names::default(), &Item { slot: Some(incomplete), ..full() });
    assert!(stored.contains_key("waiting_pk") && !stored.contains_key("parked_pk"));
}

#[test]
fn given_no_names_when_dead_then_it_is_listed_as_unattributed() {
    let key = PairKey::unattributed(b"{");
    let stored = attributes(&key, &Names::default(), &full());
    assert_eq!(stored.get("dead_pk"), Some(&s(key.index_partition("!unattributed"))));
    assert!(stored["dead_summary"].as_s().unwrap().contains("\"org_id\":null"));
}

#[test]
fn given_the_longest_ids_when_dead_then_index_keys_fit() {
    for id in ["🦀".repeat(512), "#".repeat(512), "%🦀".repeat(256)] {
        let key = PairKey::new(&RecordKey::new(&id, &id, &id), &ConnectionKey::new(&id, &id));
        let names = Names { org_id: Some(id), ..Names::default() };
        let parked = Slot { state: SlotState::Parked, ..dead_slot() };
        let waits = Slot { state: SlotState::Waiting, ..dead_slot() };
        for slot in [dead_slot(), parked, waits] {
            let stored = attributes(&key, &names, &Item { slot: Some(slot), ..Item::default() });
            let index = stored.get("dead_pk").or_else(|| stored.get("parked_pk")).unwrap();
            assert!(index.as_s().unwrap().len() <= 2_048);
        }
    }
}

#[test]
fn given_a_wrong_attribute_when_read_then_the_error_names_it() {
    let mut wrong = row(&key(), &Names::default(), &full());
    wrong.insert("applied_version".to_owned(), s("7"));
    let error = from_row(&wrong).unwrap_err().to_string();
    assert_eq!(error, "the stored attribute `applied_version` is not a number that fits");
    wrong.clear();
    assert_eq!(from_row(&wrong).unwrap_err().to_string(), "the stored attribute `rev` is not there");
}

/// DynamoDB's size rules: names and strings in UTF-8, a number a byte for two digits and one more, a list or map three
/// bytes and one for each element.
fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.trim_start_matches('-').len().div_ceil(2) + 2,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(values) => 3 + values.iter().map(|value| 1 + size(value)).sum::<usize>(),
        AttributeValue::M(fields) => {
            3 + fields.iter().map(|(name, value)| 1 + name.len() + size(value)).sum::<usize>()
        }
        _ => 1,
    }
}

#[test]
fn given_a_steady_record_when_stored_then_it_costs_one_write_unit() {
    let id = |c: char| std::iter::repeat_n(c, 64).collect::<String>();
    let key = PairKey::new(&RecordKey::new(id('o'), id('t'), id('r')), &ConnectionKey::new(id('o'), id('c')));
    let recent = Recent {
        field: None,
        trail: Some(Trail {
            entered_ms: 1_203,
            receives: 1,
            waited_ms: 35,
            calls: 2,
            status: Some(207),
            took_ms: 140,
            mapping_revision: 100_000,
            did: Some(Did::Update),
        }),
        ended: Ended::Applied,
        version: rtr_core::change::MAX_VERSION,
        at: Instant(1_795_000_000_123),
        code: None,
    };
    let old = Recent { trail: None, ..recent.clone() };
    let item = Item {
        rev: 1_000_000,
        applied_version: Some(rtr_core::change::MAX_VERSION),
        mapping_revision: Some(100_000),
        applied_hash: Some("0f".repeat(16)),
        base: Marks::from_bytes(&[0; 120]),
        external_id: Some(id('e')),
        object: Some("contacts".to_owned()),
        linked_at: Some(Instant(1_795_000_000_123)),
        by: "059f36b4-87a3-44ab-83d2-661975830a7d".to_owned(),
        recent: [vec![old; RECENT - TRAILS], vec![recent; TRAILS]].concat(),
        ..Item::default()
    };
    let stored = attributes(&key, &Names::default(), &item);
    let fields: usize = stored.iter().map(|(name, value)| name.len() + size(value)).sum();
    let total = "pk".len() + key.pk.len() + "sk".len() + key.sk.len() + fields;
    assert!(total <= 1_024, "{total} bytes");
}
