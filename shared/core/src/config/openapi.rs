//! How one org's document is asked for and changed over HTTP, as an OpenAPI document.

use super::schema::{SchemaKind, schema};
use serde_json::{Map, Value, json};

/// Where schemas lie in a JSON Schema, and where in this document.
const DEFS: [(&str, &str); 2] =
    [("#/$defs/", "#/components/schemas/"), ("#/definitions/", "#/components/schemas/")];

/// The OpenAPI 3.1 document of `AdminUrl`.
#[must_use]
pub fn openapi() -> Value {
    let mut org = schema(SchemaKind::Org);
    let mut schemas = Map::new();
    if let Some(keys) = org.as_object_mut() {
        keys.remove("$schema");
        schemas.extend(keys.remove("$defs").and_then(|defs| defs.as_object().cloned()).into_iter().flatten());
    }
    schemas.insert("OrgFile".to_owned(), org);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "rtr-sync: orgs",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "One org's connections, routes and mappings, for a product's own connect page. Requests are signed with AWS Signature Version 4 (service execute-api). The server is the stack's output AdminUrl without its path /orgs.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "https://{api}.execute-api.{region}.amazonaws.com", "variables": {
            "api": {"default": "api"}, "region": {"default": "us-east-1"},
        }}],
        "security": [{"sigv4": []}],
        "paths": {"/orgs/{org}": path()},
        "components": {
            "securitySchemes": {"sigv4": {
                "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4",
            }},
            "schemas": schemas,
        },
    });
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.extend(own().as_object().cloned().into_iter().flatten());
        schemas.values_mut().for_each(point);
    }
    document
}

fn path() -> Value {
    let reason = json!({"name": "reason", "in": "query", "description": "Why, for the history.", "schema": {"type": "string"}});
    let matching = json!({
        "name": "If-Match", "in": "header", "schema": {"type": "string"},
        "description": "The revision that is to be replaced, quoted as `ETag` gives it.",
    });
    let of = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let answer = |about: &str, name: &str| json!({"description": about, "content": {"application/json": {"schema": of(name)}}});
    let with_tag = |mut answer: Value| {
        answer["headers"] =
            json!({"ETag": {"description": "The revision, quoted.", "schema": {"type": "string"}}});
        answer
    };
    let absent = answer("There is no such org.", "Problem");
    let replaced = answer("Another revision holds than the one that was to be replaced.", "Problem");
    let busy = answer("The table does not answer, or others keep changing it: try again.", "Problem");
    json!({
        "parameters": [{"name": "org", "in": "path", "required": true, "description": "The org's id.", "schema": {"type": "string"}}],
        "get": {
            "operationId": "getOrg",
            "summary": "The org as it is stored",
            "responses": {"200": with_tag(answer("The org.", "StoredOrg")), "404": absent, "503": busy},
        },
        "put": {
            "operationId": "putOrg",
            "summary": "Store the org: whole or not at all, as a revision of its own",
            "parameters": [reason, matching],
            "requestBody": {"required": true, "content": {"application/json": {"schema": of("OrgFile")}}},
            "responses": {
                "200": with_tag(answer("It is stored; without changes it was so before.", "Stored")),
                "201": with_tag(answer("It is stored, and is new.", "Stored")),
                "400": answer("The request is wrong.", "Problem"),
                "412": replaced,
                "422": answer("The body is wrong, and nothing was stored.", "Faults"),
                "503": busy,
            },
        },
        "delete": {
            "operationId": "deleteOrg",
            "summary": "Remove the org: what comes of it is skipped from then on, and nothing is deleted in its CRMs",
            "parameters": [reason, matching],
            "responses": {"200": answer("It is removed.", "Stored"), "404": absent, "412": replaced, "503": busy},
        },
    })
}

/// The shapes of answers.
fn own() -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    let number = |about: &str| json!({"type": "integer", "minimum": 0, "description": about});
    json!({
        "StoredOrg": {
            "type": "object", "required": ["org", "revision", "author", "at", "document"],
            "properties": {
                "org": text("The org's id."), "revision": number("The revision."), "author": text("Who stored it."),
                "at": {"type": "string", "format": "date-time"},
                "reason": {"type": ["string", "null"], "description": "Why."},
                "document": {"$ref": "#/components/schemas/OrgFile"},
            },
        },
        "Stored": {
            "type": "object", "required": ["org", "revision", "changes"],
            "properties": {
                "org": text("The org's id."), "revision": number("The revision that holds now."),
                "changes": {"type": "array", "description": "What differs from the one before.", "items": {
                    "type": "object", "required": ["kind", "path"],
                    "properties": {
                        "kind": {"enum": ["added", "removed", "changed"]},
                        "path": text("Such as connections.hubspot.mode."), "old": {}, "new": {},
                    },
                }},
            },
        },
        "Problem": {
            "type": "object", "required": ["message"], "properties": {"message": text("What is wrong, and what to do.")},
        },
        "Faults": {
            "type": "object", "required": ["message", "errors"],
            "properties": {
                "message": text("How many errors there are."),
                "errors": {"type": "array", "items": {
                    "type": "object", "required": ["line", "column", "message", "code"],
                    "properties": {
                        "line": number("In the body, from 1."), "column": number("In characters, from 1."),
                        "message": text("What is wrong."),
                        "suggestion": {"type": ["string", "null"], "description": "What was probably meant."},
                        "code": text("For rtr explain."),
                    },
                }},
            },
        },
    })
}

/// Lets references of a JSON Schema lead to where the schemas lie here.
fn point(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            if let Some(Value::String(to)) = keys.get_mut("$ref") {
                for (from, here) in DEFS {
                    *to = to.replacen(from, here, 1);
                }
            }
            keys.values_mut().for_each(point);
        }
        Value::Array(items) => items.iter_mut().for_each(point),
        _ => {}
    }
}
