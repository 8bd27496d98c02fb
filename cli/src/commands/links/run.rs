//! One run: lines in, portions under way, and what became of each line.

use super::ask::Asker;
use super::import::Summary;
use super::look::{Line, Look};
use super::refused::Refused;
use crate::aws::unavailable_part;
use crate::commands::lines::{Keeper, NumberedLine, Source};
use crate::output::{FileBar, rate};
use crate::problem::Problem;
use crate::signal::{asked_to_end, interrupted};
use futures::stream::{FuturesUnordered, StreamExt};
use rtr_core::links::{Refusal, Told};
use rtr_engine::links::{Outcome, Seen, Target, Writing, import};
use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::mpsc;

/// Lines of one portion: keys of one read of the table.
const PORTION: usize = 100;
/// Portions under way at once.
const IN_FLIGHT: usize = 8;
/// How often a bar shows that the CRM is waited for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is to be done with every line.
pub(super) struct Plan<'a> {
    /// Where links go.
    pub(super) target: &'a Target<'a>,
    /// The way to the CRM.
    pub(super) asker: Asker<'a>,
    /// Whether the CRM is asked first.
    pub(super) verify: bool,
    /// Whether our key is written on its records.
    pub(super) stamp: bool,
    /// Whether anything is written here.
    pub(super) writing: Writing,
}

/// A line on its way.
#[derive(Debug)]
struct Going {
    line: u64,
    told: Told,
    to_stamp: bool,
    ended: Option<Ended>,
}

#[derive(Debug)]
enum Ended {
    Imported,
    Same,
    Refused(Refusal),
}

/// A run under way.
pub(super) struct Run<'a> {
    plan: &'a Plan<'a>,
    look: &'a Look,
    keeper: Keeper,
    bar: FileBar,
    next: Vec<Going>,
    summary: Summary,
    stopped: Option<Problem>,
}

impl<'a> Run<'a> {
    /// A run from where `keeper` says.
    pub(super) fn new(plan: &'a Plan<'a>, look: &'a Look, keeper: Keeper, bar: FileBar) -> Self {
        let summary = Summary {
            resumed_after: keeper.resumed_after(),
            dry_run: plan.writing == Writing::Nothing,
            stamped: plan.stamp.then_some(0),
            ..Summary::default()
        };
        Self { plan, look, keeper, bar, next: Vec::new(), summary, stopped: None }
    }

    /// Imports everything; the second answer is why the run stopped before its end.
    pub(super) async fn all(mut self, source: Source) -> Result<(Summary, Option<Problem>), Problem> {
        let (mut lines, plan) = (source.lines()?, self.plan);
        let mut under_way = FuturesUnordered::new();
        let mut ended = false;
        let mut asked = pin!(asked_to_end());
        loop {
            while !ended && self.stopped.is_none() && self.next.len() < PORTION {
                match lines.try_recv() {
                    Ok(line) => self.take(line),
                    Err(mpsc::error::TryRecvError::Empty) => break,
                    Err(mpsc::error::TryRecvError::Disconnected) => ended = true,
                }
            }
            let full = self.next.len() == PORTION || (ended && !self.next.is_empty());
            if full && self.stopped.is_none() && under_way.len() < IN_FLIGHT {
                under_way.push(work(plan, std::mem::take(&mut self.next)));
                continue;
            }
            if under_way.is_empty() && (self.stopped.is_some() || ended) {
                break;
            }
            let reads = !ended && self.stopped.is_none() && self.next.len() < PORTION;
            tokio::select! {
                Some((portion, failed)) = under_way.next(), if !under_way.is_empty() => {
                    self.settle(portion, failed);
                }
                line = lines.recv(), if reads => match line {
                    Some(line) => self.take(line),
                    None => ended = true,
                },
                () = tokio::time::sleep(LOOK_EVERY), if plan.verify => self.show(),
                () = &mut asked, if self.stopped.is_none() => self.stop(interrupted()),
            }
        }
        self.bar.finish_and_clear();
        self.summary.refused.sort_by_key(|refused| refused.line);
        let stopped = self.keeper.end(self.stopped, "rtr links import", "nothing was imported");
        Ok((self.summary, stopped))
    }

    fn take(&mut self, line: Result<NumberedLine, Problem>) {
        let (line, bytes, position) = match line {
            Ok(line) => line,
            Err(problem) => return self.stop(problem),
        };
        let is_done = self.keeper.progress.has(line);
        self.bar.reads(position, is_done);
        if is_done {
            return;
        }
        match self.look.line(line, &bytes) {
            Line::Nothing => self.keeper.progress.settle(line),
            Line::Link(told) => self.next.push(Going { line, told, to_stamp: false, ended: None }),
            Line::Refused(told, refusal) => {
                self.keeper.progress.settle(line);
                self.summary.refused.push(Refused::new(line, told.as_ref(), &refusal));
            }
        }
    }

    fn settle(&mut self, portion: Vec<Going>, failed: Option<Problem>) {
        for Going { line, told, to_stamp, ended } in portion {
            match ended {
                None => continue,
                Some(Ended::Imported) => self.summary.imported += 1,
                Some(Ended::Same) => self.summary.same += 1,
                Some(Ended::Refused(refusal)) => {
                    self.summary.refused.push(Refused::new(line, Some(&told), &refusal));
                    self.keeper.progress.settle(line);
                    continue;
                }
            }
            self.keeper.progress.settle(line);
            if to_stamp && let Some(stamped) = &mut self.summary.stamped {
                *stamped += 1;
            }
        }
        if let Some(problem) = failed {
            self.stop(problem);
        }
        self.show();
        self.keeper.save_now_and_then();
    }

    fn show(&self) {
        let waits = self.plan.asker.waiting.get() > self.plan.asker.runtime.seams().clock.now();
        let waits = if waits { ", waiting for the CRM's limit" } else { "" };
        let done = self.summary.imported + self.summary.same;
        let (refused, rate) = (self.summary.refused.len(), rate(done, &self.bar));
        self.bar.set_message(format!("{done} in, {refused} refused, {rate}{waits}"));
    }

    /// The first reason to stop is the one that is told.
    fn stop(&mut self, problem: Problem) {
        self.stopped.get_or_insert(problem);
    }
}

/// Works one portion; lines without an end were not reached.
async fn work(plan: &Plan<'_>, mut portion: Vec<Going>) -> (Vec<Going>, Option<Problem>) {
    let failed = worked(plan, &mut portion).await.err();
    (portion, failed)
}

async fn worked(plan: &Plan<'_>, portion: &mut [Going]) -> Result<(), Problem> {
    if plan.verify {
        compare(plan, portion).await?;
    }
    let imported = write(plan, portion).await;
    if plan.stamp {
        mark(plan, portion).await?;
    }
    imported
}

/// Asks the CRM for each line.
async fn compare(plan: &Plan<'_>, portion: &mut [Going]) -> Result<(), Problem> {
    let size = plan.asker.opening.connector.capabilities().lookup_batch.max(1);
    for lines in portion.chunks_mut(size) {
        let asked: Vec<&Told> = lines.iter().map(|going| &going.told).collect();
        let answers = plan.asker.verify(plan.target, &asked).await?;
        for (going, answer) in lines.iter_mut().zip(answers) {
            match answer {
                Ok(Seen { external_id, to_stamp }) => {
                    going.told.external_id = external_id;
                    going.to_stamp = to_stamp && plan.stamp;
                }
                Err(refusal) => going.ended = Some(Ended::Refused(refusal)),
            }
        }
    }
    Ok(())
}

/// Writes the links of those that are not refused.
async fn write(plan: &Plan<'_>, portion: &mut [Going]) -> Result<(), Problem> {
    let mut open: Vec<&mut Going> = portion.iter_mut().filter(|going| going.ended.is_none()).collect();
    let told: Vec<&Told> = open.iter().map(|going| &going.told).collect();
    let records = plan.asker.runtime.seams().records;
    let failed = |error| unavailable_part("the records table", &error);
    let outcomes = import(records, plan.target, &told, plan.writing).await.map_err(failed)?;
    let mut answer = Ok(());
    for (going, outcome) in open.iter_mut().zip(outcomes) {
        going.ended = match outcome {
            Outcome::Imported => Some(Ended::Imported),
            Outcome::Same => Some(Ended::Same),
            Outcome::Refused(refusal) => Some(Ended::Refused(refusal)),
            Outcome::Failed(error) => {
                answer = Err(failed(error));
                None
            }
        };
    }
    answer
}

/// Writes our key on the records of those that are linked. Until that is done a line is not settled.
async fn mark(plan: &Plan<'_>, portion: &mut [Going]) -> Result<(), Problem> {
    let linked = |going: &&mut Going| matches!(going.ended, Some(Ended::Imported | Ended::Same));
    let mut seen = HashSet::new();
    let mut open: Vec<&mut Going> = portion
        .iter_mut()
        .filter(|going| going.to_stamp)
        .filter(linked)
        .filter(|going| seen.insert(going.told.external_id.clone()))
        .collect();
    let size = plan.asker.opening.connector.capabilities().write_batch.max(1);
    let mut failed = None;
    for lines in open.chunks_mut(size) {
        if failed.is_some() {
            lines.iter_mut().for_each(|going| going.ended = None);
            continue;
        }
        let told: Vec<&Told> = lines.iter().map(|going| &going.told).collect();
        match plan.asker.stamp(plan.target, &told).await {
            Ok(answers) => {
                for (going, answer) in lines.iter_mut().zip(answers) {
                    if let Err(refusal) = answer {
                        going.ended = Some(Ended::Refused(refusal));
                    }
                }
            }
            Err(problem) => {
                lines.iter_mut().for_each(|going| going.ended = None);
                failed = Some(problem);
            }
        }
    }
    failed.map_or(Ok(()), Err)
}
