//! Which mapping holds for whom, as a folder says it.

use super::load::ConfigSet;
use crate::mapping::RawMapping;
use std::borrow::Cow;

impl ConfigSet {
    /// The mapping of all orgs, or of one: its own, over the one of all where it is a layer.
    #[must_use]
    pub fn mapping(
        &self,
        org: Option<&str>,
        provider: &str,
        record_type: &str,
    ) -> Option<Cow<'_, RawMapping>> {
        let shared = self.global.mappings.get(provider).and_then(|types| types.get(record_type));
        match (org.and_then(|org| self.own_mapping(org, provider, record_type)), shared) {
            (Some(own), Some(shared)) => Some(Cow::Owned(own.over(shared))),
            (Some(only), None) | (None, Some(only)) => Some(Cow::Borrowed(only)),
            (None, None) => None,
        }
    }

    /// What `org` itself says of a mapping.
    #[must_use]
    pub fn own_mapping(&self, org: &str, provider: &str, record_type: &str) -> Option<&RawMapping> {
        self.orgs.get(org)?.mappings.get(provider)?.get(record_type)
    }

    /// Every mapping that somebody says something of: the org, none for all of them, the provider and the record type.
    pub fn all_mappings(&self) -> impl Iterator<Item = (Option<&str>, &str, &str)> {
        let shared = std::iter::once((None, &self.global.mappings));
        let owned = self.orgs.iter().map(|(org, doc)| (Some(org.as_str()), &doc.mappings));
        shared.chain(owned).flat_map(|(org, mappings)| {
            mappings.iter().flat_map(move |(provider, types)| {
                types.keys().map(move |record_type| (org, provider.as_str(), record_type.as_str()))
            })
        })
    }

    /// The record types that have a mapping at `provider`, of all orgs or of one.
    pub(super) fn record_types(&self, provider: &str) -> Vec<&str> {
        self.all_mappings()
            .filter(|(_, of, _)| *of == provider)
            .map(|(_, _, record_type)| record_type)
            .collect()
    }
}
