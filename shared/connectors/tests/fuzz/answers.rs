//! What CRMs answer: the whole connector over a transport that gives these bytes to every question.

use async_trait::async_trait;
use futures::executor::block_on;
use rtr_connectors::changes::Position;
use rtr_connectors::connector::{Kind, Lookup, LookupBy, WriteCall, WriteItem};
use rtr_connectors::http::{Clock as _, Http, NoAnswer, Outgoing, Response};
use rtr_connectors::registry;
use rtr_connectors::session::{Auth, Authorized, Freshness, Gate, Reserved, Retries, Session, Tape};
use rtr_core::failure::Failure;
use rtr_core::limit::LASTS_AGAIN_MS;
use rtr_core::mapping::Patch;
use rtr_core::time::Instant;
use rtr_testkit::clock::TestClock;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

const NOW_MS: i64 = 1_795_000_000_000;
/// By which answers come.
const STATUSES: [u16; 4] = [200, 207, 400, 404];

/// Answers everything with the same.
struct Says<'a>(u16, &'a [u8]);

#[async_trait]
impl Http for Says<'_> {
    async fn send(&self, _: Outgoing) -> Result<Response, NoAnswer> {
        Ok(Response { status: self.0, headers: Vec::new(), body: self.1.to_vec() })
    }
}

struct Open;

#[async_trait]
impl Auth for Open {
    async fn authorize(&self, _: Freshness) -> Result<Authorized, Failure> {
        Ok(Authorized { base_url: "https://crm.example".to_owned(), headers: Vec::new() })
    }
}

#[async_trait]
impl Gate for Open {
    async fn enter(&self, _: &str) -> Result<(), Instant> {
        Ok(())
    }

    async fn block(&self, _: &str, _: Instant) {}

    async fn lasts(&self, _: i64) -> i64 {
        LASTS_AGAIN_MS
    }
}

/// What HubSpot answers.
pub(super) fn hubspot(bytes: &[u8]) {
    asked("hubspot", "contacts", "email", bytes);
}

/// What Salesforce answers.
pub(super) fn salesforce(bytes: &[u8]) {
    asked("salesforce", "Contact", "Email", bytes);
}

/// The recorded answers of a provider.
pub(super) fn recorded(provider: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(provider).join("fixtures");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "json"));
    files.sort();
    assert!(files.len() > 9, "{provider} has no recorded answers");
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn asked(provider: &str, object: &str, property: &str, bytes: &[u8]) {
    let crm = registry::by_name(provider).unwrap();
    let ids = ["1".to_owned(), "003000000000001AAA".to_owned()];
    let properties = [property.to_owned()];
    for status in STATUSES {
        let (http, clock) = (Says(status, bytes), TestClock::at(NOW_MS));
        let session = Session {
            http: &http,
            clock: &clock,
            gate: &Open,
            auth: &Open,
            deadline: clock.now().plus_ms(60_000),
            call_timeout_ms: 30_000,
            retries: Retries::default(),
            reserved: Reserved::default(),
            classify: crm.classify(),
            quota: crm.quota(),
            tape: Tape::default(),
        };
        let key = Kind::Upsert { property: "rtr_record_id".to_owned() };
        for kind in [key, Kind::Update, Kind::Create, Kind::Archive] {
            let fields = BTreeMap::from([(property.to_owned(), Patch::Set(json!("x@y.example")))]);
            let one = |id: &String| WriteItem { id: id.clone(), fields: fields.clone(), trace: id.clone() };
            let items: Vec<WriteItem> = ids.iter().map(one).collect();
            let call = WriteCall { object: object.to_owned(), kind, items };
            let outcomes = block_on(crm.write(&session, &call));
            assert_eq!(outcomes.len(), ids.len(), "one outcome for each");
        }
        for by in [LookupBy::Unique, LookupBy::Any] {
            let (object, property, values) = (object.to_owned(), property.to_owned(), ids.to_vec());
            let lookup = Lookup { object, property, by, values, also: Some("rtr_record_id".to_owned()) };
            drop(block_on(crm.lookup(&session, &lookup)));
        }
        for one in block_on(crm.snapshots(&session, object, &ids, &properties)).unwrap_or_default() {
            assert!(ids.contains(&one.external_id), "nobody asked for {one:?}");
        }
        let from = Position { at: Instant(NOW_MS - 1_000_000), after: None };
        if let Ok(page) = block_on(crm.changed(&session, object, &from, &properties)) {
            assert!(page.next >= from, "it goes on, or stays: {page:?}");
        }
        drop(block_on(crm.gone(&session, object, None)));
        drop(block_on(crm.held(&session, object, &ids[0], &properties)));
    }
}
