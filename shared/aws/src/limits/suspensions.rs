//! Connections that wait for a person. These rows never expire.

use super::{DynamoLimits, Kind};
use crate::attributes::{Row, Unreadable, n, number, required, s, text};
use crate::errors::unavailable;
use rtr_core::time::Instant;
use rtr_engine::seams::{Suspension, Unavailable};

pub(super) async fn read(limits: &DynamoLimits, connection: &str) -> Result<Option<Suspension>, Unavailable> {
    let key = s(Kind::Suspension.key(connection));
    let asked = limits.client.get_item().table_name(&limits.table).key("pk", key).consistent_read(true);
    let answer = asked.send().await.map_err(|error| unavailable("GetItem", &error))?;
    let wrong = |error| Unavailable(format!("the suspension of {connection}: {error}"));
    answer.item.as_ref().map(from_row).transpose().map_err(wrong)
}

pub(super) async fn write(
    limits: &DynamoLimits,
    connection: &str,
    suspension: &Suspension,
) -> Result<(), Unavailable> {
    let put = limits
        .client
        .put_item()
        .table_name(&limits.table)
        .item("pk", s(Kind::Suspension.key(connection)))
        .item("message", s(&suspension.message))
        .item("since", n(suspension.since.0))
        .item("secret_version", s(&suspension.secret_version));
    put.send().await.map(drop).map_err(|error| unavailable("PutItem", &error))
}

pub(super) async fn remove(limits: &DynamoLimits, connection: &str) -> Result<(), Unavailable> {
    let key = s(Kind::Suspension.key(connection));
    let delete = limits.client.delete_item().table_name(&limits.table).key("pk", key);
    delete.send().await.map(drop).map_err(|error| unavailable("DeleteItem", &error))
}

fn from_row(row: &Row) -> Result<Suspension, Unreadable> {
    Ok(Suspension {
        message: required(text(row, "message")?, "message")?.to_owned(),
        since: Instant(required(number(row, "since")?, "since")?),
        secret_version: required(text(row, "secret_version")?, "secret_version")?.to_owned(),
    })
}
