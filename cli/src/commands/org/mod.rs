//! `rtr org`: what there is of one org.

mod show;
mod words;

use crate::app::App;
use crate::problem::Ended;
use crate::schema::Answer;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<show::Shown>("org show")];

/// What to do with an org.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// All that there is of an org on a page: configuration, connections, what waits and what is dead, who did what last
    Show {
        /// The org
        org: String,
    },
}

/// Runs one of them.
pub(crate) async fn run(app: &App, command: Command) -> Ended {
    match command {
        Command::Show { org } => Box::pin(show::run(app, &org)).await,
    }
}
