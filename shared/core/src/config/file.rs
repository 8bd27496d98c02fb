//! The shape of `orgs/<org>.yaml`. Its schema is made from these types, and files are checked against that schema.

use super::percent::PercentText;
use crate::mapping::{DurationText, RawMapping};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One org: its connections, where its records go, and the mappings that differ from the global ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Org")]
pub struct OrgFile {
    /// The org's id, as events carry it; `"*"`: the routes of every org that has none of its own for a type.
    pub org: String,
    /// The org's links to CRM accounts, by an id of your choice.
    #[serde(default)]
    pub connections: BTreeMap<String, ConnectionFile>,
    /// Which connections the records of a type go to.
    #[serde(default)]
    pub routes: BTreeMap<String, Vec<String>>,
    /// The org's own mappings, by provider and record type: in the global one's stead where they name their `object`, else over it.
    #[serde(default)]
    pub mappings: BTreeMap<String, BTreeMap<String, RawMapping>>,
    /// How changes made in the CRMs are delivered to the internal system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound: Option<Inbound>,
    /// Where `rtr backfill` has all records of a type from. In the file of org `"*"`: for every org that has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// One link to an account at a provider.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Connection")]
pub struct ConnectionFile {
    /// The provider. Default: the connection's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Whether it is live. Default: `live`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The address of the CRM's API, when it is not the provider's own; wins over a secret's `instance_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The name of its secret. Default: `rtr/<stage>/<org>/<connection>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The account's limits, when they are not the provider's published ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Vec<LimitText>>,
    /// Shares of the limits that kinds of work may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Reserve>,
}

/// Whether a connection is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Mode {
    /// Records are written.
    #[default]
    Live,
    /// Everything but the CRM call.
    Shadow,
    /// Nothing is written; what comes waits.
    Paused,
}

/// One limit of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Limit")]
pub struct LimitText {
    /// The part of the API that it governs, such as `search`; `"*"` is all of it.
    pub api: String,
    /// Requests that may be made, in any such time…
    #[schemars(range(min = 1))]
    pub requests: u64,
    /// …in this time, such as `10s`.
    pub per: DurationText,
    /// Requests that may come at once after a rest. Default: `requests`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub burst: Option<u64>,
}

/// Shares of the limits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    /// The most that backfills and polls may use of each limit, such as `20%`. Default: `20%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<PercentText>,
}

/// The internal system's own list of an org's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// Pages of change events, asked for one after another.
    Http {
        /// The address; `{org_id}` and `{record_type}` stand for what is asked for.
        url: String,
        /// The name of the secret that lets us in: of type bearer, basic or header.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<String>,
    },
}

/// Delivery of changes made in the CRMs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inbound {
    /// Where they go.
    pub target: Target,
    /// How often each CRM is asked what has changed, beside what it pushes. Default: `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<DurationText>,
}

/// Where changes made in the CRMs go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A signed POST.
    Http {
        /// The address.
        url: String,
        /// The name of the secret that signs it (Standard Webhooks).
        secret: String,
    },
    /// An SQS queue.
    Sqs {
        /// The queue's address.
        url: String,
    },
    /// An EventBridge bus.
    Eventbridge {
        /// The bus's name or ARN.
        bus: String,
    },
    /// A Lambda function.
    Lambda {
        /// The function's name or ARN.
        function: String,
    },
}
