//! Numbers of a mapping that YAML would not hand on as they are written. Only the text of the file tells: what was read is a
//! number already.

use crate::code::Code;
use crate::config::diagnostic::Diagnostic;
use crate::config::load::{Parsed, diagnostic};
use crate::config::yaml::{Content, Entry, Node};
use crate::mapping::is_kept;
use serde_json::Value;

/// Every number that is not kept among the values that the mapping at `root` writes, and among the keys of its maps.
pub(super) fn faults<T>(root: &Node, parsed: &Parsed<T>) -> Vec<Diagnostic> {
    let mut finder = Finder { lines: parsed.text.lines().map(Line::of).collect(), found: Vec::new() };
    let fields = root.get("fields").into_iter().flat_map(|fields| fields.value.entries());
    for field in fields {
        let map = field.value.get("map").into_iter().flat_map(|map| map.value.entries());
        for entry in map {
            finder.key(&field.key, entry);
            finder.value(&field.key, &entry.value);
        }
        if let Some(default) = field.value.get("default") {
            finder.value(&field.key, &default.value);
        }
    }
    let set = root.get("on_delete").and_then(|rule| rule.value.get("set"));
    for entry in set.into_iter().flat_map(|set| set.value.entries()) {
        finder.value(&entry.key, &entry.value);
    }
    let told = |(at, message)| diagnostic(&parsed.file, at, message, None, Code::NotKept);
    finder.found.into_iter().map(told).collect()
}

struct Finder<'a> {
    lines: Vec<Line<'a>>,
    found: Vec<((u32, u32), String)>,
}

/// A line, in which places are found at once: a whole mapping may stand in one.
struct Line<'a> {
    text: &'a str,
    /// Where each character begins; empty where each is one byte.
    starts: Vec<usize>,
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Self {
        let starts =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(start, _)| start).collect() };
        Self { text, starts }
    }

    /// What stands from the character of this number on.
    fn from(&self, character: usize) -> Option<&'a str> {
        let start = if self.starts.is_empty() { character } else { *self.starts.get(character)? };
        self.text.get(start..)
    }
}

impl Finder<'_> {
    fn value(&mut self, field: &str, node: &Node) {
        match &node.content {
            Content::Scalar(Value::Number(number)) => {
                let at = (node.line, node.column);
                let Some(written) = self.word(at) else { return };
                let why = if !is_kept(&written) {
                    format!("`{written}` has more digits than the CRM would keep")
                } else if is_no_number(&written) {
                    format!("`{written}` is read as the number {}", plain(number))
                } else {
                    return;
                };
                self.found.push((at, format!("field `{field}`: {why}; write it in quotes, as a text")));
            }
            Content::List(items) => items.iter().for_each(|item| self.value(field, item)),
            _ => {}
        }
    }

    /// A key is compared as a text, and is to be the one that is written.
    fn key(&mut self, field: &str, entry: &Entry) {
        let at = (entry.line, entry.column);
        let Some(written) = self.word(at) else { return };
        let is_number = entry.key.parse::<f64>().is_ok();
        if is_number && written != entry.key {
            let message = format!(
                "field `{field}`: the key `{written}` is read as `{}`; write it in quotes",
                entry.key
            );
            self.found.push((at, message));
        }
    }

    /// The word without quotes that stands there.
    fn word(&self, (line, column): (u32, u32)) -> Option<String> {
        let index = |from_one: u32| usize::try_from(from_one.saturating_sub(1)).ok();
        let line = self.lines.get(index(line)?)?;
        let ends = |c: &char| !c.is_whitespace() && !matches!(c, ',' | '}' | ']' | ':' | '#');
        let word: String = line.from(index(column)?)?.chars().take_while(ends).collect();
        word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')).then_some(word)
    }
}

/// Whether people do not write numbers so: with a plus, or with a zero before other digits.
fn is_no_number(written: &str) -> bool {
    let digits = written.trim_start_matches(['-', '+']);
    let leads = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    written.starts_with('+') || leads
}

/// The number as people write it.
fn plain(number: &serde_json::Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_line_of_any_alphabet_when_places_in_it_are_asked_for_then_they_are_counted_in_characters() {
        assert_eq!(Line::of("a: 012").from(3), Some("012"));
        assert_eq!(Line::of("é: 012").from(3), Some("012"));
        assert_eq!(Line::of("é: 012").from(6), None);
        assert_eq!(Line::of("a").from(9), None);
    }
}
