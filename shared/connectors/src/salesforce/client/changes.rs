//! The questions for what has changed, sent.

use crate::changes::{Fate, Page, Position, Snapshot};
use crate::salesforce::body::id18;
use crate::salesforce::changes::{self as asking, Columns};
use crate::salesforce::lookup::all_pages;
use crate::salesforce::request;
use crate::session::Session;
use rtr_core::failure::Failure;
use std::collections::BTreeMap;

/// What the records `ids` hold in these fields now, in their order.
///
/// # Errors
/// The failure of a call.
pub async fn snapshots(
    session: &Session<'_>,
    object: &str,
    ids: &[String],
    fields: &[String],
) -> Result<Vec<Snapshot>, Failure> {
    let columns = asking::columns(object, fields)?;
    let mut told: BTreeMap<String, Snapshot> = BTreeMap::new();
    for group in asking::groups(ids) {
        let mut found = Vec::new();
        if let Some((first, further)) = columns.split_first() {
            found = of_ids(session, object, &group, first).await?;
            complete(session, object, &mut found, further).await?;
        }
        told.extend(found.into_iter().map(|one| (one.external_id.clone(), one)));
    }
    let one = |id: &String| {
        let found = id18(id).and_then(|id| told.get(&id)).cloned();
        let found = found.unwrap_or_else(|| Snapshot::gone(id, None));
        Snapshot { external_id: id.clone(), ..found }
    };
    Ok(ids.iter().map(one).collect())
}

/// The next records that have changed since `from`.
///
/// # Errors
/// The failure of a call.
pub async fn changed(
    session: &Session<'_>,
    object: &str,
    from: &Position,
    fields: &[String],
) -> Result<Page, Failure> {
    let columns = asking::columns(object, fields)?;
    let Some((first, further)) = columns.split_first() else {
        return asking::page(from, Vec::new());
    };
    let query = request::query(&asking::since(object, from, first)?, true);
    let records = all_pages(session, query).await?;
    let mut page = asking::page(from, asking::snapshots(&records, first)?)?;
    complete(session, object, &mut page.changed, further).await?;
    Ok(page)
}

async fn of_ids(
    session: &Session<'_>,
    object: &str,
    ids: &[String],
    columns: &Columns<'_>,
) -> Result<Vec<Snapshot>, Failure> {
    let query = request::query(&asking::of_ids(object, ids, columns)?, true);
    asking::snapshots(&all_pages(session, query).await?, columns)
}

/// Adds what the fields hold for which the first query had no room.
async fn complete(
    session: &Session<'_>,
    object: &str,
    found: &mut [Snapshot],
    further: &[Columns<'_>],
) -> Result<(), Failure> {
    for columns in further {
        let here = found.iter().filter(|one| one.fate == Fate::Here);
        let ids: Vec<String> = here.map(|one| one.external_id.clone()).collect();
        for group in asking::groups(&ids) {
            let later = of_ids(session, object, &group, columns).await?;
            let later: BTreeMap<&str, &Snapshot> =
                later.iter().map(|one| (one.external_id.as_str(), one)).collect();
            for one in found.iter_mut().filter(|one| group.contains(&one.external_id)) {
                let known = later.get(one.external_id.as_str()).copied();
                *one = asking::joined(one.clone(), known);
            }
        }
    }
    Ok(())
}
