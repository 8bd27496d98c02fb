//! Each connection's secret: whether it is there, can be read, and lasts. Nothing of it is told.

use super::access::{SECRETS, Tried, access};
use super::checks::{Finding, finding};
use crate::aws::says_denied;
use crate::commands::connection::list::Listed;
use crate::moment::span;
use futures::stream::{self, StreamExt};
use rtr_aws::function::Runtime;
use rtr_connectors::credentials::{App, Credential};
use rtr_core::time::Instant;

/// Secrets read at once.
const AT_ONCE: usize = 16;
/// What ends sooner is told, in milliseconds: a day.
const SOON_MS: i64 = 24 * 3_600_000;

/// What a secret turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// It can be used, until then where nothing renews it.
    Good(Option<Instant>),
    /// There is none.
    Missing,
    /// It is no secret of a connection's.
    Wrong(String),
    /// It names an OAuth app that is not there, or is none.
    NoApp(String, String),
    /// These credentials may not read it.
    Denied,
    /// It could not be read.
    Failed(String),
}

/// Looks at the secret of each of `all`.
pub(super) async fn look(
    runtime: &Runtime,
    all: &[&Listed],
    seen: &(dyn Fn(usize) + Sync),
) -> Vec<(String, String, Held)> {
    let stage = runtime.settings.stage.clone();
    let (stage, count) = (&stage, std::sync::atomic::AtomicUsize::new(0));
    let look = |one: &&Listed| {
        let (whose, name, count) = (format!("{} {}", one.org_id, one.connection), one.secret.clone(), &count);
        async move {
            let held = read(runtime, &name, stage).await;
            seen(count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1);
            (whose, name, held)
        }
    };
    stream::iter(all.iter().map(look)).buffered(AT_ONCE).collect().await
}

async fn read(runtime: &Runtime, name: &str, stage: &str) -> Held {
    let secrets = runtime.seams().secrets;
    let text = match secrets.read(name).await {
        Ok(Some(secret)) => secret.text,
        Ok(None) => return Held::Missing,
        Err(error) => return refused(&error.to_string()),
    };
    let credential = match Credential::parse(&text) {
        Ok(credential) => credential,
        Err(why) => return Held::Wrong(why),
    };
    if let Some(app) = credential.app() {
        let app = format!("rtr/{stage}/apps/{app}");
        match secrets.read(&app).await {
            Ok(Some(secret)) => {
                if let Err(why) = App::parse(&secret.text) {
                    return Held::NoApp(app, why);
                }
            }
            Ok(None) => return Held::NoApp(app, "it is not there".to_owned()),
            Err(error) => return refused(&error.to_string()),
        }
    }
    Held::Good(credential.expires_at().filter(|_| !credential.can_refresh()))
}

fn refused(why: &str) -> Held {
    if says_denied(why) { Held::Denied } else { Held::Failed(why.to_owned()) }
}

/// What is wrong with them.
pub(super) fn secrets(all: &[(String, String, Held)], stage: &str, now: Instant) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        all.iter().filter_map(|(whose, name, held)| of(whose, name, held, now)).collect();
    if all.iter().any(|(.., held)| *held == Held::Denied) {
        found.extend(access(&[(SECRETS, Tried::Denied)], stage));
    }
    found
}

fn of(whose: &str, name: &str, held: &Held, now: Instant) -> Option<Finding> {
    let about = format!("secret of {whose}");
    let found = |message: String, action: String| Some(finding("secret", &about, message, &action));
    let again = "rtr connection connect has a person let us in anew, or store another: docs/credentials.md"
        .to_owned();
    match held {
        Held::Denied => None,
        Held::Good(None) => None,
        Held::Good(Some(ends)) => {
            let left = ends.since_ms(now);
            match left {
                ..=0 => {
                    found(format!("its token ended at {}, and nothing renews it", ends.to_rfc3339()), again)
                }
                1..SOON_MS => {
                    found(format!("its token ends in {}, and nothing renews it", span(left)), again)
                }
                _ => None,
            }
        }
        Held::Missing => found(format!("there is no secret {name}"), again),
        Held::Wrong(why) => {
            found(format!("{name} cannot be used: {why}"), "docs/credentials.md shows the forms".to_owned())
        }
        Held::NoApp(app, why) => found(
            format!("{name} names the OAuth app {app}: {why}"),
            "store it: docs/credentials.md".to_owned(),
        ),
        Held::Failed(why) => Some(finding("unreadable", &about, why, super::checks::LEAVE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_each_kind_of_secret_when_told_then_those_that_need_somebody_are_and_a_refusal_is_told_once() {
        let now = Instant(1_795_000_000_000);
        let one = |held| ("acme hubspot".to_owned(), "rtr/prod/acme/hubspot".to_owned(), held);
        let all = [
            one(Held::Good(None)),
            one(Held::Good(Some(now.plus_ms(SOON_MS)))),
            one(Held::Good(Some(now.plus_ms(2 * 3_600_000)))),
            one(Held::Good(Some(now))),
            one(Held::Missing),
            one(Held::Wrong("the secret's `type` is missing".to_owned())),
            one(Held::NoApp("rtr/prod/apps/main".to_owned(), "it is not there".to_owned())),
            one(refused("GetSecretValue rtr/prod/acme/hubspot: AccessDeniedException")),
            one(Held::Denied),
            one(refused("GetSecretValue rtr/prod/acme/hubspot: no answer in time")),
        ];
        let found = secrets(&all, "prod", now);
        let lines = found.iter().map(|one| format!("{} | {} | {}", one.check, one.about, one.message));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
        secret | secret of acme hubspot | its token ends in 2h, and nothing renews it
        secret | secret of acme hubspot | its token ended at 2026-11-18T11:06:40.000Z, and nothing renews it
        secret | secret of acme hubspot | there is no secret rtr/prod/acme/hubspot
        secret | secret of acme hubspot | rtr/prod/acme/hubspot cannot be used: the secret's `type` is missing
        secret | secret of acme hubspot | rtr/prod/acme/hubspot names the OAuth app rtr/prod/apps/main: it is not there
        unreadable | secret of acme hubspot | GetSecretValue rtr/prod/acme/hubspot: no answer in time
        permission | secretsmanager:GetSecretValue on the connections' secrets | these credentials may not; needed by rtr connection test and setup, rtr preview --live, rtr reconcile
        ");
    }
}
