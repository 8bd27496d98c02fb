//! The books of a batch: of each message that leaves the queue, what it was and how it ended. An event that comes back is not
//! counted before it leaves: so the sums over all batches are the events that were sent, but for older versions that a function
//! had taken out of the queue when it was killed.

use super::intake::{Intake, Kind};
use crate::notices::Dead;
use crate::report::BatchReport;
use crate::work::job::{Job, Stage};
use rtr_core::item::Ended;
use rtr_core::metric::Metric;
use std::collections::HashMap;

/// How events ended.
#[derive(Debug, Default)]
pub(super) struct Endings {
    /// By their place in the batch: of several connections the one that matters most.
    of: HashMap<usize, Ended>,
    /// Those that are dead, by connection, for whoever is told of them.
    pub(super) dead: Dead,
}

impl Endings {
    /// Notes that a part of the event at `place` ended so.
    pub(super) fn note(&mut self, place: usize, ended: Ended) {
        let held = self.of.entry(place).or_insert(ended);
        if rank(ended) > rank(*held) {
            *held = ended;
        }
    }

    /// Notes the ending of `job` for the events that it stands for.
    pub(super) fn note_job(&mut self, job: &Job) {
        self.dead.note_job(job);
        let Stage::Ended(ended, _) = &job.stage else { return };
        self.note(job.message, as_it_was(job, *ended));
        if let Some(beside) = &job.beside {
            self.note(beside.message, Ended::Superseded);
        }
    }

    /// Counts each message of the batch but those that come back, which are at `returned`.
    pub(super) fn count(&self, intake: &Intake, returned: impl Fn(usize) -> bool, report: &mut BatchReport) {
        for (place, kind) in intake.kinds.iter().enumerate().filter(|(place, _)| !returned(*place)) {
            let metric = match kind {
                Kind::Stray => continue,
                Kind::Wake => Metric::Wakes,
                Kind::Look => Metric::LooksDone,
                Kind::Malformed => event(Ended::Dead),
                // One that a newer one of the batch stands for has no ending of its own.
                Kind::Change => event(self.of.get(&place).copied().unwrap_or(Ended::Superseded)),
            };
            report.count(metric, 1);
            if matches!(kind, Kind::Change | Kind::Malformed) {
                report.count(Metric::Events, 1);
            }
        }
    }
}

/// A version that an earlier receive of its message has ended is `superseded` by itself: what counts is how it ended then.
fn as_it_was(job: &Job, ended: Ended) -> Ended {
    if ended != Ended::Superseded || !job.again {
        return ended;
    }
    let before = job.item.recent.iter().rev().find(|recent| recent.version == job.version);
    before.map_or(ended, |recent| recent.ended)
}

fn event(ended: Ended) -> Metric {
    match ended {
        Ended::Applied => Metric::EventApplied,
        Ended::Unchanged => Metric::EventUnchanged,
        Ended::Superseded => Metric::EventSuperseded,
        Ended::Skipped => Metric::EventSkipped,
        Ended::Parked => Metric::EventParked,
        Ended::Dead => Metric::EventDead,
    }
}

fn rank(ended: Ended) -> u8 {
    match ended {
        Ended::Superseded => 0,
        Ended::Skipped => 1,
        Ended::Unchanged => 2,
        Ended::Applied => 3,
        Ended::Parked => 4,
        Ended::Dead => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_parts_of_an_event_when_noted_then_the_one_that_needs_most_stands_for_it() {
        let mut endings = Endings::default();
        let all = [Ended::Unchanged, Ended::Applied, Ended::Superseded, Ended::Parked, Ended::Skipped];
        all.iter().for_each(|ended| endings.note(3, *ended));
        assert_eq!(endings.of[&3], Ended::Parked);
        endings.note(3, Ended::Dead);
        endings.note(3, Ended::Applied);
        assert_eq!(endings.of[&3], Ended::Dead);
    }

    #[test]
    fn given_a_batch_when_counted_then_its_messages_are_the_sum_of_what_they_were() {
        let kinds = vec![
            Kind::Change,
            Kind::Change,
            Kind::Wake,
            Kind::Stray,
            Kind::Malformed,
            Kind::Look,
            Kind::Change,
        ];
        let intake = Intake { kinds, ..Intake::default() };
        let mut endings = Endings::default();
        endings.note(0, Ended::Applied);
        endings.note(6, Ended::Applied);
        let mut report = BatchReport::default();
        endings.count(&intake, |place| place == 6, &mut report);
        let told: Vec<(&str, u64)> = report.counts.iter().map(|(name, n)| (*name, *n)).collect();
        let wanted = [
            ("event_applied", 1),
            ("event_dead", 1),
            ("event_superseded", 1),
            ("events", 3),
            ("looks_done", 1),
            ("wakes", 1),
        ];
        assert_eq!(told, wanted, "the returned one is counted when it leaves, the stray when it arrives");
    }
}
