//! Salesforce: sObject collections, SOQL, describe.
//!
//! A collection call takes up to 200 records and answers 200 whatever became of them, in the order of the request. An
//! outcome is given by its place only when the answer is whole and its ids agree with those asked; else nobody knows.
//! [`request`], [`response`], [`error`], [`lookup`], [`changes`] and [`webhook`] are pure; [`client`] and [`setup`] send.
//!
//! Composite calls are used where they save some: one for the parents' fields of a described object, one for the
//! permission set. Records need none: a collection call is one call for 200 of them already, and a batch of mixed
//! objects or kinds would share one fate and one deadline. Look-ups need none either: 200 values fit one query.
//!
//! API reference: <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/>

mod body;
pub mod changes;
pub mod client;
mod directory;
pub mod error;
mod follow;
pub mod ingest;
pub mod lookup;
mod rehearsal;
pub mod request;
pub mod response;
pub mod setup;
pub mod soql;
#[cfg(test)]
mod tests;
pub mod webhook;

pub use error::{classify, quota};

use crate::changes::{FeedFacts, Page, Position, Snapshot};
use crate::connector::{
    Asked, Capabilities, Crm, Entry, Found, Lookup, Outcome, Property, Starter, WriteCall,
};
use crate::credentials::TokenEndpoint;
use crate::http::{Request, Response};
use crate::ingest::Ingest;
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
pub struct Salesforce;

#[async_trait]
impl Crm for Salesforce {
    fn facts(&self) -> ProviderFacts {
        FACTS
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    /// None: each account has its own instance, which its secret names.
    fn starter(&self) -> Starter {
        STARTER
    }

    fn base_url(&self) -> Option<&'static str> {
        None
    }

    fn hosts(&self) -> &'static [&'static str] {
        HOSTS
    }

    fn classify(&self) -> Classify {
        classify
    }

    fn quota(&self) -> ReadQuota {
        quota
    }

    fn token_endpoint(&self) -> TokenEndpoint {
        TOKEN_ENDPOINT
    }

    fn consent(&self) -> Option<ConsentFacts> {
        Some(CONSENT)
    }

    fn webhook(&self) -> &'static dyn Webhook {
        &webhook::SalesforceWebhook
    }

    fn key_by_hand(&self, object: &str, name: &str) -> String {
        let label = name.trim_end_matches("__c").replace('_', " ");
        let plain = name.trim_end_matches("__c");
        format!(
            "Salesforce: Setup > Object Manager > {object} > Fields & Relationships > New > Text: label `{label}`, length \
             255, field name `{plain}`; tick \"Do not allow duplicate values\" with \"Treat \"ABC\" and \"abc\" as different \
             values (case sensitive)\", and \"External ID\"; make it visible and not read-only for the integration \
             user's profile or permission set"
        )
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

    fn shape(&self, property: &Property) -> Shape {
        setup::shape(property)
    }

    fn ingest(&self) -> Option<&dyn Ingest> {
        Some(self)
    }

    async fn properties(&self, session: &Session<'_>, object: &str) -> Result<Vec<Property>, Failure> {
        setup::properties(session, object).await
    }

    async fn create_key(&self, session: &Session<'_>, object: &str, name: &str) -> Result<(), Failure> {
        setup::create_key(session, object, name).await
    }

    async fn account(&self, session: &Session<'_>) -> Result<String, Failure> {
        setup::account(session).await
    }
}

/// The external-id field that holds our record id unless the mapping names another.
pub const DEFAULT_KEY: &str = "Rtr_Record_Id__c";

/// Where the paths begin. The version is pinned here alone: v62.0 (Winter '25) has all that is used, and Salesforce
/// keeps a version alive for three years at least.
pub(crate) const API: &str = "/services/data/v62.0";
/// Who the token belongs to; not versioned.
pub(crate) const USER_INFO: &str = "/services/oauth2/userinfo";

/// `login` and `test` give tokens; every account's API is at a host of its own. The second covers older instances
/// (`na1.salesforce.com`); a wildcard stands for any number of labels, sandboxes' `x--y.sandbox.my` among them.
pub const HOSTS: &[&str] =
    &["*.my.salesforce.com", "*.salesforce.com", "login.salesforce.com", "test.salesforce.com"];

/// Salesforce names no life: a token lasts as long as the org's session timeout, two hours unless an administrator
/// says otherwise. It is used until a 401 says that it is over.
pub const TOKEN_ENDPOINT: TokenEndpoint =
    TokenEndpoint { url: "https://login.salesforce.com/services/oauth2/token", default_life_s: 0 };

/// `api` for the data, `refresh_token` to stay connected, which Salesforce calls offline access.
pub const CONSENT: ConsentFacts = ConsentFacts {
    url: "https://login.salesforce.com/services/oauth2/authorize",
    scopes: &["api", "refresh_token"],
    extra: &[],
};

/// Every call.
pub(crate) const ANY: &str = "*";

/// Salesforce has no limit per second. Ten calls a second of up to 200 records each keep a backfill far from the 25
/// long-running requests an org may have at once (5 in developer orgs). The daily allowance (15,000 in developer orgs,
/// 100,000 and more elsewhere) is everybody's at the account and only Salesforce knows how much is left: its header is
/// watched instead. An org that wants a share kept for others says so in the connection's `limits`.
pub const LIMITS: &[LimitFact] = &[LimitFact { api: ANY, requests: 10, per_ms: 1_000, burst: 10 }];

/// Name, key and limits.
pub const FACTS: ProviderFacts = ProviderFacts {
    name: "salesforce",
    title: "Salesforce",
    default_key: Some(DEFAULT_KEY),
    default_limits: LIMITS,
    lookups: directory::LOOKUPS,
};

/// Records of one collection call.
pub(crate) const BATCH: usize = 200;

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
    // Salesforce names none for a REST request; ours to choose: twice our own timeout, far beyond the 10 s of CPU that a
    // transaction may use. Only triggers that call other systems may last longer, ten minutes at most.
    request_life_ms: 120_000,
    // SOQL reads what was committed: there is no lag.
    search_lag_ms: 0,
    // Triggers and flows of 200 records may take long.
    call_timeout_ms: 60_000,
    id_property: "Id",
};
