//! Salesforce as a preview plays it: nothing is there yet, and all goes well. Pure.

use super::API;
use super::body::list;
use crate::http::{Method, Request, RequestBody, Response};
use serde_json::{Value, json};

/// The answer to `request`; what is new has the id `new_id`.
#[must_use]
pub(super) fn answer(request: &Request, new_id: &str) -> Response {
    if request.reads_only || request.method == Method::Get {
        return Response::of_json(200, &json!({ "totalSize": 0, "done": true, "records": [] }));
    }
    let one = |id: Option<&str>| json!({ "id": id.unwrap_or(new_id), "success": true, "errors": [], "created": id.is_none() });
    if request.method == Method::Delete {
        let results: Vec<Value> = deleted(&request.path).iter().map(|id| one(Some(id))).collect();
        return Response::of_json(200, &json!(results));
    }
    match &request.body {
        RequestBody::Json(body) if request.path.starts_with(&format!("{API}/composite/sobjects")) => {
            let results: Vec<Value> =
                list(&body["records"]).iter().map(|record| one(record["id"].as_str())).collect();
            Response::of_json(200, &json!(results))
        }
        _ => Response::of_json(201, &one(None)),
    }
}

/// The ids in the address of a delete.
fn deleted(path: &str) -> Vec<String> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let parameters = url::form_urlencoded::parse(query.as_bytes());
    let ids = parameters.into_iter().find(|(name, _)| name == "ids").map(|(_, ids)| ids.into_owned());
    ids.iter().flat_map(|ids| ids.split(',')).map(str::to_owned).collect()
}
