//! The global mappings, compiled once: thousands of orgs that have no others share them.

use super::document::GlobalDoc;
use crate::mapping::{Mapping, ProviderFacts, RawMapping};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A compiled mapping, or in words why it cannot be used.
type Compiled = Result<Arc<Mapping>, String>;

/// The global mappings by provider and record type.
#[derive(Debug, Default)]
pub struct Globals {
    mappings: BTreeMap<String, BTreeMap<String, (RawMapping, Compiled)>>,
}

impl Globals {
    /// Those of `global`, of the providers in `facts`.
    #[must_use]
    pub fn of(global: Option<&GlobalDoc>, facts: &[ProviderFacts]) -> Self {
        let mut mappings = BTreeMap::new();
        for (provider, types) in global.into_iter().flat_map(|global| &global.mappings) {
            let Some(facts) = facts.iter().find(|facts| facts.name == provider) else { continue };
            let compiled = |(record_type, raw): (&String, &RawMapping)| {
                (record_type.clone(), (raw.clone(), compile(facts, record_type, raw)))
            };
            mappings.insert(provider.clone(), types.iter().map(compiled).collect());
        }
        Self { mappings }
    }

    /// The global mapping of `record_type` at `provider`, if it is what `raw` says.
    pub(super) fn get(&self, provider: &str, record_type: &str, raw: &RawMapping) -> Option<Compiled> {
        let (known, compiled) = self.mappings.get(provider)?.get(record_type)?;
        (known == raw).then(|| compiled.clone())
    }
}

/// `raw`, compiled.
pub(super) fn compile(facts: &ProviderFacts, record_type: &str, raw: &RawMapping) -> Compiled {
    Mapping::compile(facts, record_type, raw)
        .map(Arc::new)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}
