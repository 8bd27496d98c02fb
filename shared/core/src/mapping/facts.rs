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
