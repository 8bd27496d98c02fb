//! The CRM sandbox's control API: what the CRM holds, what it was asked, and how it shall misbehave.

use super::{Stack, variable};
use reqwest::Method;
use serde_json::{Value, json};

/// One request that the CRM got.
#[derive(Debug, Clone)]
pub(crate) struct CrmRequest {
    /// When, in milliseconds.
    pub(crate) at_ms: i64,
    /// The method and the path without its query.
    pub(crate) what: String,
    /// What it answered; 0: it was cut off.
    pub(crate) status: u64,
    /// Inputs of a batch.
    pub(crate) items: u64,
    /// The names of the faults that struck it.
    pub(crate) fault: String,
    /// What was sent; null where it was a token's.
    pub(crate) body: Value,
}

/// One account of the CRM.
pub(crate) struct Account<'a> {
    pub(super) stack: &'a Stack,
    pub(super) provider: &'static str,
    pub(super) name: &'a str,
}

impl Account<'_> {
    /// Records of `object` that are not archived, oldest first.
    pub(crate) fn records(&self, object: &str) -> Vec<Value> {
        let query = [("provider", self.provider), ("account", self.name), ("object", object)];
        self.stack.get_json(&url("records"), &query).as_array().unwrap().clone()
    }

    /// One property of every record, sorted; null where it is not set.
    pub(crate) fn values(&self, object: &str, property: &str) -> Vec<String> {
        let text = |record: &Value| record["properties"][property].as_str().unwrap_or("null").to_owned();
        let mut values: Vec<String> = self.records(object).iter().map(text).collect();
        values.sort();
        values
    }

    /// A person of the CRM changes a record, or makes one; its id.
    pub(crate) fn edit(&self, object: &str, id: Option<&str>, values: &Value) -> String {
        let mut body =
            json!({"provider": self.provider, "account": self.name, "object": object, "values": values});
        if let Some(id) = id {
            body["id"] = json!(id);
        }
        let answer = self.stack.send_json(Method::POST, &url("edit"), &body);
        answer["id"].as_str().unwrap().to_owned()
    }

    /// The account pushes its changes to `address` from now on, signed by `secret`.
    pub(crate) fn push_to(&self, address: &str, secret: &str) {
        let body = json!({"provider": self.provider, "account": self.name, "url": address, "secret": secret});
        self.stack.send_json(Method::PUT, &url("webhooks"), &body);
    }

    /// Writes of `object` that the account got since `mark`, in records.
    pub(crate) fn writes(&self, object: &str, mark: u64) -> u64 {
        let of_object =
            |request: &&CrmRequest| request.what.contains(object) || request.what.contains("composite");
        let is_write = |request: &&CrmRequest| {
            let reads = ["/search", "/batch/read", "/query", "/queryAll"];
            !request.what.starts_with("GET") && !reads.iter().any(|end| request.what.ends_with(end))
        };
        self.requests(mark).iter().filter(of_object).filter(is_write).map(|request| request.items).sum()
    }

    /// Where the account's request log ends now.
    pub(crate) fn mark(&self) -> u64 {
        self.stack.get_json(&url("state"), &[])["last_seq"].as_u64().unwrap()
    }

    /// The requests since `mark`, oldest first.
    pub(crate) fn requests(&self, mark: u64) -> Vec<CrmRequest> {
        self.journal(mark, "false")
    }

    /// The same with what was sent.
    pub(crate) fn requests_with_bodies(&self, mark: u64) -> Vec<CrmRequest> {
        self.journal(mark, "true")
    }

    fn journal(&self, mark: u64, bodies: &str) -> Vec<CrmRequest> {
        let since = mark.to_string();
        let query = [
            ("since", since.as_str()),
            ("provider", self.provider),
            ("account", self.name),
            ("bodies", bodies),
        ];
        let found = self.stack.get_json(&url("requests"), &query);
        let request = |request: &Value| {
            let path = request["path"].as_str().unwrap();
            let path = path.split('?').next().unwrap_or_default();
            CrmRequest {
                at_ms: request["at_ms"].as_i64().unwrap(),
                what: format!("{} {path}", request["method"].as_str().unwrap()),
                status: request["status"].as_u64().unwrap(),
                items: request["items"].as_u64().unwrap(),
                fault: request["fault"].as_str().unwrap_or_default().to_owned(),
                body: request["body"].clone(),
            }
        };
        found.as_array().unwrap().iter().map(request).collect()
    }

    /// Puts records in place that the CRM had before us; their ids.
    pub(crate) fn seed(&self, object: &str, records: &[Value]) -> Vec<String> {
        let records: Vec<Value> = records.iter().map(|record| json!({"properties": record})).collect();
        let answer = self.put(Method::POST, "records", json!({"object": object, "records": records}));
        answer["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// Issues, expires or revokes tokens.
    pub(crate) fn tokens(&self, wanted: Value) -> Value {
        self.put(Method::POST, "tokens", wanted)
    }

    /// Sets how the CRM refuses values of a property.
    pub(crate) fn property(&self, rule: Value) {
        self.put(Method::PUT, "properties", rule);
    }

    /// Sets what the vendor has of its own, such as how long Salesforce keeps a parent locked.
    pub(crate) fn setting(&self, setting: Value) {
        self.put(Method::PUT, "settings", setting);
    }

    /// Sets the account's limits.
    pub(crate) fn limits(&self, limits: Value) {
        self.put(Method::PUT, "limits", json!({"limits": limits}));
    }

    /// Sets one fault.
    pub(crate) fn fault(&self, fault: Value) {
        self.faults(vec![fault]);
    }

    /// Sets several at once.
    pub(crate) fn faults(&self, faults: Vec<Value>) {
        let faults: Vec<Value> = faults.into_iter().map(|fault| self.named(fault)).collect();
        self.stack.send_json(Method::PUT, &url("faults"), &json!(faults));
    }

    /// Ends the account's faults.
    pub(crate) fn calm(&self) {
        let of = format!("{}?provider={}&account={}", url("faults"), self.provider, self.name);
        self.stack.send_json(Method::DELETE, &of, &Value::Null);
    }

    fn put(&self, method: Method, what: &str, body: Value) -> Value {
        self.stack.send_json(method, &url(what), &self.named(body))
    }

    fn named(&self, mut body: Value) -> Value {
        let map = body.as_object_mut().unwrap();
        map.insert("provider".to_owned(), self.provider.into());
        map.insert("account".to_owned(), self.name.into());
        body
    }
}

fn url(what: &str) -> String {
    format!("{}/_sandbox/{what}", variable("SANDBOX_URL"))
}
