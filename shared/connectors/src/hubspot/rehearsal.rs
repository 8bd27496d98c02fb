//! HubSpot as a preview plays it: nothing is there yet, and all goes well. Pure.

use super::body::list;
use super::path;
use crate::http::{Method, Request, RequestBody, Response};
use serde_json::{Value, json};

/// The answer to `request`; what is new has the id `new_id`.
#[must_use]
pub(super) fn answer(request: &Request, new_id: &str) -> Response {
    let nothing = Value::Null;
    let body = match &request.body {
        RequestBody::Json(body) => body,
        RequestBody::Empty | RequestBody::Csv(_) => &nothing,
    };
    let ends = |end: &str| request.path.ends_with(end);
    if request.reads_only || request.method == Method::Get {
        return Response::of_json(200, &json!({ "status": "COMPLETE", "total": 0, "results": [] }));
    }
    if ends("/batch/archive") || ends("/gdpr-delete") {
        return Response { status: 204, headers: Vec::new(), body: Vec::new() };
    }
    let one = |input: &Value| {
        if request.path.starts_with(path::ASSOCIATIONS) { made(input) } else { written(input, new_id) }
    };
    let results: Vec<Value> = list(&body["inputs"]).iter().map(one).collect();
    Response::of_json(200, &json!({ "status": "COMPLETE", "results": results }))
}

fn made(input: &Value) -> Value {
    json!({ "from": input["from"], "to": input["to"] })
}

/// What is addressed by HubSpot's own id is there; what is not, or by a key of ours, is new.
fn written(input: &Value, new_id: &str) -> Value {
    let there = input["id"].as_str().filter(|_| input["idProperty"].is_null());
    let mut result =
        json!({ "id": there.unwrap_or(new_id), "new": there.is_none(), "properties": input["properties"] });
    if let Some(trace) = input["objectWriteTraceId"].as_str() {
        result["objectWriteTraceId"] = json!(trace);
    }
    result
}
