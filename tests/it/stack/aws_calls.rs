//! What the functions asked of AWS, as the counter in between saw it.

use super::{Stack, variable};
use std::collections::{BTreeMap, BTreeSet};

/// Requests that write a record's item or its claim.
const RECORD_WRITES: [&str; 5] = [
    "DynamoDB.BatchExecuteStatement",
    "DynamoDB.BatchWriteItem",
    "DynamoDB.ExecuteTransaction",
    "DynamoDB.PutItem",
    "DynamoDB.TransactWriteItems",
];

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct AwsCall {
    seq: u64,
    /// Such as `DynamoDB.BatchGetItem`.
    pub(crate) operation: String,
    /// Keys, statements or entries.
    pub(crate) items: u64,
}

/// The requests of a stretch of time that hold a text.
#[derive(Debug)]
pub(crate) struct AwsCalls(pub(crate) Vec<AwsCall>);

impl Stack {
    /// The counter's place now.
    pub(crate) fn aws_mark(&self) -> u64 {
        self.get_json(&format!("{}/_counter", variable("AWS_COUNTER_URL")), &[])["last_seq"].as_u64().unwrap()
    }

    /// The requests since `mark` whose body holds `text`: an org's name, for example.
    pub(crate) fn aws_calls(&self, mark: u64, text: &str) -> AwsCalls {
        let url = format!("{}/_counter/requests", variable("AWS_COUNTER_URL"));
        let found = self.get_json(&url, &[("since", &mark.to_string()), ("contains", text)]);
        let call = |call: &serde_json::Value| AwsCall {
            seq: call["seq"].as_u64().unwrap(),
            operation: call["operation"].as_str().unwrap().to_owned(),
            items: call["items"].as_u64().unwrap(),
        };
        AwsCalls(found.as_array().unwrap().iter().map(call).collect())
    }
}

impl AwsCalls {
    /// Requests of `operation`.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.0.iter().filter(|call| call.operation == operation).count()
    }

    /// The items of the requests of `operation`, one number each.
    pub(crate) fn items(&self, operation: &str) -> Vec<u64> {
        self.0.iter().filter(|call| call.operation == operation).map(|call| call.items).collect()
    }

    /// Requests that write records.
    pub(crate) fn record_writes(&self) -> usize {
        self.0.iter().filter(|call| RECORD_WRITES.contains(&call.operation.as_str())).count()
    }

    /// Those that are in `other` too.
    pub(crate) fn also_in(&self, other: &Self) -> Self {
        let seqs: BTreeSet<u64> = other.0.iter().map(|call| call.seq).collect();
        Self(self.0.iter().filter(|call| seqs.contains(&call.seq)).cloned().collect())
    }

    /// Requests by operation, for comparing and for reading.
    pub(crate) fn by_operation(&self) -> BTreeMap<&str, usize> {
        self.0.iter().fold(BTreeMap::new(), |mut sums, call| {
            *sums.entry(call.operation.as_str()).or_default() += 1;
            sums
        })
    }
}
