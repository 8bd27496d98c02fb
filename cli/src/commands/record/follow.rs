//! `rtr record --follow`: each new outcome as it is written, out to the CRM and back to the internal system, until interrupted.

use super::read::read;
use super::view::{Outcome, Record};
use super::words::{line, line_back};
use crate::app::App;
use crate::aws::Aws;
use crate::output::one_line;
use crate::problem::{Ended, Exit, Problem};
use crate::signal::told_to_end;
use rtr_core::key::RecordKey;
use rtr_engine::seams::Seams;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Direction {
    /// To the CRM.
    Out,
    /// Back to the internal system.
    In,
}

/// One new outcome.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Followed<'a> {
    connection: &'a str,
    /// On its way out to the CRM; or in to the internal system, whose versions are the CRM's stamps, in microseconds.
    direction: Direction,
    #[serde(flatten)]
    outcome: &'a Outcome,
}

/// What was told before.
#[derive(Debug, Default)]
struct Seen {
    outcomes: HashSet<(String, Direction, String, u64, &'static str)>,
    absent: HashSet<String>,
}

/// Looks every second.
pub(super) async fn run(app: &App, aws: &Aws, seams: &Seams<'_>, key: &RecordKey) -> Ended {
    let mut seen = Seen::default();
    app.out.note("following; Ctrl-C ends it");
    let look = async || Box::pin(read(aws, seams, key, false)).await;
    let tell = |record: Record| {
        for followed in seen.news(&record) {
            app.out.item(&followed, || followed.words());
        }
        seen.absences(&record).iter().for_each(|why| app.out.note(&one_line(why)));
    };
    until(&told_to_end(), look, tell).await
}

/// Looks and tells until told to end: at once, a look that does not come back included.
async fn until<R>(
    stop: &CancellationToken,
    look: impl AsyncFn() -> Result<R, Problem>,
    mut tell: impl FnMut(R),
) -> Ended {
    while let Some(found) = stop.run_until_cancelled(look()).await {
        tell(found?);
        if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            break;
        }
    }
    Ok(Exit::Done)
}

impl Seen {
    /// What is new of `record`, at each connection in the order in which it happened.
    fn news<'r>(&mut self, record: &'r Record) -> Vec<Followed<'r>> {
        let mut news = Vec::new();
        for (connection, at) in &record.connections {
            let back = at.inbound.iter().flat_map(|back| back.recent.iter().rev());
            // Stored newest first.
            let both = at.recent.iter().rev().map(|one| (Direction::Out, one));
            for (direction, outcome) in both.chain(back.map(|one| (Direction::In, one))) {
                let mark =
                    (connection.clone(), direction, outcome.at.clone(), outcome.version, outcome.outcome);
                if self.outcomes.insert(mark) {
                    news.push(Followed { connection, direction, outcome });
                }
            }
        }
        news
    }

    /// Why nothing comes of it where nothing does: each once, since whoever looks on would wait for it.
    fn absences(&mut self, record: &Record) -> Vec<String> {
        let all = record.absent.iter().map(super::setting::Absent::words);
        all.filter(|why| self.absent.insert(why.clone())).collect()
    }
}

impl Followed<'_> {
    fn words(&self) -> String {
        let cells = match self.direction {
            Direction::Out => line(self.connection, self.outcome),
            Direction::In => line_back(self.connection, self.outcome),
        };
        one_line(cells.join("  ").trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::super::setting::{Absent, Setting};
    use super::super::view::{At, Back};
    use super::*;
    use rtr_core::item::{Ended as How, Item};
    use rtr_core::time::Instant;
    use std::collections::BTreeMap;

    fn record() -> Record {
        let item = Item::default().noting(How::Applied, 7, Instant(1_795_000_000_000), None);
        let item = item.noting(How::Applied, 8, Instant(1_795_000_002_000), None);
        let told = Item { rev: 1, ..Item::default() };
        let told = told.noting(How::Applied, 1_795_000_000_123_000, Instant(1_795_000_001_000), None);
        let at = At { inbound: Back::of(&told), ..At::of(&item, &Setting::sample()) };
        let absent = Absent {
            connection: Some("salesforce".to_owned()),
            code: None,
            message: "Nothing yet.".to_owned(),
        };
        Record {
            key: RecordKey::new("acme", "contact", "c-1"),
            connections: BTreeMap::from([("hubspot".to_owned(), at)]),
            absent: vec![absent],
            unread: Vec::new(),
        }
    }

    #[test]
    fn given_data_that_is_asked_for_when_followed_then_it_is_refused_since_outcomes_have_none() {
        let read = |more: &[&str]| {
            let line = ["rtr", "record", "acme", "contact", "c-1", "--follow"];
            crate::args::command().try_get_matches_from([&line[..], more].concat())
        };
        assert!(read(&[]).is_ok() && read(&["--show-data"]).is_err());
    }

    #[tokio::test]
    async fn given_a_look_that_never_comes_back_when_told_to_end_then_following_ends() {
        let stop = CancellationToken::new();
        let hangs = until(&stop, std::future::pending::<Result<(), Problem>>, |()| panic!("it came back"));
        let tells = async {
            tokio::task::yield_now().await;
            stop.cancel();
        };
        assert_eq!(tokio::join!(hangs, tells).0, Ok(Exit::Done));
        // Between two looks too.
        let (stop, mut told) = (CancellationToken::new(), 0);
        let told_once = |()| {
            told += 1;
            stop.cancel();
        };
        assert_eq!(until(&stop, async || Ok(()), told_once).await, Ok(Exit::Done));
        assert_eq!(told, 1);
        let going = CancellationToken::new();
        let fails = until(&going, async || Err(Problem::usage("x")), |()| {});
        assert_eq!(fails.await, Err(Problem::usage("x")));
    }

    #[test]
    fn given_a_record_when_followed_then_both_ways_are_told_once_and_so_is_what_is_absent() {
        let (mut seen, record) = (Seen::default(), record());
        let news = seen.news(&record);
        let lines: Vec<String> = news.iter().map(Followed::words).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        2026-11-18T11:06:40.000Z  hubspot  applied  7  -
        2026-11-18T11:06:42.000Z  hubspot  applied  8  -
        2026-11-18T11:06:41.000Z  hubspot, back  told  change of 2026-11-18T11:06:40.123Z  -
        ");
        for one in &news {
            crate::schema::tests::holds("record --follow", one);
        }
        let ways: Vec<String> =
            news.iter().map(|one| serde_json::to_value(one).unwrap()["direction"].to_string()).collect();
        assert_eq!(ways, [r#""out""#, r#""out""#, r#""in""#]);
        assert_eq!(seen.absences(&record), ["salesforce: Nothing yet."]);
        assert_eq!((seen.news(&record).len(), seen.absences(&record).len()), (0, 0));
    }
}
