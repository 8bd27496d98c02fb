//! What a function answers for its batch, and what it did for it.

use super::jobs::JOB_CALLS;
use super::{At, Oracle};
use crate::place::providers;
use crate::scenario::Kind;
use rtr_core::change::Message;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::time::Instant;
use rtr_engine::batch::Received;
use rtr_engine::seams::Named;
use std::collections::BTreeSet;

/// Calls that one record may cost in one receive, at each CRM it is routed to.
const CALLS_PER_RECEIVE: u64 = 8;
/// Calls for tokens in one invocation: four tries for each of the four connections that renew theirs.
const TOKEN_CALLS: u64 = 16;

/// How often functions may die of one record, where nothing else goes wrong.
const DEATHS: u64 = 10;

/// The record that a message is about, or the CRM's on its way back; none of what is no event.
fn record_of(message: &Received) -> Option<RecordKey> {
    if let Ok(message) = rtr_core::change::parse(&message.body) {
        return Some(message.key().clone());
    }
    let message = rtr_core::inbound::Message::parse(&message.body).ok()?;
    let (connection, object, id) = message.about();
    Some(RecordKey::new(&connection.org_id, object, id))
}

/// How many records of `org` a batch has.
fn records_of(batch: &[Received], org: &str) -> u64 {
    let records = batch.iter().filter_map(record_of).filter(|record| record.org_id == org);
    records.map(|record| (record.record_type, record.record_id)).collect::<BTreeSet<_>>().len() as u64
}

impl Oracle {
    /// An invocation begins in `env`.
    pub fn begins(&mut self, env: usize, now: Instant, deadline: Instant) {
        self.times.insert(env, (now, deadline));
        self.limiter.repeated.retain(|(of, _)| *of != env);
        self.calls_of.retain(|(of, _), _| *of != env);
        self.taken_up.remove(&env);
        self.token_calls_of.remove(&env);
        self.job_calls_of.remove(&env);
        self.groups_of.remove(&env);
        self.finished.remove(&env);
    }

    /// `env` takes parked work up: of a record that changes meanwhile each version is work of its own.
    pub fn takes_up(&mut self, env: usize, parked: &[Named]) {
        let version = |one: &Named| Some((one.key.clone(), one.item.slot.as_ref()?.wanted_version));
        self.taken_up.entry(env).or_default().extend(parked.iter().filter_map(version));
    }

    /// `env` has brought a record at a connection to `version`, and knows it.
    pub fn finishes(&mut self, env: usize, pair: &PairKey, version: u64) {
        self.finished.entry(env).or_default().push((pair.clone(), version));
    }

    /// Whether this invocation has brought a message's record to its version at every CRM that it goes to.
    fn is_done(&self, env: usize, message: &Received) -> bool {
        let Ok(Message::Change(change)) = rtr_core::change::parse(&message.body) else { return false };
        let to = if change.key.record_type == Kind::Deal.name() {
            &["hubspot"]
        } else {
            providers(&change.key.org_id)
        };
        let finished = self.finished.get(&env).map(Vec::as_slice).unwrap_or_default();
        to.iter().all(|provider| {
            let pair = PairKey::new(&change.key, &ConnectionKey::new(&change.key.org_id, *provider));
            finished.iter().any(|(of, version)| *of == pair && *version >= change.version)
        })
    }

    /// An invocation for `batch` ended in `env`, whichever way: what it called was bounded.
    pub fn ended(&mut self, env: usize, batch: &[Received]) {
        let mine = self.calls_of.iter().filter(|((of, _), calls)| *of == env && **calls > CALLS_PER_RECEIVE);
        let mine: Vec<(At, u64)> = mine.map(|((_, at), calls)| (at.clone(), *calls)).collect();
        for (at, calls) in mine {
            // A lane is of one connection.
            let parked = self.taken_up.get(&env).map_or(0, |versions| versions.len() as u64);
            let most = CALLS_PER_RECEIVE * (records_of(batch, &at.1) + parked);
            if calls > most {
                let what = format!("{calls} calls to {} of {} in one invocation: at most {most}", at.0, at.1);
                self.violate("I14", None, what);
            }
        }
        // Tokens are the connection's, not a message's.
        let tokens = self.token_calls_of.get(&env).copied().unwrap_or(0);
        if tokens > TOKEN_CALLS {
            self.violate("I14", None, format!("{tokens} calls for tokens in one invocation"));
        }
        // So are jobs.
        let jobs = self.job_calls_of.get(&env).copied().unwrap_or(0);
        if jobs > JOB_CALLS {
            self.violate("I14", None, format!("{jobs} calls of jobs in one invocation"));
        }
    }

    /// The function answered `failed` for `batch`.
    pub fn answered(&mut self, env: usize, batch: &[Received], failed: &[String]) {
        let ids: Vec<&str> = batch.iter().map(|message| message.message_id.as_str()).collect();
        if let Some(unknown) = failed.iter().find(|id| !ids.contains(&id.as_str())) {
            self.violate("I8", None, format!("the answer names {unknown}, which is not in the batch"));
        }
        for (place, message) in batch.iter().enumerate() {
            let is_failed = failed.contains(&message.message_id);
            let earlier = batch[..place]
                .iter()
                .any(|one| one.group == message.group && failed.contains(&one.message_id));
            if earlier && !is_failed {
                let what =
                    format!("{} is answered as done behind a failure of its group", message.message_id);
                self.violate("I7", None, what);
            }
            if is_failed && !earlier && self.is_done(env, message) {
                let what = format!("{} is returned, and all that it asked for is done", message.message_id);
                self.violate("I7", None, what);
            }
        }
        self.ended(env, batch);
        self.has_cost(env);
    }

    /// The function ended in an error though nothing was done to it.
    pub fn erred(&mut self, words: &str) {
        self.violate("I8", None, format!("the function panicked: {words}"));
    }

    /// A function died of the record whose value is `stamp`, when so many faults had struck: it is tried twice before each
    /// try is counted, thrice at each CRM, and as often again when something else ended a try in order.
    pub fn died_of(&mut self, stamp: &str, fired: u64) {
        let deaths = self.deaths.entry(stamp.to_owned()).or_default();
        *deaths += 1;
        let (deaths, most) = (*deaths, DEATHS + 3 * fired);
        if deaths > most {
            self.violate("I14", None, format!("functions died {deaths} times of {stamp}: at most {most}"));
        }
    }

    /// A line that the functions logged, or any text that people see.
    pub fn read(&mut self, text: &str) {
        let shows = |secret: &String| text.contains(secret.as_str());
        let what = match () {
            () if self.tokens.keys().any(shows) => "a token",
            () if self.secrets.iter().any(shows) => "a refresh token or a client's secret",
            () if text.contains(crate::events::CANARY) => "a record's value",
            () => return,
        };
        self.violate("I16", None, format!("{what} shows: {text}"));
    }
}
