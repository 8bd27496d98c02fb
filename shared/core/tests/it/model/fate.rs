//! What becomes of a batch's messages once every job is over: acknowledged, or returned with all behind them.

use super::decide::Model;
use super::world::{Fate, LIFE_MS, Stage, World};
use crate::rule::Rule;
use rtr_core::settle::Ending;
use rtr_core::time::Instant;

impl Fate {
    /// The fate of a message that has both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Done, fate) | (fate, Self::Done) => fate,
            (Self::AsIs, _) | (_, Self::AsIs) => Self::AsIs,
            (Self::Hold(one), Self::Hold(two)) => Self::Hold(one.max(two)),
            (Self::Hold(until), _) | (_, Self::Hold(until)) => Self::Hold(until),
            (Self::Return(one), Self::Return(two)) => Self::Return(one.min(two)),
        }
    }
}

impl Model<'_> {
    /// Ends the batch of a worker whose jobs are over.
    pub(super) fn settle_messages(&self, world: &mut World, g: usize) {
        let places = world.groups[g].worker.as_ref().map_or(0, |worker| worker.jobs.len());
        for j in 0..places {
            let returned = world.job(g, j).is_some_and(|job| matches!(job.stage, Stage::Returned(_)));
            if returned {
                self.commit(world, g, j, &Ending::Returned, false);
            }
        }
        let Some(worker) = world.groups[g].worker.take() else { return };
        let mut fates = vec![Fate::Done; worker.got.len()];
        for job in &worker.jobs {
            let fate = match job.stage {
                Stage::Returned(fate) => fate,
                _ => Fate::Done,
            };
            let place = worker.got.iter().position(|message| message.id == job.message.id).unwrap();
            fates[place] = fates[place].and(fate);
            if fate == Fate::Done && !self.on(Rule::Acknowledge) {
                fates[place] = Fate::Done;
                break;
            }
        }
        let group = &mut world.groups[g];
        let mut wait: Option<Instant> = None;
        for (message, fate) in worker.got.iter().zip(fates) {
            let own = match fate {
                Fate::Done => None,
                Fate::Return(until) | Fate::Hold(until) => Some(until),
                Fate::AsIs => Some(world.now.plus_ms(LIFE_MS)),
            };
            wait = match (wait, fate, own) {
                (Some(first), Fate::Hold(_) | Fate::AsIs, Some(own)) => Some(first.max(own)),
                (Some(first), ..) => Some(first),
                (None, _, own) => own,
            };
            if wait.is_none() {
                group.queue.retain(|held| held.id != message.id);
            }
        }
        group.hidden_until = wait.unwrap_or(world.now);
    }
}
