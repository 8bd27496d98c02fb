//! What may be asked: the global options and the commands.

use crate::commands::{
    audit, backfill, completions, config, connection, cost, dlq, doctor, explain, links, org, parked,
    preview, publish, reconcile, record, schema, wait,
};
use crate::examples::added;
use clap::{Arg, CommandFactory, Parser, Subcommand};
use std::any::TypeId;

/// Keeps records of an internal system in step with CRMs: the operators' command.
///
/// Exit codes: 0 done · 1 failures, findings or a difference · 2 usage or configuration · 3 AWS or the network is not
/// reachable or not permitted · 4 not found.
#[derive(Debug, Parser)]
#[command(name = "rtr", version, max_term_width = 110, propagate_version = true)]
pub(crate) struct Cli {
    /// JSON on stdout and nothing else; progress goes to stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The CloudFormation stack [default: $RTR_STACK, else rtr-$RTR_STAGE, else rtr-local]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check, compare and apply connections, routes and mappings
    #[command(subcommand)]
    Config(config::Command),
    /// List, test and set up an org's connections to CRMs
    #[command(subcommand)]
    Connection(connection::Command),
    /// What an event would do: the exact requests, nothing sent; with --live what would change at the CRM
    Preview(preview::Args),
    /// Send change events: JSON lines, one event each
    Publish(publish::Args),
    /// Send millions of events through the bulk lane, behind all that is live, and wait until the CRM has them
    Backfill(backfill::Args),
    /// Compare what a CRM holds with what it should hold, and with --repair write what differs again (exit 1 on drift)
    Reconcile(reconcile::Args),
    /// What is known of one record, at each connection
    Record(record::Args),
    /// List, show, send again or drop what is dead
    #[command(subcommand)]
    Dlq(dlq::Command),
    /// List, hasten or drop what cannot go now
    #[command(subcommand)]
    Parked(parked::Command),
    /// Who changed what, when and why: configuration, connections, what is parked or dead, what was sent
    Audit(audit::Args),
    /// Bring in, or take out, which record of ours is which record of a CRM
    #[command(subcommand)]
    Links(links::Command),
    /// Whether all is as it must be: the stack's parts and what starts them, these credentials and this machine's clock, each
    /// connection and its secret, with --org or --all its CRM too; each finding says how to mend it (exit 1 on findings)
    Doctor(doctor::Args),
    /// What there is of an org
    #[command(subcommand)]
    Org(org::Command),
    /// What the stack costs in a month at so many syncs a day: an estimate by unit prices, without the network
    Cost(cost::Args),
    /// What an error code means and what to do about it
    Explain(explain::Args),
    /// Wait until nothing is left to do
    Wait(wait::Args),
    /// What a shell completes command lines by
    Completions(completions::Args),
    /// The JSON Schema of what a command answers with --json; without a command, a list of those that have one
    Schema(schema::Args),
}

/// The arguments that name something: an org, a connection, a record, by whatever word.
const NAMING: [&str; 9] =
    ["by", "connection", "id", "ids", "org", "provider", "record_id", "record_type", "stack"];

/// The command line, as it is read, helped with, completed and documented.
pub(crate) fn command() -> clap::Command {
    naming(added(Cli::command()))
}

/// `command` with names that say something: an unset variable of a script's is nobody's name, and no key of a table's.
fn naming(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| {
        if NAMING.contains(&Arg::get_id(&arg).as_str()) && is_any_text(&arg) {
            arg.value_parser(filled)
        } else {
            arg
        }
    });
    command.mut_subcommands(naming)
}

/// Whether it takes any text at all: what is one of a list is refused by that.
fn is_any_text(arg: &Arg) -> bool {
    let parser = Arg::get_value_parser(arg);
    parser.type_id() == TypeId::of::<String>() && parser.possible_values().is_none()
}

fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it is empty: say a name".to_owned()) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_commands_when_checked_then_clap_finds_no_contradiction() {
        command().debug_assert();
    }

    #[test]
    fn given_global_options_when_they_come_after_the_command_then_they_count_too() {
        let cli = Cli::try_parse_from(["rtr", "dlq", "list", "--json", "--stack", "rtr-prod"]).unwrap();
        assert_eq!((cli.json, cli.stack.as_deref()), (true, Some("rtr-prod")));
    }

    #[test]
    fn given_an_empty_name_when_a_command_line_is_read_then_it_is_refused_wherever_a_name_is_said() {
        for line in [
            &["record", "", "contact", "c"][..],
            &["record", "acme", " ", "c"],
            &["record", "acme", "contact", ""],
            &["dlq", "list", "--org", ""],
            &["dlq", "list", "--type="],
            &["dlq", "show", ""],
            &["parked", "drop", "--id", ""],
            &["connection", "list", ""],
            &["connection", "test", "acme", ""],
            &["connection", "connect", "", "hubspot"],
            &["reconcile", "acme", ""],
            &["links", "export", "", "hubspot"],
            &["backfill", "acme", "", "--from", "-"],
            &["audit", "--org", ""],
            &["audit", "--by", ""],
            &["doctor", "--org", ""],
            &["org", "show", ""],
            &["config", "show", ""],
            &["--stack", "", "connection", "list"],
        ] {
            let refused = command().try_get_matches_from([&["rtr"], line].concat()).unwrap_err();
            let told = refused.to_string();
            assert!(refused.exit_code() == 2 && told.contains("it is empty"), "{line:?}: {told}");
        }
        let fine = command().try_get_matches_from(["rtr", "record", "acme", "contact", "c 1"]);
        assert!(fine.is_ok(), "{fine:?}");
    }
}
