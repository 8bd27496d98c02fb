//! The lines that `--help` shows for each command, and what they are for. Each is read by the real parser in a test.

mod all;

pub(crate) use self::all::ALL;
use clap::{Command, builder::StyledStr};
use std::fmt::Write as _;

/// A command, and lines to begin with.
pub(crate) type Examples = (&'static str, &'static [(&'static str, &'static str)]);

/// Those of the command `path`.
pub(crate) fn of(path: &str) -> &'static [(&'static str, &'static str)] {
    ALL.iter().find(|(command, _)| *command == path).map_or(&[], |(_, examples)| examples)
}

/// `command` with the examples of it and of what is below it, as `--help` shows them.
pub(crate) fn added(command: Command) -> Command {
    below(command, "")
}

fn below(command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let mut command = match of(path) {
        [] => command,
        examples => command.after_help(shown(examples)),
    };
    for name in names {
        let path = format!("{path} {name}").trim().to_owned();
        command = command.mut_subcommand(name, |one| below(one, &path));
    }
    command
}

fn shown(examples: &[(&str, &str)]) -> StyledStr {
    let mut text = StyledStr::new();
    let _ = write!(text, "Examples:");
    for (line, what) in examples {
        let _ = write!(text, "\n  {line}\n      {what}");
    }
    text
}

#[cfg(test)]
mod pages;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, command};
    use clap::FromArgMatches;

    /// The words of a line, as a shell has them; what it writes to a file is the shell's.
    pub(super) fn words(line: &str) -> Vec<String> {
        let line = line.split(" > ").next().unwrap_or_default();
        let (mut words, mut quoted) = (vec![String::new()], None);
        for c in line.chars() {
            match c {
                '\'' | '"' if quoted == Some(c) => quoted = None,
                '\'' | '"' if quoted.is_none() => quoted = Some(c),
                ' ' if quoted.is_none() => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        words
    }

    #[test]
    fn given_every_example_when_read_by_the_parser_then_it_is_a_line_of_its_own_command() {
        for (path, examples) in ALL {
            for (line, _) in *examples {
                let words = words(line);
                let read = command().try_get_matches_from(&words);
                let matches = read.unwrap_or_else(|error| panic!("{line}: {error}"));
                Cli::from_arg_matches(&matches).unwrap_or_else(|error| panic!("{line}: {error}"));
                let depth = path.split(' ').count();
                assert_eq!(words[1..=depth].join(" "), **path, "{line}");
            }
        }
    }

    #[test]
    fn given_every_command_when_helped_with_then_two_or_three_examples_stand_there() {
        fn leaves(command: &Command, path: &str, all: &mut Vec<(String, String)>) {
            if !command.has_subcommands() {
                let help = command.clone().render_long_help().to_string();
                all.push((path.trim().to_owned(), help));
            }
            for one in command.get_subcommands() {
                leaves(one, &format!("{path} {}", one.get_name()), all);
            }
        }
        let mut all = Vec::new();
        leaves(&command(), "", &mut all);
        for (path, help) in &all {
            let examples = of(path);
            assert!((2..=3).contains(&examples.len()), "{path} has {} examples", examples.len());
            assert!(examples.iter().all(|(line, _)| help.contains(line)), "{path}: {help}");
        }
        assert_eq!(all.len(), ALL.len(), "examples of what is no command");
    }
}
