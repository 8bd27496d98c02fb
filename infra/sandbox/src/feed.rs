//! Which records were written, for whoever looks over the CRM's shoulder. Nothing is noted before somebody watches.

use std::collections::BTreeMap;

/// A record that was written since somebody looked last, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The vendor.
    pub provider: String,
    /// The account.
    pub account: String,
    /// The type, as the vendor's API names it.
    pub object: String,
    /// The vendor's id.
    pub id: String,
    /// Its values as text; `None`: archived, deleted, merged away or gone for good.
    pub values: Option<BTreeMap<String, String>>,
}

/// A record of one account that was written: type, id, values.
pub(crate) type Touched = (String, String, Option<BTreeMap<String, String>>);
