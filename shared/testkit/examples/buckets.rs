//! Calls of the CRM for each record, by `GroupBuckets` and by how many events an org has in the queue: the real sync flow and
//! the CRM sandbox's own core; queue and tables are in memory. `make bench-buckets`
//!
//! The queue is received from as SQS does it: as many messages of one group as there are, up to ten, then of the next.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use rtr_core::key::RecordKey;
use rtr_engine::batch::Received;
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::World;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};

const CONTACT: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n";
/// Orgs, and events that each has in the queue.
const LOADS: [(usize, usize); 3] = [(1_000, 10), (200, 100), (20, 1_000)];
const BUCKETS: [u64; 5] = [0, 1, 4, 16, 64];
/// Messages of a batch.
const BATCH: usize = 10;

fn main() {
    println!("calls of HubSpot for each record, batches of {BATCH}");
    print!("{:>6} {:>12}", "orgs", "events each");
    BUCKETS.iter().for_each(|buckets| print!(" {:>7}", format!("K={buckets}")));
    println!();
    for (orgs, each) in LOADS {
        print!("{orgs:>6} {each:>12}");
        for buckets in BUCKETS {
            print!(" {:>7.3}", per_record(orgs, each, buckets));
        }
        println!();
    }
}

/// Messages by group, the groups in the order of their oldest.
#[derive(Default)]
struct Queue {
    groups: HashMap<String, VecDeque<Received>>,
    order: VecDeque<String>,
}

impl Queue {
    fn send(&mut self, message: Received) {
        let queued = self.groups.entry(message.group.clone()).or_default();
        if queued.is_empty() {
            self.order.push_back(message.group.clone());
        }
        queued.push_back(message);
    }

    fn receive(&mut self) -> Vec<Received> {
        let mut batch = Vec::new();
        let mut later = Vec::new();
        while batch.len() < BATCH {
            let Some(group) = self.order.pop_front() else { break };
            let queued = self.groups.get_mut(&group).unwrap();
            batch.extend(queued.drain(..queued.len().min(BATCH - batch.len())));
            if !queued.is_empty() {
                later.push(group);
            }
        }
        self.order.extend(later);
        batch
    }
}

fn per_record(orgs: usize, each: usize, buckets: u64) -> f64 {
    let mut world = world(orgs);
    world.settings.group_buckets = buckets;
    let mut queue = Queue::default();
    for n in 0..each {
        for org in (0..orgs).map(name) {
            let id = format!("c{n}");
            let data = json!({"email": format!("{id}@{org}.example"), "first_name": "Ann"});
            let mut message = build::event(&org, "contact", &id, 1, &data, world.now());
            message.group = RecordKey::new(&org, "contact", &id).message_group(buckets);
            queue.send(message);
        }
    }
    let mut applied = 0;
    loop {
        let mut batch = queue.receive();
        if batch.is_empty() {
            break;
        }
        batch.iter_mut().for_each(|message| message.first_received_at = world.now());
        let report = world.sync(&batch);
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        applied += report.counts.get("applied").copied().unwrap_or(0);
        world.clock.advance_ms(1_000);
    }
    assert_eq!(applied, (orgs * each) as u64, "each is written");
    let calls: usize = (0..orgs).map(|org| writes(&world.crm.requests(&name(org)))).sum();
    calls as f64 / (orgs * each) as f64
}

/// Those that write contacts; the rest set the account up.
fn writes(requests: &[Value]) -> usize {
    let path = |request: &Value| request["path"].as_str().unwrap_or("").to_owned();
    requests.iter().filter(|request| path(request).contains("/objects/contacts/")).count()
}

fn name(org: usize) -> String {
    format!("org{org}")
}

fn world(orgs: usize) -> World {
    let world = World::with_contact(CONTACT);
    let mut files = vec![("mappings/hubspot/contact.yaml".to_owned(), CONTACT.to_owned())];
    for org in (0..orgs).map(name) {
        let token = world.crm.token(&org);
        let secret = json!({"type": "bearer", "token": token}).to_string();
        world.secrets.put(&format!("rtr/test/{org}/hubspot"), &secret);
        world.crm.create_key(&org, "contacts", &token);
        let text = format!(
            "org: {org}\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/{org}\nroutes:\n  contact: [hubspot]\n"
        );
        files.push((format!("orgs/{org}.yaml"), text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    if let Err(problems) = world.configs.apply(&files) {
        unreachable!("{problems}");
    }
    world
}
