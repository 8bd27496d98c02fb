//! `rtr record --follow`: each new outcome as it is written, until interrupted.

use super::read::read;
use super::view::Outcome;
use super::words::line;
use crate::app::App;
use crate::aws::Aws;
use crate::output::one_line;
use crate::problem::{Ended, Exit};
use crate::signal::asked_to_end;
use rtr_core::key::RecordKey;
use rtr_engine::seams::Seams;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// One new outcome.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Followed<'a> {
    connection: &'a str,
    #[serde(flatten)]
    outcome: &'a Outcome,
}

/// Looks every second.
pub(super) async fn run(app: &App, aws: &Aws, seams: &Seams<'_>, key: &RecordKey) -> Ended {
    let mut seen: HashSet<(String, String, u64, &'static str)> = HashSet::new();
    app.out.note("following; Ctrl-C ends it");
    let mut asked = pin!(asked_to_end());
    loop {
        let record = Box::pin(read(aws, seams, key, false)).await?;
        for (connection, at) in &record.connections {
            // Stored newest first; told in the order in which it happened.
            for outcome in at.recent.iter().rev() {
                let mark = (connection.clone(), outcome.at.clone(), outcome.version, outcome.outcome);
                if seen.insert(mark) {
                    let followed = Followed { connection, outcome };
                    app.out.item(&followed, || one_line(line(connection, outcome).join("  ").trim_end()));
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = &mut asked => return Ok(Exit::Done),
        }
    }
}
