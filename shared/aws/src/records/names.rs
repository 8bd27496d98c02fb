//! The plain names behind a key: read back from the key, or from attributes where the key is a digest.

use crate::attributes::s;
use aws_sdk_dynamodb::types::AttributeValue;
use rtr_core::key::PairKey;
use rtr_engine::seams::Names;
use std::collections::{BTreeMap, HashMap};

/// What begins a key that stands for a longer one.
const DIGEST: &str = "sha256:";

const ORG_ID: &str = "org_id";
const CONNECTION: &str = "connection";
const RECORD_TYPE: &str = "record_type";
const RECORD_ID: &str = "record_id";

/// The names of the item under `key`, whose attributes are `row`.
#[must_use]
pub fn names(key: &PairKey, row: &HashMap<String, AttributeValue>) -> Names {
    let stored = |name: &str| row.get(name).and_then(|value| value.as_s().ok()).cloned();
    let in_key = from_key(key);
    Names {
        org_id: in_key.org_id.or_else(|| stored(ORG_ID)),
        connection: in_key.connection.or_else(|| stored(CONNECTION)),
        record_type: in_key.record_type.or_else(|| stored(RECORD_TYPE)),
        record_id: in_key.record_id.or_else(|| stored(RECORD_ID)),
    }
}

/// What the key itself says; an ordinary one says everything.
pub(super) fn from_key(key: &PairKey) -> Names {
    let (record, connection) = (parts(&key.pk), parts(&key.sk));
    let mut names = Names::default();
    if let Some([org, record_type, record_id]) = record.as_deref() {
        names.org_id = Some(org.clone());
        names.record_type = Some(record_type.clone());
        names.record_id = Some(record_id.clone());
    }
    if let Some([org, connection]) = connection.as_deref() {
        names.org_id.get_or_insert_with(|| org.clone());
        names.connection = Some(connection.clone());
    }
    names
}

/// Adds those of `names` that `key` does not say.
pub(super) fn put(attributes: &mut BTreeMap<&'static str, AttributeValue>, key: &PairKey, names: &Names) {
    let in_key = from_key(key);
    let all = [
        (ORG_ID, &names.org_id, in_key.org_id),
        (CONNECTION, &names.connection, in_key.connection),
        (RECORD_TYPE, &names.record_type, in_key.record_type),
        (RECORD_ID, &names.record_id, in_key.record_id),
    ];
    for (name, given, said) in all {
        if let (Some(given), None) = (given, said) {
            attributes.insert(name, s(given));
        }
    }
}

/// The parts of an escaped key; none when it stands for a longer one. No part of an escaped key holds a bare `#`, and
/// a key that begins with `sha256:` on its own has a single part, which no key of names has.
fn parts(key: &str) -> Option<Vec<String>> {
    let parts: Vec<String> = key.split('#').map(unescape).collect();
    (parts.len() > 1 || !key.starts_with(DIGEST)).then_some(parts)
}

fn unescape(part: &str) -> String {
    part.replace("%23", "#").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::key::{ConnectionKey, RecordKey};

    fn all(names: &Names) -> [Option<&str>; 4] {
        [&names.org_id, &names.connection, &names.record_type, &names.record_id].map(|name| name.as_deref())
    }

    #[test]
    fn given_odd_ids_when_read_back_from_the_key_then_they_are_the_same() {
        for id in ["c-1", "#", "%23", "%2523#%", "a#b#c", "é 🦀", "sha256:abc"] {
            let key =
                PairKey::new(&RecordKey::new("a#1", "con%tact", id), &ConnectionKey::new("a#1", "hub#spot"));
            let names = from_key(&key);
            assert_eq!(all(&names), [Some("a#1"), Some("hub#spot"), Some("con%tact"), Some(id)]);
            let mut attributes = BTreeMap::new();
            put(&mut attributes, &key, &names);
            assert!(attributes.is_empty());
        }
    }

    #[test]
    fn given_a_digest_when_stored_then_the_names_stand_beside_it() {
        let long = "x".repeat(512);
        let record = RecordKey::new(long.clone(), "contact", "#".repeat(512));
        let key = PairKey::new(&record, &ConnectionKey::new(long.clone(), "hubspot"));
        assert!(key.pk.starts_with(DIGEST));
        let given = Names {
            org_id: Some(long),
            connection: Some("hubspot".to_owned()),
            record_type: Some("contact".to_owned()),
            record_id: Some(record.record_id),
        };
        let mut attributes = BTreeMap::new();
        put(&mut attributes, &key, &given);
        assert_eq!(attributes.keys().copied().collect::<Vec<_>>(), [RECORD_ID, RECORD_TYPE]);
        let row = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(names(&key, &row), given);
    }

    #[test]
    fn given_a_body_nobody_could_attribute_when_stored_then_only_what_is_known_stands_beside_it() {
        let key = PairKey::unattributed(b"{");
        assert_eq!(all(&from_key(&key)), [None; 4]);
        let mut attributes = BTreeMap::new();
        put(&mut attributes, &key, &Names { org_id: Some("acme".to_owned()), ..Names::default() });
        assert_eq!(attributes.keys().copied().collect::<Vec<_>>(), [ORG_ID]);
    }
}
