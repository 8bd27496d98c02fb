//! How many records of each connection are dead, by the index: what it says is a hint, as `rtr dlq list` shows it.

use crate::aws::{Aws, problem};
use crate::problem::Problem;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use rtr_aws::records::dead_stem;
use rtr_core::key::index_partitions;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// The index.
const INDEX: &str = "dead";
/// What stands for no connection.
const NOWHERE: &str = "-";

/// Dead letters, by org and connection; what belongs to none is under none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Dead(BTreeMap<(Option<String>, Option<String>), u64>);

/// Whose a dead letter is.
#[derive(Debug, Deserialize)]
struct Whose {
    org_id: Option<String>,
    connection: Option<String>,
}

type Row = HashMap<String, AttributeValue>;

impl Dead {
    /// Counts those of `org`, or of all.
    pub(crate) async fn count(aws: &Aws, org: Option<&str>) -> Result<Self, Problem> {
        let rows = match org {
            Some(org) => {
                let stem = dead_stem(Some(org));
                let partitions = index_partitions(&stem).map(|partition| pages(aws, Some(partition)));
                try_join_all(partitions).await?.concat()
            }
            None => pages(aws, None).await?,
        };
        Ok(Self::of(rows.iter().filter_map(|row| row.get("dead_summary")?.as_s().ok()).map(String::as_str)))
    }

    /// By summaries, as the index has them.
    pub(crate) fn of<'a>(summaries: impl Iterator<Item = &'a str>) -> Self {
        let mut found = Self::default();
        for summary in summaries {
            // One that cannot be read is dead all the same.
            let whose = serde_json::from_str(summary).unwrap_or(Whose { org_id: None, connection: None });
            *found.0.entry((whose.org_id, whose.connection.filter(|name| name != NOWHERE))).or_default() += 1;
        }
        found
    }

    /// At this connection.
    pub(crate) fn at(&self, org: &str, connection: &str) -> u64 {
        self.0.get(&(Some(org.to_owned()), Some(connection.to_owned()))).copied().unwrap_or(0)
    }

    /// Of this org, wherever.
    pub(crate) fn of_org(&self, org: &str) -> u64 {
        self.0.iter().filter(|((of, _), _)| of.as_deref() == Some(org)).map(|(_, n)| n).sum()
    }

    /// Each org and connection that has any, and how many.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Option<&str>, Option<&str>, u64)> {
        self.0.iter().map(|((org, connection), n)| (org.as_deref(), connection.as_deref(), *n))
    }
}

/// All rows of a partition of the index, or of the whole.
async fn pages(aws: &Aws, partition: Option<String>) -> Result<Vec<Row>, Problem> {
    let table = aws.stack.output("RECORDS_TABLE_NAME")?;
    let (mut rows, mut from) = (Vec::new(), None);
    loop {
        let dynamodb = &aws.clients.dynamodb;
        let (items, next) = match &partition {
            Some(partition) => {
                let query = dynamodb
                    .query()
                    .table_name(table)
                    .index_name(INDEX)
                    .key_condition_expression("dead_pk = :partition")
                    .expression_attribute_values(":partition", AttributeValue::S(partition.clone()))
                    .projection_expression("dead_summary")
                    .set_exclusive_start_key(from);
                let page = query.send().await;
                let page = page.map_err(|error| problem("Query of the dead index", &aws.place, &error))?;
                (page.items, page.last_evaluated_key)
            }
            None => {
                let scan = dynamodb
                    .scan()
                    .table_name(table)
                    .index_name(INDEX)
                    .projection_expression("dead_summary")
                    .set_exclusive_start_key(from);
                let page = scan.send().await;
                let page = page.map_err(|error| problem("Scan of the dead index", &aws.place, &error))?;
                (page.items, page.last_evaluated_key)
            }
        };
        rows.extend(items.unwrap_or_default());
        from = next;
        if from.is_none() {
            return Ok(rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_summaries_when_counted_then_each_connection_has_its_own_and_what_belongs_to_none_is_apart() {
        let all = [
            r#"{"org_id":"acme","connection":"hubspot","code":"RTR3001"}"#,
            r#"{"org_id":"acme","connection":"hubspot"}"#,
            r#"{"org_id":"acme","connection":"-"}"#,
            r#"{"org_id":"acme"}"#,
            r#"{"org_id":null}"#,
            "no JSON",
        ];
        let dead = Dead::of(all.into_iter());
        assert_eq!((dead.at("acme", "hubspot"), dead.of_org("acme")), (2, 4));
        assert_eq!((dead.at("acme", "salesforce"), dead.of_org("umbra")), (0, 0));
        let nobodys: Vec<_> = dead.each().filter(|(org, ..)| org.is_none()).collect();
        assert_eq!(nobodys, [(None, None, 2)], "what cannot be read is counted");
    }
}
