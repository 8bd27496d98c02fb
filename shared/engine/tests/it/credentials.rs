//! Tokens: refreshed early and once, rotated ones kept, refused ones suspend the connection until the secret changes.

use crate::{CONTACT, parked};
use rtr_testkit::world::World;
use serde_json::{Value, json};

fn with_oauth(rotate: bool) -> (World, Value) {
    let world = World::with_contact(CONTACT);
    let issued = world.crm.control("POST", "/_sandbox/tokens",
        &json!({"provider": "hubspot", "account": "acme", "action": "issue", "expires_in": 1800, "rotate": rotate}));
    put(&world, &issued, "2026-11-18T11:36:40Z");
    (world, issued)
}

fn put(world: &World, issued: &Value, expires_at: &str) {
    let secret = json!({"type": "oauth2", "client_id": issued["client_id"], "client_secret": issued["client_secret"],
        "refresh_token": issued["refresh_token"], "access_token": issued["access_token"], "expires_at": expires_at});
    world.secrets.put("rtr/test/acme/hubspot", &secret.to_string());
}

fn refreshes(world: &World) -> usize {
    world.calls().iter().filter(|call| call.contains("/oauth/")).count()
}

#[test]
fn given_a_token_that_expires_in_four_minutes_when_synced_then_it_is_refreshed_first_and_written_back() {
    let (world, issued) = with_oauth(true);
    world.clock.advance_ms(26 * 60_000);
    assert_eq!(world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]).counts["applied"], 1);
    assert_eq!(refreshes(&world), 1);
    let secret = world.secrets.text("rtr/test/acme/hubspot").unwrap();
    assert!(!secret.contains(issued["access_token"].as_str().unwrap()));
    assert!(!secret.contains(issued["refresh_token"].as_str().unwrap()), "the rotated token is kept");
    assert!(!world.calls().iter().any(|call| call.ends_with("401")));
}

#[test]
fn given_a_token_that_the_crm_refuses_when_synced_then_it_is_refreshed_once_and_the_call_goes() {
    let (world, issued) = with_oauth(false);
    world.crm.control("POST", "/_sandbox/tokens",
        &json!({"provider": "hubspot", "account": "acme", "action": "expire", "token": issued["access_token"]}));
    assert_eq!(world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]).counts["applied"], 1);
    assert_eq!(refreshes(&world), 1);
}

#[test]
fn given_a_refresh_token_that_is_revoked_when_synced_then_the_connection_is_suspended_and_a_new_secret_ends_it()
 {
    let (world, _) = with_oauth(false);
    world.crm.control(
        "POST",
        "/_sandbox/tokens",
        &json!({"provider": "hubspot", "account": "acme", "action": "revoke"}),
    );
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert!(world.sync(&[message]).failed.is_empty());
    assert_eq!(parked(&world, "c").reason.code.as_str(), "RTR4004");
    assert!(world.limits.state().suspensions.contains_key("acme#hubspot"));
    let asked = refreshes(&world);
    assert!(world.sync(&[world.contact("d", 1, &json!({"email": "d@x.io"}))]).failed.is_empty());
    world.clock.advance_ms(60_000);
    assert_eq!(world.sweep().len(), 1);
    assert_eq!((parked(&world, "d").wanted_version, refreshes(&world)), (1, asked), "not asked again");
    let token = world.crm.token("acme");
    world.secrets.put("rtr/test/acme/hubspot", &json!({"type": "bearer", "token": token}).to_string());
    world.clock.advance_ms(61_000);
    world.sweep();
    assert_eq!(world.contacts("email"), ["c@x.io", "d@x.io"]);
    assert!(world.limits.state().suspensions.is_empty());
}

#[test]
fn given_two_environments_with_one_refused_token_when_both_sync_then_it_is_refreshed_once_for_both() {
    let (world, issued) = with_oauth(true);
    let other = rtr_engine::sync::Caches::default();
    let run = |caches, id: &str, version| {
        let message = world.contact(
            id,
            version,
            &json!({"email": format!("{id}@x.io"), "first_name": version.to_string()}),
        );
        let deadline = world.now().plus_ms(60_000);
        futures::executor::block_on(rtr_engine::sync::run(
            &world.seams(),
            &world.settings,
            caches,
            &[message],
            deadline,
        ))
    };
    run(&world.caches, "a", 1);
    run(&other, "b", 1);
    world.crm.control(
        "POST",
        "/_sandbox/tokens",
        &json!({"provider": "hubspot", "account": "acme", "action": "expire", "token": issued["access_token"]}),
    );
    assert_eq!(run(&world.caches, "a", 2).counts["applied"], 1);
    assert_eq!(run(&other, "b", 2).counts["applied"], 1);
    assert_eq!(refreshes(&world), 1);
}

#[test]
fn given_no_secret_when_synced_then_what_comes_is_parked_and_goes_once_it_is_there() {
    let world = World::with_contact(CONTACT);
    let token = world.crm.token("acme");
    world.secrets.put("rtr/test/acme/hubspot", "{\"type\": \"bearer\"}");
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert_eq!((world.sync(&[message]).failed.len(), world.calls().len()), (0, 0));
    world.clock.advance_ms(60_000);
    assert_eq!(world.sweep().len(), 1);
    assert_eq!((parked(&world, "c").reason.code.as_str(), world.calls().len()), ("RTR4007", 0));
    world.secrets.put("rtr/test/acme/hubspot", &json!({"type": "bearer", "token": token}).to_string());
    world.clock.advance_ms(61_000);
    world.sweep();
    assert_eq!((world.contacts("email"), world.item("contact", "c").slot), (vec!["c@x.io".to_owned()], None));
}

#[test]
fn given_a_store_that_still_shows_the_replaced_secret_when_refreshed_then_the_old_token_is_not_tried_again() {
    let (world, issued) = with_oauth(true);
    world.clock.advance_ms(26 * 60_000);
    assert_eq!(world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]).counts["applied"], 1);
    // Another environment reads, and gets what stood there before: version 2 was replaced by 3.
    let newest = world.secrets.text("rtr/test/acme/hubspot").unwrap();
    let replaced = world.limits.state().known["acme#hubspot"].replaced.clone().unwrap().0;
    let past = PastSecrets(replaced, issued);
    let other = rtr_engine::sync::Caches::default();
    let seams = rtr_engine::seams::Seams { secrets: &past, ..world.seams() };
    let message = [world.contact("d", 1, &json!({"email": "d@x.io"}))];
    let deadline = world.now().plus_ms(60_000);
    let asked = refreshes(&world);
    let run = rtr_engine::sync::run(&seams, &world.settings, &other, &message, deadline);
    assert_eq!(futures::executor::block_on(run).failed.len(), 1);
    assert_eq!(refreshes(&world), asked, "a token that served already would be refused");
    assert!(world.limits.state().suspensions.is_empty());
    assert_eq!(world.secrets.text("rtr/test/acme/hubspot").unwrap(), newest);
}

/// A store that is behind.
struct PastSecrets(String, Value);

#[async_trait::async_trait]
impl rtr_engine::seams::Secrets for PastSecrets {
    async fn read(
        &self,
        _: &str,
    ) -> Result<Option<rtr_engine::seams::SecretText>, rtr_engine::seams::Unavailable> {
        let issued = &self.1;
        let text = json!({"type": "oauth2", "client_id": issued["client_id"], "client_secret": issued["client_secret"],
            "refresh_token": issued["refresh_token"]});
        Ok(Some(rtr_engine::seams::SecretText { text: text.to_string().into(), version: self.0.clone() }))
    }
    async fn write(
        &self,
        _: &str,
        _: &secrecy::SecretString,
    ) -> Result<String, rtr_engine::seams::Unavailable> {
        unreachable!("nothing new to write")
    }
    async fn create_or_write(
        &self,
        _: &str,
        _: &secrecy::SecretString,
    ) -> Result<String, rtr_engine::seams::Unavailable> {
        unreachable!("nothing new to write")
    }
}

#[test]
fn given_another_account_behind_the_token_when_refreshed_then_nothing_is_written_there_until_a_person_decides()
 {
    let (world, _) = with_oauth(true);
    world.limits.state().known.entry("acme#hubspot".to_owned()).or_default().account = Some("1".to_owned());
    world.clock.advance_ms(26 * 60_000);
    let message = world.contact("c", 1, &json!({"email": "c@x.io"}));
    assert!(world.sync(&[message]).failed.is_empty());
    for _ in 0..5 {
        world.sweep();
        world.clock.advance_ms(60_000);
    }
    assert_eq!(parked(&world, "c").wanted_version, 1);
    assert!(world.crm.records("acme", "contacts").is_empty());
    let held = world.limits.state().suspensions["acme#hubspot"].message.clone();
    assert!(held.contains("linked to account 1"), "{held}");
}

#[test]
fn given_a_client_of_its_own_when_two_environments_start_cold_then_one_token_serves_both() {
    let world = World::with_contact(CONTACT);
    let issued =
        world.crm.control("POST", "/_sandbox/tokens", &json!({"provider": "hubspot", "account": "acme"}));
    let secret = json!({"type": "client_credentials", "client_id": issued["client_id"], "client_secret":
        issued["client_secret"]});
    world.secrets.put("rtr/test/acme/hubspot", &secret.to_string());
    assert_eq!(world.sync(&[world.contact("c", 1, &json!({"email": "c@x.io"}))]).counts["applied"], 1);
    let other = rtr_engine::sync::Caches::default();
    let message = [world.contact("d", 1, &json!({"email": "d@x.io"}))];
    let (seams, deadline) = (world.seams(), world.now().plus_ms(60_000));
    let run = rtr_engine::sync::run(&seams, &world.settings, &other, &message, deadline);
    assert_eq!(futures::executor::block_on(run).counts["applied"], 1);
    assert_eq!(refreshes(&world), 1);
}

#[test]
fn given_a_token_that_holds_and_no_place_to_go_to_when_the_endpoint_that_knows_it_is_down_then_nobody_is_told_to_mend_a_secret()
 {
    let world = World::with_contact(CONTACT);
    let org =
        "org: acme\nconnections:\n  hubspot:\n    provider: salesforce\nroutes:\n  contact: [hubspot]\n";
    let mapping = "object: Contact\nfields:\n  LastName: first_name\n  Email: email\n";
    world.configs.apply(&[("mappings/salesforce/contact.yaml", mapping), ("orgs/acme.yaml", org)]).unwrap();
    // The account's address comes with a refresh, and the CRM's own login cannot be reached from here.
    let secret = json!({"type": "oauth2", "client_id": "i", "client_secret": "s", "refresh_token": "r",
        "access_token": "a", "expires_at": "2026-11-18T23:00:00Z"});
    world.secrets.put("rtr/test/acme/hubspot", &secret.to_string());
    let message = world.contact("c", 1, &json!({"email": "c@x.io", "first_name": "C"}));
    assert_eq!(world.sync(&[message]).failed.len(), 1, "it is tried again, and waits for no person");
    assert!(!world.records.state().items.values().any(|(item, _)| item.slot.is_some()));
}
