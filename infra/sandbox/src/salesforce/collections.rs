//! Up to 200 records in one call: `/composite/sobjects`. The answer is a list in the order of the request, its
//! status 200 whatever became of the items, unless the call itself was malformed.

use super::access::{Context, body};
use super::errors::Fail;
use super::records::columns;
use super::schema::{Field, ObjectType, TYPES, find};
use super::values::normalise;
use super::write::{Key, Written};
use super::{Salesforce, ids};
use crate::provider::{Answer, Call};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const MAX_RECORDS: usize = 200;
const MAX_READ: usize = 2000;
const MAX_CHUNKS: usize = 10;

/// Every path below `/composite/sobjects`.
pub(super) fn serve(
    org: &mut Salesforce,
    rest: &[&str],
    call: &Call<'_>,
    context: &Context,
) -> Result<Answer, Fail> {
    match (call.method(), rest) {
        ("POST", []) => {
            let batch = Batch::read(&body(call)?)?;
            org.each(&batch, None, |org, record| org.create(typed(record)?, record, context))
        }
        ("PATCH", []) => {
            let batch = Batch::read(&body(call)?)?;
            org.each(&batch, None, |org, record| {
                let id = id(record)?.ok_or_else(no_id)?;
                org.update(typed(record)?, &id, &without_id(record), context)
            })
        }
        ("DELETE", []) => delete(org, call, context),
        ("GET", [name]) => {
            let list = |name: &str| {
                call.query(name).map(|text| text.split(',').map(str::trim).map(str::to_owned).collect())
            };
            read(org, name, list("ids").unwrap_or_default(), list("fields").unwrap_or_default(), context)
        }
        ("POST", [name]) => {
            let body = body(call)?;
            read(org, name, texts(&body, "ids")?, texts(&body, "fields")?, context)
        }
        ("PATCH", [name, field]) => upsert(org, name, field, &Batch::read(&body(call)?)?, context),
        _ => {
            Err(Fail::new(405, "METHOD_NOT_ALLOWED", format!("HTTP Method '{}' not allowed", call.method())))
        }
    }
}

/// The records of a call.
struct Batch {
    all_or_none: bool,
    records: Vec<Map<String, Value>>,
}

impl Batch {
    fn read(body: &Value) -> Result<Self, Fail> {
        let all_or_none = match body.get("allOrNone") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => return Err(Fail::unreadable("boolean", other)),
        };
        let list = body.get("records").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let records: Option<Vec<Map<String, Value>>> =
            list.iter().map(|record| record.as_object().cloned()).collect();
        let records =
            records.ok_or_else(|| Fail::bad("JSON_PARSER_ERROR", "records has to be a list of objects"))?;
        count(records.len(), MAX_RECORDS)?;
        let types = records.iter().map(|record| type_name(record)).collect::<Result<Vec<_>, _>>()?;
        let chunks = 1 + types.windows(2).filter(|two| two.first() != two.last()).count();
        if chunks > MAX_CHUNKS {
            let message = "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking.";
            return Err(Fail::bad("OPERATION_TOO_LARGE", message));
        }
        Ok(Self { all_or_none, records })
    }
}

/// Refuses a call with no records or too many.
fn count(count: usize, most: usize) -> Result<(), Fail> {
    match count {
        0 => Err(Fail::bad("REQUIRED_FIELD_MISSING", "At least 1 record is required")),
        count if count > most => {
            let message =
                format!("record limit reached. cannot submit more than {most} records into this call");
            Err(Fail::bad("EXCEEDED_ID_LIMIT", message))
        }
        _ => Ok(()),
    }
}

fn type_name(record: &Map<String, Value>) -> Result<&str, Fail> {
    let name = record.get("attributes").and_then(|attributes| attributes.get("type")).and_then(Value::as_str);
    name.ok_or_else(|| Fail::bad("INVALID_INPUT", "Every record needs its type in attributes.type"))
}

fn typed(record: &Map<String, Value>) -> Result<&'static ObjectType, Fail> {
    let name = type_name(record)?;
    find(name).filter(|kind| !kind.tooling).ok_or_else(|| super::soql::no_type(name))
}

/// The item's own id, whichever way it is spelt.
fn id(record: &Map<String, Value>) -> Result<Option<String>, Fail> {
    let found = record.iter().find(|(name, _)| name.eq_ignore_ascii_case("id")).map(|(_, value)| value);
    match found {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) => Ok(Some(id.clone()).filter(|id| !id.is_empty())),
        Some(other) => Err(Fail::bad("MALFORMED_ID", format!("malformed id {other}")).fields(Vec::new())),
    }
}

fn no_id() -> Fail {
    Fail::bad("MISSING_ARGUMENT", "Id not specified in an update call").fields(Vec::new())
}

fn without_id(record: &Map<String, Value>) -> Map<String, Value> {
    let mut record = record.clone();
    record.retain(|name, _| !name.eq_ignore_ascii_case("id"));
    record
}

impl Salesforce {
    /// Does one thing with each record; `keys` marks those that an upsert refuses before it is done.
    fn each(
        &mut self,
        batch: &Batch,
        refused: Option<&BTreeMap<usize, Fail>>,
        mut one: impl FnMut(&mut Self, &Map<String, Value>) -> Result<Written, Fail>,
    ) -> Result<Answer, Fail> {
        let (mark, upsert) = (self.store.mark(), refused.is_some());
        let outcomes: Vec<Result<Written, Fail>> = batch
            .records
            .iter()
            .enumerate()
            .map(|(at, record)| match refused.and_then(|refused| refused.get(&at)) {
                Some(fail) => Err(fail.clone()),
                None => one(self, record),
            })
            .collect();
        let back = batch.all_or_none && outcomes.iter().any(Result::is_err);
        if back {
            self.undo(mark);
        }
        Ok(Answer::json(200, outcomes.into_iter().map(|outcome| item(outcome, upsert, back)).collect()))
    }
}

/// One item of the answer; `back` when all was undone.
fn item(outcome: Result<Written, Fail>, upsert: bool, back: bool) -> Value {
    let failed = |fail: Fail| {
        let mut item = json!({"success": false, "errors": [fail.item()]});
        if upsert {
            item["created"] = json!(false);
        }
        item
    };
    match outcome {
        Err(fail) => failed(fail),
        Ok(_) if back => {
            let message = "Record rolled back because not all records were valid and the request was using AllOrNone header";
            failed(Fail::bad("ALL_OR_NONE_OPERATION_ROLLED_BACK", message))
        }
        Ok(written) => {
            let mut item = json!({"id": written.id, "success": true, "errors": []});
            if upsert {
                item["created"] = json!(written.created);
            }
            item
        }
    }
}

fn delete(org: &mut Salesforce, call: &Call<'_>, context: &Context) -> Result<Answer, Fail> {
    let ids: Vec<&str> =
        call.query("ids").unwrap_or_default().split(',').filter(|id| !id.is_empty()).collect();
    count(ids.len(), MAX_RECORDS)?;
    let all_or_none = call.query("allOrNone").is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
    let records = ids.iter().map(|id| Map::from_iter([("id".to_owned(), json!(id))])).collect();
    org.each(&Batch { all_or_none, records }, None, |org, record| {
        let id = id(record)?.unwrap_or_default();
        let kind = ids::canonical(&id).and_then(|id| TYPES.iter().find(|kind| id.starts_with(kind.prefix)));
        let malformed = || Fail::bad("MALFORMED_ID", format!("malformed id {id}")).fields(Vec::new());
        let id = org.delete(kind.ok_or_else(malformed)?, &id, context)?;
        Ok(Written { id, created: false })
    })
}

fn texts(body: &Value, name: &str) -> Result<Vec<String>, Fail> {
    let list = body.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let texts = list
        .iter()
        .map(|value| value.as_str().map(str::to_owned).ok_or_else(|| Fail::unreadable("string", value)));
    texts.collect()
}

/// The records of these ids in their order, `null` for each that is not there.
fn read(
    org: &Salesforce,
    name: &str,
    wanted: Vec<String>,
    names: Vec<String>,
    context: &Context,
) -> Result<Answer, Fail> {
    let kind = find(name).filter(|kind| !kind.tooling).ok_or_else(Fail::not_found)?;
    count(wanted.len(), MAX_READ)?;
    if names.is_empty() {
        return Err(Fail::bad("REQUIRED_FIELD_MISSING", "At least 1 field is required"));
    }
    let fields = columns(org, kind, names.iter().map(String::as_str))?;
    let one = |id: &String| -> Result<Value, Fail> {
        let malformed = || Fail::bad("MALFORMED_ID", format!("malformed id {id}"));
        let id = ids::canonical(id).ok_or_else(malformed)?;
        let record = org.store.live(&id).filter(|record| record.kind.name == kind.name);
        Ok(record.map_or(Value::Null, |record| org.view(record, &fields, context)))
    };
    Ok(Answer::json(200, wanted.iter().map(one).collect::<Result<_, _>>()?))
}

fn upsert(
    org: &mut Salesforce,
    name: &str,
    field: &str,
    batch: &Batch,
    context: &Context,
) -> Result<Answer, Fail> {
    let kind = find(name).filter(|kind| !kind.tooling).ok_or_else(Fail::not_found)?;
    let field = org.key(kind, field)?.clone();
    let refused = repeated(batch, &field);
    org.each(batch, Some(&refused), |org, record| {
        if typed(record)?.name != kind.name {
            let message = format!("Every record has to be of the type {}", kind.name);
            return Err(Fail::bad("INVALID_TYPE", message));
        }
        if id(record)?.is_some() {
            let message = "Id and an external id cannot both name the record of an upsert";
            return Err(Fail::bad("INVALID_FIELD_FOR_INSERT_UPDATE", message).fields(vec!["Id".to_owned()]));
        }
        let value = normalise(&field, key_of(record, &field).unwrap_or(&Value::Null))?;
        if value.is_null() {
            return Err(Fail::bad("MISSING_ARGUMENT", format!("{} not specified", field.name)));
        }
        org.upsert(kind, &Key { field: field.clone(), value }, record, context)
    })
}

fn key_of<'a>(record: &'a Map<String, Value>, field: &Field) -> Option<&'a Value> {
    record.iter().find(|(name, _)| name.eq_ignore_ascii_case(&field.name)).map(|(_, value)| value)
}

/// Every record whose key another one of the call has too.
fn repeated(batch: &Batch, field: &Field) -> BTreeMap<usize, Fail> {
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, record) in batch.records.iter().enumerate() {
        let Some(value) = key_of(record, field).and_then(|value| normalise(field, value).ok()) else {
            continue;
        };
        let Some(text) = value.as_str().map(str::to_owned).or_else(|| value.as_f64().map(|n| n.to_string()))
        else {
            continue;
        };
        let text = if field.case_sensitive { text } else { text.to_lowercase() };
        places.entry(text).or_default().push(at);
    }
    let several = places.into_iter().filter(|(_, places)| places.len() > 1);
    let fail = |text: &str| {
        let fail = Fail::bad("DUPLICATE_EXTERNAL_ID", format!("Duplicate external id specified: {text}"));
        fail.fields(vec![field.name.clone()])
    };
    several
        .flat_map(|(text, places)| places.into_iter().map(move |at| (at, text.clone())))
        .map(|(at, text)| (at, fail(&text)))
        .collect()
}
