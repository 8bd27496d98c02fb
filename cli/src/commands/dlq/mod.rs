//! `rtr dlq`: dead letters, filed with their records: listed from the index, acted on only after the item was read.

mod decision;
mod drop;
pub(crate) mod filter;
mod index;
pub(crate) mod letter;
pub(crate) mod list;
mod plan;
mod redrive;
mod show;

use crate::app::App;
use crate::audit::Because;
use crate::problem::Ended;
use filter::{Filter, Grouping};

/// What to do with dead letters.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List them, newest first
    List {
        #[command(flatten)]
        filter: Filter,
        /// Count them by this instead
        #[arg(long, value_name = "WHAT")]
        group_by: Option<Grouping>,
    },
    /// Show them in full
    Show {
        #[command(flatten)]
        filter: Filter,
        /// Ids, as `list` shows them
        #[arg(value_name = "ID")]
        ids: Vec<String>,
        /// Also the record's data and the CRM's own words
        #[arg(long)]
        show_data: bool,
    },
    /// Try them again: each is woken in its record's own order
    Redrive {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        act: Act,
        /// Message groups per org [default: the stack's GroupBuckets]
        #[arg(long, value_name = "K")]
        buckets: Option<u64>,
        /// At most so many a second
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        rate: Option<u32>,
    },
    /// Give them up: their versions count as done, and only a newer one is applied
    Drop {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        by: Because,
        /// At most so many a second
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        rate: Option<u32>,
    },
}

/// How a command that acts is held back.
#[derive(Debug, clap::Args)]
pub(crate) struct Act {
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs one of them.
pub(crate) async fn run(app: &App, command: Command) -> Ended {
    match command {
        Command::List { filter, group_by } => list::run(app, &filter, group_by).await,
        Command::Show { mut filter, ids, show_data } => {
            filter.id.extend(ids);
            show::run(app, &filter, show_data).await
        }
        Command::Redrive { filter, act, buckets, rate } => {
            Box::pin(redrive::run(app, &filter, &act, buckets, rate)).await
        }
        Command::Drop { filter, act, by, rate } => {
            Box::pin(drop::run(app, &filter, &act, &by.who(), rate)).await
        }
    }
}
