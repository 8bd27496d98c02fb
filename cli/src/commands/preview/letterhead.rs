//! How a connection's requests are authorised, without what authorises them.

use crate::aws::unavailable_part;
use crate::problem::Problem;
use rtr_aws::function::Runtime;
use rtr_connectors::registry;
use rtr_core::config::Connection;
use rtr_engine::rehearsal::Letterhead;
use secrecy::ExposeSecret;
use serde_json::Value;

/// What kind of secret the connection `own` has, and what of it is none; what its provider's are like without a stack.
pub(crate) async fn letterhead(runtime: Option<&Runtime>, own: &Connection) -> Result<Letterhead, Problem> {
    let secret = match runtime {
        Some(runtime) => runtime.seams().secrets.read(&own.secret).await,
        None => Ok(None),
    };
    let failed = |error| unavailable_part(&format!("the secret {}", own.secret), &error);
    let secret = secret.map_err(failed)?;
    let secret: Value =
        secret.and_then(|secret| serde_json::from_str(secret.text.expose_secret()).ok()).unwrap_or_default();
    let crm = registry::by_name(&own.provider);
    let own_host = || {
        let host = crm.and_then(|crm| crm.hosts().first().copied()).unwrap_or("HOST");
        format!("https://{}", host.replace('*', "INSTANCE"))
    };
    let base_url = own
        .base_url
        .as_deref()
        .or(secret["instance_url"].as_str())
        .or(crm.and_then(|crm| crm.base_url()))
        .map_or_else(own_host, str::to_owned);
    let header = |name: &str| name.to_owned();
    let (header, scheme) = match (secret["type"].as_str(), secret["name"].as_str()) {
        (Some("header"), Some(name)) => (name.to_lowercase(), ""),
        (Some("basic"), _) => (header("authorization"), "Basic "),
        _ => (header("authorization"), "Bearer "),
    };
    Ok(Letterhead { base_url, header, scheme })
}
