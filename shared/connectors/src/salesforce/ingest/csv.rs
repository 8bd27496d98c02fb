//! CSV as Bulk API 2.0 reads and writes it: commas, lines that end in LF, quotes doubled within quotes, UTF-8. Pure.

/// Writes one line.
pub(super) fn write_line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push(',');
        }
        // An empty cell stays bare; everything else is quoted, so that nothing within needs to be looked for.
        if !cell.is_empty() {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        }
    }
    text.push('\n');
}

/// Reads every line, or none when the text ends within quotes or a quote stands where none may: it was cut off.
pub(super) fn read(text: &str) -> Option<Vec<Vec<String>>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Vec::new();
    let mut line: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        let mut cell = String::new();
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next()? {
                    '"' if chars.next_if_eq(&'"').is_some() => cell.push('"'),
                    '"' => break,
                    other => cell.push(other),
                }
            }
        } else {
            while let Some(next) = chars.next_if(|c| !matches!(c, ',' | '\n' | '\r')) {
                if next == '"' {
                    return None;
                }
                cell.push(next);
            }
        }
        line.push(cell);
        match chars.next() {
            // A line that ends in a comma has one more cell, which is empty.
            Some(',') if chars.peek().is_none_or(|c| matches!(c, '\n' | '\r')) => {
                line.push(String::new());
                end_of_line(&mut chars);
                lines.push(std::mem::take(&mut line));
            }
            Some(',') => {}
            Some('\n') => lines.push(std::mem::take(&mut line)),
            Some('\r') => {
                chars.next_if_eq(&'\n');
                lines.push(std::mem::take(&mut line));
            }
            Some(_) => return None,
            None => {}
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    // An empty line is no record.
    lines.retain(|line| line.len() > 1 || line.first().is_some_and(|cell| !cell.is_empty()));
    Some(lines)
}

fn end_of_line(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    chars.next_if_eq(&'\r');
    chars.next_if_eq(&'\n');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn written(lines: &[Vec<String>]) -> String {
        let mut text = String::new();
        lines.iter().for_each(|line| write_line(&mut text, line.iter().map(String::as_str)));
        text
    }

    #[test]
    fn given_cells_that_need_quotes_when_written_then_they_are_quoted_and_empty_ones_are_bare() {
        let line = ["a", "", "x, y", "say \"hi\"", "two\nlines", "é🦀"].map(str::to_owned).to_vec();
        assert_eq!(written(&[line]), "\"a\",,\"x, y\",\"say \"\"hi\"\"\",\"two\nlines\",\"é🦀\"\n");
    }

    #[test]
    fn given_what_others_write_when_read_then_quotes_ends_of_lines_and_the_mark_of_utf_8_are_understood() {
        let read = |text| read(text).unwrap();
        assert_eq!(read("\u{feff}a,b\r\n1,\"2\"\r\n"), [["a", "b"], ["1", "2"]]);
        assert_eq!(read("a,b\n,\n1,2"), [["a", "b"], ["", ""], ["1", "2"]]);
        assert_eq!(read("a,\n\n\"\",x\n"), [["a", ""], ["", "x"]]);
        assert_eq!(read(""), Vec::<Vec<String>>::new());
    }

    #[test]
    fn given_a_text_that_was_cut_off_within_quotes_when_read_then_nothing_is_made_of_it() {
        for text in ["a,\"b", "a\n\"x\"y\n", "a\nx\"y\n"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn given_any_table_when_written_and_read_then_it_is_the_same(
            table in prop::collection::vec(prop::collection::vec("[a,\"\n\r é🦀#]{0,6}", 2..5), 0..6),
        ) {
            prop_assert_eq!(read(&written(&table)).unwrap(), table);
        }
    }
}
