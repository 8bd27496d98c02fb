//! Pipedrive's webhooks v2: nothing is signed, a name and a password in the request are all there is.
//!
//! No connector is registered for Pipedrive yet: this is its room for webhooks, by the vendor's own description of them.
//! <https://pipedrive.readme.io/docs/guide-for-webhooks-v2>

use super::signature::is_any;
use super::{Delivery, Event, Heard, Keys, Part, Refusal, Unreadable, Webhook, hint, id, json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rtr_core::inbound::Operation;
use rtr_core::time::Instant;
use secrecy::ExposeSecret;
use serde_json::Value;

/// The scheme.
#[derive(Debug, Clone, Copy)]
pub struct Pipedrive;

impl Webhook for Pipedrive {
    /// The connection's secrets for webhooks are `name:password`, as they were entered with the webhook.
    fn verify(&self, delivery: &Delivery<'_>, keys: Keys<'_>) -> Result<(), Refusal> {
        if keys.webhook.is_empty() {
            return Err(Refusal::NoKey);
        }
        let given = delivery.header("authorization").ok_or(Refusal::Unsigned)?;
        let (scheme, given) = given.split_once(' ').ok_or(Refusal::Unsigned)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(Refusal::Unsigned);
        }
        let given = BASE64.decode(given).map_err(|_| Refusal::Forged)?;
        let secrets = keys.webhook.iter().map(|secret| secret.expose_secret().as_bytes());
        if is_any(secrets, &given) { Ok(()) } else { Err(Refusal::Forged) }
    }

    fn read(&self, delivery: &Delivery<'_>) -> Result<Heard, Unreadable> {
        let body = json(delivery.body)?;
        let meta = body.get("meta").filter(|meta| meta.is_object());
        let meta = meta.ok_or_else(|| Unreadable("the body has no `meta`".to_owned()))?;
        let mut heard = Heard::default();
        heard.add(read_one(meta));
        Ok(heard)
    }
}

fn read_one(meta: &Value) -> Option<Part> {
    let text = |name: &str| meta.get(name).and_then(Value::as_str);
    let (object, external_id, event) =
        (id(meta.get("entity"))?, id(meta.get("entity_id"))?, id(meta.get("id"))?);
    let operation = match text("action")? {
        "create" | "change" => Operation::Upsert,
        // A merge is the loser's deletion, with the winner's id.
        "delete" => match id(meta.get("merged_to_id")) {
            Some(into) => Operation::Merged { into },
            None => Operation::Deleted,
        },
        _ => return Some(Part::SomethingElse),
    };
    let at = text("timestamp").and_then(|at| Instant::from_rfc3339(at).ok());
    let origin = text("change_source").map(hint);
    let account = id(meta.get("company_id"));
    Some(Part::Of(vec![Event { object, external_id, operation, at, origin, account, identity: event }]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use secrecy::SecretString;

    fn delivery<'a>(headers: &'a [(String, String)], body: &'a str) -> Delivery<'a> {
        let body = body.as_bytes();
        Delivery { method: "POST", address: "", word: None, query: "", headers, body, now: Instant(0) }
    }

    #[test]
    fn given_a_name_and_a_password_when_verified_then_the_old_holds_beside_the_new_and_no_other_does() {
        let secrets = ["rtr:new".into(), SecretString::from("rtr:old")];
        let verify = |header: Option<&str>| {
            let headers: Vec<_> =
                header.into_iter().map(|value| ("authorization".to_owned(), value.to_owned())).collect();
            Pipedrive.verify(&delivery(&headers, ""), Keys { webhook: &secrets, client: &[] })
        };
        let basic = |text: &str| format!("Basic {}", BASE64.encode(text));
        assert_eq!(verify(Some(&basic("rtr:new"))), Ok(()));
        assert_eq!(verify(Some(&basic("rtr:old").replace("Basic", "basic"))), Ok(()));
        for wrong in ["rtr:ne", "rtr:new ", "", "rtr"] {
            assert_eq!(verify(Some(&basic(wrong))), Err(Refusal::Forged), "{wrong}");
        }
        assert_eq!(verify(Some("Basic ???")), Err(Refusal::Forged));
        assert_eq!(verify(Some("Bearer rtr:new")), Err(Refusal::Unsigned));
        assert_eq!(verify(None), Err(Refusal::Unsigned));
        assert_eq!(Pipedrive.verify(&delivery(&[], ""), Keys::default()), Err(Refusal::NoKey));
    }

    #[test]
    fn given_changes_deletions_and_merges_when_read_then_each_is_what_became_of_the_record() {
        let read = |action: &str, more: &str| {
            let body = format!(
                r#"{{"meta": {{"action": "{action}", "entity": "person", "entity_id": 12, "id": "u-1", "company_id": 9,
                "timestamp": "2026-11-18T11:06:40.123Z", "change_source": "app"{more}}}, "data": null}}"#
            );
            Pipedrive.read(&delivery(&[], &body)).unwrap()
        };
        let operation = |heard: &Heard| heard.events[0].operation.clone();
        let changed = read("change", "");
        assert_eq!(operation(&changed), Operation::Upsert);
        assert_eq!(
            (&*changed.events[0].external_id, changed.events[0].account.as_deref()),
            ("12", Some("9"))
        );
        assert_eq!(operation(&read("delete", "")), Operation::Deleted);
        let merged = read("delete", r#", "merged_to_id": 13"#);
        assert_eq!(operation(&merged), Operation::Merged { into: "13".to_owned() });
        assert_eq!(read("sing", "").ignored, 1);
        assert_eq!(Pipedrive.read(&delivery(&[], r#"{"meta": {}}"#)).unwrap().unreadable, 1);
        assert!(Pipedrive.read(&delivery(&[], "[]")).is_err());
    }
}
