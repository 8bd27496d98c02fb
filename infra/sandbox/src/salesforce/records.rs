//! Calls on one record: `/sobjects/{Type}/…`.

use super::access::{Context, body};
use super::errors::Fail;
use super::schema::{Field, ObjectType, find};
use super::store::Record;
use super::values::normalise;
use super::write::{Key, Written};
use super::{Salesforce, changes, describe, ids};
use crate::provider::{Answer, Call};
use serde_json::{Map, Value, json};

/// Every path below `/sobjects`.
pub(super) fn serve(
    org: &mut Salesforce,
    rest: &[&str],
    call: &Call<'_>,
    context: &Context,
) -> Result<Answer, Fail> {
    let Some((name, rest)) = rest.split_first() else { return describe::list(call, context) };
    let kind = find(name).filter(|kind| !kind.tooling).ok_or_else(Fail::not_found)?;
    match (call.method(), rest) {
        ("GET", []) => Ok(describe::basic(kind, context)),
        ("POST", []) => {
            let written = org.create(kind, &object(call)?, context)?;
            Ok(saved(kind, &written, false, context))
        }
        ("GET", ["describe"]) => Ok(describe::full(org, kind, context)),
        ("GET", ["updated"]) => changes::updated(org, kind, call),
        ("GET", ["deleted"]) => changes::deleted(org, kind, call, context),
        ("GET", [id]) => {
            let id = canonical(kind, id)?;
            let record = org.store.live(&id).ok_or_else(Fail::not_found)?;
            read(org, record, call, context)
        }
        ("PATCH", [id]) => {
            let input = object(call)?;
            without_id(&input)?;
            org.update(kind, &canonical(kind, id)?, &input, context)?;
            Ok(Answer::empty(204))
        }
        ("DELETE", [id]) => {
            org.delete(kind, &canonical(kind, id)?, context)?;
            Ok(Answer::empty(204))
        }
        (_, [field, value]) => by_key(org, kind, (field, value), call, context),
        (_, [] | [_]) => Err(not_allowed(call)),
        _ => Err(Fail::not_found()),
    }
}

/// `/sobjects/{Type}/{ExtField}/{value}`
fn by_key(
    org: &mut Salesforce,
    kind: &'static ObjectType,
    (name, value): (&str, &str),
    call: &Call<'_>,
    context: &Context,
) -> Result<Answer, Fail> {
    let field = org.key(kind, name)?.clone();
    let value = normalise(&field, &json!(value))?;
    let key = Key { field, value };
    match call.method() {
        "PATCH" => {
            let input = object(call)?;
            without_id(&input)?;
            if let Some(name) = input.keys().find(|name| name.eq_ignore_ascii_case(&key.field.name)) {
                return Err(twice(name));
            }
            let written = org.upsert(kind, &key, &input, context)?;
            Ok(saved(kind, &written, true, context))
        }
        "GET" => {
            let id = one(org, kind, &key, context)?;
            let record = org.store.live(&id).ok_or_else(Fail::not_found)?;
            read(org, record, call, context)
        }
        "DELETE" => {
            let id = one(org, kind, &key, context)?;
            org.delete(kind, &id, context)?;
            Ok(Answer::empty(204))
        }
        _ => Err(not_allowed(call)),
    }
}

/// The id of the one record that holds the key's value.
fn one(org: &Salesforce, kind: &ObjectType, key: &Key, context: &Context) -> Result<String, Fail> {
    let found = org.store.by_key(kind, &key.field, &key.value);
    match found.as_slice() {
        [] => Err(Fail::not_found()),
        [record] => Ok(record.id.clone()),
        several => {
            let url = |record: &&Record| url(record, context);
            Err(Fail::not_found().choices(several.iter().map(url).collect()))
        }
    }
}

/// An id in a path; what is no id of the type is taken for a misspelt external id.
fn canonical(kind: &ObjectType, id: &str) -> Result<String, Fail> {
    let canonical = ids::canonical(id).filter(|id| id.starts_with(kind.prefix));
    canonical.ok_or_else(|| Fail::no_external_id(id))
}

fn object(call: &Call<'_>) -> Result<Map<String, Value>, Fail> {
    match body(call)? {
        Value::Object(input) => Ok(input),
        _ => Err(Fail::bad("JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object")),
    }
}

fn twice(name: &str) -> Fail {
    Fail::bad("INVALID_FIELD", format!("The {name} field should not be specified in the sobject data."))
}

fn without_id(input: &Map<String, Value>) -> Result<(), Fail> {
    match input.keys().find(|name| name.eq_ignore_ascii_case("id")) {
        Some(name) => Err(twice(name)),
        None => Ok(()),
    }
}

fn not_allowed(call: &Call<'_>) -> Fail {
    let message =
        format!("HTTP Method '{}' not allowed. Allowed are DELETE,GET,HEAD,PATCH,POST", call.method());
    Fail::new(405, "METHOD_NOT_ALLOWED", message)
}

fn saved(kind: &ObjectType, written: &Written, upsert: bool, context: &Context) -> Answer {
    let mut answer = json!({"id": written.id, "success": true, "errors": []});
    if upsert {
        answer["created"] = json!(written.created);
    }
    if !written.created {
        return Answer::json(200, answer);
    }
    let place = format!("/services/data/{}/sobjects/{}/{}", context.version, kind.name, written.id);
    Answer::json(201, answer).header("location", place)
}

fn read(org: &Salesforce, record: &Record, call: &Call<'_>, context: &Context) -> Result<Answer, Fail> {
    let wanted = call.query("fields").filter(|names| !names.is_empty());
    let fields: Vec<&Field> = match wanted {
        None => org.fields(record.kind).collect(),
        Some(names) => columns(org, record.kind, names.split(',').map(str::trim))?,
    };
    Ok(Answer::json(200, org.view(record, &fields, context)))
}

/// The fields of these names; one that is not there, or not seen, is refused.
pub(super) fn columns<'a, 'b>(
    org: &'a Salesforce,
    kind: &ObjectType,
    names: impl Iterator<Item = &'b str>,
) -> Result<Vec<&'a Field>, Fail> {
    names.map(|name| org.field(kind, name).ok_or_else(|| Fail::no_column(name, kind.name))).collect()
}

/// Where a record is.
pub(super) fn url(record: &Record, context: &Context) -> String {
    format!("/services/data/{}/sobjects/{}/{}", context.version, record.kind.name, record.id)
}

impl Salesforce {
    /// What a field of a record holds.
    pub(super) fn value(&self, record: &Record, field: &Field) -> Value {
        let user = |by: &Option<String>| json!(by.as_ref().unwrap_or(&self.user));
        match field.name.as_str() {
            "Id" => json!(record.id),
            "IsDeleted" => json!(record.deleted.is_some()),
            "CreatedDate" => json!(super::values::stamp(record.created)),
            "LastModifiedDate" | "SystemModstamp" => json!(super::values::stamp(record.modified)),
            "CreatedById" => user(&record.created_by),
            "LastModifiedById" => user(&record.modified_by),
            "MasterRecordId" => json!(record.master),
            name => record.values.get(name).cloned().unwrap_or(Value::Null),
        }
    }

    /// A record with these of its fields; `Id` is always among them.
    pub(super) fn view(&self, record: &Record, fields: &[&Field], context: &Context) -> Value {
        let mut view =
            json!({"attributes": {"type": record.kind.name, "url": url(record, context)}, "Id": record.id});
        for field in fields {
            view[field.name.as_str()] = self.value(record, field);
        }
        view
    }
}
