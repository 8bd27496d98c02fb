//! `rtr`, the command of the operators.
//!
//! Every command answers on stdout (with `--json`: JSON and nothing else), tells its progress on stderr, and ends with an
//! exit code that a script can act on; see [`problem::Exit`].
//!
//! - [`args`] what may be asked · [`commands`] one file or folder each · [`output`] how it is shown
//! - [`stack`] which stack is meant and what its parts are called · [`aws`] the way to it · [`moment`] times people write ·
//!   [`confirm`] asking first · [`audit`] writing down who did what

mod app;
mod args;
mod audit;
mod aws;
mod commands;
mod confirm;
mod moment;
mod output;
mod problem;
mod signal;
mod stack;

use clap::Parser;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let app = app::App::new(cli.json, cli.stack);
    let ended = Box::pin(commands::run(&app, cli.command)).await;
    let exit = ended.unwrap_or_else(|problem| {
        app.out.note(&problem.to_string());
        problem.exit
    });
    ExitCode::from(exit.code())
}
