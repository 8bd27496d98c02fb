//! Looks up what mappings want of their CRMs, before the plan: once for all jobs of a connection, and from memory where it
//! was asked a while ago.
//!
//! A question is a call like any other, with the connection's tokens, breaker and deadline; where it cannot go, the records
//! that need it wait as they would for their write, and the others go on.

use super::Caches;
use super::connections::{Deed, Door, over};
use super::job::{Job, Stage};
use super::look::fail;
use super::prepare::decide;
use crate::batch::Settings;
use crate::directories::{Directories, Holds, Place};
use crate::report::BatchReport;
use crate::seams::Seams;
use async_trait::async_trait;
use futures::future::join_all;
use rtr_connectors::connector::{Asked, Entry};
use rtr_connectors::session::Session;
use rtr_core::code::Code;
use rtr_core::config::Mode;
use rtr_core::failure::{Class, Failure};
use rtr_core::item::Reason;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::Traffic;
use rtr_core::mapping::{Answer, LookupFact, Read, Wanted};
use rtr_core::plan::Action;
use rtr_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Rounds of questions of one connection: what lies within something is asked for once that is known; and one more for what
/// has expired under way.
const ROUNDS: usize = 3;

/// Looks up what the undecided jobs, whose turn it is, want before they can be planned. Afterwards nothing is open in them, or
/// they are returned or ended.
pub(crate) async fn look_up(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    jobs: &mut [Job],
    deadline: Instant,
    report: &mut BatchReport,
) {
    let shelves = Shelves { directories: &caches.directories, holds: Holds::of(settings.cache_ms) };
    let now = seams.clock.now();
    let mut open: BTreeMap<ConnectionKey, Vec<&mut Job>> = BTreeMap::new();
    for job in jobs.iter_mut().filter(|job| matches!(job.stage, Stage::Read) && !job.deferred && is_open(job))
    {
        // At a shadowed connection nobody is asked for anything, nor told that a CRM had nothing.
        if job.settings().is_none_or(|own| own.mode == Mode::Shadow) {
            continue;
        }
        shelves.fill(job, now);
        if is_open(job) && decide(job, now) == Action::LookUp {
            open.entry(job.connection.clone()).or_default().push(job);
        }
    }
    let asking = open.into_iter().map(|(connection, mut jobs)| async move {
        let mut own = BatchReport::default();
        let Some(first) = jobs.first() else { return own };
        let (config, connector, lane) = (first.setup.config.clone(), first.setup.connector, first.lane);
        let traffic = if jobs.iter().all(|job| job.backfill) { Traffic::Backfill } else { Traffic::Live };
        let door = Door { config: &config, connection: &connection, connector, lane, traffic };
        let mut ask = Ask { seams, shelves, jobs: &mut jobs };
        over(seams, settings, caches, &door, deadline, &mut ask, &mut own).await;
        own
    });
    for own in join_all(asking).await {
        report.add(own);
    }
}

fn is_open(job: &Job) -> bool {
    job.unmappable.is_none() && job.mapped.as_ref().is_some_and(|mapped| !mapped.wanted.is_empty())
}

/// What is known, and for how long.
#[derive(Clone, Copy)]
struct Shelves<'a> {
    directories: &'a Directories,
    holds: Holds,
}

impl Shelves<'_> {
    /// Puts in what is known, and gives what is to be asked; a value that the CRM does not have makes the job's record one
    /// that cannot be mapped.
    fn fill(&self, job: &mut Job, now: Instant) -> Vec<Wanted> {
        let (holds, at) = (self.holds_for(job), Whereabouts::of(job));
        let title = job.setup.connector.facts().title;
        let mut unknown = Vec::new();
        let Some(mapped) = &mut job.mapped else { return unknown };
        let known = mapped.look_up(title, |wanted, within| {
            let answer = self.directories.answer(&at.place(wanted.fact), wanted, within, holds, now);
            if answer == Answer::Unknown {
                unknown.push(wanted.clone());
            }
            answer
        });
        if let Err(error) = known {
            job.unmappable = Some(Reason { field: error.field, ..Reason::new(error.code, error.message) });
            unknown.clear();
        }
        unknown
    }

    fn holds_for(&self, job: &Job) -> Holds {
        if job.wake && job.item.dead().is_some() { self.holds.mended() } else { self.holds }
    }
}

/// Where a job's look-ups are kept.
struct Whereabouts {
    connection: ConnectionKey,
    account: String,
    object: String,
}

impl Whereabouts {
    fn of(job: &Job) -> Self {
        let own = job.settings();
        let account = own.map_or_else(String::new, |own| {
            format!("{}\n{}\n{}", own.provider, own.secret, own.base_url.as_deref().unwrap_or_default())
        });
        let object = job.setup.mapping.mapping.object.clone();
        Self { connection: job.connection.clone(), account, object }
    }

    fn place(&self, fact: &LookupFact) -> Place {
        Place::of(&self.connection, &self.account, fact, &self.object)
    }
}

/// One question, and who needs its answer for what.
struct Question {
    fact: &'static LookupFact,
    object: String,
    place: Place,
    wanted: Vec<(usize, Wanted)>,
}

impl Question {
    /// The question for those of its names.
    fn asked(&self, of: impl Fn(&str) -> bool) -> Asked {
        let names: BTreeSet<&str> = self.wanted.iter().map(|(_, wanted)| wanted.value.as_str()).collect();
        let names = names.into_iter().filter(|name| of(name)).map(str::to_owned).collect();
        Asked { lookup: self.fact.name, object: self.object.clone(), names }
    }
}

/// Asks one connection's CRM what its jobs want.
struct Ask<'a, 'j> {
    seams: &'a Seams<'a>,
    shelves: Shelves<'a>,
    jobs: &'a mut [&'j mut Job],
}

#[async_trait]
impl Deed for Ask<'_, '_> {
    async fn with(&mut self, session: &Session<'_>) {
        for _ in 0..ROUNDS {
            let began = self.seams.clock.now();
            let questions = self.questions(began);
            if questions.is_empty() {
                return;
            }
            for question in questions {
                // An answer may tell of another look-up beside the one asked for.
                if !self.shelves.directories.was_read(&question.place, began) {
                    self.ask(session, question).await;
                }
            }
        }
        let now = self.seams.clock.now();
        for job in self.jobs.iter_mut().filter(|job| matches!(job.stage, Stage::Read)) {
            if !self.shelves.fill(job, now).is_empty() {
                let reason = Reason::new(Code::Contended, "what was looked up expired under way");
                job.give_back(now.plus_ms(1_000), reason);
            }
        }
    }
}

impl Ask<'_, '_> {
    /// What is not known yet, each look-up of an object once.
    fn questions(&mut self, now: Instant) -> Vec<Question> {
        let mut questions: Vec<Question> = Vec::new();
        for (at, job) in self.jobs.iter_mut().enumerate() {
            if !matches!(job.stage, Stage::Read) {
                continue;
            }
            for wanted in self.shelves.fill(job, now) {
                let place = Whereabouts::of(job).place(wanted.fact);
                let place_of = |question: &Question| question.place == place;
                let known = questions.iter().position(place_of);
                let number = known.unwrap_or_else(|| {
                    questions.push(Question {
                        fact: wanted.fact,
                        object: job.setup.mapping.mapping.object.clone(),
                        place,
                        wanted: Vec::new(),
                    });
                    questions.len() - 1
                });
                questions[number].wanted.push((at, wanted));
            }
        }
        questions
    }

    async fn ask(&mut self, session: &Session<'_>, question: Question) {
        let Some((first, _)) = question.wanted.first() else { return };
        let connector = self.jobs[*first].setup.connector;
        let all = question.asked(|_| true);
        match connector.directory(session, &all).await {
            Ok(entries) => self.learn(&question, &all, entries),
            Err(failure)
                if of_a_name(&failure) && all.names.len() > 1 && question.fact.read == Read::Each =>
            {
                // The fault of one name: each is asked for alone.
                for name in &all.names {
                    let one = question.asked(|other| other == name);
                    match connector.directory(session, &one).await {
                        Ok(entries) => self.learn(&question, &one, entries),
                        Err(failure) => self.failed(&question, &one, &failure).await,
                    }
                }
            }
            Err(failure) => self.failed(&question, &all, &failure).await,
        }
    }

    fn learn(&self, question: &Question, asked: &Asked, entries: Vec<Entry>) {
        let now = self.seams.clock.now();
        let Shelves { directories, holds } = self.shelves;
        directories.learn(&question.place, question.fact, asked, entries, holds, now);
    }

    /// The jobs that want what was asked in vain cannot be planned now.
    async fn failed(&mut self, question: &Question, asked: &Asked, failure: &Failure) {
        for (at, wanted) in question.wanted.iter().filter(|(_, wanted)| asked.names.contains(&wanted.value)) {
            let job = &mut *self.jobs[*at];
            if matches!(job.stage, Stage::Read) {
                let message = format!(
                    "the {} in `{}` could not be looked up: {}",
                    wanted.fact.noun, wanted.field, failure.message
                );
                fail(self.seams, job, &Failure { message, ..failure.clone() }).await;
            }
        }
    }
}

fn of_a_name(failure: &Failure) -> bool {
    matches!(failure.class, Class::Invalid { .. } | Class::BatchRefused | Class::Refused)
}
