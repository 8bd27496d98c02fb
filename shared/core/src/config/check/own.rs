//! An org's own mappings: in the global ones' stead, or layers over them.

use super::written::Written;
use super::{ByType, Checker, Compiled};
use crate::code::Code;
use crate::config::file::OrgFile;
use crate::config::load::Parsed;
use crate::config::resolve::unknown_provider;
use crate::mapping::{Mapping, ProviderFacts, RawMapping};
use std::collections::BTreeMap;

impl Checker<'_> {
    /// The org's own mappings by provider, compiled.
    pub(super) fn own_mappings(
        &mut self,
        org: &Parsed<OrgFile>,
        shared: &BTreeMap<String, ByType>,
    ) -> BTreeMap<String, ByType> {
        let mut own: BTreeMap<String, ByType> = BTreeMap::new();
        for (provider, mappings) in &org.value.mappings {
            let Some(facts) = self.facts.iter().find(|facts| facts.name == provider) else {
                let (message, meant) = unknown_provider(provider, self.facts);
                self.at_key(org, &["mappings"], provider, Code::UnknownProvider, message, meant);
                continue;
            };
            for (record_type, raw) in mappings {
                let compiled = self.own_mapping(facts, record_type, raw, org);
                own.entry(provider.clone()).or_default().extend(compiled);
            }
        }
        let none = ByType::new();
        for (provider, mappings) in &own {
            self.clashes(mappings, shared.get(provider).unwrap_or(&none));
        }
        own
    }

    /// An org's mapping, over the global one if it is a layer. What is wrong with that already is told of its own file.
    fn own_mapping(
        &mut self,
        facts: &ProviderFacts,
        record_type: &str,
        raw: &RawMapping,
        org: &Parsed<OrgFile>,
    ) -> Option<(String, Compiled)> {
        let path = ["mappings", facts.name, record_type];
        if !raw.is_layer() {
            return self.mapping(
                facts,
                record_type,
                raw,
                &Written { parsed: org, path: &path, said: raw, known: &[] },
            );
        }
        let base =
            self.globals.iter().find(|one| one.provider == facts.name && one.record_type == record_type);
        let Some(base) = base.map(|base| &base.parsed.value) else {
            let file = format!("mappings/{}/{record_type}.yaml", facts.name);
            // One that cannot be read is told of already.
            if !self.named.contains(&(facts.name, record_type)) {
                let message = format!(
                    "without `object` this mapping is a layer over {file}, which is not there; write `object`, or add the file"
                );
                self.at(org, &path, Code::NoMapping, message, None);
            }
            return None;
        };
        let known = Mapping::compile(facts, record_type, base).err().unwrap_or_default();
        self.mapping(
            facts,
            record_type,
            &raw.over(base),
            &Written { parsed: org, path: &path, said: raw, known: &known },
        )
    }
}
