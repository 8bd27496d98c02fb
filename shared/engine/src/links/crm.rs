//! What the CRM says of the links, and our key put on its records. Each asks one call's worth; a failure of the call as a
//! whole is the caller's, who knows whether to wait.

use super::Target;
use rtr_connectors::connector::{Crm, Found, Kind, Lookup, LookupBy, WriteCall, WriteItem};
use rtr_connectors::session::Session;
use rtr_core::failure::{Class, Failure};
use rtr_core::links::{Refusal, Told};
use rtr_core::mapping::Patch;
use serde_json::Value;
use std::collections::BTreeMap;

/// A link that the CRM knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The id under which the CRM has the record now: after a merge another than the line's.
    pub external_id: String,
    /// Whether our key has to be written on it.
    pub to_stamp: bool,
}

/// Asks the CRM for `lines`, at most its look-up batch; the answers stand in their order.
///
/// # Errors
/// When the CRM answered for none of them, and may later.
pub async fn verify(
    crm: &dyn Crm,
    session: &Session<'_>,
    target: &Target<'_>,
    lines: &[&Told],
) -> Result<Vec<Result<Seen, Refusal>>, Failure> {
    let question = |lines: &[&Told]| {
        let mut values: Vec<String> = lines.iter().map(|told| told.external_id.clone()).collect();
        values.sort();
        values.dedup();
        Lookup {
            object: target.mapping.object.clone(),
            property: crm.capabilities().id_property.to_owned(),
            by: LookupBy::Unique,
            values,
            also: target.key_property().map(str::to_owned),
        }
    };
    match crm.lookup(session, &question(lines)).await {
        Ok(found) => Ok(lines.iter().map(|told| seen(target, told, &found)).collect()),
        Err(failure) if !of_a_value(&failure) => Err(failure),
        Err(_) => {
            // The fault of one value: each is asked for alone.
            let mut answers = Vec::with_capacity(lines.len());
            for told in lines {
                answers.push(match crm.lookup(session, &question(&[told])).await {
                    Ok(found) => seen(target, told, &found),
                    Err(failure) if of_a_value(&failure) => Err(Refusal::NotAsked(failure.message)),
                    Err(failure) => return Err(failure),
                });
            }
            Ok(answers)
        }
    }
}

fn of_a_value(failure: &Failure) -> bool {
    matches!(failure.class, Class::Invalid { .. } | Class::BatchRefused | Class::Refused | Class::Missing)
}

fn seen(target: &Target<'_>, told: &Told, found: &[Found]) -> Result<Seen, Refusal> {
    let is = |hit: &&Found| hit.value.trim() == told.external_id || hit.external_id == told.external_id;
    let hit = found.iter().find(is).ok_or(Refusal::Missing)?;
    let ours = target.key_value(told).map_err(|error| Refusal::Malformed(error.message))?;
    let theirs = hit.also.as_deref().filter(|key| !key.is_empty());
    match (theirs, ours) {
        (Some(theirs), Some(ours)) if theirs != ours => Err(Refusal::Stamped(theirs.to_owned())),
        (theirs, ours) => {
            Ok(Seen { external_id: hit.external_id.clone(), to_stamp: theirs.is_none() && ours.is_some() })
        }
    }
}

/// Writes our key on the records of `lines`, at most the CRM's write batch, no external id twice; the answers stand in
/// their order.
///
/// # Errors
/// When the CRM took none of them, and may later.
pub async fn stamp(
    crm: &dyn Crm,
    session: &Session<'_>,
    target: &Target<'_>,
    lines: &[&Told],
) -> Result<Vec<Result<(), Refusal>>, Failure> {
    let Some(property) = target.key_property() else { return Ok(vec![Ok(()); lines.len()]) };
    let mut items = Vec::with_capacity(lines.len());
    for (at, told) in lines.iter().enumerate() {
        let value =
            target.key_value(told).ok().flatten().map_or(Patch::Keep, |key| Patch::Set(Value::from(key)));
        let fields = BTreeMap::from([(property.to_owned(), value)]);
        items.push(WriteItem { id: told.external_id.clone(), fields, trace: format!("{}/{at}", target.by) });
    }
    let call = WriteCall { object: target.mapping.object.clone(), kind: Kind::Update, items };
    let outcomes = crm.write(session, &call).await;
    // What holds for the call as a whole stands in every outcome; waiting is the caller's.
    let waits = |outcome: &&Result<_, Failure>| matches!(outcome, Err(failure) if passes(failure));
    if let Some(Err(failure)) = outcomes.iter().find(waits) {
        return Err(failure.clone());
    }
    let refused = |failure: Failure| Refusal::NotStamped(failure.to_string());
    Ok(outcomes.into_iter().map(|outcome| outcome.map(drop).map_err(refused)).collect())
}

/// Whether the same call may succeed later: writing one key twice is one writing.
fn passes(failure: &Failure) -> bool {
    matches!(
        failure.class,
        Class::Throttled { .. }
            | Class::Unavailable
            | Class::OutOfTime
            | Class::OutcomeUnknown
            | Class::Unauthorized
            | Class::Revoked
            | Class::NoSecret
    )
}
