//! What becomes of records under mappings that their org tries first: whoever applies them to all asks before going on.

use super::job::{Job, Stage};
use crate::seams::{Seams, Tally};
use futures::future::join_all;
use rtr_core::item::Ended;
use std::collections::BTreeMap;

/// A record that died without a job, since the route that its org tries leads to where no mapping is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unmapped {
    pub(crate) org: String,
    /// The revision of the trial.
    pub(crate) trial: u64,
}

/// Adds the endings of `jobs`, and those of `unmapped`, to the tallies of their orgs: one write for each org that tries something, none for others. A
/// tally that cannot be written is lost, and the records are none the worse for it.
pub(crate) async fn tally(seams: &Seams<'_>, jobs: &[Job], unmapped: &[Unmapped]) {
    let adding = by_canary(jobs, unmapped);
    let adding = adding.into_iter().map(|((org, revision), tally)| async move {
        if let Err(error) = seams.limits.add_tally(org, revision, tally).await {
            tracing::warn!(event = "canary", org_id = org, error = error.0, "a tally is lost");
        }
    });
    join_all(adding).await;
}

fn by_canary<'a>(jobs: &'a [Job], unmapped: &'a [Unmapped]) -> BTreeMap<(&'a str, u64), Tally> {
    let mut tallies: BTreeMap<(&str, u64), Tally> = BTreeMap::new();
    for Unmapped { org, trial } in unmapped {
        tallies.entry((org, *trial)).or_default().dead += 1;
    }
    for job in jobs.iter().filter(|job| job.setup.mapping.canary) {
        let (Some(revision), Stage::Ended(ended, _)) = (job.setup.config.canary, &job.stage) else {
            continue;
        };
        let of = || (job.record.org_id.as_str(), revision);
        match ended {
            Ended::Applied | Ended::Unchanged => tallies.entry(of()).or_default().well += 1,
            Ended::Dead => tallies.entry(of()).or_default().dead += 1,
            _ => {}
        }
    }
    tallies
}
