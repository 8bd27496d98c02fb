//! `rtr`, the command of the operators.
//!
//! Every command answers on stdout (with `--json`: JSON and nothing else), tells its progress on stderr, and ends with an
//! exit code that a script can act on; see [`problem::Exit`].
//!
//! - [`args`] what may be asked, [`examples`] of it · [`commands`] one file or folder each · [`output`] how it is shown
//! - [`stack`] which stack is meant and what its parts are called · [`aws`] the way to it · [`moment`] times people write ·
//!   [`confirm`] asking first · [`audit`] writing down who did what · [`schema`] the shapes of the JSON answers

mod app;
mod args;
mod audit;
mod aws;
mod commands;
mod confirm;
mod examples;
mod moment;
mod output;
mod problem;
#[cfg(test)]
mod reference;
mod schema;
mod signal;
mod stack;

use clap::FromArgMatches;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let matches = args::command().get_matches();
    let cli = args::Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let app = app::App::new(cli.json, cli.stack);
    let ended = Box::pin(commands::run(&app, cli.command)).await;
    let exit = ended.unwrap_or_else(|problem| {
        app.out.note(&problem.to_string());
        problem.exit
    });
    ExitCode::from(exit.code())
}
