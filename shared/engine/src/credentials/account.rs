//! A connection's links hold at one account: another one behind the same connection would be given the first one's ids.

use crate::seams::{Limits, Unavailable};
use rtr_connectors::credentials::same_account;

/// Remembers `account` as the connection's, if none is known yet.
///
/// # Errors
/// When the store does not answer; inside, why the account cannot be the connection's.
pub async fn learn_account(
    limits: &dyn Limits,
    connection: &str,
    account: &str,
) -> Result<Result<(), String>, Unavailable> {
    match limits.known(connection).await?.account {
        Some(known) if same_account(&known, account) => Ok(Ok(())),
        Some(known) => Ok(Err(other_account(&known, account))),
        None => limits.note_account(connection, account).await.map(Ok),
    }
}

fn other_account(known: &str, found: &str) -> String {
    format!(
        "the credentials are for account {found}, and the connection's records are linked to account {known}: connect \
         {known} again, or give {found} a connection of its own"
    )
}
