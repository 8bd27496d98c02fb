//! What every CRM can be asked, in our words. One enum over the connectors; no trait objects, no generics.

use crate::http::Request;
use rtr_core::failure::Failure;
use rtr_core::mapping::Patch;
use serde_json::Value;
use std::collections::BTreeMap;

/// Fields to write: absent ones are left alone.
pub type Fields = BTreeMap<String, Patch<Value>>;

/// How the records of one call are addressed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// By our unique key; created when nobody has it.
    Upsert {
        /// The CRM's unique property.
        property: String,
    },
    /// By the CRM's own id.
    Update,
    /// New, whatever is there: the intent path.
    Create,
    /// Removed, by the CRM's own id. Succeeds when it is gone already.
    Archive,
    /// Removed beyond recovery, by the CRM's own id.
    Erase,
}

/// One record of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteItem {
    /// Key value or external id by [`Kind`]; empty for a create.
    pub id: String,
    /// What to write; empty for archive and erase.
    pub fields: Fields,
    /// Unique in its batch: comes back with the record's outcome where the CRM carries it.
    pub trace: String,
}

/// One call's worth of work: one object, one kind, no id twice, at most the CRM's batch size.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteCall {
    /// The CRM's object, such as `contacts`.
    pub object: String,
    /// How the items are addressed.
    pub kind: Kind,
    /// The items.
    pub items: Vec<WriteItem>,
}

/// What became of one item: where it is, or why not.
pub type Outcome = Result<Written, Failure>;

/// A write that the CRM confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The record's id at the CRM. After a merge it differs from the id asked.
    pub external_id: String,
    /// True when the CRM said it is new.
    pub created: bool,
}

/// How a property finds records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupBy {
    /// Its values are unique at the CRM, as those of our key: read by key, which sees the latest writes.
    Unique,
    /// Any other: searched, which may lag behind writes and find several.
    Any,
}

/// A question for records by the value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The CRM's object.
    pub object: String,
    /// The property compared.
    pub property: String,
    /// Whether the CRM keeps its values unique: decides between the CRM's key read and its search.
    pub by: LookupBy,
    /// The values sought, each once, at most the CRM's batch size.
    pub values: Vec<String>,
    /// A further property to read of what is found (our unique key), if any.
    pub also: Option<String>,
}

/// One record found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id at the CRM.
    pub external_id: String,
    /// The value it was found by, as the CRM holds it.
    pub value: String,
    /// The further property's value.
    pub also: Option<String>,
}

/// One association to make; making it again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Association {
    /// The object of the record that refers.
    pub from_object: String,
    /// Its id.
    pub from_id: String,
    /// The object of the record referred to.
    pub to_object: String,
    /// Its id.
    pub to_id: String,
    /// The label: `default`, or one the CRM has a name for, such as `primary`.
    pub label: String,
}

/// A property of a CRM's object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its internal name.
    pub name: String,
    /// The CRM's type name.
    pub kind: String,
    /// Whether values are unique.
    pub unique: bool,
    /// Whether it can be written.
    pub writable: bool,
}

/// Numbers the engine needs of a CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Inputs of one write call.
    pub write_batch: usize,
    /// Values of one look-up.
    pub lookup_batch: usize,
    /// The longest life of a request, in milliseconds: after it, a request whose answer was lost has landed or died.
    pub request_life_ms: i64,
    /// After so many milliseconds a record written is surely found by a look-up.
    pub search_lag_ms: i64,
    /// The timeout of one call, in milliseconds.
    pub call_timeout_ms: i64,
}

/// A request together with the bucket it draws from.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The limit's name: `*`, or one that the CRM counts apart, such as `search`.
    pub api: &'static str,
    /// The request.
    pub request: Request,
}
