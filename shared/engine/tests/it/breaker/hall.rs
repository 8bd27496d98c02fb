//! Several environments at once on a clock that moves when all of them wait, before a CRM whose calls take time.

use super::{CONTACT, here};
use async_trait::async_trait;
use rtr_connectors::http::{Clock, Http, NoAnswer, Outgoing, Response};
use rtr_core::time::Instant;
use rtr_engine::batch::Received;
use rtr_engine::seams::{QueueName, Seams};
use rtr_engine::sync::Caches;
use rtr_engine::{bulk, sweep, sync};
use rtr_testkit::build;
use rtr_testkit::crm::BASE;
use rtr_testkit::limits::MemoryLimits;
use rtr_testkit::queue::MemoryQueue;
use rtr_testkit::world::{BEGIN, TIMEOUT_MS, World};
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A clock that moves to the next moment somebody waits for.
#[derive(Debug)]
pub(super) struct Ticking {
    now_ms: AtomicI64,
    waiting: Mutex<BTreeMap<i64, Vec<Waker>>>,
    drawn: AtomicU64,
}

impl Ticking {
    fn tick(&self) {
        let next = self.waiting.lock().unwrap().pop_first();
        if let Some((at, wakers)) = next {
            self.now_ms.fetch_max(at, Ordering::SeqCst);
            wakers.into_iter().for_each(Waker::wake);
        }
    }
}

#[async_trait]
impl Clock for Ticking {
    fn now(&self) -> Instant {
        Instant(self.now_ms.load(Ordering::SeqCst))
    }

    async fn sleep_ms(&self, ms: i64) {
        let at = self.now().0 + ms.max(0);
        poll_fn(|context| {
            if self.now().0 >= at {
                return Poll::Ready(());
            }
            self.waiting.lock().unwrap().entry(at).or_default().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn random(&self) -> f64 {
        0.5
    }

    fn nonce(&self) -> String {
        format!("nonce-{}", self.drawn.fetch_add(1, Ordering::SeqCst))
    }
}

/// A call that came.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) account: String,
    pub(super) began_ms: i64,
    /// How many of its account were in flight then, itself among them.
    pub(super) in_flight: u64,
}

/// The CRM, each call of which takes time.
pub(super) struct Crm<'a> {
    world: &'a World,
    clock: &'a Ticking,
    /// How long a call of `acme` takes; others' take 20 ms.
    pub(super) takes_ms: AtomicI64,
    /// Whether `acme` says 503.
    pub(super) down: AtomicBool,
    pub(super) calls: Mutex<Vec<Call>>,
    flying: Mutex<BTreeMap<String, u64>>,
}

#[async_trait]
impl Http for Crm<'_> {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        let account = outgoing.url.split('/').nth(4).unwrap_or_default().to_owned();
        let began_ms = self.clock.now().since_ms(BEGIN);
        let in_flight = {
            let mut flying = self.flying.lock().unwrap();
            let flying = flying.entry(account.clone()).or_default();
            *flying += 1;
            *flying
        };
        self.calls.lock().unwrap().push(Call { account: account.clone(), began_ms, in_flight });
        let (takes_ms, down) = match account.as_str() {
            "acme" => (self.takes_ms.load(Ordering::SeqCst), self.down.load(Ordering::SeqCst)),
            _ => (20, false),
        };
        self.clock.sleep_ms(takes_ms).await;
        *self.flying.lock().unwrap().entry(account).or_default() -= 1;
        if down {
            return Ok(Response { status: 503, headers: Vec::new(), body: Vec::new() });
        }
        self.world.crm.send(outgoing).await
    }
}

impl Crm<'_> {
    /// The calls of `account` that began in these milliseconds.
    pub(super) fn between(&self, account: &str, from_ms: i64, to_ms: i64) -> Vec<Call> {
        let calls = self.calls.lock().unwrap();
        let here = |call: &&Call| call.account == account && (from_ms..to_ms).contains(&call.began_ms);
        calls.iter().filter(here).cloned().collect()
    }
}

/// Everything that the environments share.
pub(super) struct Hall<'a> {
    pub(super) world: &'a World,
    pub(super) clock: Arc<Ticking>,
    pub(super) limits: MemoryLimits,
    queue: MemoryQueue,
    waiting: Mutex<VecDeque<(i64, Received)>>,
    /// Messages that are done.
    pub(super) done: Mutex<u64>,
}

/// Where `acme` has one connection under this limit, of which so many environments may be at work.
pub(super) fn limited(limit: &str, share: u64) -> World {
    let mut world = World::with_contact(CONTACT);
    let org = format!(
        "org: acme\nconnections:\n  hubspot:\n    base_url: {BASE}/hubspot/acme\n    limits: [{limit}]\nroutes:\n  contact: [hubspot]\n"
    );
    world.configs.apply(&[("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", &org)]).unwrap();
    world.settings.connection_share = share;
    world.settings.tokens_within_ms = 250;
    world
}

impl<'a> Hall<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let clock = Arc::new(Ticking {
            now_ms: AtomicI64::new(BEGIN.0),
            waiting: Mutex::default(),
            drawn: AtomicU64::new(0),
        });
        Self {
            world,
            limits: MemoryLimits::new(clock.clone()),
            queue: MemoryQueue::new(clock.clone()),
            clock,
            waiting: Mutex::default(),
            done: Mutex::default(),
        }
    }

    /// The CRM of this hall; `clock` is its own.
    pub(super) fn crm(world: &'a World, clock: &'a Ticking) -> Crm<'a> {
        Crm {
            world,
            clock,
            takes_ms: AtomicI64::new(20),
            down: AtomicBool::new(false),
            calls: Mutex::default(),
            flying: Mutex::default(),
        }
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now().since_ms(BEGIN)
    }

    /// Puts a message in the queue.
    pub(super) fn bring(&self, message: Received) {
        self.waiting.lock().unwrap().push_back((self.now_ms(), message));
    }

    pub(super) fn seams<'s>(&'s self, http: &'s dyn Http) -> Seams<'s> {
        Seams { limits: &self.limits, queue: &self.queue, http, clock: &*self.clock, ..self.world.seams() }
    }

    fn next(&self, size: usize) -> Vec<Received> {
        let (now, mut waiting) = (self.now_ms(), self.waiting.lock().unwrap());
        let mut batch = Vec::new();
        while batch.len() < size {
            let Some(place) = waiting.iter().position(|(at, _)| *at <= now) else { break };
            batch.extend(waiting.remove(place).map(|(_, message)| message));
        }
        batch
    }

    /// One environment of the sync function, until `end_ms`. What it gives back comes again in two seconds.
    pub(super) async fn environment(&self, http: &dyn Http, size: usize, end_ms: i64) {
        let (seams, caches) = (self.seams(http), Caches::default());
        while self.now_ms() < end_ms {
            let batch = self.next(size);
            if batch.is_empty() {
                self.clock.sleep_ms(100).await;
                continue;
            }
            let deadline = self.clock.now().plus_ms(TIMEOUT_MS);
            let report = sync::run(&seams, &self.world.settings, &caches, &batch, deadline).await;
            *self.done.lock().unwrap() += (batch.len() - report.failed.len()) as u64;
            let back = batch.into_iter().filter(|message| report.failed.contains(&message.message_id));
            let at = self.now_ms() + 2_000;
            self.waiting.lock().unwrap().extend(back.map(|message| (at, build::again(message))));
            self.clock.sleep_ms(10).await;
        }
    }

    /// The sweep, and the lane that it starts, until `end_ms`.
    pub(super) async fn lane(&self, http: &dyn Http, end_ms: i64) {
        let (seams, caches) = (self.seams(http), Caches::default());
        while self.now_ms() < end_ms {
            sweep::run(&seams, &self.world.settings, &self.world.bus, self.clock.now()).await;
            for message in self.queue.take_sent(QueueName::Changes) {
                self.bring(build::raw(&message.body, &message.group, self.clock.now()));
            }
            for message in self.queue.take_sent(QueueName::Bulk) {
                let received = build::raw(&message.body, &message.group, self.clock.now());
                let deadline = self.clock.now().plus_ms(TIMEOUT_MS);
                bulk::run(&seams, &self.world.settings, &caches, &[received], deadline).await;
            }
            self.clock.sleep_ms(1_000).await;
        }
    }

    /// Runs `tasks` to their ends.
    pub(super) fn run(&self, tasks: Vec<Pin<Box<dyn Future<Output = ()> + '_>>>) {
        let mut tasks: Vec<_> = tasks.into_iter().map(Some).collect();
        let mut context = Context::from_waker(Waker::noop());
        while tasks.iter().any(Option::is_some) {
            for task in &mut tasks {
                if task.as_mut().is_some_and(|task| task.as_mut().poll(&mut context).is_ready()) {
                    *task = None;
                }
            }
            self.clock.tick();
        }
    }

    /// How many are at work at `acme`, as far as the table knows.
    pub(super) fn at_work(&self) -> usize {
        let state = self.limits.state();
        let bucket = state.buckets.get(&rtr_core::limit::general_bucket(&here()));
        bucket.map_or(0, |bucket| rtr_core::limit::at_work(bucket, self.clock.now()))
    }

    /// The breaker as the table has it.
    pub(super) fn breaker(&self) -> rtr_core::breaker::Breaker {
        let bucket = rtr_core::limit::general_bucket(&here());
        self.limits.state().breakers.get(&bucket).cloned().unwrap_or_default()
    }
}
