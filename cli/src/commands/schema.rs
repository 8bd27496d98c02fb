//! `rtr schema`: the JSON Schema of what a command answers with `--json`.

use crate::app::App;
use crate::commands::answers;
use crate::output::{pretty, table};
use crate::problem::{Ended, Exit, Problem};
use crate::schema::{Answer, Either};
use rtr_core::mapping::nearest;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<Either<Vec<Listed>, Map<String, Value>>>("schema")];

/// Whose schema.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The command, such as `dlq list` [default: list those that have one]
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Of the lines that `rtr record --follow` prints
    #[arg(long)]
    follow: bool,
}

impl Args {
    /// As the list of those that have one names it.
    fn wanted(&self) -> String {
        let follow = self.follow.then_some("--follow");
        self.command.iter().map(String::as_str).chain(follow).collect::<Vec<_>>().join(" ")
    }
}

/// A command that has one.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Listed {
    /// The command, without `rtr`.
    command: String,
    /// Its file in docs/schema/.
    file: String,
}

/// Prints a schema, or lists them.
pub(crate) fn run(app: &App, args: &Args) -> Ended {
    let wanted = args.wanted();
    let wanted = wanted.trim_start_matches("rtr ").trim();
    if wanted.is_empty() {
        let listed =
            |one: Answer| Listed { command: one.command.to_owned(), file: format!("{}.json", one.name()) };
        let all: Vec<Listed> = answers().into_iter().map(listed).collect();
        app.out.answer(&all, |style| {
            let rows = all.iter().map(|one| vec![one.command.clone(), one.file.clone()]).collect();
            table(style, &["command", "file in docs/schema"], rows)
        });
        return Ok(Exit::Done);
    }
    let schema = named(wanted)?.schema();
    app.out.answer(&schema, |_| pretty(&schema));
    Ok(Exit::Done)
}

/// The answer of the command `wanted`, by its words or its file's name.
fn named(wanted: &str) -> Result<Answer, Problem> {
    let all = answers();
    if let Some(found) = all.iter().find(|one| one.command == wanted || one.name() == wanted) {
        return Ok(*found);
    }
    let problem = Problem::not_found(format!("`rtr {wanted}` answers with nothing that has a schema"));
    Err(match nearest(wanted, all.iter().map(|one| one.command)) {
        Some(near) => problem.hint(format!("did you mean `{near}`? rtr schema lists all")),
        None => problem.hint("rtr schema lists all"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use crate::schema::tests::holds;
    use clap::Parser;

    #[test]
    fn given_options_after_the_command_when_a_schema_is_asked_for_then_each_is_taken_for_what_it_is() {
        let asked = |line: &str| {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let Command::Schema(args) = cli.command else { panic!("{line}") };
            (cli.json, named(&args.wanted()).unwrap().command)
        };
        assert_eq!(asked("rtr schema dlq list --json"), (true, "dlq list"));
        assert_eq!(asked("rtr schema record --follow"), (false, "record --follow"));
        assert_eq!(asked("rtr schema record --follow --json"), (true, "record --follow"));
        assert_eq!(asked("rtr schema --json record"), (true, "record"));
    }

    #[test]
    fn given_names_of_commands_when_asked_for_then_words_and_file_name_find_one_and_a_slip_is_told() {
        assert_eq!(named("dlq list").unwrap().name(), "dlq-list");
        assert_eq!(named("record-follow").unwrap().command, "record --follow");
        let told = named("dlq lst").map(|one| one.command).unwrap_err();
        assert_eq!((told.exit, told.hint.unwrap().contains("`dlq list`")), (Exit::NotFound, true));
        holds("schema", &[Listed { command: "dlq list".to_owned(), file: "dlq-list.json".to_owned() }]);
    }
}
