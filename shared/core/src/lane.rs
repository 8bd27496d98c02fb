//! The bulk lane of a connection: who has its baton, and when it is to be looked at. Pure.
//!
//! A connection's parked work is drained by one worker at a time. What starts it is a message, the baton, which carries a
//! counter: whoever takes a baton raises it, so that of two batons with one number one is worth nothing. The row says when
//! the lane is to be looked at next; a sweep sends the baton then, so that one that was lost is sent again.

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// An index shows a parked version at the latest so long after it was written: a lane that finds nothing is looked at again
/// until so much time has passed since somebody last parked, in milliseconds.
pub const GRACE_MS: i64 = 120_000;
/// A lane is looked at so often at least after somebody last parked, whatever anybody's clock says.
const LEAST_LOOKS: u32 = 4;
/// Between two looks within that time, in milliseconds.
pub const LOOK_AGAIN_MS: i64 = 30_000;
/// No request lives longer, in milliseconds: a lane that is held for longer was held by a clock that is far ahead.
const LONGEST_HOLD_MS: i64 = 900_000;
/// A wish that stands so short a time stands for the next, in milliseconds: many park at once.
const FRESH_MS: i64 = 5_000;

/// What is kept of a lane.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// The number of the baton that is worth something.
    pub n: u64,
    /// When it is to be looked at; none while nothing is parked.
    pub due_at: Option<Instant>,
    /// When somebody last parked.
    pub wanted_at: Option<Instant>,
    /// When the last worker took it.
    pub taken_at: Option<Instant>,
    /// Workers that took it since one last ended in order.
    pub runs: u32,
    /// How often it was taken since somebody last parked.
    pub looks: u32,
    /// What its worker left for the next one, in its own words: a job of the CRM's that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Nothing may be called before: a request whose answer was lost may land until then, and no slot tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Instant>,
}

impl Lane {
    /// The lane after something was parked until `at`; none when nothing needs to be written.
    #[must_use]
    pub fn want(&self, at: Instant, now: Instant) -> Option<Self> {
        let at = self.held(now).map_or(at, |held| held.max(at));
        let soon_enough = self.due_at.is_some_and(|due| due <= at);
        let fresh = self.wanted_at.is_some_and(|wanted| now.since_ms(wanted) < FRESH_MS);
        if soon_enough && fresh && self.looks == 0 {
            return None;
        }
        let due_at = Some(self.due_at.map_or(at, |due| due.min(at)));
        let wanted_at = Some(self.wanted_at.map_or(now, |wanted| wanted.max(now)));
        Some(Self { due_at, wanted_at, looks: 0, ..self.clone() })
    }

    /// Until when nothing may be called, if that is not over `by` then.
    #[must_use]
    pub fn held(&self, by: Instant) -> Option<Instant> {
        self.held_until.filter(|until| (1..=LONGEST_HOLD_MS).contains(&until.since_ms(by)))
    }

    /// The lane taken with baton `n`; none when that is worth nothing (any more).
    ///
    /// The baton of a worker that died is worth something again once its last request has landed or died, which is
    /// `quiet_ms` after it began.
    #[must_use]
    pub fn take(&self, n: u64, quiet_ms: i64, now: Instant) -> Option<Self> {
        let died = self.runs > 0
            && n.checked_add(1) == Some(self.n)
            && self.taken_at.is_some_and(|at| now.since_ms(at) >= quiet_ms);
        if n != self.n && !died {
            return None;
        }
        // Were this worker to die too, the sweep would send the next baton.
        let due_at = Some(now.plus_ms(quiet_ms));
        Some(Self {
            n: self.n.saturating_add(1),
            due_at,
            taken_at: Some(now),
            runs: self.runs.saturating_add(1),
            looks: self.looks.saturating_add(1),
            wanted_at: self.wanted_at,
            note: self.note.clone(),
            held_until: self.held_until,
        })
    }

    /// The lane with another note, or with none, from the worker that took it as `taken`; none when another has it.
    #[must_use]
    pub fn noting(&self, taken: &Self, note: Option<&str>) -> Option<Self> {
        (self.n == taken.n).then(|| Self { note: note.map(str::to_owned), ..self.clone() })
    }

    /// The lane after the worker that took it as `taken` ended in order and wants to look again at `next`; none when
    /// another has it. What was parked while it worked is not forgotten, though it be due later than the lane was anyway.
    /// Until `held` nobody is to call for anything, whoever wishes it.
    #[must_use]
    pub fn pass(&self, taken: &Self, next: Option<Instant>, held: Option<Instant>) -> Option<Self> {
        if self.n != taken.n {
            return None;
        }
        let wanted = match self.due_at {
            due_at if due_at != taken.due_at => due_at,
            _ => self.wanted_at.filter(|at| Some(*at) != taken.wanted_at).map(|at| at.plus_ms(LOOK_AGAIN_MS)),
        };
        let after = |due: Instant, held: Option<Instant>| held.map_or(due, |held| held.max(due));
        // Who parked meanwhile tells the time, too: a worker whose clock is far ahead does not put that off.
        let since_ms = |until: &Instant| self.wanted_at.map_or(0, |wanted| until.since_ms(wanted));
        let sane = held.filter(|until| since_ms(until) <= LONGEST_HOLD_MS);
        let (wanted, next) = (wanted.map(|due| after(due, sane)), next.map(|due| after(due, held)));
        let due_at = match (wanted, next) {
            (Some(wanted), Some(next)) => Some(wanted.min(next)),
            (wanted, next) => wanted.or(next),
        };
        Some(Self { due_at, runs: 0, held_until: held, ..self.clone() })
    }

    /// When a worker that found nothing due looks again: at `next`, if there is something then, and while an index may
    /// not show yet what was parked.
    #[must_use]
    pub fn look_again(&self, next: Option<Instant>, now: Instant) -> Option<Instant> {
        // Who parked and who looks may differ about the time.
        let young =
            self.wanted_at.is_some_and(|wanted| now.since_ms(wanted) < GRACE_MS || self.looks < LEAST_LOOKS);
        let again = young.then(|| now.plus_ms(LOOK_AGAIN_MS));
        match (next, again) {
            (Some(next), Some(again)) => Some(next.min(again)),
            (next, again) => next.or(again),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUIET_MS: i64 = 300_000;

    #[test]
    fn given_two_batons_of_one_number_when_taken_then_the_second_is_worth_nothing() {
        let lane = Lane::default().want(Instant(50), Instant(10)).unwrap();
        assert_eq!((lane.n, lane.due_at), (0, Some(Instant(50))));
        let taken = lane.take(0, QUIET_MS, Instant(60)).unwrap();
        assert_eq!((taken.n, taken.take(0, QUIET_MS, Instant(61))), (1, None));
        assert_eq!(taken.pass(&taken, None, None).unwrap().due_at, None);
    }

    #[test]
    fn given_a_worker_that_died_when_its_requests_are_over_then_its_baton_is_worth_something_again() {
        let taken = Lane::default().take(0, QUIET_MS, Instant(0)).unwrap();
        assert_eq!(taken.take(0, QUIET_MS, Instant(QUIET_MS - 1)), None);
        let again = taken.take(0, QUIET_MS, Instant(QUIET_MS)).unwrap();
        assert_eq!((again.n, again.runs), (2, 2));
        assert_eq!(again.take(1, QUIET_MS, Instant(QUIET_MS + 1)), None, "the one the sweep sent meanwhile");
        assert_eq!(taken.due_at, Some(Instant(QUIET_MS)), "the sweep sends another, should it be lost");
    }

    #[test]
    fn given_a_note_when_left_by_the_worker_that_has_the_lane_then_every_later_one_finds_it_until_it_is_gone()
    {
        let first = Lane::default().take(0, QUIET_MS, Instant(0)).unwrap();
        let noted = first.noting(&first, Some("job 1")).unwrap();
        let passed = noted.pass(&first, Some(Instant(5)), None).unwrap();
        let second = passed.want(Instant(1), Instant(1)).unwrap().take(1, QUIET_MS, Instant(6)).unwrap();
        assert_eq!(second.note.as_deref(), Some("job 1"));
        assert_eq!(second.noting(&first, None), None, "another has it");
        assert_eq!(second.noting(&second, None).unwrap().note, None);
    }

    #[test]
    fn given_something_parked_while_a_worker_is_at_it_when_passed_then_it_is_looked_at() {
        let taken = Lane::default().take(0, QUIET_MS, Instant(0)).unwrap();
        let wanted = taken.want(Instant(7_000), Instant(5)).unwrap();
        assert_eq!(wanted.pass(&taken, None, None).unwrap().due_at, Some(Instant(7_000)));
        assert_eq!(wanted.pass(&taken, Some(Instant(9_000)), None).unwrap().due_at, Some(Instant(7_000)));
        assert_eq!(wanted.pass(&taken, Some(Instant(900)), None).unwrap().due_at, Some(Instant(900)));
        let other = wanted.take(1, QUIET_MS, Instant(6)).unwrap();
        assert_eq!(other.pass(&taken, None, None), None, "another has it");
    }

    #[test]
    fn given_something_parked_for_long_while_a_worker_is_at_it_when_passed_then_the_lane_is_looked_at_all_the_same()
     {
        let taken = Lane::default().take(0, QUIET_MS, Instant(0)).unwrap();
        let wanted = taken.want(Instant(QUIET_MS + 1), Instant(5)).unwrap();
        assert_eq!(wanted.due_at, taken.due_at, "it is looked at sooner anyway, should the worker die");
        assert_eq!(wanted.pass(&taken, None, None).unwrap().due_at, Some(Instant(5 + LOOK_AGAIN_MS)));
        assert_eq!(wanted.pass(&taken, Some(Instant(9)), None).unwrap().due_at, Some(Instant(9)));
    }

    #[test]
    fn given_a_lane_that_is_held_when_wanted_before_then_it_is_due_after_the_hold_until_a_later_worker_opens_it()
     {
        let taken = Lane::default().take(0, QUIET_MS, Instant(0)).unwrap();
        let wanted = taken.want(Instant(100), Instant(5)).unwrap();
        let held = wanted.pass(&taken, Some(Instant(9_000)), Some(Instant(9_000))).unwrap();
        assert_eq!((held.due_at, held.held_until), (Some(Instant(9_000)), Some(Instant(9_000))));
        let wanted = held.want(Instant(20), Instant(FRESH_MS + 5)).unwrap();
        assert_eq!(wanted.due_at, Some(Instant(9_000)), "a newer version was parked");
        let early = wanted.take(1, QUIET_MS, Instant(8_000)).unwrap();
        assert_eq!(early.held_until, Some(Instant(9_000)), "its worker sees that it may not begin");
        assert_eq!((early.held(Instant(8_999)), early.held(Instant(9_000))), (Some(Instant(9_000)), None));
        let opened = early.pass(&early, None, None).unwrap();
        assert_eq!(
            (opened.held_until, opened.want(Instant(1), Instant(1)).unwrap().due_at),
            (None, Some(Instant(1)))
        );
    }

    #[test]
    fn given_a_lane_that_was_held_by_a_clock_far_ahead_when_wanted_then_it_is_not_closed_for_as_long() {
        let far = Some(Instant(1_000_000_000));
        let taken = Lane::default().take(0, QUIET_MS, Instant(0)).unwrap();
        let held = taken.pass(&taken, far, far).unwrap();
        let wanted = held.want(Instant(20), Instant(10)).unwrap();
        assert_eq!((wanted.due_at, wanted.held(Instant(20))), (Some(Instant(20)), None));
        let meanwhile = taken.want(Instant(20), Instant(10)).unwrap().pass(&taken, far, far).unwrap();
        assert_eq!(meanwhile.due_at, Some(Instant(20)), "whoever parked meanwhile knows better");
    }

    #[test]
    fn given_many_that_park_at_once_when_the_lane_is_due_in_time_then_one_wish_stands_for_all() {
        let lane = Lane::default().want(Instant(50), Instant(10)).unwrap();
        assert_eq!(lane.want(Instant(60), Instant(11)), None);
        assert_eq!(lane.want(Instant(40), Instant(11)).unwrap().due_at, Some(Instant(40)));
        assert!(lane.want(Instant(60_000), Instant(20_000)).is_some(), "the index may not show it yet");
    }

    #[test]
    fn given_a_clock_that_is_far_ahead_when_a_look_finds_nothing_then_the_lane_is_looked_at_again_some_times()
    {
        let mut lane = Lane::default().want(Instant(0), Instant(0)).unwrap();
        let mut now = Instant(10 * GRACE_MS);
        for look in 1..=LEAST_LOOKS {
            lane = lane.take(lane.n, QUIET_MS, now).unwrap();
            lane = lane.pass(&lane, lane.look_again(None, now), None).unwrap();
            assert_eq!(lane.due_at.is_some(), look < LEAST_LOOKS);
            now = now.plus_ms(LOOK_AGAIN_MS);
        }
    }

    proptest! {
        #[test]
        fn given_any_history_of_a_lane_when_something_was_parked_then_it_stays_due_until_a_look_after_the_grace(
            steps in prop::collection::vec((0_u8..4, 0_i64..40_000, 0_i64..600_000), 1..60),
        ) {
            let (mut lane, mut now, mut worker) = (Lane::default(), Instant(0), None::<Lane>);
            let mut parked_at = None;
            for (step, pause, wait) in steps {
                now = now.plus_ms(pause);
                match step {
                    0 => {
                        lane = lane.want(now.plus_ms(wait), now).unwrap_or(lane);
                        parked_at = Some(now);
                    }
                    1 if worker.is_none() => {
                        if let Some(taken) = lane.take(lane.n, QUIET_MS, now) {
                            lane = taken.clone();
                            worker = Some(taken);
                        }
                    }
                    2 => {
                        // It looked, and the index showed nothing.
                        if let Some(taken) = worker.take() {
                            let next = taken.look_again(None, now);
                            lane = lane.pass(&taken, next, None).unwrap_or(lane);
                        }
                    }
                    _ => worker = None,
                }
                let young = parked_at.is_some_and(|at| now.since_ms(at) < GRACE_MS - FRESH_MS);
                prop_assert!(!young || lane.due_at.is_some(), "{lane:?} at {now:?}");
            }
        }
    }
}
