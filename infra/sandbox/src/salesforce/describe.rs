//! What there is: resources, types, and a type's fields as the account's user sees them.

use super::Salesforce;
use super::access::Context;
use super::errors::Fail;
use super::schema::{ObjectType, TYPES};
use crate::provider::{Answer, Call};
use serde_json::{Value, json};

/// The resources of a version.
pub(super) fn resources(context: &Context) -> Answer {
    let names = ["sobjects", "composite", "query", "queryAll", "tooling", "limits"];
    let list =
        names.map(|name| (name.to_owned(), json!(format!("/services/data/{}/{name}", context.version))));
    Answer::json(200, Value::Object(list.into_iter().collect()))
}

/// Every type.
pub(super) fn list(call: &Call<'_>, context: &Context) -> Result<Answer, Fail> {
    if call.method() != "GET" {
        return Err(Fail::new(
            405,
            "METHOD_NOT_ALLOWED",
            format!("HTTP Method '{}' not allowed", call.method()),
        ));
    }
    let types: Vec<Value> =
        TYPES.iter().filter(|kind| !kind.tooling).map(|kind| about(kind, context)).collect();
    Ok(Answer::json(200, json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": types})))
}

/// A type, without its fields.
pub(super) fn basic(kind: &ObjectType, context: &Context) -> Answer {
    Answer::json(200, json!({"objectDescribe": about(kind, context), "recentItems": []}))
}

/// A type with the fields its user sees.
pub(super) fn full(org: &Salesforce, kind: &ObjectType, context: &Context) -> Answer {
    let mut view = about(kind, context);
    view["fields"] = org.fields(kind).map(super::schema::Field::view).collect();
    Answer::json(200, view)
}

fn about(kind: &ObjectType, context: &Context) -> Value {
    let place = format!("/services/data/{}/sobjects/{}", context.version, kind.name);
    json!({
        "name": kind.name, "label": kind.name, "labelPlural": kind.plural, "keyPrefix": kind.prefix, "custom": false,
        "activateable": false, "createable": kind.writable, "customSetting": false, "deletable": kind.writable,
        "deprecatedAndHidden": false, "feedEnabled": kind.business, "layoutable": kind.business,
        "mergeable": matches!(kind.name, "Account" | "Contact" | "Lead"), "queryable": true,
        "replicateable": kind.business, "retrieveable": true, "searchable": kind.business,
        "triggerable": kind.business, "undeletable": kind.business, "updateable": kind.writable,
        "urls": {"sobject": place, "describe": format!("{place}/describe"), "rowTemplate": format!("{place}/{{ID}}")},
    })
}
