//! Several calls in one: `/composite`, whose calls may refer to the answers of those before them and may be
//! all or nothing, and `/composite/batch`, whose calls know nothing of each other. Each is one request of the
//! account's limit.

use super::Salesforce;
use super::access::{Context, body};
use super::errors::Fail;
use super::subrequest::{Answers, Subrequest};
use crate::provider::{Answer, Call, Env};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const MAX_CALLS: usize = 25;
/// How many of them may be queries or collections.
const MAX_LARGE: usize = 5;

/// Every path below `/composite` but the collections'.
pub(super) fn serve(
    org: &mut Salesforce,
    rest: &[&str],
    call: &Call<'_>,
    context: &Context,
    env: &mut Env<'_>,
) -> Result<Answer, Fail> {
    match (call.method(), rest) {
        ("POST", []) => composite(org, &body(call)?, call, env),
        ("POST", ["batch"]) => batch(org, &body(call)?, call, context, env),
        (_, [] | ["batch"]) => {
            Err(Fail::new(405, "METHOD_NOT_ALLOWED", format!("HTTP Method '{}' not allowed", call.method())))
        }
        _ => Err(Fail::not_found()),
    }
}

fn calls<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], Fail> {
    let list = body.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match list.len() {
        0 => Err(Fail::bad("REQUIRED_FIELD_MISSING", format!("At least one call is required in {name}"))),
        1..=MAX_CALLS => Ok(list),
        count => Err(Fail::bad(
            "LIMIT_EXCEEDED",
            format!("{count} calls in {name}; at most {MAX_CALLS} are allowed"),
        )),
    }
}

fn flag(body: &Value, name: &str) -> bool {
    body.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn composite(
    org: &mut Salesforce,
    body: &Value,
    outer: &Call<'_>,
    env: &mut Env<'_>,
) -> Result<Answer, Fail> {
    let list = calls(body, "compositeRequest")?;
    let subrequests = list.iter().map(Subrequest::read).collect::<Result<Vec<_>, _>>()?;
    let names: BTreeSet<&str> = subrequests.iter().map(|one| one.name.as_str()).collect();
    if names.len() < subrequests.len() {
        return Err(Fail::bad("INVALID_INPUT", "Every referenceId has to be given once alone"));
    }
    if subrequests.iter().filter(|one| one.is_large()).count() > MAX_LARGE {
        let message = format!("At most {MAX_LARGE} of the calls may be queries or collections");
        return Err(Fail::bad("LIMIT_EXCEEDED", message));
    }
    let all_or_none = flag(body, "allOrNone");
    let (mark, mut answers) = (org.store.mark(), Answers::default());
    let mut results: Vec<Answer> = Vec::new();
    for one in &subrequests {
        let answer = match one.filled(&answers) {
            Ok(filled) => filled.run(org, outer, env),
            Err(fail) => fail.answer(),
        };
        answers.add(&one.name, &answer);
        results.push(answer);
        if all_or_none && results.last().is_some_and(failed) {
            org.undo(mark);
            halt(&mut results, subrequests.len());
            break;
        }
    }
    let views =
        subrequests.iter().zip(results).map(|(one, answer)| view(&one.name, answer)).collect::<Vec<_>>();
    Ok(Answer::json(200, json!({"compositeResponse": views})))
}

fn failed(answer: &Answer) -> bool {
    answer.status >= 400
}

/// All but the one that failed, before it and after it, say that they were undone.
fn halt(results: &mut Vec<Answer>, count: usize) {
    let message = "The transaction was rolled back since another operation in the same transaction failed.";
    let halted = || Fail::bad("PROCESSING_HALTED", message).answer();
    for answer in results.iter_mut().filter(|answer| !failed(answer)) {
        *answer = halted();
    }
    while results.len() < count {
        results.push(halted());
    }
}

fn view(name: &str, answer: Answer) -> Value {
    let headers: Value = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "location")
        .map(|(_, place)| ("Location".to_owned(), json!(place)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({"body": answer.body, "httpHeaders": headers, "httpStatusCode": answer.status, "referenceId": name})
}

fn batch(
    org: &mut Salesforce,
    body: &Value,
    outer: &Call<'_>,
    context: &Context,
    env: &mut Env<'_>,
) -> Result<Answer, Fail> {
    let list = calls(body, "batchRequests")?;
    let subrequests =
        list.iter().map(|one| Subrequest::read_batch(one, context)).collect::<Result<Vec<_>, _>>()?;
    let (mut results, mut errors) = (Vec::new(), false);
    for one in &subrequests {
        if errors && flag(body, "haltOnError") {
            let message = "The call was not made since one before it failed.";
            let answer = Fail::new(412, "BATCH_PROCESSING_HALTED", message).answer();
            results.push(json!({"statusCode": answer.status, "result": answer.body}));
            continue;
        }
        let answer = one.run(org, outer, env);
        errors = errors || failed(&answer);
        results.push(json!({"statusCode": answer.status, "result": answer.body}));
    }
    Ok(Answer::json(200, json!({"hasErrors": errors, "results": results})))
}
