//! `rtr parked`: what cannot go now and goes by itself: listed from the connections' own indexes, acted on only after the item
//! was read, and ended by nobody but the bulk lane.

mod act;
mod entry;
mod list;
mod look;

use crate::app::App;
use crate::audit::Because;
use crate::commands::dlq::filter::{Filter, Grouping};
use crate::problem::Ended;

/// What to do with parked work.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List it, what goes first foremost
    List {
        #[command(flatten)]
        filter: Filter,
        /// Count it by this instead
        #[arg(long, value_name = "WHAT")]
        group_by: Option<Grouping>,
    },
    /// Make it due now, but for what waits until a request has landed or died
    Drain {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        act: Act,
    },
    /// Give it up: its versions count as done, and only a newer one is applied
    Drop {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        act: Act,
    },
}

/// How a command that acts is held back, and who acts.
#[derive(Debug, clap::Args)]
pub(crate) struct Act {
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    by: Because,
}

/// Runs one of them.
pub(crate) async fn run(app: &App, command: Command) -> Ended {
    match command {
        Command::List { filter, group_by } => Box::pin(list::run(app, &filter, group_by)).await,
        Command::Drain { filter, act } => Box::pin(act::run(app, &filter, &act, act::What::Drain)).await,
        Command::Drop { filter, act } => Box::pin(act::run(app, &filter, &act, act::What::Drop)).await,
    }
}
