//! N records that their mapping cannot take, filed as dead letters; the mapping mended; all of them rehearsed, sent again, and
//! worked until the CRM has them. All in memory. `make bench-redrive N=10000`
//!
//! The same engine and the CRM sandbox's own core as everywhere; only tables and queues are in memory. It fails when fewer than
//! five thousand letters a second are sent again.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use futures::executor::block_on;
use rtr_engine::batch::Received;
use rtr_engine::letters::{Addressing, Fate, Following, Letter, Outcomes, Trial, Under, plan_step};
use rtr_engine::seams::{Configs, Named, QueueName};
use rtr_testkit::build;
use rtr_testkit::world::{ORG, World};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// It has no word for what the records say.
const FAILING: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n  jobtitle: {from: role, map: {boss: Boss}}\n";
const MENDED: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n  jobtitle: {from: role, map: {boss: Boss, clerk: Clerk}}\n";
/// Letters of one step, as the command takes them.
const STEP: usize = 1_000;
/// Messages of a batch, as the function gets them.
const BATCH: usize = 10;
/// Fewer a second are too few.
const AT_LEAST: f64 = 5_000.0;

fn main() {
    let count: usize = std::env::args().nth(1).map_or(10_000, |text| text.parse().expect("a number"));
    let world = World::with_contact(FAILING);
    let filing = timed(|| file(&world, count));
    let letters = letters_of(&world);
    assert_eq!(letters.len(), count, "each of them is dead");
    assert!(world.contacts("email").is_empty(), "and the CRM has none");
    println!("filed by the sync flow:          {}", rate(count, filing));

    world.configs.apply(&[("mappings/hubspot/contact.yaml", MENDED)]).unwrap();
    let rehearsing = timed(|| rehearse(&world, &letters));
    println!("rehearsed under the new mapping: {}", rate(count, rehearsing));

    let mut following = Following::default();
    let sending = timed(|| send(&world, &letters, &mut following));
    println!("sent again:                      {}", rate(count, sending));
    let working = timed(|| work(&world));
    let following_it = timed(|| {
        while following.left() > 0 {
            block_on(following.look(&world.records, STEP)).unwrap();
        }
    });
    println!("worked by the sync flow:         {}", rate(count, working));
    println!("followed to their endings:       {}", rate(count, following_it));
    println!("redriven, from the first to the last at the CRM: {}", rate(count, sending + working));

    assert_eq!(following.outcomes(), Outcomes { applied: count, ..Outcomes::default() });
    assert_eq!(world.contacts("jobtitle").iter().filter(|title| *title == "Clerk").count(), count);
    assert!(letters_of(&world).is_empty(), "nothing is dead any more");
    let a_second = count as f64 / sending.as_secs_f64();
    assert!(a_second >= AT_LEAST, "{a_second:.0} a second are sent again: at least {AT_LEAST:.0} must be");
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn rate(count: usize, took: Duration) -> String {
    format!("{:.0} letters/s ({:.2} s)", count as f64 / took.as_secs_f64(), took.as_secs_f64())
}

/// Each record comes once, and dies.
fn file(world: &World, count: usize) {
    for first in (0..count).step_by(BATCH) {
        let batch: Vec<Received> = (first..count.min(first + BATCH))
            .map(|n| {
                let data = json!({"email": format!("p{n}@x.io"), "first_name": "Ann", "role": "clerk"});
                world.contact(&format!("r{n}"), 1, &data)
            })
            .collect();
        let report = world.sync(&batch);
        assert_eq!((report.failed.len(), report.counts.get("dead")), (0, Some(&(batch.len() as u64))));
    }
}

/// What an index would list.
fn letters_of(world: &World) -> Vec<Letter> {
    let named: Vec<Named> = {
        let state = world.records.state();
        let named = |(key, (item, names)): (&_, &(_, _))| Named {
            key: Clone::clone(key),
            names: Clone::clone(names),
            item: Clone::clone(item),
        };
        state.items.iter().map(named).collect()
    };
    named.iter().filter_map(Letter::of).collect()
}

fn rehearse(world: &World, letters: &[Letter]) {
    let config = block_on(world.configs.org(ORG)).unwrap();
    let under = Under { config: (*config).clone(), letterheads: BTreeMap::new() };
    let orgs = BTreeMap::from([(ORG.to_owned(), under)]);
    let trial = Trial::over(&world.records, world.clock.as_ref());
    for step in letters.chunks(100) {
        let fared = block_on(trial.run(step, &orgs)).unwrap();
        let applied = |fate| fate == Fate::Ended(rtr_core::item::Ended::Applied);
        assert!(fared.iter().all(|one| applied(one.fate)), "{:?}", fared[0]);
    }
}

fn send(world: &World, letters: &[Letter], following: &mut Following) {
    let how = Addressing { buckets: 0, fresh: "again".to_owned() };
    for step in letters.chunks(STEP) {
        let planned = block_on(plan_step(&world.records, step, &how)).unwrap();
        assert_eq!((planned.ready(), planned.gone), (step.len(), 0));
        let step = block_on(planned.send(&world.seams()));
        assert!(step.failed.is_none(), "{:?}", step.failed);
        following.add(step.sent);
    }
}

/// Everything that was sent, in batches as a poller makes them.
fn work(world: &World) {
    let sent = world.queue.take_sent(QueueName::Changes);
    for batch in sent.chunks(BATCH) {
        let batch: Vec<Received> =
            batch.iter().map(|message| build::raw(&message.body, &message.group, world.now())).collect();
        let report = world.sync(&batch);
        assert_eq!((report.failed.len(), report.counts.get("applied")), (0, Some(&(batch.len() as u64))));
    }
}
