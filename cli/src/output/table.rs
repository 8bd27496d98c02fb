//! Tables. In a pipe columns begin at the margin and nothing is cut; on a terminal they fit its width, and a word that says how
//! something stands has its colour.

use super::{Style, one_line};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use std::io::IsTerminal;
use unicode_width::UnicodeWidthStr;

/// Columns up to this many characters stay whole: ids, times, codes.
const WHOLE: usize = 26;
/// Wider ones get at least as many before rows become blocks of lines.
const LEAST: usize = 20;
/// Blanks of a column, at both its sides.
const PADDING: usize = 2;
/// Narrower than that nothing can be laid out; wider than that nobody's terminal is.
const WIDTHS: std::ops::RangeInclusive<usize> = 20..=1_000;

/// What a column has to say how something stands, by its header.
const STANDINGS: [&str; 4] = ["state", "status", "outcome", "breaker"];

/// Where colours begin and end, while cells are laid out: characters that take no room.
const BOLD: char = '\u{206a}';
const RED: char = '\u{206b}';
const YELLOW: char = '\u{206c}';
const GREEN: char = '\u{206d}';
const END: char = '\u{206e}';
/// The same for a terminal.
const CODES: [(char, &str); 5] = [
    (BOLD, "\u{1b}[1m"),
    (RED, "\u{1b}[31m"),
    (YELLOW, "\u{1b}[33m"),
    (GREEN, "\u{1b}[32m"),
    (END, "\u{1b}[0m"),
];

/// How a table looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    style: Style,
    /// Characters of a line, if there is such a limit.
    width: Option<usize>,
    colour: bool,
}

impl Look {
    fn of(style: Style) -> Self {
        if style != Style::Terminal {
            return Self { style, width: None, colour: false };
        }
        let get = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let terminal = std::io::stdout().is_terminal();
        let measured = || console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
        let width = get("COLUMNS").and_then(|text| text.parse().ok()).or_else(measured);
        let colour = terminal && get("NO_COLOR").is_none() && get("TERM").as_deref() != Some("dumb");
        Self { style, width: width.filter(|width| WIDTHS.contains(width)), colour }
    }
}

/// A table of `rows` under `header`.
pub(crate) fn table(style: Style, header: &[&str], rows: Vec<Vec<String>>) -> String {
    laid_out(Look::of(style), header, &rows)
}

fn laid_out(look: Look, header: &[&str], rows: &[Vec<String>]) -> String {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| bare(&one_line(cell))).collect()).collect();
    let wants = wants(header, &cells);
    let text = match look.width.filter(|width| line(&wants) > *width) {
        None => columns(look, header, &cells, None),
        Some(width) => {
            let least: Vec<usize> = wants.iter().zip(header).map(|(want, name)| least(*want, name)).collect();
            if line(&least) <= width {
                columns(look, header, &cells, Some((width, &least)))
            } else {
                blocks(look, header, &cells, width)
            }
        }
    };
    if look.colour { coloured(text) } else { text }
}

/// `cell` without what stands for colours: it comes from outside.
fn bare(cell: &str) -> String {
    cell.chars().filter(|c| CODES.iter().all(|(mark, _)| mark != c)).collect()
}

/// The widths that columns would have.
fn wants(header: &[&str], cells: &[Vec<String>]) -> Vec<usize> {
    let widest = |at: usize| cells.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max();
    header.iter().enumerate().map(|(at, name)| widest(at).unwrap_or(0).max(name.width())).collect()
}

/// The width of a line with columns of these, which stand a blank apart.
fn line(columns: &[usize]) -> usize {
    columns.iter().map(|column| column + PADDING + 1).sum::<usize>().saturating_sub(1)
}

/// The width that a column needs at least.
fn least(want: usize, name: &str) -> usize {
    if want <= WHOLE { want } else { name.width().max(LEAST) }
}

fn columns(look: Look, header: &[&str], cells: &[Vec<String>], fit: Option<(usize, &[usize])>) -> String {
    let mut table = Table::new();
    let is_terminal = look.style == Style::Terminal;
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.load_style(if is_terminal { presets::UTF8_HORIZONTAL_ONLY } else { presets::NOTHING });
    table.set_header(header.iter().map(|name| marked(look, Some(BOLD), &name.to_uppercase())));
    for row in cells {
        let cell = |(name, cell): (&&str, &String)| marked(look, colour(name, cell), cell);
        table.add_row(header.iter().zip(row).map(cell));
    }
    if let Some((width, least)) = fit {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        table.set_constraints(least.iter().map(|least| {
            let least = u16::try_from(least + PADDING).unwrap_or(u16::MAX);
            ColumnConstraint::LowerBoundary(Width::Fixed(least))
        }));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    // Plain columns begin at the margin, so that `cut` and `awk` find them.
    let indent = if is_terminal { "" } else { " " };
    lines.iter().map(|line| line.strip_prefix(indent).unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// Each row as lines of its own, a cell each: no column would be readable.
fn blocks(look: Look, header: &[&str], cells: &[Vec<String>], width: usize) -> String {
    let names = header.iter().map(|name| name.width()).max().unwrap_or(0);
    let block = |row: &Vec<String>| {
        let lines = header.iter().zip(row).filter(|(_, cell)| !cell.is_empty()).map(|(name, cell)| {
            let label = format!("{:<names$}", name.to_uppercase());
            let room = width.saturating_sub(names + PADDING).max(1);
            let parts: Vec<String> =
                parts(cell, room).iter().map(|part| marked(look, colour(name, cell), part)).collect();
            let indent = format!("\n{}", " ".repeat(names + PADDING));
            format!("{}  {}", marked(look, Some(BOLD), &label), parts.join(&indent))
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let between = format!("\n{}\n", "─".repeat(width));
    cells.iter().map(block).collect::<Vec<_>>().join(&between)
}

/// `text` in lines of at most `room`, broken between words where that can be.
fn parts(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word.to_owned();
        loop {
            let line = lines.last().map_or(0, |line| line.width());
            let gap = usize::from(line > 0);
            if line + gap + word.width() <= room {
                if let Some(last) = lines.last_mut() {
                    last.push_str(if gap > 0 { " " } else { "" });
                    last.push_str(&word);
                }
                break;
            }
            if line == 0 {
                // A word that is wider than a line.
                let head: String = taken(&word, room);
                word = word[head.len()..].to_owned();
                if let Some(last) = lines.last_mut() {
                    last.push_str(&head);
                }
            }
            lines.push(String::new());
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// As much of the beginning of `word` as takes no more than `room`, and one character at least.
fn taken(word: &str, room: usize) -> String {
    let mut head = String::new();
    for c in word.chars() {
        let with = format!("{head}{c}");
        if !head.is_empty() && with.width() > room {
            break;
        }
        head = with;
    }
    head
}

/// The colour of a cell that says how something stands.
fn colour(header: &str, cell: &str) -> Option<char> {
    if !STANDINGS.contains(&header) {
        return None;
    }
    match cell.split(' ').next().unwrap_or_default() {
        "dead" | "suspended" | "no_secret" | "open" => Some(RED),
        "parked" | "paused" | "stopped" | "waits" | "slow" | "half-open" | "ramping" => Some(YELLOW),
        "applied" | "ok" | "closed" => Some(GREEN),
        _ => None,
    }
}

fn marked(look: Look, mark: Option<char>, text: &str) -> String {
    match mark.filter(|_| look.colour && !text.is_empty()) {
        Some(mark) => format!("{mark}{text}{END}"),
        None => text.to_owned(),
    }
}

fn coloured(text: String) -> String {
    CODES.iter().fold(text, |text, (mark, code)| text.replace(*mark, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        let row = |id: &str, state: &str, message: &str| [id, state, message].map(str::to_owned).to_vec();
        vec![
            row(
                "02609d59eaa16c77",
                "dead",
                "the CRM refused a value of the field `email`: it is no address at all",
            ),
            row("7ba3413ad828a995", "ok", ""),
        ]
    }

    const HEADER: [&str; 3] = ["id", "state", "message"];

    fn look(width: Option<usize>) -> Look {
        Look { style: Style::Terminal, width, colour: false }
    }

    #[test]
    fn given_rows_when_shown_plain_then_columns_begin_at_the_margin_and_nothing_is_cut() {
        let rows =
            vec![vec!["acme".to_owned(), "ok".to_owned()], vec!["a\u{1b}[2J".to_owned(), "-".to_owned()]];
        insta::assert_snapshot!(table(Style::Plain, &["org", "state"], rows), @r"
        ORG         STATE
        acme        ok
        a\u{1b}[2J  -
        ");
        let long =
            laid_out(Look::of(Style::Plain), &HEADER, &[vec!["x".repeat(500), String::new(), String::new()]]);
        assert_eq!(long.lines().count(), 2, "{long}");
    }

    #[test]
    fn given_a_terminal_when_rows_are_wider_then_the_widest_column_wraps_and_ids_stay_whole() {
        insta::assert_snapshot!(laid_out(look(Some(60)), &HEADER, &rows()), @r"
        ────────────────────────────────────────────────────────────
         ID                 STATE   MESSAGE
        ════════════════════════════════════════════════════════════
         02609d59eaa16c77   dead    the CRM refused a value of the
                                    field `email`: it is no address
                                    at all
        ────────────────────────────────────────────────────────────
         7ba3413ad828a995   ok
        ────────────────────────────────────────────────────────────
        ");
    }

    #[test]
    fn given_a_narrow_terminal_when_no_column_would_be_readable_then_each_row_is_a_block() {
        insta::assert_snapshot!(laid_out(look(Some(36)), &HEADER, &rows()), @r"
        ID       02609d59eaa16c77
        STATE    dead
        MESSAGE  the CRM refused a value of
                 the field `email`: it is no
                 address at all
        ────────────────────────────────────
        ID       7ba3413ad828a995
        STATE    ok
        ");
    }

    #[test]
    fn given_any_width_when_laid_out_then_no_line_is_wider_and_no_word_is_lost() {
        for width in 20..120 {
            let text = laid_out(look(Some(width)), &HEADER, &rows());
            assert!(text.lines().all(|line| line.width() <= width), "{width}:\n{text}");
            for word in ["02609d59eaa16c77", "refused", "`email`:", "7ba3413ad828a995"] {
                let whole = text.contains(word) || text.replace(['\n', ' '], "").contains(word);
                assert!(whole, "{width} lacks {word}:\n{text}");
            }
        }
    }

    #[test]
    fn given_colours_when_shown_then_standings_and_headers_have_them_and_widths_are_the_same() {
        let plain = laid_out(look(Some(60)), &HEADER, &rows());
        let text = laid_out(Look { colour: true, ..look(Some(60)) }, &HEADER, &rows());
        assert!(
            text.contains("\u{1b}[31mdead\u{1b}[0m") && text.contains("\u{1b}[32mok\u{1b}[0m"),
            "{text:?}"
        );
        assert!(text.contains("\u{1b}[1mSTATE\u{1b}[0m"), "{text:?}");
        let without = CODES.iter().fold(text, |text, (_, code)| text.replace(code, ""));
        assert_eq!(without, plain);
        let foreign = vec![vec![format!("a{RED}b"), "ok".to_owned(), String::new()]];
        assert!(!laid_out(Look { colour: true, ..look(None) }, &HEADER, &foreign).contains("\u{1b}[31m"));
        let pipe = Look::of(Style::Plain);
        assert!(!pipe.colour && pipe.width.is_none());
    }
}
