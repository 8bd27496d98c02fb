//! N records, then a new mapping that changes what one in a hundred of them comes to, then a backfill of the same versions: what the
//! CRM is asked. All in memory. `make bench-remap N=100000`
//!
//! The same engine and the CRM sandbox's own core as everywhere; only tables and queues are in memory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use rtr_engine::batch::Received;
use rtr_testkit::world::{ORG, World};
use serde_json::{Value, json};
use std::time::Instant;

const BEFORE: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n";
/// Whom the new mapping changes: every hundredth has a city.
const AFTER: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n  city: city\n";
const ONE_IN: usize = 100;
/// The lane looks after so many.
const DRAINED_EVERY: usize = 5_000;

fn main() {
    let count: usize = std::env::args().nth(1).map_or(10_000, |text| text.parse().expect("a number"));
    let world = World::with_contact(BEFORE);
    let mut seen = 0;
    let first = backfilled(&world, count, &mut seen);
    println!("as they come:              {first}");
    assert_eq!((first.applied, first.written), (count as u64, count as u64));
    let again = backfilled(&world, count, &mut seen);
    println!("the same again:            {again}");
    assert_eq!(
        (again.applied, again.calls),
        (0, 0),
        "the same versions under the same mapping are nothing new"
    );

    world.configs.apply(&[("mappings/hubspot/contact.yaml", AFTER)]).unwrap();
    let changed = count.div_ceil(ONE_IN) as u64;
    let after = backfilled(&world, count, &mut seen);
    println!("under the new mapping:     {after}");
    assert_eq!((after.applied, after.written), (changed, changed), "only whose payload changes is written");
    assert_eq!(after.unchanged, count as u64 - changed);
    let drained = count.div_ceil(DRAINED_EVERY) as u64 + 1;
    assert!(after.calls <= changed.div_ceil(100) + drained, "and in as few calls as there are looks");
    let there = world.contacts("city").iter().filter(|city| *city == "Bonn").count();
    assert_eq!(there as u64, changed);
}

/// What became of a backfill.
#[derive(Default)]
struct Went {
    applied: u64,
    unchanged: u64,
    /// Calls that write contacts, and the records in them.
    calls: u64,
    written: u64,
    seconds: f64,
}

impl std::fmt::Display for Went {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { applied, unchanged, calls, written, seconds } = self;
        write!(
            f,
            "{applied} applied, {unchanged} unchanged; {calls} calls of the CRM with {written} records; {seconds:.0} s"
        )
    }
}

/// Sends every record at version 1 by the bulk lane, and lets the lane drain.
fn backfilled(world: &World, count: usize, seen: &mut u64) -> Went {
    let (begun, mut went) = (Instant::now(), Went::default());
    for first in (0..count).step_by(10) {
        let batch: Vec<Received> = (first..count.min(first + 10)).map(|n| event(world, n)).collect();
        let report = world.sync(&batch);
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        went.count(&report.counts);
        if first.is_multiple_of(DRAINED_EVERY) || first + 10 >= count {
            drain(world, &mut went);
            *seen = went.tally(world, *seen);
        }
    }
    went.seconds = begun.elapsed().as_secs_f64();
    went
}

fn event(world: &World, n: usize) -> Received {
    let mut data = json!({"email": format!("p{n}@x.io"), "first_name": "Ann"});
    if n.is_multiple_of(ONE_IN) {
        data["city"] = "Bonn".into();
    }
    Received { lane: Some(rtr_core::change::BULK.to_owned()), ..world.contact(&format!("r{n}"), 1, &data) }
}

/// Until nothing is parked any more.
fn drain(world: &World, went: &mut Went) {
    let mut quiet = 0;
    while quiet < 3 {
        world.clock.advance_ms(10_000);
        let reports = world.sweep();
        quiet = if reports.is_empty() { quiet + 1 } else { 0 };
        reports.iter().for_each(|report| went.count(&report.counts));
    }
}

impl Went {
    fn count(&mut self, counts: &std::collections::BTreeMap<&'static str, u64>) {
        let n = |name: &str| counts.get(name).copied().unwrap_or(0);
        assert_eq!(n("dead"), 0);
        self.applied += n("applied");
        self.unchanged += n("unchanged");
    }

    /// Adds the requests after `seen`; the last one's number. The journal keeps the newest only.
    fn tally(&mut self, world: &World, seen: u64) -> u64 {
        let path = format!("/_sandbox/requests?since={seen}&provider=hubspot&account={ORG}");
        let requests = world.crm.control("GET", &path, &Value::Null);
        let mut last = seen;
        for request in requests.as_array().into_iter().flatten() {
            last = last.max(request["seq"].as_u64().unwrap_or(last));
            if request["path"].as_str().unwrap_or_default().contains("/objects/contacts/batch/") {
                self.calls += 1;
                self.written += request["items"].as_u64().unwrap_or_default();
            }
        }
        last
    }
}
