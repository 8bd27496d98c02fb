//! `docs/cli.md`, made from the command line as it is parsed: what people read there is what is so.

use crate::args::command;
use crate::commands::answers;
use crate::examples;
use clap::{Arg, Command};
use std::fmt::Write;
use std::path::Path;

/// What stands above the commands.
const HEAD: &str = "# The `rtr` command

Made from the command line itself: a test writes this page with `RTR_WRITE_DOCS=1`, and compares it otherwise. `rtr COMMAND --help` says
the same. `rtr completions bash|zsh|fish` lets a shell complete it.

Of every command:

- `--json`: JSON on stdout and nothing else, in the shape of the schema that is linked (`rtr schema COMMAND` prints it); progress and
  notes go to stderr. An empty list is `[]`; a command that could not do its work answers nothing, and its exit code and stderr say why.
- `--stack NAME`: the CloudFormation stack; without it `$RTR_STACK`, else `rtr-$RTR_STAGE`, else `rtr-local`. Credentials, region and
  endpoint are those of the standard AWS environment.
- On a terminal tables fit its width (`COLUMNS` says another), and standings are coloured unless `NO_COLOR` is set. In a pipe columns are
  plain, and nothing is cut.
- A command about one org takes it as its first argument; one that lists or acts over many takes `--org` to narrow it.
- What takes long shows how much of how much is done, how fast, and how long it will take, on stderr if that is a terminal.
- What cannot be taken back shows what it will do and asks. `--yes` goes on without a question, `--dry-run` shows and does nothing;
  where there is nobody to ask and neither is given, nothing is done (exit 2).
- What stops or sets up many connections, or writes our keys at a CRM, says how many and asks whoever sits at a terminal; where there is
  none it goes on, so that scripts and an emergency stop need no word more.
- `--because TEXT` and `--author NAME` say why, and who does it; `rtr audit` keeps both.

| exit code | means |
|---|---|
| 0 | done, and nothing to complain about |
| 1 | failures, findings, drift or a difference |
| 2 | the command line or the configuration is wrong |
| 3 | AWS or the network is not reachable, or not permitted; or the answer cannot be written, as on a full disk |
| 4 | what was asked for does not exist |
| 130 | a second Ctrl-C or SIGTERM ended it at once; the first one waits for what is under way |

Not there, though one might look for them: `rtr org purge`, `rtr record erase`, `rtr connection forget`, `rtr console`.
";

/// Options of every command, told once.
const EVERYWHERE: [&str; 4] = ["json", "stack", "help", "version"];

fn page() -> String {
    let mut root = command();
    root.build();
    let mut page = HEAD.to_owned();
    let all = leaves(&root, "");
    page.push_str("\n## Commands\n\n| command | does |\n|---|---|\n");
    for (path, command) in &all {
        let anchor = format!("rtr {path}").replace(' ', "-");
        let _ = writeln!(page, "| [`rtr {path}`](#{anchor}) | {} |", cell(&about(command)));
    }
    for (path, command) in &all {
        section(&mut page, path, command);
    }
    page
}

fn leaves<'c>(command: &'c Command, path: &str) -> Vec<(String, &'c Command)> {
    let below = command.get_subcommands().filter(|one| one.get_name() != "help");
    let mut all = Vec::new();
    for one in below {
        let path = format!("{path} {}", one.get_name()).trim().to_owned();
        if one.has_subcommands() {
            all.extend(leaves(one, &path));
        } else {
            all.push((path, one));
        }
    }
    all
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn section(page: &mut String, path: &str, command: &Command) {
    let long = command.get_long_about().map_or_else(|| about(command), ToString::to_string);
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ = write!(page, "\n### rtr {path}\n\n{}.\n\n    {usage}\n", long.trim_end_matches('.'));
    let shown: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !EVERYWHERE.contains(&arg.get_id().as_str()))
        .collect();
    if !shown.is_empty() {
        page.push_str("\n| argument | |\n|---|---|\n");
        for arg in shown {
            let _ = writeln!(page, "| `{}` | {} |", cell(&name(arg)), cell(&help(arg)));
        }
    }
    page.push_str("\nExamples:\n\n");
    for (line, what) in examples::of(path) {
        let _ = writeln!(page, "    {line}\n        {what}");
    }
    let schemas = answers()
        .into_iter()
        .filter(|one| one.command == path || one.command.starts_with(&format!("{path} --")));
    let links = schemas.map(|one| {
        let option = one.command[path.len()..].trim();
        let option = if option.is_empty() { String::new() } else { format!(" (`{option}`)") };
        format!("[{0}.json](schema/{0}.json){option}", one.name())
    });
    let links: Vec<String> = links.collect();
    if !links.is_empty() {
        let _ = writeln!(page, "\nJSON: {}.", links.join(", "));
    }
}

fn name(arg: &Arg) -> String {
    let values: Vec<String> =
        arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    let values = if arg.get_action().takes_values() { values.join(" ") } else { String::new() };
    match arg.get_long() {
        // After a space it would be taken for the next argument.
        Some(long) if arg.is_require_equals_set() => {
            let optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
            if optional { format!("--{long}[={values}]") } else { format!("--{long}={values}") }
        }
        Some(long) => format!("--{long} {values}").trim_end().to_owned(),
        None => values,
    }
}

fn help(arg: &Arg) -> String {
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> =
        arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if !values.is_empty() && arg.get_action().takes_values() {
        let _ = write!(text, " ({})", values.join(", "));
    }
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if let Some(variable) = arg.get_env() {
        let _ = write!(text, " [default: `${}`, else `{}`]", variable.to_string_lossy(), defaults.join(" "));
    } else if !defaults.is_empty() && arg.get_action().takes_values() {
        let _ = write!(text, " [default: `{}`]", defaults.join(" "));
    }
    let aliases: Vec<String> =
        arg.get_all_aliases().unwrap_or_default().iter().map(|alias| format!("`--{alias}`")).collect();
    if !aliases.is_empty() {
        let _ = write!(text, " (or {})", aliases.join(", "));
    }
    text
}

/// `text` within a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[test]
fn given_the_page_of_the_repository_when_compared_then_it_is_the_command_line() {
    let (path, wanted) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md"), page());
    if std::env::var_os("RTR_WRITE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == wanted, "docs/cli.md is not up to date: run the tests with RTR_WRITE_DOCS=1");
}

#[test]
fn given_the_readmes_list_of_commands_when_read_then_every_line_of_it_is_one() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let root = command();
    let mut seen = 0;
    for line in readme.lines().filter_map(|line| line.strip_prefix("    rtr ")) {
        seen += 1;
        let mut words = line.split([' ', '|']).filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        let found =
            root.find_subcommand(first).unwrap_or_else(|| panic!("README.md: there is no `rtr {first}`"));
        if found.has_subcommands() {
            let second = words.next().unwrap_or_default();
            assert!(found.find_subcommand(second).is_some(), "README.md: there is no `rtr {first} {second}`");
        }
    }
    assert!(seen > 20, "the list is there: {seen} lines");
    // Each command is told of, by its first word at least.
    for one in root.get_subcommands() {
        assert!(
            readme.contains(&format!("rtr {}", one.get_name())),
            "README.md says nothing of rtr {}",
            one.get_name()
        );
    }
}

#[test]
fn given_an_option_whose_value_follows_an_equals_sign_when_listed_then_it_is_written_so() {
    let equals = |min| Arg::new("a").long("save").value_name("DIR").num_args(min..=1).require_equals(true);
    assert_eq!([name(&equals(0)), name(&equals(1))], ["--save[=DIR]", "--save=DIR"]);
    assert_eq!(name(&Arg::new("a").long("out").value_name("FILE")), "--out FILE");
}
