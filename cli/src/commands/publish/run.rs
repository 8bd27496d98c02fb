//! One run: lines in, requests under way, and what became of each line.

use super::line::{Addressing, Line, Refused, read};
use super::noting::Noting;
use super::schedule::Schedule;
use super::send::{Ended, Target, send};
use crate::commands::lines::{Keeper, NumberedLine, Source};
use crate::output::{FileBar, Output, rate};
use crate::problem::Problem;
use crate::signal::{asked_to_end, interrupted};
use futures::stream::{FuturesUnordered, StreamExt};
use schemars::JsonSchema;
use serde::Serialize;
use std::pin::pin;
use tokio::sync::mpsc;

/// Requests under way at once.
const IN_FLIGHT: usize = 16;

/// What became of the lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Summary {
    /// Events that SQS has.
    pub(super) sent: u64,
    /// Lines that are no event, or that SQS does not take.
    pub(super) refused: Vec<Refused>,
    /// With `--resume`: the line after which this run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resumed_after: Option<u64>,
}

/// A run under way.
pub(super) struct Run<'a> {
    target: Target,
    how: Addressing,
    keeper: Keeper,
    bar: FileBar,
    schedule: Schedule,
    summary: Summary,
    stopped: Option<Problem>,
    noting: Noting<'a>,
    out: Output,
}

impl<'a> Run<'a> {
    /// A run to `target`, from where `keeper` says.
    pub(super) fn new(
        target: Target,
        how: Addressing,
        keeper: Keeper,
        bar: FileBar,
        noting: Noting<'a>,
        out: Output,
    ) -> Self {
        let summary = Summary { resumed_after: keeper.resumed_after(), ..Summary::default() };
        Self { target, how, keeper, bar, schedule: Schedule::default(), summary, stopped: None, noting, out }
    }

    /// Sends everything; the second answer is why the run stopped before its end.
    pub(super) async fn send_all(mut self, source: Source) -> Result<(Summary, Option<Problem>), Problem> {
        let mut lines = source.lines()?;
        let mut under_way = FuturesUnordered::new();
        let mut ended = false;
        let mut asked = pin!(asked_to_end());
        loop {
            while !ended && self.stopped.is_none() && self.schedule.has_room() {
                match lines.try_recv() {
                    Ok(line) => self.take(line),
                    Err(mpsc::error::TryRecvError::Empty) => break,
                    Err(mpsc::error::TryRecvError::Disconnected) => ended = true,
                }
            }
            while self.stopped.is_none() && under_way.len() < IN_FLIGHT {
                let batch = self.schedule.next_batch();
                if batch.is_empty() {
                    break;
                }
                let (bar, out) = (&self.bar, self.out);
                self.noting.note(&batch, |text| bar.suspend(|| out.note(text))).await;
                under_way.push(send(self.target.clone(), batch));
            }
            if under_way.is_empty() && (self.stopped.is_some() || (ended && self.schedule.is_empty())) {
                break;
            }
            let reads = !ended && self.stopped.is_none() && self.schedule.has_room();
            tokio::select! {
                Some(done) = under_way.next(), if !under_way.is_empty() => self.settle(done),
                line = lines.recv(), if reads => match line {
                    Some(line) => self.take(line),
                    None => ended = true,
                },
                () = &mut asked, if self.stopped.is_none() => self.stop(interrupted()),
            }
        }
        Ok(self.finish())
    }

    fn take(&mut self, line: Result<NumberedLine, Problem>) {
        let (number, bytes, position) = match line {
            Ok(line) => line,
            Err(problem) => return self.stop(problem),
        };
        let is_done = self.keeper.progress.has(number);
        self.bar.reads(position, is_done);
        if is_done {
            return;
        }
        match read(number, &bytes, &self.how) {
            Line::Blank => self.keeper.progress.settle(number),
            Line::Event(event) => self.schedule.push(event),
            Line::Refused(refused) => {
                self.keeper.progress.settle(number);
                self.summary.refused.push(refused);
            }
        }
    }

    fn settle(&mut self, ended: Ended) {
        self.schedule.ended(&ended.batch);
        let failed = ended.failed.as_ref().map_or(&[][..], |(lines, _)| lines);
        for event in ended.batch.iter().filter(|event| !failed.contains(&event.line)) {
            self.keeper.progress.settle(event.line);
            self.summary.sent += u64::from(!ended.refused.iter().any(|one| one.line == event.line));
        }
        self.summary.refused.extend(ended.refused);
        if let Some((_, problem)) = ended.failed {
            self.stop(problem);
        }
        let (sent, refused) = (self.summary.sent, self.summary.refused.len());
        self.bar.set_message(format!("{sent} sent, {refused} refused, {}", rate(sent, &self.bar)));
        self.keeper.save_now_and_then();
    }

    /// The first reason to stop is the one that is told.
    fn stop(&mut self, problem: Problem) {
        self.stopped.get_or_insert(problem);
    }

    fn finish(mut self) -> (Summary, Option<Problem>) {
        self.bar.finish_and_clear();
        self.summary.refused.sort_by_key(|refused| refused.line);
        let stopped = self.keeper.end(self.stopped, "rtr publish", "nothing was sent");
        (self.summary, stopped)
    }
}
