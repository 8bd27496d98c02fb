//! Writes a portion of links: one read, decisions, one round of writes; what somebody changed meanwhile is decided anew.

use super::Target;
use crate::seams::{ClaimChange, Names, Records, Unavailable, Write, Wrote};
use rtr_core::item::Item;
use rtr_core::key::PairKey;
use rtr_core::links::{Decision, Refusal, Told, decide};
use std::collections::HashMap;

/// Times a refused write is decided anew.
const MAX_ROUNDS: usize = 6;

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The link is written.
    Imported,
    /// It was known already.
    Same,
    /// It is not, for this reason.
    Refused(Refusal),
    /// The table did not take it: to be tried again.
    Failed(Unavailable),
}

/// Imports `lines`, best a hundred at a time; the outcomes stand in their order.
///
/// # Errors
/// When the items could not be read.
pub async fn import(
    records: &dyn Records,
    target: &Target<'_>,
    lines: &[&Told],
    writing: Writing,
) -> Result<Vec<Outcome>, Unavailable> {
    let keys: Vec<PairKey> = lines.iter().map(|told| target.key(told)).collect();
    let mut outcomes: Vec<Option<Outcome>> = vec![None; lines.len()];
    for _ in 0..MAX_ROUNDS {
        let open: Vec<usize> = (0..lines.len()).filter(|at| outcomes[*at].is_none()).collect();
        if open.is_empty() {
            break;
        }
        let wanted: Vec<PairKey> = open.iter().map(|at| keys[*at].clone()).collect();
        let found = records.read(&wanted).await?;
        let (mut places, mut writes) = (Vec::new(), Vec::new());
        for at in open {
            match decided(target, lines[at], &keys[at], &found) {
                Ok(write) => {
                    places.push(at);
                    writes.push(write);
                }
                Err(outcome) => outcomes[at] = Some(outcome),
            }
        }
        let wrote = match writing {
            Writing::Nothing => vec![Wrote::Done; writes.len()],
            Writing::Links => records.write_many_with_claims(&writes).await,
        };
        for (at, wrote) in places.into_iter().zip(wrote) {
            outcomes[at] = match wrote {
                Wrote::Done => Some(Outcome::Imported),
                Wrote::Owned(owner) => Some(Outcome::Refused(Refusal::Owned(owner))),
                Wrote::Failed(error) => Some(Outcome::Failed(error)),
                Wrote::Refused => None,
            };
        }
    }
    let contended = || Outcome::Failed(Unavailable("the item kept changing".to_owned()));
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(contended)).collect())
}

/// Whether anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// Items and claims.
    Links,
    /// Nothing: a rehearsal, which looks at the items and not at the claims.
    Nothing,
}

fn decided(
    target: &Target<'_>,
    told: &Told,
    key: &PairKey,
    found: &HashMap<PairKey, Item>,
) -> Result<(Write, Vec<ClaimChange>), Outcome> {
    let old = found.get(key).cloned().unwrap_or_default();
    match decide(&old, told, target.moment()) {
        Decision::Same => Err(Outcome::Same),
        Decision::Refused(refusal) => Err(Outcome::Refused(refusal)),
        Decision::Write(new) => {
            let claim = PairKey::claim(&target.connection, &target.mapping.object, &told.external_id);
            let names = Names {
                org_id: Some(target.connection.org_id.clone()),
                connection: Some(target.connection.connection.clone()),
                record_type: Some(target.record_type.clone()),
                record_id: Some(told.record_id.clone()),
            };
            Ok((Write { key: key.clone(), names, old, new: *new }, vec![ClaimChange::Take(claim)]))
        }
    }
}
