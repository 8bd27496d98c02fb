//! The documents as they are stored: one per org and one for all, each with its revision.

use super::canary::Canary;
pub use super::file::ConnectionFile as ConnectionDoc;
use super::file::{Inbound, Source};
use crate::mapping::RawMapping;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Mappings by provider and record type.
pub type Mappings = BTreeMap<String, BTreeMap<String, RawMapping>>;
/// The connections that the records of a type go to.
pub type Routes = BTreeMap<String, Vec<String>>;

/// What holds for every org unless it says otherwise: org `*`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GlobalDoc {
    /// The global mappings.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mappings: Mappings,
    /// The routes of orgs that have none of their own for a type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: Routes,
    /// Where records are listed, for orgs that do not say it themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The revision at which each mapping (`provider/record_type`) last changed, its removal included.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mapping_revisions: BTreeMap<String, u64>,
}

/// One org.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OrgDoc {
    /// Whether the org was removed; what is left of it keeps the mapping revisions.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// Whether the product's own connect page said it: an apply of files does not take that back unasked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub from_page: bool,
    /// The connections by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<String, ConnectionDoc>,
    /// The org's own routes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: Routes,
    /// The org's own mappings.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mappings: Mappings,
    /// How changes made in the CRMs are delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound: Option<Inbound>,
    /// Where its records are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// What of it the org tries before all others have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// The revision at which the org's own mapping of each pair (`provider/record_type`) last changed, its removal
    /// included.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mapping_revisions: BTreeMap<String, u64>,
}

/// A document with what the table knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDoc<T> {
    /// Its number; all documents of a stack share one counter.
    pub revision: u64,
    /// Who applied it.
    pub author: String,
    /// When, as RFC 3339.
    pub at: String,
    /// Why, in the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The document.
    pub doc: T,
}

impl<T> StoredDoc<T> {
    /// A document that nobody has signed yet.
    pub(super) fn unsigned(revision: u64, doc: T) -> Self {
        Self { revision, author: String::new(), at: String::new(), reason: None, doc }
    }
}

/// Who stores a document, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who.
    pub author: String,
    /// When, as RFC 3339.
    pub at: String,
    /// Why, in the author's words.
    pub reason: Option<String>,
}

/// One document that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The revision.
    pub revision: u64,
    /// The org; [`super::GLOBAL_ORG`] for the global document.
    pub org: String,
    /// Who, when and why.
    pub by: Signature,
}

/// The name of a mapping in `mapping_revisions`.
pub(super) fn pair(provider: &str, record_type: &str) -> String {
    format!("{provider}/{record_type}")
}
