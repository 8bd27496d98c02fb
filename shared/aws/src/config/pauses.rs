//! A pause as a row and back. It lies beside the org's document and is read with it, in one request.

use crate::attributes::{Row, Unreadable, n, number, required, s, text};
use rtr_core::config::{GLOBAL_ORG, Pause, Scope};
use rtr_core::digest;
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use rtr_engine::seams::Unavailable;
use std::collections::HashMap;

/// What the sort key of a pause begins with: with that of the document, so that one question finds both.
pub(super) const PAUSED: &str = "current#paused#";
/// The mark of a pause that is over. Whoever pauses anew writes the row anew, without it.
pub(super) const OVER: &str = "is_over";
/// Longer names stand in the sort key as their digest: it takes 1,024 bytes.
const MAX_NAME_BYTES: usize = 512;

/// Where the pause of `scope` lies.
pub(super) fn key(scope: &Scope) -> (String, String) {
    let under = |what: &str| {
        let name = if what.len() > MAX_NAME_BYTES { digest::tagged(what) } else { what.to_owned() };
        format!("{PAUSED}{name}")
    };
    match scope {
        Scope::Connection(ConnectionKey { org_id, connection }) => (org_id.clone(), under(connection)),
        Scope::Provider(provider) => (GLOBAL_ORG.to_owned(), under(provider)),
        Scope::All => (GLOBAL_ORG.to_owned(), under(GLOBAL_ORG)),
    }
}

pub(super) fn to_row(scope: &Scope, pause: &Pause) -> Row {
    let (pk, sk) = key(scope);
    let mut row = HashMap::from([
        ("pk".to_owned(), s(pk)),
        ("sk".to_owned(), s(sk)),
        ("by".to_owned(), s(&pause.by)),
        ("at".to_owned(), n(pause.at.0)),
    ]);
    let name = match scope {
        Scope::Connection(key) => Some(("connection", &key.connection)),
        Scope::Provider(provider) => Some(("provider", provider)),
        Scope::All => None,
    };
    row.extend(name.map(|(name, value)| (name.to_owned(), s(value))));
    row.extend(pause.reason.as_ref().map(|reason| ("reason".to_owned(), s(reason))));
    row
}

/// Whether `row` is a pause, not the document.
pub(super) fn is_pause(row: &Row) -> bool {
    text(row, "sk").ok().flatten().is_some_and(|sk| sk.starts_with(PAUSED))
}

/// The pause that `row` says, unless it is over.
pub(super) fn standing(row: &Row) -> Result<Option<(Scope, Pause)>, Unavailable> {
    if row.contains_key(OVER) { Ok(None) } else { from_row(row).map(Some) }
}

pub(super) fn from_row(row: &Row) -> Result<(Scope, Pause), Unavailable> {
    read(row).map_err(|error| Unavailable(format!("a stored pause cannot be used: {error}")))
}

fn read(row: &Row) -> Result<(Scope, Pause), Unreadable> {
    let pk = required(text(row, "pk")?, "pk")?;
    let scope = match (text(row, "connection")?, text(row, "provider")?) {
        (Some(connection), _) => Scope::Connection(ConnectionKey::new(pk, connection)),
        (None, Some(provider)) => Scope::Provider(provider.to_owned()),
        (None, None) => Scope::All,
    };
    let by = required(text(row, "by")?, "by")?.to_owned();
    let at = Instant(required(number(row, "at")?, "at")?);
    Ok((scope, Pause { by, at, reason: text(row, "reason")?.map(str::to_owned) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_pauses_of_each_scope_when_stored_and_read_then_they_are_the_same_and_no_two_share_a_row() {
        let long = "é".repeat(512);
        let of = |org: &str, id: &str| Scope::Connection(ConnectionKey::new(org, id));
        let scopes = [
            of("acme", "hubspot"),
            of("acme", &long),
            of("acme", "*"),
            Scope::Provider("hubspot".to_owned()),
            Scope::All,
        ];
        let mut keys: Vec<(String, String)> = scopes.iter().map(key).collect();
        for (scope, reason) in scopes.iter().zip([Some("asked"), None, None, None, Some("")]) {
            let pause = Pause { by: "ada".to_owned(), at: Instant(7), reason: reason.map(str::to_owned) };
            let row = to_row(scope, &pause);
            assert!(is_pause(&row));
            assert_eq!(standing(&row).unwrap(), Some((scope.clone(), pause)));
            let over = HashMap::from([(OVER.to_owned(), s("yes"))]);
            assert_eq!(standing(&row.into_iter().chain(over).collect()), Ok(None));
        }
        assert!(keys.iter().all(|(_, sk)| sk.len() <= 1_024));
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), scopes.len());
    }
}
