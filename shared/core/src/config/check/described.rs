//! Mappings against what the connections' CRMs describe, where that is kept beside them.
//!
//! A key property that is not there yet is no fault: `rtr connection setup` makes it, from what is applied.

use super::written::placed;
use super::{ByType, Checker, GlobalMapping};
use crate::code::Code;
use crate::config::described::Description;
use crate::config::diagnostic::Diagnostic;
use crate::config::file::OrgFile;
use crate::config::load::Parsed;
use crate::mapping::{Fit, Mapping, Misfit, Problem};
use std::collections::BTreeMap;

/// The mappings of a folder, compiled: those of all orgs by provider, and the routes of all.
pub(super) struct Shared<'a> {
    pub(super) mappings: &'a BTreeMap<String, ByType>,
    pub(super) routes: Option<&'a BTreeMap<String, Vec<String>>>,
    pub(super) descriptions: &'a [Description],
}

impl Checker<'_> {
    /// Every mapping of `org` against what is kept of its connections' CRMs. `own` are its own mappings by provider.
    pub(super) fn described(
        &mut self,
        org: &Parsed<OrgFile>,
        own: &BTreeMap<String, ByType>,
        shared: &Shared<'_>,
    ) {
        let none = ByType::new();
        for (id, connection) in &org.value.connections {
            let provider = connection.provider.as_deref().unwrap_or(id);
            let of_org = own.get(provider).unwrap_or(&none);
            let of_all = shared.mappings.get(provider).unwrap_or(&none);
            let mut mappings: BTreeMap<&str, &Mapping> = BTreeMap::new();
            for (record_type, one) in of_all.iter().chain(of_org) {
                mappings.insert(record_type, &one.mapping);
            }
            let is_routed = |record_type: &str| {
                let route = org.value.routes.get(record_type).or_else(|| shared.routes?.get(record_type));
                route.is_some_and(|route| route.contains(id))
            };
            let any = mappings.keys().any(|record_type| is_routed(record_type));
            for (record_type, mapping) in &mappings {
                if any && !is_routed(record_type) {
                    continue;
                }
                let kept = shared.descriptions.iter().find(|one| {
                    one.org == org.value.org && one.connection == *id && one.object == mapping.object
                });
                if let Some(kept) = kept {
                    self.fit(org, (provider, record_type), kept, mapping, &mappings);
                }
            }
        }
    }

    fn fit(
        &mut self,
        org: &Parsed<OrgFile>,
        (provider, record_type): (&str, &str),
        kept: &Description,
        mapping: &Mapping,
        all: &BTreeMap<&str, &Mapping>,
    ) {
        let properties = kept.properties();
        let object_of = |record_type: &str| all.get(record_type).map(|mapping| mapping.object.clone());
        let by_hand = |name: &str| format!("Make a text property `{name}` there");
        // Whether labels are right the connector alone knows, and a type without a mapping is told of already.
        let fit = Fit {
            mapping,
            properties: &properties,
            object_of: &object_of,
            associates: &|_, _| Ok(()),
            by_hand: &by_hand,
        };
        for Misfit { problem, is_set_up, property } in fit.misfits() {
            if is_set_up || problem.code == Code::NoMapping {
                continue;
            }
            let fault = self.told(org, (provider, record_type), kept, &property, problem);
            self.faults.extend(fault);
        }
    }

    /// The problem where it is written: in the org's own mapping, or in the one that all have.
    fn told(
        &self,
        org: &Parsed<OrgFile>,
        (provider, record_type): (&str, &str),
        kept: &Description,
        property: &str,
        mut problem: Problem,
    ) -> Option<Diagnostic> {
        let about = if problem.place.path.first().is_some_and(|key| key == "fields") {
            String::new()
        } else {
            format!("`{property}`: ")
        };
        let Description { org: name, connection, .. } = kept;
        problem.message = format!(
            "{about}{} (so says {}; `rtr connection test {name} {connection} --save` renews it)",
            problem.message,
            kept.path()
        );
        let own = org.node.locate(["mappings", provider, record_type]);
        let is_own = org.value.mappings.get(provider).is_some_and(|types| types.contains_key(record_type));
        if is_own && own.has(&problem.place.path) {
            return Some(placed(problem, own, org));
        }
        let global = self
            .globals
            .iter()
            .find(|one: &&GlobalMapping| one.provider == provider && one.record_type == record_type)?;
        Some(placed(problem, &global.parsed.node, &global.parsed))
    }
}
