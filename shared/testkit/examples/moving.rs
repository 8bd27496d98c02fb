//! Moves N links in and sends an event for each, all in memory: how long it takes, how much memory, and what the CRM was
//! asked. `make bench-links N=1000000`
//!
//! The same parsing, the same engine and the CRM sandbox's own core as everywhere; only tables and queue are in memory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use futures::executor::block_on;
use rtr_core::key::ConnectionKey;
use rtr_core::links::{Format, Repeats, Told, read};
use rtr_engine::links::{Outcome, Target, Writing, import};
use rtr_engine::seams::Configs;
use rtr_testkit::world::{ORG, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

const CONTACT: &str = "object: contacts\nmatch: email\nfields:\n  email: email\n  firstname: first_name\n";

fn main() {
    let count: usize = std::env::args().nth(1).map_or(10_000, |text| text.parse().expect("a number"));
    let world = World::with_contact(CONTACT);
    let ids = timed("seeding the CRM", count, || seed(&world, count));
    let mut file = String::new();
    for (n, id) in ids.iter().enumerate() {
        let _ = writeln!(file, "r{n},{id}");
    }
    drop(ids);
    let lines = timed("reading the file, finding repeats", count, || {
        let (format, mut repeats) = (Format::of(&file), Repeats::default());
        let lines: Vec<Told> = file.lines().map(|line| read(&format, line).unwrap()).collect();
        lines.iter().enumerate().for_each(|(at, told)| repeats.add(at as u64 + 1, told));
        assert!(repeats.conflicts().is_empty());
        lines
    });
    timed("importing", count, || assert_eq!(imported(&world, &lines), count));
    let asked = timed("an event for each", count, || events(&world, count));
    println!("the CRM was asked: {asked:?}");
    assert!(asked.keys().all(|what| what.ends_with("/batch/update")), "a create or a search");
}

fn timed<T>(what: &str, count: usize, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    let took = begun.elapsed().as_secs_f64();
    println!("{what}: {took:.1} s, {:.0} a second, {} MB at most so far", count as f64 / took, peak_mb());
    done
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default() / 1_024
}

fn seed(world: &World, count: usize) -> Vec<String> {
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let some = ids.len()..count.min(ids.len() + 10_000);
        let records: Vec<Value> =
            some.map(|n| json!({"properties": {"email": format!("p{n}@x.io")}})).collect();
        let body = json!({"provider": "hubspot", "account": ORG, "object": "contacts", "records": records});
        let answer = world.crm.control("POST", "/_sandbox/records", &body);
        ids.extend(answer["ids"].as_array().expect("ids").iter().map(|id| id.as_str().unwrap().to_owned()));
    }
    ids
}

fn imported(world: &World, lines: &[Told]) -> usize {
    let config = block_on(world.configs.org(ORG)).unwrap();
    let at = config.mapping("hubspot", "contact").expect("a mapping");
    let target = Target {
        connection: ConnectionKey::new(ORG, "hubspot"),
        record_type: "contact".to_owned(),
        mapping: &at.mapping,
        mapping_revision: at.revision,
        linked_at: world.now().plus_ms(-60_000),
        by: "links-import".to_owned(),
    };
    let mut done = 0;
    for portion in lines.chunks(100) {
        let portion: Vec<&Told> = portion.iter().collect();
        let outcomes = block_on(import(&world.records, &target, &portion, Writing::Links)).unwrap();
        done += outcomes.iter().filter(|outcome| **outcome == Outcome::Imported).count();
    }
    done
}

/// Sends the events in batches of ten; what the CRM was asked, by method and path.
fn events(world: &World, count: usize) -> BTreeMap<String, u64> {
    let (mut asked, mut seen, mut applied) = (BTreeMap::new(), 0, 0);
    for first in (0..count).step_by(10) {
        let data = |n: usize| json!({"email": format!("p{n}@x.io"), "first_name": "Ann"});
        let batch: Vec<_> =
            (first..count.min(first + 10)).map(|n| world.contact(&format!("r{n}"), 1, &data(n))).collect();
        // Within HubSpot's limit, as a queue that waits would be.
        world.clock.advance_ms(1_000);
        applied += world.sync(&batch).counts["applied"];
        if first % 1_000 == 0 || first + 10 >= count {
            seen = tally(world, seen, &mut asked);
        }
    }
    assert_eq!(applied as usize, count);
    asked
}

/// Adds the requests after `seen`; the last one's number. The journal keeps the newest only.
fn tally(world: &World, seen: u64, asked: &mut BTreeMap<String, u64>) -> u64 {
    let path = format!("/_sandbox/requests?since={seen}&provider=hubspot&account={ORG}");
    let requests = world.crm.control("GET", &path, &Value::Null);
    let mut last = seen;
    for request in requests.as_array().into_iter().flatten() {
        last = last.max(request["seq"].as_u64().unwrap_or(last));
        let path = request["path"].as_str().unwrap_or_default();
        if !path.contains("/properties/") {
            *asked
                .entry(format!("{} {path}", request["method"].as_str().unwrap_or_default()))
                .or_default() += 1;
        }
    }
    last
}
