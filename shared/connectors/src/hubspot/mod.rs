//! HubSpot: CRM objects, their properties, and associations v4.
//!
//! A batch call answers for every item, whatever HubSpot says: each gets an outcome that is certainly its own, or one
//! that says nobody knows. [`request`] and [`response`] are pure, as are [`error`] (status and category to class),
//! [`crate::bisect`] (one bad item never fails its neighbours), [`webhook`], and [`changes`] with [`keyset`] (what has
//! changed is gone through without a gap); [`client`] alone sends.
//!
//! API reference: <https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide>

pub mod association;
mod body;
pub mod changes;
pub mod client;
mod directory;
pub mod error;
pub mod keyset;
pub mod lookup;
mod quota;
mod rehearsal;
pub mod request;
pub mod response;
#[cfg(test)]
mod tests;
pub mod webhook;

pub use error::classify;

use crate::changes::{FeedFacts, GonePage, Page, Position, Snapshot};
use crate::connector::{
    Asked, Association, Capabilities, Crm, Entry, Found, Lookup, Outcome, Property, Starter, WriteCall,
};
use crate::credentials::TokenEndpoint;
use crate::http::{Request, Response};
use crate::oauth::ConsentFacts;
use crate::session::{Classify, ReadQuota, Session};
use crate::shape::Shape;
use crate::webhook::Webhook;
use async_trait::async_trait;
use rtr_core::failure::Failure;
use rtr_core::mapping::{LimitFact, ProviderFacts};
use serde_json::Value;
use std::collections::BTreeMap;

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct HubSpot;

#[async_trait]
impl Crm for HubSpot {
    fn facts(&self) -> ProviderFacts {
        FACTS
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn starter(&self) -> Starter {
        STARTER
    }

    fn base_url(&self) -> Option<&'static str> {
        Some(BASE_URL)
    }

    fn hosts(&self) -> &'static [&'static str] {
        HOSTS
    }

    fn classify(&self) -> Classify {
        classify
    }

    fn quota(&self) -> ReadQuota {
        quota::read
    }

    fn token_endpoint(&self) -> TokenEndpoint {
        TOKEN_ENDPOINT
    }

    fn consent(&self) -> Option<ConsentFacts> {
        Some(CONSENT)
    }

    fn webhook(&self) -> &'static dyn Webhook {
        &webhook::HubSpotWebhook
    }

    fn key_by_hand(&self, object: &str, name: &str) -> String {
        format!(
            "HubSpot: Settings > Properties > {object} > Create property: internal name `{name}`, single-line text, and \
             under Rules \"Require unique values for this property\""
        )
    }

    fn property_by_hand(&self, object: &str, name: &str) -> String {
        format!(
            "HubSpot: Settings > Properties > {object} > Create property: internal name `{name}`, single-line text"
        )
    }

    fn knows_association(&self, association: &Association) -> Result<(), Failure> {
        association::type_id(association).map(|_| ())
    }

    async fn lacks(&self, session: &Session<'_>, object: &str) -> Vec<Failure> {
        client::lacks(session, object).await
    }

    fn rehearse(&self, request: &Request, new_id: &str) -> Response {
        rehearsal::answer(request, new_id)
    }

    async fn write(&self, session: &Session<'_>, call: &WriteCall) -> Vec<Outcome> {
        client::write(session, call).await
    }

    async fn lookup(&self, session: &Session<'_>, lookup: &Lookup) -> Result<Vec<Found>, Failure> {
        client::lookup(session, lookup).await
    }

    async fn directory(&self, session: &Session<'_>, asked: &Asked) -> Result<Vec<Entry>, Failure> {
        client::directory(session, asked).await
    }

    async fn held(
        &self,
        session: &Session<'_>,
        object: &str,
        external_id: &str,
        properties: &[String],
    ) -> Result<Option<BTreeMap<String, Value>>, Failure> {
        client::held(session, object, external_id, properties).await
    }

    fn feed(&self) -> FeedFacts {
        changes::FEED
    }

    async fn snapshots(
        &self,
        session: &Session<'_>,
        object: &str,
        ids: &[String],
        properties: &[String],
    ) -> Result<Vec<Snapshot>, Failure> {
        client::snapshots(session, object, ids, properties).await
    }

    async fn changed(
        &self,
        session: &Session<'_>,
        object: &str,
        from: &Position,
        properties: &[String],
    ) -> Result<Page, Failure> {
        client::changed(session, object, from, properties).await
    }

    async fn gone(
        &self,
        session: &Session<'_>,
        object: &str,
        after: Option<&str>,
    ) -> Result<GonePage, Failure> {
        client::gone(session, object, after).await
    }

    fn shape(&self, property: &Property) -> Shape {
        lookup::shape(property)
    }

    async fn associate(&self, session: &Session<'_>, wanted: &[Association]) -> Vec<Result<(), Failure>> {
        client::associate(session, wanted).await
    }

    async fn properties(&self, session: &Session<'_>, object: &str) -> Result<Vec<Property>, Failure> {
        client::properties(session, object).await
    }

    async fn create_key(&self, session: &Session<'_>, object: &str, name: &str) -> Result<(), Failure> {
        client::create_key(session, object, name).await
    }

    async fn account(&self, session: &Session<'_>) -> Result<String, Failure> {
        client::account(session).await
    }
}

/// The unique property that holds our record id unless the mapping names another.
pub const DEFAULT_KEY: &str = "rtr_record_id";

/// Where the paths begin, all in one place: HubSpot dates its versions (`/crm/objects/2026-09/…`, supported for 18
/// months) and keeps the undated family alive beside them with the same bodies.
pub(crate) mod path {
    /// Records.
    pub(crate) const OBJECTS: &str = "/crm/v3/objects";
    /// Properties.
    pub(crate) const PROPERTIES: &str = "/crm/v3/properties";
    /// Users as owners of records.
    pub(crate) const OWNERS: &str = "/crm/v3/owners";
    /// Pipelines with their stages.
    pub(crate) const PIPELINES: &str = "/crm/v3/pipelines";
    /// Associations.
    pub(crate) const ASSOCIATIONS: &str = "/crm/v4/associations";
    /// The account behind the token.
    pub(crate) const ACCOUNT: &str = "/account-info/v3/details";
}

/// One host serves every region.
pub const BASE_URL: &str = "https://api.hubapi.com";
/// `*` for the regional names such as `api-eu1`.
pub const HOSTS: &[&str] = &["api.hubapi.com", "*.hubapi.com"];
/// The undated v1 endpoint ends on 2027-02-16; from v3 on the parameters must stand in the body.
pub const TOKEN_ENDPOINT: TokenEndpoint =
    TokenEndpoint { url: "https://api.hubapi.com/oauth/v3/token", default_life_s: 1_800 };

/// The consent page: what the shipped mappings write, the owners that mappings may look up, and the schemas that `rtr connection setup` and `test` work on.
///
/// <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth>
pub const CONSENT: ConsentFacts = ConsentFacts {
    url: "https://app.hubspot.com/oauth/authorize",
    scopes: &[
        "oauth",
        "crm.objects.contacts.read",
        "crm.objects.contacts.write",
        "crm.objects.companies.read",
        "crm.objects.companies.write",
        "crm.objects.deals.read",
        "crm.objects.deals.write",
        "crm.objects.owners.read",
        "crm.schemas.contacts.read",
        "crm.schemas.contacts.write",
        "crm.schemas.companies.read",
        "crm.schemas.companies.write",
        "crm.schemas.deals.read",
        "crm.schemas.deals.write",
    ],
    extra: &[],
};

/// The limit that HubSpot counts apart from all others.
pub(crate) const SEARCH: &str = "search";
/// Every other call.
pub(crate) const ANY: &str = "*";

/// The smallest allowances there are; a connection with a larger plan says so in its `limits`.
///
/// Private apps: 100 per 10 s (Free, Starter) or 190 (Professional, Enterprise), 250,000 to 1,000,000 a day; OAuth
/// apps: 110 per 10 s and account, no daily limit, hence none here. Both windows roll, so a burst on top of the full
/// rate would overrun them: rate and burst together make the allowance. Search: 5 a second for the whole account,
/// whatever the plan. <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>
pub const LIMITS: &[LimitFact] = &[
    LimitFact { api: ANY, requests: 90, per_ms: 10_000, burst: 10 },
    LimitFact { api: SEARCH, requests: 4, per_ms: 1_000, burst: 1 },
];

/// Name, key and limits.
pub const FACTS: ProviderFacts = ProviderFacts {
    name: "hubspot",
    title: "HubSpot",
    default_key: Some(DEFAULT_KEY),
    default_limits: LIMITS,
    lookups: directory::LOOKUPS,
};

/// Inputs of one batch call of any kind: "Batch operations are limited to 100 records at a time".
pub(crate) const BATCH: usize = 100;

/// Contacts, without what depends on other records.
pub const STARTER: Starter = Starter {
    record_type: "contact",
    mapping: include_str!("starter/mapping.yaml"),
    cases: include_str!("starter/cases.yaml"),
    record: include_str!("starter/record.json"),
};

/// Batch sizes and times.
pub const CAPABILITIES: Capabilities = Capabilities {
    write_batch: BATCH,
    lookup_batch: BATCH,
    // HubSpot names none; its edge gives up (524) well before a minute.
    request_life_ms: 60_000,
    // "A few moments", says HubSpot; half a minute was seen.
    search_lag_ms: 60_000,
    call_timeout_ms: 30_000,
    id_property: "hs_object_id",
};

/// The objects of which we know something special. HubSpot takes the plural, the singular and the type id alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standard {
    /// People.
    Contact,
    /// Companies.
    Company,
    /// Deals.
    Deal,
    /// Tickets.
    Ticket,
}

impl Standard {
    /// The standard object behind a name; none for custom ones and those without specialities.
    pub(crate) fn of(object: &str) -> Option<Self> {
        match object {
            "contacts" | "contact" | "0-1" => Some(Self::Contact),
            "companies" | "company" | "0-2" => Some(Self::Company),
            "deals" | "deal" | "0-3" => Some(Self::Deal),
            "tickets" | "ticket" | "0-5" => Some(Self::Ticket),
            _ => None,
        }
    }
}

/// Whether HubSpot itself keeps this property unique, though it does not mark it so. Companies and deals have none.
pub(crate) fn built_in_unique(object: &str, property: &str) -> bool {
    Standard::of(object) == Some(Standard::Contact) && property == "email"
}
