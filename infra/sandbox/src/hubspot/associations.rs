//! Associations v4. Ids go in as strings and come out as numbers, as they do at HubSpot.

use super::HubSpot;
use super::batch::{envelope, inputs};
use super::errors::Fail;
use super::links::{Link, Spec, named, specs};
use super::objects::body;
use super::types::{ObjectType, infer};
use crate::provider::{Answer, Call, Env};
use serde_json::{Value, json};

const MAX_WRITES: usize = 2000;
const MAX_READS: usize = 1000;

type Kind = &'static ObjectType;

/// An id that is no number at all.
fn bad_id(id: &str) -> Fail {
    Fail::invalid(format!("{id} is not a valid ID"))
        .with("subCategory", json!("crm.associations.INVALID_IDENTIFIER"))
        .context("id", vec![id.to_owned()])
}

fn end(hub: &HubSpot, kind: Kind, id: &str, side: &str) -> Result<u64, Fail> {
    let number: u64 = id.parse().map_err(|_| bad_id(id))?;
    let found = hub.table(kind)?.store.live(number).map(|record| record.id);
    found.ok_or_else(|| {
        Fail::invalid(format!("{}={id} is not valid", kind.upper()))
            .with("subCategory", json!("crm.associations.INVALID_OBJECT_IDS"))
            .context(side, vec![id.to_owned()])
    })
}

fn link(
    hub: &HubSpot,
    (from, from_id): (Kind, &str),
    (to, to_id): (Kind, &str),
    specs: Vec<Spec>,
) -> Result<Link, Fail> {
    if from.id == to.id && from_id == to_id {
        let message = format!("Object {from_id} cannot be associated to itself ({to_id})");
        return Err(Fail::invalid(message));
    }
    let from_end = end(hub, from, from_id, "fromObjectId")?;
    Ok(Link { from: (from.id, from_end), to: (to.id, end(hub, to, to_id, "toObjectId")?), specs })
}

fn default_spec(from: Kind, to: Kind) -> Result<Spec, Fail> {
    let found = specs(from.id, to.id).into_iter().find(|spec| spec.label.is_none());
    found.ok_or_else(|| {
        Fail::invalid(format!("No association types exist between {} and {}", from.singular, to.singular))
    })
}

fn made(link: &Link) -> Value {
    let labels: Vec<&str> = link.specs.iter().filter_map(|spec| spec.label).collect();
    json!({"fromObjectTypeId": link.from.0, "fromObjectId": link.from.1, "toObjectTypeId": link.to.0,
           "toObjectId": link.to.1, "labels": labels})
}

/// A default association is told from both ends.
fn made_default(link: &Link, from: Kind, to: Kind) -> Result<[Value; 2], Fail> {
    let view = |one: u64, other: u64, spec: Spec| {
        json!({"from": {"id": one.to_string()}, "to": {"id": other.to_string()},
               "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": spec.id}})
    };
    let there = view(link.from.1, link.to.1, default_spec(from, to)?);
    Ok([there, view(link.to.1, link.from.1, default_spec(to, from)?)])
}

/// Every path below `…/objects/{from}/{id}/associations/`.
pub(super) fn serve_one(
    hub: &mut HubSpot,
    from: Kind,
    id: &str,
    rest: &[&str],
    call: &Call<'_>,
) -> Result<Answer, Fail> {
    match (call.method(), rest) {
        ("PUT", ["default", to, to_id]) => {
            let to = infer(to)?;
            let link = link(hub, (from, id), (to, to_id), vec![default_spec(from, to)?])?;
            hub.links.add(&link);
            Ok(Answer::json(200, json!({"status": "COMPLETE", "results": made_default(&link, from, to)?})))
        }
        ("PUT", [to, to_id]) => {
            let to = infer(to)?;
            let list: Value = serde_json::from_slice(&call.request.body).unwrap_or_default();
            let link = link(hub, (from, id), (to, to_id), named(from, to, Some(&list))?)?;
            hub.links.add(&link);
            Ok(Answer::json(201, made(&link)))
        }
        ("GET", [to]) => {
            let (to, id) = (infer(to)?, id.parse().map_err(|_| bad_id(id))?);
            let id = hub.table(from)?.store.live(id).map(|record| record.id).ok_or_else(Fail::not_found)?;
            list(hub, from, to, id, call)
        }
        ("DELETE", [to, to_id]) => {
            let to = infer(to)?;
            let (id, to_id) =
                (id.parse().map_err(|_| bad_id(id))?, to_id.parse().map_err(|_| bad_id(to_id))?);
            hub.links.remove((from.id, id), (to.id, to_id));
            Ok(Answer::empty(204))
        }
        _ => Err(Fail::bare(405, "HTTP 405 Method Not Allowed")),
    }
}

fn associated(found: &(u64, Vec<Spec>)) -> Value {
    let types: Vec<Value> = found.1.iter().rev().map(|spec| spec.view()).collect();
    json!({"toObjectId": found.0, "associationTypes": types})
}

fn list(hub: &HubSpot, from: Kind, to: Kind, id: u64, call: &Call<'_>) -> Result<Answer, Fail> {
    let limit: usize = match call.query("limit").map(str::parse) {
        None => 500,
        Some(Ok(limit @ 1..=500)) => limit,
        Some(_) => return Err(Fail::invalid("limit must be a number from 1 to 500")),
    };
    let after: u64 = call.query("after").and_then(|after| after.parse().ok()).unwrap_or(0);
    let found: Vec<(u64, Vec<Spec>)> =
        hub.links.of(from.id, id, to.id).into_iter().filter(|(id, _)| *id > after).collect();
    let page: Vec<Value> = found.iter().take(limit).map(associated).collect();
    let mut body = json!({"results": page});
    if found.len() > limit
        && let Some((last, _)) = found.get(limit - 1)
    {
        body["paging"] = json!({"next": {"after": last.to_string()}});
    }
    Ok(Answer::json(200, body))
}

/// Every path below `…/associations/{from}/{to}/`.
pub(super) fn serve_batch(
    hub: &mut HubSpot,
    from: Kind,
    to: Kind,
    rest: &[&str],
    call: &Call<'_>,
    env: &Env<'_>,
) -> Result<Answer, Fail> {
    if let ("GET", ["labels"]) = (call.method(), rest) {
        let labels: Vec<Value> = specs(from.id, to.id).into_iter().map(Spec::view).collect();
        return Ok(Answer::json(200, json!({"results": labels})));
    }
    if call.method() != "POST" {
        return Err(Fail::bare(405, "HTTP 405 Method Not Allowed"));
    }
    let body = body(call)?;
    let inputs = inputs(&body, if rest == ["batch", "read"] { MAX_READS } else { MAX_WRITES })?;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    let status = match rest {
        ["batch", "create"] => {
            for input in inputs {
                let made_or_not = ids(input).and_then(|(one, other)| {
                    link(hub, (from, &one), (to, &other), named(from, to, input.get("types"))?)
                });
                match made_or_not {
                    Ok(link) => {
                        hub.links.add(&link);
                        results.push(made(&link));
                    }
                    Err(fail) => errors.push(fail.entry()),
                }
            }
            201
        }
        ["batch", "associate", "default"] => {
            for input in inputs {
                let made_or_not = ids(input).and_then(|(one, other)| {
                    link(hub, (from, &one), (to, &other), vec![default_spec(from, to)?])
                });
                match made_or_not {
                    Ok(link) => {
                        hub.links.add(&link);
                        results.extend(made_default(&link, from, to)?);
                    }
                    Err(fail) => errors.push(fail.entry()),
                }
            }
            200
        }
        ["batch", "read"] => {
            for input in inputs {
                match read(hub, from, to, input) {
                    Ok(found) => results.push(found),
                    Err(fail) => errors.push(fail.entry()),
                }
            }
            200
        }
        ["batch", "archive"] | ["batch", "labels", "archive"] => {
            archive(hub, from, to, inputs, rest.contains(&"labels"))?;
            return Ok(Answer::empty(204));
        }
        _ => return Err(Fail::bare(404, "The requested resource was not found.")),
    };
    let status = if errors.is_empty() { status } else { 207 };
    Ok(Answer::json(status, envelope(results, errors, env)))
}

fn id_of(value: Option<&Value>) -> Result<String, Fail> {
    match value.and_then(|end| end.get("id")) {
        Some(Value::String(id)) => Ok(id.clone()),
        Some(Value::Number(id)) => Ok(id.to_string()),
        _ => Err(Fail::invalid("Invalid input JSON: from.id and to.id are required on every input")),
    }
}

fn ids(input: &Value) -> Result<(String, String), Fail> {
    Ok((id_of(input.get("from"))?, id_of(input.get("to"))?))
}

fn read(hub: &HubSpot, from: Kind, to: Kind, input: &Value) -> Result<Value, Fail> {
    let id = id_of(Some(input))?;
    let number = id.parse().map_err(|_| bad_id(&id))?;
    let found = hub.links.of(from.id, number, to.id);
    if found.is_empty() {
        let message = format!("No {} is associated with {} {id}.", to.singular, from.singular);
        return Err(Fail::new(404, "OBJECT_NOT_FOUND", message)
            .with("subCategory", json!("crm.associations.NO_ASSOCIATIONS_FOUND"))
            .context("fromObjectId", vec![id])
            .context("fromObjectType", vec![from.singular.to_owned()])
            .context("toObjectType", vec![to.singular.to_owned()]));
    }
    let to: Vec<Value> = found.iter().map(associated).collect();
    Ok(json!({"from": {"id": id}, "to": to}))
}

fn archive(hub: &mut HubSpot, from: Kind, to: Kind, inputs: &[Value], labels: bool) -> Result<(), Fail> {
    for input in inputs {
        let one = id_of(input.get("from"))?;
        let one = one.parse().map_err(|_| bad_id(&one))?;
        let others: Vec<&Value> = match input.get("to") {
            Some(Value::Array(list)) => list.iter().collect(),
            Some(single) => vec![single],
            None => Vec::new(),
        };
        for other in others {
            let other = id_of(Some(other))?;
            let ends = ((from.id, one), (to.id, other.parse().map_err(|_| bad_id(&other))?));
            if labels {
                let specs = named(from, to, input.get("types"))?;
                specs.into_iter().for_each(|spec| hub.links.remove_spec(ends.0, ends.1, spec));
            } else {
                hub.links.remove(ends.0, ends.1);
            }
        }
    }
    Ok(())
}
