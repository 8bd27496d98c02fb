//! The connector over a session, against a HubSpot of a few lines.

use super::super::client::{account, associate, create_key, directory, lookup, properties, write};
use super::super::{CAPABILITIES, classify};
use super::requests::link;
use super::*;
use crate::connector::{Asked, Lookup, LookupBy};
use crate::http::{Clock, Http, NoAnswer, Outgoing};
use crate::session::{Auth, Authorized, Freshness, Gate, Reserved, Retries, Session, Tape};
use async_trait::async_trait;
use futures::executor::block_on;
use rtr_core::failure::{Class, Failure};
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

type Reply = Result<Response, NoAnswer>;

/// Answers by a function of path and body; notes what was asked, and plays every other seam too.
pub(super) struct Fake<F> {
    reply: F,
    pub(super) asked: Mutex<Vec<(String, Value)>>,
    pub(super) entered: Mutex<Vec<String>>,
    now: AtomicI64,
}

impl<F> std::fmt::Debug for Fake<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl<F: Fn(&str, &Value) -> Reply + Send + Sync> Fake<F> {
    pub(super) fn new(reply: F) -> Self {
        let now = AtomicI64::new(NOW.0);
        Self { reply, asked: Mutex::default(), entered: Mutex::default(), now }
    }

    pub(super) fn session(&self) -> Session<'_> {
        Session {
            http: self,
            clock: self,
            gate: self,
            auth: self,
            deadline: NOW.plus_ms(60_000),
            call_timeout_ms: CAPABILITIES.call_timeout_ms,
            retries: Retries::default(),
            reserved: Reserved::default(),
            classify,
            quota: |_| Vec::new(),
            tape: Tape::default(),
        }
    }

    /// The ids of each call, in order.
    pub(super) fn calls(&self) -> Vec<Vec<String>> {
        let ids = |body: &Value| {
            let inputs = body["inputs"].as_array().cloned().unwrap_or_default();
            inputs.iter().map(|input| input["id"].as_str().unwrap_or_default().to_owned()).collect()
        };
        self.asked.lock().unwrap().iter().map(|(_, body)| ids(body)).collect()
    }
}

#[async_trait]
impl<F: Fn(&str, &Value) -> Reply + Send + Sync> Http for Fake<F> {
    async fn send(&self, request: Outgoing) -> Reply {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let path = request.url.trim_start_matches(super::super::BASE_URL).to_owned();
        let reply = (self.reply)(&path, &body);
        self.asked.lock().unwrap().push((path, body));
        reply
    }
}

#[async_trait]
impl<F: Send + Sync> Clock for Fake<F> {
    fn now(&self) -> Instant {
        Instant(self.now.load(Ordering::SeqCst))
    }
    async fn sleep_ms(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
    }
    fn random(&self) -> f64 {
        0.5
    }
    fn nonce(&self) -> String {
        "n".to_owned()
    }
}

#[async_trait]
impl<F: Send + Sync> Gate for Fake<F> {
    async fn enter(&self, api: &str) -> Result<(), Instant> {
        self.entered.lock().unwrap().push(api.to_owned());
        Ok(())
    }
    async fn block(&self, _: &str, _: Instant) {}
}

#[async_trait]
impl<F: Send + Sync> Auth for Fake<F> {
    async fn authorize(&self, _: Freshness) -> Result<Authorized, Failure> {
        Ok(Authorized { base_url: super::super::BASE_URL.to_owned(), headers: Vec::new() })
    }
}

/// Writes everything but `bad`, for which the whole call is refused.
fn all_or_nothing(bad: &'static str) -> impl Fn(&str, &Value) -> Reply + Send + Sync {
    move |_, body| {
        let inputs = body["inputs"].as_array().unwrap();
        if inputs.iter().any(|input| input["id"] == bad) {
            return Ok(answer(400, fixture!("400-validation-in-message.json")));
        }
        let result = |input: &Value| json!({"id": "9", "new": true, "properties": {}, "objectWriteTraceId": input["objectWriteTraceId"]});
        Ok(answer(200, &json!({"results": inputs.iter().rev().map(result).collect::<Vec<_>>()}).to_string()))
    }
}

#[test]
fn given_one_bad_item_of_a_hundred_when_written_then_it_alone_fails() {
    let fake = Fake::new(all_or_nothing("r-37"));
    let ids: Vec<String> = (0..100).map(|n| format!("r-{n}")).collect();
    let call = named(upsert(), &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let outcomes = block_on(write(&fake.session(), &call));
    for (n, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_err(), n == 37, "{n}: {outcome:?}");
    }
    assert_eq!(outcomes[37].as_ref().unwrap_err().field(), Some("email"));
    let calls = fake.calls().len();
    assert!(calls <= 15, "{calls} calls");
    assert_eq!(fake.entered.lock().unwrap().len(), calls, "each call takes its token");
}

#[test]
fn given_a_throttled_half_when_bisecting_then_what_is_left_has_the_same_failure_untried() {
    let fake = Fake::new(|_: &str, body: &Value| match body["inputs"].as_array().map(Vec::len) {
        Some(4) => Ok(answer(409, fixture!("409-conflict.json"))),
        _ => Ok(answer(429, fixture!("429-daily.json"))),
    });
    let outcomes = block_on(write(&fake.session(), &named(upsert(), &["a", "b", "c", "d"])));
    assert!(outcomes.iter().all(|o| matches!(o, Err(f) if matches!(f.class, Class::Throttled { .. }))));
    assert_eq!(fake.calls(), [vec!["a", "b", "c", "d"], vec!["a", "b"]]);
}

#[test]
fn given_a_lost_answer_for_one_half_when_bisecting_then_the_other_half_is_written() {
    let refuse = all_or_nothing("d");
    let fake = Fake::new(move |path: &str, body: &Value| match body["inputs"][0]["id"].as_str() {
        Some("a") if body["inputs"].as_array().map(Vec::len) == Some(2) => {
            Err(NoAnswer::Unknown("reset".to_owned()))
        }
        _ => refuse(path, body),
    });
    let outcomes = block_on(write(&fake.session(), &named(upsert(), &["a", "b", "c", "d"])));
    insta::assert_snapshot!(lines(&outcomes), @r#"
    OutcomeUnknown: the CRM did not answer: reset
    OutcomeUnknown: the CRM did not answer: reset
    Written { external_id: "9", created: true, held: {} }
    Invalid { field: Some("email") }: HubSpot refused the value of `email`: INVALID_EMAIL
    "#);
}

#[test]
fn given_whole_call_failures_when_written_then_every_item_has_them_after_one_call() {
    for (status, body) in
        [(403, fixture!("403-forbidden.json")), (500, ""), (400, fixture!("400-unknown-object.json"))]
    {
        let fake = Fake::new(move |_: &str, _: &Value| Ok(answer(status, body)));
        let outcomes = block_on(write(&fake.session(), &named(Kind::Update, &["1", "2", "3"])));
        assert!(outcomes.iter().all(Result::is_err));
        assert_eq!(fake.calls().len(), 1, "{status}");
    }
}

#[test]
fn given_an_update_with_nothing_in_it_when_written_then_nothing_is_sent_for_it() {
    let fake = Fake::new(all_or_nothing("none"));
    let mut call = named(Kind::Update, &["1", "2"]);
    call.items[0].fields = [("city".to_owned(), Patch::Keep)].into();
    let outcomes = block_on(write(&fake.session(), &call));
    assert_eq!(outcomes[0].as_ref().unwrap().external_id, "1");
    assert_eq!(fake.calls(), [["2"]]);
}

#[test]
fn given_an_id_twice_when_written_then_the_second_follows_in_a_call_of_its_own() {
    let fake = Fake::new(all_or_nothing("none"));
    let outcomes = block_on(write(&fake.session(), &named(upsert(), &["a", "b", "A", "c"])));
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(fake.calls(), [vec!["a", "b", "c"], vec!["A"]]);
}

#[test]
fn given_an_id_twice_when_the_first_answer_is_lost_then_the_second_is_not_sent() {
    let fake = Fake::new(|_: &str, _: &Value| Err(NoAnswer::Unknown("timeout".to_owned())));
    let outcomes = block_on(write(&fake.session(), &named(upsert(), &["a", "a"])));
    insta::assert_snapshot!(lines(&outcomes), @"
    OutcomeUnknown: the CRM did not answer: timeout
    Unavailable: not sent: a call before it did not end well
    ");
    assert_eq!(fake.calls().len(), 1);
}

#[test]
fn given_an_erasure_when_written_then_contacts_go_one_by_one_and_nothing_else_is_erased() {
    let fake = Fake::new(|_: &str, _: &Value| Ok(answer(204, "")));
    assert!(block_on(write(&fake.session(), &named(Kind::Erase, &["1", "2"]))).iter().all(Result::is_ok));
    let asked = fake.asked.lock().unwrap().clone();
    let path = "/crm/v3/objects/contacts/gdpr-delete".to_owned();
    assert_eq!(asked, [(path.clone(), json!({"objectId": "1"})), (path, json!({"objectId": "2"}))]);
    let mut companies = named(Kind::Erase, &["1"]);
    companies.object = "companies".to_owned();
    insta::assert_snapshot!(lines(&block_on(write(&fake.session(), &companies))), @"Refused: HubSpot erases contacts only; `companies` can be archived, which is no erasure");
}

#[test]
fn given_an_archive_of_what_is_gone_when_written_then_it_is_done() {
    let fake = Fake::new(|_: &str, _: &Value| Ok(answer(404, fixture!("404-object.json"))));
    let outcomes = block_on(write(&fake.session(), &named(Kind::Archive, &["1", "2"])));
    insta::assert_snapshot!(lines(&outcomes), @r#"
    Written { external_id: "1", created: false, held: {} }
    Written { external_id: "2", created: false, held: {} }
    "#);
}

#[test]
fn given_a_search_of_two_pages_when_looked_up_then_all_is_found_under_the_search_limit() {
    let fake = Fake::new(|_: &str, body: &Value| match body["after"].as_str() {
        None => Ok(answer(200, fixture!("200-search-1.json"))),
        Some(_) => Ok(answer(200, fixture!("200-search-2.json"))),
    });
    let domain = Lookup {
        object: "companies".to_owned(),
        property: "domain".to_owned(),
        by: LookupBy::Any,
        values: vec!["example.org".to_owned(), "example.net".to_owned()],
        also: Some("rtr_record_id".to_owned()),
    };
    insta::assert_debug_snapshot!(block_on(lookup(&fake.session(), &domain)).unwrap(), @r#"
    [
        Found {
            external_id: "501",
            value: "example.org",
            also: None,
        },
        Found {
            external_id: "502",
            value: "Example.org",
            also: Some(
                "c-9",
            ),
        },
        Found {
            external_id: "503",
            value: "example.net",
            also: None,
        },
    ]
    "#);
    assert_eq!(*fake.entered.lock().unwrap(), ["search", "search"]);
}

#[test]
fn given_a_maintenance_page_when_looked_up_then_it_is_asked_again_and_passes() {
    let tries = AtomicI64::new(0);
    let fake = Fake::new(|_: &str, _: &Value| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(answer(200, "<html>")),
        _ => Ok(answer(200, fixture!("200-account.json"))),
    });
    assert_eq!(block_on(account(&fake.session())).unwrap(), "7700123");
}

#[test]
fn given_associations_when_some_fail_then_the_others_are_made() {
    let fake = Fake::new(|_: &str, body: &Value| {
        let inputs = body["inputs"].as_array().unwrap();
        let selfish = inputs.iter().any(|input| input["from"] == input["to"]);
        let errors = if selfish {
            json!([{"category": "VALIDATION_ERROR", "message": "to itself"}])
        } else {
            json!([])
        };
        let made: Vec<&Value> =
            inputs.iter().filter(|input| !selfish && input["from"] != input["to"]).collect();
        Ok(answer(207, &json!({"results": made, "errors": errors}).to_string()))
    });
    let to = |from: &str, to: &str, label| link(("contacts", from), ("companies", to), label);
    let wanted =
        [to("1", "2", "default"), to("3", "3", "default"), to("4", "2", "boss"), to("5", "2", "default")];
    insta::assert_snapshot!(lines(&block_on(associate(&fake.session(), &wanted))), @"
    ()
    Invalid { field: None }: HubSpot refused the record's values
    Invalid { field: None }: HubSpot has no association `boss` from contacts to companies that rtr-sync knows; there are `default` between any two objects, and `primary` from contacts or deals to companies
    ()
    ");
}

/// The functions spawn their work, so the connector's futures must be free to move between threads.
#[test]
fn given_the_connectors_futures_when_moved_to_a_thread_then_they_may() {
    fn movable<T: Send>(_: T) {}
    let fake = Fake::new(|_: &str, _: &Value| Ok(answer(204, "")));
    let (session, call) = (fake.session(), named(Kind::Update, &["1"]));
    movable(write(&session, &call));
    movable(associate(&session, &[]));
    movable(account(&session));
}

#[test]
fn given_a_key_that_exists_when_made_then_it_is_fine() {
    for status in [400, 409] {
        let fake =
            Fake::new(move |_: &str, _: &Value| Ok(answer(status, fixture!("400-property-exists.json"))));
        assert_eq!(block_on(create_key(&fake.session(), "contacts", "rtr_record_id")), Ok(()));
    }
    let fake = Fake::new(|_: &str, _: &Value| Ok(answer(200, fixture!("200-properties.json"))));
    assert_eq!(block_on(properties(&fake.session(), "contacts")).unwrap().len(), 4);
}

#[test]
fn given_an_error_under_a_200_when_archiving_or_looking_then_nothing_counts_as_done_or_absent() {
    let error =
        r#"{"status":"error","category":"INTERNAL_ERROR","message":"internal error","correlationId":"x"}"#;
    let fake = Fake::new(|_, _| Ok(answer(200, error)));
    let archive = call(Kind::Archive, vec![item("501", "", Fields::new()), item("502", "", Fields::new())]);
    for outcome in block_on(write(&fake.session(), &archive)) {
        assert_eq!(outcome.unwrap_err().class, Class::OutcomeUnknown);
    }
    let asked = Lookup {
        object: "contacts".to_owned(),
        property: "rtr_record_id".to_owned(),
        by: LookupBy::Unique,
        values: vec!["r-1".to_owned()],
        also: None,
    };
    assert_eq!(block_on(lookup(&fake.session(), &asked)).unwrap_err().class, Class::Unavailable);
}

#[test]
fn given_many_owners_when_looked_up_then_every_page_is_read_and_pipelines_come_with_their_stages() {
    let fake = Fake::new(|path: &str, _: &Value| {
        Ok(match path {
            "/crm/v3/owners?limit=500" => answer(200, fixture!("200-owners-1.json")),
            "/crm/v3/owners?limit=500&after=NDE2Mjk3Nzk%3D" => answer(200, fixture!("200-owners-2.json")),
            "/crm/v3/pipelines/deals" => answer(200, fixture!("200-pipelines.json")),
            _ => answer(404, fixture!("404-resource.json")),
        })
    });
    let asked = |lookup, names: &[&str]| Asked {
        lookup,
        object: "deals".to_owned(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let of = |asked: &Asked| block_on(directory(&fake.session(), asked));
    let found = of(&asked("owner", &["a@x.io", "b@x.io", "c@x.io", "d@x.io"])).unwrap();
    assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["41629779", "87654321"]);
    assert_eq!(of(&asked("stage", &[])).unwrap().len(), 5);
    assert_eq!(fake.calls().len(), 3);
    assert_eq!(of(&asked("owner", &["nobody"])), Ok(Vec::new()));
    assert_eq!(fake.calls().len(), 3, "what is no address is nobody's");
    assert_eq!(of(&asked("colour", &["red"])).unwrap_err().class, Class::Refused);
    // A page that leads to itself is not followed for ever.
    let circle = Fake::new(|_: &str, _: &Value| Ok(answer(200, fixture!("200-owners-1.json"))));
    let endless =
        block_on(directory(&circle.session(), &asked("owner", &["a@x.io", "b@x.io", "c@x.io", "d@x.io"])));
    assert_eq!(endless.unwrap_err().class, Class::Refused);
}
