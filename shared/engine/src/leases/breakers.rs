//! How a breaker is changed that lies in the row of its connection's general bucket: decided over the row as last seen here,
//! and written on the condition that it is still so.
//!
//! A breaker has a revision of its own, so that changing it does not lose against leases; raising the row's besides makes
//! every lease by an older look fail, and learn of it.

use super::{Rows, Seen};
use crate::seams::{Clock, Unavailable};
use rtr_core::breaker::{Breaker, Change};
use rtr_core::key::ConnectionKey;
use rtr_core::limit::general_bucket;

/// Tries at a breaker that others write at the same time.
const MAX_TRIES: usize = 5;

/// The connection's breaker, read now.
///
/// # Errors
/// When the table does not answer.
pub async fn breaker(
    rows: &dyn Rows,
    seen: &Seen,
    clock: &dyn Clock,
    connection: &ConnectionKey,
) -> Result<Breaker, Unavailable> {
    let bucket = general_bucket(connection);
    let stored = rows.look(&bucket).await?;
    seen.put(&bucket, stored.clone(), clock.now());
    Ok(stored.breaker)
}

/// The connection's breaker after `change`, whether that changed it or not.
///
/// # Errors
/// When the table does not answer, or others kept writing it.
pub async fn change_breaker(
    rows: &dyn Rows,
    seen: &Seen,
    clock: &dyn Clock,
    connection: &ConnectionKey,
    change: &Change,
) -> Result<Breaker, Unavailable> {
    let bucket = general_bucket(connection);
    let (mut stored, mut surely) = match seen.last(&bucket) {
        Some(stored) => (stored, false),
        None => (rows.look(&bucket).await?, true),
    };
    for _ in 0..MAX_TRIES {
        let now = clock.now();
        match stored.breaker.after(change, now) {
            None if surely => return Ok(stored.breaker),
            // By an older look there is nothing to do: that is no answer.
            None => stored = rows.look(&bucket).await?,
            Some(after) => match rows.set_breaker(&bucket, stored.breaker_rev, &after, now).await? {
                Ok(stored) => {
                    seen.put(&bucket, stored, now);
                    return Ok(after);
                }
                Err(changed) => stored = changed,
            },
        }
        surely = true;
        seen.put(&bucket, stored.clone(), now);
    }
    Err(Unavailable(format!("the breaker of {} kept changing", connection.key())))
}
