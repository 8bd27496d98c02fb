//! A difference as people see it: what is expected above what is written, with a mark under the part that differs.

use crate::output::one_line;
use rtr_core::mapping::Difference;
use serde_json::Value;
use std::ops::Range;
use unicode_width::UnicodeWidthStr;

/// Characters of a value that are shown; of a longer one the part around what differs.
const SHOWN: usize = 80;
/// Characters shown before what differs.
const BEFORE: usize = 24;
const EXPECTED: &str = "    expected  ";
const GOT: &str = "    got       ";

/// The lines of a difference whose expectation stands on `line` of its file.
pub(super) fn lines(line: u32, difference: &Difference) -> Vec<String> {
    let Difference { property, message, expected, got, suggestion } = difference;
    let meant = suggestion.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    let mut lines = vec![match property {
        Some(property) => format!("  {}, line {line}: {message}{meant}", one_line(property)),
        None => format!("  {}{meant}", one_line(message)),
    }];
    match (expected, got) {
        (Some(expected), Some(got)) => lines.extend(both(expected, got)),
        (Some(only), None) => lines.push(format!("{EXPECTED}{}", clipped(&shown(only), 0..0).0)),
        (None, Some(only)) => lines.push(format!("{GOT}{}", clipped(&shown(only), 0..0).0)),
        (None, None) => {}
    }
    lines
}

fn both(expected: &Value, got: &Value) -> Vec<String> {
    let (a, b) = (shown(expected), shown(got));
    let texts = expected.is_string() && got.is_string();
    let (in_a, in_b) = differing(&a, &b);
    // Where nothing is alike there is nothing to point at.
    let alike = texts && (in_a.start > 1 || in_a.end + 1 < a.chars().count());
    [(EXPECTED, a, in_a), (GOT, b, in_b)]
        .into_iter()
        .flat_map(|(label, text, at)| {
            let (text, at) = clipped(&text, at);
            let width = |text: String| text.width();
            let before = width(text.chars().take(at.start).collect());
            let marked = width(text.chars().skip(at.start).take(at.len()).collect());
            let mark = format!("{}{}{}", " ".repeat(label.len()), " ".repeat(before), "^".repeat(marked));
            let mark = Some(mark).filter(|_| alike && marked > 0);
            std::iter::once(format!("{label}{text}")).chain(mark)
        })
        .collect()
}

/// JSON, in which white space at the ends and control characters can be seen.
fn shown(value: &Value) -> String {
    one_line(&value.to_string())
}

/// The characters of each that stand between what both begin with and what both end with.
fn differing(a: &str, b: &str) -> (Range<usize>, Range<usize>) {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - start;
    let end = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    (start..a.len() - end, start..b.len() - end)
}

/// The part of a long text around `at`, and where that is within it.
fn clipped(text: &str, at: Range<usize>) -> (String, Range<usize>) {
    let length = text.chars().count();
    if length <= SHOWN {
        return (text.to_owned(), at);
    }
    let from = at.start.saturating_sub(BEFORE).min(length - SHOWN);
    let (left, right) = (from > 0, from + SHOWN < length);
    let part: String = text.chars().skip(from).take(SHOWN).collect();
    let shown = format!("{}{part}{}", if left { "…" } else { "" }, if right { "…" } else { "" });
    let shift = |index: usize| index.saturating_sub(from).min(SHOWN) + usize::from(left);
    (shown, shift(at.start)..shift(at.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(expected: Value, got: Value) -> String {
        both(&expected, &got).join("\n")
    }

    #[test]
    fn given_two_values_when_shown_then_what_differs_is_marked_in_both() {
        let long = format!("{} END {}", "long ".repeat(40), "text ".repeat(40));
        let all = [
            told(json!("Ada  Lovelace"), json!("Ada Lovelace")),
            told(json!("a\n"), json!("a")),
            told(json!("東京 12"), json!("東京 13")),
            told(json!("lead"), json!("won")),
            told(json!([1, 2]), json!([1, 3])),
            told(json!(long.clone()), json!(long.replace("END", "AND"))),
        ];
        insta::assert_snapshot!(all.join("\n--\n"), @r#"
            expected  "Ada  Lovelace"
                           ^
            got       "Ada Lovelace"
        --
            expected  "a\n"
                        ^^
            got       "a"
        --
            expected  "東京 12"
                             ^
            got       "東京 13"
                             ^
        --
            expected  "lead"
            got       "won"
        --
            expected  [1,2]
            got       [1,3]
        --
            expected  …ng long long long long  END text text text text text text text text text text te…
                                               ^
            got       …ng long long long long  AND text text text text text text text text text text te…
                                               ^
        "#);
    }

    #[test]
    fn given_one_value_alone_when_shown_then_it_stands_behind_its_word() {
        let difference = Difference {
            property: Some("zip".to_owned()),
            expected: Some(json!("1")),
            ..Difference::whole("it is left alone".to_owned())
        };
        assert_eq!(lines(3, &difference), ["  zip, line 3: it is left alone", "    expected  \"1\""]);
    }
}
