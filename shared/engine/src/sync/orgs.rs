//! Works a batch's records, each org's by themselves: whoever's CRM does not answer delays nobody else's next wave, nor what
//! follows it.

use super::intake::Intake;
use super::{begin, park};
use crate::batch::{Received, Settings};
use crate::report::BatchReport;
use crate::seams::Seams;
use crate::work::announce::is_wary;
use crate::work::decide::{end_in_order, plan_all};
use crate::work::job::Job;
use crate::work::{Caches, connections, lookup, notify, waves};
use futures::future::join_all;
use rtr_core::time::Instant;

/// What all orgs' work has in common.
pub(super) struct Common<'a> {
    pub(super) seams: &'a Seams<'a>,
    pub(super) settings: &'a Settings,
    pub(super) caches: &'a Caches,
    pub(super) batch: &'a [Received],
    pub(super) intake: &'a Intake,
    /// No call may last beyond this.
    pub(super) deadline: Instant,
}

/// Works `jobs`, orgs concurrently; gives them back in their order. Once a record has crashed its function all are worked one
/// at a time, so that it crashes alone.
pub(super) async fn work_all(common: &Common<'_>, jobs: Vec<Job>, report: &mut BatchReport) -> Vec<Job> {
    let crashed = jobs.iter().any(|job| is_wary(job) && job.item.crashes > 0);
    let mut orgs: Vec<(String, Vec<(usize, Job)>)> = Vec::new();
    for (place, job) in jobs.into_iter().enumerate() {
        let org = if crashed { String::new() } else { job.connection.org_id.clone() };
        match orgs.iter_mut().find(|(one, _)| *one == org) {
            Some((_, jobs)) => jobs.push((place, job)),
            None => orgs.push((org, vec![(place, job)])),
        }
    }
    let working = orgs.into_iter().map(|(_, jobs)| work(common, jobs));
    let mut all = Vec::new();
    for (jobs, own) in join_all(working).await {
        report.add(own);
        all.extend(jobs);
    }
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, job)| job).collect()
}

async fn work(common: &Common<'_>, jobs: Vec<(usize, Job)>) -> (Vec<(usize, Job)>, BatchReport) {
    let Common { seams, settings, caches, batch, intake, deadline } = *common;
    let mut report = BatchReport::default();
    let (places, mut jobs): (Vec<usize>, Vec<Job>) = jobs.into_iter().unzip();
    while waves::next(&mut jobs) {
        lookup::look_up(seams, settings, caches, &mut jobs, deadline, &mut report).await;
        plan_all(seams, &mut jobs, &mut report).await;
        let alone = begin::before_first_call(seams, settings, batch, intake, &mut jobs, &mut report).await;
        connections::call_all(seams, settings, caches, &mut jobs, alone, deadline, &mut report).await;
        waves::look_again(&mut jobs);
    }
    end_in_order(seams, &mut jobs).await;
    park::park(seams, &mut jobs).await;
    notify::notify(seams, settings, &jobs, &mut report).await;
    (places.into_iter().zip(jobs).collect(), report)
}
