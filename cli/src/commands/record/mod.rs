//! `rtr record`: what is known of one record at each connection, and what happens to it from now on.

mod body;
mod follow;
mod read;
mod setting;
mod steps;
mod unread;
mod view;
mod waiting;
mod words;

pub(in crate::commands) use body::{Held, held};

use crate::app::App;
use crate::problem::{Ended, Exit, Problem};
use crate::schema::Answer;
use rtr_core::key::RecordKey;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 2] =
    [Answer::of::<view::Record>("record"), Answer::lines_of::<follow::Followed<'_>>("record --follow")];

/// The record.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The org
    org: String,
    /// The record type
    #[arg(value_name = "TYPE")]
    record_type: String,
    /// The record id
    #[arg(value_name = "ID")]
    record_id: String,
    /// Go on looking every second, and print each new outcome, at the CRM or on the way back to the internal system
    #[arg(long)]
    follow: bool,
    /// Also the data of a version that is not applied, and the CRM's own words
    #[arg(long, conflicts_with = "follow")]
    show_data: bool,
}

/// Shows the record.
pub(crate) async fn run(app: &App, args: Args) -> Ended {
    let key = RecordKey::new(args.org, args.record_type, args.record_id);
    let aws = Box::pin(app.aws()).await?;
    let runtime = aws.runtime("")?;
    if args.follow {
        return Box::pin(follow::run(app, &aws, &runtime.seams(), &key)).await;
    }
    let mut found = Box::pin(read::read(&aws, &runtime.seams(), &key, args.show_data)).await?;
    let mut elsewhere = None;
    match Box::pin(unread::unread(&aws, &key)).await {
        Ok(looked) => (found.unread, elsewhere) = (looked.unread, looked.elsewhere),
        // What is known is told all the same.
        Err(problem) if !found.connections.is_empty() => app.out.note(&problem.to_string()),
        Err(problem) => return Err(problem),
    }
    if found.connections.is_empty() && found.unread.is_empty() {
        let name = format!("{} {} {}", key.org_id, key.record_type, key.record_id);
        let why: Vec<String> = found.absent.iter().map(setting::Absent::words).chain(elsewhere).collect();
        return Err(Problem::not_found(format!("nothing is known of {name}")).hint(why.join("\n  ")));
    }
    app.out.answer(&found, |style| words::words(style, &found));
    Ok(Exit::Done)
}
