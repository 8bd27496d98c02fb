//! Every connector passes the same suite. What a vendor's suite has to be told stands in the connector's own folder, so
//! that adding a CRM touches nothing here but its line.

mod pages;
mod session;

#[path = "../../src/hubspot/conformance.rs"]
mod hubspot;
#[path = "../../src/salesforce/conformance.rs"]
mod salesforce;

#[test]
fn given_the_registry_when_compared_then_every_connector_runs_the_suite() {
    let this = include_str!("main.rs");
    for connector in rtr_connectors::registry::ALL {
        let name = connector.facts().name;
        assert!(this.contains(&format!("\nmod {name};")), "{name} has no line here");
        let path = format!("{}/src/{name}/conformance.rs", env!("CARGO_MANIFEST_DIR"));
        let profile = std::fs::read_to_string(path).unwrap_or_default();
        assert!(profile.contains(&format!("\nrtr_testkit::connector_conformance!({name});")), "{name}");
    }
}
