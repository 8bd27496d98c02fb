//! The operators of expressions: each hands a missing operand on, so that what is missing never turns into a value.
//!
//! Undefined beats none: an operand that nobody knows leaves the field alone, one that is known to be empty clears it.
//! Whole numbers are exact; a result beyond 64 bits is an error, never an approximation.

use crate::mapping::transform::{Number, fail, missing_of, number};
use minijinja::value::ValueKind;
use minijinja::{Error, Value};
use std::cmp::Ordering;

/// `value.key` and `value[key]`; a key of none is none.
pub(super) fn get(value: &Value, key: &Value) -> Result<Value, Error> {
    if let Some(missing) = missing_of([value]) {
        return Ok(missing);
    }
    if value.kind() == ValueKind::Map || matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return value.get_item(key);
    }
    Ok(Value::UNDEFINED)
}

/// `value[start:stop]` of a text or a list.
pub(super) fn slice(value: &Value, start: &Value, stop: &Value) -> Result<Value, Error> {
    if let Some(missing) = missing_of([value]) {
        return Ok(missing);
    }
    let bound = |bound: &Value, length: usize, default: usize| -> Result<usize, Error> {
        if bound.is_none() {
            return Ok(default);
        }
        let Some(index) = bound.as_i64() else { return Err(fail("a slice takes whole numbers")) };
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let index = if index < 0 { index.saturating_add(length) } else { index };
        Ok(usize::try_from(index.clamp(0, length)).unwrap_or_default())
    };
    if let Some(text) = value.as_str() {
        let length = text.chars().count();
        let (from, to) = (bound(start, length, 0)?, bound(stop, length, length)?);
        return Ok(text.chars().skip(from).take(to.saturating_sub(from)).collect::<String>().into());
    }
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Err(fail("only a text or a list can be sliced"));
    }
    let items: Vec<Value> = value.try_iter()?.collect();
    let (from, to) = (bound(start, items.len(), 0)?, bound(stop, items.len(), items.len())?);
    Ok(items.into_iter().skip(from).take(to.saturating_sub(from)).collect())
}

/// `item in whole`; nothing is in what is missing.
pub(crate) fn contains(whole: &Value, item: &Value) -> Result<bool, Error> {
    match whole.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(false),
        ValueKind::String => match (whole.as_str(), item.as_str()) {
            (Some(whole), Some(item)) => Ok(whole.contains(item)),
            _ => Ok(false),
        },
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            Ok(whole.try_iter()?.any(|one| one == *item))
        }
        _ => Err(fail("`in` looks into a text, a list or an object")),
    }
}

/// `a < b` and its kin, of two numbers or two texts.
pub(super) fn order(a: &Value, sign: &Value, b: &Value) -> Result<Value, Error> {
    if let Some(missing) = missing_of([a, b]) {
        return Ok(missing);
    }
    let ordering = match (number(a), number(b), a.as_str(), b.as_str()) {
        (Some(a), Some(b), _, _) => a.compare(b),
        (_, _, Some(a), Some(b)) => a.cmp(b),
        _ => return Err(fail("only two numbers or two texts have an order")),
    };
    Ok(Value::from(match sign.as_str() {
        Some("<") => ordering == Ordering::Less,
        Some("<=") => ordering != Ordering::Greater,
        Some(">") => ordering == Ordering::Greater,
        _ => ordering != Ordering::Less,
    }))
}

/// `a + b - c` and its kin, from left to right: `rest` is signs and operands in turn.
pub(super) fn chain(first: Value, rest: &[Value]) -> Result<Value, Error> {
    let operands = rest.iter().skip(1).step_by(2);
    if let Some(missing) = missing_of(std::iter::once(&first).chain(operands)) {
        return Ok(missing);
    }
    rest.chunks(2).try_fold(first, |left, step| match step {
        [sign, right] => arithmetic(&left, sign.as_str().unwrap_or_default(), right),
        _ => Err(fail("an operator lacks its operand")),
    })
}

/// Two numbers; `+` also joins two texts or two lists.
fn arithmetic(a: &Value, sign: &str, b: &Value) -> Result<Value, Error> {
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return compute(a, sign, b)?.into_value();
    }
    match (sign, a.as_str(), b.as_str()) {
        ("+", Some(a), Some(b)) => Ok(Value::from([a, b].concat())),
        ("+", _, _) if a.kind() == ValueKind::Seq && b.kind() == ValueKind::Seq => {
            Ok(a.try_iter()?.chain(b.try_iter()?).collect())
        }
        _ => Err(fail("arithmetic takes numbers; turn a text into one with `| int` or `| float`")),
    }
}

fn compute(a: Number, sign: &str, b: Number) -> Result<Number, Error> {
    let nothing = matches!(b, Number::Int(0)) || b.as_f64() == 0.0;
    if nothing && matches!(sign, "/" | "//" | "%") {
        return Err(fail("division by zero"));
    }
    if let (Number::Int(a), Number::Int(b)) = (a, b) {
        let exact = match sign {
            "+" => a.checked_add(b),
            "-" => a.checked_sub(b),
            "*" => a.checked_mul(b),
            "//" => Some((a * b.signum()).div_euclid(b.abs())),
            "%" => Some(a.rem_euclid(b.abs())),
            "**" if b >= 0 => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
            "/" if a % b == 0 => Some(a / b),
            _ => return Ok(Number::Float(float(Number::Int(a), sign, Number::Int(b)))),
        };
        return exact.map(Number::Int).ok_or_else(|| fail("the result is beyond 64 bits"));
    }
    Ok(Number::Float(float(a, sign, b)))
}

fn float(a: Number, sign: &str, b: Number) -> f64 {
    let (a, b) = (a.as_f64(), b.as_f64());
    match sign {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "//" => (a / b).floor(),
        "%" => a.rem_euclid(b),
        _ => a.powf(b),
    }
}
