//! The routes of all orgs: that they lead somewhere, in the orgs at hand.

use super::Checker;
use crate::code::Code;
use crate::config::file::OrgFile;
use crate::config::load::Parsed;
use crate::mapping::{listed, nearest};
use std::collections::BTreeSet;

impl Checker<'_> {
    /// Refuses a route of `all` to a connection that none of `orgs` has and that no provider is called by, or to a provider that has no mapping for the type. A folder
    /// without orgs relies on those that are stored already.
    pub(super) fn global_routes(&mut self, all: &Parsed<OrgFile>, orgs: &[Parsed<OrgFile>]) {
        let ids: BTreeSet<&str> =
            orgs.iter().flat_map(|org| org.value.connections.keys().map(String::as_str)).collect();
        if ids.is_empty() {
            return;
        }
        for (record_type, route) in &all.value.routes {
            for (at, id) in route.iter().enumerate() {
                let place = all.node.locate(["routes", record_type]).item(at);
                let known = self.facts.iter().any(|facts| facts.name == id);
                if !ids.contains(id.as_str()) {
                    // An org that is stored otherwise may have one of that name.
                    if known {
                        continue;
                    }
                    let meant = nearest(id, ids.iter().copied()).map(str::to_owned);
                    let message =
                        format!("no org has a connection `{id}`; there are {}", listed(ids.iter().copied()));
                    self.push(all, place, Code::ConfigReference, message, meant);
                    continue;
                }
                let lacking = orgs.iter().find_map(|org| {
                    let provider = org.value.connections.get(id)?.provider.as_deref().unwrap_or(id);
                    let own =
                        org.value.mappings.get(provider).is_some_and(|types| types.contains_key(record_type));
                    let mut shared =
                        self.named.iter().filter(|(of, _)| *of == provider).map(|(_, name)| *name);
                    let any = self.named.iter().any(|(of, _)| *of == provider);
                    (any && !own && !shared.any(|name| name == record_type))
                        .then_some((&org.value.org, provider))
                });
                if let Some((org, provider)) = lacking {
                    let message = format!(
                        "{provider} has no mapping for `{record_type}`, and org `{org}` would need it; add mappings/{provider}/{record_type}.yaml, or take the connection out"
                    );
                    self.push(all, place, Code::NoMapping, message, None);
                }
            }
        }
    }
}
