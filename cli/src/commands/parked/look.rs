//! Finds what is parked: connection by connection, each in its own partitions of the index. No table is scanned for it.

use super::entry::Entry;
use crate::aws::{Aws, unavailable};
use crate::commands::config::absent;
use crate::commands::connection::select::stored;
use crate::commands::dlq::filter::Filter;
use crate::problem::Problem;
use futures::stream::{self, StreamExt, TryStreamExt};
use rtr_aws::function::Runtime;
use rtr_core::config::Stored;
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::mapping::nearest;
use rtr_core::time::Instant;
use rtr_engine::seams::{Limits as _, Records as _, Unavailable};
use std::collections::BTreeSet;

/// Connections looked at at once.
const AT_ONCE: usize = 16;
/// Items read at once: only what is shown of them is kept.
const STEP: usize = 1_000;
/// More than anybody has parked.
const ALL: usize = usize::MAX;

/// What `filter` takes, what goes first foremost; there must be every one that it names.
pub(super) async fn find(aws: &Aws, runtime: &Runtime, filter: &Filter) -> Result<Vec<Entry>, Problem> {
    let connections = connections(aws, runtime, filter).await?;
    let found: Result<Vec<Vec<Entry>>, Unavailable> = stream::iter(connections)
        .map(|connection| of_connection(runtime, connection, filter))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await;
    let found = found.map_err(|error| unavailable("reading what is parked", &aws.place, &error))?;
    let mut entries = found.concat();
    entries.sort_by(|a, b| (a.not_before, &a.letter.id).cmp(&(b.not_before, &b.letter.id)));
    match filter.id.iter().find(|id| !entries.iter().any(|entry| entry.letter.id == **id)) {
        None => Ok(entries),
        Some(id) => Err(Problem::not_found(format!("nothing parked has the id {id}"))
            .hint("it may have gone meanwhile; rtr parked list shows what is parked")),
    }
}

/// The connections that are configured, and those that are gone but have a lane to be looked at.
async fn connections(
    aws: &Aws,
    runtime: &Runtime,
    filter: &Filter,
) -> Result<BTreeSet<ConnectionKey>, Problem> {
    let stored = stored(aws).await?;
    let of_org = stored.orgs.iter().flat_map(|(org, stored)| {
        stored.doc.connections.keys().map(move |connection| ConnectionKey::new(org, connection))
    });
    let lanes = runtime.limits().lanes_due(Instant(i64::MAX), ALL).await;
    let lanes = lanes.map_err(|error| unavailable("reading the bulk lanes", &aws.place, &error))?;
    let all: BTreeSet<ConnectionKey> =
        of_org.chain(lanes.into_iter().map(|baton| baton.connection)).collect();
    known(&stored, &all, filter)?;
    let is = |wanted: &Option<String>, found: &String| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let meant = |one: &ConnectionKey| is(&filter.org, &one.org_id) && is(&filter.connection, &one.connection);
    Ok(all.into_iter().filter(meant).collect())
}

/// A slip in a name finds nothing, which would pass for good news. One that is gone but has a lane is still known.
fn known(stored: &Stored, all: &BTreeSet<ConnectionKey>, filter: &Filter) -> Result<(), Problem> {
    let is_org = |org: &String| {
        stored.orgs.get(org).is_some_and(|stored| !stored.doc.removed)
            || all.iter().any(|one| one.org_id == *org)
    };
    if let Some(org) = filter.org.as_ref().filter(|org| !is_org(org)) {
        return Err(absent(org, stored));
    }
    let Some(wanted) = filter.connection.as_deref() else { return Ok(()) };
    let of_org = all.iter().filter(|one| filter.org.as_ref().is_none_or(|org| *org == one.org_id));
    let names: BTreeSet<&str> = of_org.map(|one| one.connection.as_str()).collect();
    if names.contains(wanted) {
        return Ok(());
    }
    let whose = filter.org.as_ref().map_or_else(|| "no org".to_owned(), |org| format!("org `{org}`"));
    let has = if filter.org.is_some() { "has no" } else { "has a" };
    let problem = Problem::not_found(format!("{whose} {has} connection `{wanted}`"));
    Err(match nearest(wanted, names.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean `{near}`? rtr connection list lists all")),
        None => problem.hint("rtr connection list lists all"),
    })
}

async fn of_connection(
    runtime: &Runtime,
    connection: ConnectionKey,
    filter: &Filter,
) -> Result<Vec<Entry>, Unavailable> {
    let records = runtime.records();
    let mut shown = records.parked(&connection, ALL).await?;
    shown.extend(records.backfilled(&connection, ALL).await?);
    shown.extend(records.waits(&connection, ALL).await?);
    let keys: Vec<PairKey> = shown.into_iter().map(|one| one.key).collect();
    let mut entries = Vec::new();
    for keys in keys.chunks(STEP) {
        let named = records.read_named(keys).await?;
        // The index lags: what is gone by now is left out.
        let read = named.iter().filter_map(|one| Entry::read(one, &connection));
        entries.extend(read.filter(|entry| filter.takes(&entry.letter)));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Exit;
    use rtr_core::config::{ConnectionDoc, OrgDoc, StoredDoc};
    use std::collections::BTreeMap;

    #[test]
    fn given_names_when_looked_for_then_a_slip_is_told_and_what_is_gone_but_has_a_lane_is_known() {
        let org = |connection: &str, removed| {
            let connections = BTreeMap::from([(connection.to_owned(), ConnectionDoc::default())]);
            let doc = OrgDoc { connections, removed, ..OrgDoc::default() };
            StoredDoc { revision: 1, author: String::new(), at: String::new(), reason: None, doc }
        };
        let orgs = BTreeMap::from([("acme".to_owned(), org("hubspot", false))]);
        let stored = Stored { revision: 1, orgs, ..Stored::default() };
        let all = BTreeSet::from([ConnectionKey::new("acme", "hubspot"), ConnectionKey::new("gone", "old")]);
        let of = |org: Option<&str>, connection: Option<&str>| {
            let (org, connection) = (org.map(str::to_owned), connection.map(str::to_owned));
            let known = known(&stored, &all, &Filter { org, connection, ..Filter::default() });
            known.map_err(|problem| (problem.exit, problem.what, problem.hint.unwrap_or_default()))
        };
        for fine in [(None, None), (Some("acme"), None), (Some("gone"), Some("old")), (None, Some("hubspot"))]
        {
            assert_eq!(of(fine.0, fine.1), Ok(()));
        }
        let (exit, what, hint) = of(Some("acne"), None).unwrap_err();
        assert_eq!((exit, what.as_str()), (Exit::NotFound, "org `acne` has no configuration"));
        assert!(hint.contains("`acme`"), "{hint}");
        let (exit, what, hint) = of(Some("acme"), Some("hubspott")).unwrap_err();
        assert_eq!((exit, what.as_str()), (Exit::NotFound, "org `acme` has no connection `hubspott`"));
        assert!(hint.contains("`hubspot`"), "{hint}");
        assert_eq!(of(None, Some("none")).unwrap_err().1, "no org has a connection `none`");
        assert_eq!(of(Some("acme"), Some("old")).unwrap_err().0, Exit::NotFound, "it is another org's");
    }
}
