//! `rtr dlq`: dead letters, filed with their records: listed from the index, acted on only after the item was read.

pub(crate) mod audit;
mod drop;
pub(crate) mod filter;
pub(crate) mod foresee;
mod fresh;
pub(crate) mod group;
pub(crate) mod index;
pub(crate) mod letter;
mod list;
pub(crate) mod outlook;
mod pace;
mod preview;
mod redact;
mod redrive;
mod rehearse;
mod show;
mod slip;

use crate::app::App;
use crate::audit::Because;
use crate::problem::Ended;
use crate::schema::{Answer, Either, foreign};
use filter::Filter;
use group::Grouping;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 5] = [
    Answer::of::<Either<Vec<foreign::Letter>, Vec<foreign::Group>>>("dlq list"),
    Answer::of::<Vec<show::Shown<'_>>>("dlq show"),
    Answer::of::<outlook::Outlook>("dlq preview"),
    Answer::of::<redrive::Report>("dlq redrive"),
    Answer::of::<drop::Report>("dlq drop"),
];

/// What shows the ids of what is dead.
const LIST: &str = "rtr dlq list";

/// What to do with dead letters.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List them, newest first
    List {
        #[command(flatten)]
        filter: Filter,
        /// Count them by this, or by several of these together, instead
        #[arg(long, value_name = "WHAT,…", value_delimiter = ',')]
        group_by: Vec<Grouping>,
    },
    /// Show them in full, and what a redrive would send now
    Show {
        #[command(flatten)]
        filter: Filter,
        /// Ids, as `list` shows them
        #[arg(value_name = "ID")]
        ids: Vec<String>,
        /// Also the record's data, in what would be sent too, and the CRM's own words
        #[arg(long)]
        show_data: bool,
    },
    /// How they would fare if they were sent again, under a folder's configuration or what is stored: nothing is sent, and no CRM
    /// is asked (exit 1 if any would die again)
    Preview {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        against: preview::Args,
    },
    /// Try them again: each is woken in its record's own order, and what becomes of it is told (exit 1 if any dies again)
    Redrive {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        how: redrive::How,
        #[command(flatten)]
        by: Because,
    },
    /// Give them up: their versions count as done, and only a newer one is applied
    Drop {
        #[command(flatten)]
        filter: Filter,
        /// Those of every org; without it a filter is needed
        #[arg(long, conflicts_with = "org")]
        all_orgs: bool,
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
        Command::List { filter, group_by } => Box::pin(list::run(app, &filter, &group_by)).await,
        Command::Show { mut filter, ids, show_data } => {
            filter.id.extend(ids);
            Box::pin(show::run(app, &filter, show_data)).await
        }
        Command::Preview { filter, against } => Box::pin(preview::run(app, &filter, &against)).await,
        Command::Redrive { filter, act, how, by } => {
            Box::pin(redrive::run(app, &filter, &act, &how, &by.who())).await
        }
        Command::Drop { filter, all_orgs, act, by, rate } => {
            drop::of_something(&filter, all_orgs)?;
            Box::pin(drop::run(app, &filter, &act, &by.who(), rate)).await
        }
    }
}
