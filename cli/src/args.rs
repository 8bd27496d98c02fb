//! What may be asked: the global options and the commands.

use crate::commands::{
    audit, backfill, completions, config, connection, cost, dlq, doctor, explain, links, org, parked,
    preview, publish, reconcile, record, schema, wait,
};
use crate::examples::added;
use clap::{CommandFactory, Parser, Subcommand};

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

/// The command line, as it is read, helped with, completed and documented.
pub(crate) fn command() -> clap::Command {
    added(Cli::command())
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
}
