//! Pauses: what a person stops beside the documents.

use super::{CACHE_MS, Stack};
use rtr_core::config::{Mode, Pause, Scope};
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;

const ACME: (&str, &str) = (
    "orgs/acme.yaml",
    "org: acme\nconnections:\n  hubspot: {}\n  hubspot-eu: {provider: hubspot}\n  salesforce: {}\nroutes: {}\n",
);
const OTHER: (&str, &str) = (
    "orgs/other.yaml",
    "org: other\nconnections:\n  hubspot: {}\n  shadowed: {provider: hubspot, mode: shadow}\n",
);

fn pause(by: &str) -> Pause {
    Pause {
        by: by.to_owned(),
        at: Instant(1_795_000_000_000),
        reason: Some("they asked, \"today\"".to_owned()),
    }
}

fn one(connection: &str) -> Scope {
    Scope::Connection(ConnectionKey::new("acme", connection))
}

/// The org's paused connections.
async fn paused(on: &dyn Stack, org: &str) -> Vec<String> {
    let config = on.configs().org(org).await.unwrap();
    let paused = config.connections.values().filter(|connection| connection.mode == Mode::Paused);
    paused.map(|connection| connection.id.clone()).collect()
}

/// The same once the cache has expired.
async fn paused_now(on: &dyn Stack, org: &str) -> Vec<String> {
    on.pass_ms(CACHE_MS);
    paused(on, org).await
}

/// And not before.
pub async fn given_a_pause_when_the_cache_expires_then_that_connection_is_paused_and_no_other(
    on: &dyn Stack,
) {
    on.apply(&[ACME, OTHER]).await;
    assert!(paused_now(on, "acme").await.is_empty());
    assert!(on.pause(&one("hubspot"), &pause("ada")).await);
    on.pass_ms(CACHE_MS - 1);
    assert!(paused(on, "acme").await.is_empty());
    on.pass_ms(1);
    assert_eq!(paused(on, "acme").await, ["hubspot"]);
    assert!(paused_now(on, "other").await.is_empty());
}

/// A file says what holds without it, and no file ends it.
pub async fn given_a_pause_when_configuration_is_applied_then_it_stays_until_it_is_ended(on: &dyn Stack) {
    // There may be nothing to pause yet.
    assert!(on.pause(&one("hubspot"), &pause("ada")).await);
    assert!(paused_now(on, "acme").await.is_empty());
    on.apply(&[ACME, OTHER]).await;
    assert_eq!(paused_now(on, "acme").await, ["hubspot"]);
    let changed = ACME.1.replace("salesforce: {}", "salesforce: {mode: paused}");
    on.apply(&[(ACME.0, &changed)]).await;
    assert_eq!(paused_now(on, "acme").await, ["hubspot", "salesforce"]);
    assert_eq!(on.resume(&one("hubspot")).await, Some(pause("ada")));
    assert_eq!(paused_now(on, "acme").await, ["salesforce"], "the file's own stays the file's");
}

/// Safe to repeat.
pub async fn given_a_pause_when_paused_again_then_the_first_stays_and_ending_it_tells_of_it(on: &dyn Stack) {
    let eu = one("hubspot-eu");
    assert_eq!(on.resume(&eu).await, None);
    assert!(on.pause(&eu, &Pause { reason: None, ..pause("ada") }).await);
    assert!(!on.pause(&eu, &pause("bob")).await);
    assert_eq!(on.resume(&eu).await, Some(Pause { reason: None, ..pause("ada") }));
    assert_eq!(on.resume(&eu).await, None);
    assert!(on.pause(&eu, &pause("bob")).await);
}

/// Of a provider, or of everything: that of every org, and of orgs that come later.
pub async fn given_a_wide_pause_when_it_ends_then_what_was_paused_alone_stays_so(on: &dyn Stack) {
    on.apply(&[ACME]).await;
    assert!(on.pause(&one("hubspot"), &pause("ada")).await);
    let provider = Scope::Provider("hubspot".to_owned());
    assert!(on.pause(&provider, &pause("bob")).await);
    assert_eq!(paused_now(on, "acme").await, ["hubspot", "hubspot-eu"]);
    on.apply(&[OTHER]).await;
    assert_eq!(paused_now(on, "other").await, ["hubspot"], "what is shadowed stays so");
    assert!(on.pause(&Scope::All, &pause("bob")).await);
    assert_eq!(paused_now(on, "acme").await, ["hubspot", "hubspot-eu", "salesforce"]);
    assert_eq!(on.resume(&provider).await, Some(pause("bob")));
    assert_eq!(paused_now(on, "acme").await, ["hubspot", "hubspot-eu", "salesforce"]);
    assert_eq!(on.resume(&Scope::All).await, Some(pause("bob")));
    assert_eq!(paused_now(on, "acme").await, ["hubspot"]);
    assert!(paused_now(on, "other").await.is_empty());
}

/// Who is told so knows it like everybody else who asks then.
pub async fn given_a_pause_or_its_end_when_asked_anew_then_it_is_seen_at_once_and_from_then_on(
    on: &dyn Stack,
) {
    on.apply(&[ACME]).await;
    assert!(paused_now(on, "acme").await.is_empty());
    assert!(on.pause(&Scope::All, &pause("ada")).await);
    assert!(paused(on, "acme").await.is_empty());
    let mode = async || on.configs().org_anew("acme").await.unwrap().connections["hubspot"].mode;
    assert_eq!(mode().await, Mode::Paused);
    assert_eq!(paused(on, "acme").await.len(), 3);
    assert!(on.resume(&Scope::All).await.is_some());
    assert_eq!(paused(on, "acme").await.len(), 3);
    assert_eq!(mode().await, Mode::Live);
    assert!(paused(on, "acme").await.is_empty());
}
