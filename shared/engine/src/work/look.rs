//! Looking before writing: finds records to adopt by the mapping's match, and our own that were written unrecorded.

use super::calls;
use super::commit::{Certainty, Committed, commit, filing, finish};
use super::job::{Job, Stage, left};
use super::treat::{Treatment, treat, waiting};
use crate::seams::Seams;
use rtr_connectors::connector::{Found, Lookup, LookupBy};
use rtr_connectors::session::Session;
use rtr_core::change::Operation;
use rtr_core::code::Code;
use rtr_core::failure::{Class, Failure};
use rtr_core::item::{Ended, Reason};
use rtr_core::mapping::{Key, Mapping, OnDelete, Patch};
use rtr_core::plan::{First, LookBy, after_finding_nothing};
use rtr_core::settle::{Ending, Link};
use rtr_core::trail::Did;
use serde_json::Value;
use std::collections::BTreeMap;

/// Candidates named in a dead letter.
const LISTED: usize = 10;

/// Resolves every [`First::Look`]: afterwards those jobs know how to begin, or are ended or returned.
pub(crate) async fn look(seams: &Seams<'_>, session: &Session<'_>, jobs: &mut [&mut Job]) {
    let steps = jobs.iter().filter_map(|job| Some(looks(job)?.len())).max();
    let Some(steps) = steps else { return };
    for step in 0..steps {
        look_once(seams, session, jobs, step).await;
    }
    let mut skipped = Vec::new();
    for job in jobs.iter_mut().filter(|job| looks(job).is_some()) {
        let deleted = job.going().is_some_and(|go| go.deleted);
        let first = after_finding_nothing(&job.setup.mapping.mapping, job.key_value.as_deref(), deleted);
        match first {
            Some(first) => begin(job, first),
            None => {
                let reason = Some(left(Code::Ignored));
                skipped.push((&mut **job, Ending::Skipped(Code::Ignored), Ended::Skipped, reason));
            }
        }
    }
    finish(seams, skipped).await;
}

fn looks(job: &Job) -> Option<&[LookBy]> {
    match &job.going()?.first {
        First::Look(by) => Some(by),
        _ => None,
    }
}

fn begin(job: &mut Job, first: First) {
    if let Stage::Going(go) = &mut job.stage {
        go.first = first;
    }
}

async fn look_once(seams: &Seams<'_>, session: &Session<'_>, jobs: &mut [&mut Job], step: usize) {
    let mut questions: BTreeMap<(String, String, bool), Vec<usize>> = BTreeMap::new();
    for (at, job) in jobs.iter().enumerate() {
        if let Some(by) = looks(job).and_then(|by| by.get(step)) {
            let object = job.setup.mapping.mapping.object.clone();
            questions.entry((object, by.property.clone(), by.ours)).or_default().push(at);
        }
    }
    for ((object, property, ours), places) in questions {
        let size = jobs[places[0]].setup.connector.capabilities().lookup_batch;
        for places in places.chunks(size) {
            let lookup = question(jobs, places, step, &object, &property, ours);
            let from = session.tape.end();
            let answered = jobs[places[0]].setup.connector.lookup(session, &lookup).await;
            calls::tell(session, jobs, places, from, Did::Look);
            match answered {
                Ok(found) => {
                    for at in places {
                        answer(seams, jobs[*at], step, &found).await;
                    }
                }
                Err(failure) => {
                    for at in places {
                        let failure = if places.len() > 1 && needs_a_person(&failure) {
                            // The fault of one value: each is asked for alone.
                            let lookup = question(jobs, &[*at], step, &object, &property, ours);
                            let from = session.tape.end();
                            let answered = jobs[*at].setup.connector.lookup(session, &lookup).await;
                            calls::tell(session, jobs, &[*at], from, Did::Look);
                            match answered {
                                Ok(found) => {
                                    answer(seams, jobs[*at], step, &found).await;
                                    continue;
                                }
                                Err(failure) => failure,
                            }
                        } else {
                            failure.clone()
                        };
                        fail(seams, jobs[*at], &failure).await;
                    }
                }
            }
        }
    }
}

fn needs_a_person(failure: &Failure) -> bool {
    matches!(failure.class, Class::Invalid { .. } | Class::BatchRefused | Class::Refused)
}

fn question(
    jobs: &[&mut Job],
    places: &[usize],
    step: usize,
    object: &str,
    property: &str,
    ours: bool,
) -> Lookup {
    let value = |at: &usize| looks(jobs[*at]).and_then(|by| by.get(step)).map(|by| by.value.clone());
    let mut values: Vec<String> = places.iter().filter_map(value).collect();
    values.sort();
    values.dedup();
    let mapping = &jobs[places[0]].setup.mapping.mapping;
    Lookup { object: object.to_owned(), ..lookup(mapping, property, ours, values) }
}

/// Asks which records of the mapping's object have one of `values` in `property`, be that our own key or not, and whose they are.
pub(crate) fn lookup(mapping: &Mapping, property: &str, ours: bool, values: Vec<String>) -> Lookup {
    let also = match &mapping.key {
        Key::Property { name } => Some(name.clone()),
        Key::Intent => mapping.marker.clone(),
    };
    let by =
        if ours && matches!(mapping.key, Key::Property { .. }) { LookupBy::Unique } else { LookupBy::Any };
    Lookup { object: mapping.object.clone(), property: property.to_owned(), values, also, by }
}

/// One candidate is adopted; several are for a person to choose from; none leaves the job looking.
async fn answer(seams: &Seams<'_>, job: &mut Job, step: usize, found: &[Found]) {
    let Some(by) = looks(job).and_then(|by| by.get(step)).cloned() else { return };
    let mut hits: Vec<&Found> = found.iter().filter(|hit| same(&hit.value, &by.value)).collect();
    hits.sort_by(|one, two| one.external_id.cmp(&two.external_id));
    hits.dedup_by(|one, two| one.external_id == two.external_id);
    match hits.as_slice() {
        [] => {}
        [hit] => {
            let other =
                hit.also.as_deref().filter(|key| !key.is_empty() && Some(*key) != job.key_value.as_deref());
            match other.filter(|_| !by.ours) {
                Some(theirs) => {
                    let message = format!(
                        "record {} of the CRM has the same `{}`, and is linked to another record already: {theirs}",
                        hit.external_id, by.property
                    );
                    dead(seams, job, Reason::new(Code::Owned, message)).await;
                }
                None => adopt(seams, job, hit.external_id.clone()).await,
            }
        }
        many => {
            let ids: Vec<&str> = many.iter().take(LISTED).map(|hit| hit.external_id.as_str()).collect();
            let more = if many.len() > LISTED { ", …" } else { "" };
            let (count, ids) = (many.len(), ids.join(", "));
            let message = format!("{count} records of the CRM have the same `{}`: {ids}{more}", by.property);
            let reason = Reason { field: Some(by.property.clone()), ..Reason::new(Code::Ambiguous, message) };
            dead(seams, job, reason).await;
        }
    }
}

/// Whether the CRM's value is the one that was asked for.
pub(crate) fn same(held: &str, asked: &str) -> bool {
    held.trim().to_lowercase() == asked.trim().to_lowercase()
}

/// Links the job to a record found, claim first, and goes on as an update that stamps our key on it.
pub(crate) async fn adopt(seams: &Seams<'_>, job: &mut Job, external_id: String) {
    let mapping = job.setup.mapping.clone();
    if job.going().is_some_and(|go| go.deleted) {
        let first = match &mapping.mapping.on_delete {
            _ if job.operation != Operation::Deleted => First::Remove { external_id, erase: false },
            OnDelete::Set(_) => First::Update { external_id },
            how => First::Remove { external_id, erase: *how == OnDelete::Erase },
        };
        return begin(job, first);
    }
    let link = Link { object: mapping.mapping.object.clone(), external_id: external_id.clone() };
    let answers = commit(seams, vec![(&mut *job, Ending::Linked(link))]).await;
    match answers.into_iter().next() {
        Some(Committed::Written) if job.item.external_id.as_deref() == Some(&external_id) => {
            if let Stage::Going(go) = &mut job.stage {
                go.first = First::Update { external_id };
                if let Some((property, value)) = stamp(&mapping.mapping, job.key_value.as_deref()) {
                    go.payload.fields.insert(property, Patch::Set(value));
                }
            }
        }
        // The claim was another's: the commit filed it as dead.
        Some(Committed::Written) => {
            let reason = job.item.dead().map(|slot| slot.reason.clone());
            job.stage = Stage::Ended(Ended::Dead, reason);
        }
        Some(Committed::Superseded) => job.end(Ended::Superseded),
        Some(Committed::Failed(why)) => job.give_back_as_is(&why),
        _ => {
            job.give_back(seams.clock.now().plus_ms(1_000), Reason::new(Code::Contended, "the item changed"))
        }
    }
}

/// Adopts the record that the CRM named as a duplicate, if the mapping's match finds that very one: what clashes may be
/// another property, and then it is a stranger's.
pub(crate) async fn adopt_if_matched(
    seams: &Seams<'_>,
    session: &Session<'_>,
    job: &mut Job,
    existing: &str,
    failure: &Failure,
) {
    let mapping = job.setup.mapping.clone();
    let value = job.mapped.as_ref().and_then(|mapped| mapped.match_value.clone());
    let Some((property, value)) = mapping.mapping.match_on.clone().zip(value) else {
        return dead(seams, job, Reason::from(failure)).await;
    };
    begin(job, First::Look(vec![LookBy { property: property.clone(), value, ours: false }]));
    let lookup = question(&[&mut *job], &[0], 0, &mapping.mapping.object, &property, false);
    match job.setup.connector.lookup(session, &lookup).await {
        Ok(found) if found.iter().any(|hit| hit.external_id == existing) => {
            answer(seams, job, 0, &found).await
        }
        Ok(_) => dead(seams, job, Reason::from(failure)).await,
        Err(failure) => fail(seams, job, &failure).await,
    }
}

/// The property by which we know our own, with its value for this record.
pub(crate) fn stamp(mapping: &Mapping, key_value: Option<&str>) -> Option<(String, Value)> {
    let property = match &mapping.key {
        Key::Property { name } => Some(name.clone()),
        Key::Intent => mapping.marker.clone(),
    };
    property.zip(key_value.map(Value::from))
}

async fn dead(seams: &Seams<'_>, job: &mut Job, reason: Reason) {
    match filing(seams, job, reason.clone(), Certainty::NotCalled).await {
        Ok(filed) => {
            finish(seams, vec![(job, Ending::Dead(Box::new(filed)), Ended::Dead, Some(reason))]).await
        }
        Err(why) => job.give_back_as_is(&why),
    }
}

/// Ends a job whose call did not go, or that asked in vain: nothing has landed.
pub(super) async fn fail(seams: &Seams<'_>, job: &mut Job, failure: &Failure) {
    match treat(job, failure, seams.clock.now()) {
        Treatment::Return(until) | Treatment::Hold(until) => job.give_back(until, waiting(failure)),
        _ => dead(seams, job, Reason::from(failure)).await,
    }
}
