//! `rtr config`: the folder of YAML, what is stored, and the difference. Nothing of a folder with an error is applied.

mod apply;
mod check;
mod folder;
mod history;
mod init;
mod rollback;
mod schema;
mod show;
mod store;
pub(crate) use folder::load_or_refuse;
pub(crate) use show::absent;
mod test;
mod trial;

use crate::app::App;
use crate::problem::Ended;
use crate::schema::{Answer, Either, foreign};
use std::path::PathBuf;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 9] = [
    Answer::of::<init::Begun>("config init"),
    Answer::of::<Vec<foreign::Diagnostic>>("config check"),
    Answer::of::<Vec<apply::Shown<'_>>>("config diff"),
    Answer::of::<Vec<apply::Shown<'_>>>("config apply"),
    Answer::of::<Vec<history::Listed>>("config history"),
    Answer::of::<Vec<apply::Shown<'_>>>("config rollback"),
    Answer::of::<Either<Vec<show::Row<'_>>, Either<foreign::StoredDocument, show::merged::Merged<'_>>>>(
        "config show",
    ),
    Answer::of::<Either<test::Report, Vec<test::record::Made>>>("config test"),
    Answer::of::<Vec<schema::Schema>>("config schema"),
];

/// What to do with configuration.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Begin an org with a connection to a provider: files that work, to be changed from there; none is overwritten
    Init {
        /// The org's id, as events carry it
        org: String,
        /// The provider, such as hubspot
        provider: String,
        /// The folder
        #[arg(default_value = "config")]
        dir: PathBuf,
    },
    /// Check the folder: every error with its file, line and column (exit 2)
    Check {
        /// The folder
        #[arg(default_value = "config")]
        dir: PathBuf,
    },
    /// What `apply` would change, or what has changed since a revision (exit 1 if anything)
    Diff {
        /// The folder, or the number of a revision
        #[arg(default_value = "config", value_name = "DIR|REVISION")]
        dir: PathBuf,
        /// Also what the folder lacks
        #[arg(long)]
        prune: bool,
    },
    /// Store what changed, each org as a numbered revision
    Apply(apply::Args),
    /// The revisions, newest first: whose, why, and what each changed
    History(history::Args),
    /// Take back what was stored after a revision: everything, or of some orgs (new revisions say so)
    Rollback(rollback::Args),
    /// What is stored: a list, one org's document (`*`: what holds for all), or one of its mappings, with who says what
    Show {
        /// The org
        org: Option<String>,
        /// The provider of a mapping
        #[arg(requires = "record_type")]
        provider: Option<String>,
        /// Its record type
        record_type: Option<String>,
    },
    /// Run the cases beside the mappings, and say what no case looks at (exit 1 if one fails)
    Test(test::Args),
    /// Write the JSON Schemas of the files to DIR/schema
    Schema {
        /// The folder
        #[arg(default_value = "config")]
        dir: PathBuf,
        /// Write nothing; exit 1 if the folder's schemas are not these
        #[arg(long)]
        check: bool,
    },
}

/// Runs one of them.
pub(crate) async fn run(app: &App, command: Command) -> Ended {
    match command {
        Command::Init { org, provider, dir } => init::run(app, &org, &provider, &dir),
        Command::Check { dir } => check::run(app, &dir),
        Command::Diff { dir, prune } => match dir.to_str().and_then(|text| text.parse().ok()) {
            Some(revision) => rollback::diff(app, revision).await,
            None => apply::diff(app, &dir, prune).await,
        },
        Command::Apply(args) => apply::apply(app, &args).await,
        Command::History(args) => history::run(app, &args).await,
        Command::Rollback(args) => rollback::rollback(app, &args).await,
        Command::Show { org, provider, record_type } => {
            let mapping = provider.as_deref().zip(record_type.as_deref());
            show::run(app, org.as_deref(), mapping).await
        }
        Command::Test(args) => test::run(app, args).await,
        Command::Schema { dir, check } => schema::run(app, &dir, check),
    }
}
