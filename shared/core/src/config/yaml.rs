//! YAML as a tree that remembers where everything stands.
//!
//! The rest of this module checks the tree rather than deserializing the text, because a deserializer stops at its
//! first error and forgets positions as soon as it succeeds.

use super::syntax::meaning;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;
use std::fmt;

/// A value and where it starts, both from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) content: Content,
}

/// What stands there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// Anything without parts.
    Scalar(Value),
    List(Vec<Node>),
    Object(Vec<Entry>),
}

/// One entry of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) value: Node,
}

/// Why a text is no YAML, and where.
pub(super) struct SyntaxError {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) message: String,
}

/// The one document of `text`.
pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options::<Spanned<Content>>(text, options).map(Node::from).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |place| position(place.line(), place.column()));
        let message = error.without_snippet().to_string();
        SyntaxError { line, column, message: meaning(without_place(&message)) }
    })
}

impl Node {
    /// The value at the end of `path`, or the nearest one on the way there.
    pub(super) fn locate<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> &Node {
        let mut node = self;
        for key in path {
            match node.get(key) {
                Some(entry) => node = &entry.value,
                None => break,
            }
        }
        node
    }

    /// The entry of `key`, when this is an object that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Object(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The entries, when this is an object.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Object(entries) => entries,
            _ => &[],
        }
    }

    /// Whether there is a value at the end of `path`; a text stands for an object that has it for its `from`.
    pub(super) fn has(&self, path: &[String]) -> bool {
        let Some((key, rest)) = path.split_first() else { return true };
        match self.get(key) {
            Some(entry) => entry.value.has(rest),
            None => key == "from" && matches!(self.content, Content::Scalar(Value::String(_))),
        }
    }

    /// Where the last key of `path` stands.
    pub(super) fn key_at(&self, path: &[String]) -> Option<(u32, u32)> {
        let (last, before) = path.split_last()?;
        let entry = self.locate(before.iter().map(String::as_str)).get(last)?;
        Some((entry.line, entry.column))
    }

    /// The item at `index`, or this node itself.
    pub(super) fn item(&self, index: usize) -> &Node {
        match &self.content {
            Content::List(items) => items.get(index).unwrap_or(self),
            _ => self,
        }
    }

    /// The place in `source` of a line and column of this node's text, both from 1; the node's own place where the text
    /// is written in another way than it reads (folded, escaped).
    pub(super) fn place_within(&self, source: &str, (line, column): (u32, u32)) -> (u32, u32) {
        let line = line.max(1);
        let own = (self.line, self.column);
        let Content::Scalar(Value::String(text)) = &self.content else { return own };
        let at_line = self.line.saturating_add(line - 1);
        let (Some(read), Some(written)) = (text.lines().nth(index(line)), source.lines().nth(index(at_line)))
        else {
            return own;
        };
        let indent = written.chars().take_while(|c| *c == ' ').count();
        let mut start = if line == 1 { index(self.column) } else { indent };
        start +=
            usize::from(written.chars().nth(start).is_some_and(|c| line == 1 && matches!(c, '"' | '\'')));
        let before = index(column);
        let alike = read.chars().take(before).eq(written.chars().skip(start).take(before));
        if alike { (at_line, u32::try_from(start).unwrap_or_default().saturating_add(column)) } else { own }
    }

    /// The value in JSON.
    pub(super) fn to_json(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => items.iter().map(Node::to_json).collect(),
            Content::Object(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

impl From<Spanned<Content>> for Node {
    fn from(spanned: Spanned<Content>) -> Self {
        let (line, column) = position(spanned.referenced.line(), spanned.referenced.column());
        Self { line, column, content: spanned.value }
    }
}

fn position(line: u64, column: u64) -> (u32, u32) {
    let clamp = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).max(1);
    (clamp(line), clamp(column))
}

/// A line or column from 1 as an index from 0.
fn index(from_one: u32) -> usize {
    usize::try_from(from_one.saturating_sub(1)).unwrap_or_default()
}

/// The first line of the parser's message, without the place that is told beside it and its advice to programmers.
fn without_place(message: &str) -> &str {
    let first = message.lines().next().unwrap_or(message);
    let end = [" at line ", ", set "].iter().filter_map(|mark| first.find(mark)).min();
    end.and_then(|end| first.get(..end)).unwrap_or(first)
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Content, E> {
        Ok(Content::Scalar(Value::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Content, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element::<Spanned<Content>>()? {
            items.push(item.into());
        }
        Ok(Content::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<Key>>()? {
            let (line, column) = position(key.referenced.line(), key.referenced.column());
            let value = map.next_value::<Spanned<Content>>()?.into();
            entries.push(Entry { key: key.value.0, line, column, value });
        }
        Ok(Content::Object(entries))
    }
}

/// A key as it is written, whatever YAML takes it for: `null`, `on`, `1`.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E: de::Error>(self, key: &str) -> Result<Key, E> {
                Ok(Key(key.to_owned()))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Key, E> {
                Ok(Key("null".to_owned()))
            }

            fn visit_bool<E: de::Error>(self, key: bool) -> Result<Key, E> {
                Ok(Key(key.to_string()))
            }

            fn visit_u64<E: de::Error>(self, key: u64) -> Result<Key, E> {
                Ok(Key(key.to_string()))
            }

            fn visit_i64<E: de::Error>(self, key: i64) -> Result<Key, E> {
                Ok(Key(key.to_string()))
            }

            fn visit_f64<E: de::Error>(self, key: f64) -> Result<Key, E> {
                Ok(Key(key.to_string()))
            }
        }
        deserializer.deserialize_any(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_words_that_yaml_takes_for_more_when_they_are_keys_then_they_stay_words() {
        let Ok(node) =
            parse("a: {null: ignore, on: create, 1: one, true: yes}\nb:\n  - x\n  - 12345678901234567890\n")
        else {
            panic!("valid YAML");
        };
        let expected = serde_json::json!({
            "a": {"null": "ignore", "on": "create", "1": "one", "true": "yes"},
            "b": ["x", 12_345_678_901_234_567_890_u64],
        });
        assert_eq!(node.to_json(), expected);
        let on = node.locate(["a", "on"]);
        assert_eq!((on.line, on.column), (1, 23));
        let entry = node.get("b").unwrap();
        assert_eq!((entry.line, entry.column), (2, 1));
    }

    #[test]
    fn given_broken_yaml_when_parsed_then_the_place_is_told() {
        let Err(error) = parse("a: 1\nb: [1, 2\n") else { panic!("not valid YAML") };
        assert_eq!(error.line, 2);
        let Err(error) = parse("a: 1\na: 2\n") else { panic!("a key twice") };
        insta::assert_snapshot!(format!("{}:{}: {}", error.line, error.column, error.message), @"2:1: the key `a` stands twice here; keep one of them");
    }
}
