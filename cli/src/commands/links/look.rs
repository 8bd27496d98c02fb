//! The first look at a file: how its lines are read, and which of them contradict each other.

use crate::commands::lines::{Source, text_of};
use crate::problem::Problem;
use rtr_core::links::{Conflict, Format, Refusal, Repeats, Told, read};
use std::collections::BTreeMap;

/// What a file is.
#[derive(Debug)]
pub(super) struct Look {
    format: Option<Format>,
    header: Option<u64>,
    conflicts: BTreeMap<u64, Conflict>,
    /// Lines that name a link, those that contradict each other too.
    links: u64,
}

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Blank, or the header.
    Nothing,
    /// A link.
    Link(Told),
    /// Refused as it stands, with what could be read of it.
    Refused(Option<Told>, Refusal),
}

impl Look {
    /// Reads all of `source` once.
    pub(super) async fn at(source: Source) -> Result<Self, Problem> {
        let mut look = Self { format: None, header: None, conflicts: BTreeMap::new(), links: 0 };
        let (mut repeats, mut lines) = (Repeats::default(), source.lines()?);
        while let Some(next) = lines.recv().await {
            let (number, bytes, _) = next?;
            look.notice(number, &bytes);
            if let Line::Link(told) = look.line(number, &bytes) {
                repeats.add(number, &told);
                look.links += 1;
            }
        }
        look.conflicts = repeats.conflicts();
        Ok(look)
    }

    /// How many links its lines name.
    pub(super) fn links(&self) -> u64 {
        self.links
    }

    fn notice(&mut self, number: u64, bytes: &[u8]) {
        if self.format.is_none()
            && let Ok(text) = text_of(bytes)
            && !text.is_empty()
        {
            let format = Format::of(text);
            self.header = format.has_header().then_some(number);
            self.format = Some(format);
        }
    }

    /// Whether line `number` names the fields.
    pub(super) fn is_header(&self, number: u64) -> bool {
        self.header == Some(number)
    }

    /// Line `number`.
    pub(super) fn line(&self, number: u64, bytes: &[u8]) -> Line {
        let malformed = |words: String| Line::Refused(None, Refusal::Malformed(words));
        let Ok(text) = text_of(bytes) else { return malformed("the line is not UTF-8".to_owned()) };
        let Some(format) = self.format.as_ref().filter(|_| !text.is_empty() && !self.is_header(number))
        else {
            return Line::Nothing;
        };
        match (read(format, text), self.conflicts.get(&number)) {
            (Err(error), _) => malformed(error.to_string()),
            (Ok(told), None) => Line::Link(told),
            (Ok(told), Some(Conflict::Record(other))) => {
                Line::Refused(Some(told), Refusal::SharedRecord(*other))
            }
            (Ok(told), Some(Conflict::External(other))) => {
                Line::Refused(Some(told), Refusal::SharedExternal(*other))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_file_when_looked_at_then_its_header_is_none_of_its_links_and_contradictions_name_each_other() {
        let text = ["\u{feff}external_id,record_id\n", "\n", "1,a\n", "1,b\n", "2,c\n", "2,c\n"];
        let source = Source::Lines(text.iter().map(|line| line.as_bytes().to_vec()).collect());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let look = runtime.block_on(Look::at(source)).unwrap();
        assert_eq!(look.links(), 4);
        let lines: Vec<String> = text
            .iter()
            .enumerate()
            .map(|(at, line)| match look.line(at as u64 + 1, line.as_bytes()) {
                Line::Nothing => "-".to_owned(),
                Line::Link(told) => format!("{} {}", told.record_id, told.external_id),
                Line::Refused(_, refusal) => refusal.to_string(),
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        -
        -
        line 4 links another record to this external id
        line 3 links another record to this external id
        c 2
        c 2
        ");
    }
}
