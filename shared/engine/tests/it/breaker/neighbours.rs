//! One org's CRM hangs; another org's record that waits for its reference, in one batch with both.

use super::contact;
use super::hall::Hall;
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::world::World;
use serde_json::json;
use std::sync::atomic::Ordering;

type Task<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;
const CHILD: &str = "object: contacts\nreference_wait: 1h\nfields:\n  email: email\n  firstname: first_name\n  company: {reference: company, id: company_id, association: default}\n";
const PARENT: &str = "object: companies\nfields:\n  name: name\n";

/// When the other org's calls began.
fn others(takes_ms: i64, together: bool) -> Vec<i64> {
    let world = World::with_contact(CHILD);
    let org = |name: &str| {
        format!(
            "org: {name}\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/{name}\nroutes:\n  contact: [hubspot]\n  company: [hubspot]\n"
        )
    };
    let (acme, globex) = (org("acme"), org("globex"));
    let files = [
        ("mappings/hubspot/contact.yaml", CHILD),
        ("mappings/hubspot/company.yaml", PARENT),
        ("orgs/acme.yaml", &acme),
        ("orgs/globex.yaml", &globex),
    ];
    world.configs.apply(&files).unwrap();
    let token = world.crm.token("globex");
    world.secrets.put("rtr/test/globex/hubspot", &json!({"type": "bearer", "token": token}).to_string());
    for object in ["contacts", "companies"] {
        world.crm.create_key("globex", object, &token);
    }
    let hall = Hall::new(&world);
    let clock = hall.clock.clone();
    let crm = Hall::crm(&world, &clock);
    crm.takes_ms.store(takes_ms, Ordering::SeqCst);
    let company = build::event("globex", "company", "k", 1, &json!({"name": "K"}), world.now());
    let child = build::event(
        "globex",
        "contact",
        "g",
        1,
        &json!({"email": "g@x.io", "first_name": "v1", "company_id": "k"}),
        world.now(),
    );
    if together {
        hall.bring(contact(&world, "a", 1));
    }
    hall.bring(company);
    hall.bring(child);
    let end = 100_000;
    let tasks: Vec<Task<'_>> = vec![
        Box::pin(hall.environment(&crm, 10, end)),
        Box::pin(hall.environment(&crm, 10, end)),
        Box::pin(hall.environment(&crm, 10, end)),
        Box::pin(hall.lane(&crm, end)),
    ];
    hall.run(tasks);
    assert_eq!(world.crm.records("globex", "contacts").len(), 1);
    crm.between("globex", 0, i64::MAX).iter().map(|call| call.began_ms).collect()
}

#[test]
fn given_a_crm_that_hangs_when_another_orgs_parent_and_child_come_in_one_batch_with_its_call_then_the_child_goes_at_once()
 {
    assert_eq!(others(30_000, true), others(20, false), "milliseconds at which its calls began");
}
