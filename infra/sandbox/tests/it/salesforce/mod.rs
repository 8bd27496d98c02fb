//! The Salesforce side: an account, a token, and calls in the vendor's shapes.

mod access;
mod collections;
mod composite;
mod control;
mod directory;
mod duplicates;
mod edits;
mod faults;
mod ingest;
mod limits;
mod locks;
mod merges;
mod oauth;
mod pushes;
mod query;
mod records;
mod schema;
mod upsert;
mod values;

use rtr_sandbox::{Ending, Reply, Request, Sandbox};
use serde_json::{Value, json};

pub(crate) const START: i64 = 1_790_000_000_000;
pub(crate) const KEY: &str = "Rtr_Key__c";

pub(crate) struct Org {
    pub(crate) sandbox: Sandbox,
    pub(crate) now: i64,
    pub(crate) token: String,
    pub(crate) version: &'static str,
}

impl Org {
    pub(crate) fn new() -> Self {
        let mut org = Self { sandbox: Sandbox::new(), now: START, token: String::new(), version: "v62.0" };
        org.token = org.issue(json!({}))["access_token"].as_str().unwrap().to_owned();
        org
    }

    /// An account whose contacts and accounts have a unique external id that everyone sees.
    pub(crate) fn keyed() -> Self {
        let mut org = Self::new();
        for object in ["Contact", "Account"] {
            org.field(object, KEY, json!({"type": "Text", "length": 64, "externalId": true, "unique": true}));
        }
        org
    }

    pub(crate) fn issue(&mut self, extra: Value) -> Value {
        let mut body = json!({"provider": "salesforce", "account": "acme"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        self.control("POST", "/tokens", body)
    }

    /// Makes a field that everyone sees.
    pub(crate) fn field(&mut self, object: &str, name: &str, metadata: Value) {
        self.rule(json!({"object": object, "name": name, "field": metadata}));
    }

    pub(crate) fn rule(&mut self, rule: Value) {
        self.own("PUT", "/properties", rule);
    }

    /// A control call about this account that has to succeed.
    pub(crate) fn own(&mut self, method: &str, path: &str, mut body: Value) -> Value {
        body["provider"] = json!("salesforce");
        body["account"] = json!("acme");
        self.control(method, path, body)
    }

    pub(crate) fn control(&mut self, method: &str, path: &str, body: Value) -> Value {
        let reply = self.send(&Request::new(method, &format!("/_sandbox{path}")).json(&body));
        assert_eq!(reply.status, 200, "{}", reply.value());
        reply.value()
    }

    pub(crate) fn fault(&mut self, mut fault: Value) {
        fault["provider"] = json!("salesforce");
        fault["account"] = json!("acme");
        self.control("PUT", "/faults", json!([fault]));
    }

    pub(crate) fn send(&mut self, request: &Request) -> Reply {
        self.sandbox.handle(self.now, request)
    }

    /// A request for a path below the version.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let path = format!("/salesforce/acme/services/data/{}{path}", self.version);
        Request::new(method, &path).header("Authorization", &format!("Bearer {}", self.token))
    }

    pub(crate) fn call(&mut self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let reply = self.send(&request);
        assert_eq!(reply.ending, Ending::Whole);
        (reply.status, reply.value())
    }

    pub(crate) fn get(&mut self, path: &str) -> (u16, Value) {
        self.call("GET", path, Value::Null)
    }

    pub(crate) fn post(&mut self, path: &str, body: Value) -> (u16, Value) {
        self.call("POST", path, body)
    }

    pub(crate) fn patch(&mut self, path: &str, body: Value) -> (u16, Value) {
        self.call("PATCH", path, body)
    }

    pub(crate) fn delete(&mut self, path: &str) -> (u16, Value) {
        self.call("DELETE", path, Value::Null)
    }

    /// Creates a record and gives its id.
    pub(crate) fn create(&mut self, kind: &str, values: Value) -> String {
        let (status, body) = self.post(&format!("/sobjects/{kind}"), values);
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// A collection call, which has to answer 200, with its items.
    pub(crate) fn items(&mut self, method: &str, path: &str, records: Value) -> Vec<Value> {
        let body = json!({"allOrNone": false, "records": records});
        let (status, items) = self.call(method, &format!("/composite/sobjects{path}"), body);
        assert_eq!(status, 200, "{items}");
        items.as_array().unwrap().clone()
    }

    pub(crate) fn query(&mut self, soql: &str) -> (u16, Value) {
        self.get(&format!("/query?q={}", encode(soql)))
    }

    /// The named field of every record a query gives.
    pub(crate) fn found(&mut self, soql: &str, field: &str) -> Vec<String> {
        let (status, body) = self.query(soql);
        assert_eq!(status, 200, "{body}");
        let records = body["records"].as_array().unwrap();
        records.iter().map(|record| record[field].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn records(&mut self, kind: &str) -> Vec<Value> {
        let path = format!("/records?provider=salesforce&account=acme&object={kind}");
        self.control("GET", &path, Value::Null).as_array().unwrap().clone()
    }
}

pub(crate) fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The only error of a whole answer, or of an item.
pub(crate) fn code(answer: &Value) -> &str {
    let list = answer.get("errors").unwrap_or(answer);
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{answer}");
    list[0].get("errorCode").or_else(|| list[0].get("statusCode")).unwrap().as_str().unwrap()
}

/// A record of a collection.
pub(crate) fn record(kind: &str, mut values: Value) -> Value {
    values["attributes"] = json!({"type": kind});
    values
}
