//! That references lead to records that somebody writes: a field that refers to a type without a mapping at its provider
//! would wait for a link that can never be.

use super::check::GlobalMapping;
use super::diagnostic::Diagnostic;
use super::file::OrgFile;
use super::load::{Parsed, diagnostic};
use crate::code::Code;
use crate::mapping::{RawMapping, listed, nearest};
use std::collections::BTreeSet;

/// A mapping, and where it stands in its file.
struct Placed<'a, T> {
    parsed: &'a Parsed<T>,
    path: Vec<&'a str>,
    provider: &'a str,
    raw: &'a RawMapping,
}

/// Every reference to a record type that no mapping writes. `named` are the provider and record type of every mapping
/// file. A folder without any global mapping of a provider relies on those that are stored already.
pub(super) fn unmapped(
    named: &BTreeSet<(&str, &str)>,
    globals: &[GlobalMapping],
    orgs: &[Parsed<OrgFile>],
) -> Vec<Diagnostic> {
    let shared = |provider: &str| -> BTreeSet<&str> {
        named.iter().filter(|(of, _)| *of == provider).map(|(_, name)| *name).collect()
    };
    let own = |org: &'_ OrgFile, provider: &str| -> BTreeSet<String> {
        org.mappings.get(provider).into_iter().flat_map(|types| types.keys().cloned()).collect()
    };
    let mut faults = Vec::new();
    for global in globals {
        // An org may bring the mapping that a global one refers to.
        let mut types: BTreeSet<String> = shared(&global.provider).into_iter().map(str::to_owned).collect();
        types.extend(orgs.iter().flat_map(|org| own(&org.value, &global.provider)));
        let (provider, parsed) = (global.provider.as_str(), &global.parsed);
        faults.extend(of_mapping(&Placed { parsed, path: Vec::new(), provider, raw: &parsed.value }, &types));
    }
    for org in orgs {
        for (provider, mappings) in &org.value.mappings {
            let inherited = shared(provider);
            if inherited.is_empty() {
                continue;
            }
            let mut types = own(&org.value, provider);
            types.extend(inherited.into_iter().map(str::to_owned));
            for (record_type, raw) in mappings {
                let path = vec!["mappings", provider.as_str(), record_type.as_str()];
                faults.extend(of_mapping(&Placed { parsed: org, path, provider, raw }, &types));
            }
        }
    }
    faults
}

fn of_mapping<T>(placed: &Placed<'_, T>, types: &BTreeSet<String>) -> Vec<Diagnostic> {
    let fault = |name: &str, wanted: &str| {
        let path = placed.path.iter().copied().chain(["fields", name, "reference"]);
        let node = placed.parsed.node.locate(path);
        let names = || types.iter().map(String::as_str);
        let message = format!(
            "field `{name}`: {} has no mapping for `{wanted}`, so that its records are never linked; there is one for {}",
            placed.provider,
            listed(names())
        );
        let meant = nearest(wanted, names()).map(str::to_owned);
        diagnostic(&placed.parsed.file, (node.line, node.column), message, meant, Code::ConfigReference)
    };
    let references =
        placed.raw.fields.iter().filter_map(|(name, field)| Some((name, field.reference.as_ref()?)));
    references
        .filter(|(_, wanted)| !types.contains(*wanted))
        .map(|(name, wanted)| fault(name, wanted))
        .collect()
}
