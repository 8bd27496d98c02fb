//! Batch calls. Without a trace id on every input one bad input fails the call and nothing is written; with
//! one the good inputs are written and the bad ones are listed. Results come in no particular order.

use super::HubSpot;
use super::errors::{Fail, Problem, bad_values};
use super::objects::{archive, body, or_default};
use super::record::{Trouble, Written, conflict};
use super::types::ObjectType;
use crate::clock::iso;
use crate::ids::mix;
use crate::provider::{Answer, Call, Env};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const MAX_INPUTS: usize = 100;

/// Every path below `…/batch/`.
pub(super) fn serve(
    hub: &mut HubSpot,
    kind: &'static ObjectType,
    operation: &str,
    call: &Call<'_>,
    env: &mut Env<'_>,
) -> Result<Answer, Fail> {
    let body = body(call)?;
    let inputs = inputs(&body, MAX_INPUTS)?;
    match operation {
        "create" => {
            write(hub, kind, inputs, (201, false), env, |hub, input, env| hub.create(kind, input, env))
        }
        "update" => {
            for input in inputs {
                if let Some(by) = id_property(input)? {
                    hub.locate(kind, "", Some(by))?;
                }
            }
            distinct(inputs)?;
            write(hub, kind, inputs, (200, false), env, |hub, input, env| {
                let id = id(input)?;
                let found =
                    hub.locate(kind, &id, id_property(input)?)?.filter(|record| record.archived.is_none());
                let found = found.map(|record| record.id).ok_or(Trouble::Unknown(id))?;
                hub.update(kind, found, input, env)
            })
        }
        "upsert" => {
            for input in inputs {
                match id_property(input)? {
                    Some(by) => hub.locate(kind, "", Some(by))?,
                    None => return Err(Fail::invalid("idProperty is required for an upsert")),
                };
            }
            distinct(inputs)?;
            write(hub, kind, inputs, (200, true), env, |hub, input, env| {
                let (id, by) = (id(input)?, id_property(input)?.unwrap_or_default());
                hub.upsert(kind, by, &id, input, env)
            })
        }
        "read" => read(hub, kind, &body, inputs, call, env),
        "archive" => {
            for input in inputs {
                archive(hub, kind, &id(input)?, env)?;
            }
            Ok(Answer::empty(204))
        }
        _ => Err(Fail::bare(404, "The requested resource was not found.")),
    }
}

/// The inputs of a batch, neither none nor too many.
pub(super) fn inputs(body: &Value, most: usize) -> Result<&Vec<Value>, Fail> {
    let wrong = || Fail::invalid("Invalid input JSON: expected a list in \"inputs\"");
    let inputs = body.get("inputs").and_then(Value::as_array).ok_or_else(wrong)?;
    match inputs.len() {
        0 => Err(Fail::invalid("No inputs found, please provide at least one.")),
        count if count > most => {
            Err(Fail::invalid(format!("The batch has {count} inputs. The maximum batch size is {most}.")))
        }
        _ => Ok(inputs),
    }
}

fn id(input: &Value) -> Result<String, Fail> {
    match input.get("id") {
        Some(Value::String(id)) => Ok(id.clone()),
        Some(Value::Number(id)) => Ok(id.to_string()),
        _ => Err(Fail::invalid("Invalid input JSON: id is required on every input")),
    }
}

fn id_property(input: &Value) -> Result<Option<&str>, Fail> {
    match input.get("idProperty") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name)),
        Some(_) => Err(Fail::invalid("Invalid input JSON: idProperty must be a string")),
    }
}

/// Refuses a batch that names a record twice; addresses are compared without regard to case.
fn distinct(inputs: &[Value]) -> Result<(), Fail> {
    let (mut seen, mut twice) = (BTreeSet::new(), Vec::new());
    for input in inputs {
        let id = id(input)?;
        if !seen.insert(id.to_lowercase()) && !twice.contains(&id) {
            twice.push(id);
        }
    }
    if twice.is_empty() {
        return Ok(());
    }
    let message = format!("Duplicate IDs found in batch input: [{}]. IDs must be unique", twice.join(", "));
    Err(Fail::invalid(message).context("ids", twice))
}

/// The trace ids, when every input has one of its own.
fn traces(inputs: &[Value]) -> Option<Vec<String>> {
    let trace = |input: &Value| input.get("objectWriteTraceId").and_then(Value::as_str).map(str::to_owned);
    let traces: Vec<String> = inputs.iter().filter_map(trace).filter(|trace| !trace.is_empty()).collect();
    let different: BTreeSet<&String> = traces.iter().collect();
    (traces.len() == inputs.len() && different.len() == inputs.len()).then_some(traces)
}

fn write(
    hub: &mut HubSpot,
    kind: &ObjectType,
    inputs: &[Value],
    (status, upsert): (u16, bool),
    env: &Env<'_>,
    mut one: impl FnMut(&mut HubSpot, &Value, &Env<'_>) -> Result<Written, Trouble>,
) -> Result<Answer, Fail> {
    let traces = traces(inputs);
    hub.table_mut(kind)?.store.begin();
    let outcomes: Vec<Result<Written, Trouble>> = inputs.iter().map(|input| one(hub, input, env)).collect();
    let refused = outcomes
        .iter()
        .any(|outcome| matches!(outcome, Err(trouble) if !matches!(trouble, Trouble::Unknown(_))));
    let table = hub.table_mut(kind)?;
    if refused && traces.is_none() {
        let unique = table.schema.unique_names();
        table.store.undo(&unique);
        return Err(whole(kind, outcomes));
    }
    table.store.keep();
    let (mut results, mut errors, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for (at, outcome) in outcomes.into_iter().enumerate() {
        let trace = inputs.get(at).and_then(|input| input.get("objectWriteTraceId")).and_then(Value::as_str);
        match outcome {
            Ok(written) => {
                let mut view = hub.view_written(kind, &written)?;
                if let Some(trace) = trace {
                    view["objectWriteTraceId"] = json!(trace);
                }
                if upsert {
                    view["new"] = json!(written.new);
                }
                hub.links.add_all(&written.links);
                results.push(view);
            }
            Err(Trouble::Unknown(id)) => unknown.push(id),
            Err(trouble) => errors.push(entry(kind, hub.portal, trouble, trace.unwrap_or_default())),
        }
    }
    Ok(finish(kind, results, errors, unknown, status, env))
}

/// The error of a batch that fails as a whole: every bad value, else the first conflict, unnamed.
fn whole(kind: &ObjectType, outcomes: Vec<Result<Written, Trouble>>) -> Fail {
    let (mut problems, mut first): (Vec<Problem>, Option<Fail>) = (Vec::new(), None);
    for trouble in outcomes.into_iter().filter_map(Result::err) {
        match trouble {
            Trouble::Values(more) => problems.extend(more),
            Trouble::Conflict(_) => first = first.or_else(|| Some(conflict(kind, None))),
            Trouble::Unknown(_) => {}
            Trouble::Other(fail) => first = first.or(Some(fail)),
        }
    }
    if problems.is_empty() { first.unwrap_or_else(Fail::not_found) } else { bad_values(&problems, None) }
}

/// One input's error in a batch that succeeds in part.
fn entry(kind: &ObjectType, portal: u64, trouble: Trouble, trace: &str) -> Value {
    let trace = vec![trace.to_owned()];
    let fail = match trouble {
        Trouble::Values(problems) => bad_values(&problems, Some(portal)).context("objectWriteTraceId", trace),
        Trouble::Conflict(id) => {
            let fail = conflict(kind, Some(id)).context("objectWriteTraceId", trace);
            fail.context("existingId", vec![id.to_string()])
        }
        other => other.fail(kind).context("objectWriteTraceId", trace),
    };
    fail.entry()
}

/// The answer: 207 as soon as there is an error, its status `COMPLETE` all the same.
fn finish(
    kind: &ObjectType,
    mut results: Vec<Value>,
    mut errors: Vec<Value>,
    unknown: Vec<String>,
    status: u16,
    env: &Env<'_>,
) -> Answer {
    if !unknown.is_empty() {
        let message = format!(
            "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid.",
            kind.upper()
        );
        errors.push(Fail::new(404, "OBJECT_NOT_FOUND", message).context("ids", unknown).entry());
    }
    shuffle(&mut results);
    let status = if errors.is_empty() { status } else { 207 };
    Answer::json(status, envelope(results, errors, env))
}

/// The common form of a batch's answer.
pub(super) fn envelope(results: Vec<Value>, errors: Vec<Value>, env: &Env<'_>) -> Value {
    let mut body = json!({"completedAt": iso(env.now), "startedAt": iso(env.now), "status": "COMPLETE", "results": results});
    if !errors.is_empty() {
        body["numErrors"] = json!(errors.len());
        body["errors"] = json!(errors);
    }
    body
}

/// An order that depends on the records alone, and is never the inputs' own.
fn shuffle(results: &mut [Value]) {
    let before: Vec<Value> = results.iter().map(|result| result["id"].clone()).collect();
    results.sort_by_key(|result| mix(result["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(0)));
    if results.len() > 1 && results.iter().zip(&before).all(|(result, id)| result["id"] == *id) {
        results.reverse();
    }
}

fn read(
    hub: &HubSpot,
    kind: &ObjectType,
    body: &Value,
    inputs: &[Value],
    call: &Call<'_>,
    env: &Env<'_>,
) -> Result<Answer, Fail> {
    distinct(inputs)?;
    let by = id_property(body)?.filter(|name| *name != "hs_object_id");
    let archived = call.query("archived") == Some("true");
    let wanted = body.get("properties").and_then(Value::as_array).into_iter().flatten();
    let wanted = or_default(kind, wanted.filter_map(Value::as_str).map(str::to_owned).collect());
    let (mut results, mut unknown) = (Vec::new(), Vec::new());
    for input in inputs {
        let id = id(input)?;
        match hub.locate(kind, &id, by)?.filter(|record| record.archived.is_some() == archived) {
            Some(record) => results.push(hub.view(kind, record, &wanted, true)),
            None => unknown.push(id),
        }
    }
    Ok(finish(kind, results, Vec::new(), unknown, 200, env))
}
