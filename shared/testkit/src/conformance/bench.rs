//! A connector on the bench: the real one over a real session, against the sandbox's core, on a clock that only moves
//! when somebody waits.

use super::profile::{CANARY, Profile};
use crate::clock::TestClock;
use crate::crm::SandboxHttp;
use futures::executor::block_on;
use rtr_connectors::connector::{Fields, Found, Kind, Lookup, LookupBy, Outcome, WriteCall, WriteItem};
use rtr_connectors::http::{Clock, Response};
use rtr_connectors::registry::{self, Connector};
use rtr_connectors::session::{Reserved, Retries, Session, Tape};
use rtr_core::failure::{Class, Failure};
use rtr_core::mapping::Patch;
use rtr_core::time::Instant;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// When the clock begins.
const BEGIN_MS: i64 = 1_795_000_000_000;
/// The time one invocation has, in milliseconds: enough that only the cases about deadlines meet it.
const INVOCATION_MS: i64 = 600_000;
/// The account at the sandbox.
pub(super) const ACCOUNT: &str = "bench";

/// The bench.
pub struct Bench<'p> {
    /// What is told of the vendor.
    pub profile: &'p Profile,
    /// The connector.
    pub connector: Connector,
    /// Its clock.
    pub clock: Arc<TestClock>,
    /// The vendor.
    pub crm: SandboxHttp,
    pub(super) deadline: AtomicI64,
    pub(super) token: Mutex<String>,
    pub(super) renewals: AtomicUsize,
    pub(super) revoked: AtomicBool,
    pub(super) blocks: Mutex<Vec<(String, Instant)>>,
    pub(super) canned: Mutex<Option<Response>>,
    pub(super) sent: Mutex<Vec<String>>,
    mark: AtomicUsize,
}

impl std::fmt::Debug for Bench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").field("provider", &self.profile.provider).finish_non_exhaustive()
    }
}

impl<'p> Bench<'p> {
    /// A new account of the vendor, with our key on the object.
    #[must_use]
    pub fn new(profile: &'p Profile) -> Self {
        let bench = Self::bare(profile);
        if !profile.key_is_there {
            let made = block_on(bench.connector.create_key(&bench.session(), profile.object, profile.key));
            assert_eq!(made, Ok(()), "the connector makes its key property");
        }
        bench.forget_calls();
        bench
    }

    /// The same without our key.
    #[must_use]
    pub fn bare(profile: &'p Profile) -> Self {
        let connector = registry::by_name(profile.provider);
        assert!(connector.is_some(), "{} is registered", profile.provider);
        let connector = connector.unwrap_or(registry::ALL[0]);
        let clock = Arc::new(TestClock::at(BEGIN_MS));
        let crm = SandboxHttp::new(clock.clone());
        let token = crm.token_of(profile.provider, ACCOUNT);
        Self {
            profile,
            connector,
            clock,
            crm,
            deadline: AtomicI64::new(BEGIN_MS + INVOCATION_MS),
            token: Mutex::new(token),
            renewals: AtomicUsize::new(0),
            revoked: AtomicBool::new(false),
            blocks: Mutex::default(),
            canned: Mutex::default(),
            sent: Mutex::default(),
            mark: AtomicUsize::new(0),
        }
    }

    /// The connection, opened as the functions open it.
    #[must_use]
    pub fn session(&self) -> Session<'_> {
        Session {
            http: self,
            clock: self.clock.as_ref(),
            gate: self,
            auth: self,
            deadline: Instant(self.deadline.load(Ordering::SeqCst)),
            call_timeout_ms: self.connector.capabilities().call_timeout_ms,
            retries: Retries::default(),
            reserved: Reserved::default(),
            classify: self.connector.classify(),
            quota: self.connector.quota(),
            tape: Tape::default(),
        }
    }

    /// Gives the invocation so many milliseconds from now.
    pub fn time_left(&self, ms: i64) {
        self.deadline.store(self.clock.now().0 + ms, Ordering::SeqCst);
    }

    /// Writes `items`, given as id and fields, and checks what holds for every write: one outcome each, and no value of a
    /// record in our own words.
    pub fn write(&self, kind: Kind, items: Vec<(String, Fields)>) -> Vec<Outcome> {
        let count = items.len();
        let item =
            |(n, (id, fields)): (usize, (String, Fields))| WriteItem { id, fields, trace: format!("t{n}") };
        let items = items.into_iter().enumerate().map(item).collect();
        let call = WriteCall { object: self.profile.object.to_owned(), kind, items };
        let outcomes = block_on(self.connector.write(&self.session(), &call));
        assert_eq!(outcomes.len(), count, "one outcome for each item, in their order");
        for failure in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert_discreet(failure);
        }
        outcomes
    }

    /// Writes one.
    pub fn write_one(&self, kind: Kind, id: &str, fields: Fields) -> Outcome {
        let unsaid = || Err(Failure::new(Class::OutcomeUnknown, "no outcome"));
        self.write(kind, vec![(id.to_owned(), fields)]).pop().unwrap_or_else(unsaid)
    }

    /// By our key.
    #[must_use]
    pub fn upsert(&self) -> Kind {
        Kind::Upsert { property: self.profile.key.to_owned() }
    }

    /// Makes record number `n` under the key `key`, and gives its id.
    pub fn make(&self, n: usize, key: &str) -> String {
        let outcome = self.write_one(self.upsert(), key, (self.profile.fields)(n));
        assert!(outcome.is_ok(), "{outcome:?}");
        outcome.map(|written| written.external_id).unwrap_or_default()
    }

    /// Finds records.
    ///
    /// # Errors
    /// The failure of the call.
    pub fn lookup(&self, property: &str, by: LookupBy, values: &[String]) -> Result<Vec<Found>, Failure> {
        let lookup = Lookup {
            object: self.profile.object.to_owned(),
            property: property.to_owned(),
            by,
            values: values.to_vec(),
            also: Some(self.profile.key.to_owned()),
        };
        let found = block_on(self.connector.lookup(&self.session(), &lookup));
        if let Err(failure) = &found {
            assert_discreet(failure);
        }
        found
    }

    /// What the vendor holds of the object.
    #[must_use]
    pub fn records(&self) -> Vec<Value> {
        self.crm.records_of(self.profile.provider, ACCOUNT, self.profile.object)
    }

    /// The record of this id.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<Value> {
        self.records().into_iter().find(|record| record["id"] == id)
    }

    /// The value that the record of this id has.
    #[must_use]
    pub fn value(&self, id: &str, property: &str) -> Option<String> {
        self.record(id).and_then(|record| value_of(&record, property))
    }

    /// Sets the account's faults; those before are over.
    pub fn faults(&self, faults: &[Value]) {
        let of_account = |fault: &Value| {
            let mut fault = fault.clone();
            fault["provider"] = json!(self.profile.provider);
            fault["account"] = json!(ACCOUNT);
            fault
        };
        let query = format!("provider={}&account={ACCOUNT}", self.profile.provider);
        self.crm.control("DELETE", &format!("/_sandbox/faults?{query}"), &Value::Null);
        let faults: Vec<Value> = faults.iter().map(of_account).collect();
        let set = self.crm.control("PUT", "/_sandbox/faults", &json!(faults));
        assert!(set.is_array(), "{set}");
    }

    /// One fault.
    pub fn fault(&self, fault: Value) {
        self.faults(&[fault]);
    }

    /// Does at the vendor what is beyond its API: an action of the sandbox's control interface.
    pub fn act(&self, mut action: Value) -> Value {
        action["provider"] = json!(self.profile.provider);
        action["account"] = json!(ACCOUNT);
        self.crm.control("POST", "/_sandbox/actions", &action)
    }

    /// Asks the vendor itself, as a person with a token of the account would.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/{}/{ACCOUNT}{path}", self.profile.provider);
        self.crm.ask(method, &path, &self.crm.token_of(self.profile.provider, ACCOUNT), body)
    }

    /// The number of requests sent since the last [`Bench::forget_calls`], by the connector and nobody else.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.sent.lock().map_or(0, |sent| sent.len()) - self.mark.load(Ordering::SeqCst)
    }

    /// Counts calls from here.
    pub fn forget_calls(&self) {
        self.mark.store(self.sent.lock().map_or(0, |sent| sent.len()), Ordering::SeqCst);
    }

    /// How often the first request since then was sent: more than once is again.
    #[must_use]
    pub fn times_sent(&self) -> usize {
        let sent = self.sent();
        let own = sent.get(self.mark.load(Ordering::SeqCst)..).unwrap_or_default();
        own.iter().filter(|request| Some(*request) == own.first()).count()
    }

    /// Every request that was sent, as method and URL.
    #[must_use]
    pub fn sent(&self) -> Vec<String> {
        self.sent.lock().map(|sent| sent.clone()).unwrap_or_default()
    }

    /// What the gate was told to block, and until when.
    #[must_use]
    pub fn blocks(&self) -> Vec<(String, Instant)> {
        self.blocks.lock().map(|blocks| blocks.clone()).unwrap_or_default()
    }

    /// How often new credentials were asked for.
    #[must_use]
    pub fn renewals(&self) -> usize {
        self.renewals.load(Ordering::SeqCst)
    }

    /// Makes every token of the account end now.
    pub fn expire_tokens(&self) {
        self.token_action("expire");
    }

    /// Withdraws the account's consent: no token holds, and none is to be had.
    pub fn revoke(&self) {
        self.token_action("revoke");
        self.revoked.store(true, Ordering::SeqCst);
    }

    fn token_action(&self, action: &str) {
        let body = json!({"provider": self.profile.provider, "account": ACCOUNT, "action": action});
        self.crm.control("POST", "/_sandbox/tokens", &body);
    }

    /// Answers every request with this from now on, instead of the vendor.
    pub fn answer_always(&self, response: Response) {
        if let Ok(mut canned) = self.canned.lock() {
            *canned = Some(response);
        }
    }
}

/// No value of the record is in our own words.
pub(super) fn assert_discreet(failure: &Failure) {
    let words = failure.message.to_lowercase();
    assert!(!words.contains(CANARY), "our own words repeat a value of the record: {}", failure.message);
}

/// The value of a property of a record as the sandbox shows it, whatever the vendor; none when it is empty.
#[must_use]
pub(super) fn value_of(record: &Value, property: &str) -> Option<String> {
    let text = match &record["properties"][property] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(text).filter(|text| !text.is_empty())
}

/// Fields of one value.
#[must_use]
pub fn set(name: &str, value: &str) -> Fields {
    [(name.to_owned(), Patch::Set(json!(value)))].into()
}
