//! What reads bytes of others.

use super::{answers, inward};
use rtr_connectors::hubspot::webhook::HubSpotWebhook;
use rtr_connectors::salesforce::webhook::SalesforceWebhook;
use rtr_connectors::webhook::pipedrive::Pipedrive;
use rtr_connectors::webhook::standard::{ID, StandardWebhooks};
use rtr_connectors::webhook::{Delivery, Event, Heard, Unreadable, Webhook};
use rtr_core::inbound::{Notice, address};
use rtr_core::time::Instant;

/// What is given bytes.
pub(super) type Target = fn(&[u8]);

/// Every target, by the folder of its corpus.
pub(super) const ALL: [(&str, Target); 13] = [
    ("hubspot", |body| body_of(&HubSpotWebhook, body)),
    ("outbound", |body| body_of(&SalesforceWebhook, body)),
    ("standard", |body| body_of(&StandardWebhooks, body)),
    ("pipedrive", |body| body_of(&Pipedrive, body)),
    ("change-event", change_event),
    ("notice", notice),
    ("change", inward::change),
    ("ingest", inward::events),
    ("kafka", inward::kafka),
    ("bridge", inward::bridge),
    ("inbound", inward::inbound),
    ("house", inward::house),
    ("address", path),
];

/// What CRMs answer, by the provider whose recorded answers are changed.
pub(super) const ANSWERS: [(&str, Target); 2] =
    [("hubspot", answers::hubspot), ("salesforce", answers::salesforce)];

fn body_of(scheme: &dyn Webhook, body: &[u8]) {
    let headers = [(ID.to_owned(), "m-1".to_owned())];
    let delivery = Delivery {
        method: "POST",
        address: "https://x.example",
        word: None,
        query: "",
        headers: &headers,
        body,
        now: Instant(0),
    };
    check(scheme.read(&delivery));
    // Read again it says the same: a repeat must be known for one.
    assert_eq!(scheme.read(&delivery), scheme.read(&delivery));
}

fn change_event(bytes: &[u8]) {
    if let Ok(event) = serde_json::from_slice(bytes) {
        check(SalesforceWebhook.relayed(&event));
    }
}

fn check(heard: Result<Heard, Unreadable>) {
    let is_id = |id: &str| (1..=512).contains(&id.chars().count()) && !id.chars().any(char::is_control);
    for event in heard.map(|heard| heard.events).unwrap_or_default() {
        let Event { object, external_id, operation, identity, .. } = &event;
        assert!(is_id(object) && is_id(external_id) && !identity.is_empty(), "{event:?}");
        // A time that a notice cannot hold would make the notice one that nobody can read.
        assert!(event.at.is_none_or(|at| Instant::from_rfc3339(&at.to_rfc3339()) == Ok(at)), "{event:?}");
        assert!(operation.into_id().is_none_or(is_id), "{event:?}");
    }
}

fn notice(bytes: &[u8]) {
    if let Ok(notice) =
        std::str::from_utf8(bytes).map_err(drop).and_then(|text| Notice::parse(text).map_err(drop))
    {
        assert_eq!(Notice::parse(&notice.to_body().to_string()).as_ref(), Ok(&notice));
        assert!(notice.message_group().len() <= 128 && notice.deduplication_id(None).len() <= 128);
    }
}

fn path(bytes: &[u8]) {
    if let Some(id) = std::str::from_utf8(bytes).ok().and_then(address::id) {
        assert_eq!(address::id(&address::segment(&id)), Some(id));
    }
}
