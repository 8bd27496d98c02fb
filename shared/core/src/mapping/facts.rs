//! What the core must know of a provider to give a mapping its meaning; the connectors crate supplies it.

/// One provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderFacts {
    /// The name in configuration, such as `hubspot`.
    pub name: &'static str,
    /// The name in sentences, such as `HubSpot`.
    pub title: &'static str,
    /// The unique property that holds our record id unless a mapping says otherwise; `None`: the CRM has no such thing.
    pub default_key: Option<&'static str>,
    /// The limits of a connection that states none.
    pub default_limits: &'static [LimitFact],
    /// What a field can look up in this CRM.
    pub lookups: &'static [LookupFact],
}

/// One look-up that a field can declare: what it finds, by what, and for which objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookupFact {
    /// The name in configuration, such as `owner`.
    pub name: &'static str,
    /// What it finds, in sentences: `owner`.
    pub noun: &'static str,
    /// What it finds it by, in sentences: `e-mail`.
    pub by: &'static str,
    /// The objects that have such a thing.
    pub objects: Objects,
    /// The look-up that it may lie within, as a stage lies within a pipeline.
    pub within: Option<&'static str>,
    /// How it is read.
    pub read: Read,
    /// What a person does at the CRM when it has none: `add the user in HubSpot`.
    pub add: &'static str,
    /// What to do when it has several of that name.
    pub several: &'static str,
}

/// The objects of a look-up, by the CRM's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// Every object.
    All,
    /// These and no others.
    Only(&'static [&'static str]),
    /// All but these.
    AllBut(&'static [&'static str]),
}

impl Objects {
    /// Whether `object` is one of them.
    #[must_use]
    pub fn hold(self, object: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(&object),
            Self::AllBut(names) => !names.contains(&object),
        }
    }
}

/// How a look-up is read from the CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// As a whole, being small: pipelines.
    Whole,
    /// Value by value, since there may be many: people.
    Each,
}

/// One published limit of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitFact {
    /// The part of the API it governs; `*` is all of it.
    pub api: &'static str,
    /// Requests that may be made…
    pub requests: u64,
    /// …in this many milliseconds.
    pub per_ms: i64,
    /// Requests that may come at once.
    pub burst: u64,
}
