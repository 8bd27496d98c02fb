//! What is going on at a connection, beside its configuration: read for people, a few requests each.

use super::select::Selected;
use crate::aws::says_denied;
use crate::moment::now;
use rtr_aws::function::Runtime;
use rtr_aws::records::{Count, Counted, Oldest};
use rtr_core::breaker::Breaker;
use rtr_core::config::{Connection, OrgConfig};
use rtr_core::key::ConnectionKey;
use rtr_core::limit::{Rule, at_work, left};
use rtr_core::time::Instant;
use rtr_engine::seams::{Suspension, Unavailable};
use schemars::JsonSchema;
use serde::Serialize;

/// Parked versions counted at one connection: beyond that nobody needs to know.
const MOST: usize = 10_000;

/// What is left of one limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Tokens {
    /// Calls that may go now.
    pub(super) left: u64,
    /// Of so many …
    pub(super) requests: u64,
    /// … in so many milliseconds.
    pub(super) per_ms: i64,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) suspension: Option<Suspension>,
    pub(super) has_secret: bool,
    pub(super) parked: Count,
    /// Since when the oldest is parked.
    pub(super) oldest: Oldest,
    /// When its lane is looked at next.
    pub(super) lane_at: Option<Instant>,
    /// No call before this, as the CRM said.
    pub(super) blocked_until: Option<Instant>,
    pub(super) breaker: Breaker,
    /// How many are at work at it.
    pub(super) in_flight: usize,
    pub(super) tokens: Vec<Tokens>,
}

/// Looks at the connection `one`; `config` is its org's, if it can be used.
pub(super) async fn look(
    runtime: &Runtime,
    one: &Selected,
    config: Option<&OrgConfig>,
    secret: &str,
    is_stopped: bool,
) -> Result<Found, Unavailable> {
    let key = ConnectionKey::new(&one.org, &one.connection);
    let seams = runtime.seams();
    let suspension = seams.limits.suspension(&key.key()).await?;
    // One request each, and only for connections that seem in order. Who may not read secrets is not told that they are
    // missing.
    let has_secret = suspension.is_some()
        || is_stopped
        || seams.secrets.read(secret).await.map_or(true, |secret| secret.is_some());
    let counted = Counted { until: None, with_waits: true, most: MOST };
    let parked = runtime.records().count_parked(&key, counted).await?;
    let oldest = age(runtime.records().oldest_parked(&key, parked.number).await)?;
    let (bucket, breaker) = runtime.limits().general(&key).await?;
    let at = now();
    let settings = config.and_then(|config| config.connections.get(&one.connection));
    Ok(Found {
        suspension,
        has_secret,
        parked,
        oldest,
        lane_at: runtime.limits().lane(&key).await?.due_at,
        blocked_until: bucket.blocked_until.filter(|until| *until > at),
        breaker,
        in_flight: at_work(&bucket, at),
        tokens: settings
            .map(|settings| tokens(settings, |rules| left(&bucket, rules, at)))
            .unwrap_or_default(),
    })
}

/// Since when the oldest is parked. That stands beside the record's data: who may not read it is told all the rest.
fn age(oldest: Result<Oldest, Unavailable>) -> Result<Oldest, Unavailable> {
    match oldest {
        Err(error) if says_denied(&error.0) => Ok(Oldest::default()),
        other => other,
    }
}

fn tokens(settings: &Connection, left: impl Fn(&[Rule]) -> Vec<u64>) -> Vec<Tokens> {
    let rules = settings.limits.iter().filter(|rule| rule.api == "*");
    let rules: Vec<Rule> =
        rules.map(|rule| Rule { requests: rule.requests, per_ms: rule.per_ms, burst: rule.burst }).collect();
    let tokens = |(left, rule): (u64, &Rule)| Tokens { left, requests: rule.requests, per_ms: rule.per_ms };
    left(&rules).into_iter().zip(&rules).map(tokens).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_who_may_not_read_items_when_looked_then_the_age_alone_is_left_out_and_any_other_error_is_one() {
        let failed = |why: &str| age(Err(Unavailable(why.to_owned())));
        assert_eq!(failed("BatchGetItem: AccessDeniedException not authorized"), Ok(Oldest::default()));
        assert!(failed("BatchGetItem: ThrottlingException").is_err());
        let since = Oldest { since: Some(Instant(7)), at_latest: true };
        assert_eq!(age(Ok(since)), Ok(since));
    }
}
