//! What comes to the CRMs, what they answer, and what was written there: the watch is told of all of it.

use crate::lambda::Happen;
use crate::network::{From, Outcome, Purpose, breaker_of};
use crate::place::control;
use crate::scenario::Kind;
use crate::world::World;
use rtr_core::change::{Message, parse};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::time::Instant;
use serde_json::json;

impl World<'_> {
    /// Request `number` arrives at the CRMs, in whatever weather there is for it.
    pub fn arrive(&mut self, number: u64) {
        let Some(flight) = self.network.arrive(number) else { return };
        let now = self.core.kernel.now();
        let effect = self.network.effect(&flight);
        let sets = effect.is_some();
        if let Some(effect) = effect {
            let set = control(&mut self.crm, now.0, "PUT", "/_sandbox/faults", &json!([effect]));
            debug_assert!(set.is_array(), "{set}");
        }
        let starts = flight.job == Some("job start");
        let takes_ms = if starts { self.before_start(&flight) } else { 0 };
        let reply = self.crm.handle(now.0, &flight.request);
        if starts {
            self.after_start(&flight, &reply, takes_ms);
        }
        if sets {
            control(&mut self.crm, now.0, "PUT", "/_sandbox/faults", &json!([]));
        }
        self.core.trace.note(now, "crm", || {
            let body = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            format!(
                "#{number} {} {} {} -> {}",
                flight.request.path,
                reply.status,
                body(&flight.request.body),
                body(&reply.body)
            )
        });
        if reply.body.windows(2).any(|two| two == b"zq") && reply.status >= 400 {
            self.core.shape("Repeated");
        }
        self.note_flight(Some(&flight));
        self.watch_landings();
        self.note_flight(None);
        self.core.oracle().replied(&flight, reply.status, &reply.body);
        if let Some(due) = self.crm.next_due() {
            self.core.kernel.at(Instant(due), Happen::Lands);
        }
        self.network.answer(flight, reply);
    }

    /// Tells the watch of what was written at the CRMs since it last looked.
    pub fn watch_landings(&mut self) {
        for change in self.crm.changes() {
            self.core.trace.note(self.core.kernel.now(), "landed", || format!("{change:?}"));
            self.landed_both(&change);
            let (records, queue) = (&self.records, &self.queue);
            let now = self.core.kernel.now();
            let key = |kind: Kind, id: &str| RecordKey::new(&change.account, kind.name(), id);
            self.core.oracle().landed(
                now,
                &change,
                |kind, id| {
                    let connection = ConnectionKey::new(&change.account, &change.provider);
                    records.item(&PairKey::new(&key(kind, id), &connection))
                },
                |kind, id| newest_of(&key(kind, id), queue.state().dead_letter.bodies()),
            );
        }
    }

    /// An environment hears from a CRM that it wants a rest.
    pub fn told(&self, outcome: &Outcome, from: From) {
        if from.purpose != Purpose::Token {
            let breaker = breaker_of(&self.limits, &from.at.0, &from.at.1);
            let now = self.core.kernel.now();
            self.core.oracle().heard(now, from.env, &from.at, outcome, &breaker);
        }
        if let Ok(response) = outcome
            && is_for_a_limit(response.status, &response.body)
            && let Some(diary) = &mut self.core.oracle().diary
        {
            diary.refused.entry(from.at.1.clone()).or_default().push(self.core.kernel.now());
        }
        // Tokens are given out by another service, which has its own rests; and a clock that is off counts a rest wrongly.
        if let Ok(response) = outcome
            && self.core.skew(from.env) == 0
            && from.purpose != Purpose::Token
            && matches!(response.status, 429 | 503)
            && let Some(seconds) = response.header("retry-after").and_then(|text| text.parse().ok())
        {
            self.core.oracle().rest(self.core.kernel.now(), from.env, from.at, from.part, seconds);
        }
    }
}

/// Whether an answer refuses a call for a limit: Salesforce has words for that, and another status.
fn is_for_a_limit(status: u16, body: &[u8]) -> bool {
    let words = b"REQUEST_LIMIT_EXCEEDED";
    status == 429 || status == 403 && body.windows(words.len()).any(|part| part == words)
}

/// The newest version of `key` among messages.
fn newest_of<'a>(key: &RecordKey, bodies: impl Iterator<Item = &'a str>) -> Option<u64> {
    let changes = bodies.filter_map(|body| match parse(body) {
        Ok(Message::Change(change)) if change.key == *key => Some(change.version),
        _ => None,
    });
    changes.max()
}
