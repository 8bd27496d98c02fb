//! `rtr connection pause` and `resume`: stop the calls of connections at once, and let them go on, without editing a file.

use super::Which;
use super::select::{Selected, select, stored};
use crate::app::App;
use crate::audit::{Who, note};
use crate::aws::{Aws, unavailable};
use crate::moment::now;
use crate::output::count;
use crate::problem::{Ended, Exit, Problem};
use rtr_connectors::registry;
use rtr_core::config::{Mode, Pause, Pauses, Scope, Stored};
use rtr_core::key::ConnectionKey;
use rtr_core::mapping::nearest;
use rtr_core::time::Instant;
use serde::Serialize;
use std::collections::HashSet;

/// With more connections than this only those are woken where something is parked.
const FEW: usize = 100;
/// Lanes asked for at once.
const MANY: usize = 100_000;

/// What to pause or to resume.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The org
    #[arg(required_unless_present_any = ["all", "provider"])]
    org: Option<String>,
    /// The connection within the org [default: each that it has]
    connection: Option<String>,
    /// Every connection of every org, those that are yet to come too
    #[arg(long, conflicts_with_all = ["org", "provider"])]
    all: bool,
    /// Every connection to this CRM, those that are yet to come too
    #[arg(long, value_name = "NAME", conflicts_with = "org")]
    provider: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// One pause, in the shape that scripts rely on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Paused {
    /// As the command line says it.
    pub(super) of: String,
    pub(super) by: String,
    pub(super) at: String,
    pub(super) reason: Option<String>,
}

impl Paused {
    /// The pause `pause` of `scope`.
    pub(crate) fn new(scope: &Scope, pause: &Pause) -> Self {
        let Pause { by, at, reason } = pause.clone();
        Self { of: scope.to_string(), by, at: at.to_rfc3339(), reason }
    }

    /// In words, whatever it is of.
    pub(super) fn words(&self) -> String {
        let why = self.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        format!("paused by {} at {}{why}", self.by, self.at)
    }

    /// The same for the connection `org connection`: with what it is of, where that is more than this one.
    pub(crate) fn told_at(&self, org: &str, connection: &str) -> String {
        if self.of == format!("{org} {connection}") {
            self.words()
        } else {
            format!("{} ({})", self.words(), self.of)
        }
    }
}

/// What a pause did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Stopped {
    paused: Vec<Changed>,
    /// Connections that are stopped by it.
    connections: usize,
    /// Within so many seconds no call is begun any more.
    within_s: u32,
}

/// What a resume did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Resumed {
    resumed: Vec<Ending>,
    /// Connections that were paused and go on, each lane of which was woken.
    connections: usize,
    /// Connections that something else stops still.
    still_paused: Vec<Still>,
}

/// One scope and whether it is another now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Changed {
    #[serde(flatten)]
    pause: Paused,
    /// False: it was so before.
    changed: bool,
}

/// One scope and the pause that was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Ending {
    of: String,
    /// None: it was not paused.
    was: Option<Paused>,
}

/// A connection that is paused all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Still {
    org_id: String,
    connection: String,
    by: String,
}

/// Pauses.
pub(super) async fn pause(app: &App, args: &Args) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let stored = stored(&aws).await?;
    let (scopes, selected) = meant(&stored, args)?;
    let store = aws.config_store()?;
    let mut paused = Vec::new();
    for scope in &scopes {
        audit(&aws, args, "connection.pause", scope).await?;
        let pause = Pause { by: args.who.author.clone(), at: now(), reason: args.who.reason.clone() };
        let stood = store.pause(scope, &pause).await;
        let stood = stood.map_err(|error| unavailable(&format!("pausing {scope}"), &aws.place, &error))?;
        let changed = stood.is_none();
        paused.push(Changed { pause: Paused::new(scope, &stood.unwrap_or(pause)), changed });
    }
    let done = Stopped { paused, connections: selected.len(), within_s: within_s(&aws) };
    app.out.answer(&done, |_| stopped_words(&done));
    Ok(Exit::Done)
}

/// Resumes: exit 1 when something that was meant is paused all the same.
pub(super) async fn resume(app: &App, args: &Args) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let before = stored(&aws).await?;
    let (scopes, selected) = meant(&before, args)?;
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
    let (going, still) = split(&selected, &pauses);
    // Those that were not paused too: an earlier resume may have ended between the two.
    wake(&aws, &going).await?;
    let done =
        Resumed { resumed, connections: freed(&selected, &before.pauses, &going), still_paused: still };
    app.out.answer(&done, |_| resumed_words(&done));
    Ok(Exit::of_findings(!done.still_paused.is_empty()))
}

/// The scopes that are meant, and the connections that they hold now.
fn meant(stored: &Stored, args: &Args) -> Result<(Vec<Scope>, Vec<Selected>), Problem> {
    let which = Which { org: args.org.clone(), connection: args.connection.clone() };
    let mut selected = select(stored, &which)?;
    let scopes = match &args.provider {
        _ if args.all => vec![Scope::All],
        Some(provider) => {
            known(provider)?;
            selected.retain(|one| one.provider() == provider);
            vec![Scope::Provider(provider.clone())]
        }
        None => selected.iter().map(|one| Scope::Connection(key(one))).collect(),
    };
    Ok((scopes, selected))
}

fn known(provider: &str) -> Result<(), Problem> {
    if registry::by_name(provider).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = registry::ALL.iter().map(|connector| connector.facts().name).collect();
    let problem = Problem::not_found(format!("unknown provider `{provider}`"));
    Err(match nearest(provider, known.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint(format!("there are {}", known.join(", "))),
    })
}

fn key(one: &Selected) -> ConnectionKey {
    ConnectionKey::new(&one.org, &one.connection)
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

async fn audit(aws: &Aws, args: &Args, action: &str, scope: &Scope) -> Result<(), Problem> {
    let mut entry = args.who.entry(action, scope.to_string());
    if let Scope::Connection(key) = scope {
        entry.org_id = Some(key.org_id.clone());
    }
    note(aws, &entry).await
}

/// How long a function may go by what it has in memory, in seconds: the template's `RTR_CONFIG_TTL_S`.
fn within_s(aws: &Aws) -> u32 {
    if aws.stack.stage == "local" { 5 } else { 60 }
}

fn stopped_words(done: &Stopped) -> String {
    let mut lines: Vec<String> = done
        .paused
        .iter()
        .map(|Changed { pause, changed }| {
            if *changed {
                format!("{}: paused", pause.of)
            } else {
                format!("{}: already {}", pause.of, pause.words())
            }
        })
        .collect();
    lines.push(format!(
        "{} stopped: within {} s no call is begun any more; what comes meanwhile is parked, and goes when they are resumed",
        count(done.connections, "connection"),
        done.within_s
    ));
    lines.join("\n")
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
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::ConnectionDoc;

    fn pause(by: &str, reason: Option<&str>) -> Pause {
        Pause { by: by.to_owned(), at: Instant(1_795_000_000_000), reason: reason.map(str::to_owned) }
    }

    fn one(connection: &str, mode: Option<Mode>) -> Selected {
        let doc = ConnectionDoc { provider: Some("hubspot".to_owned()), mode, ..ConnectionDoc::default() };
        Selected { org: "acme".to_owned(), connection: connection.to_owned(), doc }
    }

    #[test]
    fn given_pauses_when_told_then_what_was_so_before_names_who_and_why() {
        let of = |connection: &str| Scope::Connection(ConnectionKey::new("acme", connection));
        let done = Stopped {
            paused: vec![
                Changed { pause: Paused::new(&of("hubspot"), &pause("ada", None)), changed: true },
                Changed {
                    pause: Paused::new(&of("hubspot-eu"), &pause("bob", Some("they asked"))),
                    changed: false,
                },
            ],
            connections: 2,
            within_s: 60,
        };
        insta::assert_snapshot!(stopped_words(&done), @r"
        acme hubspot: paused
        acme hubspot-eu: already paused by bob at 2026-11-18T11:06:40.000Z: they asked
        2 connections stopped: within 60 s no call is begun any more; what comes meanwhile is parked, and goes when they are resumed
        ");
        insta::assert_snapshot!(serde_json::to_string(&done).unwrap(), @r#"{"paused":[{"of":"acme hubspot","by":"ada","at":"2026-11-18T11:06:40.000Z","reason":null,"changed":true},{"of":"acme hubspot-eu","by":"bob","at":"2026-11-18T11:06:40.000Z","reason":"they asked","changed":false}],"connections":2,"within_s":60}"#);
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
        insta::assert_snapshot!(resumed_words(&done), @r"
        --all: resumed; it was paused by ada at 2026-11-18T11:06:40.000Z: an incident
        --provider hubspot: was not paused
        2 connections go on; what is parked there goes now
        acme held is stopped all the same: paused by bob at 2026-11-18T11:06:40.000Z: they asked
        acme filed is stopped all the same: `mode: paused` in the org's file
        ");
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
    }
}
