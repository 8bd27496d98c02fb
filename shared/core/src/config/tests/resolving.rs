//! What the functions get.

use super::*;

#[test]
fn given_stored_documents_when_resolved_then_defaults_fill_what_is_not_said() {
    let mut stored = Stored::default();
    let org = "\
org: acme
connections:
  hubspot: {}
  hubspot-eu: {provider: hubspot, mode: paused, secret: s, limits: [{api: search, requests: 5, per: 1s}], reserve: {backfill: 5%}}
routes: {contact: [hubspot]}
inbound: {target: {sqs: {url: https://sqs.example/q}}}
";
    let all = "org: \"*\"\nroutes: {contact: [hubspot-eu], deal: [salesforce, hubspot-eu]}\n";
    apply(
        &mut stored,
        &[
            ("mappings/hubspot/contact.yaml", CONTACT),
            ("mappings/hubspot/deal.yaml", "object: deals\nfields: {dealname: name}\n"),
            ("orgs/acme.yaml", org),
            ("orgs/all.yaml", all),
        ],
        false,
    );
    let config = config(&stored, "acme");
    let (one, eu) = (&config.connections["hubspot"], &config.connections["hubspot-eu"]);
    assert_eq!(
        (one.provider.as_str(), one.mode, one.secret.as_str()),
        ("hubspot", Mode::Live, "rtr/prod/acme/hubspot")
    );
    assert_eq!(one.limits, [LimitRule { api: "*".into(), requests: 100, per_ms: 10_000, burst: 100 }]);
    assert_eq!((eu.mode, eu.secret.as_str(), eu.reserve_backfill_percent), (Mode::Paused, "s", 5));
    assert_eq!(eu.limits, [LimitRule { api: "search".into(), requests: 5, per_ms: 1_000, burst: 5 }]);
    assert_eq!(
        (config.route("contact"), config.route("deal")),
        (&["hubspot".to_owned()][..], &["hubspot-eu".to_owned()][..])
    );
    assert!(config.route("company").is_empty() && config.mapping("hubspot", "company").is_none());
    assert!(config.mapping("hubspot-eu", "contact").is_some() && config.known);
    let target = Target::Sqs { url: "https://sqs.example/q".into() };
    assert_eq!(config.inbound, Some(WayBack { target, poll_ms: 300_000 }));
    let stranger = resolve("stranger", None, stored.global.as_ref(), FACTS, "prod").unwrap();
    assert!(!stranger.known && stranger.connections.is_empty() && stranger.route("contact").is_empty());
    let error = resolve("acme", stored.orgs.get("acme"), None, &[], "prod").unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"the configuration of org `acme` cannot be used: unknown provider `hubspot`; there are none; apply it again");
}
