//! Looks at the parts of a stack. What cannot be read is a finding and ends nothing.

use super::checks::{Queue, Seen, Table};
use super::sources::{taking, target};
use super::unseen::{self, Unseen};
use crate::aws::{Aws, Described, problem};
use crate::commands::connection::Which;
use crate::commands::connection::select::{select, stored};
use crate::problem::Problem;
use crate::stack::upper_case;
use aws_sdk_dynamodb::types::{IndexStatus, TableStatus};
use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const QUEUES: [(&str, &str); 5] = [
    ("changes", "ChangesQueueUrl"),
    ("bulk", "BulkQueueUrl"),
    ("dead-letter", "DeadLetterQueueUrl"),
    ("inbound", "InboundQueueUrl"),
    ("poll", "PollQueueUrl"),
];
const TABLES: [(&str, &str, &[&str]); 3] = [
    ("Records", "RecordsTableName", &["parked", "dead", "waiting", "due"]),
    ("Limits", "LimitsTableName", &["lanes"]),
    ("Config", "ConfigTableName", &[]),
];
const FUNCTIONS: [(&str, &str); 10] = [
    ("sync", "SyncFunctionName"),
    ("bulk", "BulkFunctionName"),
    ("redrive", "RedriveFunctionName"),
    ("sweep", "SweepFunctionName"),
    ("authorize", "AuthorizeFunctionName"),
    ("admin", "AdminFunctionName"),
    ("ingest", "IngestFunctionName"),
    ("webhook", "WebhookFunctionName"),
    ("apply", "ApplyFunctionName"),
    ("poll", "PollFunctionName"),
];

/// Looks at everything.
pub(super) async fn look(aws: &Aws) -> Result<Seen, Problem> {
    let stack = Box::pin(aws.described()).await?;
    let output =
        |name: &str| stack.outputs.get(name).cloned().ok_or_else(|| Unseen::Unnamed(name.to_owned()));
    let providers =
        Box::pin(providers(aws)).await.map_err(|problem| Unseen::of(problem, "the configuration"));
    let mut seen = Seen {
        stack: Described::default(),
        renamed: renamed(&aws.stack.outputs, &stack.outputs),
        queues: BTreeMap::new(),
        tables: BTreeMap::new(),
        functions: BTreeMap::new(),
        mappings: BTreeMap::new(),
        schedule: None,
        providers,
        is_local: aws.stack.stage == "local",
        stage: aws.stack.stage.clone(),
    };
    for (name, key) in QUEUES {
        let queue = match output(key) {
            Ok(url) => Box::pin(queue(aws, &url)).await.map_err(|problem| Unseen::of(problem, &url)),
            Err(why) => Err(why),
        };
        seen.queues.insert(name, queue);
    }
    for (name, key, wanted) in TABLES {
        let table = match output(key) {
            Ok(table_name) => {
                let table = Box::pin(table(aws, &table_name, wanted)).await;
                table.map_err(|problem| Unseen::of(problem, &table_name))
            }
            Err(why) => Err(why),
        };
        seen.tables.insert(name, table);
    }
    for (name, key) in FUNCTIONS {
        let function = match output(key) {
            Ok(function) => aws.function(&function).await.map_err(|problem| Unseen::of(problem, &function)),
            Err(why) => Err(why),
        };
        seen.functions.insert(name, function);
    }
    for name in taking() {
        let key = FUNCTIONS.iter().find(|(function, _)| *function == name).map_or("", |(_, key)| key);
        // What is not there, or may not be looked at, is told of the function.
        let (Ok(function), Some(Ok(_))) = (output(key), seen.functions.get(name)) else { continue };
        let mappings = aws.mappings(&function).await.map_err(|problem| Unseen::of(problem, &function));
        seen.mappings.insert(name, mappings);
    }
    if let Some(arn) = target(&seen).map(|sweep| sweep.arn.clone()) {
        seen.schedule = Some(aws.rules(&arn).await.map_err(|problem| Unseen::of(problem, &arn)));
    }
    seen.stack = stack;
    Ok(seen)
}

/// Variables that name a table otherwise than the stack does: what each says, and what is so.
fn renamed(
    environment: &BTreeMap<String, String>,
    outputs: &BTreeMap<String, String>,
) -> Vec<(&'static str, String, String)> {
    let of = |(_, variable): &(&str, &'static str)| {
        let (_, own) = outputs.iter().find(|(output, _)| upper_case(output) == *variable)?;
        let named = environment.get(*variable).filter(|named| *named != own)?;
        Some((*variable, named.clone(), own.clone()))
    };
    unseen::TABLES.iter().filter_map(of).collect()
}

/// The CRMs that orgs are connected to.
async fn providers(aws: &Aws) -> Result<BTreeSet<String>, Problem> {
    let stored = Box::pin(stored(aws)).await?;
    let all = select(&stored, &Which { org: None, connection: None })?;
    Ok(all.iter().map(|one| one.provider().to_owned()).collect())
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
        arn: of(Name::QueueArn).unwrap_or_default().to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_an_environment_when_held_against_the_stack_then_only_tables_that_differ_are_renamed() {
        let of = |all: &[(&str, &str)]| {
            all.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let outputs = of(&[("RecordsTableName", "r"), ("LimitsTableName", "l"), ("ChangesQueueUrl", "q")]);
        let environment = of(&[
            ("RECORDS_TABLE_NAME", "other"),
            ("LIMITS_TABLE_NAME", "l"),
            ("CHANGES_QUEUE_URL", "elsewhere"),
        ]);
        assert_eq!(
            renamed(&environment, &outputs),
            [("RECORDS_TABLE_NAME", "other".to_owned(), "r".to_owned())],
            "a queue has many addresses"
        );
        assert_eq!(renamed(&of(&[]), &outputs), []);
    }
}
