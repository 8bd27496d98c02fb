//! Transformers of any value, and those that replace what is missing.

use super::{fail, missing_of, words};
use crate::mapping::result::to_json;
use minijinja::value::ValueKind;
use minijinja::{Error, Value};

type Answer = Result<Value, Error>;

pub(super) fn string(value: &Value, _: &[Value]) -> Answer {
    Ok(words(value)?.into())
}

pub(super) fn bool(value: &Value, _: &[Value]) -> Answer {
    if value.kind() == ValueKind::Bool {
        return Ok(value.clone());
    }
    match words(value)?.trim().to_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" | "1.0" => Ok(true.into()),
        "false" | "no" | "n" | "off" | "0" | "0.0" => Ok(false.into()),
        "" => Ok(Value::from(())),
        _ => Err(fail("bool: the value says neither true nor false")),
    }
}

pub(super) fn json(value: &Value, _: &[Value]) -> Answer {
    Ok(to_json(value).map_err(fail)?.to_string().into())
}

pub(super) fn lookup(value: &Value, arguments: &[Value]) -> Answer {
    let Some(object) = arguments.first().filter(|object| object.kind() == ValueKind::Map) else {
        return Err(fail("lookup: the first argument is not an object, such as {\"de\": \"Germany\"}"));
    };
    let found = object.get_item(value)?;
    let found = if found.is_undefined() { object.get_attr(&words(value)?)? } else { found };
    Ok(if found.is_undefined() { arguments.get(1).cloned().unwrap_or_default() } else { found })
}

pub(super) fn nullif(value: &Value, arguments: &[Value]) -> Answer {
    Ok(if arguments.first() == Some(value) { Value::from(()) } else { value.clone() })
}

pub(super) fn blank_to_none(value: &Value, _: &[Value]) -> Answer {
    let blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    Ok(if blank { Value::from(()) } else { value.clone() })
}

pub(super) fn default(value: &Value, arguments: &[Value]) -> Answer {
    let missing = value.is_undefined() || value.is_none();
    Ok(if missing { arguments.first().cloned().unwrap_or_default() } else { value.clone() })
}

pub(super) fn required(value: &Value, _: &[Value]) -> Answer {
    if value.is_undefined() || value.is_none() {
        Err(fail("a required value is missing"))
    } else {
        Ok(value.clone())
    }
}

pub(super) fn coalesce(_: &Value, arguments: &[Value]) -> Answer {
    let present = arguments.iter().find(|value| !value.is_undefined() && !value.is_none());
    Ok(present.cloned().or_else(|| missing_of(arguments)).unwrap_or_default())
}

pub(super) fn concat(_: &Value, arguments: &[Value]) -> Answer {
    if let Some(missing) = missing_of(arguments) {
        return Ok(missing);
    }
    let parts: Result<Vec<String>, Error> = arguments.iter().map(words).collect();
    Ok(parts?.concat().into())
}
