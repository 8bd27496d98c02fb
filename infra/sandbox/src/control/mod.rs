//! The sandbox's own API, below `/_sandbox/`. All JSON; bad input is a 400 that says what and where.

mod hooks;
mod look;
mod set;

use crate::http::{Reply, Request};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};

/// Input that was not understood: what, and where.
pub(crate) type Bad = String;

/// The pairs of a control call's query; an empty value counts as none.
struct Query(Vec<(String, String)>);

impl Query {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }
}

/// The page a person watches.
pub(crate) fn page() -> Reply {
    Reply::bytes(200, "text/html;charset=utf-8", include_bytes!("../page.html").to_vec())
}

/// Answers a control call.
pub(crate) fn handle(sandbox: &mut Sandbox, now: i64, request: &Request) -> Reply {
    let (path, query) = request.split();
    let query = Query(query);
    let outcome = match (request.method.as_str(), path.trim_start_matches("/_sandbox/")) {
        ("GET", "health") => Ok(json!({"status": "ok"})),
        ("GET", "state") => Ok(look::state(sandbox, now)),
        ("GET", "records") => look::records(sandbox, &query),
        ("GET", "fields") => look::fields(sandbox, &query),
        ("GET", "requests") => look::requests(sandbox, &query),
        ("GET", "faults") => Ok(json!(sandbox.faults.view(now))),
        ("GET", "webhooks") => Ok(Value::Array(sandbox.pushes.view())),
        ("GET", "pushes") => hooks::pushes(sandbox, &query),
        ("GET", "limits") => Ok(look::limits(sandbox, now)),
        ("POST", "tokens") => body(request).and_then(|body| set::tokens(sandbox, now, &body, request)),
        ("POST", "reset") => body(request).and_then(|body| set::reset(sandbox, &body)),
        ("POST", "records") => body(request).and_then(|body| set::seed(sandbox, now, &body)),
        ("PUT", "properties") => body(request).and_then(|body| set::rule(sandbox, &body)),
        ("PUT", "settings") => body(request).and_then(|body| set::setting(sandbox, &body)),
        ("POST", "actions") => body(request).and_then(|body| set::act(sandbox, now, &body)),
        ("POST", "edit") => body(request).and_then(|body| set::edit(sandbox, now, &body)),
        ("PUT", "limits") => body(request).and_then(|body| set::limits(sandbox, now, &body)),
        ("PUT", "faults") => body(request).and_then(|body| set::faults(sandbox, now, &body)),
        ("DELETE", "faults") => {
            sandbox.faults.clear(query.get("provider"), query.get("account"));
            Ok(json!(sandbox.faults.view(now)))
        }
        ("PUT", "webhooks") => body(request).and_then(|body| hooks::set(sandbox, &body)),
        ("DELETE", "webhooks") => Ok(hooks::remove(sandbox, &query)),
        (method, path) => {
            return Reply::json(404, &json!({"error": format!("no control call {method} /_sandbox/{path}")}));
        }
    };
    match outcome {
        Ok(body) => Reply::json(200, &body),
        Err(bad) => Reply::json(400, &json!({"error": bad})),
    }
}

/// The body as JSON; an empty one is an empty object.
fn body(request: &Request) -> Result<Value, Bad> {
    if request.body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&request.body).map_err(|error| format!("body: not JSON: {error}"))
}

/// A string in an object, if it is there.
fn text<'a>(input: &'a Value, name: &str) -> Result<Option<&'a str>, Bad> {
    match input.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name}: expected a string")),
    }
}

/// A string that has to be there.
fn needed<'a>(input: &'a Value, name: &str) -> Result<&'a str, Bad> {
    text(input, name)?.filter(|text| !text.is_empty()).ok_or_else(|| format!("{name}: missing"))
}
