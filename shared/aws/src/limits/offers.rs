//! Records that are being offered to the internal system: an attribute for each in one row of their connection, so that many
//! may be offered at once and none is in another's way. A row holds what ends within an hour: what nobody closes is gone with it.

use super::{DynamoLimits, Kind, sweep_at};
use crate::attributes::{n, s};
use crate::errors::unavailable;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use rtr_core::digest;
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use rtr_engine::seams::Unavailable;

/// What an offer's attribute begins with.
const STEM: &str = "o_";
/// What a row's offers end within, in milliseconds.
const ROW_MS: i64 = 3_600_000;
/// The longest that an offer is open, in milliseconds.
const LONGEST_MS: i64 = 1_800_000;
/// The row is swept up so long after its last offer, in milliseconds.
const KEPT_MS: i64 = 86_400_000;

pub(super) async fn open(
    limits: &DynamoLimits,
    connection: &ConnectionKey,
    names: &[String],
    until: Instant,
) -> Result<(), Unavailable> {
    if names.is_empty() {
        return Ok(());
    }
    let until = until.min(limits.clock.now().plus_ms(LONGEST_MS));
    let set: Vec<String> = (0..names.len()).map(|at| format!("#o{at} = :until")).collect();
    let expression = format!("SET expires_at = :sweep, {}", set.join(", "));
    update(limits, &row(connection, until), names, expression)
        .expression_attribute_values(":until", n(until.0))
        .expression_attribute_values(":sweep", n(sweep_at(until.plus_ms(KEPT_MS))))
        .send()
        .await
        .map(drop)
        .map_err(|error| unavailable("UpdateItem", &error))
}

pub(super) async fn close(
    limits: &DynamoLimits,
    connection: &ConnectionKey,
    names: &[String],
) -> Result<(), Unavailable> {
    if names.is_empty() {
        return Ok(());
    }
    let gone: Vec<String> = (0..names.len()).map(|at| format!("#o{at}")).collect();
    let expression = format!("REMOVE {}", gone.join(", "));
    for row in rows(connection, limits.clock.now()) {
        let update = update(limits, &row, names, expression.clone());
        // A row that is not there is not made for it.
        match update.condition_expression("attribute_exists(pk)").send().await {
            Ok(_) => {}
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) => {}
            Err(error) => return Err(unavailable("UpdateItem", &error)),
        }
    }
    Ok(())
}

/// Until when any of them may be open.
pub(super) async fn until(
    limits: &DynamoLimits,
    connection: &ConnectionKey,
) -> Result<Option<Instant>, Unavailable> {
    let now = limits.clock.now();
    let mut last = None;
    for row in rows(connection, now) {
        let get = limits.client.get_item().table_name(&limits.table).key("pk", s(row)).consistent_read(true);
        let answer = get.send().await.map_err(|error| unavailable("GetItem", &error))?;
        let row = answer.item.unwrap_or_default();
        let open = row.iter().filter(|(name, _)| name.starts_with(STEM));
        let until = open.filter_map(|(_, value)| value.as_n().ok()?.parse().ok().map(Instant));
        last = last.max(until.filter(|until| *until > now).max());
    }
    Ok(last)
}

/// The row of what ends at `until`.
fn row(connection: &ConnectionKey, until: Instant) -> String {
    Kind::Offers.key(&format!("{}#{}", connection.key(), until.0.div_euclid(ROW_MS)))
}

/// The rows of all that is open: one, or two about the turn of an hour.
fn rows(connection: &ConnectionKey, now: Instant) -> Vec<String> {
    let mut rows = vec![row(connection, now), row(connection, now.plus_ms(LONGEST_MS))];
    rows.dedup();
    rows
}

fn update(
    limits: &DynamoLimits,
    row: &str,
    names: &[String],
    expression: String,
) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
    let update = limits
        .client
        .update_item()
        .table_name(&limits.table)
        .key("pk", s(row.to_owned()))
        .update_expression(expression);
    names.iter().enumerate().fold(update, |update, (at, name)| {
        let name = format!("{STEM}{}", digest::short_hex(name.as_bytes()));
        update.expression_attribute_names(format!("#o{at}"), name)
    })
}
