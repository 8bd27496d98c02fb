//! What the internal system is to be told of a CRM's record, and what waits behind it.

use crate::digest;
use crate::key::{ConnectionKey, join, sqs_id};
use crate::marks::GONE;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What was offered of a record, and may have been taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The version.
    pub version: u64,
    /// A digest of the values.
    pub digest: String,
    /// Whether it may have been taken, at this try or an earlier one.
    #[serde(default)]
    pub unsure: bool,
}

/// What the internal system is to be told of a CRM's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Where the record is.
    #[serde(flatten)]
    pub connection: ConnectionKey,
    /// The CRM's name of the record's kind.
    pub object: String,
    /// The record's id at the CRM.
    pub external_id: String,
    /// The internal type.
    pub record_type: String,
    /// The internal id; none: it is offered as a new record.
    pub record_id: Option<String>,
    /// The CRM's stamp of the change in microseconds, raised where two changes share a stamp.
    pub version: u64,
    /// Whether it is gone.
    pub deleted: bool,
    /// The record that it was merged into, by its id at the CRM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// The paths of the internal record that changed.
    pub changed: Vec<String>,
    /// The CRM's names of the same.
    pub fields: Vec<String>,
    /// Their values, as a part of the internal record.
    pub data: Value,
    /// The CRM's stamp.
    pub occurred_at: Instant,
    /// Properties that are to be looked at once more when this has come to its end, and told whatever both sides had: they changed
    /// while it waited, or were refused before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Later ones, in their order, while this waits: it may have been taken, so it is told again as it was, and they after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Delivery>,
}

/// The most that wait behind a delivery; more are told together.
const MOST_BEHIND: usize = 8;

impl Delivery {
    /// The id by which the internal system knows a repeat.
    #[must_use]
    pub fn id(&self) -> String {
        let ConnectionKey { org_id, connection } = &self.connection;
        let version = self.version.to_string();
        let whole = join(&[org_id, connection, &self.object, &self.external_id, &version]);
        // No full stop may be in it, which is what signatures are joined by.
        format!("rtr_{}", digest::short_hex(whole.as_bytes()))
    }

    /// What the internal system gets.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({
            "id": self.id(), "org_id": self.connection.org_id, "connection": self.connection.connection,
            "record_type": self.record_type, "record_id": self.record_id, "external_id": self.external_id,
            "version": self.version, "operation": if self.deleted { "deleted" } else { "upsert" },
            "changed": self.changed, "data": self.data, "occurred_at": self.occurred_at.to_rfc3339(),
        });
        if let Some(into) = &self.merged_into {
            body["merged_into"] = Value::from(into.clone());
        }
        body
    }

    /// A digest of what it says, by which two of one version are told apart.
    #[must_use]
    pub fn digest(&self) -> String {
        digest::short_hex(self.data.to_string().as_bytes())
    }

    /// What it offers, to be known again.
    #[must_use]
    pub fn offered(&self) -> Offered {
        Offered { version: self.version, digest: self.digest(), unsure: false }
    }

    /// This, and what `earlier` would have told that this does not: of one that was not told yet.
    #[must_use]
    pub fn after(mut self, earlier: &Self) -> Self {
        if self.deleted || earlier.deleted {
            return self;
        }
        let mut data = earlier.data.clone();
        lay_over(&mut data, &self.data);
        self.data = data;
        for (ours, theirs) in [(&mut self.changed, &earlier.changed), (&mut self.fields, &earlier.fields)] {
            let more: Vec<String> = theirs.iter().filter(|name| !ours.contains(name)).cloned().collect();
            ours.extend(more);
            ours.sort();
        }
        self.record_id = self.record_id.or_else(|| earlier.record_id.clone());
        let also = earlier.also.clone();
        self.and_also(also)
    }

    /// This, and `names` to be looked at once more after it.
    #[must_use]
    pub fn and_also(mut self, names: Vec<String>) -> Self {
        self.also.extend(names);
        let told_behind = |name: &String| self.behind.iter().any(|one| one.fields.contains(name));
        self.also.retain(|name| !self.fields.contains(name) && !told_behind(name));
        self.also.sort();
        self.also.dedup();
        self
    }

    /// This, and `later` behind it. What all of whose values come later is not told any more.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        self.behind.retain(|one| one.fields.iter().any(|name| !later.fields.contains(name)));
        self.also.retain(|name| !later.fields.contains(name));
        self.behind.push(later);
        if self.behind.len() > MOST_BEHIND {
            let (first, second) = (self.behind.remove(0), self.behind.remove(0));
            self.behind.insert(0, second.after(&first));
        }
        self
    }

    /// What is behind it, as one that has the others behind it.
    pub fn take_next(&mut self) -> Option<Self> {
        let mut behind = std::mem::take(&mut self.behind).into_iter();
        let next = behind.next()?;
        Some(Self { behind: behind.collect(), ..next })
    }

    /// The one of this version: itself, or one behind it.
    #[must_use]
    pub fn of_version(&self, version: u64) -> Option<&Self> {
        self.all().find(|one| one.version == version)
    }

    /// Itself, and what is behind it.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.behind)
    }

    /// Whether it tells the same as `other`.
    #[must_use]
    pub fn says(&self, other: &Self) -> bool {
        self.deleted == other.deleted && self.digest() == other.digest()
    }

    /// Whether it tells of all properties that `other` does, and of more: an earlier one was laid under it.
    #[must_use]
    pub fn is_more_than(&self, other: &Self) -> bool {
        self.fields.len() > other.fields.len() && other.fields.iter().all(|name| self.fields.contains(name))
    }

    /// The newest version of it and of what is behind it.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.all().map(|one| one.version).fold(0, u64::max)
    }

    /// What is to be told anew of a delivery that was refused: its properties, or that the record is gone.
    #[must_use]
    pub fn anew(&self) -> Vec<String> {
        if self.deleted {
            return vec![GONE.to_owned()];
        }
        self.fields.iter().chain(&self.also).cloned().collect()
    }

    /// The message group: that of its record's notices.
    #[must_use]
    pub fn message_group(&self) -> String {
        group(&self.connection, &self.external_id)
    }
}

/// The message group of a CRM's record.
#[must_use]
pub fn group(connection: &ConnectionKey, external_id: &str) -> String {
    sqs_id(&join(&[&connection.org_id, &connection.connection, external_id]))
}

/// Objects member by member, everything else as a whole.
fn lay_over(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                lay_over(under.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    pub(in crate::inbound) fn delivery(version: u64, changed: &[&str], data: Value) -> Delivery {
        let names: Vec<String> = changed.iter().map(|name| (*name).to_owned()).collect();
        Delivery {
            connection: ConnectionKey::new("acme", "hubspot"),
            object: "contacts".to_owned(),
            external_id: "7.1".to_owned(),
            record_type: "contact".to_owned(),
            record_id: Some("c-1".to_owned()),
            version,
            deleted: false,
            merged_into: None,
            changed: names.clone(),
            fields: names,
            data,
            occurred_at: Instant(1_795_000_000_000),
            also: Vec::new(),
            behind: Vec::new(),
        }
    }

    #[test]
    fn given_later_ones_behind_one_that_waits_when_taken_then_they_come_in_their_order_and_few_at_a_time() {
        let first = delivery(1, &["a"], json!({"a": 1}));
        let mut all =
            first.then(delivery(2, &["a"], json!({"a": 2}))).then(delivery(3, &["a", "b"], json!({})));
        let has = |version| all.of_version(version).is_some();
        assert!(has(1) && !has(2) && has(3), "the second's values come again in the third");
        assert_eq!(all.newest(), 3);
        assert_eq!(all.take_next().map(|next| (next.version, next.behind.len())), Some((3, 0)));
        assert_eq!(all.take_next(), None);
        for n in 4..=40 {
            let name = format!("f{n}");
            all = all.then(delivery(n, &[&*name], json!({ name.clone(): n })));
        }
        assert_eq!(all.behind.len(), MOST_BEHIND);
        let told = all.behind.iter().flat_map(|one| one.fields.clone()).count();
        assert_eq!(told, 37, "none is forgotten");
    }

    #[test]
    fn given_a_delivery_when_its_body_is_made_then_it_is_the_contracts() {
        let body =
            delivery(1_795_000_000_000_000, &["address.city"], json!({"address": {"city": "Kiel"}})).body();
        insta::assert_snapshot!(body, @r#"{"changed":["address.city"],"connection":"hubspot","data":{"address":{"city":"Kiel"}},"external_id":"7.1","id":"rtr_8554319c6d42490af7561e0660cfdd68","occurred_at":"2026-11-18T11:06:40.000Z","operation":"upsert","org_id":"acme","record_id":"c-1","record_type":"contact","version":1795000000000000}"#);
    }

    #[test]
    fn given_one_that_was_not_told_yet_when_another_comes_then_both_are_told_and_the_later_value_stands() {
        let earlier = delivery(1, &["a", "b.x"], json!({"a": 1, "b": {"x": 1}}));
        let later = delivery(2, &["b.y", "a"], json!({"a": 2, "b": {"y": 2}}));
        let both = later.clone().after(&earlier);
        assert_eq!(
            (both.version, both.changed.clone()),
            (2, ["a", "b.x", "b.y"].map(str::to_owned).to_vec())
        );
        assert_eq!(both.data, json!({"a": 2, "b": {"x": 1, "y": 2}}));
        let gone = Delivery { deleted: true, ..later };
        assert_eq!(gone.clone().after(&earlier), gone);
        assert!(!both.id().contains('.') && both.id() != earlier.id());
    }
}
