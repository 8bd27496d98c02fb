//! A mapping that changes: under way, as a canary's, and as one that means harm.

use async_trait::async_trait;
use rtr_connectors::http::{Http, NoAnswer, Outgoing, Response};
use rtr_engine::seams::{Seams, Tally};
use rtr_engine::sync::{Caches, run};
use rtr_testkit::world::{ORG, TIMEOUT_MS, World};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

const BEFORE: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name\n";
const AFTER: &str = "object: contacts\nfields:\n  email: email\n  firstname: first_name | upper\n";
const CONTACT: &str = "mappings/hubspot/contact.yaml";

fn person(id: &str) -> Value {
    json!({"email": format!("{id}@x.io"), "first_name": "Ann"})
}

/// A carrier during whose first call a new mapping is applied.
struct Applying<'a>(&'a World, AtomicBool);

#[async_trait]
impl Http for Applying<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        if !self.1.swap(true, Ordering::Relaxed) {
            self.0.configs.apply(&[(CONTACT, AFTER)]).unwrap();
        }
        self.0.crm.send(outgoing).await
    }
}

#[test]
fn given_a_new_mapping_while_a_batch_is_worked_when_it_goes_on_then_all_of_it_goes_by_the_old_one() {
    let world = World::with_contact(BEFORE);
    let mut batch: Vec<_> = ["a", "b", "c"].map(|id| world.contact(id, 1, &person(id))).into();
    // A call of its own, before those of the contacts.
    batch.push(world.company("k", 1, &json!({"name": "K"})));
    let http = Applying(&world, AtomicBool::new(false));
    let seams = Seams { http: &http, ..world.seams() };
    let deadline = world.now().plus_ms(TIMEOUT_MS);
    let report =
        futures::executor::block_on(run(&seams, &world.settings, &Caches::default(), &batch, deadline));
    assert_eq!((report.counts["applied"], http.1.load(Ordering::Relaxed)), (4, true));
    assert_eq!(world.contacts("firstname"), ["Ann", "Ann", "Ann"]);
    world.sync(&[world.contact("e", 1, &person("e"))]);
    assert_eq!(world.contacts("firstname"), ["ANN", "Ann", "Ann", "Ann"]);
}

#[test]
fn given_a_canarys_mapping_when_records_come_then_what_becomes_of_them_is_counted_for_it_alone() {
    let world = World::with_contact(BEFORE);
    world.sync(&[world.contact("a", 1, &person("a"))]);
    assert!(world.limits.state().tallies.is_empty(), "who tries nothing costs no write");
    let strict = BEFORE.replace("first_name", "first_name | required");
    let revision = world.configs.apply_to_canaries(&[(CONTACT, &strict)], &[ORG]).unwrap();
    let nameless = json!({"email": "n@x.io"});
    let batch = [
        world.contact("b", 1, &person("b")),
        world.contact("n", 1, &nameless),
        world.contact("c", 1, &person("c")),
    ];
    let report = world.sync(&batch);
    assert_eq!((report.counts["applied"], report.counts["dead"]), (2, 1));
    let tally = |well, dead| [((ORG.to_owned(), revision), Tally { well, dead })].into();
    assert_eq!(world.limits.state().tallies, tally(2, 1));
    // Of a type that it does not try nothing is counted.
    world.sync(&[world.company("k", 1, &json!({"name": "K"}))]);
    assert_eq!(world.limits.state().tallies, tally(2, 1));
    world.configs.apply(&[(CONTACT, &strict)]).unwrap();
    world.sync(&[world.contact("d", 1, &person("d"))]);
    assert_eq!(world.limits.state().tallies, tally(2, 1), "it tries nothing any more");
}

#[test]
fn given_a_canarys_route_to_where_no_mapping_is_when_records_come_then_their_deaths_are_counted_for_it() {
    let world = World::with_contact(BEFORE);
    let route = "org: \"*\"\nroutes:\n  ticket: [hubspot]\n";
    let revision = world.configs.apply_to_canaries(&[("orgs/all.yaml", route)], &[ORG]).unwrap();
    let ticket = rtr_testkit::build::event(ORG, "ticket", "t", 1, &json!({"name": "T"}), world.now());
    let report = world.sync(&[ticket, world.contact("a", 1, &person("a"))]);
    assert_eq!((report.counts["applied"], report.counts["dead"]), (1, 1));
    let dead = Tally { well: 0, dead: 1 };
    assert_eq!(world.limits.state().tallies, [((ORG.to_owned(), revision), dead)].into());
}

#[test]
fn given_an_expression_that_would_never_end_when_mapped_then_its_record_is_dead_by_field_and_its_neighbours_go_on()
 {
    let much = vec!["notes"; 40].join(" ~ ");
    let world =
        World::with_contact(&format!("object: contacts\nfields:\n  email: email\n  message: {much}\n"));
    let hostile = json!({"email": "h@x.io", "notes": "x".repeat(400_000)});
    let tame = |id: &str| json!({"email": format!("{id}@x.io"), "notes": "hi"});
    let batch = [
        world.contact("a", 1, &tame("a")),
        world.contact("h", 1, &hostile),
        world.contact("b", 1, &tame("b")),
    ];
    let report = world.sync(&batch);
    assert_eq!((report.counts["applied"], report.counts["dead"], report.failed.len()), (2, 1, 0));
    let slot = world.item("contact", "h").slot.unwrap();
    assert_eq!(slot.reason.field.as_deref(), Some("message"));
    assert_eq!(world.contacts("email"), ["a@x.io", "b@x.io"]);
}
