//! A body taken apart into the texts of its items, each exactly as it stands there.

use serde::de::IgnoredAny;
use serde_json::Deserializer;

/// A place in a text where reading stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why} at line {line} column {column}")]
pub struct Broken {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What is wrong there.
    pub why: &'static str,
}

const TOO_EARLY: &str = "it ends too early";
const UNEXPECTED: &str = "unexpected character";

/// The items of a JSON array.
///
/// # Errors
/// Where the text stops to be one array.
pub fn array(text: &str) -> Result<Vec<&str>, Broken> {
    let mut at = expect(text, skip_space(text, 0), b"[")? + 1;
    let mut items = Vec::new();
    at = skip_space(text, at);
    if text.as_bytes().get(at) == Some(&b']') {
        at += 1;
    } else {
        loop {
            at = skip_space(text, at);
            let end = value_end(text, at)?;
            items.push(&text[at..end]);
            at = expect(text, skip_space(text, end), b",]")? + 1;
            if text.as_bytes()[at - 1] == b']' {
                break;
            }
        }
    }
    at = skip_space(text, at);
    if at < text.len() { Err(broken(text, at, UNEXPECTED)) } else { Ok(items) }
}

/// The lines of a body that hold anything, each with its number, from 1.
pub fn lines(body: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
    lines.filter(|(_, line)| !line.is_empty()).map(|(at, line)| (at + 1, line))
}

/// Where the value that begins at `at` ends.
fn value_end(text: &str, at: usize) -> Result<usize, Broken> {
    let mut values = Deserializer::from_str(&text[at..]).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => Ok(at + values.byte_offset()),
        Some(Err(error)) => {
            let why = if error.is_eof() { TOO_EARLY } else { UNEXPECTED };
            let begin = broken(text, at, why);
            // Its place counts from where the value begins.
            let column = if error.line() == 1 { begin.column - 1 + error.column() } else { error.column() };
            Err(Broken { line: begin.line + error.line() - 1, column, why })
        }
        None => Err(broken(text, text.len(), TOO_EARLY)),
    }
}

fn expect(text: &str, at: usize, wanted: &[u8]) -> Result<usize, Broken> {
    match text.as_bytes().get(at) {
        Some(byte) if wanted.contains(byte) => Ok(at),
        Some(_) => Err(broken(text, at, UNEXPECTED)),
        None => Err(broken(text, at, TOO_EARLY)),
    }
}

fn skip_space(text: &str, at: usize) -> usize {
    let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    at + text.as_bytes()[at..].iter().take_while(space).count()
}

fn broken(text: &str, at: usize, why: &'static str) -> Broken {
    let before = &text.as_bytes()[..at];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    Broken { line, column: at - line_start + 1, why }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn given_arrays_when_split_then_items_are_the_texts_between_the_commas() {
        assert_eq!(array(" [ ] ").unwrap(), [""; 0]);
        let text = "[{\"a\": [1, 2]}, 1.50 ,\"x,]\",\n null,true]";
        assert_eq!(array(text).unwrap(), ["{\"a\": [1, 2]}", "1.50", "\"x,]\"", "null", "true"]);
    }

    #[test]
    fn given_what_is_no_array_when_split_then_the_place_is_told() {
        let texts =
            ["", "{}", "[", "[1", "[1,", "[1,]", "[1 2]", "[{},\n {\"a\":}]", "[] x", "[\"\n\"]", "[nul]"];
        let told: Vec<String> = texts
            .iter()
            .map(|text| array(text).map_or_else(|broken| broken.to_string(), |_| "accepted".to_owned()))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        it ends too early at line 1 column 1
        unexpected character at line 1 column 1
        it ends too early at line 1 column 2
        it ends too early at line 1 column 3
        it ends too early at line 1 column 4
        unexpected character at line 1 column 4
        unexpected character at line 1 column 4
        unexpected character at line 2 column 7
        unexpected character at line 1 column 4
        unexpected character at line 1 column 2
        unexpected character at line 1 column 5
        ");
    }

    #[test]
    fn given_lines_when_split_then_empty_ones_are_none_and_numbers_are_the_texts() {
        let found: Vec<(usize, &[u8])> = lines(b"{}\r\n\n  \n[1]\n").collect();
        assert_eq!(found, [(1, &b"{}"[..]), (4, &b"[1]"[..])]);
    }

    proptest! {
        #[test]
        fn given_any_text_when_split_then_it_never_panics_and_agrees_with_the_json_reader(text in "[\\[\\]{},:\"a1 \n\\\\tru-]{0,40}") {
            let read: Result<Vec<Value>, _> = serde_json::from_str(&text);
            let split = array(&text);
            if let Ok(values) = read {
                let items = split.unwrap();
                let again: Vec<Value> = items.iter().map(|item| serde_json::from_str(item).unwrap()).collect();
                prop_assert_eq!(again, values);
            }
        }

        #[test]
        fn given_any_bytes_when_split_into_lines_then_every_byte_that_is_no_space_is_in_one(body in proptest::collection::vec(any::<u8>(), 0..60)) {
            let kept: usize = lines(&body).map(|(_, line)| line.iter().filter(|byte| !byte.is_ascii_whitespace()).count()).sum();
            prop_assert_eq!(kept, body.iter().filter(|byte| !byte.is_ascii_whitespace()).count());
        }
    }
}
