//! Calls on one record, listing, merging and erasing.

use super::HubSpot;
use super::batch;
use super::errors::Fail;
use super::record::Trouble;
use super::search;
use super::types::{ObjectType, find};
use super::values::email;
use crate::provider::{Answer, Call, Env};
use serde_json::{Value, json};

/// Every path below `/crm/v3/objects/{type}`.
pub(super) fn serve(
    hub: &mut HubSpot,
    kind: &'static ObjectType,
    rest: &[&str],
    call: &Call<'_>,
    env: &mut Env<'_>,
) -> Result<Answer, Fail> {
    match (call.method(), rest) {
        ("GET", []) => list(hub, kind, call, env),
        ("POST", []) => {
            let input = body(call)?;
            let written = hub.create(kind, &input, env).map_err(|trouble| trouble.fail(kind))?;
            hub.links.add_all(&written.links);
            Ok(Answer::json(201, hub.view_written(kind, &written)?))
        }
        ("POST", ["search"]) => search::serve(hub, kind, call, env),
        ("POST", ["merge"]) => merge(hub, kind, &body(call)?, env),
        ("POST", ["gdpr-delete"]) if kind.singular == "contact" => gdpr_delete(hub, kind, &body(call)?),
        ("POST", ["batch", operation]) => batch::serve(hub, kind, operation, call, env),
        ("GET", [id]) => read(hub, kind, id, call),
        ("PATCH", [id]) => {
            let input = body(call)?;
            let id = hub.locate(kind, id, call.query("idProperty"))?.map(|record| record.id);
            let id = id.ok_or_else(Fail::not_found)?;
            let written = hub.update(kind, id, &input, env).map_err(|trouble: Trouble| trouble.fail(kind))?;
            Ok(Answer::json(200, hub.view_written(kind, &written)?))
        }
        // Also when there is no such record, or it is archived already.
        ("DELETE", [id]) => {
            archive(hub, kind, id, env)?;
            Ok(Answer::empty(204))
        }
        _ => Err(Fail::bare(405, "HTTP 405 Method Not Allowed")),
    }
}

/// The body as JSON.
pub(super) fn body(call: &Call<'_>) -> Result<Value, Fail> {
    let value: Value = serde_json::from_slice(&call.request.body).map_err(|error| {
        Fail::invalid(format!("Invalid input JSON on line {}, column {}", error.line(), error.column()))
    })?;
    if value.is_object() { Ok(value) } else { Err(Fail::invalid("Invalid input JSON: expected an object")) }
}

/// Names separated by commas, from every query parameter of that name.
pub(super) fn names(call: &Call<'_>, parameter: &str) -> Vec<String> {
    let values = call.query.iter().filter(|(key, _)| key == parameter);
    let names = values.flat_map(|(_, value)| value.split(',')).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// What was asked for, or what is shown when nothing was.
pub(super) fn or_default(kind: &ObjectType, wanted: Vec<String>) -> Vec<String> {
    if wanted.is_empty() { kind.shown.iter().map(|name| (*name).to_owned()).collect() } else { wanted }
}

fn read(hub: &HubSpot, kind: &ObjectType, id: &str, call: &Call<'_>) -> Result<Answer, Fail> {
    let archived = call.query("archived") == Some("true");
    let by = call.query("idProperty").filter(|name| *name != "hs_object_id");
    let record = hub.locate(kind, id, by)?.filter(|record| record.archived.is_some() == archived);
    let record = record.ok_or_else(Fail::not_found)?;
    let mut view = hub.view(kind, record, &or_default(kind, names(call, "properties")), true);
    add_associations(hub, kind, record.id, &names(call, "associations"), &mut view)?;
    Ok(Answer::json(200, view))
}

fn add_associations(
    hub: &HubSpot,
    kind: &ObjectType,
    id: u64,
    wanted: &[String],
    view: &mut Value,
) -> Result<(), Fail> {
    for name in wanted {
        let to = super::types::infer(name)?;
        let links = hub.links.of(kind.id, id, to.id);
        let label = format!("{}_to_{}", kind.singular, to.singular);
        let ids: Vec<Value> =
            links.iter().map(|link| json!({"id": link.0.to_string(), "type": label})).collect();
        if !ids.is_empty() {
            view["associations"][to.plural] = json!({"results": ids});
        }
    }
    Ok(())
}

fn list(hub: &HubSpot, kind: &ObjectType, call: &Call<'_>, env: &Env<'_>) -> Result<Answer, Fail> {
    let limit: usize = match call.query("limit").map(str::parse) {
        None => 10,
        Some(Ok(limit @ 1..=100)) => limit,
        Some(_) => return Err(Fail::invalid("limit must be a number from 1 to 100")),
    };
    let after = match call.query("after").map(str::parse) {
        None => 0,
        Some(Ok(after)) => after,
        Some(Err(_)) => return Err(Fail::invalid("after is not a valid paging cursor")),
    };
    let archived = call.query("archived") == Some("true");
    let wanted = or_default(kind, names(call, "properties"));
    let mut found = hub
        .table(kind)?
        .store
        .from(after)
        .filter(|record| record.archived.is_some() == archived)
        .take(limit + 1);
    let mut results = Vec::new();
    for record in found.by_ref().take(limit) {
        let mut view = hub.view(kind, record, &wanted, true);
        add_associations(hub, kind, record.id, &names(call, "associations"), &mut view)?;
        results.push(view);
    }
    let mut answer = json!({"results": results});
    if let Some(next) = found.next() {
        let link = format!("{}{}?limit={limit}&after={}", env.base, call.path, next.id);
        answer["paging"] = json!({"next": {"after": next.id.to_string(), "link": link}});
    }
    Ok(Answer::json(200, answer))
}

/// Archives a record if it is there.
pub(super) fn archive(hub: &mut HubSpot, kind: &ObjectType, id: &str, env: &Env<'_>) -> Result<(), Fail> {
    let Some(mut record) = hub.locate(kind, id, None)?.filter(|record| record.archived.is_none()).cloned()
    else {
        return Ok(());
    };
    record.archived = Some(env.now);
    record.updated = env.now;
    hub.links.remove_record(kind.id, record.id);
    hub.store_record(kind, record, env)
}

fn text(input: &Value, name: &str) -> Result<String, Fail> {
    let value = input.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    value.ok_or_else(|| Fail::invalid(format!("Invalid input JSON: {name} is required")))
}

/// The losing record's id goes on naming the survivor, whose own values win.
fn merge(hub: &mut HubSpot, kind: &ObjectType, input: &Value, env: &Env<'_>) -> Result<Answer, Fail> {
    let find = |name: &str| -> Result<super::store::Record, Fail> {
        let id = text(input, name)?;
        hub.locate(kind, &id, None)?
            .filter(|record| record.archived.is_none())
            .cloned()
            .ok_or_else(Fail::not_found)
    };
    let (mut winner, loser) = (find("primaryObjectId")?, find("objectIdToMerge")?);
    if winner.id == loser.id {
        return Err(Fail::invalid("Can not merge an object with itself"));
    }
    for (name, value) in loser.properties.iter().filter(|(name, _)| *name != MERGED) {
        winner.properties.entry(name.clone()).or_insert_with(|| value.clone());
    }
    // Those of both, and then the loser.
    let (own, lost) = (merged_ids(&winner), merged_ids(&loser));
    let lost: Vec<String> = lost.into_iter().filter(|id| !own.contains(id)).collect();
    let merged = own.into_iter().chain(lost).chain([loser.id.to_string()]).collect::<Vec<_>>().join(";");
    winner.properties.insert(MERGED.to_owned(), merged);
    winner.updated = env.now;
    let (kept, gone) = (winner.id, loser.id);
    let table = hub.table_mut(kind)?;
    let unique = table.schema.unique_names();
    table.store.erase(gone, &unique);
    table.store.alias(gone, kept);
    hub.links.rename(kind.id, gone, kept);
    hub.store_record(kind, winner, env)?;
    let record = hub.table(kind)?.store.get(kept).ok_or_else(Fail::not_found)?;
    Ok(Answer::json(200, hub.view(kind, record, &or_default(kind, Vec::new()), true)))
}

const MERGED: &str = "hs_merged_object_ids";

fn merged_ids(record: &super::store::Record) -> Vec<String> {
    let ids = record.properties.get(MERGED).into_iter().flat_map(|ids| ids.split(';'));
    ids.filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// Erases a contact for good; its address may not come back.
fn gdpr_delete(hub: &mut HubSpot, kind: &ObjectType, input: &Value) -> Result<Answer, Fail> {
    let id = text(input, "objectId")?;
    let by = input.get("idProperty").and_then(Value::as_str).filter(|name| *name != "hs_object_id");
    let found = hub.locate(kind, &id, by)?.map(|record| (record.id, record.properties.get("email").cloned()));
    let address = found.as_ref().and_then(|(_, address)| address.clone());
    let address = address.or_else(|| by.filter(|name| *name == "email").and_then(|_| email(&id)));
    let table = hub.table_mut(kind)?;
    let unique = table.schema.unique_names();
    table.store.erased.extend(address);
    if let Some((id, _)) = found {
        table.store.erase(id, &unique);
        hub.links.remove_record(kind.id, id);
    }
    Ok(Answer::empty(204))
}

impl HubSpot {
    /// The records of a type for whoever checks final states, newest first when they are few.
    pub(super) fn dump(&self, object: &str, archived: bool, count: usize) -> Result<Vec<Value>, String> {
        let kind = find(object).ok_or_else(|| format!("object: no object type \"{object}\""))?;
        let table = self.table(kind).map_err(|_| format!("object: no records of \"{object}\""))?;
        let wanted =
            table.store.all().rev().filter(|record| archived || record.archived.is_none()).take(count);
        let mut found: Vec<Value> = wanted
            .map(|record| {
                json!({"id": record.id.to_string(), "properties": record.properties,
                       "created_at": crate::clock::iso(record.created), "updated_at": crate::clock::iso(record.updated),
                       "archived": record.archived.is_some(),
                       "associations": self.links.view(kind.id, record.id)})
            })
            .collect();
        if count == usize::MAX {
            found.reverse();
        }
        Ok(found)
    }
}
