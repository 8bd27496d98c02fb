//! `rtr completions`: what a shell completes command lines by.

use crate::app::App;
use crate::args::command;
use crate::problem::{Ended, Exit};
use clap_complete::{Generator, Shell, generate};

/// For which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Wanted,
}

/// The shells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Wanted {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

/// Prints the script.
pub(crate) fn run(app: &App, args: &Args) -> Ended {
    let shell = match args.shell {
        Wanted::Bash => Shell::Bash,
        Wanted::Zsh => Shell::Zsh,
        Wanted::Fish => Shell::Fish,
    };
    app.out.print(&script(shell));
    Ok(Exit::Done)
}

fn script(shell: impl Generator) -> String {
    let mut script = Vec::new();
    generate(shell, &mut command(), "rtr", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    #[test]
    fn given_each_shell_when_asked_for_then_its_script_knows_the_commands_and_their_options() {
        for (shell, begins) in [(Shell::Bash, "_rtr"), (Shell::Zsh, "#compdef rtr"), (Shell::Fish, "#")] {
            let script = script(shell);
            assert!(script.starts_with(begins), "{shell}: {}", &script[..80]);
            for word in ["redrive", "group-by", "reconcile", "completions"] {
                assert!(script.contains(word), "{shell} does not know {word}");
            }
        }
    }

    #[test]
    fn given_bash_when_it_has_read_the_script_then_it_completes_a_command_and_an_option() {
        let asked = format!(
            "{}\ncomplete_line() {{ COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _rtr rtr \"${{@: -1}}\" \
             \"${{@: -2:1}}\"; echo \"${{COMPREPLY[@]}}\"; }}\ncomplete_line rtr dlq re\ncomplete_line rtr dlq drop --dry\n",
            script(Shell::Bash)
        );
        // No bash, nothing to complete.
        let Ok(mut bash) =
            Command::new("bash").arg("--norc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
        else {
            return;
        };
        bash.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
        let output = bash.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "redrive\n--dry-run\n");
    }
}
