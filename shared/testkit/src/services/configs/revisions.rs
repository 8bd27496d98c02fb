//! What an org comes to, and since which revision.

use super::{CACHE_MS, Stack};
use rtr_core::config::{GLOBAL_ORG, OrgConfig};
use std::sync::Arc;

const ACME: (&str, &str) =
    ("orgs/acme.yaml", "org: acme\nconnections:\n  hubspot: {}\nroutes:\n  contact: [hubspot]\n");
const CONTACT: (&str, &str) =
    ("mappings/hubspot/contact.yaml", "object: contacts\nfields:\n  email: email\n");
const COMPANY: (&str, &str) = ("mappings/hubspot/company.yaml", "object: companies\nfields:\n  name: name\n");

/// As it is seen when the cache has expired.
async fn now(on: &dyn Stack, org: &str) -> Arc<OrgConfig> {
    on.pass_ms(CACHE_MS);
    on.configs().org(org).await.unwrap()
}

fn revision(config: &OrgConfig, record_type: &str) -> Option<u64> {
    config.mapping("hubspot", record_type).map(|mapping| mapping.revision)
}

/// Nothing of what holds for all makes an org known.
pub async fn given_an_org_without_documents_when_asked_then_it_is_unknown(on: &dyn Stack) {
    let config = on.configs().org("nobody").await.unwrap();
    assert!(!config.known && config.connections.is_empty());
    on.apply(&[ACME, CONTACT]).await;
    let config = now(on, "nobody").await;
    assert!(!config.known && config.connections.is_empty() && config.route("contact").is_empty());
    assert_eq!(config.org, "nobody");
}

/// Together with the mappings for all.
pub async fn given_an_org_of_its_own_when_resolved_then_its_connections_routes_and_mappings_are_there(
    on: &dyn Stack,
) {
    on.apply(&[ACME, CONTACT, COMPANY]).await;
    let config = now(on, "acme").await;
    assert!(config.known);
    assert_eq!(config.route("contact"), ["hubspot"]);
    assert!(config.route("company").is_empty());
    assert!(revision(&config, "contact").is_some() && revision(&config, "company").is_some());
    assert_eq!(revision(&config, "deal"), None);
    let connection = &config.connections["hubspot"];
    assert_eq!(connection.provider, "hubspot");
    assert!(connection.secret.starts_with("rtr/") && connection.secret.ends_with("/acme/hubspot"));
}

/// And for that org alone.
pub async fn given_a_mapping_of_the_orgs_own_when_resolved_then_it_stands_before_the_one_for_all(
    on: &dyn Stack,
) {
    let own = format!(
        "{}mappings:\n  hubspot:\n    contact:\n      object: contacts\n      fields:\n        firstname: first\n",
        ACME.1
    );
    let other = ("orgs/other.yaml", "org: other\nconnections:\n  hubspot: {}\n");
    on.apply(&[(ACME.0, &own), CONTACT, other]).await;
    let (acme, other) = (now(on, "acme").await, now(on, "other").await);
    let fields = |config: &OrgConfig| {
        let at = config.mapping("hubspot", "contact").unwrap().clone();
        at.mapping.field_names().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((fields(&acme), fields(&other)), (vec!["firstname".to_owned()], vec!["email".to_owned()]));
}

/// Until then the old one serves, wholly.
pub async fn given_a_new_revision_when_the_cache_expires_then_it_is_seen_and_not_before(on: &dyn Stack) {
    on.apply(&[ACME, CONTACT]).await;
    let first = now(on, "acme").await;
    let changed = (CONTACT.0, "object: contacts\nfields:\n  email: email\n  firstname: first\n");
    let rerouted = (ACME.0, "org: acme\nconnections:\n  hubspot: {}\nroutes:\n  company: [hubspot]\n");
    on.apply(&[rerouted, changed, COMPANY]).await;
    on.pass_ms(CACHE_MS - 1);
    let held = on.configs().org("acme").await.unwrap();
    assert_eq!((held.route("contact").len(), revision(&held, "company")), (1, None));
    assert_eq!(revision(&held, "contact"), revision(&first, "contact"));
    on.pass_ms(1);
    let seen = on.configs().org("acme").await.unwrap();
    assert_eq!((seen.route("contact").len(), seen.route("company").len()), (0, 1));
    assert!(revision(&seen, "contact") > revision(&first, "contact") && revision(&seen, "company").is_some());
}

/// So that records are planned again by what changed and by nothing else.
pub async fn given_a_mapping_that_changed_when_applied_then_its_revision_alone_grows(on: &dyn Stack) {
    on.apply(&[ACME, CONTACT, COMPANY]).await;
    let before = now(on, "acme").await;
    let changed = (COMPANY.0, "object: companies\nfields:\n  name: name\n  domain: domain\n");
    on.apply(&[ACME, CONTACT, changed]).await;
    let after = now(on, "acme").await;
    assert_eq!(revision(&after, "contact"), revision(&before, "contact"));
    assert!(revision(&after, "company") > revision(&before, "company"));
}

/// Applying is safe at any time.
pub async fn given_documents_that_did_not_change_when_applied_then_nothing_has_a_new_revision(
    on: &dyn Stack,
) {
    on.apply(&[ACME, CONTACT, COMPANY]).await;
    let before = now(on, "acme").await;
    on.apply(&[ACME, CONTACT, COMPANY]).await;
    let after = now(on, "acme").await;
    for record_type in ["contact", "company"] {
        assert_eq!(revision(&after, record_type), revision(&before, record_type));
    }
}

/// Nothing goes unless it is asked to.
pub async fn given_fewer_files_when_applied_then_what_holds_for_all_stays(on: &dyn Stack) {
    on.apply(&[ACME, CONTACT]).await;
    let before = now(on, "acme").await;
    on.apply(&[("orgs/other.yaml", "org: other\nconnections:\n  hubspot: {}\n"), COMPANY]).await;
    for org in ["acme", "other"] {
        let config = now(on, org).await;
        assert!(config.known && revision(&config, "company").is_some(), "{org}");
        assert_eq!(revision(&config, "contact"), revision(&before, "contact"), "{org}");
    }
}

/// It is no org's, whatever an event calls itself.
pub async fn given_the_name_of_what_holds_for_all_when_asked_as_an_org_then_it_is_unknown(on: &dyn Stack) {
    on.apply(&[ACME, CONTACT]).await;
    assert!(!now(on, GLOBAL_ORG).await.known);
    assert!(now(on, "acme").await.known);
}
