//! What an invocation is struck by that is not its own turn's: faults that wait for a remote call, records that kill.

use crate::events::read_stamp;
use crate::faults::{BACK_STEPS, Fault, JOB_STEPS, STRIKING, step_drawn};
use crate::place::providers;
use crate::world::World;
use rtr_core::key::RecordKey;

/// What strikes whichever invocation comes to a remote call.
pub struct Strike {
    fault: Fault,
    how: u32,
    step: &'static str,
    /// Waits in such a call that it lets go by: before what is asked is done, or after.
    goes_by: u32,
}

/// What strikes an invocation that is at `step`.
pub(crate) fn due_at(strikes: &mut Vec<Strike>, step: &str) -> Option<(Fault, u32)> {
    let at = strikes.iter().position(|strike| strike.step == step)?;
    if strikes[at].goes_by > 0 {
        strikes[at].goes_by -= 1;
        return None;
    }
    let strike = strikes.swap_remove(at);
    Some((strike.fault, strike.how))
}

impl World<'_> {
    /// Half of what strikes invocations waits for one of the remote calls instead, so that those are struck that come
    /// seldom; the rest strikes this one.
    pub(crate) fn put_off(&mut self, fault: Fault, how: u32) -> Option<(Fault, u32)> {
        let (by_step, how) = (how.is_multiple_of(2), how / 2);
        if !by_step || !STRIKING.contains(&fault) {
            return Some((fault, how));
        }
        let strike = Strike {
            fault,
            how,
            step: step_drawn(how >> 1, if self.both.is_some() { BACK_STEPS } else { self.job_steps() }),
            goes_by: how % 2,
        };
        self.strikes.push(strike);
        None
    }

    fn job_steps(&self) -> &'static [(&'static str, u32)] {
        if self.scenario.setup.jobs.is_some() { JOB_STEPS } else { &[] }
    }

    /// Whether the version with the value `stamp` is dead, so that only a person's wake can have called with it: a person
    /// knows of its crashes.
    pub(crate) fn is_dead(&self, stamp: &str) -> bool {
        let Some((org, kind, id, version)) = read_stamp(stamp) else { return false };
        let key = RecordKey::new(org, kind, id);
        providers(org).iter().any(|provider| {
            self.item(&key, provider).dead().is_some_and(|dead| dead.wanted_version == version)
        })
    }
}
