//! Where a backfill goes: the connections that the type is routed to, or the one that is named.

use super::Args;
use super::stops::Watched;
use crate::commands::config::absent;
use crate::commands::connection::select::resolved;
use crate::problem::Problem;
use rtr_core::config::{Mode, OrgConfig, Stored};
use rtr_core::key::ConnectionKey;
use rtr_core::mapping::nearest;

/// A connection that is meant, and its mode.
#[derive(Debug)]
pub(super) struct Meant {
    pub(super) watched: Watched,
    pub(super) mode: Mode,
}

/// The connections that the type is routed to, or the one that is meant.
pub(super) fn connections(args: &Args, stored: &Stored, stage: &str) -> Result<Vec<Meant>, Problem> {
    if stored.orgs.get(&args.org).is_none_or(|org| org.doc.removed) {
        return Err(absent(&args.org, stored));
    }
    let config: OrgConfig =
        resolved(stored, &args.org, stage).map_err(|error| Problem::usage(error.to_string()))?;
    let route = config.route(&args.record_type);
    if route.is_empty() {
        let what = format!("org `{}` has no route for `{}`", args.org, args.record_type);
        return Err(Problem::not_found(what).hint("rtr config show lists its routes"));
    }
    let meant = |name: &String| {
        let one = config.connections.get(name);
        Meant {
            watched: Watched {
                key: ConnectionKey::new(&args.org, name),
                provider: one.map_or_else(|| name.clone(), |one| one.provider.clone()),
            },
            mode: one.map_or(Mode::Live, |one| one.mode),
        }
    };
    let is_meant = |name: &&String| args.connection.as_ref().is_none_or(|only| only == *name);
    let found: Vec<_> = route.iter().filter(is_meant).map(meant).collect();
    let Some(wanted) = args.connection.as_deref().filter(|_| found.is_empty()) else { return Ok(found) };
    let problem = Problem::not_found(format!(
        "`{}` of org `{}` is not routed to a connection `{wanted}`",
        args.record_type, args.org
    ));
    Err(match nearest(wanted, route.iter().map(String::as_str)) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint(format!("it is routed to {}", route.join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use super::super::From;
    use super::*;
    use crate::audit::Who;
    use rtr_core::config::{ConnectionDoc, OrgDoc, StoredDoc};
    use std::collections::BTreeMap;

    #[test]
    fn given_names_when_looked_up_then_the_route_says_which_connections_and_slips_are_told() {
        let doc = OrgDoc {
            connections: BTreeMap::from([
                ("hubspot".to_owned(), ConnectionDoc::default()),
                ("salesforce".to_owned(), ConnectionDoc::default()),
            ]),
            routes: BTreeMap::from([("contact".to_owned(), vec!["hubspot".to_owned()])]),
            ..OrgDoc::default()
        };
        let stored_doc =
            StoredDoc { revision: 1, author: String::new(), at: String::new(), reason: None, doc };
        let stored = Stored {
            revision: 1,
            global: None,
            orgs: BTreeMap::from([("acme".to_owned(), stored_doc)]),
            pauses: Default::default(),
        };
        let of = |org: &str, kind: &str, connection: Option<&str>| {
            let args = Args {
                org: org.to_owned(),
                record_type: kind.to_owned(),
                from: Some(From::Stdin),
                connection: connection.map(str::to_owned),
                rewrite: false,
                dry_run: false,
                yes: true,
                no_wait: false,
                max_queued: 1,
                state: None,
                restart: false,
                resume: false,
                who: Who::default(),
                noted: false,
            };
            assert!(
                super::super::entry(&args, &From::Stdin)
                    .target
                    .starts_with(&format!("{org} {kind} --from stdin"))
            );
            let found = connections(&args, &stored, "test");
            found
                .map(|all| all.into_iter().map(|one| one.watched.key.connection).collect::<Vec<_>>())
                .map_err(|problem| format!("{} {}", problem.what, problem.hint.unwrap_or_default()))
        };
        assert_eq!(of("acme", "contact", None), Ok(vec!["hubspot".to_owned()]));
        assert_eq!(of("acme", "contact", Some("hubspot")), Ok(vec!["hubspot".to_owned()]));
        assert_eq!(
            of("acme", "contact", Some("salesforce")).unwrap_err(),
            "`contact` of org `acme` is not routed to a connection `salesforce` it is routed to hubspot"
        );
        assert!(of("acme", "deal", None).unwrap_err().contains("no route"));
        assert!(of("acne", "contact", None).unwrap_err().contains("`acme`"));
    }
}
