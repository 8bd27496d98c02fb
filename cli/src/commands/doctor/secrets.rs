//! The secrets that the configuration names: each connection's, what deliveries are signed with, what lets us in to a list of records,
//! and what events are handed in by. Whether they are there, can be read, and last. Nothing of them is told.

use super::access::{SECRETS, Tried, access};
use super::checks::{Finding, finding};
use super::mend::Whose;
use super::unseen::Gone;
use crate::aws::says_denied;
use crate::commands::backfill::listed::lets_in;
use crate::commands::connection::list::Listed;
use crate::moment::span;
use futures::stream::{self, StreamExt};
use rtr_aws::function::Runtime;
use rtr_connectors::credentials::{App, Credential};
use rtr_core::config::{OrgDoc, Source, Stored, StoredDoc, Target};
use rtr_core::ingest::secret::IngestSecret;
use rtr_core::time::Instant;
use rtr_engine::apply::can_sign;
use secrecy::{ExposeSecret, SecretString};

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
    /// It is no secret of its kind.
    Wrong(String),
    /// It names an OAuth app that is not there, or is none.
    NoApp(String, String),
    /// These credentials may not read it.
    Denied,
    /// It could not be read.
    Failed(String),
}

/// What a secret is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum For {
    /// A connection of this org's at this provider.
    Connection(String, String, String),
    /// Signing what is delivered to the internal system.
    Deliveries,
    /// Being let in to the org's own list of records.
    Source,
    /// Letting in whoever hands in events. Only some orgs have one, and nothing says which: it is looked for where one org is.
    Ingest,
}

/// A secret that is named somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    name: String,
    /// Whose it is.
    of: String,
    what: For,
}

/// That of a connection.
pub(super) fn of_connection(one: &Listed) -> Named {
    let (org, connection, provider) = (one.org_id.clone(), one.connection.clone(), one.provider.clone());
    let of = format!("{org} {connection}");
    Named { name: one.secret.clone(), of, what: For::Connection(org, connection, provider) }
}

/// Those that orgs have beside their connections', all orgs' or `org`'s. Looking in vain for one in each of thousands of orgs is not
/// worth the calls: [`For::Ingest`] is `org`'s alone.
pub(super) fn beside(stored: &Stored, org: Option<&str>, stage: &str) -> Vec<Named> {
    let is_asked_for = org.is_some();
    let orgs = stored
        .orgs
        .iter()
        .filter(|(name, stored)| !stored.doc.removed && org.is_none_or(|wanted| wanted == name.as_str()));
    let of = |(org, stored): (&String, &StoredDoc<OrgDoc>)| {
        let named =
            |name: &str, of: &str, what| Named { name: name.to_owned(), of: format!("{org} {of}"), what };
        let deliveries = match stored.doc.inbound.as_ref().map(|inbound| &inbound.target) {
            Some(Target::Http { secret, .. }) => Some(named(secret, "inbound", For::Deliveries)),
            _ => None,
        };
        let source = source(stored.doc.source.as_ref()).map(|secret| named(secret, "source", For::Source));
        // A name with a `/` would be read as one of another kind of secret: nobody comes in there.
        let ingest = format!("rtr/{stage}/{org}/ingest");
        let ingest = (is_asked_for && !org.contains('/')).then(|| named(&ingest, "ingest", For::Ingest));
        [deliveries, source, ingest].into_iter().flatten().collect::<Vec<_>>()
    };
    let shared = source(stored.global.as_ref().and_then(|global| global.doc.source.as_ref()));
    let shared = shared.map(|name| Named {
        name: name.to_owned(),
        of: "the shared source".to_owned(),
        what: For::Source,
    });
    orgs.flat_map(of).chain(shared).collect()
}

fn source(source: Option<&Source>) -> Option<&str> {
    let Source::Http { secret, .. } = source?;
    secret.as_deref()
}

/// Looks at each of `all`.
pub(super) async fn look(
    runtime: &Runtime,
    all: &[Named],
    seen: &(dyn Fn(usize) + Sync),
) -> Vec<(Named, Held)> {
    let stage = runtime.settings.stage.clone();
    let (stage, count) = (&stage, std::sync::atomic::AtomicUsize::new(0));
    let look = |one: &Named| {
        let (one, count) = (one.clone(), &count);
        async move {
            let held = read(runtime, &one, stage).await;
            seen(count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1);
            (one, held)
        }
    };
    stream::iter(all.iter().map(look)).buffered(AT_ONCE).collect().await
}

async fn read(runtime: &Runtime, one: &Named, stage: &str) -> Held {
    let secrets = runtime.seams().secrets;
    let text = match secrets.read(&one.name).await {
        Ok(Some(secret)) => secret.text,
        Ok(None) => return Held::Missing,
        Err(error) => return refused(&error.to_string()),
    };
    let credential = match judged(&one.what, &text) {
        Ok(Some(credential)) => credential,
        Ok(None) => return Held::Good(None),
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

/// Whether a secret of this `text` does for what it is for, as whoever uses it reads it; a connection's is looked at further.
fn judged(what: &For, text: &SecretString) -> Result<Option<Credential>, String> {
    match what {
        For::Connection(..) => Credential::parse(text).map(Some),
        For::Deliveries if can_sign(text) => Ok(None),
        For::Deliveries => Err("there is nothing in it to sign with".to_owned()),
        For::Source => lets_in(text).map(|_| None),
        For::Ingest => IngestSecret::parse(text.expose_secret()).map(|_| None),
    }
}

fn refused(why: &str) -> Held {
    if says_denied(why) { Held::Denied } else { Held::Failed(why.to_owned()) }
}

/// What is wrong with them.
pub(super) fn secrets(all: &[(Named, Held)], stage: &str, now: Instant) -> Vec<Finding> {
    let mut found: Vec<Finding> = all.iter().filter_map(|(one, held)| of(one, held, now)).collect();
    if all.iter().any(|(_, held)| *held == Held::Denied) {
        found.extend(access(&[(SECRETS, Tried::Denied)], &Gone::new(), stage));
    }
    found
}

fn of(one: &Named, held: &Held, now: Instant) -> Option<Finding> {
    let (about, name) = (format!("secret of {}", one.of), &one.name);
    let found = |message: String| Some(finding("secret", &about, message, &mend(one)));
    match held {
        Held::Denied | Held::Good(None) => None,
        Held::Good(Some(ends)) => {
            let left = ends.since_ms(now);
            match left {
                ..=0 => found(format!("its token ended at {}, and nothing renews it", ends.to_rfc3339())),
                1..SOON_MS => found(format!("its token ends in {}, and nothing renews it", span(left))),
                _ => None,
            }
        }
        Held::Missing if one.what == For::Ingest => None,
        Held::Missing => found(format!("there is no secret {name}")),
        Held::Wrong(why) => found(format!("{name} cannot be used: {why}")),
        Held::NoApp(app, why) => {
            let message = format!("{name} names the OAuth app {app}: {why}");
            Some(finding("secret", &about, message, "store it: docs/credentials.md"))
        }
        Held::Failed(why) => Some(finding("unreadable", &about, why, super::checks::LEAVE)),
    }
}

/// What to do where it is missing, cannot be used, or ends.
fn mend(one: &Named) -> String {
    let name = &one.name;
    match &one.what {
        For::Connection(org, connection, provider) => Whose { org, connection, provider }.secret(),
        For::Deliveries => format!(
            r#"store {name} as {{"secrets": ["whsec_…"]}} (docs/credentials.md): deliveries wait for it, and go by themselves"#
        ),
        For::Source => {
            format!("store {name} as a secret of type bearer, basic or header (docs/credentials.md)")
        }
        For::Ingest => format!(
            "store {name} as a secret of type bearer or hmac (docs/ingest.md): until then nobody is let in by it"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::connection::list::sample;
    use std::collections::BTreeMap;

    #[test]
    fn given_each_kind_of_secret_when_told_then_those_that_need_somebody_are_and_a_refusal_is_told_once() {
        let now = Instant(1_795_000_000_000);
        let one = |held| (of_connection(&sample("hubspot", "ok")), held);
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

    #[test]
    fn given_what_orgs_name_beside_their_connections_when_a_secret_is_no_good_then_it_is_told_with_its_mend()
    {
        let org = |yaml: serde_json::Value, removed| {
            let doc = OrgDoc { removed, ..serde_json::from_value(yaml).unwrap() };
            StoredDoc { revision: 1, author: String::new(), at: String::new(), reason: None, doc }
        };
        let acme = serde_json::json!({
            "inbound": {"target": {"http": {"url": "https://a.example", "secret": "rtr/prod/acme/inbound"}}},
            "source": {"http": {"url": "https://a.example/{record_type}", "secret": "rtr/prod/acme/list"}},
        });
        let queue = serde_json::json!({"inbound": {"target": {"sqs": {"url": "https://sqs.example/q"}}}});
        let orgs = BTreeMap::from([
            ("acme".to_owned(), org(acme.clone(), false)),
            ("gone".to_owned(), org(acme, true)),
            ("umbra".to_owned(), org(queue, false)),
        ]);
        let stored = Stored { revision: 1, orgs, ..Stored::default() };
        let names = |org| beside(&stored, org, "prod").into_iter().map(|one| one.name).collect::<Vec<_>>();
        let of_acme = ["rtr/prod/acme/inbound", "rtr/prod/acme/list", "rtr/prod/acme/ingest"];
        assert_eq!(names(None), of_acme[..2], "of all orgs none that may well not be there");
        assert_eq!(names(Some("umbra")), ["rtr/prod/umbra/ingest"]);
        assert_eq!(names(Some("acme")), of_acme);
        let now = Instant(0);
        let all = beside(&stored, Some("acme"), "prod");
        let told = |held: &dyn Fn(&Named) -> Held| {
            let held: Vec<_> = all.iter().map(|one| (one.clone(), held(one))).collect();
            let found = secrets(&held, "prod", now);
            found
                .iter()
                .map(|one| format!("{} | {}\n  {}", one.about, one.message, one.action))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let garbage: SecretString = "{}".into();
        insta::assert_snapshot!(told(&|_| Held::Missing), @r#"
        secret of acme inbound | there is no secret rtr/prod/acme/inbound
          store rtr/prod/acme/inbound as {"secrets": ["whsec_…"]} (docs/credentials.md): deliveries wait for it, and go by themselves
        secret of acme source | there is no secret rtr/prod/acme/list
          store rtr/prod/acme/list as a secret of type bearer, basic or header (docs/credentials.md)
        "#);
        insta::assert_snapshot!(told(&|one| Held::Wrong(judged(&one.what, &garbage).unwrap_err())), @r#"
        secret of acme inbound | rtr/prod/acme/inbound cannot be used: there is nothing in it to sign with
          store rtr/prod/acme/inbound as {"secrets": ["whsec_…"]} (docs/credentials.md): deliveries wait for it, and go by themselves
        secret of acme source | rtr/prod/acme/list cannot be used: the secret's `type` is missing; supported: bearer, oauth2, client_credentials, jwt_bearer, basic, header
          store rtr/prod/acme/list as a secret of type bearer, basic or header (docs/credentials.md)
        secret of acme ingest | rtr/prod/acme/ingest cannot be used: `type` is none of bearer, hmac
          store rtr/prod/acme/ingest as a secret of type bearer or hmac (docs/ingest.md): until then nobody is let in by it
        "#);
        let fine = [r#"{"secrets": ["whsec_a"]}"#, r#"{"type": "bearer", "token": "0123456789abcdef"}"#];
        let fine = |one: &Named| SecretString::from(fine[usize::from(one.what != For::Deliveries)]);
        assert!(all.iter().all(|one| judged(&one.what, &fine(one)).is_ok_and(|more| more.is_none())));
    }
}
