//! `rtr connection pause`: stops the calls of connections at once, without editing a file.

use super::Which;
use super::select::{Selected, crowd, select, stored};
use crate::app::App;
use crate::audit::{Who, note};
use crate::aws::{Aws, unavailable};
use crate::confirm::confirm_where_somebody_sits;
use crate::moment::now;
use crate::output::{count, one_line};
use crate::problem::{Ended, Exit, Problem};
use rtr_connectors::registry;
use rtr_core::config::{Pause, Scope, Stored};
use rtr_core::key::ConnectionKey;
use rtr_core::mapping::nearest;
use schemars::JsonSchema;
use serde::Serialize;

/// What to pause or to resume.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The org
    #[arg(required_unless_present_any = ["all", "provider"])]
    pub(super) org: Option<String>,
    /// The connection within the org [default: each that it has]
    pub(super) connection: Option<String>,
    /// Every connection of every org, those that are yet to come too
    #[arg(long, conflicts_with_all = ["org", "provider"])]
    pub(super) all: bool,
    /// Every connection to this CRM, those that are yet to come too
    #[arg(long, value_name = "NAME", conflicts_with = "org")]
    pub(super) provider: Option<String>,
    /// Do not ask: with --all or --provider, at a terminal; where there is none nothing is asked
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) who: Who,
}

/// One pause, in the shape that scripts rely on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Paused {
    /// As the command line says it.
    pub(crate) of: String,
    pub(crate) by: String,
    pub(crate) at: String,
    pub(crate) reason: Option<String>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Stopped {
    paused: Vec<Changed>,
    /// Connections that are stopped by it.
    connections: usize,
    /// Within so many seconds no call is begun any more.
    within_s: u32,
}

/// One scope and whether it is another now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Changed {
    #[serde(flatten)]
    pause: Paused,
    /// False: it was so before.
    changed: bool,
}

/// Pauses.
pub(super) async fn pause(app: &App, args: &Args) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let stored = stored(&aws).await?;
    let (scopes, selected) = meant(&stored, args)?;
    if !agreed(app, "Pause", args, &selected) {
        return Ok(Exit::Done);
    }
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

/// The scopes that are meant, and the connections that they hold now.
pub(super) fn meant(stored: &Stored, args: &Args) -> Result<(Vec<Scope>, Vec<Selected>), Problem> {
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

/// Whether to go on. An emergency stop needs no terminal: only who sits at one is asked.
pub(super) fn agreed(app: &App, verb: &str, args: &Args, selected: &[Selected]) -> bool {
    question(verb, args, selected)
        .is_none_or(|question| confirm_where_somebody_sits(app, &question, args.yes))
}

/// What is asked, where it concerns more than one org.
fn question(verb: &str, args: &Args, selected: &[Selected]) -> Option<String> {
    let of = match &args.provider {
        _ if args.all => "every connection of every org".to_owned(),
        Some(provider) => format!("every connection to {provider}"),
        None => return None,
    };
    Some(format!("{verb} {of}, now {}?", crowd(selected)))
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

pub(super) fn key(one: &Selected) -> ConnectionKey {
    ConnectionKey::new(&one.org, &one.connection)
}

pub(super) async fn audit(aws: &Aws, args: &Args, action: &str, scope: &Scope) -> Result<(), Problem> {
    let mut entry = args.who.entry(action, scope.to_string());
    if let Scope::Connection(key) = scope {
        entry.org_id = Some(key.org_id.clone());
    }
    note(aws, &entry).await
}

/// How long a function may go by what it has in memory, in seconds: the template's `RTR_CONFIG_TTL_S`.
pub(crate) fn within_s(aws: &Aws) -> u32 {
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
    lines.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::time::Instant;

    fn pause(by: &str, reason: Option<&str>) -> Pause {
        Pause { by: by.to_owned(), at: Instant(1_795_000_000_000), reason: reason.map(str::to_owned) }
    }

    #[test]
    fn given_more_than_one_org_when_paused_then_how_many_connections_stands_in_the_question_and_one_org_asks_nothing()
     {
        let args = |all, provider: Option<&str>, org: Option<&str>| Args {
            org: org.map(str::to_owned),
            connection: None,
            all,
            provider: provider.map(str::to_owned),
            yes: false,
            who: Who::default(),
        };
        let one = |org: &str, connection: &str| Selected {
            org: org.to_owned(),
            connection: connection.to_owned(),
            doc: rtr_core::config::ConnectionDoc::default(),
        };
        let selected = [one("acme", "hubspot"), one("acme", "salesforce"), one("umbra", "hubspot")];
        let asked = |args: &Args| question("Pause", args, &selected);
        assert_eq!(
            asked(&args(true, None, None)).unwrap(),
            "Pause every connection of every org, now 3 connections of 2 orgs?"
        );
        assert_eq!(
            asked(&args(false, Some("hubspot"), None)).unwrap(),
            "Pause every connection to hubspot, now 3 connections of 2 orgs?"
        );
        assert_eq!(asked(&args(false, None, Some("acme"))), None);
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
        let outside = pause("bob", Some("a\u{1b}[2Jb\u{9b}31m"));
        let outside = Changed { pause: Paused::new(&of("hubspot"), &outside), changed: false };
        let told = stopped_words(&Stopped { paused: vec![outside], connections: 1, within_s: 60 });
        assert!(told.contains(r": a\u{1b}[2Jb\u{9b}31m"), "{told}");
        crate::schema::tests::holds("connection pause", &done);
        insta::assert_snapshot!(serde_json::to_string(&done).unwrap(), @r#"{"paused":[{"of":"acme hubspot","by":"ada","at":"2026-11-18T11:06:40.000Z","reason":null,"changed":true},{"of":"acme hubspot-eu","by":"bob","at":"2026-11-18T11:06:40.000Z","reason":"they asked","changed":false}],"connections":2,"within_s":60}"#);
    }
}
