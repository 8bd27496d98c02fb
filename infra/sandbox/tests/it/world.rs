//! One sandbox, one account with a token, and a clock.

use rtr_sandbox::{Ending, Reply, Request, Sandbox};
use serde_json::{Value, json};

pub(crate) const START: i64 = 1_790_000_000_000;
pub(crate) const CONTACTS: &str = "/crm/v3/objects/contacts";

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) now: i64,
    pub(crate) token: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut world = Self { sandbox: Sandbox::new(), now: START, token: String::new() };
        world.token = world.issue(json!({}))["access_token"].as_str().unwrap().to_owned();
        world
    }

    /// Tokens for the account, with what is given on top.
    pub(crate) fn issue(&mut self, extra: Value) -> Value {
        let mut body = json!({"provider": "hubspot", "account": "acme", "action": "issue"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        self.control("POST", "/tokens", body)
    }

    pub(crate) fn send(&mut self, request: &Request) -> Reply {
        self.sandbox.handle(self.now, request)
    }

    /// A control call that has to succeed.
    pub(crate) fn control(&mut self, method: &str, path: &str, body: Value) -> Value {
        let reply = self.send(&Request::new(method, &format!("/_sandbox{path}")).json(&body));
        assert_eq!(reply.status, 200, "{}", reply.value());
        reply.value()
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let bearer = format!("Bearer {}", self.token);
        Request::new(method, &format!("/hubspot/acme{path}")).header("Authorization", &bearer)
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

    /// Creates a record and gives its id.
    pub(crate) fn create(&mut self, kind: &str, properties: Value) -> String {
        let (status, body) = self.post(&format!("/crm/v3/objects/{kind}"), json!({"properties": properties}));
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn fault(&mut self, fault: Value) {
        let mut fault = fault;
        fault["provider"] = json!("hubspot");
        fault["account"] = json!("acme");
        self.control("PUT", "/faults", json!([fault]));
    }

    pub(crate) fn records(&mut self, kind: &str) -> Vec<Value> {
        let path = format!("/_sandbox/records?provider=hubspot&account=acme&object={kind}");
        self.send(&Request::new("GET", &path)).value().as_array().unwrap().clone()
    }
}

/// The ids, or other texts, of a list of results.
pub(crate) fn texts(results: &Value, pointer: &str) -> Vec<String> {
    let list = results.as_array().unwrap();
    list.iter().map(|one| one.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
}
