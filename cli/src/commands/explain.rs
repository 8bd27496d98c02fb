//! `rtr explain`: the sections of `docs/errors.md`, one per code, without AWS and without the network.

use crate::app::App;
use crate::output::table;
use crate::problem::{Ended, Exit, Problem};
use crate::schema::{Answer, Either, foreign};
use rtr_core::code::Code;
use rtr_core::mapping::nearest;
use schemars::JsonSchema;
use serde::Serialize;

/// The page itself, so that the command and the documentation cannot differ.
const PAGE: &str = include_str!("../../../docs/errors.md");
/// What begins a section.
const HEADING: &str = "## ";

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<Either<Vec<Explained>, Explained>>("explain")];

/// The code to explain.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The code, such as RTR3001
    #[arg(required_unless_present = "list")]
    code: Option<String>,
    /// Every code with its meaning in a line
    #[arg(long, conflicts_with = "code")]
    list: bool,
}

/// One code, explained.
#[derive(Debug, Serialize, JsonSchema)]
struct Explained {
    #[schemars(schema_with = "foreign::code")]
    code: Code,
    about: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'static str>,
}

/// Prints the section of a code, or the list of codes.
pub(crate) fn run(app: &App, args: &Args) -> Ended {
    let Some(text) = args.code.as_deref() else {
        let all: Vec<Explained> = Code::ALL.iter().map(|code| explained(*code, None)).collect();
        app.out.answer(&all, |style| {
            let rows = all.iter().map(|one| vec![one.code.to_string(), one.about.to_owned()]).collect();
            table(style, &["code", "meaning"], rows)
        });
        return Ok(Exit::Done);
    };
    let code: Code = text.trim().parse().map_err(|_| unknown(text))?;
    let section =
        section(code).ok_or_else(|| Problem::not_found(format!("docs/errors.md has no section {code}")))?;
    app.out.answer(&explained(code, Some(section)), |_| section.to_owned());
    Ok(Exit::Done)
}

fn explained(code: Code, text: Option<&'static str>) -> Explained {
    Explained { code, about: code.about(), text }
}

fn unknown(text: &str) -> Problem {
    let problem = Problem::not_found(format!("there is no code `{text}`"));
    match nearest(text, Code::ALL.iter().map(|code| code.as_str())) {
        Some(near) => problem.hint(format!("did you mean {near}? `rtr explain --list` lists all")),
        None => problem.hint("codes look like RTR3001; `rtr explain --list` lists all"),
    }
}

/// The page's section of `code`, its heading included.
fn section(code: Code) -> Option<&'static str> {
    sections().find(|(name, _)| *name == code.as_str()).map(|(_, text)| text)
}

/// Every section: the first word of its heading, and its text.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    let starts: Vec<usize> = PAGE
        .match_indices(HEADING)
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || PAGE[..*at].ends_with('\n'))
        .collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([PAGE.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| {
        let text = PAGE[start..end].trim_end();
        let name = text[HEADING.len()..].split([' ', ':', '\n']).next().unwrap_or_default();
        (name, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_every_code_when_the_page_is_read_then_it_has_exactly_these_sections_in_order() {
        let expected: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(sections().map(|(name, _)| name).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn given_every_section_when_read_then_it_says_meaning_reason_treatment_and_remedy() {
        for code in Code::ALL {
            let text = section(*code).unwrap();
            assert!(
                text.starts_with(&format!("## {code}: {}\n", code.about().trim_end_matches('.'))),
                "{code}: heading"
            );
            for part in ["**Why it happens.**", "**What rtr-sync does.**", "**What to do.**"] {
                assert!(text.contains(part), "{code} lacks {part}");
            }
        }
    }

    #[test]
    fn given_a_slip_in_a_code_when_asked_then_the_nearest_is_named_and_the_exit_is_4() {
        let one = explained(Code::Invalid, section(Code::Invalid));
        crate::schema::tests::holds("explain", &one);
        crate::schema::tests::holds("explain", &[explained(Code::Invalid, None)]);
        let problem = unknown("RTR301");
        assert_eq!(problem.exit, Exit::NotFound);
        assert!(problem.to_string().contains("did you mean RTR3001"), "{problem}");
        assert!(unknown("E_FAIL").to_string().contains("codes look like RTR3001"));
    }
}
