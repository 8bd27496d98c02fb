//! The internal system: it has records, which its users change; it takes what it is told of CRMs' records, and tells of every
//! version of its own.

use super::books::{State, Taken, theirs};
use super::{Happening, Ways};
use crate::core::{Core, EnvId};
use crate::faults::{Fault, Site};
use crate::kernel::{Promise, held};
use crate::lambda::Happen;
use async_trait::async_trait;
use futures::future::{Either, select};
use rtr_core::config::Target;
use rtr_engine::seams::{Courier, Parcel, Undelivered};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};

/// What gives one message group to two workers at once.
const TWO_WORKERS: [Fault; 2] = [Fault::DeliveredLate, Fault::DeliveredTwice];

/// What a parcel came to.
pub(super) type Told = Result<Value, Undelivered>;

/// Where no changes come back there is nobody to tell.
#[derive(Debug)]
pub struct Nobody;

#[async_trait]
impl Courier for Nobody {
    async fn hand(&self, _: &Target, _: &Parcel, _: i64) -> Told {
        Err(Undelivered::Refused("nobody is there".to_owned()))
    }
}

pub(super) struct Flight {
    answered: bool,
    refused: Option<u16>,
    parcel: Parcel,
    body: Value,
    answer: Arc<Promise<Told>>,
    env: EnvId,
}

/// The internal system.
pub(super) struct House {
    core: Arc<Core>,
    ways: Ways,
    state: Mutex<State>,
    flights: Mutex<BTreeMap<u64, Flight>>,
}

impl House {
    pub(super) fn new(core: &Arc<Core>, ways: Ways) -> Self {
        Self { core: core.clone(), ways, state: Mutex::default(), flights: Mutex::default() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        held(&self.state)
    }

    /// Everything works again.
    pub(super) fn calm(&self) {
        self.state().down_until.clear();
    }

    /// The parcel that arrives now, and what becomes of it.
    pub(super) fn arrive(&self, number: u64) -> Option<(Flight, Option<Taken>)> {
        let flight = held(&self.flights).remove(&number)?;
        let now = self.core.kernel.now();
        let taken = flight.refused.is_none().then(|| self.state().take(&flight.parcel, self.ways, now));
        Some((flight, taken))
    }

    /// Sends what it says on its way back.
    pub(super) fn answer(&self, flight: Flight, taken: Option<&Taken>) {
        let told = match (flight.refused, taken) {
            (Some(status), _) => Ok(json!({"statusCode": status})),
            (None, Some(taken)) => Ok(taken.answer()),
            (None, None) => return,
        };
        let told = if flight.answered { told } else { Err(Undelivered::Later("no answer".to_owned())) };
        let back = self.core.kernel.draw(5..=60);
        self.core.kernel.after(back, Happen::Both(Happening::Replied(flight.answer, told)));
    }

    /// Lets what strikes now strike: in how many milliseconds the parcel arrives, if it does.
    fn strike(&self, flight: &mut Flight, org: &str) -> Option<i64> {
        let core = &self.core;
        let on_its_way = core.kernel.draw(5..=60);
        let now = core.kernel.now();
        let is_down = self.state().down_until.get(org).is_some_and(|until| now < *until);
        if is_down {
            flight.refused = Some(503);
        }
        let Some((fault, how)) = core.chance(Site::House) else { return Some(on_its_way) };
        core.fire(fault);
        match fault {
            Fault::HouseAnswerLost => flight.answered = false,
            Fault::HouseLandsLate => {
                flight.answered = false;
                let cut = Err(Undelivered::Later("the connection was closed".to_owned()));
                core.kernel.after(on_its_way, Happen::Both(Happening::Replied(flight.answer.clone(), cut)));
                return Some(1_000 + i64::from(how % 90_000));
            }
            Fault::HouseNeverCame => {
                let cut = Err(Undelivered::Later("the connection was closed".to_owned()));
                core.kernel.after(on_its_way, Happen::Both(Happening::Replied(flight.answer.clone(), cut)));
                return None;
            }
            Fault::HouseBusy => flight.refused = Some(if how.is_multiple_of(2) { 429 } else { 503 }),
            Fault::HouseRefuses => flight.refused = Some(422),
            _ => {
                flight.refused = Some(503);
                let until = now.plus_ms(i64::from(how % 900_000));
                self.state().down_until.insert(org.to_owned(), until);
            }
        }
        Some(on_its_way)
    }
}

#[async_trait]
impl Courier for House {
    async fn hand(&self, _: &Target, parcel: &Parcel, timeout_ms: i64) -> Told {
        let (core, env) = (&self.core, self.core.env());
        core.steps(env, "told");
        let body: Value = serde_json::from_str(&parcel.body).unwrap_or_default();
        let answer: Arc<Promise<Told>> = Arc::default();
        if let Some(newer) = self.state().hands(&parcel.id, &body) {
            let fired = core.plan().fired().clone();
            // Two workers of one record: nobody knows which of them is the later one.
            if !TWO_WORKERS.iter().any(|fault| fired.contains_key(fault.name())) {
                let what =
                    format!("version {} of {:?} is told after {newer}", body["version"], theirs(&body));
                core.oracle().violate("I31", None, what);
            }
        }
        let parcel = parcel.clone();
        let mut flight =
            Flight { answered: true, refused: None, parcel, body: body.clone(), answer: answer.clone(), env };
        let lands = self.strike(&mut flight, body["org_id"].as_str().unwrap_or_default());
        let number = core.kernel.next();
        core.trace.note(core.kernel.now(), "handed", || format!("#{number} {body} (env {env})"));
        if let Some(ms) = lands {
            held(&self.flights).insert(number, flight);
            core.kernel.after(ms, Happen::Both(Happening::Reaches(number)));
        }
        match select(pin!(answer.kept()), pin!(core.kernel.sleep(timeout_ms))).await {
            Either::Left((told, _)) => told,
            Either::Right(_) => Err(Undelivered::Later("timed out".to_owned())),
        }
    }
}

impl Flight {
    pub(super) fn env(&self) -> EnvId {
        self.env
    }

    pub(super) fn body(&self) -> &Value {
        &self.body
    }

    pub(super) fn refused(&self) -> Option<u16> {
        self.refused
    }
}
