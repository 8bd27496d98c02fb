//! `rtr parked`: what cannot go now and goes by itself: listed from the connections' own indexes, acted on only after the item
//! was read, and ended by nobody but the bulk lane.

mod act;
mod entry;
mod list;
mod look;
mod share;

use crate::app::App;
use crate::audit::Because;
use crate::commands::dlq::filter::Filter;
use crate::commands::dlq::group::Grouping;
use crate::problem::{Ended, Problem};
use crate::schema::{Answer, Either, foreign};

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 3] = [
    Answer::of::<Either<Vec<entry::Shown<'_>>, Vec<foreign::Group>>>("parked list"),
    Answer::of::<act::Report>("parked drain"),
    Answer::of::<act::Report>("parked drop"),
];

/// What to do with parked work.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List it, what goes first foremost
    List {
        #[command(flatten)]
        filter: Filter,
        /// Count it by this, or by several of these together, instead
        #[arg(long, value_name = "WHAT,…", value_delimiter = ',')]
        group_by: Vec<Grouping>,
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
        /// Of every org; without it --org or --id is needed
        #[arg(long, conflicts_with = "org")]
        all_orgs: bool,
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
        Command::List { filter, group_by } => Box::pin(list::run(app, &filter, &group_by)).await,
        Command::Drain { filter, act } => Box::pin(act::run(app, &filter, &act, act::What::Drain)).await,
        Command::Drop { filter, all_orgs, act } => {
            of_somebody(&filter, all_orgs)?;
            Box::pin(act::run(app, &filter, &act, act::What::Drop)).await
        }
    }
}

/// What is dropped is never sent: every org's work is not taken for want of a word.
fn of_somebody(filter: &Filter, all_orgs: bool) -> Result<(), Problem> {
    if all_orgs || filter.org.is_some() || !filter.id.is_empty() {
        return Ok(());
    }
    Err(Problem::usage("parked drop: whose work is to be dropped is not said").hint(
        "name it by --org ORG or --id ID, or say --all-orgs for that of every org; rtr parked list --group-by org counts it",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Exit;

    #[test]
    fn given_a_drop_that_names_nobody_when_asked_for_then_it_is_refused_whatever_else_narrows_it() {
        let text = |text: &str| Some(text.to_owned());
        let narrowed =
            Filter { record_type: text("contact"), connection: text("hubspot"), ..Filter::default() };
        for filter in [Filter::default(), narrowed.clone()] {
            let refused = of_somebody(&filter, false).unwrap_err();
            assert_eq!(refused.exit, Exit::Usage);
            assert!(refused.hint.unwrap().contains("--all-orgs"));
        }
        let of_org = Filter { org: text("acme"), ..Filter::default() };
        let by_id = Filter { id: vec!["7ba3413ad828a995".to_owned()], ..Filter::default() };
        assert_eq!([of_org, by_id].map(|filter| of_somebody(&filter, false)), [Ok(()), Ok(())]);
        assert_eq!(of_somebody(&narrowed, true), Ok(()));
    }
}
