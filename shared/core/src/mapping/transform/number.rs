//! Transformers of numbers. Whole numbers stay whole and exact, up to 64 bits.

use super::{count_argument, fail, words};
use minijinja::value::ValueKind;
use minijinja::{Error, Value};
use std::cmp::Ordering;

/// The most digits after the point that are asked for.
const MAX_DIGITS: usize = 15;

/// A number of an expression.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    /// The nearest number with a fraction.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }

    /// The order of two numbers; whole numbers are compared exactly.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            (a, b) => a.as_f64().total_cmp(&b.as_f64()),
        }
    }

    /// The number as a value that JSON can carry.
    pub(crate) fn into_value(self) -> Result<Value, Error> {
        match self {
            Self::Int(number) => i64::try_from(number)
                .map(Value::from)
                .or_else(|_| u64::try_from(number).map(Value::from))
                .map_err(|_| fail("the result is beyond 64 bits")),
            Self::Float(number) if number.is_finite() => Ok(Value::from(number)),
            Self::Float(_) => Err(fail("the result is not a finite number")),
        }
    }
}

/// The number that `value` is, without turning a text into one.
pub(crate) fn number(value: &Value) -> Option<Number> {
    if value.kind() != ValueKind::Number {
        return None;
    }
    if value.is_integer() {
        return i128::try_from(value.clone()).ok().map(Number::Int);
    }
    f64::try_from(value.clone()).ok().map(Number::Float)
}

pub(super) fn int(value: &Value, _: &[Value]) -> Result<Value, Error> {
    match to_number(value)? {
        Number::Float(number) => truncated(number)?.into_value(),
        whole @ Number::Int(_) => whole.into_value(),
    }
}

pub(super) fn float(value: &Value, _: &[Value]) -> Result<Value, Error> {
    Number::Float(to_number(value)?.as_f64()).into_value()
}

pub(super) fn round(value: &Value, arguments: &[Value]) -> Result<Value, Error> {
    let digits = if arguments.is_empty() { 0 } else { count_argument(arguments, 0)?.min(MAX_DIGITS) };
    match to_number(value)? {
        whole @ Number::Int(_) => whole.into_value(),
        Number::Float(number) if digits == 0 => truncated(number.round())?.into_value(),
        // Through the decimal text: scaling by a power of ten would round 1.005 by its binary error.
        Number::Float(number) => {
            let text = format!("{number:.digits$}");
            Number::Float(text.parse().map_err(|_| fail("round: the value is not a number"))?).into_value()
        }
    }
}

pub(super) fn abs(value: &Value, _: &[Value]) -> Result<Value, Error> {
    match to_number(value)? {
        Number::Int(number) => Number::Int(number.abs()).into_value(),
        Number::Float(number) => Number::Float(number.abs()).into_value(),
    }
}

/// The number that `value` is or says.
fn to_number(value: &Value) -> Result<Number, Error> {
    if let Some(number) = number(value) {
        return Ok(number);
    }
    let text = words(value)?;
    let text = text.trim();
    if let Ok(flag) = text.parse::<bool>() {
        return Ok(Number::Int(flag.into()));
    }
    if let Ok(whole) = text.parse::<i128>() {
        return Ok(Number::Int(whole));
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Number::Float(number)),
        _ => Err(fail("the value is not a number")),
    }
}

/// The whole part of `number`.
#[allow(clippy::cast_possible_truncation)]
fn truncated(number: f64) -> Result<Number, Error> {
    // Within ±2^96 the conversion is exact, and far beyond 64 bits it fails as it must.
    if number.abs() < 2f64.powi(96) {
        Ok(Number::Int(number.trunc() as i128))
    } else {
        Err(fail("the result is beyond 64 bits"))
    }
}
