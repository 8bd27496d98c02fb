//! Looks: what a linked record holds at a CRM, judged by the record's own worker, and what is new in it on its way to the
//! internal system.
//!
//! Whoever has the record's message group knows that no write of the sync lane's is under way, and what the bulk lane may be
//! writing is parked: so what differs from what both sides had last is the CRM's own. It is sent before it is noted, under a
//! version that a repeat has too: what is sent twice is told once. A look that cannot be done now goes back to where it came
//! from, so that it holds up nothing here.
//!
//! - `ask.rs` asks the CRMs · `verdict.rs` what is to be done, purely · `end.rs` sends and notes it

mod ask;
mod end;
mod verdict;

use super::intake::Intake;
use crate::batch::{Received, Settings};
use crate::report::BatchReport;
use crate::seams::Seams;
use crate::work::Caches;
use crate::work::fate::MessageFate;
use rtr_connectors::changes::Snapshot;
use rtr_connectors::registry::{self, Connector};
use rtr_core::change::Look;
use rtr_core::code::Code;
use rtr_core::config::{MappingAt, Mode, OrgConfig};
use rtr_core::failure::Failure;
use rtr_core::inbound::ledger::parked_out;
use rtr_core::item::{Item, Lane, Reason};
use rtr_core::key::PairKey;
use rtr_core::metric::Metric;
use rtr_core::plan::PAUSE_MS;
use rtr_core::time::Instant;
use std::collections::HashMap;
use std::sync::Arc;
use verdict::Verdict;

/// What is parked on its way out is looked for again after this at the earliest, in milliseconds.
const PARKED_MS: i64 = 5_000;

/// One look on its way.
struct Looking<'a> {
    /// Its place in the batch.
    place: usize,
    look: &'a Look,
    config: Arc<OrgConfig>,
    connector: Connector,
    mapping: Arc<MappingAt>,
    /// The record at the connection.
    key: PairKey,
    item: Item,
    /// What the internal system was told of the CRM's record so far.
    known: Option<Item>,
    /// What the CRM said.
    seen: Option<Result<Snapshot, Failure>>,
    verdict: Option<Verdict>,
}

/// Does the looks of a batch, after all else in it: those whose record has nothing left to be done. Their fates are set.
#[allow(clippy::too_many_arguments)] // what a flow has to do with
pub(super) async fn look_all(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    batch: &[Received],
    intake: &Intake,
    configs: &HashMap<String, Arc<OrgConfig>>,
    fates: &mut [MessageFate],
    deadline: Instant,
    report: &mut BatchReport,
) {
    let now = seams.clock.now();
    let mut looks = Vec::new();
    for record in intake.records.iter().filter(|record| !record.looks.is_empty()) {
        let Some(config) = configs.get(&record.key.org_id) else { continue };
        // Behind what comes back they come back as well.
        if record.messages.iter().any(|place| fates[*place] != MessageFate::Done) {
            record
                .looks
                .iter()
                .for_each(|(place, _)| fates[*place] = fates[*place].and(MessageFate::Return(now)));
            continue;
        }
        for (place, look) in &record.looks {
            match looking(*place, look, config, now) {
                Some(looking) => looks.push(looking),
                None => report.count(Metric::LooksIdle, 1),
            }
        }
    }
    if looks.is_empty() {
        return;
    }
    report.count(Metric::Looks, looks.len() as u64);
    if let Err(why) = read(seams, &mut looks).await {
        tracing::warn!(event = "look", code = Code::StateUnavailable.as_str(), message = why);
        looks.iter().for_each(|one| fates[one.place] = MessageFate::ReturnAsIs);
        return;
    }
    for one in looks.iter_mut().filter(|one| one.verdict.is_none()) {
        one.verdict = beforehand(one, now);
    }
    ask::ask_all(seams, settings, caches, &mut looks, deadline, report).await;
    verdict::judge_all(seams, &mut looks).await;
    end::end_all(seams, batch, looks, fates, report).await;
    // Of two looks that were done as one neither is over before that is.
    for record in intake.records.iter().filter(|record| !record.looks.is_empty()) {
        let back =
            record.looks.iter().map(|(place, _)| fates[*place]).find(|fate| *fate != MessageFate::Done);
        if let Some(fate) = back {
            record.compacted().into_iter().for_each(|place| fates[place] = fate);
        }
    }
}

/// The look, where there is anything to look for.
fn looking<'a>(place: usize, look: &'a Look, config: &Arc<OrgConfig>, now: Instant) -> Option<Looking<'a>> {
    let name = &look.notice.connection.connection;
    config.inbound.as_ref()?;
    let own = config.connections.get(name)?;
    let mapping = config.mapping(name, &look.key.record_type).filter(|at| at.mapping.flows_back())?;
    // A shadowed connection is asked for nothing, and tells nothing.
    if own.mode == Mode::Shadow {
        return None;
    }
    let paused = (own.mode == Mode::Paused).then(|| {
        Verdict::Later(now.plus_ms(PAUSE_MS), Reason::new(Code::Paused, "the connection is paused"))
    });
    Some(Looking {
        place,
        look,
        config: config.clone(),
        connector: registry::by_name(&own.provider)?,
        mapping: mapping.clone(),
        key: PairKey::new(&look.key, &look.notice.connection),
        item: Item::default(),
        known: None,
        seen: None,
        verdict: paused,
    })
}

async fn read(seams: &Seams<'_>, looks: &mut [Looking<'_>]) -> Result<(), String> {
    let of = |one: &Looking<'_>| {
        let notice = &one.look.notice;
        PairKey::inbound(&notice.connection, &notice.object, &notice.external_id)
    };
    let keys: Vec<PairKey> = looks.iter().flat_map(|one| [one.key.clone(), of(one)]).collect();
    let found = seams.records.read(&keys).await.map_err(|error| error.0)?;
    for one in looks {
        one.item = found.get(&one.key).cloned().unwrap_or_default();
        one.known = found.get(&of(one)).cloned();
    }
    Ok(())
}

/// What is known without asking the CRM.
fn beforehand(one: &Looking<'_>, now: Instant) -> Option<Verdict> {
    if one.item.external_id.as_ref() != Some(&one.look.notice.external_id) {
        return Some(Verdict::Moved);
    }
    let slot = one.item.slot.as_ref().filter(|slot| slot.state.lane() == Lane::Bulk)?;
    Some(Verdict::Later(slot.not_before.max(now.plus_ms(PARKED_MS)), parked_out()))
}
