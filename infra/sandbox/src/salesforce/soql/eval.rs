//! Which records a query is about, and in what order.

use super::super::Salesforce;
use super::super::errors::Fail;
use super::super::schema::{Field, FieldType, ObjectType, find};
use super::super::store::Record;
use super::super::values::instant;
use super::super::{ids, values};
use super::{Condition, Literal, Operator, Query, no_column, no_type};
use crate::clock::parse_day;
use serde_json::{Value, json};
use std::cmp::Ordering;

/// A field of the record, or of the one a reference of it leads to.
#[derive(Debug, Clone)]
pub(in crate::salesforce) struct Path {
    pub(in crate::salesforce) way: Option<Field>,
    pub(in crate::salesforce) field: Field,
}

impl Path {
    /// Finds the way a dotted name describes.
    pub(in crate::salesforce) fn find(org: &Salesforce, kind: &ObjectType, name: &str) -> Result<Self, Fail> {
        // A query may call the type by its own name before the field.
        let own = name.split_once('.').filter(|(first, _)| first.eq_ignore_ascii_case(kind.name));
        let own = own.filter(|(first, _)| way(org, kind, first).is_none());
        let name = own.map_or(name, |(_, rest)| rest);
        let Some((first, rest)) = name.split_once('.') else {
            let field = org.field(kind, name).cloned().ok_or_else(|| no_column(name, kind.name))?;
            return Ok(Self { way: None, field });
        };
        let missing = || {
            let message = format!(
                "Didn't understand relationship '{first}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name."
            );
            Fail::bad("INVALID_FIELD", message)
        };
        let way = way(org, kind, first).ok_or_else(missing)?;
        let target = way.refers.and_then(find).ok_or_else(missing)?;
        let field = org.field(target, rest).cloned().ok_or_else(|| no_column(rest, target.name))?;
        Ok(Self { way: Some(way.clone()), field })
    }

    fn value(&self, org: &Salesforce, record: &Record) -> Value {
        match &self.way {
            None => org.value(record, &self.field),
            Some(way) => {
                let id = org.value(record, way);
                let parent = id.as_str().and_then(|id| org.store.get(id));
                parent.map_or(Value::Null, |parent| org.value(parent, &self.field))
            }
        }
    }
}

fn way<'a>(org: &'a Salesforce, kind: &ObjectType, name: &str) -> Option<&'a Field> {
    org.fields(kind)
        .find(|field| field.relationship.as_deref().is_some_and(|way| way.eq_ignore_ascii_case(name)))
}

/// A condition whose fields are found and whose values fit them.
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Compare { path: Box<Path>, operator: Operator, values: Vec<Value> },
}

impl Test {
    fn prepare(org: &Salesforce, kind: &ObjectType, condition: &Condition) -> Result<Self, Fail> {
        let each = |parts: &[Condition]| {
            parts.iter().map(|part| Self::prepare(org, kind, part)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            Condition::All(parts) => Self::All(each(parts)?),
            Condition::Any(parts) => Self::Any(each(parts)?),
            Condition::Not(part) => Self::Not(Box::new(Self::prepare(org, kind, part)?)),
            Condition::Compare { field, operator, values } => {
                let path = Box::new(Path::find(org, kind, field)?);
                let values = values.iter().map(|value| fit(&path.field, value)).collect::<Result<_, _>>()?;
                Self::Compare { path, operator: *operator, values }
            }
        })
    }

    fn holds(&self, org: &Salesforce, record: &Record) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(org, record)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(org, record)),
            Self::Not(part) => !part.holds(org, record),
            Self::Compare { path, operator, values } => {
                let own = path.value(org, record);
                compare(&path.field, *operator, &own, values)
            }
        }
    }

    /// The ids it is about at most, where the values of a key say so.
    fn candidates(&self, org: &Salesforce, kind: &ObjectType) -> Option<Vec<String>> {
        match self {
            Self::All(parts) => parts.iter().find_map(|part| part.candidates(org, kind)),
            Self::Compare { path, operator: Operator::Equal | Operator::In, values }
                if path.way.is_none() =>
            {
                if path.field.name == "Id" {
                    return Some(values.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect());
                }
                let holders = values.iter().map(|value| org.store.holders(kind, &path.field.name, value));
                let sets =
                    holders.collect::<Option<Vec<_>>>().filter(|_| !values.iter().any(Value::is_null))?;
                Some(sets.into_iter().flatten().cloned().collect())
            }
            _ => None,
        }
    }
}

/// A literal as the field would hold it; one of another type is refused.
fn fit(field: &Field, literal: &Literal) -> Result<Value, Fail> {
    let wrong = |quoted: bool| {
        let how = if quoted { "should be enclosed in quotes" } else { "should not be enclosed in quotes" };
        let (name, kind) = (&field.name, field.kind.name());
        Fail::bad(
            "INVALID_FIELD",
            format!("value of filter criterion for field '{name}' must be of type {kind} and {how}"),
        )
    };
    match (field.kind, literal) {
        (_, Literal::Null) => Ok(Value::Null),
        (FieldType::Boolean, Literal::Flag(flag)) => Ok(json!(flag)),
        (kind, Literal::Number(number)) if kind.is_number() => Ok(json!(number)),
        (FieldType::Date, Literal::Moment(text)) if text.len() == 10 => Ok(json!(text)),
        (FieldType::DateTime, Literal::Moment(text)) => {
            instant(text).map(|ms| json!(ms)).ok_or_else(|| wrong(false))
        }
        (FieldType::Id | FieldType::Reference, Literal::Text(text)) => ids::canonical(text)
            .map(|id| json!(id))
            .ok_or_else(|| Fail::bad("INVALID_QUERY_FILTER_OPERATOR", format!("invalid ID field: {text}"))),
        (kind, _)
            if kind.is_number()
                || matches!(kind, FieldType::Boolean | FieldType::Date | FieldType::DateTime) =>
        {
            Err(wrong(false))
        }
        (FieldType::TextArea, Literal::Text(_)) if field.length > 255 => {
            let message = format!("field '{}' can not be filtered in a query call", field.name);
            Err(Fail::bad("INVALID_FIELD", message))
        }
        (_, Literal::Text(text)) => Ok(json!(text)),
        _ => Err(wrong(true)),
    }
}

fn compare(field: &Field, operator: Operator, own: &Value, values: &[Value]) -> bool {
    let Some(first) = values.first() else { return false };
    let same = |value: &Value| order(field, own, value) == Ordering::Equal;
    match operator {
        Operator::Equal => same(first),
        Operator::NotEqual => !same(first),
        Operator::In => values.iter().any(same),
        Operator::NotIn => !values.iter().any(same),
        Operator::Like => like(own.as_str().unwrap_or_default(), first.as_str().unwrap_or_default()),
        _ if own.is_null() || first.is_null() => false,
        Operator::Less => order(field, own, first) == Ordering::Less,
        Operator::LessOrEqual => order(field, own, first) != Ordering::Greater,
        Operator::Greater => order(field, own, first) == Ordering::Greater,
        Operator::GreaterOrEqual => order(field, own, first) != Ordering::Less,
    }
}

/// Nothing comes first; text without regard to case, unless the field tells upper from lower.
fn order(field: &Field, one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        _ if field.kind.is_number() => one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal),
        _ if field.kind == FieldType::DateTime => moment(one).cmp(&moment(other)),
        (Value::String(one), Value::String(other)) => {
            let exact = field.case_sensitive || matches!(field.kind, FieldType::Id | FieldType::Reference);
            if exact { one.cmp(other) } else { one.to_lowercase().cmp(&other.to_lowercase()) }
        }
        _ => one.to_string().cmp(&other.to_string()),
    }
}

fn moment(value: &Value) -> Option<i64> {
    let text = value.as_str();
    value.as_i64().or_else(|| text.and_then(|text| values::instant(text).or_else(|| parse_day(text))))
}

/// `%` is any text, `_` any letter, a backslash takes either's meaning away.
fn like(text: &str, pattern: &str) -> bool {
    fn matches(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => {
                (0..=text.len()).any(|at| text.get(at..).is_some_and(|tail| matches(tail, rest)))
            }
            ['\\', wild @ ('%' | '_'), rest @ ..] => {
                text.split_first().is_some_and(|(one, tail)| one == wild && matches(tail, rest))
            }
            ['_', rest @ ..] => text.split_first().is_some_and(|(_, tail)| matches(tail, rest)),
            [letter, rest @ ..] => {
                text.split_first().is_some_and(|(one, tail)| one == letter && matches(tail, rest))
            }
        }
    }
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    matches(&letters(text), &letters(pattern))
}

/// The records a query is about, in its order; those in the recycle bin too if `all`.
pub(in crate::salesforce) fn run<'a>(
    org: &'a Salesforce,
    query: &Query,
    all: bool,
    tooling: bool,
) -> Result<(&'static ObjectType, Vec<&'a Record>), Fail> {
    let kind =
        find(&query.from).filter(|kind| kind.tooling == tooling).ok_or_else(|| no_type(&query.from))?;
    let test = query.condition.as_ref().map(|condition| Test::prepare(org, kind, condition)).transpose()?;
    let order_by =
        query.order.iter().map(|(name, descending)| Ok((Path::find(org, kind, name)?, *descending)));
    let order_by = order_by.collect::<Result<Vec<(Path, bool)>, Fail>>()?;
    let wanted = |record: &&Record| {
        (all || record.deleted.is_none()) && test.as_ref().is_none_or(|test| test.holds(org, record))
    };
    let mut found: Vec<&Record> = match test.as_ref().and_then(|test| test.candidates(org, kind)) {
        Some(mut ids) => {
            ids.sort();
            ids.dedup();
            ids.iter()
                .filter_map(|id| org.store.get(id))
                .filter(|record| record.kind.name == kind.name)
                .filter(wanted)
                .collect()
        }
        None => org.store.all(kind).filter(wanted).collect(),
    };
    found.sort_by(|one, other| {
        let by = |(path, descending): &(Path, bool)| {
            let order = order(&path.field, &path.value(org, one), &path.value(org, other));
            if *descending { order.reverse() } else { order }
        };
        order_by.iter().map(by).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
    });
    let found = found.into_iter().skip(query.offset).take(query.limit.unwrap_or(usize::MAX));
    Ok((kind, found.collect()))
}
