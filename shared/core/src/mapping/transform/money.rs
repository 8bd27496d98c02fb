//! Transformers of amounts of money: exact, by decimal text, never by way of a binary fraction.

use super::number::{Number, number};
use super::{count_argument, fail, words};
use minijinja::value::ValueKind;
use minijinja::{Error, Value};

/// The most digits after the point.
const MAX_DIGITS: usize = 15;
/// Currencies whose minor unit is not a hundredth, with the digits after the point (ISO 4217).
#[rustfmt::skip]
const DIGITS: [(&str, usize); 26] = [
    ("BIF", 0), ("CLP", 0), ("DJF", 0), ("GNF", 0), ("ISK", 0), ("JPY", 0), ("KMF", 0), ("KRW", 0), ("PYG", 0), ("RWF", 0),
    ("UGX", 0), ("UYI", 0), ("VND", 0), ("VUV", 0), ("XAF", 0), ("XOF", 0), ("XPF", 0), ("BHD", 3), ("IQD", 3), ("JOD", 3),
    ("KWD", 3), ("LYD", 3), ("OMR", 3), ("TND", 3), ("CLF", 4), ("UYW", 4),
];

/// From `1999` to `"19.99"`.
pub(super) fn major_units(value: &Value, arguments: &[Value]) -> Result<Value, Error> {
    let digits = digits(arguments)?;
    let minor = whole(value)?;
    let text = format!("{:0>width$}", minor.unsigned_abs(), width = digits + 1);
    let (units, fraction) = text.split_at(text.len() - digits);
    let sign = if minor < 0 { "-" } else { "" };
    let point = if digits > 0 { "." } else { "" };
    Ok(format!("{sign}{units}{point}{fraction}").into())
}

/// From `"19.99"` to `1999`; digits beyond the minor unit are rounded, a half away from zero.
pub(super) fn minor_units(value: &Value, arguments: &[Value]) -> Result<Value, Error> {
    let digits = digits(arguments)?;
    let text = words(value)?;
    let error = || fail("minor_units: the value is not an amount, such as 19.99");
    let text = text.trim();
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (units, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    if units.len() + fraction.len() == 0 || !is_number(units) || !is_number(fraction) {
        return Err(error());
    }
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(digits).collect();
    let minor: i128 = format!("0{units}{kept}").parse().map_err(|_| error())?;
    let up = fraction.as_bytes().get(digits).is_some_and(|next| *next >= b'5');
    let minor = minor.checked_add(i128::from(up)).ok_or_else(error)?;
    Number::Int(if negative { -minor } else { minor }).into_value()
}

/// How many digits: by number, or by the currency.
fn digits(arguments: &[Value]) -> Result<usize, Error> {
    match arguments.first() {
        None => Ok(2),
        Some(currency) if currency.kind() == ValueKind::String => {
            let code = currency.as_str().unwrap_or_default().trim().to_uppercase();
            if code.len() != 3 || !code.bytes().all(|c| c.is_ascii_uppercase()) {
                return Err(fail(
                    "the argument is neither a number of digits nor a currency, such as \"JPY\"",
                ));
            }
            Ok(DIGITS.iter().find(|(found, _)| *found == code).map_or(2, |(_, digits)| *digits))
        }
        Some(_) => Ok(count_argument(arguments, 0)?.min(MAX_DIGITS)),
    }
}

fn whole(value: &Value) -> Result<i128, Error> {
    let error = || fail("major_units: the value is not a whole number of minor units");
    match number(value) {
        Some(Number::Int(minor)) => Ok(minor),
        Some(Number::Float(_)) => Err(error()),
        None => words(value)?.trim().parse().map_err(|_| error()),
    }
}
