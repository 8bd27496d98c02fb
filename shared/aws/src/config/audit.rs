//! What people did, as rows beside the configuration: appended, never changed, never removed by us.
//!
//! One partition, sorted by time: people act a few times a day. It is theirs alone, so that who may write lines of it can be kept
//! from documents: IAM tells partitions apart, and not what lies in them.

use super::{ConfigStore, ConfigTable};
use crate::attributes::{Row, s, text};
use crate::errors::unavailable;
use rtr_core::audit::Entry;
use rtr_core::config::AUDIT;
use rtr_core::time::Instant;
use rtr_engine::seams::Unavailable;

/// What the sort key of an entry begins with.
const ENTRY: &str = "audit#";

/// A time as text that sorts as the number does, up to the year 2286.
fn sorted(at: Instant) -> String {
    format!("{ENTRY}{:013}", at.0.clamp(0, 9_999_999_999_999))
}

impl ConfigStore {
    /// Writes `entry` down; `nonce` tells two of one millisecond apart.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn note(&self, entry: &Entry, nonce: &str) -> Result<(), Unavailable> {
        let ConfigTable { client, name } = &self.table;
        // An entry is strings and numbers: it always has a JSON form.
        let text = serde_json::to_string(entry).unwrap_or_default();
        let put = client
            .put_item()
            .table_name(name)
            .item("pk", s(AUDIT))
            .item("sk", s(format!("{}#{nonce}", sorted(entry.at))))
            .item("entry", s(text))
            .condition_expression("attribute_not_exists(pk)");
        let Err(error) = put.send().await else { return Ok(()) };
        // The SDK's own repeat of a write whose answer was lost meets that write: nobody else has the nonce.
        match error.as_service_error() {
            Some(refused) if refused.is_conditional_check_failed_exception() => Ok(()),
            _ => Err(unavailable("PutItem", &error)),
        }
    }

    /// What was done from `since` and before `until`, newest first, at most `most`.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn audit(
        &self,
        since: Instant,
        until: Instant,
        most: usize,
    ) -> Result<Vec<Entry>, Unavailable> {
        if since >= until {
            return Ok(Vec::new());
        }
        self.table.newest(AUDIT, (sorted(since), sorted(until)), most, read).await
    }
}

fn read(row: &Row) -> Result<Entry, Unavailable> {
    let entry = text(row, "entry").ok().flatten().unwrap_or_default();
    serde_json::from_str(entry)
        .map_err(|error| Unavailable(format!("an entry of the audit cannot be read: {error}")))
}
