//! What can happen, and invocations: begun, run from wait to wait, ended, killed.

use crate::core::{BEFORE, EnvId};
use crate::env::Env;
use crate::faults::{Fault, STRIKING, Site};
use crate::kernel::Promise;
use crate::mutants::Mutant;
use crate::network::{From, Outcome};
use crate::regroup::Regrouping;
use crate::scenario::ORGS;
use crate::strikes::due_at;
use crate::world::World;
use rtr_core::time::Instant;
use rtr_engine::apply::{self, Ways};
use rtr_engine::batch::Received;
use rtr_engine::report::BatchReport;
use rtr_engine::{bulk, poll, redrive, sweep, sync};
use rtr_testkit::bus::MemoryBus;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

/// Something that happens at a time.
pub enum Happen {
    /// The producer sends its event number so and so; how often it did before.
    Produces(usize, u32),
    /// The event source mapping of a function looks at its queue.
    Polls(Function),
    /// A batch reaches its function.
    Invokes(Function, Vec<Received>),
    /// An invocation's time is over.
    TimesOut(usize),
    /// A function that stood still goes on.
    Thaws(usize),
    /// The event source mapping deletes what is settled.
    Settles(Function, Vec<Received>),
    /// The sweep's schedule comes round.
    Sweeps,
    /// A request arrives at its CRM.
    Arrives(u64),
    /// An answer arrives, or the news that there is none.
    Answered(Arc<Promise<Outcome>>, Outcome, From),
    /// A request that was cut from its answer falls due within the CRM.
    Lands,
    /// A planned fault comes at its time.
    Strikes(Fault, u32),
    /// What a fault did is undone.
    Mends(Fault, u32),
    /// The next step of a change of the number of message groups.
    Regroups(Regrouping),
    /// A backfill goes on.
    Feeds,
    /// Something of a history that goes both ways.
    Both(crate::both::Happening),
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Change events to CRMs.
    Sync,
    /// Dead letters to their records.
    Redrive,
    /// What is due is woken.
    Sweep,
    /// Parked work to its CRM.
    Bulk,
    /// What CRMs tell, to the internal system.
    Apply,
    /// CRMs are asked what has changed.
    Poll,
}

/// How long an invocation may take, in milliseconds.
pub const TIMEOUT_MS: i64 = 60_000;

/// A message that was first received so long ago does not tell the queue's time any more, in milliseconds.
const LATE_MS: i64 = 1_000;

/// An invocation under way.
pub struct Task {
    env: Arc<Env>,
    function: Function,
    batch: Arc<Vec<Received>>,
    run: Pin<Box<dyn Future<Output = BatchReport> + Send>>,
    polls: u32,
    strike: Option<(Fault, u32)>,
    frozen: bool,
    woken: bool,
}

/// Waits of an invocation among which the one is drawn at which a fault strikes.
const WAITS: u32 = 60;

impl World<'_> {
    /// Begins an invocation in an environment that is free, or in a new one.
    pub fn invoke(&mut self, function: Function, batch: Vec<Received>) {
        let env = self.environment(function);
        let core = self.core.clone();
        let strike = core.chance(Site::Invocation).and_then(|(fault, how)| self.put_off(fault, how));
        let now = core.kernel.now();
        let mut deadline = now.plus_ms(TIMEOUT_MS);
        if let Some((fault @ Fault::NoTime, how)) = strike {
            deadline = now.plus_ms(i64::from(how % 6_000) - 1_000);
            core.fire(fault);
        }
        let number = self.tasks.len();
        core.trace.note(now, "lambda", || {
            let messages: Vec<String> = batch.iter().map(describe).collect();
            format!("{function:?} #{number} begins with {} (env {})", messages.join(", "), env.id)
        });
        core.oracle().begins(env.id, now, deadline);
        if function == Function::Sync {
            core.oracle().works_groups(env.id, env.settings.group_buckets, &batch);
            let idle = self.is_idle(&batch);
            core.oracle().costs(env.id, idle);
        }
        self.note_unsure(&batch, env.id);
        core.steps(env.id, BEFORE);
        let bulk = |one: &Received| one.lane.as_deref() == Some(rtr_core::change::BULK);
        core.begins(env.id, !batch.is_empty() && batch.iter().all(bulk));
        let mut batch = batch;
        let strays = matches!(self.mutant, Some(Mutant::WorksStrays | Mutant::JudgesApart));
        if strays && function == Function::Sync {
            into_own_groups(&mut batch, env.settings.group_buckets);
        }
        let batch = Arc::new(batch);
        let run = run(function, env.clone(), env.settings.clone(), batch.clone(), deadline);
        let task = Task { env, function, batch, run, polls: 0, strike, frozen: false, woken: false };
        self.tasks.push(Some(task));
        self.running += usize::from(function == Function::Sync);
        core.kernel.after(TIMEOUT_MS, Happen::TimesOut(number));
        core.kernel.make_ready(number);
    }

    /// Notes the records of which something may be done that nobody can know of: their message comes again to an org that is
    /// gone, or it is old and the clock of `env` is behind, so that the queue's time does not tell when a hold is over.
    fn note_unsure(&self, batch: &[Received], env: EnvId) {
        let (now, behind) = (self.core.kernel.now(), self.core.skew(env) < 0);
        for message in batch {
            let body: serde_json::Value = serde_json::from_str(&message.body).unwrap_or_default();
            let body = body.get("wake").unwrap_or(&body);
            let part = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            let org = part("org_id");
            let gone = message.receive_count > 1 && self.gone.iter().any(|gone| ORGS[*gone] == org);
            let late = behind && now.since_ms(message.first_received_at) > LATE_MS;
            let record = format!("{org}/{}/{}", part("record_type"), part("record_id"));
            let mut oracle = self.core.oracle();
            if gone {
                oracle.unsure.insert(record);
            } else if late {
                oracle.late.insert(record);
            }
        }
    }

    /// Lets an invocation go on until it waits.
    pub fn go_on(&mut self, number: usize) {
        let core = self.core.clone();
        let Some(task) = self.tasks.get_mut(number).and_then(Option::as_mut) else { return };
        if task.frozen {
            task.woken = true;
            return;
        }
        task.polls += 1;
        if task.function == Function::Poll
            && let Some((fault, _)) = core.chance(Site::PollWait)
        {
            core.fire_at(fault, task.env.id);
            return self.end(number, "killed");
        }
        let now_due =
            task.strike.take_if(|(fault, how)| task.polls == 1 + *how % WAITS && STRIKING.contains(fault));
        if let Some((fault, how)) = now_due.or_else(|| due_at(&mut self.strikes, core.step_of(task.env.id))) {
            core.fire_at(fault, task.env.id);
            if fault != Fault::Frozen {
                return self.end(number, "killed");
            }
            (task.frozen, task.woken) = (true, true);
            let ms = i64::from(how % 50_000);
            core.stood_still(task.env.id, ms);
            core.oracle().died(core.kernel.now(), task.env.id);
            core.kernel.after(ms, Happen::Thaws(number));
            return;
        }
        core.enter(task.env.id);
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| core.kernel.poll(number, &mut task.run)));
        core.leave();
        match polled {
            Ok(Some(report)) => self.answer(number, report),
            Ok(None) => {
                if let Some((_, stamp)) = core.doomed() {
                    core.shape("Deadly");
                    let fired = core.plan().fired_of_plan();
                    if !self.is_dead(&stamp) {
                        core.oracle().died_of(&stamp, fired);
                    }
                    self.end(number, "died of a record");
                }
            }
            Err(panic) => {
                let words = panic.downcast_ref::<String>().cloned();
                core.oracle().erred(&words.unwrap_or_else(|| "no words".to_owned()));
                self.end(number, "panicked");
            }
        }
    }

    /// A function that stood still goes on.
    pub fn thaw(&mut self, number: usize) {
        if let Some(task) = self.tasks.get_mut(number).and_then(Option::as_mut) {
            task.frozen = false;
            self.core.oracle().back(self.core.kernel.now(), task.env.id);
            if task.woken {
                self.core.kernel.make_ready(number);
            }
        }
    }

    /// Ends an invocation from outside, and its environment with it.
    pub fn end(&mut self, number: usize, why: &str) {
        let Some(task) = self.tasks.get_mut(number).and_then(Option::take) else { return };
        self.core
            .trace
            .note(self.core.kernel.now(), "lambda", || format!("#{number} {why} (env {})", task.env.id));
        self.core.oracle().died(self.core.kernel.now(), task.env.id);
        self.core.oracle().ended(task.env.id, &task.batch);
        // What it was doing is dropped here: what it had sent is under way without it.
        drop(task.run);
        self.running -= usize::from(task.function == Function::Sync);
        self.look_at_queues();
    }

    /// The function's answer goes back to the event source mapping.
    fn answer(&mut self, number: usize, mut report: BatchReport) {
        let Some(task) = self.tasks.get_mut(number).and_then(Option::take) else { return };
        let core = self.core.clone();
        self.running -= usize::from(task.function == Function::Sync);
        // What was taken out of the queue on the way is named with those behind which it stood, and does not come back.
        let comes_back = |id: &&String| !report.taken_out.contains(id);
        let returned: Vec<String> = report.failed.iter().filter(comes_back).cloned().collect();
        match self.mutant {
            Some(Mutant::TooFewFailures) if report.failed.len() > 1 => drop(report.failed.pop()),
            Some(Mutant::Miscounts) if !report.failed.is_empty() => drop(report.counts.remove("parked")),
            Some(Mutant::ReturnsNeighbours) => return_neighbours(&task.batch, &mut report.failed),
            Some(Mutant::NamesStrangers) if !report.failed.is_empty() => report.failed.push("m-0".to_owned()),
            _ => {}
        }
        core.trace.note(core.kernel.now(), "lambda", || format!("#{number} answers {:?}", report.failed));
        core.oracle().answered(task.env.id, &task.batch, &report.failed);
        if task.function == Function::Sync {
            let groups = task.env.settings.group_buckets;
            core.oracle().counted(&task.batch, groups, (&report.counts, &returned), self.is_blind());
        }
        for (name, count) in &report.counts {
            *self.counts.entry(name).or_default() += count;
        }
        self.check_locks();
        let function = task.function;
        let strike = if function == Function::Sweep { None } else { core.chance(Site::Answer) };
        match strike {
            Some((fault, _)) => core.fire(fault),
            None => {
                let settled = task
                    .batch
                    .iter()
                    .filter(|one| !report.failed.contains(&one.message_id))
                    .cloned()
                    .collect();
                core.kernel.after(core.kernel.draw(1..=10), Happen::Settles(function, settled));
            }
        }
        let env = match self.mutant {
            Some(Mutant::AsksLimiterAlways) => Arc::new(task.env.without_memory()),
            _ => task.env,
        };
        self.set_free(function, env);
        self.look_at_queues();
        self.plan_sweep();
    }

    /// Where an invocation runs.
    #[must_use]
    pub fn environment_of(&self, number: usize) -> Option<EnvId> {
        self.tasks.get(number).and_then(Option::as_ref).map(|task| task.env.id)
    }
}

/// A planted bug: with the first that failed return all later ones of its org.
fn return_neighbours(batch: &[Received], failed: &mut Vec<String>) {
    let org = |one: &Received| one.group.split('#').next().unwrap_or_default().to_owned();
    let Some(first) = batch.iter().position(|one| failed.contains(&one.message_id)) else { return };
    let back = batch.iter().enumerate().filter(|(place, one)| {
        failed.contains(&one.message_id) || *place > first && org(one) == org(&batch[first])
    });
    *failed = back.map(|(_, one)| one.message_id.clone()).collect();
}

/// A planted bug: a message counts as one of its record's own group, wherever it is.
fn into_own_groups(batch: &mut [Received], group_buckets: u64) {
    for message in batch {
        if let Ok(read) = rtr_core::change::parse(&message.body) {
            message.group = read.key().message_group(group_buckets);
        }
    }
}

/// A message as people read it: whose it is, which version, how often it was received.
fn describe(message: &Received) -> String {
    let body: serde_json::Value = serde_json::from_str(&message.body).unwrap_or_default();
    if let Some(baton) = body.get("baton") {
        return format!("[{}: {baton}, receive {}]", message.message_id, message.receive_count);
    }
    let (body, wake) = match body.get("wake") {
        Some(wake) => (wake, " woken"),
        None => (&body, ""),
    };
    let part = |name: &str| body[name].as_str().unwrap_or("?").to_owned();
    format!(
        "[{}: {}/{}/{} v{}{wake}, receive {}]",
        message.message_id,
        part("org_id"),
        part("record_type"),
        part("record_id"),
        body["version"],
        message.receive_count
    )
}

/// The function itself.
fn run(
    function: Function,
    env: Arc<Env>,
    settings: Arc<rtr_engine::batch::Settings>,
    batch: Arc<Vec<Received>>,
    deadline: Instant,
) -> Pin<Box<dyn Future<Output = BatchReport> + Send>> {
    Box::pin(async move {
        let seams = env.seams();
        match function {
            Function::Sync => sync::run(&seams, &settings, &env.caches, &batch, deadline).await,
            Function::Bulk => bulk::run(&seams, &settings, &env.caches, &batch, deadline).await,
            Function::Redrive => redrive::run(&seams, &batch).await,
            Function::Apply => {
                let ways = Ways {
                    settings: &settings,
                    caches: &env.caches,
                    signing: &env.signing,
                    courier: env.courier(),
                };
                apply::run(&seams, ways, &batch, deadline).await
            }
            Function::Poll => poll::run(&seams, &settings, &env.caches, &batch, deadline).await,
            // One look: the next is another of its schedule.
            Function::Sweep => sweep::run(&seams, &settings, &MemoryBus::default(), seams.clock.now()).await,
        }
    })
}
