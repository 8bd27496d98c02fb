//! What is written down of an act on dead letters, before it begins.

use super::letter::Letter;
use crate::audit::Who;
use rtr_core::audit::Entry;
use std::collections::BTreeMap;

/// One entry for each connection that is concerned; what belongs to no org, or to no connection of it, has one of its own.
pub(super) fn entries(action: &str, letters: &[Letter], who: &Who) -> Vec<Entry> {
    let mut by_connection: BTreeMap<(Option<&str>, Option<&str>), u64> = BTreeMap::new();
    for letter in letters {
        let of = (letter.org_id.as_deref(), letter.connection.as_deref());
        *by_connection.entry(of).or_default() += 1;
    }
    let entry = |((org_id, connection), versions): ((Option<&str>, Option<&str>), u64)| {
        let target = match (org_id, connection) {
            (Some(org_id), Some(connection)) => format!("{org_id} {connection}"),
            (Some(org_id), None) => org_id.to_owned(),
            (None, _) => "of no org".to_owned(),
        };
        let entry = who.entry(action, target);
        Entry { org_id: org_id.map(str::to_owned), count: Some(versions), ..entry }
    };
    by_connection.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::key::PairKey;
    use rtr_core::time::Instant;

    #[test]
    fn given_letters_of_several_connections_when_dropped_then_each_connection_has_one_entry_of_all_its_records()
     {
        let letter = |org_id: &str, connection: &str| {
            let summary = serde_json::json!({"org_id": org_id, "connection": connection, "version": 1});
            let key = PairKey { pk: format!("{org_id}#contact"), sk: format!("c#{connection}") };
            Letter::read(key, Instant(0), &summary.to_string())
        };
        let unread = PairKey { pk: "!unattributed#m".to_owned(), sk: "-".to_owned() };
        let letters = [
            letter("acme", "hubspot"),
            letter("acme", "salesforce"),
            letter("acme", "hubspot"),
            letter("umbra", "-"),
            Letter::read(unread, Instant(0), "{}"),
        ];
        let who = Who { reason: Some("sent by mistake".to_owned()), author: "ada".to_owned() };
        let found = entries("dlq.drop", &letters, &who);
        assert!(
            found.iter().all(|one| one.action == "dlq.drop" && one.by == "ada" && one.reason == who.reason)
        );
        let short: Vec<(&str, Option<&str>, Option<u64>)> =
            found.iter().map(|one| (one.target.as_str(), one.org_id.as_deref(), one.count)).collect();
        assert_eq!(
            short,
            [
                ("of no org", None, Some(1)),
                ("acme hubspot", Some("acme"), Some(2)),
                ("acme salesforce", Some("acme"), Some(1)),
                ("umbra", Some("umbra"), Some(1)),
            ]
        );
        assert_eq!(entries("dlq.drop", &[], &who), []);
    }
}
