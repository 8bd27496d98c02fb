//! A record without its values, for what is kept of it where people and repositories are: a case of a test.
//!
//! Invariants: no text or number of the record that says something of somebody comes out as it went in; the same record
//! under the same mapping gives the same mask; equal values stay equal, others stay apart where there are letters enough.
//! What mappings decide by is kept: kind, length, white space, upper and lower case, that an address is one, and the words
//! that the mapping itself names.

mod shape;
mod text;

use super::expression::Expression;
use super::field::{Field, Source};
use super::{Mapping, expression};
use serde_json::{Map, Number, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The words that a mapping names: they are its own, whoever's record holds them.
#[derive(Debug, Default)]
struct Vocabulary {
    /// Texts and numbers, in lower case.
    words: BTreeSet<String>,
    /// What a text may begin or end with, in lower case.
    ends: BTreeSet<String>,
}

/// Masks one record.
struct Masker {
    vocabulary: Vocabulary,
    /// Every text and number of the record.
    originals: BTreeSet<String>,
    given: BTreeMap<String, String>,
    used: BTreeSet<String>,
}

/// Tries to find a mask that is neither a value of the record nor another value's mask; then one that is no value of it.
const TRIES: usize = 1_000;

/// `record` with its values masked, as far as `mapping` can do without them.
#[must_use]
pub fn mask(mapping: &Mapping, record: &Value) -> Value {
    let mut originals = BTreeSet::new();
    collect(record, &mut originals);
    let vocabulary = Vocabulary::of(mapping);
    let mut masker = Masker { vocabulary, originals, given: BTreeMap::new(), used: BTreeSet::new() };
    masker.value("", record)
}

fn collect(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => drop(into.insert(number.to_string())),
        Value::String(text) => drop(into.insert(text.trim().to_lowercase())),
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(entries) => entries.values().for_each(|value| collect(value, into)),
    }
}

impl Vocabulary {
    fn of(mapping: &Mapping) -> Self {
        let mut known = Self::default();
        mapping.when.iter().for_each(|when| known.expression(when));
        mapping.fields.iter().for_each(|field| known.field(field));
        known
    }

    fn field(&mut self, field: &Field) {
        match &field.source {
            Source::Value { from, map, .. } => {
                self.expression(from);
                self.words.extend(map.iter().flat_map(BTreeMap::keys).map(|key| key.trim().to_lowercase()));
            }
            Source::Lookup { from, .. } => self.expression(from),
            Source::Reference { id, .. } => self.expression(id),
        }
    }

    fn expression(&mut self, expression: &Expression) {
        let (words, ends) = expression::literals(expression.source());
        self.words
            .extend(words.into_iter().map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()));
        self.ends.extend(ends.into_iter().map(|end| end.to_lowercase()).filter(|end| !end.is_empty()));
    }
}

impl Masker {
    /// `value`, which stands under `key`.
    fn value(&mut self, key: &str, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.text(key, text).into(),
            Value::Array(items) => items.iter().map(|item| self.value(key, item)).collect(),
            Value::Object(entries) => {
                let entry = |(key, value): (&String, &Value)| (self.key(key), self.value(key, value));
                entries.iter().map(entry).collect::<Map<_, _>>().into()
            }
        }
    }

    fn number(&mut self, number: &Number) -> Value {
        let written = number.to_string();
        if self.vocabulary.words.contains(&written) || number.as_f64() == Some(0.0) {
            return number.clone().into();
        }
        let masked = self.apart(&written.clone(), |attempt| shape::digits(&written, attempt));
        // Made of the same digits, so it is a number; one too large for a whole one becomes one with a fraction.
        serde_json::from_str(&masked).unwrap_or_else(|_| 1.into())
    }

    fn text(&mut self, key: &str, text: &str) -> String {
        let plain = text.trim().to_lowercase();
        if plain.is_empty() || self.vocabulary.words.contains(&plain) || shape::is_code(key, text.trim()) {
            return text.to_owned();
        }
        let (start, rest) = text.split_at(text.len() - text.trim_start().len());
        let (core, end) = rest.split_at(rest.trim_end().len());
        let masked = match self.kept_end(&plain, core) {
            Some((head, kept)) if head => format!("{kept}{}", self.core(&core[kept.len()..])),
            Some((_, kept)) => format!("{}{kept}", self.core(&core[..core.len() - kept.len()])),
            None => self.core(core),
        };
        format!("{start}{masked}{end}")
    }

    /// The part of `core` that the mapping asks for, and whether it begins with it.
    fn kept_end(&self, plain: &str, core: &str) -> Option<(bool, String)> {
        let end =
            self.vocabulary.ends.iter().find(|end| plain.len() > end.len() && plain.ends_with(end.as_str()));
        let start = self
            .vocabulary
            .ends
            .iter()
            .find(|end| plain.len() > end.len() && plain.starts_with(end.as_str()));
        let part = |at: Option<&str>| at.map(str::to_owned);
        match (end, start) {
            (Some(end), _) => part(core.get(core.len().checked_sub(end.len())?..)).map(|kept| (false, kept)),
            (None, Some(start)) => part(core.get(..start.len())).map(|kept| (true, kept)),
            (None, None) => None,
        }
    }

    fn core(&mut self, core: &str) -> String {
        self.apart(core, |attempt| text::masked(core, attempt))
    }

    /// A key that is no name of a field is a value: an address, a number, words.
    fn key(&mut self, key: &str) -> String {
        let name = key.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
            && key.chars().all(|c| matches!(c, '_' | '-') || c.is_ascii_alphanumeric());
        if name || self.vocabulary.words.contains(&key.trim().to_lowercase()) {
            key.to_owned()
        } else {
            self.core(key)
        }
    }

    /// What stands for `original`: the first attempt that stands for nothing else.
    fn apart(&mut self, original: &str, attempt: impl Fn(usize) -> String) -> String {
        if let Some(known) = self.given.get(original) {
            return known.clone();
        }
        let free = |masked: &String, mine: &BTreeSet<String>| !mine.contains(&masked.to_lowercase());
        let first = (0..TRIES).map(&attempt).find(|one| free(one, &self.originals) && free(one, &self.used));
        let masked = first.or_else(|| (0..TRIES).map(&attempt).find(|one| free(one, &self.originals)));
        let masked = masked.unwrap_or_else(|| attempt(TRIES));
        self.given.insert(original.to_owned(), masked.clone());
        self.used.insert(masked.to_lowercase());
        masked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::ProviderFacts;
    use proptest::prelude::*;
    use serde_json::json;

    fn mapping() -> Mapping {
        let facts = ProviderFacts {
            name: "hubspot",
            title: "HubSpot",
            default_key: Some("rtr_record_id"),
            default_limits: &[],
            lookups: &[],
        };
        let raw = json!({"object": "contacts", "when": "email is not endingwith('@globex.test') and kind != 7", "fields": {
            "stage": {"from": "stage | lower", "map": {"lead": "lead", "won": "customer"}, "default": "other"},
            "country": "country | lookup({'Germany': 'DE'})", "email": "email", "kind": "'s' if score > 1000 else 'b'",
        }});
        Mapping::compile(&facts, "contact", &serde_json::from_value(raw).unwrap()).unwrap()
    }

    #[test]
    fn given_a_record_when_masked_then_its_shape_is_kept_and_its_values_are_not() {
        let record = json!({
            "email": " Ada.King@Lovelace.ORG ", "other": "ada.king@lovelace.org", "friends": ["Bob <bob@x.io>", "eve@globex.test"],
            "stage": " Won ", "old_stage": "lost", "country": "Germany", "country_code": "GB", "locale": "en-GB",
            "zone": "Europe/London", "phone": "+44 (20) 7946-0018", "fax": "030 123 45 67", "born": "1815-12-10",
            "seen": "2026-11-23T10:00:00.123Z", "local": "10.12.1815", "site": "https://www.Lovelace.org/ada?x=1",
            "domain": "lovelace.org", "name": "Ada  King", "nick": "Ada", "first": "Ada", "score": 1250, "pi": -3.25, "kind": 7,
            "zero": 0, "zip": "00115", "id": "c-1001", "big": u64::MAX, "yes": true, "none": null, "empty": "", "mark": "—",
            "html": "<p>Hi <b>Zoë</b></p>", "by": {"ada@x.io": 1, "firm": 2}, "count": 1001, "cjk": "東京",
        });
        let masked = mask(&mapping(), &record);
        insta::assert_snapshot!(format!("{masked:#}"), @r#"
        {
          "big": 12345678912345678912,
          "born": "2001-02-03",
          "by": {
            "firm": 4,
            "user1@example.com": 3
          },
          "cjk": "xx",
          "count": 1234,
          "country": "Germany",
          "country_code": "GB",
          "domain": "site1.example",
          "email": " User2@example.com ",
          "empty": "",
          "fax": "055 555 50 01",
          "first": "Xxx",
          "friends": [
            "Xxx <user1@example.com>",
            "yyy@globex.test"
          ],
          "html": "<x>Xx <x>Xxx</x></x>",
          "id": "x-1234",
          "kind": 7,
          "local": "01.02.2001",
          "locale": "en-GB",
          "mark": "x",
          "name": "Xxx  Xxxx",
          "nick": "Xxx",
          "none": null,
          "old_stage": "xxxx",
          "other": "user3@example.com",
          "phone": "+44 (25) 5555-5001",
          "pi": -1.23,
          "score": 2345,
          "seen": "2001-02-03T04:05:06.007Z",
          "site": "https://www.Site1.example/xxx?x=1",
          "stage": " Won ",
          "yes": true,
          "zero": 0,
          "zip": "00123",
          "zone": "Europe/London"
        }
        "#);
        assert_eq!(mask(&mapping(), &record), masked);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            "[a-z]{4,8}@[a-z]{4,8}\\.(com|io)".prop_map(Value::from),
            "[+]?[0-9 ()-]{7,14}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-d]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn same_shape(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_shape(a, b)))
            }
            (Value::String(a), Value::String(b)) => a.trim().is_empty() == b.trim().is_empty(),
            (Value::Number(_), Value::Number(_)) => true,
            (a, b) => a == b,
        }
    }

    proptest! {
        #[test]
        fn given_any_record_when_masked_then_no_word_of_it_is_left_and_its_shape_is(record in any_json()) {
            let masked = mask(&mapping(), &json!({ "a": record }));
            prop_assert!(same_shape(&record, &masked["a"]), "{masked}");
            let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
            collect(&record, &mut before);
            collect(&masked, &mut after);
            // One or two letters or digits may come out as they went in: there are not many.
            let tells = |text: &&String| text.chars().filter(|c| c.is_alphanumeric()).count() > 3;
            let left: Vec<_> = before.intersection(&after).filter(tells).collect();
            prop_assert!(left.is_empty(), "{left:?}");
        }
    }
}
