//! A record's first link wakes those that wait for it.
//!
//! The message is acknowledged only afterwards. A function that died in between comes back to a version that is already
//! applied, and tells them then.

use super::job::{Job, Stage};
use crate::batch::Settings;
use crate::report::BatchReport;
use crate::seams::Seams;
use crate::wake::{taken, wake};
use rtr_core::config::OrgConfig;
use rtr_core::item::Ended;
use rtr_core::metric::Metric;

/// Those woken by one link at once; the others come by themselves, when their own look is due.
const MOST_AT_ONCE: usize = 2_000;

/// Wakes what waits for records that were linked in this batch.
pub(crate) async fn notify(seams: &Seams<'_>, settings: &Settings, jobs: &[Job], report: &mut BatchReport) {
    for job in jobs.iter().filter(|job| is_first_link(job) && is_referred_to(job)) {
        match seams.records.waiting_for(&job.connection, &job.record, MOST_AT_ONCE).await {
            Ok(sleepers) => {
                report.count(Metric::Woken, taken(&wake(seams, settings, &sleepers, &job.by).await))
            }
            Err(error) => {
                tracing::warn!(event = "wake", org_id = job.connection.org_id, connection = job.connection.connection, message = %error);
            }
        }
    }
}

fn is_first_link(job: &Job) -> bool {
    let Some(_) = &job.item.external_id else { return false };
    let made_before =
        job.again && job.item.by == job.by && matches!(job.stage, Stage::Ended(Ended::Superseded, _));
    !job.linked_before || made_before
}

/// Only what some mapping of the connection refers to is asked about.
fn is_referred_to(job: &Job) -> bool {
    refers(&job.setup.config, &job.connection.connection, &job.record.record_type)
}

/// Whether any mapping of `connection` refers to records of `record_type`.
pub(crate) fn refers(config: &OrgConfig, connection: &str, record_type: &str) -> bool {
    config.mappings(connection).any(|(_, at)| at.mapping.referenced_types().any(|one| one == record_type))
}
