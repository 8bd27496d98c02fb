//! A stack to be looked at in tests.

use super::checks::{Queue, Seen, Table, findings};
use crate::aws::{Described, Function, Mapping, Rule};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn function(buckets: &str) -> Function {
    let variables = [
        ("RTR_GROUP_BUCKETS", buckets),
        ("RTR_FUNCTION_TIMEOUT_S", "60"),
        ("RTR_VISIBILITY_S", "360"),
        ("RTR_MAXIMUM_CONCURRENCY", "100"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Function { arn: "arn:f".to_owned(), timeout_s: 60, variables: BTreeMap::from(variables), changing: false }
}

/// A stack of which nothing is to be said. The sweep has a time of its own, which it does not compute with.
pub(super) fn sound() -> Seen {
    let queue = |name: &str, max_receives| {
        let arn = format!("arn:{name}");
        Ok(Queue { arn, fifo: true, per_group: true, visibility_s: 360, max_receives })
    };
    let mapping = |queue: &str, batch, at_once| {
        Ok(vec![Mapping {
            id: format!("of-{queue}"),
            queue: format!("arn:{queue}"),
            state: "Enabled".to_owned(),
            batch,
            reports_items: true,
            at_once: Some(at_once),
        }])
    };
    let parameters = [
        ("GroupBuckets", "64"),
        ("MaximumConcurrency", "100"),
        ("BulkConcurrency", "50"),
        ("ApplyConcurrency", "10"),
        ("PollConcurrency", "10"),
    ];
    let table = |indexes: &[&'static str]| {
        let all = indexes.iter().map(|index| (*index).to_owned()).collect();
        Ok(Table { active: true, indexes: all, wanted: indexes.to_vec() })
    };
    let names =
        ["sync", "bulk", "redrive", "sweep", "authorize", "admin", "ingest", "webhook", "apply", "poll"];
    Seen {
        stack: Described {
            status: "UPDATE_COMPLETE".to_owned(),
            parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            outputs: BTreeMap::new(),
        },
        renamed: Vec::new(),
        queues: BTreeMap::from([
            ("changes", queue("changes", Some(1_000))),
            ("bulk", queue("bulk", None)),
            ("dead-letter", queue("dead-letter", None)),
            ("inbound", queue("inbound", Some(1_000))),
            ("poll", queue("poll", None)),
        ]),
        tables: BTreeMap::from([
            ("Records", table(&["parked", "dead", "waiting", "due"])),
            ("Limits", table(&["lanes"])),
            ("Config", table(&[])),
        ]),
        functions: names
            .into_iter()
            .map(|name| (name, Ok(function("64"))))
            .chain([("sweep", Ok(Function { timeout_s: 65, ..function("64") }))])
            .collect(),
        mappings: BTreeMap::from([
            ("sync", mapping("changes", 10, 100)),
            ("bulk", mapping("bulk", 1, 50)),
            ("redrive", mapping("dead-letter", 10, 2)),
            ("apply", mapping("inbound", 10, 10)),
            ("poll", mapping("poll", 1, 10)),
        ]),
        schedule: Some(Ok(vec![Rule {
            name: "every-minute".to_owned(),
            state: "ENABLED".to_owned(),
            schedule: Some("rate(1 minute)".to_owned()),
        }])),
        providers: Ok(BTreeSet::from(["hubspot".to_owned()])),
        is_local: false,
        stage: "prod".to_owned(),
    }
}

/// One whose functions group otherwise than the stack says, since a deployment has stopped half-way.
pub(super) fn moving() -> Seen {
    let mut seen = sound();
    seen.functions.insert("sync", Ok(function("0")));
    seen
}

pub(super) fn of(seen: &Seen) -> Vec<String> {
    findings(seen).into_iter().map(|one| format!("{} | {} | {}", one.check, one.about, one.message)).collect()
}
