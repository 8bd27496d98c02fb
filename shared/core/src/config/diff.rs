//! What differs between two documents, path by path, in words that people read before they say yes.

use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// Bookkeeping that follows from the changes and is no change itself.
const BOOKKEEPING: &str = "mapping_revisions";

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Added, removed or changed.
    pub kind: ChangeKind,
    /// Where: `connections.hubspot.mode`.
    pub path: String,
    /// The value before.
    pub old: Option<Value>,
    /// The value after.
    pub new: Option<Value>,
}

/// The kinds of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was not there before.
    Added,
    /// It is no longer there.
    Removed,
    /// It has another value.
    Changed,
}

/// Every difference between the stored document and the new one.
#[must_use]
pub fn diff(old: Option<&Value>, new: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", old, Some(new), &mut changes);
    changes
}

fn compare(path: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    if parts(old) || parts(new) {
        let keys = |value: Option<&Value>| -> Vec<String> {
            value.and_then(Value::as_object).into_iter().flat_map(|object| object.keys().cloned()).collect()
        };
        // From a plain value to an object or back: the plain one goes or comes as a whole.
        if !parts(old) && old.is_some() {
            push(path, old, None, changes);
        }
        let mut all = keys(old);
        all.extend(keys(new));
        all.sort();
        all.dedup();
        for key in all.iter().filter(|key| !(path.is_empty() && *key == BOOKKEEPING)) {
            let of = |value: Option<&'_ Value>| value.and_then(|value| value.get(key)).cloned();
            compare(&joined(path, key), of(old).as_ref(), of(new).as_ref(), changes);
        }
        if !parts(new) && new.is_some() {
            push(path, None, new, changes);
        }
        return;
    }
    push(path, old, new, changes);
}

/// Whether the value is an object with something in it.
fn parts(value: Option<&Value>) -> bool {
    value.and_then(Value::as_object).is_some_and(|object| !object.is_empty())
}

fn push(path: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<Change>) {
    let kind = match (old, new) {
        (None, _) => ChangeKind::Added,
        (_, None) => ChangeKind::Removed,
        _ => ChangeKind::Changed,
    };
    if path.is_empty() {
        return; // an empty document that comes or goes says nothing
    }
    changes.push(Change { kind, path: path.to_owned(), old: old.cloned(), new: new.cloned() });
}

fn joined(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '*'));
    let key = if plain { key.to_owned() } else { Value::from(key).to_string() };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| value.as_ref().map_or_else(String::new, Value::to_string);
        match self.kind {
            ChangeKind::Added => write!(f, "+ {}: {}", self.path, shown(&self.new)),
            ChangeKind::Removed => write!(f, "- {}: {}", self.path, shown(&self.old)),
            ChangeKind::Changed => write!(f, "~ {}: {} → {}", self.path, shown(&self.old), shown(&self.new)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(old: Option<Value>, new: &Value) -> String {
        diff(old.as_ref(), new).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn given_two_documents_when_compared_then_every_path_that_differs_is_told_once() {
        let old = json!({
            "connections": {"hubspot": {"mode": "live"}, "salesforce": {}},
            "routes": {"contact": ["hubspot"]},
            "mappings": {"hubspot": {"contact": {"fields": {"email": "email", "a.b": "x"}}}},
            "mapping_revisions": {"hubspot/contact": 3},
        });
        let new = json!({
            "connections": {"hubspot": {"mode": "paused"}},
            "routes": {"contact": ["hubspot", "pipedrive"]},
            "mappings": {"hubspot": {"contact": {"fields": {"email": {"from": "email", "null": "ignore"}}}}},
            "mapping_revisions": {"hubspot/contact": 4},
        });
        insta::assert_snapshot!(words(Some(old), &new), @r#"
        ~ connections.hubspot.mode: "live" → "paused"
        - connections.salesforce: {}
        - mappings.hubspot.contact.fields."a.b": "x"
        - mappings.hubspot.contact.fields.email: "email"
        + mappings.hubspot.contact.fields.email.from: "email"
        + mappings.hubspot.contact.fields.email.null: "ignore"
        ~ routes.contact: ["hubspot"] → ["hubspot","pipedrive"]
        "#);
    }

    #[test]
    fn given_nothing_stored_when_compared_then_every_leaf_is_added() {
        insta::assert_snapshot!(words(None, &json!({"connections": {"hubspot": {}}, "routes": {"contact": ["hubspot"]}})), @r#"
        + connections.hubspot: {}
        + routes.contact: ["hubspot"]
        "#);
        assert!(diff(Some(&json!({"mapping_revisions": {"a": 1}})), &json!({})).is_empty());
    }
}
