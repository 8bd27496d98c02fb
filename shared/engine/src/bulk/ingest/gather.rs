//! Which of the versions that are due one job can carry: planned as ever, and nothing written.

use super::note::Entry;
use super::{CHUNK, suits_a_job};
use crate::bulk::Work;
use crate::bulk::jobs::{job, load};
use crate::report::BatchReport;
use crate::seams::{Named, Parked, Unavailable};
use crate::work::execute::{item, kind};
use crate::work::job::{Job, Stage};
use crate::work::lookup::look_up;
use crate::work::prepare::decide;
use rtr_connectors::connector::Kind;
use rtr_connectors::ingest::{Ingest, IngestFacts, Row, Target};
use rtr_core::config::OrgConfig;
use rtr_core::item::{Body, SlotState};
use rtr_core::limit::Traffic;
use rtr_core::plan::{Action, First, Go, after_finding_nothing};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// One record that a job may carry.
pub(super) struct Candidate {
    pub(super) entry: Entry,
    pub(super) row: Row,
}

/// The candidates of one job.
pub(super) struct Gathered {
    pub(super) target: Target,
    pub(super) candidates: Vec<Candidate>,
}

#[derive(Default)]
struct Group {
    candidates: Vec<Candidate>,
    ids: HashSet<String>,
    bytes: usize,
}

/// The largest job that what is due makes; none when it is too small for one.
///
/// # Errors
/// When the table does not answer.
pub(super) async fn gather(
    lane: &Work<'_>,
    config: &Arc<OrgConfig>,
    ingest: &dyn Ingest,
    facts: IngestFacts,
    traffic: Traffic,
    report: &mut BatchReport,
) -> Result<Option<Gathered>, Unavailable> {
    let (records, clock, by) = (lane.seams.records, lane.seams.clock, lane.by());
    let backfill = traffic == Traffic::Backfill;
    let mut due: Vec<Parked> = match traffic {
        Traffic::Live => records.parked(lane.connection, facts.most).await?,
        Traffic::Backfill => records.backfilled(lane.connection, facts.most).await?,
    };
    due.retain(|one| one.not_before <= by);
    if due.len() < facts.least {
        return Ok(None);
    }
    let mut groups: BTreeMap<Target, Group> = BTreeMap::new();
    // Half of the time is for what has to be written and called before the job may run.
    let enough_ms = lane.deadline.since_ms(clock.now()) / 2;
    for chunk in due.chunks(CHUNK) {
        if lane.deadline.since_ms(clock.now()) < enough_ms {
            break;
        }
        let keys: Vec<_> = chunk.iter().map(|one| one.key.clone()).collect();
        let named = records.read_named(&keys).await?;
        let due = named.iter().filter(|one| is_candidate(one, lane, backfill));
        let made =
            due.filter_map(|one| job(one, lane.connection, config, lane.received, false).ok().flatten());
        let mut jobs: Vec<Job> = made.collect();
        load(lane.seams, &mut jobs).await;
        // What cannot be looked up is no candidate: the calls that are made instead find out what is the matter.
        look_up(lane.seams, lane.settings, lane.caches, &mut jobs, lane.deadline, report).await;
        for mut job in jobs {
            let Some((target, candidate)) = candidate(lane, ingest, &mut job) else { continue };
            let id = match target.kind {
                // Salesforce compares keys without case, unless it is told otherwise.
                Kind::Upsert { .. } => candidate.entry.id.to_lowercase(),
                _ => candidate.entry.id.clone(),
            };
            let bytes: usize = candidate.row.iter().map(|(name, cell)| name.len() + cell.len() + 6).sum();
            let group = groups.entry(target).or_default();
            let fits = group.candidates.len() < facts.most && group.bytes + bytes <= facts.most_bytes;
            if fits && group.ids.insert(id) {
                group.bytes += bytes;
                group.candidates.push(candidate);
            }
        }
    }
    let largest = groups.into_iter().max_by_key(|(_, group)| group.candidates.len());
    let enough = largest.filter(|(_, group)| group.candidates.len() >= facts.least);
    Ok(enough.map(|(target, group)| Gathered { target, candidates: group.candidates }))
}

/// A body kept outside may be as large as a message, and what has crashed a worker is worked alone.
fn is_candidate(named: &Named, lane: &Work<'_>, backfill: bool) -> bool {
    let by = lane.by();
    let suits = |slot: &rtr_core::item::Slot| {
        slot.state == SlotState::Parked
            && slot.not_before <= by
            && (backfill || !slot.backfill)
            && matches!(slot.body, Body::Inline(_))
            && suits_a_job(slot.reason.code)
    };
    let item = &named.item;
    item.slot.as_ref().is_some_and(suits) && item.intent.is_none() && item.crashes == 0
}

fn candidate(lane: &Work<'_>, ingest: &dyn Ingest, job: &mut Job) -> Option<(Target, Candidate)> {
    if !matches!(job.stage, Stage::Read) {
        return None;
    }
    let Action::Go(go) = decide(job, lane.seams.clock.now()) else { return None };
    // What has something to be done after it, or to be completed, has calls of its own; and so has what must be looked at
    // before it is written to.
    if go.open.is_some() || !go.payload.associations.is_empty() || job.flows_back() {
        return None;
    }
    let first = first(job, &go)?;
    let mut entry = Entry::new(&job.key, job.version, job.setup.mapping.revision);
    (entry.hash, entry.base, entry.deleted) = (go.hash.clone(), go.base.as_bytes().to_vec(), go.deleted);
    job.stage = Stage::Going(Box::new(Go { first, ..*go }));
    let kind = kind(job)?;
    let target = Target { object: job.setup.mapping.mapping.object.clone(), kind };
    let item = item(job, &target.kind, 0);
    let row = ingest.row(&target, &item)?;
    entry.id = item.id;
    Some((target, Candidate { entry, row }))
}

/// A look by our own key before an upsert by it tells nothing that the upsert would not find: but for what is written on
/// create alone.
fn first(job: &Job, go: &Go) -> Option<First> {
    match &go.first {
        First::Look(by) => {
            let ours = by.iter().all(|one| one.ours) && !go.deleted && go.payload.on_create.is_empty();
            let mapping = &job.setup.mapping.mapping;
            ours.then(|| after_finding_nothing(mapping, job.key_value.as_deref(), false)).flatten()
        }
        first => Some(first.clone()),
    }
}
