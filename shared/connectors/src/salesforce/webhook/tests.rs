#![allow(clippy::unwrap_used)]

use super::*;
use crate::webhook::Event;
use rtr_core::time::Instant;
use secrecy::SecretString;
use serde_json::json;

const OUTBOUND: &str = include_str!("fixtures/outbound.xml");
const CHANGE: &str = include_str!("fixtures/change-event.json");

fn delivery<'a>(word: Option<&'a str>, body: &'a str) -> Delivery<'a> {
    let (method, address, query, headers) = ("POST", "https://rtr.example/webhooks/acme/salesforce", "", &[]);
    Delivery { method, address, word, query, headers, body: body.as_bytes(), now: Instant(0) }
}

fn line(event: &Event) -> String {
    let Event { object, external_id, operation, at, origin, account, identity } = event;
    let at = at.map(Instant::to_rfc3339).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    format!(
        "{object} {external_id} {} {at} {} {} {identity}",
        operation.as_str(),
        text(account),
        text(origin)
    )
}

fn lines(heard: &Heard) -> String {
    let more = format!("ignored {} unreadable {}", heard.ignored, heard.unreadable);
    heard.events.iter().map(line).chain([more]).collect::<Vec<_>>().join("\n")
}

#[test]
fn given_the_word_of_the_address_when_verified_then_new_and_old_hold_and_nothing_else() {
    let secrets = [SecretString::from("new-word"), SecretString::from("old-word")];
    let verify =
        |word| SalesforceWebhook.verify(&delivery(word, ""), Keys { webhook: &secrets, client: &[] });
    assert_eq!((verify(Some("new-word")), verify(Some("old-word"))), (Ok(()), Ok(())));
    for wrong in ["", "new-wor", "new-word ", "New-word", "new-word/old-word"] {
        assert_eq!(verify(Some(wrong)), Err(Refusal::Forged), "{wrong}");
    }
    assert_eq!(verify(None), Err(Refusal::Unsigned));
    // The app's own secret is known to others, and never stands in an address.
    let client = Keys { webhook: &[], client: &secrets };
    assert_eq!(SalesforceWebhook.verify(&delivery(Some("new-word"), ""), client), Err(Refusal::NoKey));
}

#[test]
fn given_an_outbound_message_when_read_then_each_notification_names_a_record_of_the_org() {
    let heard = SalesforceWebhook.read(&delivery(None, OUTBOUND)).unwrap();
    insta::assert_snapshot!(lines(&heard), @r"
    Contact 0035g00000qXyzAAAS upsert 2026-11-18T11:06:40.000Z 00D5g000004t3EaEAI  04l5g00000bQ1wRAAS
    Visit__c a015g00000Bc4XyAAJ upsert  00D5g000004t3EaEAI  04l5g00000bQ1wSAAS
    ignored 0 unreadable 0
    ");
}

#[test]
fn given_a_notification_without_a_record_when_read_then_its_neighbour_is_heard() {
    let body = OUTBOUND.replace("<sf:Id>a015g00000Bc4Xy</sf:Id>", "<sf:Id>nobody</sf:Id>");
    let heard = SalesforceWebhook.read(&delivery(None, &body)).unwrap();
    assert_eq!((heard.events.len(), heard.unreadable), (1, 1));
}

#[test]
fn given_what_is_no_outbound_message_when_read_then_the_reason_is_told_and_no_value() {
    let bodies = [
        String::new(),
        "{}".to_owned(),
        OUTBOUND.replace("</soapenv:Body>", ""),
        OUTBOUND.replace("</soapenv:Envelope>", ""),
        OUTBOUND.replace("</soapenv:Envelope>", "</soapenv:Envelope><more/>"),
        OUTBOUND.replace("00D5g000004t3EaEAI", "acme"),
        OUTBOUND.replace("OrganizationId>", "OrganisationId>"),
        OUTBOUND.replace("notifications", "notification"),
        OUTBOUND.replace("<soapenv:Envelope", "<!DOCTYPE e [<!ENTITY a \"b\">]><soapenv:Envelope"),
        OUTBOUND.replace("<ActionId>", &"<a>".repeat(20)),
    ];
    let told = bodies.map(|body| match SalesforceWebhook.read(&delivery(None, &body)) {
        Ok(heard) => lines(&heard),
        Err(error) => error.to_string(),
    });
    insta::assert_snapshot!(told.join("\n"), @r"
    the outbound message cannot be read: it ends too early
    the outbound message cannot be read: it is not XML: line 1, column 1
    the outbound message cannot be read: an element ends that is not open
    the outbound message cannot be read: it ends too early
    the outbound message cannot be read: it is not XML: line 26, column 20
    the outbound message cannot be read: its OrganizationId is no id
    the outbound message cannot be read: it has no OrganizationId
    the outbound message cannot be read: it holds no `notifications`
    the outbound message cannot be read: it has a document type, which SOAP forbids
    the outbound message cannot be read: it is not one element, or too deep
    ");
}

#[test]
fn given_a_relayed_change_event_when_read_then_each_of_its_records_is_heard_and_a_wildcard_counted() {
    let event: Value = serde_json::from_str(CHANGE).unwrap();
    insta::assert_snapshot!(lines(&SalesforceWebhook.relayed(&event).unwrap()), @r"
    Contact 003ak00000IiFInAAN upsert 2025-04-24T13:18:26.000Z 00D5g000004t3EaEAI com/salesforce/api/soap/63.0;client=SfdcInternalAPI/ 0000be70-a756-e601-9202-32967602a6be#1#UPDATE#003ak00000IiFInAAN
    Contact 003ak00000IiFIoAAN upsert 2025-04-24T13:18:26.000Z 00D5g000004t3EaEAI com/salesforce/api/soap/63.0;client=SfdcInternalAPI/ 0000be70-a756-e601-9202-32967602a6be#1#UPDATE#003ak00000IiFIoAAN
    ignored 0 unreadable 1
    ");
}

#[test]
fn given_every_kind_of_change_when_read_then_it_is_what_became_of_the_record() {
    let of = |change: &str| {
        let mut event: Value = serde_json::from_str(CHANGE).unwrap();
        event["detail"]["payload"]["ChangeEventHeader"]["changeType"] = json!(change);
        let heard = SalesforceWebhook.relayed(&event).unwrap();
        let operation = heard.events.first().map_or("-", |event| event.operation.as_str());
        format!("{change} {operation} {}", heard.ignored)
    };
    let changes =
        ["CREATE", "UPDATE", "UNDELETE", "DELETE", "GAP_UPDATE", "GAP_DELETE", "GAP_OVERFLOW", "SNAPSHOT"];
    insta::assert_snapshot!(changes.map(of).join("\n"), @r"
    CREATE upsert 0
    UPDATE upsert 0
    UNDELETE upsert 0
    DELETE deleted 0
    GAP_UPDATE upsert 0
    GAP_DELETE deleted 0
    GAP_OVERFLOW - 1
    SNAPSHOT - 1
    ");
}

#[test]
fn given_what_is_no_change_event_when_read_then_the_reason_is_told() {
    let without = |name: &str| {
        let mut event: Value = serde_json::from_str(CHANGE).unwrap();
        event["detail"]["payload"]["ChangeEventHeader"].as_object_mut().unwrap().remove(name);
        event
    };
    let events = [
        json!([]),
        json!({"detail": {"payload": 7}}),
        without("entityName"),
        without("changeType"),
        without("recordIds"),
    ];
    let told = events.map(|event| SalesforceWebhook.relayed(&event).unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n"), @r"
    the event has no `detail`
    the event's `detail` has no ChangeEventHeader
    the ChangeEventHeader has no `entityName`
    the ChangeEventHeader has no `changeType`
    the ChangeEventHeader has no `recordIds`
    ");
}
