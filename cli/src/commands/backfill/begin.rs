//! What comes before the first page: the list is fetched, and every function goes by what was applied.

use super::{Args, listed};
use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::commands::connection::pause::within_s;
use crate::commands::connection::select::resolved;
use crate::moment::{now, span};
use crate::problem::Problem;
use rtr_core::config::{Source, Stored};
use rtr_core::time::Instant;
use std::path::PathBuf;
use std::time::Duration;

/// Waits until every function goes by the configuration that is stored: a record that is sent before would be taken for one that
/// is as it has to be.
pub(super) async fn heard(app: &App, aws: &Aws, org: &str) -> Result<(), Problem> {
    // Anew: fetching a list may have taken long.
    let stored = aws.config_store()?.load_org(org).await;
    let stored =
        stored.map_err(|error| unavailable("reading the stored configuration", &aws.place, &error))?;
    let times = [stored.orgs.get(org).map(|doc| &doc.at), stored.global.as_ref().map(|doc| &doc.at)];
    let last = times.into_iter().flatten().filter_map(|at| Instant::from_rfc3339(at).ok()).max();
    let Some(last) = last else { return Ok(()) };
    let wait_ms = last.plus_ms(i64::from(within_s(aws)) * 1_000).since_ms(now());
    if let Ok(wait) = u64::try_from(wait_ms) {
        app.out.note(&format!(
            "the configuration was applied just now: functions go by it in {}",
            span(wait_ms)
        ));
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    Ok(())
}

/// Where the org's records are listed.
pub(super) fn source(args: &Args, stored: &Stored, stage: &str) -> Result<Source, Problem> {
    let config = resolved(stored, &args.org, stage).map_err(|error| Problem::usage(error.to_string()))?;
    crate::commands::reconcile::source(&config).cloned()
}

/// The file that holds what `source` lists.
pub(super) async fn listed(app: &App, aws: &Aws, args: &Args, source: &Source) -> Result<PathBuf, Problem> {
    let wanted = listed::Wanted { org: &args.org, record_type: &args.record_type, source };
    listed::fetch(app, aws, &wanted, args.restart).await
}
