//! The commands: each takes what was asked, and answers or says why not.

pub(crate) mod audit;
pub(crate) mod backfill;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod cost;
pub(crate) mod dlq;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod lines;
pub(crate) mod links;
pub(crate) mod org;
pub(crate) mod parked;
pub(crate) mod preview;
pub(crate) mod publish;
pub(crate) mod reconcile;
pub(crate) mod record;
pub(crate) mod schema;
pub(crate) mod wait;

use crate::app::App;
use crate::args::Command;
use crate::problem::Ended;
use crate::schema::Answer;

/// The shapes of the `--json` answers of all commands.
pub(crate) fn answers() -> Vec<Answer> {
    let all: [&[Answer]; 17] = [
        &audit::ANSWERS,
        &backfill::ANSWERS,
        &config::ANSWERS,
        &connection::ANSWERS,
        &cost::ANSWERS,
        &dlq::ANSWERS,
        &doctor::ANSWERS,
        &explain::ANSWERS,
        &links::ANSWERS,
        &org::ANSWERS,
        &parked::ANSWERS,
        &preview::ANSWERS,
        &publish::ANSWERS,
        &reconcile::ANSWERS,
        &record::ANSWERS,
        &schema::ANSWERS,
        &wait::ANSWERS,
    ];
    all.concat()
}

/// Runs one command.
pub(crate) async fn run(app: &App, command: Command) -> Ended {
    match command {
        Command::Config(command) => config::run(app, command).await,
        Command::Connection(command) => connection::run(app, command).await,
        Command::Preview(args) => Box::pin(preview::run(app, &args)).await,
        Command::Publish(args) => publish::run(app, args).await,
        Command::Backfill(args) => Box::pin(backfill::run(app, args)).await,
        Command::Reconcile(args) => Box::pin(reconcile::run(app, args)).await,
        Command::Record(args) => record::run(app, args).await,
        Command::Dlq(command) => dlq::run(app, command).await,
        Command::Parked(command) => parked::run(app, command).await,
        Command::Audit(args) => audit::run(app, &args).await,
        Command::Links(command) => links::run(app, command).await,
        Command::Doctor(args) => Box::pin(doctor::run(app, &args)).await,
        Command::Org(command) => org::run(app, command).await,
        Command::Cost(args) => cost::run(app, &args),
        Command::Explain(args) => explain::run(app, &args),
        Command::Wait(args) => wait::run(app, &args).await,
        Command::Completions(args) => completions::run(app, &args),
        Command::Schema(args) => schema::run(app, &args),
    }
}
