//! One run: the source read line by line, batches looked at, and what is to be written again put aside.

use super::Asked;
use super::repair::Aside;
use super::report::{OfType, Refused, Report};
use super::sample::{Lowest, Sample, is_within};
use crate::aws::{Aws, unavailable_part};
use crate::commands::backfill::feed::{Feed, From};
use crate::commands::links::linked;
use crate::commands::publish::line::{Addressing, Event, Line, read};
use crate::moment::now;
use crate::output::{left, rate, share_bar};
use crate::problem::Problem;
use indicatif::ProgressBar;
use rtr_aws::function::Runtime;
use rtr_core::change::{Change, Message, parse};
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::digest;
use rtr_core::key::RecordKey;
use rtr_core::time::Instant;
use rtr_engine::reconcile::judge::Standing;
use rtr_engine::reconcile::{Reconciliation, Stopped, With};
use std::collections::HashSet;

/// The records of one type.
pub(super) struct Run<'a> {
    pub(super) aws: &'a Aws,
    pub(super) runtime: &'a Runtime,
    pub(super) config: &'a OrgConfig,
    pub(super) asked: &'a Asked,
    pub(super) record_type: &'a str,
}

/// A batch that is gathered.
struct Batch<'r> {
    open: Reconciliation<'r>,
    bar: &'r ProgressBar,
    lines: Vec<(Change, String)>,
}

impl Run<'_> {
    /// Looks at all of it; what was seen before it stopped is in the report.
    pub(super) async fn all(
        &self,
        from: &From,
        report: &mut Report,
        aside: &mut Option<Aside>,
    ) -> Result<(), Problem> {
        let began = now();
        let version = from.version(Some(self.aws)).await?;
        let mut feed = from.open(Some(self.aws), version)?;
        let bar = share_bar();
        let waiting = |until: Instant| {
            bar.set_message(format!("waiting for the CRM until {}", until.to_rfc3339()));
        };
        let with = With {
            seams: self.runtime.seams(),
            settings: &self.runtime.settings,
            caches: &self.runtime.caches,
            waiting: &waiting,
        };
        report.types.push(OfType { record_type: self.record_type.to_owned(), ..OfType::default() });
        let connection = &self.asked.connection;
        let open = Box::pin(Reconciliation::open(with, self.config, connection, self.record_type)).await;
        let open = open.map_err(stopped)?;
        if let Some(of) = report.types.last_mut() {
            of.object = open.object().to_owned();
            of.unknown_fields = open.unknown().to_vec();
        }
        let mut batch = Batch { open, bar: &bar, lines: Vec::new() };
        let mut seen = HashSet::new();
        self.read(&mut feed, &mut batch, &mut seen, report, aside).await?;
        if self.asked.looks_for_extra() {
            bar.set_message("looking for linked records that the source does not list");
            self.extra(&batch.open, &seen, began, report).await?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    async fn read(
        &self,
        feed: &mut Feed,
        batch: &mut Batch<'_>,
        seen: &mut HashSet<u64>,
        report: &mut Report,
        aside: &mut Option<Aside>,
    ) -> Result<(), Problem> {
        let how = Addressing {
            of: Some((self.asked.org.clone(), self.record_type.to_owned())),
            ..Addressing::default()
        };
        let mut lowest = match self.asked.sample {
            Some((Sample::Count(most), seed)) => Some(Lowest::new(most, seed)),
            _ => None,
        };
        while let Some(next) = feed.lines.recv().await {
            let (number, bytes, _) = next?;
            let Event { record, version, body, .. } = match read(number, &bytes, &how) {
                Line::Blank => continue,
                Line::Refused(one) => {
                    report.refuse(Refused { line: one.line, message: one.message });
                    continue;
                }
                Line::Event(event) => event,
            };
            seen.insert(digest::number(record.as_bytes()));
            match (&mut lowest, self.asked.sample) {
                (Some(lowest), _) => lowest.add(&record, version, body),
                (None, Some((Sample::Share(share), seed))) if !is_within(share, seed, &record) => {}
                _ => batch.take(body, feed.read_milli(), report, aside, self.asked).await?,
            }
        }
        for line in lowest.into_iter().flat_map(Lowest::lines) {
            batch.take(line, feed.read_milli(), report, aside, self.asked).await?;
        }
        batch.look(report, aside, self.asked).await
    }

    /// Linked records that the source has not listed.
    async fn extra(
        &self,
        open: &Reconciliation<'_>,
        seen: &HashSet<u64>,
        began: Instant,
        report: &mut Report,
    ) -> Result<(), Problem> {
        let (org, connection) = (self.asked.org.as_str(), self.asked.connection.as_str());
        let mut unlisted: Vec<RecordKey> = Vec::new();
        let mut take = |record_id: String| {
            let record = RecordKey::new(org, self.record_type, record_id);
            if !seen.contains(&digest::number(record.pk().as_bytes())) {
                unlisted.push(record);
            }
        };
        Box::pin(linked(self.aws, (org, connection), self.record_type, &mut take)).await?;
        for records in unlisted.chunks(open.batch()) {
            let judged = Box::pin(open.strays(records, began)).await.map_err(stopped)?;
            let counts = |standing| !matches!(standing, Standing::Same | Standing::Pending);
            judged
                .iter()
                .filter(|one| counts(one.standing))
                .for_each(|one| report.take(one, self.asked.show_values));
        }
        if let Some(of) = report.types.last_mut() {
            of.looked_for_extra = true;
        }
        Ok(())
    }
}

impl Batch<'_> {
    async fn take(
        &mut self,
        line: String,
        read_milli: Option<u64>,
        report: &mut Report,
        aside: &mut Option<Aside>,
        asked: &Asked,
    ) -> Result<(), Problem> {
        // It was read as one before.
        let Ok(Message::Change(change)) = parse(&line) else { return Ok(()) };
        self.lines.push((change, line));
        if self.lines.len() >= self.open.batch() {
            self.look(report, aside, asked).await?;
            self.bar.set_position(read_milli.unwrap_or(0));
        }
        Ok(())
    }

    async fn look(
        &mut self,
        report: &mut Report,
        aside: &mut Option<Aside>,
        asked: &Asked,
    ) -> Result<(), Problem> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let (changes, lines): (Vec<Change>, Vec<String>) =
            std::mem::take(&mut self.lines).into_iter().unzip();
        let judged = Box::pin(self.open.look(&changes)).await.map_err(stopped)?;
        for one in &judged {
            report.take(one, asked.show_values);
            let is_it = |change: &Change| change.key == one.record && Some(change.version) == one.version;
            if let Some(aside) = aside.as_mut().filter(|_| one.is_mended_by_writing())
                && let Some(at) = changes.iter().rposition(is_it)
            {
                aside.put(&one.record.record_type, &lines[at])?;
            }
        }
        let looked_at = report.types.last().map_or(0, |of| of.looked_at);
        let (findings, rate, left) = (report.findings.len(), rate(looked_at, self.bar), left(self.bar));
        self.bar.set_message(format!("{looked_at} looked at, {findings} findings, {rate}{left}"));
        Ok(())
    }
}

/// Why it cannot go on, as a command tells it.
fn stopped(why: Stopped) -> Problem {
    let test = "rtr connection test says what is wrong with a connection";
    match why {
        Stopped::Failed(failure) => Problem::unreachable(format!("the CRM: {failure}")).hint(test),
        Stopped::Refused(reason) => {
            let what = format!("{} {}", reason.code, reason.message);
            match reason.code {
                Code::NoMapping => Problem::not_found(what),
                Code::Paused | Code::UnknownProvider => Problem::usage(what),
                _ => Problem::unreachable(what).hint(test),
            }
        }
        Stopped::Unavailable(error) => unavailable_part("the records table", &error),
    }
}
