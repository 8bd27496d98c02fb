//! What is seen at the CRMs: whose token and whose values a request carries, and what each landing makes of a record.

use super::{At, External, Oracle};
use crate::events::read_stamp;
use crate::faults::Fault;
use crate::network::{Flight, Purpose};
use crate::place::names;
use crate::scenario::{Kind, Sent};
use rtr_core::breaker::Breaker;
use rtr_core::code::Code;
use rtr_core::item::Item;
use rtr_core::time::Instant;
use rtr_sandbox::Change;
use serde_json::Value;
use std::collections::BTreeMap;

/// What may cost a connection its tokens: a person, or what comes between a new token and its storing, or lets two
/// environments renew at once.
const CAUSES: &[Fault] = &[
    Fault::TokenRevoked,
    Fault::RefreshLost,
    Fault::RefreshDown,
    Fault::SecretDown,
    Fault::SecretWriteLost,
    Fault::SecretWriteDown,
    Fault::Killed,
    Fault::Failed,
    Fault::OutOfMemory,
    Fault::Frozen,
    Fault::NoTime,
    Fault::CrmSlow,
    Fault::ClockSteps,
    Fault::TablesDown,
    Fault::LimitsDown,
    Fault::LimitDown,
    Fault::LimitLost,
];

/// Whether two states of a record differ in nothing but when it was written.
fn same(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> bool {
    let of = |values: &BTreeMap<String, String>| {
        let lasting = values.iter().filter(|(name, _)| !name.contains("modified"));
        lasting.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>()
    };
    of(one) == of(other)
}

/// A request lands within so long, or never.
const REQUEST_LIFE_MS: i64 = 120_000;

/// Whether a version that the queue gave up was filed while a request of an older one was under way.
fn was_filed(item: &Item, version: u64, now: Instant) -> bool {
    item.dead().is_some_and(|dead| {
        dead.reason.code == Code::NativeDeadLetter
            && dead.wanted_version >= version
            && now.since_ms(dead.since) <= REQUEST_LIFE_MS
    })
}

impl Oracle {
    /// A token that `provider` gave out for `account`.
    pub fn token(&mut self, token: &str, provider: &str, account: &str) {
        self.tokens.insert(token.to_owned(), (provider.to_owned(), account.to_owned()));
    }

    /// A secret that opens nothing by itself, and may show nowhere all the same.
    pub fn secret(&mut self, text: &str) {
        self.secrets.insert(text.to_owned());
    }

    /// A connection is suspended: somebody revoked its tokens, or something stood in the way of keeping the new ones.
    pub fn suspended(&mut self, connection: &str, fired: &BTreeMap<&'static str, u64>) {
        // A private app's token is for ever, or not at all.
        let fixed = connection == "acme#hubspot" && fired.contains_key(Fault::TokenExpires.name());
        // A function that died of a record may have died of it between a new token and its storing.
        let died = fired.contains_key("Deadly");
        if !fixed && !died && !CAUSES.iter().any(|cause| fired.contains_key(cause.name())) {
            self.violate(
                "I13",
                None,
                format!("{connection} is suspended, and nothing was wrong with its tokens"),
            );
        }
    }

    /// A request that is sent, while the connection's breaker stands as `breaker`.
    pub fn sent(&mut self, now: Instant, skew_ms: i64, flight: &Flight, breaker: &Breaker) {
        let at: At = (flight.provider.clone(), flight.account.clone());
        match flight.purpose {
            Purpose::Token => *self.token_calls_of.entry(flight.env).or_default() += 1,
            _ if flight.job.is_some() => *self.job_calls_of.entry(flight.env).or_default() += 1,
            _ => *self.calls_of.entry((flight.env, at.clone())).or_default() += 1,
        }
        let bearer =
            flight.request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let Some(token) = bearer.and_then(|(_, value)| value.strip_prefix("Bearer "))
            && self.tokens.get(token) != Some(&at)
        {
            let whose = self
                .tokens
                .get(token)
                .map_or("nobody".to_owned(), |(provider, org)| format!("{provider} of {org}"));
            self.violate("I17", None, format!("a request to {} of {} with the token of {whose}", at.0, at.1));
        }
        if flight.purpose == Purpose::Write {
            let body = String::from_utf8_lossy(&flight.request.body);
            for other in crate::scenario::ORGS.iter().filter(|org| **org != at.1) {
                if body.contains(&format!("zq:{other}:")) {
                    self.violate(
                        "I17",
                        None,
                        format!("a value of {other} is sent to the account of {}", at.1),
                    );
                }
            }
        }
        if flight.purpose != Purpose::Token {
            if let Some(diary) = &mut self.diary {
                diary.called.entry(at.1.clone()).or_default().push(now);
            }
            self.calls(flight.env, &flight.request);
            self.keeps_rests(now, skew_ms, flight.env, &at, flight.part);
            self.keeps_limits(now, flight.env, &at, flight.part);
            self.keeps_breaker(now, flight.env, &at, breaker);
            self.keeps_pauses(now, flight.env, &at);
        }
        if flight.purpose == Purpose::Write && flight.job.is_none() {
            self.keeps_jobs(now, &at, &flight.request);
        }
    }

    /// What the CRM answered: tokens that it gave out.
    pub fn replied(&mut self, flight: &Flight, status: u16, body: &[u8]) {
        if let Some(step) = flight.job {
            self.job_call(flight, step, status, body);
        }
        if flight.purpose != Purpose::Token {
            return;
        }
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(token) = answer["access_token"].as_str() {
            self.token(token, &flight.provider, &flight.account);
        }
        if let Some(token) = answer["refresh_token"].as_str() {
            self.secret(token);
        }
    }

    /// A record of a CRM was written by a request of ours. `item` is what is durable of its record at this moment, and
    /// `given_up` the newest version of it that the queue gave up and nobody has filed yet.
    pub fn landed(
        &mut self,
        at_time: Instant,
        change: &Change,
        item: impl FnOnce(Kind, &str) -> Item,
        given_up: impl FnOnce(Kind, &str) -> Option<u64>,
    ) {
        let at: At = (change.provider.clone(), change.account.clone());
        let place = (at.clone(), change.object.clone(), change.id.clone());
        let kind = [Kind::Contact, Kind::Company, Kind::Deal]
            .into_iter()
            .find(|kind| names(*kind, &change.provider).0.eq_ignore_ascii_case(&change.object));
        let (Some(kind), Some(values)) = (kind, &change.values) else {
            if let Some(known) = self.external.get_mut(&place) {
                let was_live = std::mem::replace(&mut known.live, false);
                let theirs = kind.is_some_and(|kind| {
                    self.touched.contains(&format!("{}/{}/{}", change.account, kind.name(), known.key))
                });
                self.landings += u64::from(was_live && !theirs);
            }
            return;
        };
        let (_, stamped, keyed) = names(kind, &change.provider);
        let key = values.get(keyed).cloned().unwrap_or_default();
        let record = format!("{}/{}/{key}", change.account, kind.name());
        let now = External { key: key.clone(), live: true, values: values.clone() };
        let before = self.external.insert(place.clone(), now);
        let new = before.is_none();
        // What somebody merged or deleted by hand is theirs.
        if self.touched.contains(&record) {
            return;
        }
        self.landings += u64::from(before.is_none_or(|before| !before.live || !same(&before.values, values)));
        if key.is_empty() {
            return;
        }
        let twins = self.external.iter().filter(|((to, object, _), one)| {
            *to == at && *object == change.object && one.live && one.key == key
        });
        if twins.count() > 1 {
            self.violate(
                "I3",
                Some(record.clone()),
                format!("{record} has two records at {}", change.provider),
            );
        }
        let item = item(kind, &key);
        if new && kind == Kind::Deal && item.intent.is_none() {
            self.violate("I11", Some(record.clone()), format!("{record} was made without a durable intent"));
        }
        let Some((org, of, id, version)) = values.get(stamped).and_then(|value| read_stamp(value)) else {
            return;
        };
        if (org, of) != (change.account.as_str(), kind.name()) {
            self.violate("I17", Some(record.clone()), format!("{record} holds a value of {org}/{of}/{id}"));
        }
        if id != key {
            self.violate("I4", Some(record.clone()), format!("{record} holds the value of {id}"));
        }
        let is_unsure = self.is_unsure(&record, &item);
        let highest = self.highest.entry((change.provider.clone(), record.clone())).or_default();
        if version < *highest {
            // The newer one landed without a trace, and its message is given up: who sends the older one late, or again, may be
            // told.
            let of = |version| (record.clone(), version);
            let late = self.produced_last.get(&of(version)) >= self.produced_at.get(&of(*highest));
            let sent_again = self.accepted.iter().any(|(one, versions)| {
                one.to_string() == record
                    && versions.get(&version).is_some_and(|event| event.sent != Sent::Once)
            });
            let unknown = given_up(kind, &key) >= Some(*highest) || was_filed(&item, *highest, at_time);
            if (late || sent_again) && unknown || is_unsure {
                return;
            }
            let what = format!("{record}: version {version} landed at {} after {highest}", change.provider);
            self.violate("I2", Some(record.clone()), what);
            return;
        }
        *highest = version;
        self.took(at_time, &change.account, &record, version);
        if item.applied_version.is_some_and(|applied| applied > version) {
            let which = if item.deleted { "I23" } else { "I2" };
            let what = format!(
                "{record}: version {version} landed at {} when {:?} was applied{}",
                change.provider,
                item.applied_version,
                if item.deleted { " and deleted" } else { "" }
            );
            self.violate(which, Some(record), what);
        }
    }

    /// The queue gave a version of `record` up.
    pub fn queue_gives_up(&mut self, record: &str, version: u64) {
        self.given_up.insert((record.to_owned(), version));
    }

    /// Whether what `provider` was told of `record` last is an older version than `newest` that the queue gave up: it may
    /// have landed without a trace, and `newest`, that says what had been recorded before it, be taken as unchanged.
    pub(super) fn was_given_up(&self, provider: &str, record: &str, newest: u64) -> bool {
        let last = self.highest.get(&(provider.to_owned(), record.to_owned()));
        last.is_some_and(|last| *last < newest && self.given_up.contains(&(record.to_owned(), *last)))
    }

    /// A record of a CRM was changed by a person, which is no trouble.
    pub fn mirror(&mut self, change: &Change) {
        let at: At = (change.provider.clone(), change.account.clone());
        let kind = [Kind::Contact, Kind::Company, Kind::Deal]
            .into_iter()
            .find(|kind| names(*kind, &change.provider).0.eq_ignore_ascii_case(&change.object));
        let Some(kind) = kind else { return };
        let place = (at, change.object.clone(), change.id.clone());
        let values = change.values.clone().unwrap_or_default();
        let key = values.get(names(kind, &change.provider).2).cloned().unwrap_or_default();
        self.external.insert(place, External { key, live: change.values.is_some(), values });
    }

    /// A record of a CRM was written by somebody else.
    pub fn changed_by_others(&mut self, change: &Change) {
        let place =
            ((change.provider.clone(), change.account.clone()), change.object.clone(), change.id.clone());
        let known = self.external.get(&place).map(|known| known.key.clone()).unwrap_or_default();
        let kind = [Kind::Contact, Kind::Company, Kind::Deal]
            .into_iter()
            .find(|kind| names(*kind, &change.provider).0.eq_ignore_ascii_case(&change.object));
        let Some(kind) = kind else { return };
        let key = change.values.as_ref().and_then(|values| values.get(names(kind, &change.provider).2));
        self.meddled.insert(place.0.clone());
        for key in [Some(&known), key].into_iter().flatten().filter(|key| !key.is_empty()) {
            self.touched.insert(format!("{}/{}/{key}", change.account, kind.name()));
        }
        let values = change.values.clone().unwrap_or_default();
        let key = key.cloned().unwrap_or(known);
        self.external.insert(place, External { key, live: change.values.is_some(), values });
    }

    /// The records that live at `provider`'s `account`: object, id, key.
    pub fn live(&self, provider: &str, account: &str) -> Vec<(String, String, String)> {
        let here =
            self.external.iter().filter(|((at, _, _), one)| at.0 == provider && at.1 == account && one.live);
        here.map(|((_, object, id), one)| (object.clone(), id.clone(), one.key.clone())).collect()
    }

    /// The ids that the CRMs gave each record, `org/type/id`.
    pub fn external_ids(&self) -> BTreeMap<String, Vec<String>> {
        let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (((provider, account), object, id), one) in &self.external {
            let kind = [Kind::Contact, Kind::Company, Kind::Deal]
                .into_iter()
                .find(|kind| names(*kind, provider).0.eq_ignore_ascii_case(object));
            if let Some(kind) = kind {
                ids.entry(format!("{account}/{}/{}", kind.name(), one.key)).or_default().push(id.clone());
            }
        }
        ids
    }

    /// The records that live there with our `key`: ids and values.
    pub fn held(
        &self,
        provider: &str,
        account: &str,
        object: &str,
        key: &str,
    ) -> Vec<(String, BTreeMap<String, String>)> {
        // By the key first: it tells most of them apart.
        let here = self.external.iter().filter(|((at, of, _), one)| {
            one.key == key
                && one.live
                && at.0 == provider
                && at.1 == account
                && of.eq_ignore_ascii_case(object)
        });
        here.map(|((_, _, id), one)| (id.clone(), one.values.clone())).collect()
    }
}
