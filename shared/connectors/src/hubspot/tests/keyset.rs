//! Nothing is passed over, whatever the stamps, whatever the order of ties, whatever changes meanwhile: against a search of a
//! few lines that does what HubSpot documents of its own, and no more.

use super::super::changes::{page, search};
use super::super::keyset::{Mark, next};
use super::*;
use crate::changes::Position;
use crate::http::RequestBody;
use proptest::prelude::*;
use rtr_core::failure::Class;
use serde_json::json;
use std::collections::BTreeSet;

/// A record: its id, and the time of its last change.
type Record = (u64, i64);

/// Conditions that all hold, one property to sort by, ties in an order of its own that is another one each time, and so many
/// results at most.
fn answered(records: &[Record], body: &Value, most: usize, mood: u64) -> Value {
    let value = |record: &Record, name: &Value| match name.as_str() {
        Some("lastmodifieddate") => i128::from(record.1),
        Some("hs_object_id") => i128::from(record.0),
        _ => panic!("no such property: {name}"),
    };
    let filters = body["filterGroups"][0]["filters"].as_array().unwrap();
    let holds = |record: &Record| {
        filters.iter().all(|filter| {
            let wanted: i128 = filter["value"].as_str().unwrap().parse().unwrap();
            let own = value(record, &filter["propertyName"]);
            match filter["operator"].as_str().unwrap() {
                "GTE" => own >= wanted,
                "GT" => own > wanted,
                "EQ" => own == wanted,
                other => panic!("no such operator: {other}"),
            }
        })
    };
    let mut found: Vec<Record> = records.iter().filter(|record| holds(record)).copied().collect();
    let [sort] = body["sorts"].as_array().unwrap().as_slice() else { panic!("one property is sorted by") };
    assert!(sort["direction"] == "ASCENDING" && body["after"].is_null() && body["limit"] == 200);
    let shuffled = |id: u64| id.wrapping_add(mood).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
    found.sort_by_key(|record| (value(record, &sort["propertyName"]), shuffled(record.0)));
    let one = |(id, at): &Record| json!({"id": id.to_string(), "properties": {"lastmodifieddate": Instant(*at).to_rfc3339()}});
    let results: Vec<Value> = found.iter().take(most.min(200)).map(one).collect();
    let mut answer = json!({"total": found.len(), "results": results});
    if found.len() > results.len() {
        answer["paging"] = json!({"next": {"after": results.len().to_string()}});
    }
    answer
}

fn body(from: &Position) -> Value {
    match search("contacts", from, &[]).request.body {
        RequestBody::Json(body) => body,
        _ => panic!("no body"),
    }
}

/// Positions lie one behind the other: a stamp as a whole, then its ids, then the next stamp.
fn place(position: &Position) -> (i64, Option<u64>) {
    (position.at.0, position.after.as_ref().map(|id| id.parse().unwrap()))
}

/// Goes through all pages; after page number n, some records change. Gives who was told of, who had to be, and the number
/// of pages.
fn run(
    records: &mut [Record],
    from: i64,
    most: usize,
    mood: u64,
    changes: &[(usize, usize, i64)],
) -> (BTreeSet<u64>, BTreeSet<u64>, usize) {
    let mut told = BTreeSet::new();
    let mut due: BTreeSet<u64> =
        records.iter().filter(|record| record.1 >= from).map(|record| record.0).collect();
    let mut at = Position { at: Instant(from), after: None };
    for pages in 1.. {
        let answer = answered(records, &body(&at), most, mood.wrapping_mul(pages));
        let page = page("contacts", &at, &[], &answer).unwrap();
        told.extend(page.changed.iter().map(|one| one.external_id.parse::<u64>().unwrap()));
        if !page.more {
            return (told, due, usize::try_from(pages).unwrap());
        }
        assert!(place(&page.next) > place(&at), "{at:?} leads to {:?}", page.next);
        at = page.next;
        let latest = records.iter().map(|record| record.1).max().unwrap_or_default();
        for (_, number, later_ms) in changes.iter().filter(|change| u64::try_from(change.0).unwrap() == pages)
        {
            let number = number % records.len().max(1);
            if let Some(record) = records.get_mut(number) {
                record.1 = latest + later_ms;
                // What takes a stamp that is half behind already may be missed: whoever polls asks again for what is so new.
                if record.1 > at.at.0 || (record.1 == at.at.0 && at.after.is_none()) {
                    due.insert(record.0);
                } else {
                    due.remove(&record.0);
                }
            }
        }
    }
    unreachable!()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn given_any_stamps_and_ties_when_paged_while_records_change_then_every_record_is_told_and_the_run_ends(
        stamps in prop::collection::vec(1_000_i64..1_012, 0..60),
        most in 1_usize..7,
        mood in any::<u64>(),
        changes in prop::collection::vec((1_usize..20, any::<usize>(), 0_i64..4), 0..12),
        from in 998_i64..1_014,
    ) {
        let mut records: Vec<Record> = (1_u64..).zip(stamps).map(|(id, at)| (id * 7 % 1_009, at)).collect();
        let (told, due, pages) = run(&mut records, from, most, mood, &changes);
        prop_assert!(due.is_subset(&told), "{:?} were passed over", due.difference(&told).collect::<Vec<_>>());
        // Each page ends a stamp, begins one, or tells of something new.
        prop_assert!(pages <= 3 * (records.len() + changes.len()) + 3, "{pages} pages");
    }

    #[test]
    fn given_pages_of_any_kind_when_read_then_each_leads_further_or_says_why_not(
        at in 0_i64..50,
        after in prop::option::of(0_u64..50),
        marks in prop::collection::vec((0_i64..60, 0_u64..60), 0..6),
        full in any::<bool>(),
    ) {
        let from = Position { at: Instant(at), after: after.map(|id| id.to_string()) };
        let marks: Vec<Mark> = marks.into_iter().map(|(at, id)| Mark { at: Instant(at), id }).collect();
        if let Ok((next, more)) = next(&from, &marks, full) {
            prop_assert!(place(&next) >= place(&from));
            prop_assert!(!more || place(&next) > place(&from));
            prop_assert!(more || !full);
        }
    }
}

#[test]
fn given_pages_when_they_end_then_the_next_position_is_this() {
    let from = |at: i64, after: Option<&str>| Position { at: Instant(at), after: after.map(str::to_owned) };
    let marks = |told: &[(i64, u64)]| -> Vec<Mark> {
        told.iter().map(|(at, id)| Mark { at: Instant(*at), id: *id }).collect()
    };
    let to = |at, after, told: &[(i64, u64)], full| next(&from(at, after), &marks(told), full);
    // Complete below the last stamp alone.
    assert_eq!(to(5, None, &[(5, 9), (6, 3), (6, 1)], true), Ok((from(6, None), true)));
    assert_eq!(to(5, None, &[(5, 9), (6, 3), (6, 1)], false), Ok((from(6, None), false)));
    // One stamp fills the page: by ids, from the lowest, for those told of are any of them.
    assert_eq!(to(5, None, &[(6, 3), (6, 1)], true), Ok((from(6, Some("0")), true)));
    assert_eq!(to(6, None, &[(6, 3), (6, 1)], true), Ok((from(6, Some("0")), true)));
    assert_eq!(to(6, Some("0"), &[(6, 1), (6, 3)], true), Ok((from(6, Some("3")), true)));
    // The stamp is at its end.
    assert_eq!(to(6, Some("3"), &[(6, 4)], false), Ok((from(7, None), true)));
    assert_eq!(to(6, Some("4"), &[], false), Ok((from(7, None), true)));
    assert_eq!(to(7, None, &[], false), Ok((from(7, None), false)));
    // Nonsense leads nowhere, and never in a circle.
    for (at, after, told) in
        [(5, None, &[][..]), (5, Some("3"), &[]), (5, Some("3"), &[(5, 3)]), (5, None, &[(4, 1)])]
    {
        assert_eq!(to(at, after, told, true).unwrap_err().class, Class::Unavailable, "{told:?}");
    }
}
