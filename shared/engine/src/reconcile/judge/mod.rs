//! What of a record at a CRM is not as it should be: what the mapping says of it, held against what was found. Pure.
//!
//! What is on its way is no drift, nor is what the CRM may say for itself. A version that the source has and the CRM does not is on
//! its way for a while; after that nobody is bringing it any more.

mod case;

pub use case::{Case, Differs, Finding, Kind, Standing, Verdict, Wanted};

use rtr_connectors::changes::{Fate, Snapshot};
use rtr_connectors::shape::{Compared, compare};
use rtr_core::code::Code;
use rtr_core::inbound::judge::Seen;
use rtr_core::inbound::{Had, Pending, judge as whose};
use rtr_core::item::{Ended, Item, SlotState};
use rtr_core::mapping::{Direction, OnMissing, Patch, WriteMode};
use rtr_core::payload::{Payload, written};
use rtr_core::time::Instant;
use serde_json::Value;
use std::collections::BTreeSet;

/// What has just changed at its source is on its way for so long, in milliseconds.
pub const ON_ITS_WAY_MS: i64 = 900_000;

impl Verdict {
    fn of(standing: Standing) -> Self {
        Self { standing, findings: Vec::new(), left_out: 0 }
    }

    fn wrong(kind: Kind, because: impl Into<String>) -> Self {
        let (fields, others) = (Vec::new(), Vec::new());
        let findings = vec![Finding { kind, fields, others, because: because.into() }];
        Self { standing: Standing::Drift, findings, left_out: 0 }
    }
}

/// Judges one record.
#[must_use]
pub fn judge(case: &Case<'_>) -> Verdict {
    if is_on_its_way(case.item) {
        return Verdict::of(Standing::Pending);
    }
    let mut verdict = match case.wanted {
        Wanted::Nothing => return Verdict::of(Standing::NotMeant),
        Wanted::Absent => absent(case),
        Wanted::Left(payload) if is_here(case) => compared(case, payload),
        Wanted::Left(_) => return Verdict::of(Standing::Same),
        Wanted::Holding(payload) => holding(case, payload),
    };
    if !case.others.is_empty() && matches!(case.wanted, Wanted::Holding(_)) {
        verdict.findings.push(duplicate(case));
    }
    if verdict.findings.is_empty() {
        return verdict;
    }
    if is_coming(case) {
        return Verdict::of(Standing::Pending);
    }
    if case.item.applied_version > Some(case.version) {
        // By an older version only that can be told which no version changes.
        verdict.findings.retain(|one| one.kind != Kind::Different);
        if verdict.findings.is_empty() {
            return Verdict::of(Standing::Older);
        }
    }
    verdict.standing = Standing::Drift;
    verdict
}

/// The dead version that keeps a newer state from the CRM: a person has to mend its cause first.
#[must_use]
pub fn dead(item: &Item, version: u64) -> Option<Code> {
    item.dead().filter(|slot| slot.wanted_version >= version).map(|slot| slot.reason.code)
}

/// Whether a version of the record will be told, or a create may have been.
#[must_use]
pub fn is_on_its_way(item: &Item) -> bool {
    let moves = |state| matches!(state, SlotState::Parked | SlotState::Drop | SlotState::Waiting);
    item.slot.as_ref().is_some_and(|slot| moves(slot.state)) || item.intent.is_some()
}

/// Whether the source's version may be in a queue still: newer than what was applied, and young, or of no known age.
fn is_coming(case: &Case<'_>) -> bool {
    let item = case.item;
    if item.applied_version >= Some(case.version) || dead(item, case.version).is_some() {
        return false;
    }
    match case.occurred_at {
        Some(at) => case.now.since_ms(at) <= ON_ITS_WAY_MS,
        // Of what was never heard of nothing is on its way, as far as anybody knows.
        None => item.rev > 0,
    }
}

fn is_here(case: &Case<'_>) -> bool {
    case.found.is_some_and(|found| found.fate == Fate::Here)
}

fn absent(case: &Case<'_>) -> Verdict {
    if is_here(case) {
        Verdict::wrong(Kind::Extra, "deleted, or none for this CRM by the mapping's `when`")
    } else {
        Verdict::of(Standing::Same)
    }
}

fn holding(case: &Case<'_>, payload: &Payload) -> Verdict {
    let (item, mapping) = (case.item, case.mapping);
    let gone = match case.found.map(|found| &found.fate) {
        Some(Fate::Here) => return compared(case, payload),
        // Which of several it is, is a person's to say.
        None if !case.others.is_empty() => return Verdict::of(Standing::Same),
        None if mapping.write == WriteMode::Update => return Verdict::of(Standing::NotMeant),
        None => return Verdict::wrong(Kind::Missing, "the CRM has no record of it"),
        Some(Fate::Gone) => "its record at the CRM is gone".to_owned(),
        Some(Fate::Merged { into }) => format!("its record at the CRM was merged into {into}"),
    };
    if item.linked_at.is_some_and(|at| at.plus_ms(case.lag_ms) > case.now) {
        return Verdict::of(Standing::Pending);
    }
    if mapping.on_missing == OnMissing::Ignore {
        return Verdict::of(Standing::NotMeant);
    }
    // The internal system is told of it, and has its say.
    if case.flows_back && !item.base.is_gone() {
        return Verdict::of(Standing::Pending);
    }
    Verdict::wrong(Kind::Missing, gone)
}

fn compared(case: &Case<'_>, payload: &Payload) -> Verdict {
    let (item, mapping) = (case.item, case.mapping);
    let Some(found) = case.found else { return Verdict::of(Standing::Same) };
    let inbound = mapping.inbound().filter(|field| field.direction == Direction::In).count();
    let mut left_out = payload.on_create.len() + inbound;
    if mapping.write == WriteMode::Create {
        return Verdict { left_out: left_out + payload.fields.len(), ..Verdict::of(Standing::Same) };
    }
    let theirs = theirs(case, payload, found);
    let mut fields = Vec::new();
    for (name, patch) in &payload.fields {
        let Some(differs) = differs(case, found, name, patch) else { continue };
        if theirs.contains(name) {
            left_out += 1;
        } else {
            fields.push(differs);
        }
    }
    // What we have written bears our key, and is found by it.
    if let Some((name, value)) =
        case.key.filter(|_| item.external_id.is_some() && item.applied_hash.is_some())
    {
        fields.extend(differs(case, found, name, &Patch::Set(Value::from(value))));
    }
    let mut verdict = Verdict { left_out, ..Verdict::of(Standing::Same) };
    if !fields.is_empty() {
        let (kind, because) = match was_overtaken(case) {
            true => (Kind::Overtaken, "confirmed, and written over by somebody since"),
            false => (Kind::Different, "it holds other values"),
        };
        verdict.findings.push(Finding { kind, fields, others: Vec::new(), because: because.to_owned() });
    }
    verdict
}

fn differs(case: &Case<'_>, found: &Snapshot, name: &str, patch: &Patch<Value>) -> Option<Differs> {
    let held = found.values.get(name).cloned().unwrap_or_default();
    let is = compare(*case.shapes.get(name)?, &held, patch).filter(|is| *is != Compared::Same)?;
    let wanted = written(patch).cloned().unwrap_or_default();
    Some(Differs { field: name.to_owned(), is, held, wanted })
}

/// The fields of which the CRM's own value stands, or is on its way back: whoever wrote now would leave them.
fn theirs(case: &Case<'_>, payload: &Payload, found: &Snapshot) -> BTreeSet<String> {
    if !case.flows_back {
        return BTreeSet::new();
    }
    let seen = Seen { stamp: found.at.unwrap_or(Instant(0)), values: &found.values };
    let pending = Pending { occurred_at: case.occurred_at.unwrap_or(case.now), marks: payload.marks() };
    let fields = case.mapping.inbound().map(|field| (field.field, field.wins));
    let judged = whose(fields, Had { base: &case.item.base, sent: &case.item.sent }, seen, Some(&pending));
    judged.taken.into_iter().chain(judged.kept).collect()
}

/// Whether an older write may have gone over what was confirmed: the hash is gone though the last that happened was a
/// confirmation. Where values flow back a hash goes for other reasons too.
fn was_overtaken(case: &Case<'_>) -> bool {
    let item = case.item;
    let confirmed = item.recent.last().is_some_and(|last| last.ended == Ended::Applied);
    let applied = item.applied_version >= Some(case.version) && item.external_id.is_some();
    applied && item.applied_hash.is_none() && confirmed && !case.flows_back
}

fn duplicate(case: &Case<'_>) -> Finding {
    let because = match (case.found, case.others) {
        (None, [_]) => "another record's of ours has its match value at the CRM",
        (None, _) => "several records of the CRM have its key or match value, and none is linked",
        (Some(_), _) => "other records of the CRM have its key or match value too",
    };
    Finding {
        kind: Kind::Duplicate,
        fields: Vec::new(),
        others: case.others.to_vec(),
        because: because.to_owned(),
    }
}

#[cfg(test)]
mod tests;
