//! The internal system: takes what it is told of CRMs' changes, makes versions of it, and tells of those.

use crate::clock::TestClock;
use async_trait::async_trait;
use rtr_connectors::http::Clock as _;
use rtr_core::config::Target;
use rtr_core::time::Instant;
use rtr_engine::seams::{Courier, Parcel, Undelivered};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A record of the internal system.
#[derive(Debug, Clone, PartialEq)]
pub struct HouseRecord {
    /// Its version.
    pub version: u64,
    /// What it holds; none once it is deleted.
    pub data: Option<Value>,
    /// When it was changed last.
    pub at: Instant,
}

/// What it does with what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// Takes it.
    #[default]
    Takes,
    /// Does not answer.
    Down,
    /// Takes it, and the answer is lost.
    Forgetful,
    /// Answers with this status, as over HTTP.
    Says(u16),
}

/// The system.
#[derive(Debug)]
pub struct MemoryHouse {
    clock: Arc<TestClock>,
    state: Mutex<State>,
}

/// What is in it.
#[derive(Debug, Default)]
pub struct State {
    /// Records, by type and id.
    pub records: BTreeMap<(String, String), HouseRecord>,
    /// What it was told and took, in order.
    pub told: Vec<Value>,
    /// What it was told again.
    pub repeats: u64,
    /// How often it was asked, whatever came of it.
    pub asked: u64,
    /// Its changes, not picked up yet.
    pub events: Vec<Value>,
    /// How it takes what it is told.
    pub mood: Mood,
    /// The member of records that it takes no change of, if any.
    pub refuses: Option<String>,
    /// The record that it takes new ones for, if any.
    pub takes_for: Option<String>,
    answers: BTreeMap<String, Value>,
    made: u64,
}

impl MemoryHouse {
    /// An empty one.
    #[must_use]
    pub fn new(clock: Arc<TestClock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// The state, to look at or to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A change by its own users: these members of the record, in a version of its own.
    pub fn edit(&self, org: &str, record_type: &str, id: &str, change: &Value) {
        let now = self.clock.now();
        self.state().change(org, (record_type, id), Some(change), now);
    }

    /// A record, as it is.
    #[must_use]
    pub fn record(&self, record_type: &str, id: &str) -> Option<HouseRecord> {
        self.state().records.get(&(record_type.to_owned(), id.to_owned())).cloned()
    }

    /// Its changes since it was last asked.
    pub fn take_events(&self) -> Vec<Value> {
        std::mem::take(&mut self.state().events)
    }
}

impl State {
    /// A new version, and the event that tells of it.
    fn change(&mut self, org: &str, of: (&str, &str), change: Option<&Value>, now: Instant) -> u64 {
        let (record_type, id) = of;
        let record = self.records.entry((record_type.to_owned(), id.to_owned())).or_insert(HouseRecord {
            version: 0,
            data: None,
            at: now,
        });
        record.version += 1;
        record.at = now;
        match change {
            Some(change) => {
                let mut data = record.data.take().unwrap_or_else(|| Value::Object(Map::new()));
                merge(&mut data, change);
                record.data = Some(data);
            }
            None => record.data = None,
        }
        let operation = if record.data.is_some() { "upsert" } else { "deleted" };
        self.events.push(json!({
            "org_id": org, "record_type": record_type, "record_id": id, "version": record.version,
            "operation": operation, "occurred_at": now.to_rfc3339(),
            "data": record.data.clone().unwrap_or_else(|| json!({})),
        }));
        record.version
    }

    fn minds(&self, parcel: &Parcel) -> bool {
        let body: Value = serde_json::from_str(&parcel.body).unwrap_or_default();
        self.refuses.as_ref().is_some_and(|name| body["data"].get(name).is_some())
    }

    fn take(&mut self, parcel: &Parcel, now: Instant) -> Value {
        if let Some(answer) = self.answers.get(&parcel.id) {
            self.repeats += 1;
            return answer.clone();
        }
        let body: Value = serde_json::from_str(&parcel.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let (org, record_type) =
            (text("org_id").unwrap_or_default(), text("record_type").unwrap_or_default());
        let id = text("record_id").or_else(|| self.takes_for.clone()).unwrap_or_else(|| {
            self.made += 1;
            format!("made-{}", self.made)
        });
        let change = (body["operation"] != "deleted").then(|| body["data"].clone());
        let version = self.change(&org, (&record_type, &id), change.as_ref(), now);
        self.told.push(body);
        let answer = json!({"record_id": id, "version": version});
        self.answers.insert(parcel.id.clone(), answer.clone());
        answer
    }
}

#[async_trait]
impl Courier for MemoryHouse {
    async fn hand(&self, _: &Target, parcel: &Parcel, timeout_ms: i64) -> Result<Value, Undelivered> {
        self.state().asked += 1;
        let (mood, now) = (self.state().mood, self.clock.now());
        match mood {
            Mood::Takes if self.state().minds(parcel) => Ok(json!({"statusCode": 422})),
            Mood::Takes => Ok(self.state().take(parcel, now)),
            Mood::Says(status) => Ok(json!({"statusCode": status})),
            Mood::Down => {
                self.clock.sleep_ms(timeout_ms).await;
                Err(Undelivered::Later("it does not answer".to_owned()))
            }
            Mood::Forgetful => {
                self.state().take(parcel, now);
                Err(Undelivered::Later("the answer was lost".to_owned()))
            }
        }
    }
}

/// Objects member by member, everything else as a whole.
fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                merge(under.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}
