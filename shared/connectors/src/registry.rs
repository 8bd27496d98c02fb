//! Which CRMs there are: adding one is its folder and its line here.

use crate::connector::Crm;
use crate::{hubspot, salesforce};
use rtr_core::mapping::ProviderFacts;

/// A CRM that rtr-sync can talk to.
pub type Connector = &'static dyn Crm;

/// Every connector, one line each.
pub static ALL: &[Connector] = &[&hubspot::HubSpot, &salesforce::Salesforce];

/// The facts of every provider, for the configuration's checks.
#[must_use]
pub fn facts() -> Vec<ProviderFacts> {
    ALL.iter().map(|connector| connector.facts()).collect()
}

/// The connector of this provider name.
#[must_use]
pub fn by_name(provider: &str) -> Option<Connector> {
    ALL.iter().copied().find(|connector| connector.facts().name == provider)
}
