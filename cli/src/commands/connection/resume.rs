//! `rtr connection resume`: ends pauses, wakes the lanes of what goes on, and says what is stopped all the same.

use super::pause::{Args, Paused, agreed, audit, key, meant};
use super::select::{Selected, stored};
use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::moment::now;
use crate::output::one_line;
use crate::problem::{Ended, Exit, Problem};
use rtr_core::config::{Mode, Pauses};
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use rtr_engine::seams::Suspension;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;

/// With more connections than this only those are woken where something is parked, and none is asked whether it is authorized.
const FEW: usize = 100;
/// Lanes asked for at once.
const MANY: usize = 100_000;

/// What a resume did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Resumed {
    resumed: Vec<Ending>,
    /// Connections that were paused and go on, each lane of which was woken.
    connections: usize,
    /// Connections that something else stops still.
    still_paused: Vec<Still>,
}

/// One scope and the pause that was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Ending {
    of: String,
    /// None: it was not paused.
    was: Option<Paused>,
}

/// A connection that is stopped all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Still {
    org_id: String,
    connection: String,
    by: String,
}

/// Resumes: exit 1 when something that was meant is stopped all the same.
pub(super) async fn resume(app: &App, args: &Args) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let before = stored(&aws).await?;
    let (scopes, selected) = meant(&before, args)?;
    if !agreed(app, "Resume", args, &selected) {
        return Ok(Exit::Done);
    }
    let store = aws.config_store()?;
    let (mut resumed, mut pauses) = (Vec::new(), before.pauses.clone());
    for scope in &scopes {
        // Where nothing was to be ended nothing was done that anybody would look for.
        if !before.pauses.has(scope) {
            resumed.push(Ending { of: scope.to_string(), was: None });
            continue;
        }
        audit(&aws, args, "connection.resume", scope).await?;
        let ended = store.resume(scope).await;
        let ended = ended.map_err(|error| unavailable(&format!("resuming {scope}"), &aws.place, &error))?;
        pauses.end(scope);
        let was = ended.map(|pause| Paused::new(scope, &pause));
        resumed.push(Ending { of: scope.to_string(), was });
    }
    let (going, mut still) = split(&selected, &pauses);
    // Those that were not paused too: an earlier resume may have ended between the two.
    wake(&aws, &going).await?;
    let going = if going.len() > FEW { going } else { authorized(&aws, going, &mut still).await? };
    let done =
        Resumed { resumed, connections: freed(&selected, &before.pauses, &going), still_paused: still };
    app.out.answer(&done, |_| resumed_words(&done));
    Ok(Exit::of_findings(!done.still_paused.is_empty()))
}

/// Those that go on, and those that something else stops.
fn split(selected: &[Selected], pauses: &Pauses) -> (Vec<ConnectionKey>, Vec<Still>) {
    let (mut going, mut still) = (Vec::new(), Vec::new());
    for one in selected {
        let by = match pauses.of(&key(one), one.provider()).first() {
            Some((scope, pause)) => Some(Paused::new(scope, pause).told_at(&one.org, &one.connection)),
            None if one.mode() == Mode::Paused => Some("`mode: paused` in the org's file".to_owned()),
            None => None,
        };
        match by {
            Some(by) => {
                still.push(Still { org_id: one.org.clone(), connection: one.connection.clone(), by });
            }
            None => going.push(key(one)),
        }
    }
    (going, still)
}

/// Those of `going` whose authorization stands; the others are stopped all the same.
async fn authorized(
    aws: &Aws,
    going: Vec<ConnectionKey>,
    still: &mut Vec<Still>,
) -> Result<Vec<ConnectionKey>, Problem> {
    let runtime = aws.runtime("")?;
    let limits = runtime.seams().limits;
    let mut authorized = Vec::new();
    for key in going {
        let suspended = limits.suspension(&key.key()).await;
        let suspended =
            suspended.map_err(|error| unavailable("looking whether it is authorized", &aws.place, &error))?;
        match suspended {
            Some(suspension) => still.push(suspended_still(&key, &suspension)),
            None => authorized.push(key),
        }
    }
    Ok(authorized)
}

fn suspended_still(key: &ConnectionKey, suspension: &Suspension) -> Still {
    let ConnectionKey { org_id, connection } = key.clone();
    let since = suspension.since.to_rfc3339();
    let by = format!(
        "suspended since {since}: {}; with new credentials it goes on by itself, at once by `rtr connection test {org_id} {connection}`",
        suspension.message
    );
    Still { org_id, connection, by }
}

/// How many of `going` something in `before` had stopped.
fn freed(selected: &[Selected], before: &Pauses, going: &[ConnectionKey]) -> usize {
    let was_paused = |one: &&Selected| !before.of(&key(one), one.provider()).is_empty();
    selected.iter().filter(was_paused).filter(|one| going.contains(&key(one))).count()
}

/// Has the lanes of `going` looked at now. Safe to repeat: whoever was stopped between the two resumes again.
async fn wake(aws: &Aws, going: &[ConnectionKey]) -> Result<(), Problem> {
    let runtime = aws.runtime("")?;
    let limits = runtime.seams().limits;
    let failed = |error| unavailable("waking the lanes of what was resumed", &aws.place, &error);
    let parked: Option<HashSet<ConnectionKey>> = if going.len() > FEW {
        // Where something is parked the lane is to be looked at some time.
        let lanes = limits.lanes_due(Instant(i64::MAX), MANY).await.map_err(failed)?;
        Some(lanes.into_iter().map(|baton| baton.connection).collect())
    } else {
        None
    };
    for connection in going {
        if parked.as_ref().is_none_or(|parked| parked.contains(connection)) {
            limits.want_lane(connection, now()).await.map_err(failed)?;
        }
    }
    Ok(())
}

fn resumed_words(done: &Resumed) -> String {
    let line = |Ending { of, was }: &Ending| match was {
        Some(was) => format!("{of}: resumed; it was {}", was.words()),
        None => format!("{of}: was not paused"),
    };
    let mut lines: Vec<String> = done.resumed.iter().map(line).collect();
    if done.connections > 0 {
        lines.push(format!(
            "{} on; what is parked there goes now",
            match done.connections {
                1 => "1 connection goes".to_owned(),
                n => format!("{n} connections go"),
            }
        ));
    }
    if done.resumed.iter().all(|ending| ending.was.is_none()) {
        lines.push("nothing was to be resumed".to_owned());
    }
    lines.extend(
        done.still_paused
            .iter()
            .map(|one| format!("{} {} is stopped all the same: {}", one.org_id, one.connection, one.by)),
    );
    lines.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::{ConnectionDoc, Pause, Scope};

    fn pause(by: &str, reason: Option<&str>) -> Pause {
        Pause { by: by.to_owned(), at: Instant(1_795_000_000_000), reason: reason.map(str::to_owned) }
    }

    fn one(connection: &str, mode: Option<Mode>) -> Selected {
        let doc = ConnectionDoc { provider: Some("hubspot".to_owned()), mode, ..ConnectionDoc::default() };
        Selected { org: "acme".to_owned(), connection: connection.to_owned(), doc }
    }

    #[test]
    fn given_what_several_stop_when_resumed_then_what_is_stopped_all_the_same_is_told() {
        let selected = [
            one("hubspot", None),
            one("held", None),
            one("filed", Some(Mode::Paused)),
            one("shadowed", Some(Mode::Shadow)),
        ];
        let held = Scope::Connection(ConnectionKey::new("acme", "held"));
        let pauses = [(held, pause("bob", Some("they asked")))].into_iter().collect();
        let (going, still_paused) = split(&selected, &pauses);
        let was = Some(Paused::new(&Scope::All, &pause("ada", Some("an incident"))));
        let resumed = vec![
            Ending { of: Scope::All.to_string(), was },
            Ending { of: Scope::Provider("hubspot".to_owned()).to_string(), was: None },
        ];
        let before = [(Scope::All, pause("ada", Some("an incident")))].into_iter().collect();
        let connections = freed(&selected, &before, &going);
        let done = Resumed { resumed, connections, still_paused };
        crate::schema::tests::holds("connection resume", &done);
        insta::assert_snapshot!(resumed_words(&done), @r"
        --all: resumed; it was paused by ada at 2026-11-18T11:06:40.000Z: an incident
        --provider hubspot: was not paused
        2 connections go on; what is parked there goes now
        acme held is stopped all the same: paused by bob at 2026-11-18T11:06:40.000Z: they asked
        acme filed is stopped all the same: `mode: paused` in the org's file
        ");
    }

    #[test]
    fn given_a_revoked_authorization_when_resumed_then_it_says_what_is_to_be_done() {
        let (message, since) = ("the refresh token was revoked".to_owned(), Instant(1_795_000_000_000));
        let suspension = Suspension { message, since, secret_version: "1".to_owned() };
        let still = suspended_still(&ConnectionKey::new("acme", "hubspot"), &suspension);
        insta::assert_snapshot!(still.by, @"suspended since 2026-11-18T11:06:40.000Z: the refresh token was revoked; with new credentials it goes on by itself, at once by `rtr connection test acme hubspot`");
    }

    #[test]
    fn given_what_is_not_paused_when_resumed_then_nothing_is_said_to_go_on() {
        let selected = [one("hubspot", None)];
        let (going, still_paused) = split(&selected, &Pauses::default());
        let resumed = vec![Ending { of: "acme hubspot".to_owned(), was: None }];
        let connections = freed(&selected, &Pauses::default(), &going);
        let done = Resumed { resumed, connections, still_paused };
        insta::assert_snapshot!(resumed_words(&done), @r"
        acme hubspot: was not paused
        nothing was to be resumed
        ");
        assert_eq!((done.connections, going.len()), (0, 1));
        let was = Some(Paused::new(&Scope::All, &pause("ada", Some("a\u{1b}[2Jb\u{9b}31m"))));
        let resumed = vec![Ending { of: Scope::All.to_string(), was }];
        let told = resumed_words(&Resumed { resumed, connections: 0, still_paused: Vec::new() });
        assert!(told.ends_with(r": a\u{1b}[2Jb\u{9b}31m"), "{told}");
    }
}
