//! `rtr connection list`.

use super::Which;
use super::health::Health;
use super::look::{Found, Tokens, look};
use super::pause::Paused;
use super::select::{Selected, resolved, select, stored};
use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::moment::{now, span};
use crate::output::{Style, or_dash, table};
use crate::problem::{Ended, Exit, Problem};
use futures::stream::{self, StreamExt, TryStreamExt};
use rtr_core::config::{Mode, OrgConfig, Pauses, Stored};
use rtr_core::inbound::address::address;
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Connections looked at at once.
const AT_ONCE: usize = 16;

/// One connection, in the shape that scripts rely on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Listed {
    pub(crate) org_id: String,
    pub(crate) connection: String,
    pub(crate) provider: String,
    #[schemars(extend("enum" = ["ok", "no_secret", "suspended", "paused", "stopped"]))]
    pub(crate) state: &'static str,
    pub(crate) mode: Mode,
    pub(crate) webhook_url: Option<String>,
    pub(crate) parked: u64,
    /// True: there are more, and nobody counted them.
    pub(crate) parked_at_least: bool,
    /// Since when the oldest is parked.
    pub(crate) parked_since: Option<String>,
    /// True: it may be parked for longer, since there are too many to look at each.
    pub(crate) parked_since_at_latest: bool,
    /// When the bulk lane is looked at next; null while nothing is parked.
    pub(crate) lane_at: Option<String>,
    /// No call before this: the CRM said so, or the breaker is open.
    pub(crate) blocked_until: Option<String>,
    pub(crate) breaker: Health,
    /// What is left of each limit of all calls.
    pub(crate) tokens: Vec<Tokens>,
    /// Why it is stopped, or cannot begin.
    pub(crate) message: Option<String>,
    /// Since when it is suspended or paused.
    pub(crate) since: Option<String>,
    /// By whom, and why.
    pub(crate) paused: Vec<Paused>,
    pub(crate) base_url: Option<String>,
    pub(crate) secret: String,
}

/// Lists connections with their state.
pub(super) async fn run(app: &App, which: &Which) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let stored = stored(&aws).await?;
    let all = Box::pin(all(&aws, &stored, which)).await?;
    app.out.answer(&all, |style| words(style, &all, now()));
    Ok(Exit::Done)
}

/// The connections that are meant, each with its state.
pub(crate) async fn all(aws: &Aws, stored: &Stored, which: &Which) -> Result<Vec<Listed>, Problem> {
    let selected = select(stored, which)?;
    let runtime = aws.runtime("")?;
    let stage = &aws.stack.stage;
    // One that was deployed by an older version has none.
    let place = Place { stage, webhooks: aws.stack.outputs.get("WEBHOOK_URL").map(String::as_str) };
    let mut configs: BTreeMap<&str, Option<OrgConfig>> = BTreeMap::new();
    for one in &selected {
        configs.entry(&one.org).or_insert_with(|| resolved(stored, &one.org, stage).ok());
    }
    let look = |one: &Selected| {
        let (one, config) = (one.clone(), configs.get(one.org.as_str()).and_then(Option::as_ref));
        let (runtime, pauses) = (&runtime, &stored.pauses);
        async move {
            let paused = pauses_of(&one, pauses);
            let is_stopped = !paused.is_empty() || one.mode() == Mode::Paused;
            let found = look(runtime, &one, config, &secret(&one, stage), is_stopped).await?;
            Ok(listed(&one, paused, found, place, now()))
        }
    };
    let all: Result<Vec<Listed>, _> =
        stream::iter(selected.iter().map(look)).buffered(AT_ONCE).try_collect().await;
    all.map_err(|error| unavailable("looking at the connections", &aws.place, &error))
}

fn pauses_of(one: &Selected, pauses: &Pauses) -> Vec<Paused> {
    let key = ConnectionKey::new(&one.org, &one.connection);
    pauses.of(&key, one.provider()).into_iter().map(|(scope, pause)| Paused::new(scope, pause)).collect()
}

fn secret(one: &Selected, stage: &str) -> String {
    one.doc.secret.clone().unwrap_or_else(|| format!("rtr/{stage}/{}/{}", one.org, one.connection))
}

/// The stack that the connections are of.
#[derive(Clone, Copy)]
struct Place<'a> {
    stage: &'a str,
    /// What the addresses begin with that CRMs push to.
    webhooks: Option<&'a str>,
}

fn listed(one: &Selected, paused: Vec<Paused>, found: Found, place: Place<'_>, now: Instant) -> Listed {
    let Found { suspension, has_secret, parked, oldest, lane_at, blocked_until, breaker, in_flight, tokens } =
        found;
    let (secret, health) = (secret(one, place.stage), Health::of(&breaker, in_flight, now));
    let rests_until = Health::rests_until(&breaker, now);
    let (state, message, since) = match (&suspension, paused.first()) {
        (Some(held), _) => ("suspended", Some(held.message.clone()), Some(held.since.to_rfc3339())),
        (None, Some(pause)) => {
            ("paused", Some(pause.told_at(&one.org, &one.connection)), Some(pause.at.clone()))
        }
        (None, None) if one.mode() == Mode::Paused => {
            ("paused", Some("`mode: paused` in the org's file".to_owned()), None)
        }
        (None, None) if !has_secret => ("no_secret", Some(format!("there is no secret {secret}")), None),
        (None, None) if rests_until.is_some() => ("stopped", health.message(), None),
        (None, None) if blocked_until.is_some() => {
            ("stopped", Some("the CRM asked for a rest".to_owned()), None)
        }
        (None, None) => ("ok", health.message(), None),
    };
    let text = |at: Option<Instant>| at.map(Instant::to_rfc3339);
    Listed {
        org_id: one.org.clone(),
        connection: one.connection.clone(),
        provider: one.provider().to_owned(),
        state,
        mode: one.mode(),
        webhook_url: place.webhooks.map(|base| address(base, &ConnectionKey::new(&one.org, &one.connection))),
        parked: parked.number,
        parked_at_least: parked.at_least,
        parked_since: text(oldest.since),
        parked_since_at_latest: oldest.since.is_some() && oldest.at_latest,
        lane_at: text(lane_at),
        blocked_until: text(blocked_until.max(rests_until)),
        breaker: health,
        tokens,
        message,
        since,
        paused,
        base_url: one.doc.base_url.clone(),
        secret,
    }
}

fn words(style: Style, all: &[Listed], now: Instant) -> String {
    if all.is_empty() {
        return "there are no connections; rtr config apply stores those of a folder".to_owned();
    }
    let mode = |mode| match mode {
        Mode::Live => "live",
        Mode::Shadow => "shadow",
        Mode::Paused => "paused",
    };
    let from_now = |at: &Option<String>| {
        let at = at.as_ref().and_then(|at| Instant::from_rfc3339(at).ok());
        at.map(|at| span(at.since_ms(now).abs()))
    };
    let row = |one: &Listed| {
        let more = if one.parked_at_least { "+" } else { "" };
        let longer = if one.parked_since_at_latest { "+" } else { "" };
        let tokens: Vec<String> = one.tokens.iter().map(tokens_words).collect();
        let until = one.blocked_until.as_ref().map(|until| format!(" (until {until})")).unwrap_or_default();
        vec![
            one.org_id.clone(),
            one.connection.clone(),
            one.provider.clone(),
            one.state.to_owned(),
            mode(one.mode).to_owned(),
            format!("{}{more}", one.parked),
            or_dash(from_now(&one.parked_since).map(|age| format!("{age}{longer}"))),
            or_dash(from_now(&one.lane_at)),
            if tokens.is_empty() { "-".to_owned() } else { tokens.join(", ") },
            one.breaker.words(),
            format!("{}{until}", one.message.clone().unwrap_or_default()),
        ]
    };
    let header = [
        "org",
        "connection",
        "provider",
        "state",
        "mode",
        "parked",
        "oldest",
        "next look",
        "calls left",
        "breaker",
        "",
    ];
    table(style, &header, all.iter().map(row).collect())
}

fn tokens_words(Tokens { left, requests, per_ms }: &Tokens) -> String {
    format!("{left} of {requests} per {}", span(*per_ms))
}

/// One of org acme for tests, in `state`.
#[cfg(test)]
pub(crate) fn sample(connection: &str, state: &'static str) -> Listed {
    let doc = rtr_core::config::ConnectionDoc { provider: Some("hubspot".to_owned()), ..Default::default() };
    let one = Selected { org: "acme".to_owned(), connection: connection.to_owned(), doc };
    let (found, place) =
        (Found { has_secret: true, ..Found::default() }, Place { stage: "prod", webhooks: None });
    Listed { state, ..listed(&one, Vec::new(), found, place, Instant(0)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_aws::records::{Count, Oldest};
    use rtr_core::breaker::Breaker;
    use rtr_core::config::{ConnectionDoc, Pause, Scope};
    use rtr_engine::seams::Suspension;

    const NOW: Instant = Instant(1_795_000_000_000);
    const PLACE: Place<'_> = Place { stage: "prod", webhooks: Some("https://rtr.example/webhooks") };

    fn found() -> Found {
        let tokens = vec![
            Tokens { left: 87, requests: 100, per_ms: 10_000 },
            Tokens { left: 249_000, requests: 250_000, per_ms: 86_400_000 },
        ];
        Found { has_secret: true, tokens, ..Found::default() }
    }

    #[test]
    fn given_connections_when_listed_then_each_state_says_why_and_a_suspension_outweighs_a_pause() {
        let one = |mode| Selected {
            org: "acme".to_owned(),
            connection: "hubspot-eu".to_owned(),
            doc: ConnectionDoc { provider: Some("hubspot".to_owned()), mode, ..ConnectionDoc::default() },
        };
        let held = Suspension { message: "revoked".to_owned(), since: NOW, secret_version: "v".to_owned() };
        let pause = |scope: &Scope| {
            let pause = Pause { by: "ada".to_owned(), at: NOW, reason: Some("they asked".to_owned()) };
            vec![Paused::new(scope, &pause)]
        };
        let own = pause(&Scope::Connection(ConnectionKey::new("acme", "hubspot-eu")));
        let parked = Found {
            parked: Count { number: 10_016, at_least: true },
            oldest: Oldest { since: Some(NOW.plus_ms(-2 * 86_400_000)), at_latest: true },
            lane_at: Some(NOW.plus_ms(42_000)),
            ..found()
        };
        let asked = Found { blocked_until: Some(NOW.plus_ms(5_000)), ..found() };
        let with = |breaker| Found { breaker, ..found() };
        let open = with(Breaker { open_until: Some(NOW.plus_ms(9_000)), openings: 1, ..Breaker::default() });
        let half_open = with(Breaker { open_until: Some(NOW), openings: 1, ..Breaker::default() });
        let all = [
            listed(&one(None), vec![], found(), PLACE, NOW),
            listed(&one(None), vec![], Found { has_secret: false, tokens: vec![], ..found() }, PLACE, NOW),
            listed(&one(None), vec![], asked, PLACE, NOW),
            listed(&one(None), vec![], open, PLACE, NOW),
            listed(&one(None), vec![], half_open, PLACE, NOW),
            listed(&one(Some(Mode::Paused)), vec![], parked.clone(), PLACE, NOW),
            listed(&one(None), own.clone(), parked.clone(), PLACE, NOW),
            listed(&one(None), pause(&Scope::All), parked.clone(), PLACE, NOW),
            listed(&one(None), own, Found { suspension: Some(held), ..parked }, PLACE, NOW),
        ];
        insta::assert_snapshot!(words(Style::Plain, &all, NOW), @r"
        ORG   CONNECTION  PROVIDER  STATE      MODE    PARKED  OLDEST  NEXT LOOK  CALLS LEFT                                  BREAKER
        acme  hubspot-eu  hubspot   ok         live    0       -       -          87 of 100 per 10s, 249000 of 250000 per 1d  closed
        acme  hubspot-eu  hubspot   no_secret  live    0       -       -          -                                           closed     there is no secret rtr/prod/acme/hubspot-eu
        acme  hubspot-eu  hubspot   stopped    live    0       -       -          87 of 100 per 10s, 249000 of 250000 per 1d  closed     the CRM asked for a rest (until 2026-11-18T11:06:45.000Z)
        acme  hubspot-eu  hubspot   stopped    live    0       -       -          87 of 100 per 10s, 249000 of 250000 per 1d  open       the CRM failed or was slow again and again: no call goes (until 2026-11-18T11:06:49.000Z)
        acme  hubspot-eu  hubspot   ok         live    0       -       -          87 of 100 per 10s, 249000 of 250000 per 1d  half-open  the CRM failed or was slow again and again: the next call tries whether it is back
        acme  hubspot-eu  hubspot   paused     paused  10016+  2d+     42s        87 of 100 per 10s, 249000 of 250000 per 1d  closed     `mode: paused` in the org's file
        acme  hubspot-eu  hubspot   paused     live    10016+  2d+     42s        87 of 100 per 10s, 249000 of 250000 per 1d  closed     paused by ada at 2026-11-18T11:06:40.000Z: they asked
        acme  hubspot-eu  hubspot   paused     live    10016+  2d+     42s        87 of 100 per 10s, 249000 of 250000 per 1d  closed     paused by ada at 2026-11-18T11:06:40.000Z: they asked (--all)
        acme  hubspot-eu  hubspot   suspended  live    10016+  2d+     42s        87 of 100 per 10s, 249000 of 250000 per 1d  closed     revoked
        ");
        insta::assert_snapshot!(serde_json::to_string(&all[6]).unwrap(), @r#"{"org_id":"acme","connection":"hubspot-eu","provider":"hubspot","state":"paused","mode":"live","webhook_url":"https://rtr.example/webhooks/acme/hubspot-eu","parked":10016,"parked_at_least":true,"parked_since":"2026-11-16T11:06:40.000Z","parked_since_at_latest":true,"lane_at":"2026-11-18T11:07:22.000Z","blocked_until":null,"breaker":{"state":"closed","until":null,"failures":0,"openings":0,"ramp":null,"slow_ms":null,"in_flight":0},"tokens":[{"left":87,"requests":100,"per_ms":10000},{"left":249000,"requests":250000,"per_ms":86400000}],"message":"paused by ada at 2026-11-18T11:06:40.000Z: they asked","since":"2026-11-18T11:06:40.000Z","paused":[{"of":"acme hubspot-eu","by":"ada","at":"2026-11-18T11:06:40.000Z","reason":"they asked"}],"base_url":null,"secret":"rtr/prod/acme/hubspot-eu"}"#);
        crate::schema::tests::holds("connection list", &all);
        assert!(words(Style::Plain, &[], NOW).contains("rtr config apply"));
    }
}
