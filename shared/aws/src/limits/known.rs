//! What is known of a connection's credentials. The row never expires: an account forgotten would be any account.

use super::{DynamoLimits, Kind};
use crate::attributes::{Row, Unreadable, n, number, s, text};
use crate::errors::unavailable;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use rtr_core::time::Instant;
use rtr_engine::seams::{Known, Unavailable};

pub(super) async fn read(limits: &DynamoLimits, connection: &str) -> Result<Known, Unavailable> {
    let key = s(Kind::Known.key(connection));
    let asked = limits.client.get_item().table_name(&limits.table).key("pk", key).consistent_read(true);
    let answer = asked.send().await.map_err(|error| unavailable("GetItem", &error))?;
    let wrong = |error| Unavailable(format!("what is known of {connection}: {error}"));
    answer.item.as_ref().map_or(Ok(Known::default()), from_row).map_err(wrong)
}

pub(super) async fn note_account(
    limits: &DynamoLimits,
    connection: &str,
    account: &str,
) -> Result<(), Unavailable> {
    let update = update(limits, connection).update_expression("SET account = :account");
    let sent = update.expression_attribute_values(":account", s(account)).send().await;
    sent.map(drop).map_err(|error| unavailable("UpdateItem", &error))
}

pub(super) async fn note_replaced(
    limits: &DynamoLimits,
    connection: &str,
    version: &str,
) -> Result<(), Unavailable> {
    let update = update(limits, connection)
        .update_expression("SET replaced_version = :version, replaced_at = :now")
        .expression_attribute_values(":version", s(version))
        .expression_attribute_values(":now", n(limits.clock.now().0));
    update.send().await.map(drop).map_err(|error| unavailable("UpdateItem", &error))
}

fn update(limits: &DynamoLimits, connection: &str) -> UpdateItemFluentBuilder {
    limits.client.update_item().table_name(&limits.table).key("pk", s(Kind::Known.key(connection)))
}

fn from_row(row: &Row) -> Result<Known, Unreadable> {
    let version = text(row, "replaced_version")?.map(str::to_owned);
    let at = number(row, "replaced_at")?.map(Instant);
    Ok(Known { account: text(row, "account")?.map(str::to_owned), replaced: version.zip(at) })
}
