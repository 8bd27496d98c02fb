//! How many records of each connection are dead, by the index: what it says is a hint, as `rtr dlq list` shows it.

use crate::aws::{Aws, problem};
use crate::problem::Problem;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use rtr_aws::records::dead_stem;
use rtr_core::key::index_partitions;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The index.
const INDEX: &str = "dead";
/// Parts of the whole index that are read side by side: one page after another would take an hour to give a hundred million.
const SEGMENTS: i32 = 4;
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

/// A part of the index, which is read by itself.
enum Part {
    Partition(String),
    Segment(i32),
}

impl Dead {
    /// Counts those of `org`, or of all: the parts of the index side by side, and of each no more kept than its counts.
    pub(crate) async fn count(aws: &Aws, org: Option<&str>) -> Result<Self, Problem> {
        let parts = match org {
            Some(org) => {
                let stem = dead_stem(Some(org));
                let partitions = index_partitions(&stem).map(|name| part(aws, Part::Partition(name)));
                try_join_all(partitions).await?
            }
            None => try_join_all((0..SEGMENTS).map(|segment| part(aws, Part::Segment(segment)))).await?,
        };
        Ok(parts.into_iter().fold(Self::default(), Self::with))
    }

    /// By summaries, as the index has them.
    #[cfg(test)]
    pub(crate) fn of<'a>(summaries: impl Iterator<Item = &'a str>) -> Self {
        let mut found = Self::default();
        summaries.for_each(|summary| found.add(summary));
        found
    }

    /// Counts one more, by its summary.
    fn add(&mut self, summary: &str) {
        // One that cannot be read is dead all the same.
        let whose = serde_json::from_str(summary).unwrap_or(Whose { org_id: None, connection: None });
        *self.0.entry((whose.org_id, whose.connection.filter(|name| name != NOWHERE))).or_default() += 1;
    }

    /// Those of both.
    fn with(mut self, other: Self) -> Self {
        for (whose, n) in other.0 {
            *self.0.entry(whose).or_default() += n;
        }
        self
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

/// Counts what is in a part, page by page.
async fn part(aws: &Aws, part: Part) -> Result<Dead, Problem> {
    let (table, dynamodb) = (aws.stack.output("RECORDS_TABLE_NAME")?, &aws.clients.dynamodb);
    let (mut found, mut from) = (Dead::default(), None);
    loop {
        let (items, next) = match &part {
            Part::Partition(name) => {
                let query = dynamodb
                    .query()
                    .table_name(table)
                    .index_name(INDEX)
                    .key_condition_expression("dead_pk = :partition")
                    .expression_attribute_values(":partition", AttributeValue::S(name.clone()))
                    .projection_expression("dead_summary")
                    .set_exclusive_start_key(from);
                let page = query.send().await;
                let page = page.map_err(|error| problem("Query of the dead index", &aws.place, &error))?;
                (page.items, page.last_evaluated_key)
            }
            Part::Segment(segment) => {
                let scan = dynamodb
                    .scan()
                    .table_name(table)
                    .index_name(INDEX)
                    .segment(*segment)
                    .total_segments(SEGMENTS)
                    .projection_expression("dead_summary")
                    .set_exclusive_start_key(from);
                let page = scan.send().await;
                let page = page.map_err(|error| problem("Scan of the dead index", &aws.place, &error))?;
                (page.items, page.last_evaluated_key)
            }
        };
        for row in items.unwrap_or_default() {
            let summary = row.get("dead_summary").and_then(|summary| summary.as_s().ok());
            found.add(summary.map_or("", String::as_str));
        }
        from = next;
        if from.is_none() {
            return Ok(found);
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

    #[test]
    fn given_parts_of_the_index_when_put_together_then_each_letter_counts_once() {
        let acme = r#"{"org_id":"acme","connection":"hubspot"}"#;
        let umbra = r#"{"org_id":"umbra","connection":"hubspot"}"#;
        let parts = [vec![acme, umbra], vec![], vec![acme], vec!["no JSON"]];
        let whole = Dead::of(parts.iter().flatten().copied());
        let parts = parts.iter().map(|part| Dead::of(part.iter().copied()));
        assert_eq!(parts.fold(Dead::default(), Dead::with), whole);
        assert_eq!((whole.at("acme", "hubspot"), whole.of_org("umbra")), (2, 1));
    }
}
