//! Configuration as the commands see it: all of it, its history, and one document's change at a time.

use super::pauses::{self, OVER, is_pause};
use super::row::{from_row, to_row};
use super::{COUNTER, CURRENT, ConfigTable, REVISION, revision_key};
use crate::attributes::{Row, n, number, s, text};
use crate::clients::Clients;
use crate::errors::unavailable;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem,
    Update,
};
use rtr_core::config::{AUDIT, DocChange, GLOBAL_ORG, Pause, Pauses, Scope, Signature, Stored, StoredDoc};
use rtr_engine::seams::Unavailable;
use serde::de::DeserializeOwned;

/// The configuration table, for reading all of it and for changing it.
#[derive(Debug, Clone)]
pub struct ConfigStore {
    pub(super) table: ConfigTable,
}

/// Why a document was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Somebody applied something since the table was read: read again, plan again.
    #[error("somebody else applied configuration at the same time: try again")]
    Changed,
    /// The table did not take it.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl ConfigStore {
    /// The store in table `name`.
    #[must_use]
    pub fn new(clients: &Clients, name: impl Into<String>) -> Self {
        Self { table: ConfigTable { client: clients.dynamodb.clone(), name: name.into() } }
    }

    /// Everything that holds now, with the last number given: what `rtr_core::config::plan_apply` starts from.
    ///
    /// # Errors
    /// When the table does not answer, or a document in it cannot be read.
    pub async fn load(&self) -> Result<Stored, Unavailable> {
        let mut stored = Stored::default();
        let mut start = None;
        loop {
            let page = self
                .table
                .client
                .scan()
                .table_name(&self.table.name)
                .consistent_read(true)
                .filter_expression("begins_with(sk, :current) OR sk = :counter")
                .expression_attribute_values(":current", s(CURRENT))
                .expression_attribute_values(":counter", s(COUNTER))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| unavailable("Scan", &error))?;
            page.items().iter().try_for_each(|row| add(&mut stored, row))?;
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(stored);
            }
        }
    }

    /// What holds now for all and for `org` alone, with the last number given: what a plan for that org starts from.
    ///
    /// # Errors
    /// When the table does not answer, or a document in it cannot be read.
    pub async fn load_org(&self, org: &str) -> Result<Stored, Unavailable> {
        let mut stored = Stored::default();
        // The number first: whoever stores something after it is read is found out when it is counted on.
        let rows = [(GLOBAL_ORG, COUNTER), (GLOBAL_ORG, CURRENT), (org, CURRENT)];
        for (pk, sk) in rows {
            if let Some(row) = self.table.get(pk, sk).await? {
                add(&mut stored, &row)?;
            }
        }
        Ok(stored)
    }

    /// The pauses that concern `org`: its connections', and those of more than one org.
    ///
    /// # Errors
    /// When the table does not answer, or a pause in it cannot be read.
    pub async fn pauses(&self, org: &str) -> Result<Pauses, Unavailable> {
        let (_, mut pauses) = self.table.holding(GLOBAL_ORG).await?;
        pauses.extend(&self.table.holding(org).await?.1);
        Ok(pauses)
    }

    /// What holds now for `org`, as [`rtr_core::config::OrgDoc`], `GlobalDoc` or plain JSON.
    ///
    /// # Errors
    /// When the table does not answer, or the document cannot be read.
    pub async fn current<T: DeserializeOwned>(&self, org: &str) -> Result<Option<StoredDoc<T>>, Unavailable> {
        self.table.get(org, CURRENT).await?.as_ref().map(from_row).transpose()
    }

    /// Revision `revision` of `org`'s document, if it has one of that number.
    ///
    /// # Errors
    /// When the table does not answer, or the document cannot be read.
    pub async fn revision<T: DeserializeOwned>(
        &self,
        org: &str,
        revision: u64,
    ) -> Result<Option<StoredDoc<T>>, Unavailable> {
        self.table.get(org, &revision_key(revision)).await?.as_ref().map(from_row).transpose()
    }

    /// The revisions of `org`'s document, newest first, at most `most`.
    ///
    /// # Errors
    /// When the table does not answer, or a document cannot be read.
    pub async fn history<T: DeserializeOwned>(
        &self,
        org: &str,
        most: usize,
    ) -> Result<Vec<StoredDoc<T>>, Unavailable> {
        let all = (REVISION.to_owned(), format!("{REVISION}~"));
        self.table.newest(org, all, most, from_row).await
    }

    /// Stores one document: what holds now, its revision, its line of the log and the counter together, if nothing was applied since the
    /// plan was made. The changes of one plan are stored in their order.
    ///
    /// # Errors
    /// [`ApplyError::Changed`] when something was applied meanwhile; nothing is stored then.
    pub async fn apply(&self, change: &DocChange, by: &Signature) -> Result<(), ApplyError> {
        let items = self.transaction(change, by).map_err(|error| Unavailable(error.to_string()))?;
        match self.table.client.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_change(&error) => Err(ApplyError::Changed),
            Err(error) => Err(unavailable("TransactWriteItems", &error).into()),
        }
    }

    /// Pauses `scope`, unless it is paused already; that pause is returned then, and stays.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn pause(&self, scope: &Scope, pause: &Pause) -> Result<Option<Pause>, Unavailable> {
        let put = self
            .table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(pauses::to_row(scope, pause)))
            .condition_expression(format!("attribute_not_exists(pk) OR attribute_exists({OVER})"))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(None) };
        let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(unavailable("PutItem", &error));
        };
        let stands = failed.item().map(pauses::from_row).transpose()?.map(|(_, stands)| stands);
        // The SDK's own repeat of a write whose answer was lost meets that write.
        Ok(stands.filter(|stands| stands != pause))
    }

    /// Ends the pause of `scope`, and returns it; none when there was none.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn resume(&self, scope: &Scope) -> Result<Option<Pause>, Unavailable> {
        let (pk, sk) = pauses::key(scope);
        let update = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", s(pk))
            .key("sk", s(sk))
            // No other attribute than these may be written by who may resume and not configure.
            .update_expression(format!("SET {OVER} = :yes"))
            .condition_expression(format!("attribute_exists(pk) AND attribute_not_exists({OVER})"))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .return_values(ReturnValue::AllOld);
        match update.send().await {
            Ok(answer) => {
                let ended = answer.attributes.as_ref().map(pauses::from_row).transpose()?;
                Ok(ended.map(|(_, pause)| pause))
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(unavailable("UpdateItem", &error)),
        }
    }

    fn transaction(&self, change: &DocChange, by: &Signature) -> Result<Vec<TransactWriteItem>, BuildError> {
        let stored = StoredDoc {
            revision: change.revision,
            author: by.author.clone(),
            at: by.at.clone(),
            reason: by.reason.clone(),
            doc: change.doc.to_json(),
        };
        let put = |sk: &str| {
            Put::builder().table_name(&self.table.name).set_item(Some(to_row(&change.org, sk, &stored)))
        };
        let current = match change.replaces {
            Some(old) => put(CURRENT)
                .condition_expression("revision = :old")
                .expression_attribute_values(":old", n(old)),
            None => put(CURRENT).condition_expression("attribute_not_exists(pk)"),
        };
        let kept = put(&revision_key(change.revision)).condition_expression("attribute_not_exists(pk)");
        Ok(vec![
            TransactWriteItem::builder().put(current.build()?).build(),
            TransactWriteItem::builder().put(kept.build()?).build(),
            TransactWriteItem::builder().put(self.log(change, by)?).build(),
            TransactWriteItem::builder().update(self.count(change.revision)?).build(),
        ])
    }

    /// The counter from the number before to `revision`.
    fn count(&self, revision: u64) -> Result<Update, BuildError> {
        let before = revision.saturating_sub(1);
        let first = if before == 0 { "attribute_not_exists(n) OR " } else { "" };
        Update::builder()
            .table_name(&self.table.name)
            .key("pk", s(GLOBAL_ORG))
            .key("sk", s(COUNTER))
            .update_expression("SET n = :next")
            .condition_expression(format!("{first}n = :before"))
            .expression_attribute_values(":next", n(revision))
            .expression_attribute_values(":before", n(before))
            .build()
    }
}

fn add(stored: &mut Stored, row: &Row) -> Result<(), Unavailable> {
    let wrong = |error: crate::attributes::Unreadable| Unavailable(error.to_string());
    let key = |name| text(row, name).map(|value| value.unwrap_or_default().to_owned()).map_err(wrong);
    match (key("pk")?.as_str(), key("sk")?.as_str()) {
        // Whatever was written there is no configuration: who may write lines of the audit may not configure.
        (AUDIT, _) => {}
        _ if is_pause(row) => {
            if let Some((scope, pause)) = pauses::standing(row)? {
                stored.pauses.begin(scope, pause);
            }
        }
        (_, COUNTER) => stored.revision = number(row, "n").map_err(wrong)?.unwrap_or(0),
        (GLOBAL_ORG, _) => stored.global = Some(from_row(row)?),
        (org, _) => drop(stored.orgs.insert(org.to_owned(), from_row(row)?)),
    }
    Ok(())
}

/// A condition that failed, or another apply of the same moment.
fn is_change<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
    else {
        return false;
    };
    let codes = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    codes.into_iter().any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}
