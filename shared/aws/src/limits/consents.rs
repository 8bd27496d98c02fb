//! Consents under way. Taking one is a conditional write, so that a state serves once, whoever asks at the same time.

use super::{DynamoLimits, Kind, sweep_at};
use crate::attributes::{Row, Unreadable, n, number, required, s, text};
use crate::errors::unavailable;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use rtr_core::time::Instant;
use rtr_engine::seams::{Consent, ConsentEnding, Unavailable};
use secrecy::ExposeSecret;

/// How long an ending can be asked for after the consent's own end, in milliseconds.
const KEPT_MS: i64 = 60 * 60 * 1_000;

pub(super) async fn put(limits: &DynamoLimits, state: &str, consent: &Consent) -> Result<(), Unavailable> {
    let put = limits
        .client
        .put_item()
        .table_name(&limits.table)
        .item("pk", s(Kind::Consent.key(state)))
        .item("org_id", s(&consent.org_id))
        .item("connection", s(&consent.connection))
        .item("provider", s(&consent.provider))
        .item("verifier", s(consent.verifier.expose_secret()))
        .item("redirect_uri", s(&consent.redirect_uri))
        .item("until", n(consent.until.0))
        .item("expires_at", n(sweep_at(consent.until.plus_ms(KEPT_MS))));
    let put = consent.app.iter().fold(put, |put, app| put.item("app", s(app)));
    put.send().await.map(drop).map_err(|error| unavailable("PutItem", &error))
}

pub(super) async fn take(limits: &DynamoLimits, state: &str) -> Result<Option<Consent>, Unavailable> {
    let taken = limits
        .client
        .update_item()
        .table_name(&limits.table)
        .key("pk", s(Kind::Consent.key(state)))
        // The verifier goes with the taking: there is nothing left to take.
        .update_expression("SET taken_at = :now REMOVE verifier")
        .condition_expression("attribute_exists(verifier) AND #until > :now")
        .expression_attribute_names("#until", "until")
        .expression_attribute_values(":now", n(limits.clock.now().0))
        .return_values(ReturnValue::AllOld)
        .send()
        .await;
    match taken {
        Ok(answer) => {
            let wrong = |error| Unavailable(format!("a consent: {error}"));
            answer.attributes.as_ref().map(from_row).transpose().map_err(wrong)
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

pub(super) async fn end(
    limits: &DynamoLimits,
    state: &str,
    ending: &ConsentEnding,
) -> Result<(), Unavailable> {
    let text = serde_json::to_string(ending)
        .map_err(|error| Unavailable(format!("a consent's ending cannot be written: {error}")))?;
    let update = limits
        .client
        .update_item()
        .table_name(&limits.table)
        .key("pk", s(Kind::Consent.key(state)))
        .update_expression("SET ending = :ending")
        .expression_attribute_values(":ending", s(text));
    update.send().await.map(drop).map_err(|error| unavailable("UpdateItem", &error))
}

pub(super) async fn ending(limits: &DynamoLimits, state: &str) -> Result<Option<ConsentEnding>, Unavailable> {
    let key = s(Kind::Consent.key(state));
    let asked = limits.client.get_item().table_name(&limits.table).key("pk", key).consistent_read(true);
    let answer = asked.send().await.map_err(|error| unavailable("GetItem", &error))?;
    let wrong = |error: String| Unavailable(format!("a consent's ending: {error}"));
    let Some(row) = answer.item else { return Ok(None) };
    let ending = text(&row, "ending").map_err(|error| wrong(error.to_string()))?;
    ending.map(serde_json::from_str).transpose().map_err(|error| wrong(error.to_string()))
}

fn from_row(row: &Row) -> Result<Consent, Unreadable> {
    let needed = |name| required(text(row, name)?, name).map(str::to_owned);
    Ok(Consent {
        org_id: needed("org_id")?,
        connection: needed("connection")?,
        provider: needed("provider")?,
        app: text(row, "app")?.map(str::to_owned),
        verifier: needed("verifier")?.into(),
        redirect_uri: needed("redirect_uri")?,
        until: Instant(required(number(row, "until")?, "until")?),
    })
}
