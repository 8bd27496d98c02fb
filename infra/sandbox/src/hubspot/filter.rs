//! One condition of a search, read once and then tried on each record. Numbers and times are compared as
//! such, text without regard to case.

use super::errors::Fail;
use super::schema::Schema;
use crate::clock::parse_instant;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A condition on one property.
#[derive(Debug)]
pub(super) struct Filter {
    property: String,
    kind: Kind,
    operator: Operator,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    Time,
}

#[derive(Debug)]
enum Operator {
    Compare(fn(Ordering) -> bool, String),
    Between(String, String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Has,
    HasNot,
    Token(String),
    NotToken(String),
}

const OPERATORS: &str = "EQ, NEQ, LT, LTE, GT, GTE, BETWEEN, IN, NOT_IN, HAS_PROPERTY, NOT_HAS_PROPERTY, \
                         CONTAINS_TOKEN, NOT_CONTAINS_TOKEN";

impl Filter {
    pub(super) fn parse(value: &Value, schema: &Schema) -> Result<Self, Fail> {
        let text = |name: &str| match value.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Bool(flag)) => Ok(flag.to_string()),
            _ => Err(Fail::invalid(format!("Invalid input JSON: a filter needs {name}"))),
        };
        let list = || {
            let list = value.get("values").and_then(Value::as_array).filter(|list| !list.is_empty());
            let list = list.ok_or_else(|| {
                Fail::invalid("Invalid input JSON: a filter with IN or NOT_IN needs values")
            })?;
            Ok(list.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect())
        };
        let property = text("propertyName")?;
        let Some(definition) = schema.live(&property) else {
            return Err(Fail::invalid(format!(
                "There was a problem with the request. Property '{property}' does not exist"
            )));
        };
        let kind = match definition.kind.as_str() {
            "number" => Kind::Number,
            "date" | "datetime" => Kind::Time,
            _ => Kind::Text,
        };
        let compare = |test: fn(Ordering) -> bool| text("value").map(|value| Operator::Compare(test, value));
        let name = text("operator")?;
        let operator = match name.as_str() {
            "EQ" => compare(Ordering::is_eq)?,
            "NEQ" => compare(Ordering::is_ne)?,
            "LT" => compare(Ordering::is_lt)?,
            "LTE" => compare(Ordering::is_le)?,
            "GT" => compare(Ordering::is_gt)?,
            "GTE" => compare(Ordering::is_ge)?,
            "BETWEEN" => Operator::Between(text("value")?, text("highValue")?),
            "IN" => Operator::In(list()?),
            "NOT_IN" => Operator::NotIn(list()?),
            "HAS_PROPERTY" => Operator::Has,
            "NOT_HAS_PROPERTY" => Operator::HasNot,
            "CONTAINS_TOKEN" => Operator::Token(text("value")?.to_lowercase()),
            "NOT_CONTAINS_TOKEN" => Operator::NotToken(text("value")?.to_lowercase()),
            _ => return Err(Fail::invalid(format!("Invalid input JSON: {name} is not one of {OPERATORS}"))),
        };
        let filter = Self { property, kind, operator };
        filter.check()?;
        Ok(filter)
    }

    /// Refuses a value that cannot be compared with the property.
    fn check(&self) -> Result<(), Fail> {
        let values: Vec<&String> = match &self.operator {
            Operator::Compare(_, value) => vec![value],
            Operator::Between(low, high) => vec![low, high],
            Operator::In(values) | Operator::NotIn(values) => values.iter().collect(),
            _ => Vec::new(),
        };
        match values.iter().find(|value| self.kind != Kind::Text && number(self.kind, value).is_none()) {
            Some(value) => {
                Err(Fail::invalid(format!("{value} is not a valid value for property {}", self.property)))
            }
            None => Ok(()),
        }
    }

    /// Whether a record with these properties fulfils it.
    pub(super) fn holds(&self, properties: &BTreeMap<String, String>) -> bool {
        let Some(own) = properties.get(&self.property) else {
            return matches!(self.operator, Operator::HasNot | Operator::NotToken(_));
        };
        let against = |value: &String| order(self.kind, own, value);
        // The values of IN have to be in lower case: others never match text.
        let listed = |values: &[String]| match self.kind {
            Kind::Text => values.contains(&own.to_lowercase()),
            _ => values.iter().any(|value| against(value).is_eq()),
        };
        match &self.operator {
            Operator::Compare(test, value) => test(against(value)),
            Operator::Between(low, high) => against(low).is_ge() && against(high).is_le(),
            Operator::In(values) => listed(values),
            Operator::NotIn(values) => !listed(values),
            Operator::Has => true,
            Operator::HasNot => false,
            Operator::Token(token) => has_token(own, token),
            Operator::NotToken(token) => !has_token(own, token),
        }
    }
}

fn number(kind: Kind, text: &str) -> Option<f64> {
    match kind {
        Kind::Time => parse_instant(text).map(|instant| instant as f64),
        _ => text.parse().ok(),
    }
}

/// Orders two values of a kind; whole numbers are compared exactly, for ids have many digits.
fn order(kind: Kind, one: &str, other: &str) -> Ordering {
    if kind == Kind::Text {
        return one.to_lowercase().cmp(&other.to_lowercase());
    }
    if let (Ok(one), Ok(other)) = (one.parse::<i128>(), other.parse::<i128>()) {
        return one.cmp(&other);
    }
    number(kind, one).unwrap_or(0.0).total_cmp(&number(kind, other).unwrap_or(0.0))
}

/// Orders two values of a property, which may be unset.
pub(super) fn order_values(
    schema: &Schema,
    name: &str,
    one: Option<&String>,
    other: Option<&String>,
) -> Ordering {
    let kind = match schema.live(name).map(|property| property.kind.as_str()) {
        Some("number") => Kind::Number,
        Some("date" | "datetime") => Kind::Time,
        _ => Kind::Text,
    };
    match (one, other) {
        (Some(one), Some(other)) => order(kind, one, other),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

/// Whether one of the words matches; `*` at either end stands for anything.
fn has_token(text: &str, token: &str) -> bool {
    let bare = token.trim_matches('*');
    let (open_start, open_end) = (token.starts_with('*'), token.ends_with('*'));
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric()).chain([text.as_str()]);
    words.into_iter().any(|word| match (open_start, open_end) {
        (false, false) => word == bare,
        (true, false) => word.ends_with(bare),
        (false, true) => word.starts_with(bare),
        (true, true) => word.contains(bare),
    })
}
