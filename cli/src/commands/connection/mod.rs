//! `rtr connection`: an org's links to CRM accounts: their state, whether they work, and what they need at the CRM.

mod compare;
mod connect;
pub(crate) mod dead;
mod each;
mod health;
pub(crate) mod list;
mod look;
pub(crate) mod open;
pub(crate) mod pause;
mod resume;
pub(crate) mod select;
mod setup;
pub(crate) mod survey;
mod test;

use crate::app::App;
use crate::problem::Ended;
use crate::schema::Answer;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 6] = [
    Answer::of::<Vec<list::Listed>>("connection list"),
    Answer::of::<Vec<each::Seen<test::Tested>>>("connection test"),
    Answer::of::<Vec<each::Seen<setup::SetUp>>>("connection setup"),
    Answer::of::<connect::Connected>("connection connect"),
    Answer::of::<pause::Stopped>("connection pause"),
    Answer::of::<resume::Resumed>("connection resume"),
];

/// Which connections; all of them when nothing is named.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The org
    pub(crate) org: Option<String>,
    /// The connection within the org
    pub(crate) connection: Option<String>,
}

/// What to do with connections.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List them with their state, what is parked there, what calls are left and how their circuit breaker stands
    ///
    /// STATE: ok · no_secret: its secret is missing · suspended: its credentials were refused, and new ones end it · paused:
    /// by a person, and `rtr connection resume` ends it · stopped: the CRM asked for a rest, or its breaker is open.
    ///
    /// PARKED and OLDEST: versions that wait for it, and for how long the oldest does; a + says that there are more, or that one
    /// may wait for longer, since not each was looked at. NEXT LOOK: when its bulk lane is looked at. CALLS LEFT: of each of its limits.
    ///
    /// BREAKER: closed: calls go · open: the CRM failed or was slow again and again, and no call goes until the time that is
    /// said · half-open: that is over, and one call tries whether it is back · ramping: it is back, and more calls may be in
    /// flight at once with every second · slow: a call takes a second or more, and few may be in flight at once. All but
    /// closed end by themselves; what comes meanwhile is parked and goes by itself.
    List(Which),
    /// Check credentials, objects and properties at the CRM (exit 1 on findings); ends a suspension if they work
    Test(test::Args),
    /// Make the unique properties that hold our record ids, where they are missing
    Setup(setup::Args),
    /// Ask a person to let rtr-sync into an account, and keep what comes of it (exit 1 when nothing does)
    Connect(connect::Args),
    /// Stop their calls at once, without editing a file: what comes meanwhile is parked
    Pause(pause::Args),
    /// Let them go on: what is parked goes at once (exit 1 when something else stops them still)
    Resume(pause::Args),
}

/// Runs one of them.
pub(crate) async fn run(app: &App, command: Command) -> Ended {
    match command {
        Command::List(which) => Box::pin(list::run(app, &which)).await,
        Command::Test(args) => Box::pin(test::run(app, &args)).await,
        Command::Setup(args) => Box::pin(setup::run(app, &args)).await,
        Command::Connect(args) => Box::pin(connect::run(app, &args)).await,
        Command::Pause(args) => Box::pin(pause::pause(app, &args)).await,
        Command::Resume(args) => Box::pin(resume::resume(app, &args)).await,
    }
}
