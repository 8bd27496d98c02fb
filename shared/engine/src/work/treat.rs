//! What a failure at the CRM means for a job. Pure: the one place that acts on failure classes.

use super::job::Job;
use rtr_core::code::Code;
use rtr_core::failure::{Class, Failure};
use rtr_core::item::Reason;
use rtr_core::mapping::OnMissing;
use rtr_core::plan::First;
use rtr_core::time::Instant;

/// The wait for tokens where nobody says how long, in milliseconds.
const THROTTLED_MS: i64 = 5_000;
/// The longest wait after an outage's answer, in milliseconds; it doubles with each receive up to this.
const LONGEST_BACKOFF_MS: i64 = 300_000;
/// How often a suspended connection's messages look whether the secret has changed, in milliseconds.
const SUSPENDED_MS: i64 = 60_000;
/// The wait for a locked record, in milliseconds.
const BUSY_MS: i64 = 2_000;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// Come back, nothing having landed.
    Return(Instant),
    /// Come back after the hold: it may have landed.
    Hold(Instant),
    /// It never will without a person.
    Dead(Reason),
    /// What was to be removed is gone already.
    Gone,
    /// The linked record is gone: make it anew.
    Recreate,
    /// The linked record is gone and that is fine.
    Ignore,
    /// Another record of the CRM is this one: adopt it.
    Adopt(String),
    /// The linked record was merged into this one: link to it, if it is no other record's.
    Follow(String),
}

/// The treatment of `failure`.
pub(crate) fn treat(job: &Job, failure: &Failure, now: Instant) -> Treatment {
    let capabilities = job.setup.connector.capabilities();
    let now = job.latest(now);
    match &failure.class {
        Class::Throttled { until } => Treatment::Return(until.unwrap_or(now.plus_ms(THROTTLED_MS))),
        Class::Resting { until } => Treatment::Return(*until),
        Class::Unavailable => Treatment::Return(now.plus_ms(backoff_ms(job.attempts()))),
        Class::Busy => Treatment::Return(now.plus_ms(BUSY_MS)),
        Class::OutOfTime => Treatment::Return(now),
        Class::Unauthorized | Class::Revoked | Class::NoSecret => {
            Treatment::Return(now.plus_ms(SUSPENDED_MS))
        }
        // Not before the request has landed or died; and what never says what became of it is asked less and less often.
        Class::OutcomeUnknown => {
            Treatment::Hold(now.plus_ms(capabilities.request_life_ms.max(backoff_ms(job.attempts()))))
        }
        Class::Moved { .. } if job.going().is_some_and(|go| go.deleted) => Treatment::Gone,
        Class::Moved { to } => Treatment::Follow(to.clone()),
        Class::Missing => missing(job, failure, now, capabilities.search_lag_ms),
        Class::Duplicate { existing: Some(existing) } if may_adopt(job, existing) => {
            Treatment::Adopt(existing.clone())
        }
        Class::Duplicate { .. }
        | Class::Forbidden
        | Class::Invalid { .. }
        | Class::BatchRefused
        | Class::TooLarge
        | Class::Refused
        | Class::HostRefused => Treatment::Dead(Reason::from(failure)),
    }
}

fn missing(job: &Job, failure: &Failure, now: Instant, lag_ms: i64) -> Treatment {
    match job.going().map(|go| &go.first) {
        Some(First::Remove { .. } | First::Update { .. }) => {}
        _ => return Treatment::Dead(Reason::from(failure)),
    }
    // Shortly after it was made a record may not be there for every reader: that is lag, not absence.
    if let Some(linked_at) = job.item.linked_at.filter(|at| at.plus_ms(lag_ms) > now) {
        return Treatment::Return(linked_at.plus_ms(lag_ms));
    }
    if job.going().is_some_and(|go| go.deleted) {
        return Treatment::Gone;
    }
    match job.setup.mapping.mapping.on_missing {
        OnMissing::Recreate => Treatment::Recreate,
        OnMissing::Ignore => Treatment::Ignore,
        OnMissing::Fail => {
            let message = "the linked record is gone from the CRM, and the mapping says `on_missing: fail`";
            Treatment::Dead(Reason { message: message.to_owned(), ..Reason::from(failure) })
        }
    }
}

/// A record that is not linked may adopt the one the CRM names, where the mapping has a match rule.
fn may_adopt(job: &Job, existing: &str) -> bool {
    job.setup.mapping.mapping.match_on.is_some()
        && job.item.external_id.is_none()
        && !existing.is_empty()
        && matches!(job.going().map(|go| &go.first), Some(First::Upsert { .. } | First::Create))
}

/// A second, doubling with each receive.
pub(crate) fn backoff_ms(receive_count: u32) -> i64 {
    (1_000_i64 << receive_count.min(10)).min(LONGEST_BACKOFF_MS)
}

/// The reason noted for a message that comes back.
pub(crate) fn waiting(failure: &Failure) -> Reason {
    let code = if matches!(failure.class, Class::Missing) { Code::NotVisibleYet } else { failure.code() };
    Reason { code, ..Reason::from(failure) }
}
