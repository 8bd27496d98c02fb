//! A model of one record at one connection: the queue, one worker, the table and a CRM without compare-and-set.
//!
//! Every interleaving is explored: the worker may die at any step, answers may be lost, requests may land late. Deciding
//! is not modelled: it is `plan` and `settle` themselves. The time bounds of the protocol stand as rules that can be
//! switched off, to see that the search would catch their absence.

mod worker;

use crate::scenario::{Rule, Scenario};
use rtr_core::change::Operation;
use rtr_core::config::Mode;
use rtr_core::item::{Body, Item, SlotState};
use rtr_core::mapping::{Mapped, Mapping, ProviderFacts, RawMapping, Subject};
use rtr_core::payload::Resolved;
use rtr_core::plan::{Action, Incoming, Situation, Wait, plan};
use rtr_core::settle::{Applied, Attempt, Ending, Link, Open};
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
    Planning { got: Vec<Message>, read: Item, linked: bool },
    Sent(Sent),
    Committing(Sent),
}

/// A call under way.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    top: Message,
    again: bool,
    read: Item,
    hash: String,
    /// Whether the payload names the reference.
    complete: bool,
    open: Option<Wait>,
}

#[derive(Debug, Clone)]
struct State {
    item: Item,
    crm: u64,
    /// Whether what the CRM holds names the reference.
    crm_complete: bool,
    /// Whether the record referred to is linked, and whether the wait for it is over.
    linked: bool,
    wait_over: bool,
    queue: Vec<Message>,
    worker: Worker,
    /// Requests that may land or die yet: whether the caller crashed, the version, and whether it is complete.
    pending: Vec<(bool, u64, bool)>,
    crashes: u8,
    unknowns: u8,
    throttles: u8,
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
        Worker::Planning { read, .. } => items.push(read),
        Worker::Sent(sent) | Worker::Committing(sent) => items.push(&mut sent.read),
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

/// The end of a hold, and a time after the end of any wait for a reference.
const HELD_UNTIL: Instant = Instant(10);
const AFTER_WAIT: Instant = Instant(10_000_000);

struct Model<'a> {
    scenario: &'a Scenario,
    mapping: Mapping,
}

impl Model<'_> {
    fn new(scenario: &Scenario) -> Model<'_> {
        let mut fields = json!({"name": "name"});
        if scenario.refers {
            fields["company"] = json!({"reference": "company", "id": "company"});
        }
        let raw: RawMapping =
            serde_json::from_value(json!({"object": "contacts", "when": "wanted", "fields": fields}))
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
        let hash = match self.plan(&Item::default(), &message(1, 0), false, AFTER_WAIT, false) {
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
            crm_complete: false,
            linked: false,
            wait_over: false,
            queue: self.scenario.queue.iter().enumerate().map(|(n, v)| message(*v, n)).collect(),
            worker: Worker::Idle,
            pending: Vec::new(),
            crashes: self.scenario.crashes,
            unknowns: self.scenario.unknowns,
            throttles: self.scenario.throttles,
            redrives: self.scenario.redrives,
            mended: self.scenario.bad.is_empty(),
        }
    }

    fn content(&self, version: u64) -> &str {
        self.scenario.content.iter().find(|(v, _)| *v == version).map_or("", |(_, content)| content)
    }

    fn data(&self, version: u64) -> Value {
        let wanted = !self.scenario.skipped.contains(&version);
        json!({"name": self.content(version), "wanted": wanted, "company": "k"})
    }

    fn refuses(&self, state: &State, version: u64) -> bool {
        self.scenario.bad.contains(&version) && !state.mended
    }

    /// The time in a state: before the end of a hold while a request may land whose worker lives.
    fn now(&self, state: &State) -> Instant {
        let held = state.pending.iter().any(|(crashed, ..)| !crashed) && self.on(Rule::Hold);
        match (held, state.wait_over) {
            (true, _) => Instant(0),
            (false, false) => HELD_UNTIL,
            (false, true) => AFTER_WAIT,
        }
    }

    fn plan(&self, item: &Item, top: &Message, again: bool, now: Instant, linked: bool) -> Action {
        let subject = Subject { org_id: "acme", record_type: "contact", record_id: "c" };
        let mapped: Mapped = self.mapping.apply(&subject, &self.data(top.version)).unwrap();
        let resolved = if linked {
            Resolved::Linked { object: "companies".to_owned(), external_id: "77".to_owned() }
        } else {
            Resolved::NotYet
        };
        let references: Vec<_> =
            mapped.references.iter().map(|one| (one.clone(), resolved.clone())).collect();
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
            references: &references,
            key_value: Some("c"),
            mode: Mode::Live,
            arrived: Instant(0),
            settle_ms: 0,
            now,
        };
        plan(&incoming, situation)
    }

    /// Wrong at rest: the CRM does not hold the applied version's content, or the newest is neither applied nor dead.
    fn wrong(&self, state: &State) -> Option<String> {
        let rest = state.queue.is_empty()
            && state.worker == Worker::Idle
            && state.pending.is_empty()
            && self.sleeper(state).is_none();
        if !rest {
            return None;
        }
        let applied = state.item.applied_version.unwrap_or(0);
        let wanted = if self.scenario.skipped.contains(&applied) { state.crm } else { applied };
        let newest = self.scenario.queue.iter().copied().max().unwrap_or(1);
        let dead = state.item.slot.as_ref().map(|slot| slot.wanted_version);
        let held = self.content(state.crm) == self.content(wanted);
        let known = applied == newest || dead == Some(newest);
        // What is applied and not skipped names its reference, once that is linked.
        let skipped = self.scenario.skipped.contains(&applied);
        let complete = !self.scenario.refers
            || !state.linked
            || skipped
            || state.crm_complete
            || state.item.dead().is_some();
        (!held || !known || !complete).then(|| {
            format!("crm={} complete={} applied={applied} dead={dead:?}", state.crm, state.crm_complete)
        })
    }

    /// The version that a look would find worth waking.
    fn sleeper(&self, state: &State) -> Option<u64> {
        let slot = state.item.slot.as_ref()?;
        let due = match slot.state {
            SlotState::Parked => slot.not_before <= self.now(state),
            SlotState::Waiting => state.linked || state.wait_over,
            SlotState::Incomplete => state.linked,
            SlotState::Dead | SlotState::Drop => false,
        };
        let asleep =
            !state.queue.iter().any(|message| message.wake && message.version == slot.wanted_version);
        (due && asleep && self.on(Rule::Look)).then_some(slot.wanted_version)
    }

    fn woken(&self, state: &State, version: u64) -> State {
        let mut next = state.clone();
        next.queue.push(Message { version, wake: true, receives: 0, id: format!("look{version}") });
        next
    }

    /// The world's own steps: the reference is linked, telling those that wait or losing the word; the wait ends.
    fn elsewhere(&self, state: &State, steps: &mut Vec<(String, State)>) {
        if let Some(version) = self.sleeper(state) {
            steps.push(("looks".to_owned(), self.woken(state, version)));
        }
        if !self.scenario.refers {
            return;
        }
        if !state.linked {
            let linked = State { linked: true, ..state.clone() };
            if let Some(version) = self.sleeper(&linked) {
                steps.push(("linked and told".to_owned(), self.woken(&linked, version)));
            }
            steps.push(("linked".to_owned(), linked));
        }
        if !state.wait_over {
            steps.push(("the wait ends".to_owned(), State { wait_over: true, ..state.clone() }));
        }
    }

    fn steps(&self, state: &State) -> Vec<(String, State)> {
        let mut steps = Vec::new();
        if !state.mended {
            steps.push(("the cause is mended".to_owned(), State { mended: true, ..state.clone() }));
        }
        for at in 0..state.pending.len() {
            let mut rest = state.clone();
            let (_, version, complete) = rest.pending.remove(at);
            steps.push((format!("late {version} dies"), rest.clone()));
            if !self.refuses(state, version) {
                steps.push((
                    format!("late {version} lands"),
                    State { crm: version, crm_complete: complete, ..rest },
                ));
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
        self.elsewhere(state, &mut steps);
        match &state.worker {
            Worker::Idle => self.take(state, &mut steps),
            Worker::Planning { got, read, linked } => self.decide(state, got, read, *linked, &mut steps),
            Worker::Sent(sent) => self.answered(state, sent, &mut steps),
            Worker::Committing(Sent { top, again, read, hash, open, .. }) => {
                let body = Body::Inline(self.data(top.version));
                let open = open.clone().map(|wait| Box::new(Open { wait, body, attempts: 1 }));
                let applied = Applied {
                    open,
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
