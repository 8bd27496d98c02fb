//! Looks at the parts of a stack. What cannot be read is a finding and ends nothing.

use super::checks::{Queue, Seen, Table};
use crate::aws::{Aws, problem};
use crate::problem::Problem;
use aws_sdk_dynamodb::types::{IndexStatus, TableStatus};
use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::Value;

const QUEUES: [(&str, &str); 3] =
    [("changes", "ChangesQueueUrl"), ("bulk", "BulkQueueUrl"), ("dead-letter", "DeadLetterQueueUrl")];
const TABLES: [(&str, &str, &[&str]); 3] = [
    ("Records", "RecordsTableName", &["parked", "dead", "waiting", "due"]),
    ("Limits", "LimitsTableName", &["lanes"]),
    ("Config", "ConfigTableName", &[]),
];
const FUNCTIONS: [(&str, &str); 5] = [
    ("sync", "SyncFunctionName"),
    ("bulk", "BulkFunctionName"),
    ("redrive", "RedriveFunctionName"),
    ("sweep", "SweepFunctionName"),
    ("authorize", "AuthorizeFunctionName"),
];

/// Looks at everything.
pub(super) async fn look(aws: &Aws) -> Result<Seen, Problem> {
    let stack = Box::pin(aws.described()).await?;
    let output = |name: &str| {
        stack.outputs.get(name).cloned().ok_or_else(|| format!("the stack has no output {name}"))
    };
    let mut seen = Seen::default();
    for (name, key) in QUEUES {
        let queue = match output(key) {
            Ok(url) => Box::pin(queue(aws, &url)).await.map_err(|problem| problem.what),
            Err(why) => Err(why),
        };
        seen.queues.insert(name, queue);
    }
    for (name, key, wanted) in TABLES {
        let table = match output(key) {
            Ok(table_name) => Box::pin(table(aws, &table_name, wanted)).await.map_err(|problem| problem.what),
            Err(why) => Err(why),
        };
        seen.tables.insert(name, table);
    }
    for (name, key) in FUNCTIONS {
        let function = match output(key) {
            Ok(function) => aws.function(&function).await.map_err(|problem| problem.what),
            Err(why) => Err(why),
        };
        seen.functions.insert(name, function);
    }
    seen.stack = stack;
    Ok(seen)
}

async fn queue(aws: &Aws, url: &str) -> Result<Queue, Problem> {
    let asked = aws.clients.sqs.get_queue_attributes().queue_url(url).attribute_names(Name::All).send();
    let answer = asked.await.map_err(|error| problem("GetQueueAttributes", &aws.place, &error))?;
    let of = |name: Name| answer.attributes().and_then(|all| all.get(&name)).map(String::as_str);
    let policy: Option<Value> = of(Name::RedrivePolicy).and_then(|text| serde_json::from_str(text).ok());
    let receives = |policy: &Value| {
        let most = policy.get("maxReceiveCount")?;
        most.as_u64().or_else(|| most.as_str()?.parse().ok())
    };
    Ok(Queue {
        fifo: of(Name::FifoQueue) == Some("true"),
        per_group: of(Name::FifoThroughputLimit) == Some("perMessageGroupId")
            && of(Name::DeduplicationScope) == Some("messageGroup"),
        visibility_s: of(Name::VisibilityTimeout).and_then(|text| text.parse().ok()).unwrap_or(0),
        max_receives: policy.as_ref().and_then(receives),
    })
}

async fn table(aws: &Aws, name: &str, wanted: &'static [&'static str]) -> Result<Table, Problem> {
    let asked = aws.clients.dynamodb.describe_table().table_name(name).send();
    let answer = asked.await.map_err(|error| problem("DescribeTable", &aws.place, &error))?;
    let Some(table) = answer.table() else { return Ok(Table::default()) };
    let here = table.global_secondary_indexes().iter().filter(|index| {
        // Whoever stands in for AWS may not tell.
        index.index_status().is_none_or(|status| *status == IndexStatus::Active)
    });
    Ok(Table {
        active: table.table_status().is_none_or(|status| *status == TableStatus::Active),
        indexes: here.filter_map(|index| index.index_name().map(str::to_owned)).collect(),
        wanted: wanted.to_vec(),
    })
}
