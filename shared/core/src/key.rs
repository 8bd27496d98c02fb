//! Who a record is, and under which keys it lies.
//!
//! Parts are escaped (`%`, `#`) before they are joined by `#`, so two different records never share a key. A message
//! group is joined unescaped, because producers in any language build it: two records may share one, which costs
//! concurrency and never order.

use crate::digest;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Shards of each index partition (`parked`, `dead`, `waiting`).
pub const SHARDS: u64 = 16;
/// The longest key in bytes; a longer one is stored as its digest. DynamoDB's own limit of a sort key.
pub const MAX_KEY_BYTES: usize = 1_024;
/// The longest message group or deduplication id, in characters. SQS's limit.
pub const MAX_SQS_ID_CHARS: usize = 128;
/// The longest id of an event, in characters.
pub const MAX_ID_CHARS: usize = 512;

/// One record of the internal system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    /// The tenant.
    pub org_id: String,
    /// The internal type, such as `contact`.
    pub record_type: String,
    /// The internal id, immutable.
    pub record_id: String,
}

/// A link of an org to one account at a provider; written `org#connection` wherever it is a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectionKey {
    /// The tenant.
    pub org_id: String,
    /// The connection's id within the org, such as `hubspot-eu`.
    pub connection: String,
}

/// The sort key of what the internal system is told of.
const INBOUND: &str = "inbound";
/// The sort key of a poll's place.
const FEED: &str = "feed";

/// Whose an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Whose {
    /// A record's of the internal system, at a connection.
    Record,
    /// A CRM's record's, on its way back.
    External,
    /// A poll's.
    Feed,
}

/// One record at one connection: the unit of every decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairKey {
    /// Partition key of the item.
    pub pk: String,
    /// Sort key of the item.
    pub sk: String,
}

impl RecordKey {
    /// A key of these three parts, unchecked: [`crate::change::parse`] checks what comes from outside.
    pub fn new(
        org_id: impl Into<String>,
        record_type: impl Into<String>,
        record_id: impl Into<String>,
    ) -> Self {
        Self { org_id: org_id.into(), record_type: record_type.into(), record_id: record_id.into() }
    }

    /// The partition key in `Records`.
    #[must_use]
    pub fn pk(&self) -> String {
        join(&[&self.org_id, &self.record_type, &self.record_id])
    }

    /// The SQS message group of this record's events.
    ///
    /// With `buckets` 0 a group of its own; else `org#b<n>`, where n is the first eight bytes of the SHA-256 of the
    /// group it would have had, big-endian, modulo `buckets`.
    #[must_use]
    pub fn message_group(&self, buckets: u64) -> String {
        let own = self.joined();
        if buckets == 0 {
            return sqs_id(&own);
        }
        let bucket = digest::number(own.as_bytes()) % buckets;
        sqs_id(&format!("{}#b{bucket}", self.org_id))
    }

    /// The SQS deduplication id of an event: its own id, or the record and version.
    #[must_use]
    pub fn deduplication_id(&self, event_id: Option<&str>, version: u64) -> String {
        event_id.map_or_else(|| sqs_id(&format!("{}#{version}", self.joined())), sqs_id)
    }

    fn joined(&self) -> String {
        format!("{}#{}#{}", self.org_id, self.record_type, self.record_id)
    }
}

impl ConnectionKey {
    /// The connection `connection` of `org_id`.
    pub fn new(org_id: impl Into<String>, connection: impl Into<String>) -> Self {
        Self { org_id: org_id.into(), connection: connection.into() }
    }

    /// `org#connection`, escaped: the sort key of items, and the stem of buckets.
    #[must_use]
    pub fn key(&self) -> String {
        join(&[&self.org_id, &self.connection])
    }
}

impl PairKey {
    /// The key of `record` at `connection`.
    #[must_use]
    pub fn new(record: &RecordKey, connection: &ConnectionKey) -> Self {
        Self { pk: record.pk(), sk: connection.key() }
    }

    /// The key under which a record without a name is filed: its body's digest.
    #[must_use]
    pub fn unattributed(body: &[u8]) -> Self {
        Self { pk: format!("!unattributed#{}", digest::hex(body)), sk: "-".to_owned() }
    }

    /// The key of the claim that `connection` holds on one external record.
    #[must_use]
    pub fn claim(connection: &ConnectionKey, object: &str, external_id: &str) -> Self {
        Self {
            pk: join(&[&connection.org_id, &connection.connection, object, external_id]),
            sk: "claim".to_owned(),
        }
    }

    /// The key of what is kept of one external record that the internal system is told of: beside its claim.
    #[must_use]
    pub fn inbound(connection: &ConnectionKey, object: &str, external_id: &str) -> Self {
        Self { sk: INBOUND.to_owned(), ..Self::claim(connection, object, external_id) }
    }

    /// The key of where the poll of one kind of records of `connection` is.
    #[must_use]
    pub fn feed(connection: &ConnectionKey, object: &str) -> Self {
        let pk = join(&["!feed", &connection.org_id, &connection.connection, object]);
        Self { pk, sk: FEED.to_owned() }
    }

    /// Whose item it is.
    #[must_use]
    pub fn whose(&self) -> Whose {
        match self.sk.as_str() {
            INBOUND => Whose::External,
            FEED => Whose::Feed,
            _ => Whose::Record,
        }
    }

    /// The index partition of this item under `stem`, its shard at the end.
    #[must_use]
    pub fn index_partition(&self, stem: &str) -> String {
        format!("{}#{}", escape(stem), digest::number(self.pk.as_bytes()) % SHARDS)
    }
}

/// All index partitions under `stem`.
pub fn index_partitions(stem: &str) -> impl Iterator<Item = String> {
    let stem = escape(stem).into_owned();
    (0..SHARDS).map(move |shard| format!("{stem}#{shard}"))
}

/// `text` as SQS takes it for groups and deduplication ids: itself, or its digest when it is over 128 characters or
/// holds anything but printable ASCII without spaces.
#[must_use]
pub fn sqs_id(text: &str) -> String {
    let fits =
        !text.is_empty() && text.len() <= MAX_SQS_ID_CHARS && text.bytes().all(|b| b.is_ascii_graphic());
    if fits { text.to_owned() } else { digest::tagged(text) }
}

/// Escapes and joins `parts`; a key over [`MAX_KEY_BYTES`] becomes its digest.
#[must_use]
pub fn join(parts: &[&str]) -> String {
    let mut key = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            key.push('#');
        }
        key.push_str(&escape(part));
    }
    if key.len() > MAX_KEY_BYTES { digest::tagged(&key) } else { key }
}

fn escape(part: &str) -> Cow<'_, str> {
    if part.contains(['%', '#']) {
        Cow::Owned(part.replace('%', "%25").replace('#', "%23"))
    } else {
        Cow::Borrowed(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn given_two_different_records_when_keyed_then_their_keys_differ(
            a in prop::array::uniform3("[a#%]{1,3}"), b in prop::array::uniform3("[a#%]{1,3}"),
        ) {
            let (one, two) = (RecordKey::new(&a[0], &a[1], &a[2]), RecordKey::new(&b[0], &b[1], &b[2]));
            prop_assert_eq!(one == two, one.pk() == two.pk());
        }

        #[test]
        fn given_any_ids_when_grouped_then_sqs_takes_the_group(id in "\\PC{1,200}", buckets in 0u64..50) {
            let group = RecordKey::new(&id, "contact", &id).message_group(buckets);
            prop_assert!(group.len() <= MAX_SQS_ID_CHARS && group.bytes().all(|b| b.is_ascii_graphic()));
        }
    }

    #[test]
    fn given_a_plain_record_when_keyed_then_the_names_are_those_of_the_contract() {
        let record = RecordKey::new("acme", "contact", "c-1001");
        assert_eq!(record.message_group(0), "acme#contact#c-1001");
        assert_eq!(record.deduplication_id(None, 7), "acme#contact#c-1001#7");
        assert_eq!(record.deduplication_id(Some("6f1c"), 7), "6f1c");
        assert_eq!(record.message_group(8), "acme#b7");
        assert_eq!(ConnectionKey::new("acme", "hubspot").key(), "acme#hubspot");
    }
}
