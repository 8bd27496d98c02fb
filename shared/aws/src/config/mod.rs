//! Stored configuration: one document per org and one for all, numbered from one counter, every revision kept.
//!
//! Keys: `pk` the org, [`rtr_core::config::GLOBAL_ORG`] for what holds for all; `sk` `current`, or `revision#` and twelve
//! digits. The counter is `pk` `*`, `sk` `counter`; what got which number lies under `*`, `applied#` and it. A document and its
//! number appear together or not at all. A pause lies beside
//! the document, under `current#paused#` and what it is of: read with it, and not written by whoever applies one. Its end is a mark in
//! it, so that nobody needs a right to take anything out of the table. What people did lies under [`rtr_core::config::AUDIT`],
//! `audit#` and the time.

mod audit;
mod cache;
mod earlier;
mod log;
mod memory;
mod once;
mod pauses;
mod row;
mod store;

pub use cache::DynamoConfigs;
pub use earlier::EarlierMappings;
pub use store::{ApplyError, ConfigStore};

use crate::attributes::{Row, s};
use crate::errors::unavailable;
use rtr_core::config::Pauses;
use rtr_engine::seams::Unavailable;

/// The sort key of what holds now.
const CURRENT: &str = "current";
/// The sort key of the counter.
const COUNTER: &str = "counter";
/// What the sort key of a kept revision begins with.
const REVISION: &str = "revision#";

/// The table and the way to it.
#[derive(Debug, Clone)]
struct ConfigTable {
    client: aws_sdk_dynamodb::Client,
    name: String,
}

impl ConfigTable {
    /// One row, read strongly.
    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Row>, Unavailable> {
        let get = self.client.get_item().table_name(&self.name).key("pk", s(pk)).key("sk", s(sk));
        let answer = get.consistent_read(true).send().await;
        Ok(answer.map_err(|error| unavailable("GetItem", &error))?.item)
    }

    /// The rows of `pk` from one sort key to another, the last ones first, at most `most`, each as `read` takes it.
    async fn newest<T>(
        &self,
        pk: &str,
        (first, last): (String, String),
        most: usize,
        read: impl Fn(&Row) -> Result<T, Unavailable>,
    ) -> Result<Vec<T>, Unavailable> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.name)
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .expression_attribute_values(":pk", s(pk))
                .expression_attribute_values(":first", s(&first))
                .expression_attribute_values(":last", s(&last))
                .scan_index_forward(false)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| unavailable("Query", &error))?;
            for row in page.items().iter().take(most - found.len()) {
                found.push(read(row)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() || found.len() >= most {
                return Ok(found);
            }
        }
    }

    /// What holds now for `pk`, read strongly and in one request: its document, and the pauses beside it.
    async fn holding(&self, pk: &str) -> Result<(Option<Row>, Pauses), Unavailable> {
        let (mut document, mut paused, mut start) = (None, Vec::new(), None);
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.name)
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND begins_with(sk, :current)")
                .expression_attribute_values(":pk", s(pk))
                .expression_attribute_values(":current", s(CURRENT))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| unavailable("Query", &error))?;
            for row in page.items.unwrap_or_default() {
                if pauses::is_pause(&row) {
                    paused.extend(pauses::standing(&row)?);
                } else {
                    document = Some(row);
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok((document, paused.into_iter().collect()));
            }
        }
    }
}

/// The sort key of revision `revision`: as text it sorts as the number does.
fn revision_key(revision: u64) -> String {
    format!("{REVISION}{revision:012}")
}
