//! One line of a file of links: CSV, with a header or without, or a JSON object.
//!
//! Ids hold no line breaks, so that a line is a record and has a number, whatever it quotes.

use super::Told;
use crate::change::MAX_VERSION;
use crate::key::MAX_ID_CHARS;
use serde_json::Value;

const NAMES: [&str; 3] = ["record_id", "external_id", "version"];

/// How the lines of a file are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// A JSON object each.
    JsonLines,
    /// Fields parted by commas: the places of record id, external id and version.
    Csv {
        /// Where each field stands; a version may have no place.
        places: [Option<usize>; 3],
        /// The fields that the first line names, if it names any.
        header: Option<usize>,
    },
}

/// Why a line is no link. Never repeats what the line holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotALink(String);

impl Format {
    /// The format of a file that begins with `first`, its first line that is not blank.
    #[must_use]
    pub fn of(first: &str) -> Self {
        if first.trim_start().starts_with('{') {
            return Self::JsonLines;
        }
        let fields = fields(first).unwrap_or_default();
        let place = |name: &str| fields.iter().position(|field| field.trim().eq_ignore_ascii_case(name));
        let places = NAMES.map(place);
        match places {
            [Some(_), Some(_), _] => Self::Csv { places, header: Some(fields.len()) },
            _ => Self::Csv { places: [Some(0), Some(1), Some(2)], header: None },
        }
    }

    /// Whether the first line is a header and no link.
    #[must_use]
    pub fn has_header(&self) -> bool {
        matches!(self, Self::Csv { header: Some(_), .. })
    }
}

/// Reads one line that is not blank.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read(format: &Format, text: &str) -> Result<Told, NotALink> {
    let [record_id, external_id, version] = match format {
        Format::JsonLines => from_json(text)?,
        Format::Csv { places, header } => from_csv(text, places, *header)?,
    };
    Ok(Told {
        record_id: id("record_id", record_id)?,
        external_id: id("external_id", external_id)?,
        version: version.filter(|text| !text.is_empty()).map(|text| number(&text)).transpose()?,
    })
}

fn from_json(text: &str) -> Result<[Option<String>; 3], NotALink> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| NotALink(format!("the line is not JSON at column {}", error.column())))?;
    if !value.is_object() {
        return Err(NotALink("the line is JSON, but not an object".to_owned()));
    }
    let mut parts = [None, None, None];
    for (part, name) in parts.iter_mut().zip(NAMES) {
        *part = match &value[name] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => return Err(NotALink(format!("`{name}` is neither text nor a number"))),
        };
    }
    Ok(parts)
}

fn from_csv(
    text: &str,
    places: &[Option<usize>; 3],
    header: Option<usize>,
) -> Result<[Option<String>; 3], NotALink> {
    let fields = fields(text)?;
    if fields.len() > header.unwrap_or(NAMES.len()) {
        let words = match header {
            Some(named) => format!("where the header names {named}"),
            None => "where record_id,external_id[,version] is expected; a header would say which is which"
                .to_owned(),
        };
        return Err(NotALink(format!("the line has {} fields, {words}", fields.len())));
    }
    Ok(places.map(|place| fields.get(place?).cloned()))
}

/// The fields of a line of CSV (RFC 4180). What is not quoted is trimmed.
fn fields(line: &str) -> Result<Vec<String>, NotALink> {
    let (mut fields, mut rest) = (Vec::new(), line);
    loop {
        let (field, after) = match rest.trim_start().strip_prefix('"') {
            Some(inside) => quoted(inside)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].trim().to_owned(), &rest[end..])
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok(fields),
        }
    }
}

/// A quoted field from behind its first quote, and what comes after its last one.
fn quoted(inside: &str) -> Result<(String, &str), NotALink> {
    let (mut field, mut rest) = (String::new(), inside);
    loop {
        let Some((before, after)) = rest.split_once('"') else {
            return Err(NotALink("a quoted field has no end".to_owned()));
        };
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => {
                let after = after.trim_start();
                return if after.is_empty() || after.starts_with(',') {
                    Ok((field, after))
                } else {
                    Err(NotALink("text stands behind a quoted field".to_owned()))
                };
            }
        }
    }
}

fn id(name: &str, text: Option<String>) -> Result<String, NotALink> {
    let text =
        text.filter(|text| !text.is_empty()).ok_or_else(|| NotALink(format!("`{name}` is missing")))?;
    let length = text.chars().count();
    if length > MAX_ID_CHARS {
        return Err(NotALink(format!("`{name}` has {length} characters, {MAX_ID_CHARS} are allowed")));
    }
    if text.chars().any(char::is_control) {
        return Err(NotALink(format!("`{name}` holds a control character")));
    }
    Ok(text)
}

fn number(text: &str) -> Result<u64, NotALink> {
    let wrong = || NotALink(format!("`version` is not an integer from 0 to {MAX_VERSION}"));
    text.parse().ok().filter(|version| *version <= MAX_VERSION).ok_or_else(wrong)
}

/// `text` as a field of CSV that [`read`] reads back exactly.
#[must_use]
pub fn csv_field(text: &str) -> String {
    let plain = !text.contains([',', '"']) && text.trim() == text && !text.starts_with(['{', '\u{feff}']);
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(first: &str, line: &str) -> String {
        match read(&Format::of(first), line) {
            Ok(Told { record_id, external_id, version }) => format!("{record_id}|{external_id}|{version:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn given_lines_when_read_then_each_is_a_link_or_says_what_is_wrong() {
        let csv = |line: &str| said("a,1", line);
        let json = |line: &str| said("{}", line);
        let long = "x".repeat(513);
        let seen = [
            csv("c-1,501"),
            csv(" c-1 , 501 ,7"),
            csv(r#""a,""b""", "501""#),
            said("Version,external_id,record_id,more", "7,501,c-1,x"),
            json(r#"{"record_id":"c-1","external_id":501,"version":7}"#),
            csv("c-1"),
            csv("c-1,"),
            csv("c-1,501,seven"),
            csv("c-1,501,-1"),
            csv("a,b,1,d"),
            said("record_id,external_id", "a,b,7"),
            csv(r#""c-1,501"#),
            csv(r#""c-1"x,501"#),
            csv(&format!("{long},1")),
            csv("a\u{7},1"),
            json(r#"{"record_id":"#),
            json("[1]"),
            json(r#"{"record_id":{},"external_id":"1"}"#),
        ];
        insta::assert_snapshot!(seen.join("\n"), @r#"
        c-1|501|None
        c-1|501|Some(7)
        a,"b"|501|None
        c-1|501|Some(7)
        c-1|501|Some(7)
        `external_id` is missing
        `external_id` is missing
        `version` is not an integer from 0 to 9007199254740991
        `version` is not an integer from 0 to 9007199254740991
        the line has 4 fields, where record_id,external_id[,version] is expected; a header would say which is which
        the line has 3 fields, where the header names 2
        a quoted field has no end
        text stands behind a quoted field
        `record_id` has 513 characters, 512 are allowed
        `record_id` holds a control character
        the line is not JSON at column 13
        the line is JSON, but not an object
        `record_id` is neither text nor a number
        "#);
    }

    #[test]
    fn given_a_first_line_when_looked_at_then_the_format_is_known() {
        assert_eq!(Format::of(r#" {"record_id":"a"}"#), Format::JsonLines);
        assert!(Format::of("record_id,external_id").has_header());
        assert!(Format::of("\"Record_ID\", external_id ,version").has_header());
        assert!(!Format::of("c-1,501").has_header());
    }

    proptest! {
        #[test]
        fn given_any_ids_when_written_as_csv_and_read_then_they_are_the_same(
            record in "[^\\p{Cc}]{1,12}", external in "[^\\p{Cc}]{1,12}", version in proptest::option::of(0..=MAX_VERSION),
        ) {
            let told = Told { record_id: record, external_id: external, version };
            let version = version.map_or_else(String::new, |version| version.to_string());
            let line = format!("{},{},{version}", csv_field(&told.record_id), csv_field(&told.external_id));
            prop_assert_eq!(read(&Format::of("record_id,external_id,version"), &line), Ok(told));
        }

        #[test]
        fn given_any_text_when_read_then_it_never_panics(first in "\\PC{0,20}", line in "\\PC{0,40}") {
            let _ = read(&Format::of(&first), &line);
        }
    }
}
