//! What is wrong with a file as a person sees it: a line to click on, the line of the file, and a caret below the place.
//!
//! Pure, and safe for a terminal: what would move the cursor is shown as a mark, and columns are those that a terminal
//! counts, so that the caret stands below the character however wide the ones before it are.

use super::Diagnostic;
use unicode_width::UnicodeWidthChar;

/// The most columns of a file's line that are shown.
const MOST: usize = 100;
/// Of a longer one: the most columns before the place.
const BEFORE: usize = 60;
/// Characters on either side of the place that are looked at: more than fit.
const LOOKED_AT: usize = 4 * MOST;
/// What a tab is shown as.
const TAB: &str = "    ";
/// What stands where a line is cut.
const CUT: char = '…';

impl Diagnostic {
    /// `config/orgs/acme.yaml:3:5: RTR2002 message; did you mean …?`, `folder` being where the files are.
    #[must_use]
    pub fn headline(&self, folder: &str) -> String {
        let Self { file, line, column, message, suggestion, code, .. } = self;
        let meant = suggestion.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        let slash = if folder.is_empty() || folder.ends_with('/') { "" } else { "/" };
        format!("{folder}{slash}{file}:{line}:{column}: {code} {message}{meant}")
    }

    /// The same, and below it the line of the file with a caret.
    #[must_use]
    pub fn shown(&self, folder: &str) -> String {
        let headline = self.headline(folder);
        if self.source.trim().is_empty() {
            return headline;
        }
        let number = self.line.to_string();
        let (text, caret) = excerpt(&self.source, self.column);
        format!("{headline}\n  {number} | {text}\n  {:1$} | {2:3$}^", "", number.len(), "", caret)
    }
}

/// The part of `line` around its `column` (characters, from 1) that is shown, and the columns of a terminal before the place.
fn excerpt(line: &str, column: u32) -> (String, usize) {
    let place = usize::try_from(column.saturating_sub(1)).unwrap_or_default();
    // More than can be shown on either side need not be looked at: a line may be a whole file.
    let from = place.saturating_sub(LOOKED_AT);
    let cells: Vec<String> = line.chars().skip(from).take(2 * LOOKED_AT).map(cell).collect();
    let place = (place - from).min(cells.len());
    let width = |cells: &[String]| cells.iter().map(|cell| wide(cell)).sum::<usize>();
    let more = from > 0 || line.chars().nth(from + cells.len()).is_some();
    if !more && width(&cells) <= MOST {
        return (cells.concat(), width(&cells[..place]));
    }
    // As much before the place as may be, and then as much after it as there is room for.
    let start = (0..=place).find(|start| width(&cells[*start..place]) <= BEFORE).unwrap_or(place);
    let end = (place..=cells.len()).rev().find(|end| width(&cells[start..*end]) <= MOST).unwrap_or(place);
    let left = if from + start > 0 { CUT.to_string() } else { String::new() };
    let right = if end < cells.len() || line.chars().nth(from + end).is_some() {
        CUT.to_string()
    } else {
        String::new()
    };
    (format!("{left}{}{right}", cells[start..end].concat()), wide(&left) + width(&cells[start..place]))
}

fn cell(c: char) -> String {
    match c {
        '\t' => TAB.to_owned(),
        // Marks of direction and the like would rearrange what is shown.
        c if c.is_control() || is_format(c) => '\u{fffd}'.to_string(),
        c => c.to_string(),
    }
}

/// Characters that are not seen and change how others are.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn wide(cell: &str) -> usize {
    cell.chars().filter_map(UnicodeWidthChar::width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(source: &str, column: u32) -> String {
        let one = Diagnostic {
            file: "orgs/acme.yaml".to_owned(),
            line: 12,
            column,
            message: "unknown field `prvider`".to_owned(),
            suggestion: Some("provider".to_owned()),
            code: "RTR2001",
            source: source.to_owned(),
        };
        one.shown("config")
    }

    #[test]
    fn given_a_place_when_shown_then_the_caret_stands_below_it_whatever_stands_before() {
        insta::assert_snapshot!([at("    prvider: hubspot", 5), at("\tstadt: 東京 | lowr", 14), at("a\u{1b}[2J\u{202e}: x", 8)].join("\n"), @"
        config/orgs/acme.yaml:12:5: RTR2001 unknown field `prvider`; did you mean `provider`?
          12 |     prvider: hubspot
             |     ^
        config/orgs/acme.yaml:12:14: RTR2001 unknown field `prvider`; did you mean `provider`?
          12 |     stadt: 東京 | lowr
             |                   ^
        config/orgs/acme.yaml:12:8: RTR2001 unknown field `prvider`; did you mean `provider`?
          12 | a\u{fffd}[2J\u{fffd}: x
             |        ^
        ");
    }

    #[test]
    fn given_a_long_line_when_shown_then_it_is_cut_around_the_place() {
        let line = format!("{}X{}", "a".repeat(300), "b".repeat(300));
        let shown = at(&line, 301);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1], format!("  12 | …{}X{}…", "a".repeat(BEFORE), "b".repeat(MOST - BEFORE - 1)));
        assert_eq!(lines[2], format!("     | {}^", " ".repeat(BEFORE + 1)));
        let start = at(&line, 1);
        assert!(start.lines().nth(1).unwrap().ends_with(&format!("{}…", "a".repeat(MOST))), "{start}");
        let end = at(&line, 602);
        assert!(end.lines().nth(1).unwrap().ends_with(&format!("…{}", "b".repeat(BEFORE))), "{end}");
    }

    #[test]
    fn given_a_line_as_long_as_a_file_when_shown_then_it_is_cut_at_both_ends_at_once() {
        let line = format!("{}X{}", "a".repeat(3_000_000), "b".repeat(3_000_000));
        let (text, before) = excerpt(&line, 3_000_001);
        assert_eq!(text, format!("…{}X{}…", "a".repeat(BEFORE), "b".repeat(MOST - BEFORE - 1)));
        assert_eq!(before, BEFORE + 1);
    }

    #[test]
    fn given_no_line_to_show_when_shown_then_the_message_stands_alone() {
        assert_eq!(
            at("  ", 1),
            "config/orgs/acme.yaml:12:1: RTR2001 unknown field `prvider`; did you mean `provider`?"
        );
    }

    proptest! {
        #[test]
        fn given_any_line_and_column_when_shown_then_three_lines_fit_a_terminal(line in "\\PC{0,300}", column in 0_u32..400) {
            let shown = at(&line, column);
            let lines: Vec<&str> = shown.lines().collect();
            prop_assert!(lines.len() == 3 || line.trim().is_empty(), "{}", shown);
            for below in &lines[1..] {
                prop_assert!(wide(below) <= MOST + 12, "{}", below);
            }
        }
    }
}
