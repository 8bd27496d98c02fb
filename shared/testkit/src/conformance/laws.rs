//! What holds whatever happens.

use super::bench::{Bench, assert_discreet, value_of};
use super::changes;
use super::profile::Profile;
use futures::executor::block_on;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rtr_connectors::changes::Position;
use rtr_connectors::connector::{Fields, Kind};
use rtr_connectors::http::Response;
use rtr_core::failure::Class;
use rtr_core::time::Instant;
use serde_json::{Value, json};

/// Runs of each law: enough to meet each fault in each place, few enough to be run by everybody.
const RUNS: u32 = 128;

/// The case of results in another order than the request's.
const IN_ANOTHER_ORDER: &str = "given_results_in_another_order_when_read_then_each_has_its_own";

fn runner() -> TestRunner {
    // Failures are reported, not kept: there is no file beside a library's law to keep them in.
    TestRunner::new(Config { cases: RUNS, failure_persistence: None, ..Config::default() })
}

fn fault() -> impl Strategy<Value = Value> {
    let effect = prop_oneof![
        Just(json!({"fault": "drop_after_commit"})),
        Just(json!({"fault": "drop_then_commit", "value": 500})),
        Just(json!({"fault": "refuse"})),
        Just(json!({"fault": "truncate"})),
        Just(json!({"fault": "empty_2xx"})),
        Just(json!({"fault": "html"})),
        Just(json!({"fault": "reorder"})),
        Just(json!({"fault": "omit"})),
        Just(json!({"fault": "expire_token"})),
        Just(json!({"fault": "latency", "value": 45_000})),
        prop::sample::select(vec![400_u16, 401, 403, 404, 409, 423, 429, 500, 502, 503])
            .prop_map(|status| json!({"fault": "status", "value": status})),
    ];
    (effect, 0u64..3, 1u64..3).prop_map(|(mut fault, skip, count)| {
        fault["skip"] = json!(skip);
        fault["count"] = json!(count);
        fault
    })
}

/// Each item has an outcome; a confirmed one names a record that holds that item's values; and what is called certainly
/// undone was not done.
pub fn given_any_faults_when_written_then_every_outcome_is_there_and_true(profile: &Profile) {
    let input = (prop::collection::vec(fault(), 0..4), 1usize..8, prop::collection::vec(0usize..8, 0..3));
    let law = |(faults, count, bad): (Vec<Value>, usize, Vec<usize>)| {
        let bench = Bench::new(profile);
        // A vendor whose contract is the order is not made to break it.
        let reorders = profile.reason_without(IN_ANOTHER_ORDER).is_none();
        let faults: Vec<Value> =
            faults.into_iter().filter(|fault| reorders || fault["fault"] != "reorder").collect();
        bench.faults(&faults);
        let item = |n: usize| {
            let mut fields = (profile.fields)(n);
            if bad.contains(&n) {
                fields.extend(super::bench::set(profile.refused[0].0, profile.refused[0].1));
            }
            (format!("r-{n}"), fields)
        };
        let outcomes = bench.write(bench.upsert(), (0..count).map(item).collect());
        bench.faults(&[]);
        bench.clock.advance_ms(60_000);
        for (n, outcome) in outcomes.iter().enumerate() {
            let key = format!("r-{n}");
            let holder = bench
                .records()
                .into_iter()
                .find(|record| value_of(record, profile.key).as_ref() == Some(&key));
            match outcome {
                Ok(written) => {
                    let id = holder.as_ref().and_then(|record| record["id"].as_str());
                    prop_assert_eq!(id, Some(written.external_id.as_str()));
                    prop_assert!(!bad.contains(&n));
                }
                Err(failure) if is_undone(&failure.class) => {
                    prop_assert!(holder.is_none(), "{failure:?}, and yet it was written");
                }
                Err(_) => {}
            }
        }
        Ok(())
    };
    runner().run(&input, law).unwrap();
}

/// These say that nothing was done.
fn is_undone(class: &Class) -> bool {
    !matches!(class, Class::OutcomeUnknown)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z0-9 :>\\[\\]\"{}\\\\]{0,20}".prop_map(Value::from),
    ];
    // Names that the vendors' answers have, so that bodies come near to real ones.
    let names = [
        "results",
        "errors",
        "id",
        "Id",
        "status",
        "message",
        "category",
        "context",
        "properties",
        "paging",
        "next",
        "after",
        "errorCode",
        "statusCode",
        "success",
        "records",
        "done",
        "fields",
        "name",
        "existingId",
        "objectWriteTraceId",
        "nextRecordsUrl",
        "duplicateResult",
        "matchResults",
        "portalId",
        "lastmodifieddate",
        "hs_merged_object_ids",
        "archivedAt",
        "total",
        "SystemModstamp",
        "IsDeleted",
        "MasterRecordId",
    ];
    let value = leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(names.to_vec()), inner), 0..5).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    });
    prop_oneof![
        4 => value.prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ]
}

/// Whatever comes back, to whatever was asked: an outcome for each, no panic, no end of asking, no value repeated.
pub fn given_any_answer_at_all_when_read_then_it_ends_in_outcomes(profile: &Profile) {
    let status =
        prop_oneof![Just(200u16), Just(201), Just(207), Just(300), Just(400), Just(404), 100u16..600];
    let input = (status, body());
    let law = |(status, body): (u16, Vec<u8>)| {
        let bench = Bench::bare(profile);
        bench.answer_always(Response { status, headers: Vec::new(), body });
        for kind in [bench.upsert(), Kind::Create, Kind::Update, Kind::Archive, Kind::Erase] {
            let fields = |n| if kind == Kind::Archive { Fields::new() } else { (profile.fields)(n) };
            bench.write(kind.clone(), (0..3).map(|n| (format!("9{n}"), fields(n))).collect());
        }
        for by in [rtr_connectors::connector::LookupBy::Unique, rtr_connectors::connector::LookupBy::Any] {
            let _ = bench.lookup(profile.key, by, &["canary 1".to_owned(), "canary 2".to_owned()]);
        }
        let from = [None, Some("7".to_owned())].map(|after| Position { at: Instant(7), after });
        let asked = [
            changes::snapshots(&bench, &["91".to_owned(), "92".to_owned(), profile.absent_id.to_owned()])
                .err(),
            changes::page(&bench, &from[0]).err(),
            changes::page(&bench, &from[1]).err(),
            changes::gone_page(&bench, None).err(),
        ];
        asked.iter().flatten().for_each(assert_discreet);
        let session = bench.session();
        let failures = [
            block_on(bench.connector.properties(&session, profile.object)).err(),
            block_on(bench.connector.create_key(&session, profile.object, profile.key)).err(),
            block_on(bench.connector.account(&session)).err(),
        ];
        failures.iter().flatten().for_each(assert_discreet);
        Ok(())
    };
    runner().run(&input, law).unwrap();
}
