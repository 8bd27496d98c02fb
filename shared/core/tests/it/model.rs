//! A model of one record at one connection: the queue, one worker, the table and a CRM without compare-and-set.
//!
//! Every interleaving is explored: the worker may die at any step, answers may be lost, requests may land late. Deciding
//! is not modelled: it is `plan` and `settle` themselves. The time bounds of the protocol stand as rules that can be
//! switched off, to see that the search would catch their absence.

use crate::scenario::{Rule, Scenario, dead};
use rtr_core::change::Operation;
use rtr_core::code::Code;
use rtr_core::config::Mode;
use rtr_core::item::{Item, Reason};
use rtr_core::mapping::{Mapped, Mapping, ProviderFacts, RawMapping, Subject};
use rtr_core::plan::{Action, Incoming, Situation, plan};
use rtr_core::settle::{Applied, Attempt, Decision, Ending, Link, settle};
use rtr_core::time::Instant;
use serde_json::{Value, json};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Message {
    version: u64,
    wake: bool,
    receives: u32,
    id: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Worker {
    Idle,
    Planning { got: Vec<Message>, read: Item },
    Sent { top: Message, again: bool, read: Item, hash: String },
    Committing { top: Message, again: bool, read: Item, hash: String },
}

#[derive(Debug, Clone)]
struct State {
    item: Item,
    crm: u64,
    queue: Vec<Message>,
    worker: Worker,
    /// Requests that may land or die yet: whether the caller crashed, and the version.
    pending: Vec<(bool, u64)>,
    crashes: u8,
    unknowns: u8,
    redrives: u8,
    mended: bool,
}

/// Explores every history; the error is one that ends wrong.
pub(crate) fn explore(scenario: &Scenario) -> Result<usize, String> {
    let model = Model::new(scenario);
    let mut seen: HashMap<String, Option<(String, String)>> = HashMap::new();
    let begin = model.begin();
    let mut todo = VecDeque::from([begin.clone()]);
    seen.insert(key(&begin), None);
    while let Some(state) = todo.pop_front() {
        let here = key(&state);
        if let Some(wrong) = model.wrong(&state) {
            return Err(format!("{wrong}: {}", path(&seen, here)));
        }
        for (step, next) in model.steps(&state) {
            let there = key(&next);
            if let Entry::Vacant(place) = seen.entry(there) {
                place.insert(Some((here.clone(), step)));
                todo.push_back(next);
            }
        }
    }
    Ok(seen.len())
}

fn key(state: &State) -> String {
    // `rev` and the history only count writes: two states that differ in them alone are one.
    let mut state = state.clone();
    for item in items(&mut state) {
        (item.rev, item.recent) = (0, Vec::new());
    }
    format!("{state:?}")
}

fn items(state: &mut State) -> Vec<&mut Item> {
    let mut items = vec![&mut state.item];
    match &mut state.worker {
        Worker::Idle => {}
        Worker::Planning { read, .. } | Worker::Sent { read, .. } | Worker::Committing { read, .. } => {
            items.push(read)
        }
    }
    items
}

fn path(seen: &HashMap<String, Option<(String, String)>>, mut at: String) -> String {
    let mut steps = Vec::new();
    while let Some(Some((before, step))) = seen.get(&at) {
        steps.push(step.clone());
        at = before.clone();
    }
    steps.reverse();
    steps.join("; ")
}

struct Model<'a> {
    scenario: &'a Scenario,
    mapping: Mapping,
}

impl Model<'_> {
    fn new(scenario: &Scenario) -> Model<'_> {
        let raw: RawMapping = serde_json::from_value(
            json!({"object": "contacts", "when": "wanted", "fields": {"name": "name"}}),
        )
        .unwrap();
        let facts = ProviderFacts {
            name: "hubspot",
            title: "HubSpot",
            default_key: Some("rtr_record_id"),
            default_limits: &[],
        };
        Model { scenario, mapping: Mapping::compile(&facts, "contact", &raw).unwrap() }
    }

    fn on(&self, rule: Rule) -> bool {
        self.scenario.without != Some(rule)
    }

    fn begin(&self) -> State {
        let hash = match self.plan(&Item::default(), &message(1, 0), false) {
            Action::Go(go) => go.hash,
            other => panic!("{other:?}"),
        };
        let item = Item {
            rev: 1,
            applied_version: Some(1),
            mapping_revision: Some(1),
            applied_hash: Some(hash),
            external_id: Some("x".to_owned()),
            object: Some("contacts".to_owned()),
            ..Item::default()
        };
        State {
            item,
            crm: 1,
            queue: self.scenario.queue.iter().enumerate().map(|(n, v)| message(*v, n)).collect(),
            worker: Worker::Idle,
            pending: Vec::new(),
            crashes: self.scenario.crashes,
            unknowns: self.scenario.unknowns,
            redrives: self.scenario.redrives,
            mended: self.scenario.bad.is_empty(),
        }
    }

    fn content(&self, version: u64) -> &str {
        self.scenario.content.iter().find(|(v, _)| *v == version).map_or("", |(_, content)| content)
    }

    fn data(&self, version: u64) -> Value {
        json!({"name": self.content(version), "wanted": !self.scenario.skipped.contains(&version)})
    }

    fn refuses(&self, state: &State, version: u64) -> bool {
        self.scenario.bad.contains(&version) && !state.mended
    }

    fn plan(&self, item: &Item, top: &Message, again: bool) -> Action {
        let subject = Subject { org_id: "acme", record_type: "contact", record_id: "c" };
        let mapped: Mapped = self.mapping.apply(&subject, &self.data(top.version)).unwrap();
        let incoming = Incoming {
            version: top.version,
            mapping_revision: 1,
            operation: Operation::Upsert,
            wake: top.wake,
            again: again && self.on(Rule::Elide),
        };
        let situation = Situation {
            item,
            mapping: &self.mapping,
            mapped: Some(&mapped),
            references: &[],
            key_value: Some("c"),
            mode: Mode::Live,
            reference_until: Instant(0),
            settle_ms: 0,
            now: Instant(0),
        };
        plan(&incoming, situation)
    }

    /// Wrong at rest: the CRM does not hold the applied version's content, or the newest is neither applied nor dead.
    fn wrong(&self, state: &State) -> Option<String> {
        let rest = state.queue.is_empty() && state.worker == Worker::Idle && state.pending.is_empty();
        if !rest {
            return None;
        }
        let applied = state.item.applied_version.unwrap_or(0);
        let wanted = if self.scenario.skipped.contains(&applied) { state.crm } else { applied };
        let newest = self.scenario.queue.iter().copied().max().unwrap_or(1);
        let dead = state.item.slot.as_ref().map(|slot| slot.wanted_version);
        let held = self.content(state.crm) == self.content(wanted);
        let known = applied == newest || dead == Some(newest);
        (!held || !known).then(|| format!("crm={} applied={applied} dead={dead:?}", state.crm))
    }

    fn steps(&self, state: &State) -> Vec<(String, State)> {
        let mut steps = Vec::new();
        if !state.mended {
            steps.push(("the cause is mended".to_owned(), State { mended: true, ..state.clone() }));
        }
        for at in 0..state.pending.len() {
            let mut rest = state.clone();
            let (_, version) = rest.pending.remove(at);
            steps.push((format!("late {version} dies"), rest.clone()));
            if !self.refuses(state, version) {
                steps.push((format!("late {version} lands"), State { crm: version, ..rest }));
            }
        }
        if let Some(slot) = state.item.dead().filter(|_| state.redrives > 0) {
            let mut next = state.clone();
            next.redrives -= 1;
            next.queue.push(Message {
                version: slot.wanted_version,
                wake: true,
                receives: 0,
                id: format!("wake{}", state.redrives),
            });
            steps.push(("redrive".to_owned(), next));
        }
        match &state.worker {
            Worker::Idle => self.take(state, &mut steps),
            Worker::Planning { got, read } => self.decide(state, got, read, &mut steps),
            Worker::Sent { top, again, read, hash } => {
                self.answered(state, top, *again, read, hash, &mut steps)
            }
            Worker::Committing { top, again, read, hash } => {
                let applied = Applied {
                    hash: hash.clone(),
                    base: Vec::new(),
                    link: Some(Link { object: "contacts".to_owned(), external_id: "x".to_owned() }),
                    code: None,
                };
                steps.push(self.write(state, top, *again, read, &Ending::Applied(applied), "commits"));
                self.die(state, None, &mut steps);
            }
        }
        steps
    }

    fn take(&self, state: &State, steps: &mut Vec<(String, State)>) {
        let blocked = state
            .pending
            .iter()
            .any(|(crashed, _)| if *crashed { self.on(Rule::Quarantine) } else { self.on(Rule::Hold) });
        if blocked {
            return;
        }
        for count in 1..=state.queue.len() {
            let mut next = state.clone();
            next.queue[..count].iter_mut().for_each(|message| message.receives += 1);
            let got = next.queue[..count].to_vec();
            next.worker = Worker::Planning { got, read: state.item.clone() };
            steps.push((format!("takes {count}"), next));
        }
    }

    fn decide(&self, state: &State, got: &[Message], read: &Item, steps: &mut Vec<(String, State)>) {
        let Some(top) = got.iter().max_by_key(|message| (message.version, message.wake)) else { return };
        let again = got.iter().any(|message| message.receives > 1);
        let mut alone = state.clone();
        alone.queue.retain(|message| message.id == top.id || !got.iter().any(|other| other.id == message.id));
        match self.plan(read, top, again) {
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
                next.worker = Worker::Sent { top: top.clone(), again, read, hash: go.hash };
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
            other => panic!("{other:?}"),
        }
        self.die(state, None, steps);
    }

    fn answered(
        &self,
        state: &State,
        top: &Message,
        again: bool,
        read: &Item,
        hash: &str,
        steps: &mut Vec<(String, State)>,
    ) {
        let version = top.version;
        if self.refuses(state, version) || self.scenario.flaky.contains(&version) {
            let ending = dead(self.data(version), Reason::new(Code::Invalid, "refused"), false);
            steps.push(self.write(state, top, again, read, &ending, "refused"));
        }
        if !self.refuses(state, version) {
            let worker =
                Worker::Committing { top: top.clone(), again, read: read.clone(), hash: hash.to_owned() };
            steps.push((format!("{version} lands"), State { crm: version, worker, ..state.clone() }));
        }
        if state.unknowns > 0 {
            let (step, mut next) = self.write(state, top, again, read, &Ending::Unknown, "answer lost");
            if !self.on(Rule::Hold) {
                next.item = state.item.clone();
            }
            // The message is returned, not acknowledged.
            next.queue.clone_from(&state.queue);
            next.unknowns -= 1;
            next.pending.push((false, version));
            steps.push((step, next));
        }
        self.die(state, Some(version), steps);
    }

    fn die(&self, state: &State, calling: Option<u64>, steps: &mut Vec<(String, State)>) {
        if state.crashes == 0 {
            return;
        }
        let mut next = State { worker: Worker::Idle, crashes: state.crashes - 1, ..state.clone() };
        next.pending.extend(calling.map(|version| (true, version)));
        steps.push(("dies".to_owned(), next));
    }

    /// Writes an ending as the engine does: conditioned on what was read, decided anew when refused.
    fn write(
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

fn message(version: u64, n: usize) -> Message {
    Message { version, wake: false, receives: 0, id: format!("m{n}") }
}

fn attempt(top: &Message, again: bool) -> Attempt {
    Attempt { version: top.version, mapping_revision: 1, by: top.id.clone(), again }
}

fn done(mut state: State, top: &Message) -> State {
    state.queue.retain(|message| message.id != top.id);
    state.worker = Worker::Idle;
    state
}
