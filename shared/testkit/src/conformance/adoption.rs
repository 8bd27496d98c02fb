//! Records that are at the vendor already: conflicts that name them, and look-ups that find them.

use super::bench::{Bench, set};
use super::profile::{LinkBy, Profile};
use futures::executor::block_on;
use rtr_connectors::connector::{Association, Kind, LookupBy, WriteCall, WriteItem};
use rtr_core::failure::Class;
use serde_json::json;

/// Texts that break out of whatever is not escaped. No two are the same in lower case, and none begins or ends blank.
const ODD: &[&str] = &[
    "o'brien",
    "\"quoted\"",
    "back\\slash",
    "trailing\\",
    "\\'",
    "' OR Name != '",
    "x' LIMIT 1 --",
    "\"}],\"limit\":0,\"x\":[{\"",
    "a,b;c",
    "100%",
    "_",
    "?q=1&w=2#frag",
    "../../etc",
    "grüße, 世界 🌍",
    "line\nbreak",
    "tab\there",
    "null",
];

/// A conflict names the record that has the value, so that it can be adopted.
pub fn given_a_value_that_another_record_has_when_created_then_the_failure_names_that_record(
    profile: &Profile,
) {
    let bench = Bench::new(profile);
    let id = bench.make(1, "r-1");
    let items = vec![
        (String::new(), (profile.fields)(2)),
        (String::new(), (profile.twin)(1)),
        (String::new(), (profile.fields)(3)),
    ];
    let outcomes = bench.write(Kind::Create, items);
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    let class = outcomes[1].as_ref().map_err(|failure| failure.class.clone());
    assert_eq!(class, Err(Class::Duplicate { existing: Some(id) }));
    assert_eq!(bench.records().len(), 3);
}

/// Two records match: both are told of, so that nobody adopts one by chance.
pub fn given_two_records_of_one_value_when_looked_up_then_both_are_found(profile: &Profile) {
    let bench = Bench::new(profile);
    let mut wanted = Vec::new();
    for n in 0..3 {
        let id = bench.make(n, &format!("r-{n}"));
        let text = if n < 2 { "canary shared" } else { "canary own" };
        bench.write_one(Kind::Update, &id, set(profile.text, text)).unwrap();
        wanted.push((id, Some(format!("r-{n}"))));
    }
    let mut found: Vec<_> = bench
        .lookup(profile.text, LookupBy::Any, &["canary shared".to_owned()])
        .unwrap()
        .into_iter()
        .map(|found| (found.external_id, found.also))
        .collect();
    found.sort();
    assert_eq!(found, wanted[..2], "with the key that each has");
}

/// A record is found by its key at once, and by the vendor's own id.
pub fn given_a_record_when_looked_up_by_key_and_by_id_then_it_is_found_and_others_are_not(profile: &Profile) {
    let bench = Bench::new(profile);
    let id = bench.make(1, "r-1");
    let found = bench.lookup(profile.key, LookupBy::Unique, &["r-1".to_owned(), "r-2".to_owned()]).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].external_id.as_str(), found[0].value.as_str()), (id.as_str(), "r-1"));
    let by = bench.connector.capabilities().id_property;
    let found = bench.lookup(by, LookupBy::Unique, &[id.clone(), profile.absent_id.to_owned()]).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].external_id.as_str(), found[0].also.as_deref()), (id.as_str(), Some("r-1")));
    assert_eq!(bench.lookup(profile.key, LookupBy::Unique, &["r-9".to_owned()]), Ok(vec![]));
    assert_eq!(bench.lookup(profile.text, LookupBy::Any, &["nobody's".to_owned()]), Ok(vec![]));
}

/// No value breaks out of the question it stands in.
pub fn given_odd_values_when_looked_up_then_each_finds_its_own_record_and_no_other(profile: &Profile) {
    let bench = Bench::new(profile);
    let long = "l".repeat(profile.text_chars.min(255));
    let odd: Vec<&str> = ODD.iter().copied().chain([long.as_str()]).collect();
    let items = odd.iter().enumerate().map(|(n, text)| {
        let mut fields = (profile.fields)(n);
        fields.extend(set(profile.text, text));
        ((*text).to_owned(), fields)
    });
    let outcomes = bench.write(bench.upsert(), items.collect());
    let ids: Vec<String> = outcomes.into_iter().map(|outcome| outcome.unwrap().external_id).collect();
    for (property, by) in [(profile.key, LookupBy::Unique), (profile.text, LookupBy::Any)] {
        for (text, id) in odd.iter().zip(&ids) {
            let found = bench.lookup(property, by, &[(*text).to_owned()]).unwrap();
            let found: Vec<&str> = found.iter().map(|found| found.external_id.as_str()).collect();
            assert_eq!(found, [id.as_str()], "{text:?} as {property}");
        }
        let all: Vec<String> = odd.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(bench.lookup(property, by, &all).unwrap().len(), all.len(), "all at once");
    }
    // A text of no record must find none, and must not fail the others' look-up.
    let longer = "n".repeat(300);
    assert_eq!(bench.lookup(profile.key, LookupBy::Unique, &[longer]), Ok(vec![]));
}

/// More values than a call takes are several calls.
pub fn given_more_values_than_a_call_takes_when_looked_up_then_all_are_found(profile: &Profile) {
    let bench = Bench::new(profile);
    let capabilities = bench.connector.capabilities();
    let count = 2 * capabilities.lookup_batch + 1;
    let keys: Vec<String> = (0..count).map(|n| format!("r-{n}")).collect();
    for chunk in (0..count).collect::<Vec<_>>().chunks(capabilities.write_batch) {
        let item = |n: &usize| {
            let mut fields = (profile.fields)(*n);
            fields.extend(set(profile.text, &format!("text {n}")));
            (keys[*n].clone(), fields)
        };
        let outcomes = bench.write(bench.upsert(), chunk.iter().map(item).collect());
        assert!(outcomes.iter().all(Result::is_ok));
    }
    assert_eq!(bench.lookup(profile.key, LookupBy::Unique, &keys).unwrap().len(), count);
    let texts: Vec<String> = (0..count).map(|n| format!("text {n}")).collect();
    assert_eq!(bench.lookup(profile.text, LookupBy::Any, &texts).unwrap().len(), count);
}

/// A search may lag, but not longer than the connector says; the key never does.
pub fn given_a_search_that_lags_when_looked_up_then_the_key_finds_at_once_and_the_search_in_time(
    profile: &Profile,
) {
    let bench = Bench::new(profile);
    let lag = bench.connector.capabilities().search_lag_ms;
    bench.fault(json!({"fault": "search_lag", "value": lag / 2}));
    let mut fields = (profile.fields)(1);
    fields.extend(set(profile.text, "canary late"));
    bench.write_one(bench.upsert(), "r-1", fields).unwrap();
    let search = || bench.lookup(profile.text, LookupBy::Any, &["canary late".to_owned()]).unwrap().len();
    assert_eq!(bench.lookup(profile.key, LookupBy::Unique, &["r-1".to_owned()]).unwrap().len(), 1);
    assert_eq!(search(), 0);
    bench.clock.advance_ms(lag);
    assert_eq!(search(), 1);
}

/// A record refers to another, and doing it again changes nothing.
pub fn given_two_records_when_linked_twice_then_the_one_refers_to_the_other(profile: &Profile) {
    let bench = Bench::new(profile);
    let from = bench.make(1, "r-1");
    let fields = (profile.link.fields)(1);
    let item = WriteItem { id: String::new(), fields, trace: "t".to_owned() };
    let call = WriteCall { object: profile.link.object.to_owned(), kind: Kind::Create, items: vec![item] };
    let to = block_on(bench.connector.write(&bench.session(), &call)).remove(0).unwrap().external_id;
    for _ in 0..2 {
        match profile.link.by {
            LinkBy::Association(label) => {
                let one = Association {
                    from_object: profile.object.to_owned(),
                    from_id: from.clone(),
                    to_object: profile.link.object.to_owned(),
                    to_id: to.clone(),
                    label: label.to_owned(),
                };
                let made = block_on(bench.connector.associate(&bench.session(), &[one]));
                assert_eq!(made, [Ok(())]);
            }
            LinkBy::Field(name) => {
                assert!(bench.write_one(Kind::Update, &from, set(name, &to)).is_ok());
            }
        }
    }
    let record = bench.record(&from).unwrap().to_string();
    assert!(record.contains(&to), "the record refers to {to}: {record}");
}
