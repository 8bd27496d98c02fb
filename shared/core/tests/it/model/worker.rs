//! What the one worker of a record may do next: take messages, decide, call and hear or not hear, write, die.

use super::{HELD_UNTIL, Message, Model, Sent, State, Worker, attempt, done};
use crate::scenario::{Rule, dead, parked};
use rtr_core::code::Code;
use rtr_core::item::{Item, Reason};
use rtr_core::plan::Action;
use rtr_core::settle::{Decision, Ending, settle};
use rtr_core::time::Instant;

impl Model<'_> {
    pub(super) fn take(&self, state: &State, steps: &mut Vec<(String, State)>) {
        let blocked = state.pending.iter().any(|(crashed, ..)| {
            if *crashed { self.on(Rule::Quarantine) } else { self.on(Rule::Hold) && !self.scenario.parks }
        });
        if blocked {
            return;
        }
        for count in 1..=state.queue.len() {
            let mut next = state.clone();
            next.queue[..count].iter_mut().for_each(|message| message.receives += 1);
            let got = next.queue[..count].to_vec();
            next.worker = Worker::Planning { got, read: state.item.clone(), linked: state.linked };
            steps.push((format!("takes {count}"), next));
        }
    }

    pub(super) fn decide(
        &self,
        state: &State,
        got: &[Message],
        read: &Item,
        linked: bool,
        steps: &mut Vec<(String, State)>,
    ) {
        let Some(top) = got.iter().max_by_key(|message| (message.version, message.wake)) else { return };
        let again = got.iter().any(|message| message.receives > 1);
        let mut alone = state.clone();
        alone.queue.retain(|message| message.id == top.id || !got.iter().any(|other| other.id == message.id));
        match self.plan(read, top, again, self.now(state), linked) {
            Action::Superseded { .. } => {
                steps.push((format!("{} superseded", top.version), done(alone, top)))
            }
            Action::Unchanged => {
                steps.push(self.write(&alone, top, again, read, &Ending::Unchanged, "unchanged"))
            }
            Action::Skip => {
                let (step, mut next) = self.write(&alone, top, again, read, &Ending::Skipped, "skips");
                if !self.on(Rule::Skip) {
                    next.item.applied_hash.clone_from(&read.applied_hash);
                }
                steps.push((step, next));
            }
            Action::Go(go) => {
                let mut next = alone.clone();
                let mut read = read.clone();
                if top.receives >= 3 {
                    let attempt = attempt(top, again);
                    if let Decision::Write(item) = settle(&next.item, &attempt, &Ending::Begun, Instant(0)) {
                        next.item = *item;
                        read = next.item.clone();
                    }
                }
                let (hash, open) = (go.hash, go.open);
                next.worker =
                    Worker::Sent(Sent { top: top.clone(), again, read, hash, complete: linked, open });
                steps.push((format!("calls {}", top.version), next));
            }
            Action::Dead(reason) => {
                steps.push(self.write(
                    &alone,
                    top,
                    again,
                    read,
                    &dead(self.data(top.version), reason, true),
                    "files",
                ));
            }
            Action::ReplaceParked => {
                let until = read.slot.as_ref().map_or(HELD_UNTIL, |slot| slot.not_before);
                let ending = parked(self.data(top.version), until, None);
                steps.push(self.write(&alone, top, again, read, &ending, "replaces"));
            }
            Action::Wait(wait) => {
                let ending = parked(self.data(top.version), wait.until, Some(*wait));
                steps.push(self.write(&alone, top, again, read, &ending, "waits"));
            }
            other => panic!("{other:?}"),
        }
        self.die(state, None, steps);
    }

    pub(super) fn answered(&self, state: &State, sent: &Sent, steps: &mut Vec<(String, State)>) {
        let Sent { top, again, read, complete, .. } = sent;
        let (again, complete, version) = (*again, *complete, top.version);
        if self.refuses(state, version) || self.scenario.flaky.contains(&version) {
            let ending = dead(self.data(version), Reason::new(Code::Invalid, "refused"), false);
            steps.push(self.write(state, top, again, read, &ending, "refused"));
        }
        if !self.refuses(state, version) {
            let worker = Worker::Committing(sent.clone());
            let landed = State { crm: version, crm_complete: complete, worker, ..state.clone() };
            steps.push((format!("{version} lands"), landed));
        }
        if state.throttles > 0 {
            let before = State { throttles: state.throttles - 1, ..state.clone() };
            let ending = parked(self.data(version), Instant(0), None);
            steps.push(self.write(&before, top, again, read, &ending, "throttled"));
        }
        if state.unknowns > 0 {
            let (step, mut next) = self.write(state, top, again, read, &Ending::Unknown, "answer lost");
            if !self.on(Rule::Hold) {
                next.item = state.item.clone();
            }
            // The message is returned, not acknowledged.
            next.queue.clone_from(&state.queue);
            next.unknowns -= 1;
            next.pending.push((false, version, complete));
            if self.scenario.parks {
                let (read, ending) = (next.item.clone(), parked(self.data(version), HELD_UNTIL, None));
                let (parks, next) = self.write(&next, top, again, &read, &ending, "parks");
                steps.push((format!("{step}, {parks}"), next));
            } else {
                steps.push((step, next));
            }
        }
        self.die(state, Some((version, complete)), steps);
    }

    pub(super) fn die(&self, state: &State, calling: Option<(u64, bool)>, steps: &mut Vec<(String, State)>) {
        if state.crashes == 0 {
            return;
        }
        let mut next = State { worker: Worker::Idle, crashes: state.crashes - 1, ..state.clone() };
        next.pending.extend(calling.map(|(version, complete)| (true, version, complete)));
        steps.push(("dies".to_owned(), next));
    }

    /// Writes an ending as the engine does: conditioned on what was read, decided anew when refused.
    pub(super) fn write(
        &self,
        state: &State,
        top: &Message,
        again: bool,
        read: &Item,
        ending: &Ending,
        step: &str,
    ) -> (String, State) {
        let name = format!("{step} {}", top.version);
        let mut next = state.clone();
        let attempt = attempt(top, again);
        let current = if read.rev == state.item.rev { read } else { &state.item };
        match settle(current, &attempt, ending, Instant(0)) {
            Decision::Write(item) => next.item = *item,
            Decision::Overtaken(item) => next.item = *item,
            Decision::Done | Decision::Superseded => {}
            Decision::PlanAgain => {
                next.worker = Worker::Idle;
                return (format!("{name}: plans again"), next);
            }
            Decision::StillNewest(item) => {
                (next.item, next.worker) = (*item, Worker::Idle);
                return (format!("{name}: comes back"), next);
            }
        }
        (name, done(next, top))
    }
}
