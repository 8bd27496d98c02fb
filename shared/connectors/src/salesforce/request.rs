//! Our words into Salesforce's requests. Pure: what a call looks like depends on nothing but its arguments.

use super::{ANY, API, soql};
use crate::connector::{Call, Fields, Kind, WriteCall, WriteItem};
use crate::http::{Method, Request, RequestBody};
use rtr_core::failure::{Class, Failure};
use rtr_core::mapping::Patch;
use serde_json::{Map, Value, json};

/// The call that writes these items of `call`, all but [`Kind::Erase`]; and the items' records, as [`record`] made them.
///
/// A lone upsert goes to the record's own address, which tells by 300 which records share its key. A key that an
/// address would have to spell otherwise (`/`, `.`, spaces) goes in a collection of one instead.
#[must_use]
pub fn write(call: &WriteCall, items: &[&WriteItem], records: &[Value]) -> Call {
    let all = format!("{API}/composite/sobjects");
    let collection = json!({ "allOrNone": false, "records": records });
    let (method, path, body) = match (&call.kind, items, records) {
        (Kind::Upsert { property }, [item], [record]) if is_plain(&item.id) => {
            let path = format!("{API}/sobjects/{}/{property}/{}", call.object, item.id);
            let mut body = record.clone();
            // "The field should not be specified in the sobject data": the address holds it already.
            if let Some(fields) = body.as_object_mut() {
                fields.retain(|name, _| name != "attributes" && !name.eq_ignore_ascii_case(property));
            }
            (Method::Patch, path, RequestBody::Json(body))
        }
        (Kind::Upsert { property }, ..) => {
            (Method::Patch, format!("{all}/{}/{property}", call.object), RequestBody::Json(collection))
        }
        (Kind::Update, ..) => (Method::Patch, all, RequestBody::Json(collection)),
        (Kind::Create, ..) => (Method::Post, all, RequestBody::Json(collection)),
        (Kind::Archive | Kind::Erase, ..) => {
            let ids: Vec<String> = items.iter().map(|item| encoded(&item.id)).collect();
            let path = format!("{all}?ids={}&allOrNone=false", ids.join(","));
            (Method::Delete, path, RequestBody::Empty)
        }
    };
    Call {
        api: ANY,
        request: Request { method, path, headers: headers(&call.kind), body, reads_only: false },
    }
}

/// A read.
#[must_use]
pub fn get(path: String) -> Call {
    let (headers, body) = (Vec::new(), RequestBody::Empty);
    Call { api: ANY, request: Request { method: Method::Get, path, headers, body, reads_only: true } }
}

/// A POST of something other than records.
#[must_use]
pub fn post(path: String, body: Value) -> Call {
    let (headers, body) = (headers(&Kind::Create), RequestBody::Json(body));
    Call { api: ANY, request: Request { method: Method::Post, path, headers, body, reads_only: false } }
}

/// A SOQL query; `all` also sees what lies in the bin.
#[must_use]
pub fn query(soql: &str, all: bool) -> Call {
    let resource = if all { "queryAll" } else { "query" };
    get(format!("{API}/{resource}?q={}", encoded(soql)))
}

/// A value as part of an address.
#[must_use]
pub fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Whether an item writes anything.
#[must_use]
pub fn is_empty(fields: &Fields) -> bool {
    fields.values().all(|patch| matches!(patch, Patch::Keep))
}

/// What identifies the parent whose row Salesforce locks with this item's: the values of its references. Items of one
/// parent that are sent together lock it once.
#[must_use]
pub fn parents(item: &WriteItem) -> String {
    let refers = |name: &str| name.contains('.') || name.ends_with("Id") || name.ends_with("__c");
    let id = |name: &str, value: &Value| {
        let text = value.as_str()?;
        // Any custom field may be a lookup; one is told from a text by what stands in it.
        (name.contains('.') || super::body::id18(text).is_some()).then(|| format!("{name}={text}"))
    };
    let parents = item.fields.iter().filter_map(|(name, patch)| match patch {
        Patch::Set(value) if refers(name) => id(name, value),
        _ => None,
    });
    parents.collect::<Vec<_>>().join("&")
}

/// An item as a record of a collection.
///
/// # Errors
/// When two of its fields would set one relationship, or a name is none.
pub fn record(call: &WriteCall, item: &WriteItem) -> Result<Value, Failure> {
    let mut record = Map::new();
    for (name, patch) in &item.fields {
        let value = match patch {
            Patch::Keep => continue,
            Patch::Clear | Patch::Set(Value::Null) => Value::Null,
            Patch::Set(value) => shaped(value),
        };
        let (name, value) = placed(soql::field(name)?, value)?;
        if record.insert(name.clone(), value).is_some() {
            return Err(twice(&name));
        }
    }
    // Both `Account` and `AccountId`: Salesforce would take either.
    let both =
        record.keys().find(|name| record.contains_key(&lookup_field(name)) && lookup_field(name) != **name);
    if let Some(name) = both {
        return Err(twice(name));
    }
    record.insert("attributes".to_owned(), json!({ "type": call.object }));
    match &call.kind {
        Kind::Upsert { property } => {
            record.retain(|name, _| !name.eq_ignore_ascii_case(property));
            record.insert(property.clone(), json!(item.id));
        }
        Kind::Update => {
            record.insert("id".to_owned(), json!(item.id));
        }
        Kind::Create | Kind::Archive | Kind::Erase => {}
    }
    Ok(Value::Object(record))
}

/// `Account.Key__c` sets the relationship `Account` by the parent's external id; cleared, it is the lookup field that is
/// emptied.
fn placed(name: &str, value: Value) -> Result<(String, Value), Failure> {
    match name.split_once('.') {
        None => Ok((name.to_owned(), value)),
        Some((relationship, _)) if value.is_null() => Ok((lookup_field(relationship), value)),
        Some((_, key)) if key.contains('.') => {
            let message =
                format!("`{name}` leads over two relationships: a record can only name its own parents");
            Err(Failure::new(Class::Invalid { field: Some(name.to_owned()) }, message))
        }
        Some((relationship, key)) => Ok((relationship.to_owned(), json!({ key: value }))),
    }
}

/// The field behind a relationship: `Account` is `AccountId`, `Firm__r` is `Firm__c`.
fn lookup_field(relationship: &str) -> String {
    match relationship.strip_suffix("__r") {
        Some(custom) => format!("{custom}__c"),
        None if relationship.ends_with("__c") => relationship.to_owned(),
        None => format!("{relationship}Id"),
    }
}

fn twice(name: &str) -> Failure {
    let message = format!("two fields of the mapping set `{name}`: keep one of them");
    Failure::new(Class::Invalid { field: Some(name.to_owned()) }, message)
}

/// Values keep their types; several options of a picklist are one text.
fn shaped(value: &Value) -> Value {
    match value {
        Value::Array(options) => {
            let text = |option: &Value| super::body::text_of(option).unwrap_or_else(|| option.to_string());
            json!(options.iter().map(text).collect::<Vec<_>>().join(";"))
        }
        other => other.clone(),
    }
}

/// The client's name lets change events tell our writes from people's. Duplicate rules that only warn are overruled for
/// updates alone: those are of a record that is linked or was chosen, and a likeness to another must not stop it. A
/// record that is yet to be made is not: what a rule finds may be the very record to adopt.
fn headers(kind: &Kind) -> Vec<(&'static str, String)> {
    let mut headers = vec![("sforce-call-options", "client=rtr-sync".to_owned())];
    if *kind == Kind::Update {
        headers.push(("sforce-duplicate-rule-header", "allowSave=true".to_owned()));
    }
    headers
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}
