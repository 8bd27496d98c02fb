//! A text of the same look: addresses stay addresses, and the rest keeps its letters' case, its digits and its marks.

use super::shape;

/// What may stand around a word without being part of it.
const AROUND: [char; 12] = ['<', '>', '(', ')', '[', ']', '{', '}', ',', ';', '"', '\''];

/// The mask of `text`, which has no white space at its ends, at this attempt.
pub(super) fn masked(text: &str, attempt: usize) -> String {
    let figures = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-');
    if shape::is_date(text) {
        shape::date(text, attempt)
    } else if shape::is_phone(text) {
        shape::phone(text, attempt)
    } else if text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(figures) {
        shape::digits(text, attempt)
    } else {
        words(text, attempt)
    }
}

/// Word by word, the white space between them kept.
fn words(text: &str, attempt: usize) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        masked.push_str(&word_of(&rest[..word], attempt));
        let space = rest[word..].len() - rest[word..].trim_start().len();
        masked.push_str(&rest[word..word + space]);
        rest = &rest[word + space..];
    }
    masked
}

fn word_of(word: &str, attempt: usize) -> String {
    let start = word.len() - word.trim_start_matches(AROUND).len();
    let end = start + word[start..].trim_end_matches(AROUND).len();
    let (before, core, after) = (&word[..start], &word[start..end], &word[end..]);
    let number = attempt + 1;
    let masked = if is_email(core) {
        cased(core, &format!("user{number}@example.com"))
    } else if let Some((scheme, rest)) = core.split_once("://").filter(|(scheme, _)| plain(scheme)) {
        let host = rest.find(['/', '?', '#', ':']).unwrap_or(rest.len());
        format!("{scheme}://{}{}", domain(&rest[..host], number), letters(&rest[host..], attempt))
    } else if is_domain(core) {
        domain(core, number)
    } else {
        letters(core, attempt)
    };
    format!("{before}{masked}{after}")
}

fn plain(scheme: &str) -> bool {
    matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "ftp")
}

fn is_email(word: &str) -> bool {
    let parts = word.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.contains('@') && is_domain(host))
}

fn is_domain(word: &str) -> bool {
    let labels: Vec<&str> = word.split('.').collect();
    let label = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let top = labels.last().is_some_and(|top| top.len() > 1 && top.chars().all(char::is_alphabetic));
    labels.len() > 1 && top && labels.iter().all(label)
}

fn domain(host: &str, number: usize) -> String {
    let www = host.get(..4).filter(|start| start.eq_ignore_ascii_case("www.")).unwrap_or_default();
    format!("{www}{}", cased(&host[www.len()..], &format!("site{number}.example")))
}

/// `mask` with an upper case letter where `original` has one somewhere: mappings make them lower.
fn cased(original: &str, mask: &str) -> String {
    if !original.contains(char::is_uppercase) {
        return mask.to_owned();
    }
    let mut letters = mask.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Letters as letters, digits as digits, marks as they are.
fn letters(text: &str, attempt: usize) -> String {
    // x, y, z, a, b …
    let letter = char::from(b'a' + u8::try_from((attempt + 23) % 26).unwrap_or_default());
    let mut count = attempt;
    let masked = text.chars().map(|c| match c {
        _ if c.is_ascii_digit() => {
            count += 1;
            shape::digit(count)
        }
        _ if c.is_uppercase() => letter.to_ascii_uppercase(),
        _ if c.is_whitespace() || c.is_ascii() && !c.is_ascii_alphanumeric() => c,
        _ => letter,
    });
    masked.collect()
}
