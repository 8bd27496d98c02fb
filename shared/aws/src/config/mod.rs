//! Stored configuration: one document per org and one for all, numbered from one counter, every revision kept.
//!
//! Keys: `pk` the org, [`rtr_core::config::GLOBAL_ORG`] for what holds for all; `sk` `current`, or `revision#` and twelve
//! digits. The counter is `pk` `*`, `sk` `counter`. A document and its number appear together or not at all.

mod cache;
mod row;
mod store;

pub use cache::DynamoConfigs;
pub use store::{ApplyError, ConfigStore};

use crate::attributes::{Row, s};
use crate::errors::unavailable;
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
}

/// The sort key of revision `revision`: as text it sorts as the number does.
fn revision_key(revision: u64) -> String {
    format!("{REVISION}{revision:012}")
}
