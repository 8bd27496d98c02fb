//! Webhooks: a list of up to a hundred events, one for each property that changed, signed v3.
//!
//! <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation>

use super::HubSpot;
use super::store::Record;
use super::types::{ObjectType, TYPES};
use crate::ids::{hash, mix};
use crate::push::address::Address;
use crate::push::vendor::{Author, Message, News, Patience, Pushing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// HubSpot tries ten more times, within a day: ten minutes here.
const WAITS_MS: [i64; 10] = [500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 180_000, 180_000];

/// What HubSpot decodes in an address before it signs it, and nothing else.
const DECODED: [(&str, &str); 12] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
];

/// The signature over method, address, body and time, in base64.
fn sign(secret: &str, method: &str, url: &str, body: &[u8], timestamp: &str) -> String {
    let decode = |url: String, (code, plain): &(&str, &str)| {
        url.replace(code, plain).replace(&code.to_lowercase(), plain)
    };
    let url = DECODED.iter().fold(url.to_owned(), decode);
    // A key of any length is one.
    let Ok(mut digest) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    for part in [method.as_bytes(), url.as_bytes(), body, timestamp.as_bytes()] {
        digest.update(part);
    }
    BASE64.encode(digest.finalize().into_bytes())
}

impl Pushing for HubSpot {
    fn listen(&mut self) {
        for table in self.tables.values_mut() {
            table.store.heard.get_or_insert_default();
        }
    }

    fn news(&mut self, author: Author, now: i64) -> Vec<News> {
        let mut all = Vec::new();
        for kind in TYPES {
            let Some(table) = self.tables.get_mut(kind.id) else { continue };
            let heard = table.store.heard.as_mut().map(std::mem::take).unwrap_or_default();
            for (id, before) in heard {
                all.extend(self.became(kind, id, before.as_ref(), author, now));
            }
        }
        all
    }

    fn own_settings(&self) -> &'static [&'static str] {
        &["app_id", "generic"]
    }

    fn is_together(&self, _one: &News, _other: &News) -> bool {
        true
    }

    fn message(&self, address: &Address, news: &[News], attempt: u32, now: i64) -> Message {
        let app = address.app_id.unwrap_or(1_000_000 + self.salt % 9_000_000);
        let event = |one: &News| {
            let mut event = one.told.clone();
            let kind = TYPES.iter().find(|kind| kind.plural == one.object);
            let word = kind.filter(|_| !address.generic).map_or("object", |kind| kind.singular);
            let name = format!("{word}.{}", one.what);
            let property = event.get("propertyName").and_then(Value::as_str).unwrap_or_default();
            event["subscriptionId"] = json!(1_000_000 + hash(&format!("{name}#{property}")) % 9_000_000);
            (event["appId"], event["attemptNumber"]) = (json!(app), json!(attempt));
            event["subscriptionType"] = json!(name);
            if address.generic {
                event["objectTypeId"] = json!(kind.map(|kind| kind.id));
            }
            if event["changeSource"] == "INTEGRATION" {
                event["sourceId"] = json!(app.to_string());
            }
            event
        };
        let body = Value::Array(news.iter().map(event).collect()).to_string().into_bytes();
        let timestamp = now.to_string();
        let signature = sign(&address.secret, "POST", &address.url, &body, &timestamp);
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("x-hubspot-request-timestamp", timestamp),
            ("x-hubspot-signature-v3", signature),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Message { url: address.url.clone(), headers, body }
    }

    fn is_acknowledged(&self, status: u16, _body: &[u8]) -> bool {
        (200..300).contains(&status)
    }

    fn patience(&self) -> Patience {
        Patience { timeout_ms: 5_000, at_once: 10, waits_ms: WAITS_MS.to_vec() }
    }
}

impl HubSpot {
    /// The events of one record, from what it was before.
    fn became(
        &mut self,
        kind: &ObjectType,
        id: u64,
        before: Option<&Record>,
        author: Author,
        now: i64,
    ) -> Vec<News> {
        let Ok(table) = self.table(kind) else { return Vec::new() };
        let found = table.store.get(id);
        let survivor = found.map(|record| record.id).filter(|other| *other != id);
        let after = found.filter(|record| record.id == id).cloned();
        let (was, is) = (live(before), live(after.as_ref()));
        let mut told = Vec::new();
        match (was, is) {
            (None, Some(_)) if before.is_some() => told.push(("restore", json!({}))),
            (None, Some(_)) => told.push(("creation", json!({"changeFlag": "NEW"}))),
            (Some(_), None) => match (survivor, after.is_some()) {
                (Some(into), _) => {
                    let moved = before.map_or(0, |record| record.properties.len());
                    told.push((
                        "merge",
                        json!({"objectId": into, "primaryObjectId": into, "mergedObjectIds": [id], "newObjectId": into,
                               "numberOfPropertiesMoved": moved}),
                    ));
                }
                (None, true) => told.push(("deletion", json!({"changeFlag": "DELETED"}))),
                (None, false) => told.push(("privacyDeletion", json!({}))),
            },
            _ => {}
        }
        if let Some(is) = is {
            let own = ["hs_object_id", "createdate", kind.modified];
            let value = |of: Option<&Record>, name: &str| {
                of.and_then(|record| record.properties.get(name)).cloned().unwrap_or_default()
            };
            let names = is.properties.keys().chain(was.into_iter().flat_map(|was| was.properties.keys()));
            let names: std::collections::BTreeSet<&String> = names.collect();
            for name in names.into_iter().filter(|name| !own.contains(&name.as_str())) {
                let (old, new) = (value(was, name), value(Some(is), name));
                if old != new {
                    let change = json!({"propertyName": name, "propertyValue": new, "isSensitive": false});
                    told.push(("propertyChange", change));
                }
            }
        }
        told.into_iter().map(|(what, told)| self.event(kind, id, what, told, author, now)).collect()
    }

    fn event(
        &mut self,
        kind: &ObjectType,
        id: u64,
        what: &'static str,
        mut told: Value,
        author: Author,
        now: i64,
    ) -> News {
        self.told += 1;
        told["eventId"] = json!(mix(self.salt ^ self.told) % 4_000_000_000);
        (told["portalId"], told["occurredAt"]) = (json!(self.portal), json!(now));
        if told.get("objectId").is_none() {
            told["objectId"] = json!(id);
        }
        match author {
            Author::Integration => told["changeSource"] = json!("INTEGRATION"),
            Author::Person => {
                told["changeSource"] = json!("CRM_UI");
                told["sourceId"] = json!(format!("userId:{}", 10_000_000 + self.salt % 89_999_999));
            }
        }
        News { object: kind.plural.to_owned(), id: id.to_string(), what, told }
    }
}

fn live(record: Option<&Record>) -> Option<&Record> {
    record.filter(|record| record.archived.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_vendors_published_example_when_signed_then_the_signature_is_the_published_one() {
        let secret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
        let (url, body) = ("https://www.example.com/webhook_uri", b"{'example_field':'example_value'}");
        let signed = sign(secret, "POST", url, body, "1693657560000");
        assert_eq!(signed, "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=");
        let encoded = "https://www.example.com%2fwebhook_uri";
        assert_eq!(sign(secret, "POST", encoded, body, "1693657560000"), signed);
    }
}
