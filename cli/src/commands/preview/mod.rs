//! `rtr preview`: what an event would do, request by request, by the sync lane's own steps over a CRM that is played.
//!
//! Nothing is sent; with `--live` the CRM is asked, and asked only.

mod events;
pub(crate) mod letterhead;
mod live;
mod one;
mod setting;
mod unpreviewed;
mod words;

pub(crate) use one::{Request, request};
pub(crate) use words::request as request_words;

use crate::app::App;
use crate::problem::{Ended, Exit};
use crate::schema::Answer;
use setting::Setting;
use std::path::PathBuf;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<Vec<one::Told>>("preview")];

/// What to preview, and against what.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An event, or several: JSON lines, a list, or what a function gets from its queue; `-` is stdin
    #[arg(value_name = "EVENT.json|-")]
    file: PathBuf,
    /// The folder whose configuration is previewed [default: `config`, if it is there, else what is stored]
    #[arg(long, value_name = "DIR", conflicts_with = "stored")]
    config: Option<PathBuf>,
    /// Preview what is stored, configuration and records
    #[arg(long)]
    stored: bool,
    /// Ask the CRM, and show field by field what would change there (exit 1 when something would)
    #[arg(long)]
    live: bool,
    /// The one connection
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// Take the record to be written already, as this record of the CRM
    #[arg(long, value_name = "EXTERNAL_ID", conflicts_with_all = ["stored", "live"])]
    linked: Option<String>,
}

/// Shows what the events would do.
pub(crate) async fn run(app: &App, args: &Args) -> Ended {
    let events = events::read(&args.file)?;
    let setting = Box::pin(Setting::of(app, args)).await?;
    setting.note(app);
    let state = setting.state();
    let mut came = Vec::with_capacity(events.len());
    for event in &events {
        match Box::pin(one::preview(&setting, &state, event, args)).await {
            // Who does not answer will not answer for the next one either.
            Err(problem) if problem.exit == Exit::Unreachable => return Err(problem),
            one => came.push(one),
        }
    }
    let told = unpreviewed::together(&events, came)?;
    app.out.answer(&told, |_| told.iter().map(words::words).collect::<Vec<_>>().join("\n\n"));
    Ok(Exit::of_findings(told.iter().any(one::Told::has_findings)))
}
