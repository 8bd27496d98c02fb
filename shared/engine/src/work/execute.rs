//! Tells one CRM: looks, writes in batches, associates, and commits each batch's endings as they come.

use super::calls;
use super::commit::{Committed, commit, finish};
use super::compare::compare;
use super::failed::{failed, half_written};
use super::job::Job;
use super::look::{fail, look, stamp};
use super::offers;
use crate::seams::Seams;
use rtr_connectors::connector::{Association, Kind, WriteCall, WriteItem, Written};
use rtr_connectors::session::{Heard, Session};
use rtr_core::code::Code;
use rtr_core::failure::{Class, Failure};
use rtr_core::inbound::canonical::mark;
use rtr_core::item::{Ended, Reason};
use rtr_core::mapping::Patch;
use rtr_core::marks::Marks;
use rtr_core::payload::written as saying;
use rtr_core::plan::First;
use rtr_core::settle::{Applied, Ending, Link, Open};
use rtr_core::trail::Did;
use std::collections::BTreeMap;

/// Rounds of one job in one invocation: look and adopt, write, make anew what was gone.
const MAX_ROUNDS: usize = 4;

/// Works the going jobs of one connection until each is ended or returned.
pub(crate) async fn execute(seams: &Seams<'_>, session: &Session<'_>, jobs: &mut [&mut Job]) {
    for _ in 0..MAX_ROUNDS {
        if jobs.iter().all(|job| job.going().is_none()) {
            return;
        }
        offers::wait(seams, jobs).await;
        look(seams, session, jobs).await;
        end_what_needs_no_call(seams, jobs).await;
        compare(seams, session, jobs).await;
        let mut calls: BTreeMap<(String, Kind), Vec<usize>> = BTreeMap::new();
        for (at, job) in jobs.iter().enumerate() {
            if let Some(kind) = kind(job) {
                calls.entry((job.setup.mapping.mapping.object.clone(), kind)).or_default().push(at);
            }
        }
        for ((object, kind), places) in calls {
            for places in batches(jobs, &places) {
                call(seams, session, jobs, &object, &kind, &places).await;
            }
        }
    }
    let soon = seams.clock.now().plus_ms(1_000);
    for job in jobs.iter_mut().filter(|job| job.going().is_some()) {
        job.give_back(soon, Reason::new(Code::Contended, "the record kept changing at the CRM"));
    }
}

/// How the job's record is addressed; none where nothing is written yet.
pub(crate) fn kind(job: &Job) -> Option<Kind> {
    Some(match &job.going()?.first {
        First::Update { .. } => Kind::Update,
        First::Remove { erase: false, .. } => Kind::Archive,
        First::Remove { erase: true, .. } => Kind::Erase,
        First::Upsert { property, .. } => Kind::Upsert { property: property.clone() },
        First::Create => Kind::Create,
        First::Look(_) | First::Nothing => return None,
    })
}

fn id(job: &Job) -> &str {
    match job.going().map(|go| &go.first) {
        Some(First::Update { external_id } | First::Remove { external_id, .. }) => external_id,
        Some(First::Upsert { value, .. }) => value,
        _ => "",
    }
}

fn did(kind: &Kind) -> Did {
    match kind {
        Kind::Create => Did::Create,
        Kind::Update => Did::Update,
        Kind::Upsert { .. } => Did::Upsert,
        Kind::Archive => Did::Archive,
        Kind::Erase => Did::Erase,
    }
}

/// Splits `places` into calls: at most the CRM's batch size, no id twice in a call.
fn batches(jobs: &[&mut Job], places: &[usize]) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for at in places {
        let (job, size) = (&jobs[*at], jobs[*at].setup.connector.capabilities().write_batch);
        let fits = |batch: &&mut Vec<usize>| {
            batch.len() < size
                && (id(job).is_empty() || batch.iter().all(|other| id(jobs[*other]) != id(job)))
        };
        match batches.iter_mut().find(fits) {
            Some(batch) => batch.push(*at),
            None => batches.push(vec![*at]),
        }
    }
    batches
}

/// Deletes of what never was at the CRM.
async fn end_what_needs_no_call(seams: &Seams<'_>, jobs: &mut [&mut Job]) {
    let mut work = Vec::new();
    for job in jobs.iter_mut().filter(|job| matches!(job.going().map(|go| &go.first), Some(First::Nothing))) {
        let ending = applied(job, None, None);
        work.push((&mut **job, ending, Ended::Applied, None));
    }
    finish(seams, work).await;
}

async fn call(
    seams: &Seams<'_>,
    session: &Session<'_>,
    jobs: &mut [&mut Job],
    object: &str,
    kind: &Kind,
    places: &[usize],
) {
    if *kind == Kind::Create {
        // An intent is written for a call that goes, else it is two writes for nothing.
        if let Err(failure) = session.reserve().await {
            for at in places {
                fail(seams, jobs[*at], &failure).await;
            }
            return;
        }
        intend(seams, jobs, places).await;
    }
    let places: Vec<usize> = places.iter().copied().filter(|at| jobs[*at].going().is_some()).collect();
    let Some(first) = places.first() else { return session.release() };
    let connector = jobs[*first].setup.connector;
    let items = places.iter().map(|at| item(jobs[*at], kind, *at)).collect();
    let from = session.tape.end();
    let outcomes =
        connector.write(session, &WriteCall { object: object.to_owned(), kind: kind.clone(), items }).await;
    calls::tell(session, jobs, &places, from, did(kind));
    if outcomes.iter().any(|outcome| matches!(outcome, Err(Failure { class: Class::Unavailable, .. }))) {
        // Its tries in place came to nothing, or it says so of records in an answer that looks well.
        session.gate.heard(Heard::Fails, 0).await;
    }
    let mut written = Vec::new();
    for (at, outcome) in places.into_iter().zip(outcomes) {
        match outcome {
            Ok(done) => written.push((at, done)),
            Err(failure) => {
                // It may look what stands there instead.
                let from = session.tape.end();
                failed(seams, session, jobs[at], &failure).await;
                calls::tell(session, jobs, &[at], from, Did::Look);
            }
        }
    }
    associate(seams, session, jobs, did(kind), &mut written).await;
    let mut work = Vec::new();
    for (at, job) in jobs.iter_mut().enumerate() {
        let Some((_, done)) = written.iter().find(|(place, _)| *place == at) else { continue };
        let removed = matches!(kind, Kind::Archive | Kind::Erase);
        let ending = applied(job, Some((kind, done)).filter(|_| !removed), None);
        let without = job.going().and_then(|go| go.open.as_ref()).map(|open| open.reason.clone());
        let ended = if was_told(job, kind) { Ended::Applied } else { Ended::Unchanged };
        work.push((&mut **job, ending, ended, without));
    }
    finish(seams, work).await;
}

/// What the job writes, as the item of a call.
pub(crate) fn item(job: &Job, kind: &Kind, place: usize) -> WriteItem {
    let mut fields = BTreeMap::new();
    if let Some(go) = job.going()
        && !matches!(kind, Kind::Archive | Kind::Erase)
    {
        fields = go.payload.fields.clone();
        if matches!(kind, Kind::Upsert { .. } | Kind::Create) {
            fields.extend(go.payload.on_create.clone());
        }
        // An adopted record has our key once a write of it is confirmed, not before.
        let stamped = job.compared.as_ref().is_some_and(|found| found.stamped);
        if (*kind == Kind::Create || (*kind == Kind::Update && job.item.applied_hash.is_none() && !stamped))
            && let Some((property, value)) = stamp(&job.setup.mapping.mapping, job.key_value.as_deref())
        {
            fields.insert(property, Patch::Set(value));
        }
    }
    let is_left = |name: &String| job.compared.as_ref().is_some_and(|found| found.left.contains(name));
    fields.retain(|name, patch| *patch != Patch::Keep && !(*kind == Kind::Update && is_left(name)));
    // Where the CRM carries the trace, people find the message by it.
    WriteItem { id: id(job).to_owned(), fields, trace: format!("{}/{place}", job.by) }
}

/// Durable intents before creates at a CRM without a unique key.
async fn intend(seams: &Seams<'_>, jobs: &mut [&mut Job], places: &[usize]) {
    let mut work = Vec::new();
    for (at, job) in jobs.iter_mut().enumerate() {
        if places.contains(&at) {
            let matched = job.mapped.as_ref().and_then(|mapped| mapped.match_value.clone());
            work.push((&mut **job, Ending::Intended { nonce: seams.clock.nonce(), matched }));
        }
    }
    let answers = commit(seams, work).await;
    let soon = seams.clock.now().plus_ms(1_000);
    for (at, answer) in places.iter().zip(answers) {
        match answer {
            Committed::Written => {}
            Committed::Superseded => jobs[*at].end(Ended::Superseded),
            Committed::Failed(why) => jobs[*at].give_back_as_is(&why),
            Committed::PlanAgain | Committed::Overtaken => {
                jobs[*at].give_back(soon, Reason::new(Code::Contended, "the item changed before the create"));
            }
        }
    }
}

/// Makes the associations of what was written; a record whose associations failed is no longer among the written.
async fn associate(
    seams: &Seams<'_>,
    session: &Session<'_>,
    jobs: &mut [&mut Job],
    did: Did,
    written: &mut Vec<(usize, Written)>,
) {
    let mut wanted = Vec::new();
    let mut owners = Vec::new();
    for (at, Written { external_id, .. }) in written.iter() {
        let job = &jobs[*at];
        for one in job.going().into_iter().flat_map(|go| &go.payload.associations) {
            owners.push(*at);
            wanted.push(Association {
                from_object: job.setup.mapping.mapping.object.clone(),
                from_id: external_id.clone(),
                to_object: one.object.clone(),
                to_id: one.external_id.clone(),
                label: one.label.clone(),
            });
        }
    }
    let Some(first) = owners.first() else { return };
    let connector = jobs[*first].setup.connector;
    let from = session.tape.end();
    let outcomes = connector.associate(session, &wanted).await;
    let mut places = owners.clone();
    places.dedup();
    calls::tell(session, jobs, &places, from, did);
    for (at, outcome) in owners.into_iter().zip(outcomes) {
        let Err(failure) = outcome else { continue };
        let Some(place) = written.iter().position(|(other, _)| *other == at) else { continue };
        let (_, done) = written.remove(place);
        half_written(seams, jobs[at], done.external_id, &failure).await;
    }
}

/// Whether the CRM had anything to be told by this call.
fn was_told(job: &Job, kind: &Kind) -> bool {
    let associates = job.going().is_some_and(|go| !go.payload.associations.is_empty());
    *kind != Kind::Update || job.compared.is_none() || associates || !item(job, kind, 0).fields.is_empty()
}

/// What is written of a version that the CRM `written` confirmed; none: the record is gone from it.
pub(super) fn applied(job: &Job, written: Option<(&Kind, &Written)>, code: Option<Code>) -> Ending {
    let object = job.setup.mapping.mapping.object.clone();
    let (hash, mut base) = job.going().map(|go| (go.hash.clone(), go.base.clone())).unwrap_or_default();
    let open = job.going().and_then(|go| go.open.clone()).zip(job.kept.clone());
    if let Some((kind, done)) = written {
        if let Some(go) = job.going().filter(|_| matches!(kind, Kind::Create | Kind::Upsert { .. })) {
            let on_create = go.payload.on_create.iter();
            base = Marks::of(on_create.filter_map(|(name, patch)| Some((name.as_str(), saying(patch)?))))
                .over(&base);
        }
        // As the CRM spells it: what comes back is held against that.
        for (name, value) in &done.held {
            if base.get(name).is_some() {
                base.set(name, mark(value));
            }
        }
    }
    let kept = job.compared.iter().flat_map(|found| &found.kept);
    kept.clone().for_each(|name| base.forget(name));
    Ending::Applied(Applied {
        // Where the CRM's own value stands, it does not hold what the version says.
        hash: Some(hash).filter(|_| kept.count() == 0),
        told: written.is_none_or(|(kind, _)| was_told(job, kind)),
        base,
        link: written.map(|(_, done)| Link { object, external_id: done.external_id.clone() }),
        code: code.or(open.as_ref().map(|(wait, _)| wait.reason.code)),
        open: open.map(|(wait, body)| Box::new(Open { wait, body, attempts: job.attempts() })),
    })
}
