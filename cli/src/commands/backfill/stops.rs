//! What stops the way to a connection while a backfill waits for it, as it is now: a person may pause and resume meanwhile.

use super::way::Waiting;
use crate::aws::{Aws, unavailable};
use crate::commands::connection::pause::Paused;
use crate::output::{Output, one_line};
use crate::problem::Problem;
use rtr_aws::function::Runtime;
use rtr_core::config::{Mode, OrgDoc, Pauses};
use rtr_core::key::ConnectionKey;
use rtr_engine::seams::{Suspension, Unavailable};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(30);

/// Why nothing reaches a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Stopped {
    /// Why, and who did it.
    pub(super) why: String,
    /// What lets it go on.
    pub(super) action: String,
}

/// A connection that is waited for.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    /// Which.
    pub(super) key: ConnectionKey,
    /// Its CRM.
    pub(super) provider: String,
}

/// What stops the connections of one backfill.
pub(super) struct Stops<'a> {
    aws: &'a Aws,
    runtime: &'a Runtime,
    watched: Vec<Watched>,
    out: Output,
    looked: Option<Instant>,
    /// By connection.
    found: BTreeMap<String, Stopped>,
}

impl<'a> Stops<'a> {
    /// Of `watched`.
    pub(super) fn new(aws: &'a Aws, runtime: &'a Runtime, watched: Vec<Watched>, out: Output) -> Self {
        Self { aws, runtime, watched, out, looked: None, found: BTreeMap::new() }
    }

    /// The connections, and whose they are.
    pub(super) fn watched(&self) -> &[Watched] {
        &self.watched
    }

    /// The connections.
    pub(super) fn keys(&self) -> Vec<ConnectionKey> {
        self.watched.iter().map(|one| one.key.clone()).collect()
    }

    /// Looks, unless it has just looked; what is another thing than before is said, by `say`.
    ///
    /// # Errors
    /// When a table does not answer.
    pub(super) async fn look(&mut self, say: impl Fn(&dyn Fn())) -> Result<(), Problem> {
        if self.looked.is_some_and(|at| at.elapsed() < EVERY) {
            return Ok(());
        }
        let found = self.read().await;
        let found = found
            .map_err(|error| unavailable("looking what stops the connections", &self.aws.place, &error))?;
        let news = news(&self.found, &found);
        if !news.is_empty() {
            say(&|| news.iter().for_each(|line| self.out.note(line)));
        }
        (self.found, self.looked) = (found, Some(Instant::now()));
        Ok(())
    }

    async fn read(&self) -> Result<BTreeMap<String, Stopped>, Unavailable> {
        let store = self.aws.config_store().map_err(|problem| Unavailable(problem.what))?;
        let (mut found, limits) = (BTreeMap::new(), self.runtime.seams().limits);
        let Some(first) = self.watched.first() else { return Ok(found) };
        let pauses = store.pauses(&first.key.org_id).await?;
        let stored = store.current::<OrgDoc>(&first.key.org_id).await?;
        for one in &self.watched {
            let doc = stored.as_ref().and_then(|stored| stored.doc.connections.get(&one.key.connection));
            let mode = doc.and_then(|doc| doc.mode).unwrap_or_default();
            let suspension = limits.suspension(&one.key.key()).await?;
            if let Some(stopped) = stopped(one, mode, &pauses, suspension.as_ref()) {
                found.insert(one.key.connection.clone(), stopped);
            }
        }
        Ok(found)
    }

    /// Marks what waits since its connection is stopped.
    pub(super) fn mark(&self, waiting: &mut [Waiting]) {
        waiting.iter_mut().for_each(|one| one.stopped = self.found.get(&one.connection).cloned());
    }

    /// For a bar: what is stopped.
    pub(super) fn words(&self) -> String {
        if self.found.is_empty() {
            return String::new();
        }
        let names: Vec<&str> = self.found.keys().map(String::as_str).collect();
        format!(", stopped: {}", names.join(", "))
    }
}

/// What stops `one`. A suspension outweighs a pause, as `rtr connection list` has it.
fn stopped(one: &Watched, mode: Mode, pauses: &Pauses, suspension: Option<&Suspension>) -> Option<Stopped> {
    let ConnectionKey { org_id, connection } = &one.key;
    let of = |why: String, action: String| Some(Stopped { why, action });
    if let Some(held) = suspension {
        let since = held.since.to_rfc3339();
        return of(
            format!("suspended since {since}: {}", held.message),
            format!("mend its credentials, then rtr connection test {org_id} {connection}"),
        );
    }
    if let Some((scope, pause)) = pauses.of(&one.key, &one.provider).first() {
        let why = Paused::new(scope, pause).told_at(org_id, connection);
        return of(why, format!("rtr connection resume {scope}"));
    }
    match mode {
        Mode::Paused => of(
            "paused: `mode: paused` in the org's file".to_owned(),
            "say `mode: live` there, then rtr config apply".to_owned(),
        ),
        Mode::Live | Mode::Shadow => None,
    }
}

/// What is to be said of `now` to whoever knows `before`.
fn news(before: &BTreeMap<String, Stopped>, now: &BTreeMap<String, Stopped>) -> Vec<String> {
    let begun = now.iter().filter(|(name, stopped)| before.get(*name) != Some(stopped));
    let begun = begun.map(|(name, Stopped { why, action })| {
        let head = one_line(&format!("{name} is stopped: {why}"));
        format!("{head}\n  what is sent waits there, and goes after: {}", one_line(action))
    });
    let ended = before.keys().filter(|name| !now.contains_key(*name));
    begun.chain(ended.map(|name| format!("{name} goes on"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::{Pause, Scope};
    use rtr_core::time;

    const AT: time::Instant = time::Instant(1_795_000_000_000);

    fn one() -> Watched {
        Watched { key: ConnectionKey::new("acme", "hubspot-eu"), provider: "hubspot".to_owned() }
    }

    fn pauses(scope: Scope) -> Pauses {
        let pause = Pause { by: "ada".to_owned(), at: AT, reason: Some("they asked".to_owned()) };
        [(scope, pause)].into_iter().collect()
    }

    #[test]
    fn given_each_thing_that_stops_when_looked_at_then_it_says_why_and_what_lets_it_go_on() {
        let held = Suspension { message: "revoked".to_owned(), since: AT, secret_version: "v".to_owned() };
        let own = pauses(Scope::Connection(one().key));
        let all = [
            stopped(&one(), Mode::Live, &own, None),
            stopped(&one(), Mode::Live, &pauses(Scope::Provider("hubspot".to_owned())), None),
            stopped(&one(), Mode::Live, &pauses(Scope::All), None),
            stopped(&one(), Mode::Paused, &Pauses::default(), None),
            stopped(&one(), Mode::Paused, &own, Some(&held)),
        ];
        let text: Vec<String> =
            all.into_iter().flatten().map(|one| format!("{} | {}", one.why, one.action)).collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        paused by ada at 2026-11-18T11:06:40.000Z: they asked | rtr connection resume acme hubspot-eu
        paused by ada at 2026-11-18T11:06:40.000Z: they asked (--provider hubspot) | rtr connection resume --provider hubspot
        paused by ada at 2026-11-18T11:06:40.000Z: they asked (--all) | rtr connection resume --all
        paused: `mode: paused` in the org's file | say `mode: live` there, then rtr config apply
        suspended since 2026-11-18T11:06:40.000Z: revoked | mend its credentials, then rtr connection test acme hubspot-eu
        ");
        let others = pauses(Scope::Connection(ConnectionKey::new("umbra", "hubspot-eu")));
        assert_eq!(stopped(&one(), Mode::Live, &others, None), None);
    }

    #[test]
    fn given_two_looks_when_compared_then_only_what_has_changed_is_said() {
        let stop = |why: &str| Stopped { why: why.to_owned(), action: "resume it".to_owned() };
        let of = |all: &[(&str, &str)]| -> BTreeMap<String, Stopped> {
            all.iter().map(|(name, why)| ((*name).to_owned(), stop(why))).collect()
        };
        let (none, both) = (of(&[]), of(&[("a", "x"), ("b", "y")]));
        assert_eq!(news(&none, &both).len(), 2);
        assert_eq!(news(&both, &both), Vec::<String>::new());
        assert_eq!(
            news(&both, &of(&[("a", "z")])),
            ["a is stopped: z\n  what is sent waits there, and goes after: resume it", "b goes on"]
        );
        let outside = news(&none, &of(&[("a", "x\u{1b}[2Jy\u{9b}31m")]));
        assert!(outside[0].starts_with("a is stopped: x\\u{1b}[2Jy\\u{9b}31m\n"), "{outside:?}");
    }
}
