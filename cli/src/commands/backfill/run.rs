//! One run: lines in, a page at a time onto the queue as it has room, its place kept after each, and then the way to the
//! CRM watched to its end.

use super::feed::Feed;
use super::pace::{Pace, Whole};
use super::pressure::depth;
use super::state::State;
use super::stops::Stops;
use super::way::{Waiting, Way};
use crate::aws::Aws;
use crate::commands::lines::{NumberedLine, is_open};
use crate::commands::publish::line::{Addressing, Line, Refused, read};
use crate::commands::publish::schedule::Schedule;
use crate::commands::publish::send::{Target, send};
use crate::problem::Problem;
use crate::signal::interrupted;
use indicatif::ProgressBar;
use rtr_core::pressure::{LOOK, Pressure};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Refused lines that are kept to be told; the others are counted.
const KEPT: usize = 10_000;
/// Between two counts of what is parked: by this, and by twenty times this where the count is an estimate.
const COUNT_EVERY: Duration = Duration::from_secs(3);
const ESTIMATE_EVERY: Duration = Duration::from_secs(60);

/// What became of the lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// Events that SQS has, from this run.
    pub(super) sent: u64,
    /// Lines that were not sent and will not be.
    pub(super) refused_lines: u64,
    /// The first of them.
    pub(super) refused: Vec<Refused>,
    /// What was parked when it was looked last.
    pub(super) waiting: Vec<Waiting>,
}

impl Sent {
    /// Counts a refused line, and keeps the first ones.
    pub(super) fn refuse(&mut self, refused: Refused) {
        self.refused_lines += 1;
        if self.refused.len() < KEPT {
            self.refused.push(refused);
        }
    }
}

/// A run under way.
pub(super) struct Run<'a> {
    pub(super) aws: &'a Aws,
    pub(super) how: Addressing,
    pub(super) target: Target,
    pub(super) pressure: Pressure,
    pub(super) state: State,
    pub(super) way: Way<'a>,
    pub(super) stops: Stops<'a>,
    pub(super) bar: ProgressBar,
    pub(super) stop: CancellationToken,
    pub(super) sent: Sent,
    pub(super) pace: Pace,
    pub(super) began: Instant,
    pub(super) counted: Option<Instant>,
}

impl Run<'_> {
    /// Sends everything that is not sent yet.
    ///
    /// # Errors
    /// Why it stopped before the end; what was sent is kept.
    pub(super) async fn send_all(&mut self, feed: &mut Feed) -> Result<(), Problem> {
        let mut schedule = Schedule::default();
        let mut ended = false;
        loop {
            while !ended && schedule.has_room() {
                match self.unless_told(feed.lines.recv()).await? {
                    Some(line) => self.take(line?, &mut schedule),
                    None => ended = true,
                }
            }
            let page = schedule.next_batch();
            if page.is_empty() {
                self.state.save()?;
                return Ok(());
            }
            while !self.pressure.take(page.len() as u64) {
                self.make_room(feed).await?;
            }
            let ended = send(self.target.clone(), page).await;
            schedule.ended(&ended.batch);
            let failed = ended.failed.as_ref().map_or(&[][..], |(lines, _)| lines);
            for event in ended.batch.iter().filter(|event| !failed.contains(&event.line)) {
                self.state.progress.settle(event.line);
                if !ended.refused.iter().any(|one| one.line == event.line) {
                    self.sent.sent += 1;
                    self.state.sent += 1;
                    self.way.sent(&event.record, event.version);
                }
            }
            ended.refused.into_iter().for_each(|one| self.sent.refuse(one));
            // Before the next page goes: whoever is killed sends this one again at most.
            self.state.save()?;
            if let Some((_, problem)) = ended.failed {
                return Err(problem);
            }
            self.show(feed).await?;
        }
    }

    /// Does `work`, unless it is told to stop first.
    async fn unless_told<T>(&self, work: impl Future<Output = T>) -> Result<T, Problem> {
        self.stop.run_until_cancelled(work).await.ok_or_else(interrupted)
    }

    fn take(&mut self, (number, bytes, _): NumberedLine, schedule: &mut Schedule) {
        let settled = self.state.progress.has(number);
        match read(number, &bytes, &self.how) {
            Line::Blank => self.state.progress.settle_once(number),
            // It was told by the run before, which may have been killed before it said so.
            Line::Refused(refused) => {
                // The run that finds the last line whole sends it.
                if !is_open(&bytes) {
                    self.state.progress.settle_once(number);
                }
                self.sent.refuse(refused);
            }
            Line::Event(_) if settled => {}
            Line::Event(event) => schedule.push(event),
        }
    }

    /// Looks at the queue, and waits a moment if it is full.
    async fn make_room(&mut self, feed: &Feed) -> Result<(), Problem> {
        let depth = depth(self.aws).await?;
        if !self.pressure.look(depth) {
            self.show(feed).await?;
            self.unless_told(tokio::time::sleep(LOOK)).await?;
        }
        Ok(())
    }

    /// Shows how far it is, and counts now and then what is parked.
    async fn show(&mut self, feed: &Feed) -> Result<(), Problem> {
        let exact = self.sent.waiting.iter().all(|one| one.exact);
        let pause = if exact { COUNT_EVERY } else { ESTIMATE_EVERY };
        if self.counted.is_none_or(|at| at.elapsed() >= pause) {
            self.count().await?;
            let whole = self.whole(feed.read_milli(), 0);
            self.pace.see(self.began.elapsed(), whole.arrived());
        }
        self.draw(&self.whole(feed.read_milli(), 0));
        Ok(())
    }

    /// Counts what is parked, and looks what stops it.
    ///
    /// # Errors
    /// When a table does not answer.
    pub(super) async fn count(&mut self) -> Result<(), Problem> {
        let waiting = self.way.parked().await?;
        self.take_count(waiting).await
    }

    async fn take_count(&mut self, waiting: Vec<Waiting>) -> Result<(), Problem> {
        self.sent.waiting = waiting;
        self.counted = Some(Instant::now());
        let bar = &self.bar;
        self.stops.look(|say| bar.suspend(say)).await?;
        self.stops.mark(&mut self.sent.waiting);
        Ok(())
    }

    fn whole(&self, read_milli: Option<u64>, queued: u64) -> Whole {
        let parked = self.sent.waiting.iter().map(|one| one.parked).max().unwrap_or(0);
        Whole { sent: self.state.sent, on_the_way: parked.saturating_add(queued), read_milli }
    }

    fn draw(&self, whole: &Whole) {
        self.bar.set_position(whole.milli());
        let about = if self.sent.waiting.iter().all(|one| one.exact) { "" } else { "about " };
        let rate = self.pace.rate().map_or_else(String::new, |rate| format!(", {rate:.0}/s"));
        let left = self.pace.left(whole).map_or_else(String::new, |left| {
            format!(", {} left", indicatif::HumanDuration(Duration::from_secs(left.as_secs())))
        });
        self.bar.set_message(format!(
            "{}{} sent, {about}{} on the way to the CRM{rate}{left}{}",
            whole.total().map_or_else(String::new, |total| format!("{} of {total} there, ", whole.arrived())),
            whole.sent,
            whole.on_the_way,
            self.stops.words()
        ));
    }

    /// Waits until all of it has reached the CRM.
    ///
    /// # Errors
    /// When it is stopped before.
    pub(super) async fn wait(&mut self) -> Result<(), Problem> {
        loop {
            let look = self.way.look().await?;
            let queued = if look.parked() == 0 && look.over { 0 } else { look.queued.min(self.state.sent) };
            let exact = look.waiting.iter().all(|one| one.exact);
            self.take_count(look.waiting).await?;
            let whole = self.whole(Some(1_000), queued);
            self.pace.see(self.began.elapsed(), whole.arrived());
            self.draw(&whole);
            if look.over {
                return Ok(());
            }
            let pause = if exact { COUNT_EVERY } else { ESTIMATE_EVERY };
            self.unless_told(tokio::time::sleep(pause)).await?;
        }
    }
}
