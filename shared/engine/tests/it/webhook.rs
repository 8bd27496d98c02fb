//! What a CRM pushes, up to `inbound.fifo`: what is believed, what is sent, and what the CRM is told.

use crate::CONTACT;
use async_trait::async_trait;
use futures::executor::block_on;
use rtr_connectors::hubspot::webhook::{SIGNATURE, TIMESTAMP, sign};
use rtr_core::config::OrgConfig;
use rtr_core::inbound::address::address;
use rtr_core::inbound::{Notice, Operation, Seen};
use rtr_core::key::ConnectionKey;
use rtr_core::metric::Metric;
use rtr_engine::report::BatchReport;
use rtr_engine::seams::{Configs, Limits as _, QueueName, Seams, Unavailable};
use rtr_engine::webhook::{Call, KeyCache, MAX_BODY_BYTES, Reply, WebhookSettings, relayed, run};
use rtr_testkit::world::World;
use serde_json::{Value, json};
use std::sync::Arc;

const BASE: &str = "https://rtr.example/webhooks";
const SECRET: &str = "rtr/test/acme/hubspot";
const PORTAL: &str = "62515";

struct Hall {
    world: World,
    keys: KeyCache,
    settings: WebhookSettings,
    key: ConnectionKey,
}

impl Hall {
    fn new() -> Self {
        let world = World::with_contact(CONTACT);
        let hall = Self {
            world,
            keys: KeyCache::default(),
            settings: WebhookSettings { base_url: BASE.to_owned(), budget_ms: 400, cache_ms: 60_000 },
            key: ConnectionKey::new("acme", "hubspot"),
        };
        hall.secret(&json!({"type": "bearer", "token": "t", "webhook": {"secrets": ["new", "old"]}}));
        hall
    }

    fn secret(&self, secret: &Value) {
        self.world.secrets.put(SECRET, &secret.to_string());
        self.world.clock.advance_ms(60_000);
    }

    /// Of HubSpot, signed now by `secret`.
    fn push(&self, secret: &str, body: &str) -> (Reply, BatchReport) {
        self.push_to(&self.key, secret, body)
    }

    fn push_to(&self, key: &ConnectionKey, secret: &str, body: &str) -> (Reply, BatchReport) {
        let at_ms = self.world.now().0;
        let signature = sign(&secret.into(), "POST", &address(BASE, key), body.as_bytes(), at_ms);
        let headers = [(SIGNATURE.to_owned(), signature), (TIMESTAMP.to_owned(), at_ms.to_string())];
        self.call(&self.world.seams(), key, &headers, body)
    }

    fn call(
        &self,
        seams: &Seams<'_>,
        key: &ConnectionKey,
        headers: &[(String, String)],
        body: &str,
    ) -> (Reply, BatchReport) {
        let call =
            Call { connection: key, word: None, method: "POST", query: "", headers, body: body.as_bytes() };
        block_on(run(seams, &self.settings, &self.keys, call))
    }

    /// What is on the queue and was not taken yet.
    fn notices(&self) -> Vec<(String, Notice)> {
        let sent = self.world.queue.take_sent(QueueName::Inbound);
        sent.iter().map(|message| (message.group.clone(), Notice::parse(&message.body).unwrap())).collect()
    }
}

fn event(kind: &str, id: u64, at: i64, more: &Value) -> Value {
    let mut event = json!({"eventId": 1, "subscriptionId": 7, "portalId": 62515, "occurredAt": at,
        "subscriptionType": kind, "attemptNumber": 0, "objectId": id});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn changed(id: u64) -> String {
    json!([event("contact.propertyChange", id, 1_795_000_000_000, &json!({"propertyName": "email"}))])
        .to_string()
}

#[test]
fn given_a_signed_call_when_pushed_then_each_record_is_a_notice_in_its_own_group_and_properties_are_told_once()
 {
    let hall = Hall::new();
    let body = json!([
        event(
            "contact.propertyChange",
            501,
            1_795_000_000_001,
            &json!({"propertyName": "email", "changeSource": "CRM_UI"})
        ),
        event("contact.propertyChange", 501, 1_795_000_000_000, &json!({"propertyName": "firstname"})),
        event("contact.deletion", 501, 1_795_000_000_002, &json!({})),
        event("company.creation", 501, 1_795_000_000_003, &json!({})),
        event(
            "contact.merge",
            502,
            1_795_000_000_004,
            &json!({"primaryObjectId": 502, "mergedObjectIds": [503]})
        ),
    ]);
    let (reply, report) = hall.push("new", &body.to_string());
    assert_eq!(reply.status(), 204);
    let line = |(group, notice): (String, Notice)| {
        assert_eq!((notice.seen, notice.received_at, notice.record), (Seen::Webhook, hall.world.now(), None));
        let (object, at) = (notice.object, notice.at.unwrap().0);
        format!("{group} {object} {} {at} {}", notice.operation.as_str(), notice.origin.unwrap_or_default())
    };
    let lines: Vec<String> = hall.notices().into_iter().map(|one| line(one).trim_end().to_owned()).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    acme#hubspot#501 contacts upsert 1795000000001 CRM_UI
    acme#hubspot#501 contacts deleted 1795000000002
    acme#hubspot#501 companies upsert 1795000000003
    acme#hubspot#503 contacts merged 1795000000004
    acme#hubspot#502 contacts upsert 1795000000004
    ");
    assert_eq!((report.counts["heard"], report.counts["coalesced"], report.counts["enqueued"]), (6, 1, 5));
}

#[test]
fn given_a_repeat_when_pushed_then_it_is_answered_the_same_and_the_queue_has_one() {
    let hall = Hall::new();
    assert_eq!(hall.push("new", &changed(501)).0.status(), 204);
    hall.world.clock.advance_ms(60_000);
    let again = changed(501).replace("\"attemptNumber\":0", "\"attemptNumber\":1");
    assert_ne!(again, changed(501));
    assert_eq!(hall.push("new", &again).0.status(), 204);
    assert_eq!(hall.world.queue.receive(QueueName::Inbound, 10).len(), 1);
    assert!(hall.world.queue.receive(QueueName::Inbound, 10).is_empty());
}

#[test]
fn given_calls_that_are_not_verified_when_pushed_then_all_hear_the_same_and_nothing_is_sent() {
    let hall = Hall::new();
    let unsigned = hall.call(&hall.world.seams(), &hall.key, &[], &changed(1));
    let nobody =
        |org: &str, connection: &str| hall.push_to(&ConnectionKey::new(org, connection), "new", &changed(1));
    let mut replies = vec![
        unsigned,
        hall.push("other", &changed(1)),
        nobody("nobody", "hubspot"),
        nobody("acme", "nothing"),
    ];
    replies.push(nobody("*", "hubspot"));
    // Signed for another time.
    let at_ms = hall.world.now().0 - 301_000;
    let signature = sign(&"new".into(), "POST", &address(BASE, &hall.key), changed(1).as_bytes(), at_ms);
    let headers = [(SIGNATURE.to_owned(), signature), (TIMESTAMP.to_owned(), at_ms.to_string())];
    replies.push(hall.call(&hall.world.seams(), &hall.key, &headers, &changed(1)));
    for secret in [json!({"type": "bearer", "token": "t"}), json!({"type": "bearer"}), json!([])] {
        hall.secret(&secret);
        replies.push(hall.push("new", &changed(1)));
    }
    hall.world.secrets.take(SECRET);
    hall.world.clock.advance_ms(60_000);
    replies.push(hall.push("new", &changed(1)));
    for (reply, report) in &replies {
        assert_eq!((*reply, report.counts.get("refused")), (Reply::NotVerified, Some(&1)), "{report:?}");
    }
    assert_eq!((replies.len(), hall.notices()), (10, Vec::new()));
}

#[test]
fn given_a_secret_that_is_being_replaced_when_pushed_then_the_old_holds_until_it_is_taken_out() {
    let hall = Hall::new();
    for secret in ["new", "old"] {
        assert_eq!(hall.push(secret, &changed(1)).0.status(), 204, "{secret}");
    }
    hall.secret(&json!({"type": "bearer", "token": "t", "webhook": {"secrets": ["new"]}}));
    assert_eq!(
        (hall.push("new", &changed(1)).0.status(), hall.push("old", &changed(1)).0.status()),
        (204, 401)
    );
}

#[test]
fn given_an_app_that_many_let_in_when_pushed_then_records_of_other_accounts_are_dropped_and_counted() {
    let hall = Hall::new();
    hall.world.secrets.put(
        "rtr/test/apps/main",
        &json!({"client_id": "id", "client_secrets": ["app-new", "app-old"]}).to_string(),
    );
    hall.secret(&json!({"type": "oauth2", "app": "main", "refresh_token": "r"}));
    // As long as nobody knows whose the connection is, nothing is taken for its own, and nothing is lost.
    assert_eq!(hall.push("app-old", &changed(1)).0, Reply::Later);
    block_on(hall.world.limits.note_account("acme#hubspot", PORTAL)).unwrap();
    hall.world.clock.advance_ms(60_000);
    let body = json!([
        event("contact.creation", 1, 1, &json!({})),
        event("contact.creation", 2, 1, &json!({"portalId": 7}))
    ]);
    let (reply, report) = hall.push("app-old", &body.to_string());
    assert_eq!((reply.status(), report.counts["foreign"], report.counts["enqueued"]), (204, 1, 1));
    let ids: Vec<String> = hall.notices().into_iter().map(|(_, notice)| notice.external_id).collect();
    assert_eq!(ids, ["1"]);
    // An app's secret that is gone is no secret.
    hall.world.secrets.take("rtr/test/apps/main");
    hall.world.clock.advance_ms(60_000);
    assert_eq!(hall.push("app-old", &changed(1)).0, Reply::NotVerified);
}

#[test]
fn given_what_cannot_be_read_or_is_too_much_when_pushed_then_nothing_is_sent_and_neighbours_of_one_bad_event_are()
 {
    let hall = Hall::new();
    assert_eq!(hall.push("new", "{\"no\": \"list\"}").0, Reply::Unreadable);
    let many: Vec<Value> = (0..101).map(|id| event("contact.creation", id, 1, &json!({}))).collect();
    assert_eq!(hall.push("new", &json!(many).to_string()).0, Reply::TooLarge);
    assert_eq!(hall.push("new", &" ".repeat(MAX_BODY_BYTES + 1)).0, Reply::TooLarge);
    assert!(hall.notices().is_empty());
    let body = json!([{"subscriptionType": "contact.creation"}, event("contact.creation", 5, 1, &json!({}))]);
    let (reply, report) = hall.push("new", &body.to_string());
    assert_eq!((reply.status(), report.counts["unreadable"], report.counts["enqueued"]), (204, 1, 1));
    assert_eq!(hall.push("new", &json!(many[..100]).to_string()).1.counts["enqueued"], 100);
    assert_eq!(hall.push("new", "[]").0.status(), 204);
}

#[test]
fn given_a_queue_or_a_store_that_does_not_answer_when_pushed_then_the_crm_is_asked_to_send_again() {
    let hall = Hall::new();
    hall.world.configs.set_down(true);
    assert_eq!(hall.push("new", &changed(1)).0, Reply::Later);
    hall.world.configs.set_down(false);
    hall.world.queue.state().down = true;
    assert_eq!(hall.push("new", &changed(1)).0, Reply::Later);
    hall.world.queue.state().down = false;
    assert_eq!(hall.push("new", &changed(1)).0.status(), 204);
}

/// Configuration that never comes.
struct Never;

#[async_trait]
impl Configs for Never {
    async fn org(&self, _: &str) -> Result<Arc<OrgConfig>, Unavailable> {
        std::future::pending().await
    }
}

#[test]
fn given_a_store_that_is_slow_when_pushed_then_the_answer_comes_within_the_budget() {
    let hall = Hall::new();
    let began = hall.world.now();
    let seams = Seams { configs: &Never, ..hall.world.seams() };
    let (reply, report) = hall.call(&seams, &hall.key, &[], "[]");
    assert_eq!((reply, report.counts["out_of_time"]), (Reply::Later, 1));
    assert_eq!(
        (hall.world.now().since_ms(began), report.measured[&("", Metric::TookMs)].clone()),
        (400, vec![400])
    );
}

#[test]
fn given_a_salesforce_event_of_a_bus_when_brought_then_its_records_are_notices_and_a_foreign_orgs_are_not() {
    let hall = Hall::new();
    let key = ConnectionKey::new("acme", "salesforce");
    let event = |org: &str| {
        json!({"source": format!("aws.partner/salesforce.com/{org}/0YL5g0000008OQZGA2"), "detail": {"payload":
            {"ChangeEventHeader": {"entityName": "Account", "changeType": "DELETE", "recordIds": ["001ak00000IiFInAAN",
            "001ak00000IiFIoAAN"], "transactionKey": "t-1", "sequenceNumber": 1, "commitTimestamp": 1_795_000_000_000_i64}}}})
    };
    let bring =
        |event: &Value| block_on(relayed(&hall.world.seams(), &hall.settings, &hall.keys, (&key, event)));
    // Brought again until there is such a connection.
    assert!(bring(&event("00D5g000004t3EaEAI")).0.is_err());
    let org = "org: acme\nconnections:\n  hubspot: {}\n  salesforce: {}\n";
    assert!(hall.world.configs.apply(&[("orgs/acme.yaml", org)]).is_ok());
    hall.world.secrets.put("rtr/test/acme/salesforce", &json!({"type": "bearer", "token": "t"}).to_string());
    block_on(hall.world.limits.note_account("acme#salesforce", "00D5g000004t3EaEAI")).unwrap();
    hall.world.clock.advance_ms(60_000);
    let (ended, report) = bring(&event("00D5g000004t3Ea"));
    assert_eq!((ended, report.counts["enqueued"]), (Ok(()), 2));
    for (group, notice) in hall.notices() {
        assert_eq!(group, format!("acme#salesforce#{}", notice.external_id));
        assert_eq!((notice.object.as_str(), &notice.operation), ("Account", &Operation::Deleted));
    }
    let (ended, report) = bring(&event("00D000000000062EAA"));
    assert_eq!((ended, report.counts["foreign"], hall.notices().len()), (Ok(()), 2, 0));
    assert!(bring(&json!({"detail": {}})).0.is_err());
}
