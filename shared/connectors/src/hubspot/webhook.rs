//! What HubSpot pushes: signatures v3, and lists of up to a hundred events in no order, some of them twice.
//!
//! Signatures: <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation> ·
//! events: <https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide>

use crate::webhook::signature::{hmac, is_of_any, is_of_now, number};
use crate::webhook::{
    Delivery, Event, Heard, Keys, Part, Refusal, Unreadable, Webhook, hint, id, json, stamp,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rtr_core::digest;
use rtr_core::inbound::Operation;
use rtr_core::time::Instant;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The signature, in base64.
pub const SIGNATURE: &str = "x-hubspot-signature-v3";
/// When it was made, in milliseconds since the epoch. Every attempt is signed anew.
pub const TIMESTAMP: &str = "x-hubspot-request-timestamp";

/// What is decoded in the address before it is signed, as HubSpot lists it; nothing else is.
const DECODED: [(&str, char); 12] = [
    ("3A", ':'),
    ("2F", '/'),
    ("3F", '?'),
    ("40", '@'),
    ("21", '!'),
    ("24", '$'),
    ("27", '\''),
    ("28", '('),
    ("29", ')'),
    ("2A", '*'),
    ("2C", ','),
    ("3B", ';'),
];

/// HubSpot's ids of its own objects; a custom object's id is its name as well.
const OBJECTS: [(&str, &str, &str); 6] = [
    ("0-1", "contact", "contacts"),
    ("0-2", "company", "companies"),
    ("0-3", "deal", "deals"),
    ("0-5", "ticket", "tickets"),
    ("0-7", "product", "products"),
    ("0-8", "line_item", "line_items"),
];

/// HubSpot's scheme.
#[derive(Debug, Clone, Copy)]
pub struct HubSpotWebhook;

/// The value of the header [`SIGNATURE`] for a request to `url`, query included.
#[must_use]
pub fn sign(secret: &SecretString, method: &str, url: &str, body: &[u8], timestamp_ms: i64) -> String {
    let (url, timestamp) = (decoded(url), timestamp_ms.to_string());
    let parts = [method.as_bytes(), url.as_bytes(), body, timestamp.as_bytes()];
    BASE64.encode(hmac(secret.expose_secret().as_bytes(), &parts))
}

impl Webhook for HubSpotWebhook {
    fn verify(&self, delivery: &Delivery<'_>, keys: Keys<'_>) -> Result<(), Refusal> {
        if keys.webhook.is_empty() && keys.client.is_empty() {
            return Err(Refusal::NoKey);
        }
        let header = |name| delivery.header(name).ok_or(Refusal::Unsigned);
        let (signature, timestamp) = (header(SIGNATURE)?, header(TIMESTAMP)?);
        let at = number(timestamp).ok_or(Refusal::Forged)?;
        if !is_of_now(Instant(at), delivery.now) {
            return Err(Refusal::Stale);
        }
        let given = BASE64.decode(signature).map_err(|_| Refusal::Forged)?;
        let url = match (delivery.word, delivery.query) {
            // An address has nothing behind it.
            (Some(_), _) => return Err(Refusal::Forged),
            (None, "") => decoded(delivery.address),
            (None, query) => decoded(&format!("{}?{query}", delivery.address)),
        };
        let parts = [delivery.method.as_bytes(), url.as_bytes(), delivery.body, timestamp.as_bytes()];
        let secrets = keys.webhook.iter().chain(keys.client).map(|secret| secret.expose_secret().as_bytes());
        if is_of_any(secrets, &parts, &given) { Ok(()) } else { Err(Refusal::Forged) }
    }

    fn read(&self, delivery: &Delivery<'_>) -> Result<Heard, Unreadable> {
        let Value::Array(events) = json(delivery.body)? else {
            return Err(Unreadable("the body is no list of events".to_owned()));
        };
        let mut heard = Heard::default();
        events.iter().for_each(|event| heard.add(event.as_object().and_then(read_one)));
        Ok(heard)
    }
}

fn decoded(url: &str) -> String {
    let mut text = String::with_capacity(url.len());
    let mut parts = url.split('%');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let code = part.get(..2).unwrap_or_default();
        match DECODED.iter().find(|(hex, _)| hex.eq_ignore_ascii_case(code)) {
            Some((_, plain)) => {
                text.push(*plain);
                text.push_str(&part[2..]);
            }
            None => {
                text.push('%');
                text.push_str(part);
            }
        }
    }
    text
}

/// `contact.propertyChange` of older apps, or `object.propertyChange` with the object's id beside it.
fn read_one(event: &Map<String, Value>) -> Option<Part> {
    let (word, what) = event.get("subscriptionType")?.as_str()?.split_once('.')?;
    let Some(object) = object(word, event) else { return Some(Part::SomethingElse) };
    let field = |name: &str| id(event.get(name));
    let merged = |from: String, into: &str| (from, Operation::Merged { into: into.to_owned() });
    let records = match what {
        "creation" | "propertyChange" | "restore" => vec![(field("objectId")?, Operation::Upsert)],
        "deletion" | "privacyDeletion" => vec![(field("objectId")?, Operation::Deleted)],
        // Told of both sides, in events of their own.
        "associationChange" => {
            vec![(field("fromObjectId").or_else(|| field("objectId"))?, Operation::Upsert)]
        }
        "merge" => {
            let primary = field("primaryObjectId").or_else(|| field("objectId"))?;
            let into = field("newObjectId").unwrap_or_else(|| primary.clone());
            let losers: Option<Vec<String>> =
                event.get("mergedObjectIds")?.as_array()?.iter().map(|one| id(Some(one))).collect();
            let losers = losers?.into_iter().chain([primary]).filter(|loser| *loser != into);
            let losers = losers.map(|loser| merged(loser, &into));
            let winner = (into.clone(), Operation::Upsert);
            losers.collect::<Vec<_>>().into_iter().chain([winner]).collect()
        }
        _ => return Some(Part::SomethingElse),
    };
    let text = |name: &str| event.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let origin = text("changeSource").map(|source| match text("sourceId") {
        Some(id) => hint(&format!("{source}:{id}")),
        None => hint(source),
    });
    let at = stamp(event.get("occurredAt"));
    let (account, identity) = (field("portalId"), identity(event));
    let of = |(external_id, operation)| Event {
        object: object.clone(),
        external_id,
        operation,
        at,
        origin: origin.clone(),
        account: account.clone(),
        identity: identity.clone(),
    };
    Some(Part::Of(records.into_iter().map(of).collect()))
}

/// The CRM's name of the object; none for what is no record of one, such as a conversation.
fn object(word: &str, event: &Map<String, Value>) -> Option<String> {
    let of = |name: &str| id(event.get(name));
    match of("objectTypeId").or_else(|| of("fromObjectTypeId")) {
        Some(type_id) => {
            let known = OBJECTS.iter().find(|(id, ..)| *id == type_id);
            Some(known.map_or(type_id, |(_, _, name)| (*name).to_owned()))
        }
        None => {
            let known = OBJECTS.iter().find(|(_, known, _)| *known == word);
            known.map(|(_, _, name)| (*name).to_owned())
        }
    }
}

/// All that it says but how often it was tried: `eventId` is not unique, says HubSpot.
fn identity(event: &Map<String, Value>) -> String {
    let said: BTreeMap<&String, &Value> = event.iter().filter(|(name, _)| *name != "attemptNumber").collect();
    digest::hex(serde_json::to_string(&said).unwrap_or_default().as_bytes())
}
