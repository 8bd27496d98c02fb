//! `rtr connection`: an org's links to CRM accounts: their state, whether they work, and what they need at the CRM.

mod compare;
mod each;
mod list;
mod open;
mod parked;
mod select;
mod setup;
mod test;

use crate::app::App;
use crate::problem::Ended;

/// Which connections; all of them when nothing is named.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The org
    org: Option<String>,
    /// The connection within the org
    connection: Option<String>,
}

/// What to do with connections.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List them with their state: ok, no_secret, suspended or paused
    List(Which),
    /// Check credentials, objects and properties at the CRM (exit 1 on findings); changes nothing
    Test(Which),
    /// Make the unique properties that hold our record ids, where they are missing
    Setup(Which),
}

/// Runs one of them.
pub(crate) async fn run(app: &App, command: Command) -> Ended {
    match command {
        Command::List(which) => Box::pin(list::run(app, &which)).await,
        Command::Test(which) => Box::pin(test::run(app, &which)).await,
        Command::Setup(which) => Box::pin(setup::run(app, &which)).await,
    }
}
