//! What the template tells the webhook function beside what it tells all.

use crate::settings::{SettingsError, milliseconds};
use rtr_engine::webhook::WebhookSettings;

/// Reads variables from `get`.
pub(super) fn from_lookup(
    get: impl Fn(&'static str) -> Option<String>,
    cache_ms: i64,
) -> Result<WebhookSettings, SettingsError> {
    let text = |name| get(name).filter(|value| !value.is_empty()).ok_or(SettingsError::Missing(name));
    Ok(WebhookSettings {
        base_url: text("RTR_WEBHOOK_URL")?,
        budget_ms: milliseconds("RTR_WEBHOOK_BUDGET_MS", text("RTR_WEBHOOK_BUDGET_MS")?)?,
        cache_ms,
    })
}
