//! A file against its schema: every key that is unknown, missing or of the wrong kind, each at its place.
//!
//! The schema is the one that editors get, so the check and the editor cannot disagree.

use super::percent::PercentText;
use super::yaml::{Content, Entry, Node};
use crate::code::Code;
use crate::mapping::{listed, nearest, parse_ms};
use serde_json::Value;

/// One thing wrong with a file's shape.
pub(super) struct Fault {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) message: String,
    pub(super) suggestion: Option<String>,
    pub(super) code: Code,
}

/// Everything in `node` that `schema` does not allow. Keys without a value (`routes:`) are taken away.
pub(super) fn check(node: &mut Node, schema: &Value) -> Vec<Fault> {
    let mut checker = Checker { root: schema, faults: Vec::new() };
    checker.node(node, schema);
    checker.faults
}

struct Checker<'s> {
    root: &'s Value,
    faults: Vec<Fault>,
}

impl<'s> Checker<'s> {
    fn node(&mut self, node: &mut Node, schema: &'s Value) {
        let choices = self.choices(schema);
        if choices.iter().any(|choice| is_any(choice)) {
            return;
        }
        let fitting: Vec<&'s Value> =
            choices.iter().copied().filter(|choice| takes_kind(choice, node)).collect();
        match &mut node.content {
            Content::Object(_) => match pick(&fitting, node) {
                Some(schema) => self.object(node, schema),
                None => self.wrong(node, &choices),
            },
            Content::List(items) => match fitting.first() {
                Some(schema) => {
                    for item in items {
                        self.node(item, schema.get("items").unwrap_or(&Value::Bool(true)));
                    }
                }
                None => self.wrong(node, &choices),
            },
            Content::Scalar(value) => {
                if !fitting.iter().any(|schema| takes_value(schema, value)) {
                    self.wrong(node, &choices);
                } else if let Some(message) = fitting.iter().find_map(|schema| ill_formed(schema, value)) {
                    self.fault(node.line, node.column, message, None);
                }
            }
        }
    }

    fn object(&mut self, node: &mut Node, schema: &'s Value) {
        let (line, column) = (node.line, node.column);
        let Content::Object(entries) = &mut node.content else { return };
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        entries.retain(|entry| !self.is_blank(entry, known.and_then(|known| known.get(&entry.key))));
        for required in
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            if !entries.iter().any(|entry| entry.key == required) {
                self.fault(line, column, format!("`{required}` is missing; add it"), None);
            }
        }
        for entry in entries {
            match (known.and_then(|known| known.get(&entry.key)), others) {
                (Some(schema), _) => self.node(&mut entry.value, schema),
                (None, Some(Value::Bool(false))) => self.unknown(entry, known),
                (None, Some(schema)) => {
                    if self.is_blank(entry, Some(schema)) {
                        // `hubspot:` alone is an entry that says nothing about itself.
                        entry.value.content = Content::Object(Vec::new());
                    }
                    self.node(&mut entry.value, schema);
                }
                (None, None) => {}
            }
        }
    }

    /// Whether the entry has no value where null is none either: then it is as good as absent.
    fn is_blank(&self, entry: &Entry, schema: Option<&'s Value>) -> bool {
        let null = Content::Scalar(Value::Null);
        let Some(schema) = schema.filter(|_| entry.value.content == null) else { return false };
        !self.choices(schema).iter().any(|choice| is_any(choice) || takes_kind(choice, &entry.value))
    }

    fn unknown(&mut self, entry: &Entry, known: Option<&serde_json::Map<String, Value>>) {
        let names = || known.into_iter().flat_map(|known| known.keys().map(String::as_str));
        let suggestion = nearest(&entry.key, names()).map(str::to_owned);
        let hint =
            if suggestion.is_some() { String::new() } else { format!("; there are {}", listed(names())) };
        self.fault(entry.line, entry.column, format!("unknown field `{}`{hint}", entry.key), suggestion);
    }

    fn wrong(&mut self, node: &Node, choices: &[&'s Value]) {
        let words: Vec<&str> = choices.iter().flat_map(|choice| words(choice)).collect();
        let kinds: Vec<&str> = choices.iter().filter_map(|choice| kind_name(choice)).collect();
        let shapes: Vec<String> =
            choices.iter().filter_map(|choice| tag(choice)).map(|tag| format!("`{tag}: …`")).collect();
        let wanted = match (words.is_empty(), shapes.is_empty()) {
            (true, true) => kinds.join(" or "),
            (false, true) => one_of(&words),
            (true, false) => shapes.join(" or "),
            (false, false) => format!("{} or {}", one_of(&words), shapes.join(" or ")),
        };
        let first = match &node.content {
            Content::Object(entries) if !shapes.is_empty() => entries.first(),
            _ => None,
        };
        let tags = choices.iter().filter_map(|choice| tag(choice));
        let (place, found, meant) = match (first, &node.content) {
            (Some(entry), _) => (
                (entry.line, entry.column),
                format!("`{}: …`", entry.key),
                nearest(&entry.key, tags.chain(words.iter().copied())),
            ),
            (None, Content::Scalar(Value::String(text))) => (
                (node.line, node.column),
                format!("`{text}`"),
                nearest(text, words.iter().copied().chain(tags)),
            ),
            _ => ((node.line, node.column), found(node), None),
        };
        // YAML takes unquoted digits and truth values for what they look like.
        let is_plain = matches!(&node.content, Content::Scalar(Value::Number(_) | Value::Bool(_)));
        let is_text = words.is_empty() && choices.iter().any(|choice| kind_name(choice) == Some("a text"));
        let advice = if is_plain && is_text { "; in quotes it is a text" } else { "" };
        let message = format!("expected {wanted}, found {found}{advice}");
        self.fault(place.0, place.1, message, meant.map(str::to_owned));
    }

    fn fault(&mut self, line: u32, column: u32, message: String, suggestion: Option<String>) {
        self.faults.push(Fault { line, column, message, suggestion, code: Code::ConfigSyntax });
    }

    /// The schemas of which one must fit: references followed, alternatives spread out.
    fn choices(&self, schema: &'s Value) -> Vec<&'s Value> {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let target = name.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return target.map_or_else(Vec::new, |target| self.choices(target));
        }
        let alternatives =
            ["oneOf", "anyOf"].iter().find_map(|key| schema.get(*key)).and_then(Value::as_array);
        match alternatives {
            Some(alternatives) => alternatives.iter().flat_map(|choice| self.choices(choice)).collect(),
            None => vec![schema],
        }
    }
}

/// The schema of an object among `fitting`: one whose only required key is there, or one without such a tag.
fn pick<'s>(fitting: &[&'s Value], node: &Node) -> Option<&'s Value> {
    let tagged = fitting.iter().find(|schema| tag(schema).is_some_and(|tag| node.get(tag).is_some()));
    tagged.or_else(|| fitting.iter().find(|schema| tag(schema).is_none())).copied()
}

/// The key by which an alternative is told from the others: the only one that it has.
fn tag(schema: &Value) -> Option<&str> {
    let properties = schema.get("properties")?.as_object().filter(|properties| properties.len() == 1)?;
    let required = schema.get("required")?.as_array()?;
    let (name, _) = properties.iter().next()?;
    required.iter().any(|key| key == name).then_some(name)
}

fn is_any(schema: &Value) -> bool {
    match schema {
        Value::Bool(true) => true,
        Value::Object(keys) => {
            !["type", "const", "enum", "properties", "$ref"].iter().any(|key| keys.contains_key(*key))
        }
        _ => false,
    }
}

fn kinds(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ if schema.get("const").or(schema.get("enum")).is_some() => vec!["string"],
        _ => Vec::new(),
    }
}

fn takes_kind(schema: &Value, node: &Node) -> bool {
    kinds(schema).iter().any(|kind| match (&node.content, *kind) {
        (Content::Object(_), kind) => kind == "object",
        (Content::List(_), kind) => kind == "array",
        (Content::Scalar(value), "string") => value.is_string(),
        (Content::Scalar(value), "integer") => value.is_u64() || value.is_i64(),
        (Content::Scalar(value), "number") => value.is_number(),
        (Content::Scalar(value), "boolean") => value.is_boolean(),
        (Content::Scalar(value), "null") => value.is_null(),
        _ => false,
    })
}

fn words(schema: &Value) -> Vec<&str> {
    let one = schema.get("const").and_then(Value::as_str);
    let many = schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(many).collect()
}

fn takes_value(schema: &Value, value: &Value) -> bool {
    let words = words(schema);
    words.is_empty() || value.is_null() || value.as_str().is_some_and(|text| words.contains(&text))
}

/// What is wrong with a value of the right kind.
fn ill_formed(schema: &Value, value: &Value) -> Option<String> {
    if let (Some(least), Some(number)) = (schema.get("minimum").and_then(Value::as_f64), value.as_f64())
        && number < least
    {
        return Some(format!("expected a number of at least {least}, found {number}"));
    }
    let text = value.as_str()?;
    match schema.get("format").and_then(Value::as_str)? {
        "rtr-duration" => parse_ms(text).err().map(|error| error.to_string()),
        "rtr-percent" => PercentText(text.to_owned()).to_percent().err(),
        _ => None,
    }
}

fn kind_name(schema: &Value) -> Option<&'static str> {
    match schema.get("format").and_then(Value::as_str) {
        Some("rtr-duration") => return Some("a length of time such as 10s"),
        Some("rtr-percent") => return Some("a share such as 20%"),
        _ => {}
    }
    kinds(schema).into_iter().find_map(|kind| match kind {
        "object" => Some("an object"),
        "array" => Some("a list"),
        "string" => Some("a text"),
        "integer" => Some("a whole number"),
        "number" => Some("a number"),
        "boolean" => Some("true or false"),
        _ => None,
    })
}

fn one_of(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
}

fn found(node: &Node) -> String {
    match &node.content {
        Content::Object(_) => "an object".to_owned(),
        Content::List(_) => "a list".to_owned(),
        Content::Scalar(Value::Null) => "nothing".to_owned(),
        Content::Scalar(value) => format!("`{value}`"),
    }
}
