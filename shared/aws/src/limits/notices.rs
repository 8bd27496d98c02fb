//! What is to be told of connections: a row for each kind and connection, in the same index as the lanes while it waits.

use super::{DynamoLimits, Kind, sweep_at};
use crate::attributes::{Row, Unreadable, n, number, required, s, text};
use crate::errors::unavailable;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use futures::future::try_join_all;
use rtr_core::notice::{Notice, NoticeKind};
use rtr_core::time::Instant;
use rtr_engine::seams::{Raised, Unavailable};

/// The index, and the partition of it that is not the lanes'.
const INDEX: &str = "lanes";
const PARTITION: &str = "notices";
/// A row is swept up so long after something was raised last, in milliseconds: 90 days.
const KEPT_MS: i64 = 90 * 86_400_000;

pub(super) async fn raise(limits: &DynamoLimits, notice: &Notice) -> Result<(), Unavailable> {
    let now = limits.clock.now();
    let mut set = vec![
        "org_id = :org, kind = :kind, lanes_pk = :partition, expires_at = :swept",
        "lanes_at = if_not_exists(lanes_at, :due)",
    ];
    let counted = if notice.kind.lasts() {
        set.push("since = :since, #count = :count");
        ""
    } else {
        set.push("since = if_not_exists(since, :since)");
        " ADD #count :count"
    };
    let mut gone = Vec::new();
    let mut update = update(limits, notice)
        .expression_attribute_values(":org", s(&notice.org_id))
        .expression_attribute_values(":kind", s(notice.kind.as_str()))
        .expression_attribute_values(":partition", s(PARTITION))
        .expression_attribute_values(":swept", n(sweep_at(now.plus_ms(KEPT_MS))))
        .expression_attribute_values(":due", n(now.plus_ms(notice.kind.gathers_ms()).0))
        .expression_attribute_values(":since", n(notice.since.0))
        .expression_attribute_values(":count", n(notice.count))
        .expression_attribute_names("#count", "count")
        .expression_attribute_names("#connection", "connection");
    match &notice.connection {
        Some(connection) => {
            set.push("#connection = :connection");
            update = update.expression_attribute_values(":connection", s(connection));
        }
        None => gone.push("#connection"),
    }
    match &notice.provider {
        Some(provider) => {
            set.push("provider = :provider");
            update = update.expression_attribute_values(":provider", s(provider));
        }
        None => gone.push("provider"),
    }
    match notice.code {
        Some(code) => {
            set.push("code = :code");
            update = update.expression_attribute_values(":code", s(code.as_str()));
        }
        None => gone.push("code"),
    }
    if notice.kind.lasts() {
        let before = now.plus_ms(-notice.kind.spacing_ms());
        update = update
            .expression_attribute_values(":before", n(before.0))
            .condition_expression("attribute_not_exists(told_at) OR told_at <= :before");
    }
    if let Some(once) = &notice.once {
        set.push("once = :once");
        update = update
            .expression_attribute_values(":once", s(once))
            .condition_expression("attribute_not_exists(once) OR once <> :once");
    }
    let removed = if gone.is_empty() { String::new() } else { format!(" REMOVE {}", gone.join(", ")) };
    let expression = format!("SET {}{counted}{removed}", set.join(", "));
    write(update.update_expression(expression)).await.map(drop)
}

pub(super) async fn raised(
    limits: &DynamoLimits,
    now: Instant,
    limit: usize,
) -> Result<Vec<Raised>, Unavailable> {
    let page = limits
        .client
        .query()
        .table_name(&limits.table)
        .index_name(INDEX)
        .key_condition_expression("lanes_pk = :pk AND lanes_at <= :until")
        .expression_attribute_values(":pk", s(PARTITION))
        .expression_attribute_values(":until", n(now.0))
        .limit(i32::try_from(limit).unwrap_or(i32::MAX))
        .send()
        .await
        .map_err(|error| unavailable("Query", &error))?;
    let keys = page.items().iter().filter_map(|row| row.get("pk").cloned());
    let rows = try_join_all(keys.map(|key| async move {
        let get = limits.client.get_item().table_name(&limits.table).key("pk", key).consistent_read(true);
        get.send().await.map(|answer| answer.item).map_err(|error| unavailable("GetItem", &error))
    }))
    .await?;
    // What was told since the index showed it waits no more, and one that cannot be read is no reason not to tell the others.
    let due = rows.into_iter().flatten().filter_map(|row| from_row(&row).ok().flatten());
    Ok(due.filter(|raised| raised.due_at <= now).collect())
}

pub(super) async fn put_off(
    limits: &DynamoLimits,
    raised: &Raised,
    until: Instant,
) -> Result<bool, Unavailable> {
    let update = update(limits, &raised.notice)
        .update_expression("SET lanes_at = :until")
        .condition_expression("lanes_at = :seen")
        .expression_attribute_values(":until", n(until.0))
        .expression_attribute_values(":seen", n(raised.due_at.0));
    write(update).await
}

pub(super) async fn told(limits: &DynamoLimits, raised: &Raised, at: Instant) -> Result<(), Unavailable> {
    let all = |update: UpdateItemFluentBuilder| {
        update
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":at", n(at.0))
            .expression_attribute_values(":seen", n(raised.due_at.0))
            .expression_attribute_values(":told", n(raised.notice.count))
    };
    let done = all(update(limits, &raised.notice))
        .update_expression("SET told_at = :at, #count = :zero REMOVE lanes_pk, lanes_at, since")
        .condition_expression(if raised.notice.kind.lasts() {
            // As it is now it was told, whatever was noted of it meanwhile.
            "lanes_at = :seen AND (#count = :told OR #count >= :zero)"
        } else {
            "lanes_at = :seen AND #count = :told"
        })
        .expression_attribute_values(":zero", n(0));
    if write(done).await? {
        return Ok(());
    }
    // More was raised meanwhile, or it is another's by now.
    let rest = all(update(limits, &raised.notice))
        .update_expression("SET told_at = :at, since = :at, lanes_at = :next, #count = #count - :told")
        .condition_expression("lanes_at = :seen")
        .expression_attribute_values(":next", n(at.plus_ms(raised.notice.kind.spacing_ms()).0));
    write(rest).await.map(drop)
}

fn update(limits: &DynamoLimits, notice: &Notice) -> UpdateItemFluentBuilder {
    limits.client.update_item().table_name(&limits.table).key("pk", s(Kind::Notice.key(&notice.key())))
}

/// False when its condition does not hold.
async fn write(update: UpdateItemFluentBuilder) -> Result<bool, Unavailable> {
    match update.send().await {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
        {
            Ok(false)
        }
        Err(error) => Err(unavailable("UpdateItem", &error)),
    }
}

/// What waits to be told; none when nothing does.
fn from_row(row: &Row) -> Result<Option<Raised>, Unreadable> {
    let Some(due_at) = number(row, "lanes_at")?.map(Instant) else { return Ok(None) };
    let kind = NoticeKind::from_name(required(text(row, "kind")?, "kind")?);
    let kind = kind.ok_or(Unreadable { name: "kind", wanted: "a kind of notice" })?;
    let word = |name| text(row, name).map(|found| found.map(str::to_owned));
    let notice = Notice {
        kind,
        org_id: required(word("org_id")?, "org_id")?,
        connection: word("connection")?,
        provider: word("provider")?,
        code: text(row, "code")?.and_then(|code| code.parse().ok()),
        count: required(number(row, "count")?, "count")?,
        since: Instant(required(number(row, "since")?, "since")?),
        once: word("once")?,
    };
    Ok(Some(Raised { notice, due_at, told_at: number(row, "told_at")?.map(Instant) }))
}
