//! A request without the record's values: its shape, its names and its ids, and everything else masked. Pure.
//!
//! What may stand there is said, not what may not: a value that a connector wrote in another form is still a value.

use crate::commands::preview::Request;
use rtr_core::mapping::{Key, Mapping, Patch, mask};
use rtr_core::payload::Payload;
use serde_json::Value;
use std::collections::BTreeSet;

/// What stands in an address where a value would.
const MASK: &str = "***";
/// Words of the CRMs' own in what is sent, by the keys that they stand under, where the mapping writes no property of that name.
const PROTOCOL: [&str; 15] = [
    "allOrNone",
    "associationCategory",
    "associationTypeId",
    "idProperty",
    "limit",
    "method",
    "objectWriteTraceId",
    "operation",
    "operator",
    "properties",
    "propertyName",
    "referenceId",
    "type",
    "url",
    "uniqueKey",
];

/// What is known of a record, and which of it may be shown.
pub(super) struct Known<'a> {
    pub(super) mapping: &'a Mapping,
    /// The record as it came.
    pub(super) data: &'a Value,
    /// What it means at the CRM.
    pub(super) payload: Option<&'a Payload>,
    /// Its ids, ours and the CRM's: lists show them.
    pub(super) ids: Vec<String>,
}

/// `request` with the record's values masked.
pub(super) fn redacted(request: Request, known: &Known<'_>) -> Request {
    let (names, words) = (known.names(), known.words());
    let body = match &request.body {
        Value::Null => Value::Null,
        Value::String(_) => MASK.into(),
        body => {
            let masked = mask(known.mapping, body);
            shown("", body, &masked, &names, &words)
        }
    };
    Request { url: address(&request.url, &known.values(), &words), body, ..request }
}

impl Known<'_> {
    /// The CRM's names of what is written.
    fn names(&self) -> BTreeSet<&str> {
        self.mapping.field_names().collect()
    }

    /// What may be shown: names, and ids.
    fn words(&self) -> BTreeSet<&str> {
        let mapping = self.mapping;
        let key = match &mapping.key {
            Key::Property { name } => Some(name.as_str()),
            Key::Intent => None,
        };
        let own = [Some(mapping.object.as_str()), key, mapping.marker.as_deref()];
        let ids = self.ids.iter().map(String::as_str);
        self.names().into_iter().chain(own.into_iter().flatten()).chain(ids).collect()
    }

    /// Every text and number of the record, as it came and as it goes.
    fn values(&self) -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        collect(self.data, &mut values);
        for patch in
            self.payload.iter().flat_map(|payload| payload.fields.values().chain(payload.on_create.values()))
        {
            if let Patch::Set(value) = patch {
                collect(value, &mut values);
            }
        }
        values
    }
}

fn collect(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => drop(into.insert(number.to_string())),
        Value::String(text) => drop(into.insert(text.trim().to_lowercase())),
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(entries) => entries.values().for_each(|value| collect(value, into)),
    }
}

/// `masked`, with what may be shown of `value`, which stands under `key`, as it was.
fn shown(key: &str, value: &Value, masked: &Value, names: &BTreeSet<&str>, words: &BTreeSet<&str>) -> Value {
    match (value, masked) {
        (Value::Array(items), Value::Array(masks)) => {
            items.iter().zip(masks).map(|(item, mask)| shown(key, item, mask, names, words)).collect()
        }
        // The keys of what is sent are the CRM's names; one that is none is left out with its value.
        (Value::Object(entries), Value::Object(masks)) => entries
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), shown(key, value, masks.get(key)?, names, words))))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        (Value::String(text), _) if words.contains(text.as_str()) => value.clone(),
        (Value::String(_) | Value::Number(_) | Value::Bool(_), _)
            if PROTOCOL.contains(&key) && !names.contains(key) =>
        {
            value.clone()
        }
        // A field that is cleared is no value.
        (Value::Null, _) => Value::Null,
        // The mask lets words pass that the mapping itself names: which of them a record has is the record's.
        _ if value == masked => MASK.into(),
        _ => masked.clone(),
    }
}

/// An address without what may be a value: what is asked for, and each part of the path that is one.
fn address(url: &str, values: &BTreeSet<String>, words: &BTreeSet<&str>) -> String {
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let part = |part: &str| {
        let plain = decoded(part);
        let hidden = values.contains(&plain.trim().to_lowercase()) && !words.contains(plain.as_str());
        if hidden { MASK.to_owned() } else { part.to_owned() }
    };
    let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
    let asked = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if !words.contains(decoded(value).as_str()) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    };
    match query {
        Some(query) => format!("{path}?{}", query.split('&').map(asked).collect::<Vec<_>>().join("&")),
        None => path,
    }
}

/// A part of an address as it was before it was escaped.
fn decoded(part: &str) -> String {
    let bytes = part.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let code = part.get(at + 1..at + 3).and_then(|code| u8::from_str_radix(code, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                plain.push(code);
                at += 3;
            }
            _ => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_connectors::registry;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn mapping() -> Mapping {
        let facts = registry::facts().into_iter().find(|facts| facts.name == "hubspot").unwrap();
        let raw = json!({"object": "contacts", "fields": {
            "email": "email", "firstname": "first_name", "type": "kind", "lifecyclestage": {"from": "stage", "map": {"won": "customer"}},
        }});
        Mapping::compile(&facts, "contact", &serde_json::from_value(raw).unwrap()).unwrap()
    }

    fn request(url: &str, body: Value) -> Request {
        Request {
            method: "POST",
            url: url.to_owned(),
            headers: BTreeMap::new(),
            body,
            is_question: false,
            was_asked: false,
        }
    }

    #[test]
    fn given_a_request_when_redacted_then_names_and_ids_stand_there_and_no_value_of_the_record_does() {
        let mapping = mapping();
        let data = json!({"email": "ada@lovelace.org", "first_name": "Adeline", "kind": "Secretive", "stage": "won"});
        let known = Known { mapping: &mapping, data: &data, payload: None, ids: vec!["c-1001".to_owned()] };
        let body = json!({"inputs": [{"id": "c-1001", "idProperty": "rtr_record_id", "objectWriteTraceId": "message-id/0",
            "properties": {"email": "ada@lovelace.org", "firstname": "Adeline", "type": "Secretive", "lifecyclestage": "won",
            "rtr_record_id": "c-1001", "annualrevenue": 123_456, "optout": true, "phone": null}}], "properties": ["hs_additional_emails"]});
        let url = "https://api.hubapi.com/crm/v3/objects/contacts/ada%40lovelace.org/c-1001?idProperty=email&q=Adeline%20x";
        let shown = redacted(request(url, body), &known);
        insta::assert_snapshot!(format!("{}\n{}", shown.url, shown.body), @r#"
        https://api.hubapi.com/crm/v3/objects/contacts/***/c-1001?idProperty=email&q=***
        {"inputs":[{"id":"c-1001","idProperty":"rtr_record_id","objectWriteTraceId":"message-id/0","properties":{"annualrevenue":234567,"email":"user1@example.com","firstname":"Xxxxxxx","lifecyclestage":"***","optout":"***","phone":null,"rtr_record_id":"c-1001","type":"Xxxxxxxxx"}}],"properties":["hs_additional_emails"]}
        "#);
        let text = redacted(request("https://x.example/a", "Adeline,1".into()), &known);
        assert_eq!((text.url.as_str(), text.body), ("https://x.example/a", json!(MASK)));
    }

    #[test]
    fn given_what_was_escaped_when_decoded_then_it_is_what_it_was() {
        assert_eq!(decoded("a%40b%2Ec%"), "a@b.c%");
        assert_eq!([decoded("%zz"), decoded("é%C3%A9")], ["%zz", "éé"]);
    }
}
