//! Many records in a call: one bad one never fails its neighbours, and every outcome is certainly its own.

use super::bench::{Bench, set, value_of};
use super::profile::Profile;
use rtr_connectors::connector::{Fields, Kind, Outcome};
use rtr_core::failure::Class;
use rtr_core::mapping::Patch;
use serde_json::json;

/// Wherever the bad one stands, it alone fails, within 2·⌈log2 n⌉ + 1 calls.
pub fn given_one_bad_record_at_any_place_when_written_then_it_alone_fails_within_the_calls_allowed(
    profile: &Profile,
) {
    for size in [1, 2, 3, 10] {
        for place in 0..size {
            one_bad(profile, size, place, 0);
        }
    }
    let full = batch_size(profile);
    for place in [0, 1, full / 2, full - 2, full - 1] {
        one_bad(profile, full, place, 0);
    }
}

/// Whatever is wrong with it.
pub fn given_any_value_the_vendor_refuses_when_written_then_the_field_is_named(profile: &Profile) {
    for which in 0..profile.refused.len() {
        one_bad(profile, 3, 1, which);
    }
}

fn one_bad(profile: &Profile, size: usize, place: usize, which: usize) {
    let (field, value) = profile.refused[which];
    for kind in 0..3 {
        let bench = Bench::new(profile);
        let (kind, ids) = match kind {
            0 => (bench.upsert(), (0..size).map(|n| format!("r-{n}")).collect::<Vec<_>>()),
            1 => (Kind::Create, vec![String::new(); size]),
            _ => (Kind::Update, made(&bench, size)),
        };
        let mut items: Vec<(String, Fields)> =
            ids.into_iter().enumerate().map(|(n, id)| (id, (profile.fields)(n))).collect();
        items[place].1.extend([(field.to_owned(), Patch::Set(json!(value)))]);
        bench.forget_calls();
        let outcomes = bench.write(kind.clone(), items);
        let case = format!("{kind:?}, {place} of {size}, {field}");
        for (n, outcome) in outcomes.iter().enumerate() {
            assert_eq!(outcome.is_err(), n == place, "{case}: {n} is {outcome:?}");
        }
        let class = outcomes[place].as_ref().unwrap_err().class.clone();
        assert_eq!(class, Class::Invalid { field: Some(field.to_owned()) }, "{case}");
        let allowed = 2 * ceil_log2(size) + 1;
        assert!(bench.calls() <= allowed, "{case}: {} calls, {allowed} allowed", bench.calls());
        assert_own(&bench, &outcomes, place);
    }
}

/// Each confirmed record holds the values of its own item: number n has `fields(n)`.
fn assert_own(bench: &Bench<'_>, outcomes: &[Outcome], but: usize) {
    let records = bench.records();
    for (n, outcome) in outcomes.iter().enumerate().filter(|(n, _)| *n != but) {
        let id = outcome.as_ref().map(|written| written.external_id.as_str()).unwrap_or_default();
        let record = records.iter().find(|record| record["id"] == id).unwrap();
        for (name, patch) in (bench.profile.fields)(n) {
            let Patch::Set(wanted) = patch else { continue };
            assert_eq!(value_of(record, &name).as_deref(), wanted.as_str(), "{n}: {name}");
        }
    }
}

fn made(bench: &Bench<'_>, size: usize) -> Vec<String> {
    let items = (0..size).map(|n| (format!("r-{n}"), (bench.profile.fields)(n))).collect();
    let outcomes = bench.write(bench.upsert(), items);
    outcomes.into_iter().map(|outcome| outcome.unwrap().external_id).collect()
}

fn batch_size(profile: &Profile) -> usize {
    Bench::bare(profile).connector.capabilities().write_batch
}

fn ceil_log2(n: usize) -> usize {
    n.next_power_of_two().trailing_zeros() as usize
}

/// The same record twice is no reason to refuse either.
pub fn given_a_record_twice_in_a_batch_when_written_then_the_later_values_stand(profile: &Profile) {
    let bench = Bench::new(profile);
    let item = |key: &str, n: usize, text: &str| {
        let mut fields = (profile.fields)(n);
        fields.extend(set(profile.text, text));
        (key.to_owned(), fields)
    };
    let items = vec![item("r-1", 1, "canary old"), item("r-2", 2, "canary"), item("r-1", 1, "canary new")];
    let outcomes = bench.write(bench.upsert(), items);
    let ids: Vec<String> = outcomes.into_iter().map(|outcome| outcome.unwrap().external_id).collect();
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(bench.records().len(), 2);
    assert_eq!(bench.value(&ids[0], profile.text).as_deref(), Some("canary new"));
}

/// A batch refused as a whole is divided until it passes.
pub fn given_a_batch_refused_whole_when_written_then_its_parts_are_tried(profile: &Profile) {
    let bench = Bench::new(profile);
    let mut fault = profile.batch_refusal.fault();
    fault["count"] = json!(1);
    bench.fault(fault);
    let outcomes =
        bench.write(bench.upsert(), (0..4).map(|n| (format!("r-{n}"), (profile.fields)(n))).collect());
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(bench.calls(), 3, "the whole, and two halves");
    assert_own(&bench, &outcomes, usize::MAX);
}

/// A lone record that is refused so has no part to divide, and ends.
pub fn given_a_lone_record_refused_as_a_batch_when_written_then_it_ends_as_refused(profile: &Profile) {
    let bench = Bench::new(profile);
    bench.fault(profile.batch_refusal.fault());
    let failure = bench.write_one(bench.upsert(), "r-1", (profile.fields)(1)).unwrap_err();
    let ended = matches!(failure.class, Class::Invalid { .. } | Class::Refused | Class::BatchRefused);
    assert!(ended, "{failure:?}");
    assert_eq!(bench.calls(), 1);
}

/// Results in another order are still everyone's own.
pub fn given_results_in_another_order_when_read_then_each_has_its_own(profile: &Profile) {
    for place in 0..3 {
        let bench = Bench::new(profile);
        let ids = made(&bench, 5);
        bench.fault(json!({"fault": "reorder"}));
        let (field, value) = profile.refused[0];
        let mut items: Vec<(String, Fields)> =
            ids.iter().enumerate().map(|(n, id)| (id.clone(), (profile.fields)(n))).collect();
        items[place].1.extend(set(field, value));
        let outcomes = bench.write(Kind::Update, items);
        assert_eq!(outcomes[place].as_ref().map_err(|failure| failure.field()), Err(Some(field)));
        assert_own(&bench, &outcomes, place);
        let items = (0..5).map(|n| (format!("n-{n}"), (profile.fields)(n + 10))).collect();
        let outcomes = bench.write(bench.upsert(), items);
        for (n, outcome) in outcomes.iter().enumerate() {
            let id = &outcome.as_ref().unwrap().external_id;
            assert_eq!(bench.value(id, profile.key), Some(format!("n-{n}")));
        }
    }
}

/// Records that nothing but their place in the batch tells apart are still told apart, a bad one among them.
pub fn given_records_without_anything_unique_when_created_then_each_has_its_own_id(profile: &Profile) {
    let bench = Bench::new(profile);
    let mut items: Vec<(String, Fields)> = (0..6).map(|n| (String::new(), (profile.nameless)(n))).collect();
    items[2].1.extend(set(profile.refused[0].0, profile.refused[0].1));
    let outcomes = bench.write(Kind::Create, items);
    assert_eq!(bench.records().len(), 5);
    for (n, outcome) in outcomes.iter().enumerate().filter(|(n, _)| *n != 2) {
        let id = &outcome.as_ref().unwrap().external_id;
        super::writes::assert_holds(&bench, id, &(profile.nameless)(n));
    }
    assert!(outcomes[2].is_err());
}

/// What the answer leaves out nobody knows about, and the others are still certain.
pub fn given_a_result_left_out_when_read_then_nobody_guesses(profile: &Profile) {
    for kind in 0..3 {
        let bench = Bench::new(profile);
        let (kind, ids) = match kind {
            0 => (bench.upsert(), (0..4).map(|n| format!("r-{n}")).collect::<Vec<_>>()),
            1 => (Kind::Create, vec![String::new(); 4]),
            _ => (Kind::Update, made(&bench, 4)),
        };
        bench.fault(json!({"fault": "omit", "count": 1}));
        let items = ids.into_iter().enumerate().map(|(n, id)| (id, (profile.fields)(n))).collect();
        let outcomes = bench.write(kind.clone(), items);
        let unsaid: Vec<usize> = (0..4).filter(|n| outcomes[*n].is_err()).collect();
        assert!(!unsaid.is_empty(), "{kind:?}: an answer that is short of a result is no success for all");
        for n in &unsaid {
            let class = &outcomes[*n].as_ref().unwrap_err().class;
            assert_eq!(*class, Class::OutcomeUnknown, "{kind:?}: {n}");
        }
        for (n, outcome) in outcomes.iter().enumerate().filter(|(n, _)| !unsaid.contains(n)) {
            super::writes::assert_holds(&bench, &outcome.as_ref().unwrap().external_id, &(profile.fields)(n));
        }
    }
}
