//! A model of the record protocol: queues, workers, the table, and CRMs without compare-and-set.
//!
//! Every interleaving of a scenario is explored: a worker may die at any step, answers may be lost, requests may land
//! late. Deciding is not modelled: it is `plan`, `settle` and `claims` themselves. What the engine does around them is
//! told again here, step by step, and a rule that it keeps may be switched off, to see that it would be missed.

mod answer;
mod begin;
mod bulk;
mod check;
mod commit;
mod crm;
mod decide;
mod elsewhere;
mod fate;
mod key;
mod look;
mod take;
mod work;
mod world;

use crate::scenario::Scenario;
use decide::Model;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use world::World;

/// What happens: in words, to which record or connection, with which version.
#[derive(Debug, Clone, Copy)]
struct Step(&'static str, u8, u64);

type Steps = Vec<(Step, World)>;

/// Explores every history; says how many states there are, or tells one that goes wrong.
pub(crate) fn explore(scenario: &Scenario) -> Result<usize, String> {
    let model = Model::new(scenario);
    Search::new(&model).run(&model)
}

/// The states found so far, by number; the worlds themselves are kept only while they are to be explored.
struct Search {
    begin: World,
    seen: HashMap<Box<[u8]>, u32>,
    /// Each state's first predecessor, with the step from there.
    from: Vec<Option<(u32, Step)>>,
    /// Every edge, to and from.
    edges: Vec<(u32, u32)>,
    /// States in which nothing more need happen.
    rests: Vec<u32>,
}

impl Search {
    fn new(model: &Model<'_>) -> Self {
        Self {
            begin: model.begin(),
            seen: HashMap::new(),
            from: vec![None],
            edges: Vec::new(),
            rests: Vec::new(),
        }
    }

    fn run(&mut self, model: &Model<'_>) -> Result<usize, String> {
        let refers = model.scenario.refers > 0;
        let mut todo = vec![(0_u32, self.begin.clone())];
        self.seen.insert(key::key(&self.begin, refers), 0);
        while !todo.is_empty() {
            let mut next_todo = Vec::new();
            for (here, world) in todo {
                if let Some(wrong) = check::wrong(model, &world) {
                    return Err(format!("{wrong}: {}", self.history(here)));
                }
                if check::at_rest(model, &world) {
                    self.rests.push(here);
                }
                for (step, next) in model.steps(&world) {
                    let number = u32::try_from(self.from.len()).unwrap();
                    if let Some(wrong) = check::backwards(model, &world, &next) {
                        return Err(format!("{wrong}: {}; {step:?}", self.history(here)));
                    }
                    let there = match self.seen.entry(key::key(&next, refers)) {
                        Entry::Occupied(found) => *found.get(),
                        Entry::Vacant(place) => {
                            place.insert(number);
                            self.from.push(Some((here, step)));
                            next_todo.push((number, next));
                            number
                        }
                    };
                    self.edges.push((there, here));
                }
            }
            todo = next_todo;
        }
        self.restless().map_or(Ok(self.from.len()), |state| {
            Err(format!("cannot come to rest any more: {}", self.history(state)))
        })
    }

    /// A state from which none can be reached in which nothing more need happen.
    fn restless(&mut self) -> Option<u32> {
        self.edges.sort_unstable();
        let mut reached = vec![false; self.from.len()];
        let mut todo = std::mem::take(&mut self.rests);
        while let Some(state) = todo.pop() {
            if !std::mem::replace(&mut reached[state as usize], true) {
                let first = self.edges.partition_point(|(to, _)| *to < state);
                let before = self.edges[first..].iter().take_while(|(to, _)| *to == state);
                todo.extend(before.map(|(_, from)| *from));
            }
        }
        let place = reached.iter().position(|reached| !reached)?;
        u32::try_from(place).ok()
    }

    fn history(&self, mut at: u32) -> String {
        let mut steps = Vec::new();
        while let Some((before, Step(what, whom, version))) = self.from[at as usize] {
            steps.push(format!("{what} ({whom}, {version})"));
            at = before;
        }
        steps.reverse();
        steps.join("; ")
    }
}
