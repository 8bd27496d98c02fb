//! The change event as a JSON Schema, and how events are handed in over HTTP as an OpenAPI document.

use super::http::MAX_EVENTS;
use crate::change::MAX_VERSION;
use crate::key::MAX_ID_CHARS;
use serde_json::{Value, json};

/// The JSON Schema of a change event: what it refuses, the functions refuse.
#[must_use]
pub fn event_schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A change event of rtr-sync",
    });
    merge(&mut schema, change_event());
    schema
}

fn change_event() -> Value {
    let id = |about: &str| {
        json!({
            "type": "string", "minLength": 1, "maxLength": MAX_ID_CHARS, "description": about,
            "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$",
        })
    };
    json!({
        "type": "object",
        "description": "One record of one org is now at one version. Unknown fields are ignored and counted.",
        "required": ["org_id", "record_type", "record_id", "version"],
        "properties": {
            "org_id": id("The org."),
            "record_type": id("The internal type, such as contact."),
            "record_id": id("The internal id, immutable."),
            "version": {
                "type": "integer", "minimum": 0, "maximum": MAX_VERSION,
                "description": "Grows with each change of the record; an older one never overwrites a newer one. Written without a decimal point.",
            },
            "operation": {
                "enum": ["upsert", "created", "updated", "deleted", null],
                "description": "upsert (default; created and updated mean the same) or deleted.",
            },
            "event_id": {
                "type": ["string", "null"], "minLength": 1,
                "description": "The deduplication id: a repeat within five minutes is dropped. Default: record and version.",
            },
            "occurred_at": {"type": ["string", "null"], "description": "When, RFC 3339."},
            "traceparent": {"description": "The W3C trace context that it is part of, as text; whatever is none is passed over."},
            "data": {"type": ["object", "null"], "description": "The whole record; may be absent or null for deleted."},
        },
        "if": {"required": ["operation"], "properties": {"operation": {"const": "deleted"}}},
        "else": {"required": ["data"], "properties": {"data": {"type": "object"}}},
    })
}

/// The OpenAPI 3.1 document of `IngestUrl`.
#[must_use]
pub fn openapi() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "rtr-sync: events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Where producers hand in change events. The server is the stack's output IngestUrl without its path /events.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "https://{api}.execute-api.{region}.amazonaws.com", "variables": {
            "api": {"default": "api"}, "region": {"default": "us-east-1"},
        }}],
        "paths": {
            "/events": {"post": post("postEvents", "Events of any org, signed with AWS Signature Version 4", json!([{"sigv4": []}]))},
            "/orgs/{org}/events": {
                "parameters": [{"name": "org", "in": "path", "required": true, "description": "The org whose secret lets in.", "schema": {"type": "string"}}],
                "post": org_post(),
            },
        },
        "components": {"securitySchemes": security(), "schemas": schemas()},
    })
}

fn security() -> Value {
    json!({
        "sigv4": {
            "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4",
        },
        "token": {"type": "http", "scheme": "bearer", "description": "The org's token."},
        "signature": {
            "type": "apiKey", "name": "webhook-signature", "in": "header",
            "description": "Standard Webhooks: v1,<base64 of HMAC-SHA256 over webhook-id.webhook-timestamp.body>; several are separated by spaces. webhook-id and webhook-timestamp (seconds) stand beside it; within five minutes.",
        },
    })
}

fn org_post() -> Value {
    let mut post = post(
        "postOrgEvents",
        "Events of one org, by its secret; those of other orgs are refused one by one",
        json!([{"token": []}, {"signature": []}]),
    );
    let header = |name: &str, about: &str| json!({"name": name, "in": "header", "description": about, "schema": {"type": "string"}});
    post["parameters"] = json!([
        header("webhook-id", "Names the request; signed. Only with a signature."),
        header("webhook-timestamp", "Seconds since 1970; signed. Only with a signature."),
    ]);
    post["responses"]["401"] = answer("Not let in; it is not said why.", &json!({"$ref": of("Problem")}));
    post
}

fn post(id: &str, summary: &str, security: Value) -> Value {
    let events = json!({"oneOf": [{"$ref": of("Event")}, {"type": "array", "maxItems": MAX_EVENTS, "items": {"$ref": of("Event")}}]});
    let cloud = json!({"$ref": of("CloudEvent")});
    let results = json!({"$ref": of("Results")});
    let either = json!({"anyOf": [{"$ref": of("Results")}, {"$ref": of("Problem")}]});
    let later = |about: &str, schema: &Value| {
        let mut answer = answer(about, schema);
        answer["headers"] = json!({"Retry-After": {"description": "In how many seconds to send again what was refused with 429 or 503.", "schema": {"type": "string"}}});
        answer
    };
    let lines = json!({"schema": {"type": "string", "description": "An event on each line."}});
    let mut post = json!({
        "operationId": id,
        "summary": summary,
        "requestBody": {"required": true, "content": {
            "application/json": {"schema": events},
            "application/x-ndjson": lines,
            "application/cloudevents+json": {"schema": cloud},
            "application/cloudevents-batch+json": {"schema": {"type": "array", "maxItems": MAX_EVENTS, "items": cloud}},
        }},
        "responses": {
            "200": later("Some or all were taken; each item is told.", &results),
            "400": answer("None was taken: the body cannot be read, or no item of it can.", &either),
            "403": answer("None was taken: API Gateway refused the signature, or all items are of other orgs.", &either),
            "413": answer("None was taken: too many events, or all too large.", &either),
            "415": answer("The body is of another kind.", &json!({"$ref": of("Problem")})),
            "429": later("None was taken: the queue takes no more at the moment, or the org sends more than it may.", &either),
            "503": later("None was taken: the queue or the secret's store does not answer.", &either),
        },
    });
    post["security"] = security;
    post
}

fn answer(about: &str, schema: &Value) -> Value {
    json!({"description": about, "content": {"application/json": {"schema": schema}}})
}

fn schemas() -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    let code = json!({"type": "string", "pattern": "^RTR[0-9]{4}$", "description": "For rtr explain."});
    json!({
        "ChangeEvent": change_event(),
        "CloudEvent": {
            "type": "object",
            "description": "CloudEvents 1.0, structured mode.",
            "required": ["specversion", "data"],
            "properties": {"specversion": {"const": "1.0"}, "data": {"$ref": of("ChangeEvent")}},
        },
        "Event": {"anyOf": [{"$ref": of("ChangeEvent")}, {"$ref": of("CloudEvent")}]},
        "Results": {
            "type": "object", "additionalProperties": false, "required": ["accepted", "results"],
            "properties": {
                "accepted": {"type": "integer", "minimum": 0, "description": "How many were taken."},
                "results": {"type": "array", "items": {"$ref": of("Result")}, "description": "Each item in its order."},
            },
        },
        "Result": {"oneOf": [
            {
                "type": "object", "additionalProperties": false, "required": ["index", "status", "message_id"],
                "description": "The item was taken.",
                "properties": {
                    "index": {"type": "integer", "minimum": 0}, "status": {"const": 200},
                    "message_id": text("SQS's id of the message; a repeat within five minutes has the id of the first."),
                },
            },
            {
                "type": "object", "additionalProperties": false, "required": ["index", "status", "code", "message"],
                "description": "The item was not taken; 429 and 503 may be sent again.",
                "properties": {
                    "index": {"type": "integer", "minimum": 0}, "status": {"enum": [400, 403, 413, 429, 503]},
                    "code": code, "message": text("What is wrong, where, what to do."),
                    "field": text("The field at fault, when it is one."),
                },
            },
        ]},
        "Problem": {
            "type": "object", "additionalProperties": false, "required": ["message"],
            "properties": {"message": text("What is wrong, and what to do."), "code": code},
        },
    })
}

fn of(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::code::Code;
    use crate::ingest::{Answer, Fate, Refusal, answer, read_event};
    use proptest::prelude::*;
    use std::path::Path;
    use std::sync::OnceLock;

    /// Made once: a case would take longer to make it than to use it.
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();

    /// Every document that is made here, by its place in the repository.
    fn documents() -> [(&'static str, Value); 2] {
        [("docs/ingest-openapi.json", openapi()), ("docs/schema/change-event.json", event_schema())]
    }

    #[test]
    fn given_the_documents_of_the_repository_when_compared_then_they_are_what_the_code_says() {
        for (name, document) in documents() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
            let wanted = format!("{document:#}\n");
            if std::env::var_os("RTR_WRITE_SCHEMAS").is_some() {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &wanted).unwrap();
            }
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(kept == wanted, "{name} is old: run the tests once with RTR_WRITE_SCHEMAS=1");
        }
    }

    #[test]
    fn given_the_document_when_its_references_are_followed_then_each_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(keys) => {
                    found.extend(keys.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    keys.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = openapi();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 10);
        assert!(found.iter().all(|to| document.pointer(to.trim_start_matches('#')).is_some()), "{found:?}");
    }

    #[test]
    fn given_answers_of_every_kind_when_compared_with_the_document_then_they_are_as_it_says() {
        let document = openapi();
        let validator = |name: &str| {
            let mut schema = json!({"$ref": of(name)});
            schema["components"] = document["components"].clone();
            jsonschema::validator_for(&schema).unwrap()
        };
        let refusal = Refusal { field: Some("version"), ..Refusal::passing(429, Code::OverRate, "later", 1) };
        let fates = [Fate::Taken("m".to_owned()), Fate::Refused(refusal.clone())];
        let results = answer(&fates).body;
        assert!(validator("Results").is_valid(&results), "{results}");
        assert!(!validator("Results").is_valid(&json!({"accepted": 1})), "the check can fail");
        for problem in [Answer::problem(&refusal), Answer::unauthorized()] {
            assert!(validator("Problem").is_valid(&problem.body), "{}", problem.body);
        }
    }

    /// Any value for a field: right ones, and of each wrong kind.
    fn some_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!("acme")),
            Just(json!("")),
            Just(json!("a\u{7}")),
            Just(json!("é 😀")),
            Just(json!("x".repeat(512))),
            Just(json!("é".repeat(513))),
            Just(json!(7)),
            Just(json!(-1)),
            Just(json!(1.5)),
            Just(json!(MAX_VERSION)),
            Just(json!(MAX_VERSION + 1)),
            Just(Value::Null),
            Just(json!({})),
            Just(json!({"a": null})),
            Just(json!([])),
            Just(json!(true)),
            Just(json!("deleted")),
            Just(json!("updated")),
            Just(json!("drop")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn given_an_event_with_any_fields_wrong_when_checked_then_schema_and_reader_say_the_same(
            changes in proptest::collection::vec((0usize..10, proptest::option::weighted(0.8, some_value())), 0..4),
        ) {
            let names = ["org_id", "record_type", "record_id", "version", "operation", "event_id", "occurred_at", "traceparent", "data", "more"];
            let mut event = json!({"org_id": "acme", "record_type": "contact", "record_id": "c-1", "version": 7, "data": {}});
            for (field, value) in changes {
                let keys = event.as_object_mut().unwrap();
                match value {
                    Some(value) => { keys.insert(names[field].to_owned(), value); }
                    None => { keys.remove(names[field]); }
                }
            }
            let validator = SCHEMA.get_or_init(|| jsonschema::validator_for(&event_schema()).unwrap());
            let read = read_event(&event.to_string(), 0);
            prop_assert_eq!(validator.is_valid(&event), read.is_ok(), "{}: {:?}", event, read);
        }
    }
}
