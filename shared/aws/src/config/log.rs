//! What was stored in which order, over all orgs: a line for each revision, written together with it.

use super::row::from_row;
use super::{ConfigStore, REVISION, revision_key};
use crate::attributes::{Row, Unreadable, number, required, s, text};
use crate::errors::unavailable;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::Put;
use rtr_core::config::{Applied, DocChange, GLOBAL_ORG, Signature, StoredDoc};
use rtr_engine::seams::Unavailable;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// What the sort key of a line begins with.
const LOG: &str = "applied#";

fn key(revision: u64) -> String {
    format!("{LOG}{revision:012}")
}

impl ConfigStore {
    /// The line of `change`.
    pub(super) fn log(&self, change: &DocChange, by: &Signature) -> Result<Put, BuildError> {
        let mut row = HashMap::from([
            ("pk".to_owned(), s(GLOBAL_ORG)),
            ("sk".to_owned(), s(key(change.revision))),
            ("revision".to_owned(), crate::attributes::n(change.revision)),
            ("org".to_owned(), s(&change.org)),
            ("author".to_owned(), s(&by.author)),
            ("at".to_owned(), s(&by.at)),
        ]);
        row.extend(by.reason.as_ref().map(|reason| ("reason".to_owned(), s(reason))));
        let condition = "attribute_not_exists(pk)";
        Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(row))
            .condition_expression(condition)
            .build()
    }

    /// What was stored after revision `after`, newest first, at most `most`.
    ///
    /// # Errors
    /// When the table does not answer, or a line cannot be read.
    pub async fn applied(&self, after: u64, most: usize) -> Result<Vec<Applied>, Unavailable> {
        let (first, last) = (key(after.saturating_add(1)), format!("{LOG}~"));
        let wrong = |error| Unavailable(format!("a line of the log: {error}"));
        self.table.newest(GLOBAL_ORG, (first, last), most, |row| read(row).map_err(wrong)).await
    }

    /// `org`'s document as it was at `revision`, of whichever org that is: none where there was none yet.
    ///
    /// # Errors
    /// When the table does not answer, or the document cannot be read.
    pub async fn at<T: DeserializeOwned>(
        &self,
        org: &str,
        revision: u64,
    ) -> Result<Option<StoredDoc<T>>, Unavailable> {
        self.row_at(org, revision).await?.as_ref().map(from_row).transpose()
    }

    /// The same as it is stored: whoever can do without what cannot be read tells that from a table that does not answer.
    pub(super) async fn row_at(&self, org: &str, revision: u64) -> Result<Option<Row>, Unavailable> {
        let page = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .consistent_read(true)
            .key_condition_expression("pk = :org AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":org", s(org))
            .expression_attribute_values(":first", s(REVISION))
            .expression_attribute_values(":last", s(revision_key(revision)))
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(|error| unavailable("Query", &error))?;
        Ok(page.items.unwrap_or_default().into_iter().next())
    }
}

fn read(row: &Row) -> Result<Applied, Unreadable> {
    let given = |name| text(row, name).and_then(|value| required(value, name)).map(str::to_owned);
    Ok(Applied {
        revision: required(number(row, "revision")?, "revision")?,
        org: given("org")?,
        by: Signature {
            author: given("author")?,
            at: given("at")?,
            reason: text(row, "reason")?.map(str::to_owned),
        },
    })
}
