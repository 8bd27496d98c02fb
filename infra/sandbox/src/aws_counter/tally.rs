//! The counts. An item is a key or statement of a DynamoDB batch, an entry of an SQS batch, else the call.

use rtr_sandbox::Request;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

const MAX_CALLS: usize = 20_000;
const MAX_BODY: usize = 64 * 1024;

struct Call {
    seq: u64,
    at: i64,
    operation: String,
    items: usize,
    tables: Vec<String>,
    body: Vec<u8>,
}

/// Counts since the start, and the latest calls with their bodies.
#[derive(Default)]
pub(crate) struct Tally {
    last: u64,
    totals: BTreeMap<String, (u64, u64)>,
    calls: VecDeque<Call>,
}

/// `DynamoDB_20120810.BatchGetItem` as `DynamoDB.BatchGetItem`; what has no target by method and first part
/// of the path.
fn operation(method: &str, path: &str, target: Option<&str>) -> String {
    match target.and_then(|target| target.split_once('.')) {
        Some((service, operation)) => {
            let service = service.split('_').next().unwrap_or(service);
            let service = if service == "AmazonSQS" { "SQS" } else { service };
            format!("{service}.{operation}")
        }
        None => format!("{method} /{}", path.split('/').nth(1).unwrap_or_default()),
    }
}

/// The number of items, and the tables they are in.
fn items(operation: &str, body: &[u8]) -> (usize, Vec<String>) {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return (1, Vec::new()) };
    let length = |value: Option<&Value>| value.and_then(Value::as_array).map(Vec::len);
    let table = || body.get("TableName").and_then(Value::as_str).map(str::to_owned).into_iter().collect();
    match operation.split_once('.').unwrap_or_default() {
        ("DynamoDB", "BatchGetItem") => by_table(&body, |wanted| length(wanted.get("Keys"))),
        ("DynamoDB", "BatchWriteItem") => by_table(&body, |wanted| length(Some(wanted))),
        ("DynamoDB", "BatchExecuteStatement") => (length(body.get("Statements")).unwrap_or(1), Vec::new()),
        ("DynamoDB", "TransactWriteItems" | "TransactGetItems") => {
            (length(body.get("TransactItems")).unwrap_or(1), Vec::new())
        }
        ("DynamoDB", "ExecuteTransaction") => {
            (length(body.get("TransactStatements")).unwrap_or(1), Vec::new())
        }
        ("SQS", _) => (length(body.get("Entries")).unwrap_or(1), Vec::new()),
        _ => (1, table()),
    }
}

fn by_table(body: &Value, count: impl Fn(&Value) -> Option<usize>) -> (usize, Vec<String>) {
    let tables = body.get("RequestItems").and_then(Value::as_object);
    let sum = tables.into_iter().flatten().filter_map(|(_, wanted)| count(wanted)).sum();
    (sum, tables.into_iter().flatten().map(|(name, _)| name.clone()).collect())
}

fn holds(body: &[u8], text: &str) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text.as_bytes())
}

impl Tally {
    /// Counts one request.
    pub(crate) fn count(&mut self, at: i64, method: &str, path: &str, target: Option<&str>, body: &[u8]) {
        self.last += 1;
        let operation = operation(method, path, target);
        let (items, tables) = items(&operation, body);
        let total = self.totals.entry(operation.clone()).or_default();
        *total = (total.0 + 1, total.1 + items as u64);
        let body = body.get(..MAX_BODY).unwrap_or(body).to_vec();
        self.calls.push_back(Call { seq: self.last, at, operation, items, tables, body });
        if self.calls.len() > MAX_CALLS {
            self.calls.pop_front();
        }
    }

    /// `/_counter` and `/_counter/requests`.
    pub(crate) fn show(&self, path: &str, query: &str) -> Option<Value> {
        let query = Request::new("GET", &format!("/?{query}")).query_pairs();
        let get = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let since: u64 = get("since").and_then(|since| since.parse().ok()).unwrap_or(0);
        let contains = get("contains").unwrap_or_default();
        let calls = || self.calls.iter().filter(|call| call.seq > since && holds(&call.body, contains));
        match path {
            "/_counter" if since == 0 && contains.is_empty() => Some(self.sums(self.totals.clone())),
            "/_counter" => {
                let mut totals: BTreeMap<String, (u64, u64)> = BTreeMap::new();
                for call in calls() {
                    let total = totals.entry(call.operation.clone()).or_default();
                    *total = (total.0 + 1, total.1 + call.items as u64);
                }
                Some(self.sums(totals))
            }
            "/_counter/requests" => Some(
                calls()
                    .map(|call| {
                        json!({"seq": call.seq, "at": call.at, "operation": call.operation, "items": call.items,
                               "tables": call.tables})
                    })
                    .collect(),
            ),
            _ => None,
        }
    }

    fn sums(&self, totals: BTreeMap<String, (u64, u64)>) -> Value {
        let total: u64 = totals.values().map(|(calls, _)| calls).sum();
        let by_operation: serde_json::Map<String, Value> = totals
            .into_iter()
            .map(|(operation, (calls, items))| (operation, json!({"calls": calls, "items": items})))
            .collect();
        json!({"total": total, "by_operation": by_operation, "last_seq": self.last})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_batch_when_counted_then_its_items_are_its_keys() {
        let mut tally = Tally::default();
        let body = br#"{"RequestItems":{"records":{"Keys":[{"pk":{"S":"acme"}},{"pk":{"S":"beta"}}]}}}"#;
        tally.count(5, "POST", "/", Some("DynamoDB_20120810.BatchGetItem"), body);
        tally.count(6, "POST", "/", Some("AmazonSQS.SendMessageBatch"), br#"{"Entries":[{},{},{}]}"#);
        tally.count(7, "PUT", "/bucket/key", None, b"bytes");
        let all = tally.show("/_counter", "").expect("found");
        assert_eq!(all["total"], 3);
        assert_eq!(all["by_operation"]["DynamoDB.BatchGetItem"], json!({"calls": 1, "items": 2}));
        assert_eq!(all["by_operation"]["SQS.SendMessageBatch"], json!({"calls": 1, "items": 3}));
        assert_eq!(all["by_operation"]["PUT /bucket"], json!({"calls": 1, "items": 1}));
    }

    #[test]
    fn given_text_and_a_sequence_when_asked_then_only_later_requests_with_the_text_are_shown() {
        let mut tally = Tally::default();
        for org in ["acme", "beta", "acme"] {
            tally.count(
                0,
                "POST",
                "/",
                Some("DynamoDB_20120810.PutItem"),
                format!("{{\"o\":\"{org}\"}}").as_bytes(),
            );
        }
        let found = tally.show("/_counter/requests", "since=1&contains=acme").expect("found");
        assert_eq!(found.as_array().map(Vec::len), Some(1));
        assert_eq!(found[0]["seq"], 3);
        assert_eq!(tally.show("/_counter", "since=1").expect("found")["total"], 2);
        assert!(tally.show("/_counter/nothing", "").is_none());
    }
}
