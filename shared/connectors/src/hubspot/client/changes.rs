//! The questions for what has changed, sent.

use super::ask;
use crate::changes::{GonePage, Page, Position, Snapshot};
use crate::hubspot::changes::{self as asking, Reading};
use crate::session::Session;
use rtr_core::failure::{Class, Failure};
use std::collections::BTreeMap;

/// What the records `ids` hold in these properties now, in their order. Those that an answer says nothing of are asked for
/// again, each alone: that answer can be about nobody else.
///
/// # Errors
/// The failure of a call.
pub async fn snapshots(
    session: &Session<'_>,
    object: &str,
    ids: &[String],
    properties: &[String],
) -> Result<Vec<Snapshot>, Failure> {
    let mut told = BTreeMap::new();
    for group in asking::groups(ids) {
        let reading = read(session, object, &group, properties).await?;
        told.extend(reading.told);
        for id in reading.unsaid {
            let alone = read(session, object, &[id], properties).await?;
            if !alone.unsaid.is_empty() {
                let message = "HubSpot answered a read of one record with several others";
                return Err(Failure::new(Class::Unavailable, message));
            }
            told.extend(alone.told);
        }
    }
    // What was not asked for can be no record's id.
    Ok(ids.iter().map(|id| told.get(id).cloned().unwrap_or_else(|| Snapshot::gone(id, None))).collect())
}

async fn read(
    session: &Session<'_>,
    object: &str,
    ids: &[String],
    properties: &[String],
) -> Result<Reading, Failure> {
    match session.send(&asking::reading(object, ids, properties)).await {
        Ok(answer) => asking::read(object, ids, properties, &answer.json().unwrap_or_default()),
        // Some endpoints say so of a call as a whole, which does not tell whom of several it is about.
        Err(failure) if failure.class == Class::Missing => Ok(match ids {
            [id] => {
                let told = BTreeMap::from([(id.clone(), Snapshot::gone(id, None))]);
                Reading { told, unsaid: Vec::new() }
            }
            _ => Reading { told: BTreeMap::new(), unsaid: ids.to_vec() },
        }),
        Err(failure) => Err(failure),
    }
}

/// The next records that have changed since `from`. More properties than a search has room for are read by id.
///
/// # Errors
/// The failure of a call.
pub async fn changed(
    session: &Session<'_>,
    object: &str,
    from: &Position,
    properties: &[String],
) -> Result<Page, Failure> {
    let fits = asking::has_room(object, from, properties);
    let searched = if fits { properties } else { &[] };
    let answer = ask(session, &asking::search(object, from, searched)).await?;
    let mut page = asking::page(object, from, searched, &answer)?;
    if !fits {
        let here = |one: &Snapshot| one.fate == crate::changes::Fate::Here;
        let ids: Vec<String> =
            page.changed.iter().filter(|one| here(one)).map(|one| one.external_id.clone()).collect();
        let mut read = snapshots(session, object, &ids, properties).await?.into_iter();
        for one in page.changed.iter_mut().filter(|one| here(one)) {
            if let Some(read) = read.next() {
                *one = read;
            }
        }
    }
    Ok(page)
}

/// A page of what is in the bin.
///
/// # Errors
/// The failure of the call.
pub async fn gone(session: &Session<'_>, object: &str, after: Option<&str>) -> Result<GonePage, Failure> {
    asking::binned(after, &ask(session, &asking::bin(object, after)).await?)
}
