//! `rtr links`: which record of ours is which record of a CRM, brought in from the sync before this one, or taken out.

mod ask;
mod export;
mod import;
mod look;
mod refused;
mod run;

use crate::app::App;
use crate::audit::Who;
use crate::aws::Aws;
use crate::problem::{Ended, Problem};
use crate::schema::{Answer, foreign};
use std::path::PathBuf;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 2] =
    [Answer::of::<import::Summary>("links import"), Answer::lines_of::<foreign::Link>("links export")];

/// Whose links.
#[derive(Debug, clap::Args)]
pub(crate) struct Of {
    /// The org
    org: String,
    /// The connection within the org
    connection: String,
    /// The record type, such as `contact`
    #[arg(value_name = "TYPE")]
    record_type: String,
}

/// What to bring in, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    of: Of,
    /// CSV or JSON lines: record_id,external_id[,version]; `-` is stdin
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Ask the CRM for each record first: one that it lacks, or that carries another record's key, is refused
    #[arg(long)]
    verify: bool,
    /// Verify, and write our key on each record of the CRM that has none
    #[arg(long)]
    stamp: bool,
    /// With --stamp: do not ask, at a terminal; where there is none nothing is asked
    #[arg(long, requires = "stamp")]
    yes: bool,
    /// Write nothing; say what would be. Claims of other records are not looked at
    #[arg(long, conflicts_with_all = ["stamp", "resume"])]
    dry_run: bool,
    /// Go on where an interrupted run of this file stopped
    #[arg(long)]
    resume: bool,
    /// Write the refused lines to this file, to be mended and imported
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    who: Who,
}

/// What to take out, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    of: Of,
    /// The form of the lines [default: csv, with --json jsonl]
    #[arg(long, value_enum)]
    format: Option<export::Form>,
    /// The file to write [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only records that were written under an older mapping than the one that holds now, or left out by it
    #[arg(long)]
    stale: bool,
}

/// What to do with links.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Write links that are known elsewhere; never over one that is known here (exit 1 if a line is refused)
    Import(ImportArgs),
    /// All links of a type at a connection, as `import` reads them, or who is behind the mapping. Reads the whole table
    Export(ExportArgs),
}

/// Tells `take` of each record of a type that is linked at a connection. Reads the whole table.
///
/// # Errors
/// When it does not answer.
pub(in crate::commands) async fn linked(
    aws: &Aws,
    (org, connection): (&str, &str),
    record_type: &str,
    take: &mut dyn FnMut(String),
) -> Result<(), Problem> {
    let of =
        Of { org: org.to_owned(), connection: connection.to_owned(), record_type: record_type.to_owned() };
    Box::pin(export::each(aws, &of, take)).await
}

/// Runs one of them.
pub(crate) async fn run(app: &App, command: Command) -> Ended {
    match command {
        Command::Import(args) => Box::pin(import::run(app, &args)).await,
        Command::Export(args) => Box::pin(export::run(app, &args)).await,
    }
}
