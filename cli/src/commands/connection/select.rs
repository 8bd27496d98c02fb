//! The connections that are meant, from the stored configuration.

use super::Which;
use crate::aws::{Aws, unavailable};
use crate::commands::config::absent;
use crate::output::count;
use crate::problem::Problem;
use rtr_connectors::registry;
use rtr_core::config::{ConfigError, ConnectionDoc, Mode, OrgConfig, Stored, resolve};
use rtr_core::mapping::nearest;
use std::collections::BTreeSet;

/// One connection as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Selected {
    /// The org.
    pub(crate) org: String,
    /// The connection.
    pub(crate) connection: String,
    /// Its settings.
    pub(crate) doc: ConnectionDoc,
}

impl Selected {
    /// Its provider.
    pub(crate) fn provider(&self) -> &str {
        self.doc.provider.as_deref().unwrap_or(&self.connection)
    }

    /// Its mode.
    pub(crate) fn mode(&self) -> Mode {
        self.doc.mode.unwrap_or_default()
    }
}

/// What is stored.
pub(crate) async fn stored(aws: &Aws) -> Result<Stored, Problem> {
    let stored = Box::pin(aws.config_store()?.load()).await;
    stored.map_err(|error| unavailable("reading the stored configuration", &aws.place, &error))
}

/// The connections that `which` names, of which there must be one if one is named.
pub(crate) fn select(stored: &Stored, which: &Which) -> Result<Vec<Selected>, Problem> {
    let orgs = stored.orgs.iter().filter(|(_, stored)| !stored.doc.removed);
    let orgs: Vec<_> =
        orgs.filter(|(org, _)| which.org.as_ref().is_none_or(|wanted| wanted == *org)).collect();
    if let Some(org) = which.org.as_deref().filter(|_| orgs.is_empty()) {
        return Err(absent(org, stored));
    }
    let of_org = |(org, stored): (&String, &rtr_core::config::StoredDoc<rtr_core::config::OrgDoc>)| {
        let select = |(connection, doc): (&String, &ConnectionDoc)| Selected {
            org: org.clone(),
            connection: connection.clone(),
            doc: doc.clone(),
        };
        stored.doc.connections.iter().map(select).collect::<Vec<_>>()
    };
    let all: Vec<Selected> = orgs.into_iter().flat_map(of_org).collect();
    let Some(wanted) = which.connection.as_deref() else { return Ok(all) };
    let found: Vec<Selected> = all.iter().filter(|one| one.connection == wanted).cloned().collect();
    if found.is_empty() {
        let org = which.org.as_deref().unwrap_or_default();
        let problem = Problem::not_found(format!("org `{org}` has no connection `{wanted}`"));
        return Err(match nearest(wanted, all.iter().map(|one| one.connection.as_str())) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint(format!("rtr connection list {org} lists them")),
        });
    }
    Ok(found)
}

/// How many they are, of how many orgs.
pub(crate) fn crowd(all: &[Selected]) -> String {
    let orgs: BTreeSet<&str> = all.iter().map(|one| one.org.as_str()).collect();
    format!("{} of {}", count(all.len(), "connection"), count(orgs.len(), "org"))
}

/// The org's configuration as the functions use it.
pub(crate) fn resolved(stored: &Stored, org: &str, stage: &str) -> Result<OrgConfig, ConfigError> {
    resolve(org, stored.orgs.get(org), stored.global.as_ref(), &registry::facts(), stage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Exit;
    use rtr_core::config::{OrgDoc, StoredDoc};
    use std::collections::BTreeMap;

    fn table() -> Stored {
        let org = |names: &[&str], removed| {
            let connections =
                names.iter().map(|name| ((*name).to_owned(), ConnectionDoc::default())).collect();
            let doc = OrgDoc { connections, removed, ..OrgDoc::default() };
            StoredDoc { revision: 1, author: String::new(), at: String::new(), reason: None, doc }
        };
        let orgs = BTreeMap::from([
            ("acme".to_owned(), org(&["hubspot", "salesforce"], false)),
            ("gone".to_owned(), org(&["hubspot"], true)),
            ("umbra".to_owned(), org(&["hubspot"], false)),
        ]);
        Stored { revision: 1, orgs, ..Stored::default() }
    }

    #[test]
    fn given_stored_orgs_when_selected_then_names_narrow_and_slips_are_told() {
        let which = |org: Option<&str>, connection: Option<&str>| Which {
            org: org.map(str::to_owned),
            connection: connection.map(str::to_owned),
        };
        let names = |which: &Which| {
            select(&table(), which).map(|all| {
                all.iter().map(|one| format!("{}#{}", one.org, one.connection)).collect::<Vec<_>>()
            })
        };
        assert_eq!(names(&which(None, None)).unwrap(), ["acme#hubspot", "acme#salesforce", "umbra#hubspot"]);
        assert_eq!(names(&which(Some("acme"), Some("hubspot"))).unwrap(), ["acme#hubspot"]);
        let wrong = names(&which(Some("acme"), Some("hubspott"))).unwrap_err();
        assert_eq!((wrong.exit, wrong.hint.as_deref()), (Exit::NotFound, Some("did you mean `hubspot`?")));
        assert!(names(&which(Some("acne"), None)).unwrap_err().hint.unwrap().contains("`acme`"));
    }
}
