//! What accounts tell others of their changes: webhooks. What waits, what is under way and what becomes of it is all decided
//! here; nothing is sent. Whoever owns the network takes what is due ([`Sandbox::pushes`]), sends it, and says how that
//! ended ([`Sandbox::pushed`]).
//!
//! [`address`] where to · [`vendor`] what a vendor brings · [`log`] what was sent

pub(crate) mod address;
mod log;
pub(crate) mod vendor;

use crate::faults::{Effect, FaultSet, Mishap, PUSH, Target};
use crate::provider::Crm;
use crate::sandbox::Sandbox;
use address::Address;
use log::{Attempt, Log, Outcome};
use serde_json::Value;
use std::collections::BTreeMap;
use vendor::{Author, News};

/// No vendor tells more in one push.
const MAX_NEWS: usize = 100;

/// A push that is due, to be sent by POST. Its `Debug` shows no part of it: the URL may hold a secret.
#[derive(Clone)]
pub struct Push {
    /// By this [`Sandbox::pushed`] knows it.
    pub id: u64,
    /// Where to, with all that belongs to it.
    pub url: String,
    /// Headers, without `host` and `content-length`.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// How long the vendor waits for the answer.
    pub timeout_ms: u64,
}

impl std::fmt::Debug for Push {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Push({}, {} bytes)", self.id, self.body.len())
    }
}

/// How far a push is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody has looked at it: more news may join it, and faults may strike it.
    Fresh,
    /// It waits for its time.
    Waiting,
    /// It waits until another one of its address has gone, or for its time.
    Behind,
    /// It is under way.
    Sending,
}

/// What is told to one address at once.
#[derive(Clone)]
struct Parcel {
    id: u64,
    address: u64,
    news: Vec<News>,
    attempt: u32,
    due: i64,
    state: State,
    faults: Vec<String>,
}

/// Every address, and what is still to be told.
#[derive(Clone, Default)]
pub(crate) struct Pushes {
    addresses: Vec<Address>,
    parcels: Vec<Parcel>,
    log: Log,
    last: u64,
    /// Whether any account has ever noted what becomes of its records.
    heard: bool,
}

impl Pushes {
    pub(crate) fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Replaces the addresses of every account that is named; given none, removes all. What waits for one that goes is dropped.
    pub(crate) fn replace(&mut self, new: Vec<Address>) {
        if new.is_empty() {
            self.addresses.clear();
        }
        self.addresses.retain(|old| !new.iter().any(|one| one.is_of(&old.provider, &old.account)));
        self.heard |= !new.is_empty();
        self.addresses.extend(new);
        self.drop_homeless();
    }

    /// Removes the addresses of the accounts that `gone` holds for.
    pub(crate) fn remove(&mut self, gone: impl Fn(&str, &str) -> bool) {
        self.addresses.retain(|address| !gone(&address.provider, &address.account));
        self.drop_homeless();
    }

    /// Removes addresses, and what was sent to them too.
    pub(crate) fn forget(&mut self, gone: impl Fn(&str, &str) -> bool + Copy) {
        self.remove(gone);
        self.log.forget(gone);
    }

    fn drop_homeless(&mut self) {
        let addresses = &self.addresses;
        self.parcels.retain(|parcel| addresses.iter().any(|address| address.number == parcel.address));
    }

    /// The addresses, without their secrets.
    pub(crate) fn view(&self) -> Vec<Value> {
        let waiting = |number| self.parcels.iter().filter(|parcel| parcel.address == number).count();
        self.addresses.iter().map(|address| address.view(waiting(address.number))).collect()
    }

    /// Attempts after a sequence number that `wanted` holds for.
    pub(crate) fn since(&self, seq: u64, bodies: bool, wanted: impl Fn(&str, &str) -> bool) -> Vec<Value> {
        self.log.since(seq, bodies, wanted)
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.log.last_seq()
    }

    /// Puts news into what waits for each address of the account.
    fn tell(&mut self, (provider, account): (&str, &str), news: &[News], crm: &dyn Crm, now: i64) {
        let numbers: Vec<(u64, Option<String>)> = self
            .addresses
            .iter()
            .filter(|address| address.is_of(provider, account))
            .map(|address| (address.number, address.object.clone()))
            .collect();
        for (address, object) in numbers {
            for one in news.iter().filter(|one| object.as_ref().is_none_or(|object| *object == one.object)) {
                let last = self.parcels.iter_mut().rev().find(|parcel| parcel.address == address);
                let room = last.filter(|parcel| {
                    parcel.state == State::Fresh
                        && parcel.news.len() < MAX_NEWS
                        && parcel.news.last().is_none_or(|other| crm.is_together(other, one))
                });
                if let Some(parcel) = room {
                    parcel.news.push(one.clone());
                    continue;
                }
                let (id, news, faults) = (self.next_number(), vec![one.clone()], Vec::new());
                self.parcels.push(Parcel {
                    id,
                    address,
                    news,
                    attempt: 0,
                    due: now,
                    state: State::Fresh,
                    faults,
                });
            }
        }
    }

    /// The next parcel that may go: the earliest that is due, where fewer are under way than the vendor allows.
    fn next(&self, now: i64, at_once: &BTreeMap<u64, usize>) -> Option<usize> {
        let under_way = |address: u64| {
            let sent = |parcel: &&Parcel| parcel.address == address && parcel.state == State::Sending;
            self.parcels.iter().filter(sent).count()
        };
        let may_go = |parcel: &Parcel| {
            parcel.state != State::Sending
                && parcel.due <= now
                && at_once.get(&parcel.address).is_some_and(|most| under_way(parcel.address) < *most)
        };
        let found = self.parcels.iter().enumerate().filter(|(_, parcel)| may_go(parcel));
        found.min_by_key(|(_, parcel)| (parcel.due, parcel.id)).map(|(at, _)| at)
    }

    /// Sends the parcel, or does with it what a fault says: none when it does not go now.
    fn send(&mut self, at: usize, now: i64, crm: &dyn Crm, faults: &mut FaultSet) -> Option<Push> {
        let parcel = self.parcels.get_mut(at)?;
        let address = self.addresses.iter().find(|address| address.number == parcel.address)?;
        let mut message = crm.message(address, &parcel.news, parcel.attempt, now);
        if parcel.state == State::Fresh {
            let target = Target {
                provider: &address.provider,
                account: &address.account,
                method: PUSH,
                path: &address.url,
                body: &message.body,
                writes: true,
            };
            let (names, mishaps): (Vec<String>, Vec<Effect>) = faults.take(&target, now).into_iter().unzip();
            parcel.faults = names;
            let strikes = |wanted: &dyn Fn(&Mishap) -> bool| {
                mishaps.iter().any(|effect| matches!(effect, Effect::Push(mishap) if wanted(mishap)))
            };
            if strikes(&|mishap| *mishap == Mishap::Lost) {
                let Parcel { id, attempt, news, faults, .. } = &*parcel;
                let of = Attempt { push: *id, attempt: *attempt, address, news, faults, body: &message.body };
                self.log.begin(now, &of, Outcome::Lost);
                self.parcels.remove(at);
                return None;
            }
            parcel.state = State::Waiting;
            for effect in &mishaps {
                match effect {
                    Effect::Push(Mishap::Late(ms)) => parcel.due += ms,
                    Effect::Push(Mishap::Behind(ms)) => {
                        parcel.news.reverse();
                        (parcel.state, parcel.due) = (State::Behind, parcel.due + ms);
                        message = crm.message(address, &parcel.news, parcel.attempt, now);
                    }
                    _ => {}
                }
            }
            if strikes(&|mishap| *mishap == Mishap::Twice) {
                self.last += 1;
                let again = Parcel { id: self.last, state: State::Waiting, ..parcel.clone() };
                self.parcels.push(again);
            }
        }
        let parcel = self.parcels.get_mut(at)?;
        if parcel.due > now {
            return None;
        }
        parcel.state = State::Sending;
        let Parcel { id, attempt, news, faults, .. } = &*parcel;
        let of = Attempt { push: *id, attempt: *attempt, address, news, faults, body: &message.body };
        self.log.begin(now, &of, Outcome::Sending);
        let (id, number) = (*id, address.number);
        // What was to go behind another one follows it.
        for other in &mut self.parcels {
            if other.address == number && other.state == State::Behind {
                (other.state, other.due) = (State::Waiting, now);
            }
        }
        let timeout_ms = crm.patience().timeout_ms;
        Some(Push { id, url: message.url, headers: message.headers, body: message.body, timeout_ms })
    }

    /// What became of a push.
    fn ended(&mut self, id: u64, now: i64, answer: Option<(u16, bool)>, waits_ms: &[i64]) {
        let status = answer.map(|(status, _)| status);
        let outcome = match answer {
            Some((_, true)) => Outcome::Acknowledged,
            Some((_, false)) => Outcome::Refused,
            None => Outcome::Unanswered,
        };
        let Some(at) = self.parcels.iter().position(|parcel| parcel.id == id) else {
            return self.log.end(id, outcome, status, None);
        };
        let attempt = self.parcels.get(at).map_or(0, |parcel| parcel.attempt);
        let wait = usize::try_from(attempt).ok().and_then(|at| waits_ms.get(at));
        let again = wait.filter(|_| outcome != Outcome::Acknowledged).map(|ms| now + ms);
        self.log.end(id, outcome, status, again);
        match (again, self.parcels.get_mut(at)) {
            (Some(due), Some(parcel)) => {
                (parcel.state, parcel.due, parcel.attempt) = (State::Waiting, due, attempt + 1);
            }
            _ => drop(self.parcels.remove(at)),
        }
    }

    /// Whose the push is.
    fn owner(&self, id: u64) -> Option<(String, String)> {
        let parcel = self.parcels.iter().find(|parcel| parcel.id == id)?;
        let address = self.addresses.iter().find(|address| address.number == parcel.address)?;
        Some((address.provider.clone(), address.account.clone()))
    }

    fn is_idle(&self) -> bool {
        self.addresses.is_empty() && self.parcels.is_empty()
    }
}

impl Sandbox {
    /// The pushes that are due by this time, in the order in which they leave. Each has to be told of by [`Sandbox::pushed`].
    pub fn pushes(&mut self, now_ms: i64) -> Vec<Push> {
        if self.pushes.is_idle() {
            return Vec::new();
        }
        let Self { accounts, pushes, faults, .. } = self;
        let crm = |pushes: &Pushes, number: u64| {
            let address = pushes.addresses.iter().find(|address| address.number == number)?;
            let account = accounts.get(&(address.provider.clone(), address.account.clone()))?;
            Some(account.crm.as_ref())
        };
        let at_once: BTreeMap<u64, usize> = pushes
            .addresses
            .iter()
            .filter_map(|address| Some((address.number, crm(pushes, address.number)?.patience().at_once)))
            .collect();
        let mut due = Vec::new();
        while let Some(at) = pushes.next(now_ms, &at_once) {
            let number = pushes.parcels.get(at).map_or(0, |parcel| parcel.address);
            let Some(crm) = crm(pushes, number) else { break };
            due.extend(pushes.send(at, now_ms, crm, faults));
        }
        due
    }

    /// How a push ended: the answer's status and body, or none when there was no answer in time.
    pub fn pushed(&mut self, now_ms: i64, id: u64, answer: Option<(u16, &[u8])>) {
        let account = self.pushes.owner(id).and_then(|owner| self.accounts.get(&owner));
        let (told, waits_ms) = match account {
            Some(account) => (
                answer.map(|(status, body)| (status, account.crm.is_acknowledged(status, body))),
                account.crm.patience().waits_ms,
            ),
            // Its address was removed meanwhile.
            None => (answer.map(|(status, _)| (status, (200..300).contains(&status))), Vec::new()),
        };
        self.pushes.ended(id, now_ms, told, &waits_ms);
    }

    /// When the next push is due that is not under way.
    pub fn next_push(&self) -> Option<i64> {
        let parcels = self.pushes.parcels.iter().filter(|parcel| parcel.state != State::Sending);
        parcels.map(|parcel| parcel.due).min()
    }

    /// Passes on what became of records since this was last called; without an author nobody is told.
    pub(crate) fn hear(&mut self, now: i64, author: Option<Author>) {
        // What was noted is taken even where nobody is told any more: it would be told to whoever comes next.
        if !self.pushes.heard {
            return;
        }
        for ((provider, account), held) in &mut self.accounts {
            let news = held.crm.news(author.unwrap_or(Author::Integration), now);
            if author.is_some() && !news.is_empty() {
                self.pushes.tell((provider, account), &news, held.crm.as_ref(), now);
            }
        }
    }
}
