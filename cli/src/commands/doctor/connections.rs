//! Each connection as the tables have it: what stops it, what waits there, what is dead. Pure.

use super::checks::{Finding, finding};
use super::mend::Whose;
use crate::commands::connection::dead::Dead;
use crate::commands::connection::list::Listed;
use crate::commands::dlq::filter::quoted;
use crate::moment::span;
use crate::output::count;
use rtr_core::time::Instant;

/// What is parked for longer, at a connection that goes, is not about to go by itself, in milliseconds: an hour.
const OLD_MS: i64 = 3_600_000;

/// What stops them, and what waits there.
pub(super) fn connections(all: &[Listed], now: Instant) -> Vec<Finding> {
    all.iter().flat_map(|one| of(one, now)).collect()
}

/// What is dead; of which connections there are `configured` tells.
pub(super) fn dead(dead: &Dead, configured: impl Fn(&str, &str) -> bool) -> Vec<Finding> {
    let found = dead.each().map(|(org, connection, n)| match (org, connection) {
        (Some(org), Some(connection)) => {
            let filter = format!("--org {} --connection {}", quoted(org), quoted(connection));
            let gone =
                if configured(org, connection) { "" } else { " of a connection that is not configured" };
            let action = format!(
                "rtr dlq list {filter} --group-by message says why; mend that, then rtr dlq redrive {filter}"
            );
            finding("dead", &format!("{org} {connection}"), format!("{}{gone}", letters(n)), &action)
        }
        (Some(org), None) => {
            let action = format!("rtr dlq list --org {} says which and why", quoted(org));
            finding("dead", org, format!("{} of no connection", letters(n)), &action)
        }
        (None, _) => {
            let what = format!("{} of no org that is known", letters(n));
            finding("dead", "dead letters", what, "rtr dlq list --json says which and why: org_id is null")
        }
    });
    found.collect()
}

fn of(one: &Listed, now: Instant) -> Vec<Finding> {
    let (org, connection) = (&one.org_id, &one.connection);
    let about = format!("{org} {connection}");
    let mut found = Vec::new();
    let why = one.message.clone().unwrap_or_default();
    let since = one.since.as_ref().map_or_else(String::new, |since| format!(" since {since}"));
    match one.state {
        "suspended" => {
            let action = Whose { org, connection, provider: &one.provider }.new_credentials();
            found.push(finding("suspended", &about, format!("suspended{since}: {why}"), &action));
        }
        "paused" => {
            let by = one.paused.first();
            let action = by.map_or_else(
                || "say `mode: live` in the org's file, then rtr config apply".to_owned(),
                |pause| format!("when it may go on: rtr connection resume {}", pause.of),
            );
            found.push(finding("paused", &about, why, &action));
        }
        "stopped" => {
            let until =
                one.blocked_until.as_ref().map_or_else(String::new, |until| format!(" (until {until})"));
            let action =
                "nothing, if it ends by itself; if it does not: rtr parked list says what the CRM answers";
            found.push(finding("stopped", &about, format!("{why}{until}"), action));
        }
        _ => {}
    }
    if let Some(old) = old(one, now) {
        let n = usize::try_from(one.parked).unwrap_or(usize::MAX);
        let more = if one.parked_at_least { "at least " } else { "" };
        let message = format!("{more}{} there, the oldest for {}", count(n, "parked version"), span(old));
        let filter = format!("--org {org} --connection {connection}");
        let action = format!(
            "rtr parked list {filter} --group-by message says why; rtr parked drain {filter} tries them now"
        );
        found.push(finding("parked", &about, message, &action));
    }
    found
}

/// For how long the oldest is parked at a connection that nothing stops, if that is too long.
fn old(one: &Listed, now: Instant) -> Option<i64> {
    let since = Instant::from_rfc3339(one.parked_since.as_ref()?).ok()?;
    Some(now.since_ms(since))
        .filter(|ms| *ms > OLD_MS && !matches!(one.state, "paused" | "suspended" | "no_secret"))
}

fn letters(n: u64) -> String {
    count(usize::try_from(n).unwrap_or(usize::MAX), "dead letter")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::connection::list::sample;

    fn lines(found: &[Finding]) -> String {
        let line =
            |one: &Finding| format!("{} | {} | {}\n  {}", one.check, one.about, one.message, one.action);
        found.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn given_connections_when_told_then_each_that_needs_somebody_says_what_to_do() {
        let now = Instant(1_795_000_000_000);
        assert_eq!(connections(&[sample("salesforce", "ok")], now), []);
        let parked = |state, ms: i64| {
            let parked_since = Some(now.plus_ms(-ms).to_rfc3339());
            Listed { parked: 3, parked_since, ..sample("salesforce", state) }
        };
        let since = Some("2026-11-18T11:00:00.000Z".to_owned());
        let all = [
            sample("hubspot", "ok"),
            Listed {
                since,
                message: Some("the refresh token was revoked".to_owned()),
                ..sample("a", "suspended")
            },
            Listed { message: Some("`mode: paused` in the org's file".to_owned()), ..sample("b", "paused") },
            Listed {
                message: Some("the CRM asked for a rest".to_owned()),
                blocked_until: Some("2026-11-18T11:07:00.000Z".to_owned()),
                ..sample("c", "stopped")
            },
            parked("ok", 2 * OLD_MS),
            parked("ok", OLD_MS),
            parked("paused", 0),
        ];
        insta::assert_snapshot!(lines(&connections(&all, now)), @r"
        suspended | acme a | suspended since 2026-11-18T11:00:00.000Z: the refresh token was revoked
          new credentials: rtr connection connect acme hubspot --connection a, or another token in its secret (docs/credentials.md); then rtr connection test acme a
        paused | acme b | `mode: paused` in the org's file
          say `mode: live` in the org's file, then rtr config apply
        stopped | acme c | the CRM asked for a rest (until 2026-11-18T11:07:00.000Z)
          nothing, if it ends by itself; if it does not: rtr parked list says what the CRM answers
        parked | acme salesforce | 3 parked versions there, the oldest for 2h
          rtr parked list --org acme --connection salesforce --group-by message says why; rtr parked drain --org acme --connection salesforce tries them now
        paused | acme salesforce | 
          say `mode: live` in the org's file, then rtr config apply
        ");
    }

    #[test]
    fn given_dead_letters_when_told_then_those_of_connections_that_are_gone_and_of_nobody_are_among_them() {
        let all = [
            r#"{"org_id":"acme","connection":"hubspot"}"#,
            r#"{"org_id":"acme","connection":"sales force"}"#,
            r#"{"org_id":"acme"}"#,
            "no JSON",
        ];
        let found =
            dead(&Dead::of(all.into_iter()), |org, connection| (org, connection) == ("acme", "hubspot"));
        insta::assert_snapshot!(lines(&found), @r"
        dead | dead letters | 1 dead letter of no org that is known
          rtr dlq list --json says which and why: org_id is null
        dead | acme | 1 dead letter of no connection
          rtr dlq list --org acme says which and why
        dead | acme hubspot | 1 dead letter
          rtr dlq list --org acme --connection hubspot --group-by message says why; mend that, then rtr dlq redrive --org acme --connection hubspot
        dead | acme sales force | 1 dead letter of a connection that is not configured
          rtr dlq list --org acme --connection 'sales force' --group-by message says why; mend that, then rtr dlq redrive --org acme --connection 'sales force'
        ");
        assert_eq!(dead(&Dead::default(), |_, _| true), []);
    }
}
