//! `rtr connection list`.

use super::select::{Selected, select, stored};
use super::{Which, parked};
use crate::app::App;
use crate::aws::unavailable;
use crate::output::{Style, table};
use crate::problem::{Ended, Exit};
use futures::stream::{self, StreamExt, TryStreamExt};
use rtr_core::config::Mode;
use rtr_core::key::ConnectionKey;
use rtr_engine::seams::{Secrets, Suspension};
use serde::Serialize;

/// Suspensions read at once.
const AT_ONCE: usize = 16;

/// One connection, in the shape that scripts rely on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Listed {
    org_id: String,
    connection: String,
    provider: String,
    state: &'static str,
    mode: Mode,
    webhook_url: Option<String>,
    parked: u64,
    /// Why it is suspended, or cannot begin.
    message: Option<String>,
    /// Since when it is suspended.
    since: Option<String>,
    base_url: Option<String>,
    secret: String,
}

/// Lists connections with their state.
pub(super) async fn run(app: &App, which: &Which) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let selected = select(&stored(&aws).await?, which)?;
    let runtime = aws.runtime("")?;
    let limits = runtime.seams().limits;
    let parked = if selected.is_empty() { Default::default() } else { Box::pin(parked::count(&aws)).await? };
    let look = |one: Selected| {
        let (parked, stage, secrets) = (&parked, &aws.stack.stage, runtime.seams().secrets);
        async move {
            let key = ConnectionKey::new(&one.org, &one.connection).key();
            let suspension = limits.suspension(&key).await?;
            let has_secret = match (&suspension, one.mode()) {
                (None, Mode::Live | Mode::Shadow) => has_secret(secrets, &one, stage).await,
                _ => true,
            };
            let parked = parked.get(&key).copied().unwrap_or(0);
            Ok(listed(&one, suspension, has_secret, parked, stage))
        }
    };
    let all: Result<Vec<Listed>, _> = stream::iter(selected).map(look).buffered(AT_ONCE).try_collect().await;
    let all = all.map_err(|error| unavailable("reading suspensions", &aws.place, &error))?;
    app.out.answer(&all, |style| words(style, &all));
    Ok(Exit::Done)
}

/// Whether the connection's secret is there. One request each, and only for connections that seem in order. Who may not
/// read secrets is not told that they are missing.
async fn has_secret(secrets: &dyn Secrets, one: &Selected, stage: &str) -> bool {
    secrets.read(&secret(one, stage)).await.map_or(true, |secret| secret.is_some())
}

fn secret(one: &Selected, stage: &str) -> String {
    one.doc.secret.clone().unwrap_or_else(|| format!("rtr/{stage}/{}/{}", one.org, one.connection))
}

fn listed(
    one: &Selected,
    suspension: Option<Suspension>,
    has_secret: bool,
    parked: u64,
    stage: &str,
) -> Listed {
    let state = match (&suspension, one.mode()) {
        (Some(_), _) => "suspended",
        (None, Mode::Paused) => "paused",
        (None, Mode::Live | Mode::Shadow) if !has_secret => "no_secret",
        (None, Mode::Live | Mode::Shadow) => "ok",
    };
    let secret = secret(one, stage);
    let missing = || format!("there is no secret {secret}");
    Listed {
        org_id: one.org.clone(),
        connection: one.connection.clone(),
        provider: one.provider().to_owned(),
        state,
        mode: one.mode(),
        // No connector takes webhooks yet.
        webhook_url: None,
        parked,
        message: suspension
            .as_ref()
            .map(|held| held.message.clone())
            .or_else(|| (state == "no_secret").then(missing)),
        since: suspension.as_ref().map(|held| held.since.to_rfc3339()),
        base_url: one.doc.base_url.clone(),
        secret,
    }
}

fn words(style: Style, all: &[Listed]) -> String {
    if all.is_empty() {
        return "there are no connections; rtr config apply stores those of a folder".to_owned();
    }
    let mode = |mode| match mode {
        Mode::Live => "live",
        Mode::Shadow => "shadow",
        Mode::Paused => "paused",
    };
    let row = |one: &Listed| {
        vec![
            one.org_id.clone(),
            one.connection.clone(),
            one.provider.clone(),
            one.state.to_owned(),
            mode(one.mode).to_owned(),
            one.parked.to_string(),
            one.message.clone().unwrap_or_default(),
        ]
    };
    table(
        style,
        &["org", "connection", "provider", "state", "mode", "parked", ""],
        all.iter().map(row).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::ConnectionDoc;
    use rtr_core::time::Instant;

    #[test]
    fn given_connections_when_listed_then_a_suspension_outweighs_a_pause() {
        let one = |mode| Selected {
            org: "acme".to_owned(),
            connection: "hubspot-eu".to_owned(),
            doc: ConnectionDoc { provider: Some("hubspot".to_owned()), mode, ..ConnectionDoc::default() },
        };
        let held =
            Suspension { message: "revoked".to_owned(), since: Instant(0), secret_version: "v".to_owned() };
        let all = [
            listed(&one(None), None, true, 0, "prod"),
            listed(&one(None), None, false, 0, "prod"),
            listed(&one(Some(Mode::Paused)), None, true, 3, "prod"),
            listed(&one(Some(Mode::Paused)), Some(held), true, 3, "prod"),
        ];
        insta::assert_snapshot!(words(Style::Plain, &all), @r"
        ORG   CONNECTION  PROVIDER  STATE      MODE    PARKED
        acme  hubspot-eu  hubspot   ok         live    0
        acme  hubspot-eu  hubspot   no_secret  live    0       there is no secret rtr/prod/acme/hubspot-eu
        acme  hubspot-eu  hubspot   paused     paused  3
        acme  hubspot-eu  hubspot   suspended  paused  3       revoked
        ");
        insta::assert_snapshot!(serde_json::to_string(&all[3]).unwrap(), @r#"{"org_id":"acme","connection":"hubspot-eu","provider":"hubspot","state":"suspended","mode":"paused","webhook_url":null,"parked":3,"message":"revoked","since":"1970-01-01T00:00:00.000Z","base_url":null,"secret":"rtr/prod/acme/hubspot-eu"}"#);
    }
}
