//! What is written down of an act on dead letters, or on parked versions, before it begins.

use super::filter::Filter;
use super::letter::Letter;
use crate::audit::Who;
use rtr_core::audit::Entry;
use std::collections::BTreeMap;

/// Ids that are named at most.
const IDS: usize = 10;

/// One entry for each connection that is concerned, of what `filter` took; what belongs to no org, or to no connection of it,
/// has one of its own. A single record is named, of several the filter: so that what became of one leads to who did it.
pub(crate) fn entries<'l>(
    action: &str,
    letters: impl IntoIterator<Item = &'l Letter>,
    filter: &Filter,
    who: &Who,
) -> Vec<Entry> {
    let mut by_connection: BTreeMap<(Option<&str>, Option<&str>), Vec<&Letter>> = BTreeMap::new();
    for letter in letters {
        let of = (letter.org_id.as_deref(), letter.connection.as_deref());
        by_connection.entry(of).or_default().push(letter);
    }
    let entry = |((org_id, connection), letters): ((Option<&str>, Option<&str>), Vec<&Letter>)| {
        let whose = match (org_id, connection) {
            (Some(org_id), Some(connection)) => format!("{org_id} {connection}"),
            (Some(org_id), None) => org_id.to_owned(),
            (None, _) => "of no org".to_owned(),
        };
        let which = match letters.as_slice() {
            [Letter { record_type: Some(record_type), record_id: Some(record_id), .. }] => {
                format!(" {record_type} {record_id}")
            }
            _ => named(filter),
        };
        let count = u64::try_from(letters.len()).unwrap_or(u64::MAX);
        let entry = who.entry(action, format!("{whose}{which}"));
        Entry { org_id: org_id.map(str::to_owned), count: Some(count), ..entry }
    };
    by_connection.into_iter().map(entry).collect()
}

/// The filter in words, of many ids a few: DynamoDB takes no entry beyond 400 KB, and without one nothing is done.
fn named(filter: &Filter) -> String {
    let more = filter.id.len().saturating_sub(IDS);
    if more == 0 {
        return filter.words();
    }
    let few = Filter { id: filter.id[..IDS].to_vec(), ..filter.clone() };
    format!("{} and {more} more", few.words())
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
            let summary = serde_json::json!({
                "org_id": org_id, "connection": connection, "record_type": "contact", "record_id": "c", "version": 1,
            });
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
        let filter = Filter { code: Some("RTR3001".to_owned()), ..Filter::default() };
        let found = entries("dlq.drop", &letters, &filter, &who);
        assert!(
            found.iter().all(|one| one.action == "dlq.drop" && one.by == "ada" && one.reason == who.reason)
        );
        let short: Vec<(&str, Option<&str>, Option<u64>)> =
            found.iter().map(|one| (one.target.as_str(), one.org_id.as_deref(), one.count)).collect();
        assert_eq!(
            short,
            [
                ("of no org --code RTR3001", None, Some(1)),
                ("acme hubspot --code RTR3001", Some("acme"), Some(2)),
                ("acme salesforce contact c", Some("acme"), Some(1)),
                ("umbra contact c", Some("umbra"), Some(1)),
            ]
        );
        assert_eq!(entries("dlq.drop", &[], &filter, &who), []);
    }

    #[test]
    fn given_many_ids_when_written_down_then_ten_are_named_and_the_rest_is_counted() {
        let filter = |ids: usize| Filter {
            org: Some("acme".to_owned()),
            id: (0..ids).map(|n| format!("{n:016}")).collect(),
            ..Filter::default()
        };
        assert_eq!(named(&filter(10)), filter(10).words());
        let eleven = named(&filter(11));
        assert!(eleven.ends_with(" --id 0000000000000009 and 1 more"), "{eleven}");
        assert!(named(&filter(100_000)).len() < 1_000);
    }
}
