//! Transformers of people's names and addresses.

use super::words;
use minijinja::{Error, Value};

/// What belongs to the family name that follows it, in lower case as it is written there.
const PARTICLES: [&str; 31] = [
    "af", "al", "ap", "av", "ben", "bin", "da", "das", "de", "degli", "dei", "del", "della", "den", "der",
    "di", "dos", "du", "el", "ibn", "la", "le", "san", "st.", "te", "ten", "ter", "van", "von", "zu", "zum",
];
/// What is said before a name and is none of it.
const TITLES: [&str; 16] = [
    "dr",
    "frau",
    "herr",
    "hr",
    "ing",
    "mag",
    "miss",
    "mme",
    "mr",
    "mrs",
    "ms",
    "mx",
    "prof",
    "professor",
    "sir",
    "dame",
];
/// What is said after it.
const SUFFIXES: [&str; 9] = ["ii", "iii", "iv", "jr", "sr", "md", "mba", "msc", "phd"];

type Answer = Result<Value, Error>;

pub(super) fn given_name(value: &Value, _: &[Value]) -> Answer {
    let text = words(value)?;
    Ok(present(parts(&text).0))
}

pub(super) fn family_name(value: &Value, _: &[Value]) -> Answer {
    let text = words(value)?;
    Ok(present(parts(&text).1))
}

pub(super) fn initials(value: &Value, _: &[Value]) -> Answer {
    let text = words(value)?;
    let letters = text.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphabetic()));
    Ok(present(letters.flat_map(char::to_uppercase).collect()))
}

/// Whether an address is in use only its server knows: what is looked at is what every CRM refuses.
pub(super) fn email(value: &Value, _: &[Value]) -> Answer {
    let text = words(value)?;
    let text = text.trim();
    // As address books hand it on: Ada King <ada@example.com>.
    let address = text.rsplit_once('<').map_or(text, |(_, rest)| rest.strip_suffix('>').unwrap_or(rest));
    let address = address.strip_prefix("mailto:").unwrap_or(address).trim().to_lowercase();
    Ok(if is_address(&address) { address.into() } else { Value::UNDEFINED })
}

fn is_address(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let odd = |c: char| c.is_whitespace() || c.is_control() || ",;<>()[]\\\"".contains(c);
    let dots = |part: &str| part.starts_with('.') || part.ends_with('.') || part.contains("..");
    let label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    (1..=64).contains(&local.len())
        && host.len() <= 255
        && !text.contains(odd)
        // One in quotes could hold an @; no CRM takes it.
        && !local.contains('@')
        && !dots(local)
        && host.contains('.')
        && host.split('.').all(label)
        && host.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-')
        && last.chars().count() >= 2
        && !last.chars().all(|c| c.is_ascii_digit())
}

fn present(text: String) -> Value {
    if text.is_empty() { Value::UNDEFINED } else { text.into() }
}

/// The given names and the family name of a whole name: `Ada King`, `King, Ada`, `Ludwig van Beethoven`.
fn parts(text: &str) -> (String, String) {
    if let Some((family, given)) = text.split_once(',')
        && !is_one_of(given.trim(), &SUFFIXES)
    {
        return (joined(&bare(given)), joined(&bare(family)));
    }
    let words = bare(text);
    let Some(last) = words.len().checked_sub(1) else { return Default::default() };
    let particles = words[..last].iter().rev().take_while(|word| PARTICLES.contains(word)).count();
    let (given, family) = words.split_at(last - particles);
    (joined(given), joined(family))
}

/// The words of a name without titles before it and suffixes after it.
fn bare(text: &str) -> Vec<&str> {
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_end_matches(',')).collect();
    let titles = words.iter().take_while(|word| is_one_of(word, &TITLES)).count();
    let suffixes = words.iter().rev().take_while(|word| is_one_of(word, &SUFFIXES)).count();
    // A name that is nothing else is one.
    let end = if titles + suffixes < words.len() { words.len() - suffixes } else { words.len() };
    words.get(titles.min(end.saturating_sub(1))..end).unwrap_or_default().to_vec()
}

fn is_one_of(word: &str, list: &[&str]) -> bool {
    let word: String = word.chars().filter(|c| *c != '.').flat_map(char::to_lowercase).collect();
    list.contains(&word.as_str())
}

fn joined(words: &[&str]) -> String {
    words.join(" ")
}
