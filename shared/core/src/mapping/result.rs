//! From an expression's value to JSON: exact whole numbers, a cap on size, and no value in an error.

use super::transform::{Number, number};
use minijinja::Value;
use minijinja::value::ValueKind;
use serde_json::Map;

/// The largest value of one property, in bytes of JSON: the largest body that an event may have.
pub const MAX_VALUE_BYTES: usize = 1_048_576;
/// How deep a value may nest.
const MAX_DEPTH: usize = 64;

/// `value` as JSON. Undefined within an object is left out, within a list it is null.
pub(crate) fn to_json(value: &Value) -> Result<serde_json::Value, &'static str> {
    let mut left = MAX_VALUE_BYTES;
    convert(value, MAX_DEPTH, &mut left)
}

fn convert(value: &Value, depth: usize, left: &mut usize) -> Result<serde_json::Value, &'static str> {
    let Some(depth) = depth.checked_sub(1) else { return Err("the value nests deeper than 64 levels") };
    spend(left, 1)?;
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(serde_json::Value::Null),
        ValueKind::Bool => Ok(value.is_true().into()),
        ValueKind::Number => number_to_json(value),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            spend(left, text.len())?;
            Ok(text.into())
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|_| "the list cannot be read")?;
            items.map(|item| convert(&item, depth, left)).collect::<Result<Vec<_>, _>>().map(Into::into)
        }
        ValueKind::Map => {
            let mut object = Map::new();
            for key in value.try_iter().map_err(|_| "the object cannot be read")? {
                let item = value.get_item(&key).unwrap_or_default();
                let name = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                spend(left, name.len())?;
                if !item.is_undefined() {
                    object.insert(name, convert(&item, depth, left)?);
                }
            }
            Ok(object.into())
        }
        _ => Err("the value has no form in JSON"),
    }
}

fn number_to_json(value: &Value) -> Result<serde_json::Value, &'static str> {
    match number(value) {
        Some(Number::Int(whole)) => i64::try_from(whole)
            .map(serde_json::Value::from)
            .or_else(|_| u64::try_from(whole).map(serde_json::Value::from))
            .map_err(|_| "the number is beyond 64 bits"),
        Some(Number::Float(float)) if float.is_finite() => Ok(float.into()),
        _ => Err("the number is not finite"),
    }
}

fn spend(left: &mut usize, bytes: usize) -> Result<(), &'static str> {
    *left = left.checked_sub(bytes).ok_or("the value is larger than 1 MiB")?;
    Ok(())
}
