//! CSV, read by a table of states and written with every cell in quotes, as Salesforce writes its lists.

/// Where a reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    Bare,
    Quoted,
    /// After a quote within quotes: the end, or half of a doubled one.
    Quote,
}

/// The lines of a text; none when it ends within quotes.
pub(super) fn read(text: &str) -> Option<Vec<Vec<String>>> {
    let (mut lines, mut line, mut cell, mut at) = (Vec::new(), Vec::new(), String::new(), At::Start);
    for letter in text.chars() {
        match (at, letter) {
            (At::Start, '"') => at = At::Quoted,
            (At::Quoted, '"') => at = At::Quote,
            (At::Quoted, other) => cell.push(other),
            (At::Quote, '"') => {
                cell.push('"');
                at = At::Quoted;
            }
            (_, ',') => {
                line.push(std::mem::take(&mut cell));
                at = At::Start;
            }
            (_, '\n') => {
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
                at = At::Start;
            }
            (_, other) => {
                cell.push(other);
                at = At::Bare;
            }
        }
    }
    if at == At::Quoted {
        return None;
    }
    if at != At::Start || !line.is_empty() {
        line.push(cell);
        lines.push(line);
    }
    lines.retain(|line| line.iter().any(|cell| !cell.is_empty()));
    Some(lines)
}

/// A line as Salesforce writes it.
pub(super) fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    format!("{}\n", quoted.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_quotes_commas_and_line_ends_in_cells_when_written_and_read_then_they_are_the_same() {
        let cells = ["a", "", "x, \"y\"", "two\nlines", "é"];
        let text = line(cells.into_iter());
        assert_eq!(text, "\"a\",\"\",\"x, \"\"y\"\"\",\"two\nlines\",\"é\"\n");
        assert_eq!(read(&text), Some(vec![cells.map(str::to_owned).to_vec()]));
        assert_eq!(
            read("a,b\n1,\n"),
            Some(vec![vec!["a".into(), "b".into()], vec!["1".into(), String::new()]])
        );
        assert_eq!(read("a\n\"b"), None);
    }
}
