//! Our words into HubSpot's requests. Pure: what a call looks like depends on nothing but its arguments.

use super::{ANY, Standard, path};
use crate::connector::{Call, Fields, Kind, WriteCall, WriteItem};
use crate::http::{Method, Request, RequestBody};
use rtr_core::failure::{Class, Failure};
use rtr_core::mapping::Patch;
use serde_json::{Map, Value, json};

/// The batch call for these items of `call`, all but [`Kind::Erase`].
#[must_use]
pub fn batch(call: &WriteCall, items: &[&WriteItem]) -> Call {
    let verb = match call.kind {
        Kind::Upsert { .. } => "upsert",
        Kind::Update => "update",
        Kind::Create => "create",
        Kind::Archive | Kind::Erase => "archive",
    };
    let inputs: Vec<Value> = items.iter().map(|item| input(&call.kind, item)).collect();
    post(format!("{}/{}/batch/{verb}", path::OBJECTS, segment(&call.object)), json!({ "inputs": inputs }))
}

/// The call that erases one contact for good. HubSpot has no batch of these.
#[must_use]
pub fn erase(object: &str, id: &str) -> Call {
    post(format!("{}/{}/gdpr-delete", path::OBJECTS, segment(object)), json!({ "objectId": id }))
}

/// The call that reads all properties of `object`.
#[must_use]
pub fn properties(object: &str) -> Call {
    get(format!("{}/{}", path::PROPERTIES, segment(object)))
}

/// Batches of nothing, one that reads and one that writes: they find out what the credentials may do.
#[must_use]
pub fn nothing(object: &str) -> [Call; 2] {
    ["read", "update"].map(|verb| {
        let mut call =
            post(format!("{}/{}/batch/{verb}", path::OBJECTS, segment(object)), json!({ "inputs": [] }));
        call.request.reads_only = true;
        call
    })
}

/// The call that makes our unique property.
///
/// # Errors
/// When the object's property group is not known: HubSpot wants one named.
pub fn key_property(object: &str, name: &str) -> Result<Call, Failure> {
    let group = match Standard::of(object) {
        Some(Standard::Contact) => "contactinformation",
        Some(Standard::Company) => "companyinformation",
        Some(Standard::Deal) => "dealinformation",
        Some(Standard::Ticket) => "ticketinformation",
        None => {
            let message = format!(
                "rtr-sync does not know the property groups of `{object}`: make the property `{name}` in HubSpot, \
                 single-line text with unique values"
            );
            return Err(Failure::new(Class::Refused, message));
        }
    };
    let body = json!({
        "name": name,
        "label": "rtr-sync record id",
        "description": "The record's id in the internal system. Written by rtr-sync; please leave it alone.",
        "type": "string",
        "fieldType": "text",
        "groupName": group,
        "hasUniqueValue": true,
        "formField": false,
    });
    Ok(post(format!("{}/{}", path::PROPERTIES, segment(object)), body))
}

/// The call that tells which account the token belongs to.
#[must_use]
pub fn account() -> Call {
    get(path::ACCOUNT.to_owned())
}

/// Whether an item writes anything: HubSpot answers 400 to an update without properties.
#[must_use]
pub fn is_empty(fields: &Fields) -> bool {
    fields.values().all(|patch| matches!(patch, Patch::Keep))
}

/// A value as HubSpot wants it: everything is text, several options are joined by `;`, and the empty text clears.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => decimal(number),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(element).collect::<Vec<_>>().join(";"),
        Value::Object(_) => value.to_string(),
    }
}

fn element(value: &Value) -> String {
    match value {
        Value::Array(_) => value.to_string(),
        scalar => text(scalar),
    }
}

/// Plain decimals, never an exponent. Fifteen significant digits are what every double holds exactly as written; the
/// two beyond them are the noise of sums such as 0.1 + 0.2.
fn decimal(number: &serde_json::Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    let Some(float) = number.as_f64() else { return number.to_string() };
    let rounded: f64 = format!("{float:.14e}").parse().unwrap_or(float);
    if rounded == 0.0 { "0".to_owned() } else { rounded.to_string() }
}

fn input(kind: &Kind, item: &WriteItem) -> Value {
    let mut input = Map::new();
    match kind {
        Kind::Upsert { property } => {
            input.insert("id".to_owned(), json!(item.id));
            input.insert("idProperty".to_owned(), json!(property));
            let mut properties = properties_of(&item.fields);
            // A new record must carry its key; one that is there already has it. `email` takes no partial upsert.
            let own = properties.get(property).and_then(Value::as_str).unwrap_or_default();
            if own.is_empty() {
                properties.insert(property.clone(), json!(item.id));
            }
            input.insert("properties".to_owned(), Value::Object(properties));
        }
        // Without idProperty: naming `hs_object_id` there is a 400.
        Kind::Update => {
            input.insert("id".to_owned(), json!(item.id));
            input.insert("properties".to_owned(), Value::Object(properties_of(&item.fields)));
        }
        Kind::Create => {
            input.insert("properties".to_owned(), Value::Object(properties_of(&item.fields)));
        }
        Kind::Archive | Kind::Erase => return json!({ "id": item.id }),
    }
    if !item.trace.is_empty() {
        input.insert("objectWriteTraceId".to_owned(), json!(item.trace));
    }
    Value::Object(input)
}

fn properties_of(fields: &Fields) -> Map<String, Value> {
    fields
        .iter()
        .filter_map(|(name, patch)| match patch {
            Patch::Keep => None,
            Patch::Clear => Some((name.clone(), json!(""))),
            Patch::Set(value) => Some((name.clone(), json!(text(value)))),
        })
        .collect()
}

/// A POST that changes something.
pub(super) fn post(path: String, body: Value) -> Call {
    let body = RequestBody::Json(body);
    Call {
        api: ANY,
        request: Request { method: Method::Post, path, headers: Vec::new(), body, reads_only: false },
    }
}

/// A read.
pub(super) fn get(path: String) -> Call {
    let body = RequestBody::Empty;
    Call {
        api: ANY,
        request: Request { method: Method::Get, path, headers: Vec::new(), body, reads_only: true },
    }
}

/// One segment of a path: object names come from the configuration and must not reach beyond their place.
pub(super) fn segment(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}
