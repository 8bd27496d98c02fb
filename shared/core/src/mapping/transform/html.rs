//! The text of HTML, as a person would read it: for notes and descriptions, which CRMs show as they are.

use super::words;
use minijinja::{Error, Value};

/// Elements whose content is not for reading.
const UNREAD: [&str; 5] = ["head", "script", "style", "template", "title"];
/// Elements that begin and end a line.
#[rustfmt::skip]
const LINES: [&str; 24] = [
    "address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "li", "ol", "p", "section", "table", "tr", "ul",
];
#[rustfmt::skip]
const ENTITIES: [(&str, &str); 20] = [
    ("amp", "&"), ("apos", "'"), ("bull", "\u{2022}"), ("copy", "\u{a9}"), ("euro", "\u{20ac}"), ("gt", ">"),
    ("hellip", "\u{2026}"), ("laquo", "\u{ab}"), ("ldquo", "\u{201c}"), ("lsquo", "\u{2018}"), ("lt", "<"), ("mdash", "\u{2014}"),
    ("nbsp", " "), ("ndash", "\u{2013}"), ("pound", "\u{a3}"), ("quot", "\""), ("raquo", "\u{bb}"), ("rdquo", "\u{201d}"),
    ("rsquo", "\u{2019}"), ("shy", ""),
];
/// The longest name or number of an entity, in bytes.
const LONGEST: usize = 10;

pub(super) fn strip_html(value: &Value, _: &[Value]) -> Result<Value, Error> {
    Ok(text_of(&words(value)?).into())
}

fn text_of(html: &str) -> String {
    let (mut lines, mut line, mut rest) = (Vec::new(), String::new(), html);
    while let Some(at) = rest.find('<') {
        line.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let (name, closes) = tag(rest);
        if name.is_empty() && !rest.starts_with("<!") && !rest.starts_with("<?") {
            // A sign, as in 1 < 2.
            line.push('<');
            rest = &rest[1..];
            continue;
        }
        rest = after_tag(rest);
        if LINES.contains(&name.as_str()) {
            lines.push(std::mem::take(&mut line));
        } else if name == "td" || name == "th" {
            line.push(' ');
        } else if !closes && UNREAD.contains(&name.as_str()) {
            rest = after_element(rest, &name);
        }
    }
    line.push_str(rest);
    lines.push(line);
    let read = |line: &String| {
        let read = decoded(line);
        read.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    lines.iter().map(read).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The name of the element that `text` begins or ends, in lower case, and whether it ends.
fn tag(text: &str) -> (String, bool) {
    let inside = text.get(1..).unwrap_or_default();
    let (closes, name) = inside.strip_prefix('/').map_or((false, inside), |name| (true, name));
    let ends = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    let name = &name[..ends];
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic());
    (if is_name { name.to_ascii_lowercase() } else { String::new() }, closes)
}

/// What follows the tag that `text` begins with; a `>` in quotes does not end it.
fn after_tag(text: &str) -> &str {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return &text[at + 1..],
            // Only a value is in quotes.
            (None, '"' | '\'') if text[..at].trim_end().ends_with('=') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    ""
}

/// What follows the end of element `name`.
fn after_element<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        rest = &rest[at..];
        if tag(rest).0 == name {
            return after_tag(rest);
        }
        rest = &rest[2..];
    }
    ""
}

/// `text` with its entities as what they stand for; one that is not known stays as it is.
fn decoded(text: &str) -> String {
    let (mut decoded, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let name = rest.bytes().take(LONGEST + 1).position(|c| c == b';').map(|end| &rest[..end]);
        match name.and_then(|name| Some((name, character(name)?))) {
            Some((name, character)) => {
                decoded.push_str(&character);
                rest = &rest[name.len() + 1..];
            }
            None => decoded.push('&'),
        }
    }
    decoded + rest
}

fn character(name: &str) -> Option<String> {
    let Some(number) = name.strip_prefix('#') else {
        return ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => number.parse(),
    };
    code.ok().and_then(char::from_u32).filter(|c| !c.is_control() || c.is_whitespace()).map(String::from)
}
