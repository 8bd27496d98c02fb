//! Configuration that was applied a moment ago: until every function has it, a letter would be tried as before, and die again.

use super::letter::Letter;
use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::moment::now;
use crate::problem::Problem;
use futures::stream::{self, StreamExt, TryStreamExt};
use rtr_core::config::GLOBAL_ORG;
use rtr_core::time::Instant;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// The longest that functions go by what they have read, in milliseconds, as the template has it.
const TTL_MS: i64 = 60_000;
/// Its name in their environment.
const TTL: &str = "RTR_CONFIG_TTL_S";
/// A second for what is under way.
const MARGIN_MS: i64 = 1_000;
/// Orgs asked after one by one; of more, all that was ever applied is looked at.
const FEW: usize = 64;
/// Documents read at once.
const AT_ONCE: usize = 16;

/// Waits until the functions go by what was applied last for the orgs of `letters`.
pub(super) async fn settled(app: &App, aws: &Aws, letters: &[Letter]) -> Result<(), Problem> {
    let applied = applied(aws, letters).await?;
    let Some(applied) = applied.filter(|at| left(*at, TTL_MS, now()) > 0) else { return Ok(()) };
    let wait = left(applied, ttl(aws).await, now());
    if wait <= 0 {
        return Ok(());
    }
    let seconds = wait.unsigned_abs().div_ceil(1_000);
    app.out.note(&format!(
        "configuration was applied at {}: every function has it in {seconds} s, and nothing is sent before",
        applied.to_rfc3339()
    ));
    tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
    Ok(())
}

/// Milliseconds until what was applied at `at` is everywhere. A clock that is ahead of ours does not make it longer.
fn left(at: Instant, ttl_ms: i64, now: Instant) -> i64 {
    (ttl_ms + MARGIN_MS - now.since_ms(at)).min(ttl_ms + MARGIN_MS)
}

/// When the configuration of the letters' orgs was applied last.
async fn applied(aws: &Aws, letters: &[Letter]) -> Result<Option<Instant>, Problem> {
    let store = aws.config_store()?;
    let failed = |error| unavailable("reading when configuration was applied", &aws.place, &error);
    let mut orgs: BTreeSet<&str> = letters.iter().filter_map(|letter| letter.org_id.as_deref()).collect();
    orgs.insert(GLOBAL_ORG);
    if orgs.len() > FEW {
        let newest = store.applied(0, 1).await.map_err(failed)?;
        return Ok(newest.first().and_then(|applied| Instant::from_rfc3339(&applied.by.at).ok()));
    }
    let stored: Vec<Option<_>> = stream::iter(orgs)
        .map(|org| store.current::<Value>(org))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
        .map_err(failed)?;
    Ok(stored.into_iter().flatten().filter_map(|doc| Instant::from_rfc3339(&doc.at).ok()).max())
}

/// How long the sync function goes by what it has read; the longest where that is not told.
async fn ttl(aws: &Aws) -> i64 {
    let name = format!("rtr-{}-sync", aws.stack.stage);
    let told = Box::pin(aws.function(&name)).await.ok();
    let seconds = told.and_then(|function| function.variables.get(TTL)?.parse::<i64>().ok());
    seconds.map_or(TTL_MS, |seconds| seconds.saturating_mul(1_000).clamp(0, TTL_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_what_was_applied_when_asked_then_the_wait_ends_when_no_function_can_have_the_old_one() {
        let at = Instant(100_000);
        let left = |now: i64| left(at, 5_000, Instant(now));
        assert_eq!([left(100_000), left(102_000), left(106_000)], [6_000, 4_000, 0]);
        assert_eq!(left(40_000), 6_000, "whoever applied has a clock that is ahead of ours");
        assert!(left(500_000) < 0);
    }
}
