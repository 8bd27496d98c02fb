//! Transformers of text. A number or a truth value is taken as its words.

use super::{count_argument, fail, text_argument, words};
use crate::digest;
use minijinja::{Error, Value};
use std::collections::HashSet;

/// The longest result of [`pad`], in characters.
const MAX_PAD_CHARS: usize = 1_000;
type Answer = Result<Value, Error>;

pub(super) fn lower(value: &Value, _: &[Value]) -> Answer {
    Ok(words(value)?.to_lowercase().into())
}

pub(super) fn upper(value: &Value, _: &[Value]) -> Answer {
    Ok(words(value)?.to_uppercase().into())
}

pub(super) fn capitalize(value: &Value, _: &[Value]) -> Answer {
    Ok(capitalized(&words(value)?).into())
}

pub(super) fn title(value: &Value, _: &[Value]) -> Answer {
    let text = words(value)?;
    let mut titled = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let letters = rest.find(|c: char| !c.is_alphanumeric() && c != '\'').unwrap_or(rest.len());
        titled.push_str(&capitalized(&rest[..letters]));
        let others =
            rest[letters..].find(char::is_alphanumeric).map_or(rest.len(), |others| letters + others);
        titled.push_str(&rest[letters..others]);
        rest = &rest[others..];
    }
    Ok(titled.into())
}

pub(super) fn trim(value: &Value, arguments: &[Value]) -> Answer {
    let text = words(value)?;
    if arguments.is_empty() {
        return Ok(text.trim().into());
    }
    // A set: both may be as long as a value may be.
    let characters: HashSet<char> = text_argument(arguments, 0)?.chars().collect();
    Ok(text.trim_matches(|c| characters.contains(&c)).into())
}

pub(super) fn squeeze(value: &Value, _: &[Value]) -> Answer {
    Ok(words(value)?.split_whitespace().collect::<Vec<_>>().join(" ").into())
}

pub(super) fn replace(value: &Value, arguments: &[Value]) -> Answer {
    let (from, to) = (text_argument(arguments, 0)?, text_argument(arguments, 1)?);
    if from.is_empty() {
        return Err(fail("replace: the text to replace is empty"));
    }
    let text = words(value)?;
    let grown = text.matches(from).count().saturating_mul(to.len()).saturating_add(text.len());
    if grown > super::super::MAX_VALUE_BYTES {
        return Err(fail("replace: the result is larger than a value may be"));
    }
    Ok(text.replace(from, to).into())
}

/// With a mark that something is missing, the result with it is no longer.
pub(super) fn truncate(value: &Value, arguments: &[Value]) -> Answer {
    let length = count_argument(arguments, 0)?;
    let mark = if arguments.len() > 1 { text_argument(arguments, 1)? } else { "" };
    let text = words(value)?;
    if text.chars().count() <= length {
        return Ok(text.into());
    }
    let kept = length.saturating_sub(mark.chars().count());
    let shortened: String = text.chars().take(kept).collect();
    Ok((shortened + mark).chars().take(length).collect::<String>().into())
}

/// No character is cut in two.
pub(super) fn truncate_bytes(value: &Value, arguments: &[Value]) -> Answer {
    let text = words(value)?;
    let end = count_argument(arguments, 0)?.min(text.len());
    let end = (0..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    Ok(text[..end].into())
}

pub(super) fn pad(value: &Value, arguments: &[Value]) -> Answer {
    let length = count_argument(arguments, 0)?;
    let filler = if arguments.len() > 1 { text_argument(arguments, 1)? } else { "0" };
    let Some(filler) = filler.chars().next() else {
        return Err(fail("pad: the text to fill up with is empty"));
    };
    if length > MAX_PAD_CHARS {
        return Err(fail("pad: at most 1000 characters"));
    }
    let text = words(value)?;
    let lacking = length.saturating_sub(text.chars().count());
    Ok(std::iter::repeat_n(filler, lacking).chain(text.chars()).collect::<String>().into())
}

pub(super) fn before(value: &Value, arguments: &[Value]) -> Answer {
    let (text, mark) = (words(value)?, text_argument(arguments, 0)?);
    Ok(text.split_once(mark).map_or(text.as_str(), |(before, _)| before).into())
}

pub(super) fn after(value: &Value, arguments: &[Value]) -> Answer {
    let (text, mark) = (words(value)?, text_argument(arguments, 0)?);
    Ok(text.split_once(mark).map_or(Value::UNDEFINED, |(_, after)| after.into()))
}

pub(super) fn split(value: &Value, arguments: &[Value]) -> Answer {
    let (text, mark) = (words(value)?, text_argument(arguments, 0)?);
    if mark.is_empty() {
        return Err(fail("split: the text to split at is empty"));
    }
    Ok(text.split(mark).map(Value::from).collect())
}

pub(super) fn digits(value: &Value, _: &[Value]) -> Answer {
    Ok(only_digits(&words(value)?).into())
}

pub(super) fn slug(value: &Value, _: &[Value]) -> Answer {
    let text = words(value)?.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    Ok(words.collect::<Vec<_>>().join("-").into())
}

pub(super) fn domain(value: &Value, _: &[Value]) -> Answer {
    let text = words(value)?.trim().to_lowercase();
    let after_scheme = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    Ok(if host.contains('.') { host.into() } else { Value::UNDEFINED })
}

pub(super) fn hash(value: &Value, _: &[Value]) -> Answer {
    Ok(digest::hex(words(value)?.as_bytes()).into())
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect()
    })
}

fn only_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
