//! Credentials of one connection: read, cached with an expiry, refreshed by one environment at a time.
//!
//! A refresh token may be usable once. So: take a lock that expires, read the secret again under it (another may have
//! refreshed meanwhile), refresh, write the new tokens back, only then use them.
//!
//! - `cache` what this environment has at hand · `refresh` new tokens, under the lock · `account` whose they are

mod account;
mod cache;
mod refresh;

pub use account::learn_account;
pub use cache::CredentialCache;

use crate::notices::{of_suspension, raise};
use crate::seams::{Seams, SecretText, Suspension, Unavailable};
use async_trait::async_trait;
use cache::{AppText, Cached};
use rtr_connectors::credentials::{App, Credential};
use rtr_connectors::registry::Connector;
use rtr_connectors::session::{Auth, Authorized, Freshness};
use rtr_core::failure::{Class, Failure};
use rtr_core::key::ConnectionKey;
use rtr_core::notice::NoticeKind;
use rtr_core::time::Instant;
use std::sync::Arc;

/// Kept back of the deadline for writing new tokens back, in milliseconds.
const WRITE_BACK_MS: i64 = 1_500;
/// The least time in which a refresh is begun: a call and the write.
const REFRESH_NEEDS_MS: i64 = WRITE_BACK_MS + 2_000;
/// A refresh ahead of time that failed is tried again after this, in milliseconds: the token at hand holds.
const REFRESH_AGAIN_MS: i64 = 15_000;

/// The credentials of one connection, for one invocation.
pub struct ConnectionAuth<'a> {
    /// The seams.
    pub seams: Seams<'a>,
    /// This environment's cache.
    pub cache: &'a CredentialCache,
    /// The connection.
    pub connection: ConnectionKey,
    /// Its CRM.
    pub connector: Connector,
    /// The secret's name.
    pub secret: &'a str,
    /// The connection's own base URL, if it has one.
    pub base_url: Option<&'a str>,
    /// How long what was read holds, in milliseconds.
    pub cache_ms: i64,
    /// No refresh is begun that could last beyond this: tokens that are rotated and not kept are lost.
    pub deadline: Instant,
}

#[async_trait]
impl Auth for ConnectionAuth<'_> {
    async fn authorize(&self, freshness: Freshness) -> Result<Authorized, Failure> {
        let cached = self.current().await?;
        let now = self.seams.clock.now();
        let usable = freshness == Freshness::Cached && !self.wants_refresh(&cached, now);
        // A refresh ahead of time may fail: the token at hand holds until it ends.
        let holds = freshness == Freshness::Cached
            && cached.credential.headers().is_some()
            // Without a place to go to it is worth nothing.
            && self.own_base_url(&cached).is_some()
            && cached.credential.expires_at().is_some_and(|at| at > now);
        let rests = holds && self.cache.refresh_rests(self.secret, now);
        let cached = if (usable && cached.credential.headers().is_some()) || rests {
            cached
        } else if self.deadline.since_ms(now) < REFRESH_NEEDS_MS {
            if !holds {
                return Err(Failure::new(Class::OutOfTime, "the invocation has no time left for a refresh"));
            }
            cached
        } else {
            match self.renew(cached.clone()).await {
                Err(failure) if holds && failure.class == Class::Unavailable => {
                    let again_at = self.seams.clock.now().plus_ms(REFRESH_AGAIN_MS);
                    self.cache.let_refresh_rest(self.secret, again_at);
                    cached
                }
                renewed => renewed?,
            }
        };
        let headers = cached
            .credential
            .headers()
            .ok_or_else(|| suspended("the secret holds no access token and cannot be refreshed"))?;
        Ok(Authorized { base_url: self.base_url_of(&cached)?, headers })
    }
}

impl ConnectionAuth<'_> {
    /// Whether tokens must be had before a call: none at hand, they end soon, or they alone tell where the account is.
    fn wants_refresh(&self, cached: &Cached, now: Instant) -> bool {
        cached.credential.needs_refresh(now)
            || (self.own_base_url(cached).is_none() && cached.credential.can_refresh())
    }

    /// The connection's own base URL wins, then the secret's, then the provider's.
    fn own_base_url<'c>(&'c self, cached: &'c Cached) -> Option<&'c str> {
        self.base_url.or(cached.credential.instance_url()).or(self.connector.base_url())
    }

    fn base_url_of(&self, cached: &Cached) -> Result<String, Failure> {
        self.own_base_url(cached).map(str::to_owned).ok_or_else(|| {
            no_secret(&format!(
                "the secret {} names no `instance_url`, and each {} account has its own",
                self.secret,
                self.connector.facts().title
            ))
        })
    }

    async fn current(&self) -> Result<Cached, Failure> {
        let now = self.seams.clock.now();
        let cached = match self.cached() {
            // Never dropped, however old: what it refreshes with may stand nowhere else. Somebody who wrote the secret
            // meanwhile knows better: theirs is not overwritten.
            Some(cached) if cached.unsaved => {
                let stands = self.read_secret().await.is_ok_and(|secret| secret.version != cached.version);
                if stands { self.reload(Freshness::Cached).await? } else { self.save(cached, 1).await }
            }
            Some(cached) if cached.until > now => cached,
            _ => self.reload(Freshness::Cached).await?,
        };
        match &cached.refused {
            Some(why) => Err(suspended(why)),
            None => Ok(cached),
        }
    }

    /// Reads the secret, and the app's if it names one. What was refused stays refused until either changes: then a
    /// suspension ends.
    async fn reload(&self, app: Freshness) -> Result<Cached, Failure> {
        let SecretText { text, version } = self.read_secret().await?;
        let unusable = |name: &str, why: &str| no_secret(&format!("the secret {name} cannot be used: {why}"));
        let mut credential = Credential::parse(&text).map_err(|why| unusable(self.secret, &why))?;
        let app = match credential.app() {
            Some(name) => Some(self.app(name, app).await?),
            None => None,
        };
        if let Some(app) = &app {
            let parsed = App::parse(&app.secret.text).map_err(|why| unusable(&app.name, &why))?;
            credential = credential.with_app(parsed);
        }
        let app = app.map(|app| app.secret);
        let stamp = stamp(&version, app.as_ref());
        let suspension = self.seams.limits.suspension(&self.connection.key()).await.ok().flatten();
        let held = suspension.as_ref().filter(|held| held.secret_version == stamp);
        if let Some(held_before) = suspension.as_ref().filter(|_| held.is_none()) {
            let provider = self.connector.facts().name;
            let _ = resume(&self.seams, &self.connection, provider, held_before).await;
            let (org_id, connection) = (&self.connection.org_id, &self.connection.connection);
            tracing::info!(event = "resumed", org_id, connection, "the secret has changed");
        }
        if let Some(held) = held {
            // Whoever wrote it may have died before he could raise it: raised again it is told once.
            let provider = self.connector.facts().name;
            raise(&self.seams, &of_suspension(NoticeKind::Suspended, &self.connection, provider, held)).await;
        }
        let refused = held.filter(|_| !self.cache.tries_refused).map(|held| held.message.clone());
        let until = self.seams.clock.now().plus_ms(self.cache_ms);
        let credential = Arc::new(credential);
        let cached = Cached { credential, version, app, text, until, refused, unsaved: false };
        self.keep(&cached);
        Ok(cached)
    }

    async fn read_secret(&self) -> Result<SecretText, Failure> {
        self.read_named(self.secret).await
    }

    async fn read_named(&self, name: &str) -> Result<SecretText, Failure> {
        match self.seams.secrets.read(name).await {
            Ok(Some(secret)) => Ok(secret),
            Ok(None) => Err(no_secret(&format!("there is no secret {name}"))),
            Err(error) => {
                Err(Failure::new(Class::Unavailable, format!("the secret cannot be read: {error}")))
            }
        }
    }

    /// The app's secret: one read serves all connections of an environment that share it.
    async fn app(&self, name: &str, freshness: Freshness) -> Result<AppText, Failure> {
        let name = App::secret_name(name, self.secret).map_err(|why| no_secret(&why))?;
        let now = self.seams.clock.now();
        let cached = self.cache.app(&name).filter(|_| freshness == Freshness::Cached);
        if let Some(app) = cached.filter(|app| app.until > now) {
            return Ok(app);
        }
        let secret = self.read_named(&name).await?;
        let app = AppText { name, secret, until: now.plus_ms(self.cache_ms) };
        self.cache.keep_app(&app);
        Ok(app)
    }

    fn cached(&self) -> Option<Cached> {
        self.cache.get(self.secret)
    }

    fn keep(&self, cached: &Cached) {
        self.cache.keep(self.secret, cached);
    }
}

/// Ends the `suspension` of `connection`, has that told, and wakes its lane, so that what is parked there goes at once.
///
/// # Errors
/// When the store does not answer: either is made up for by the next look.
pub async fn resume(
    seams: &Seams<'_>,
    connection: &ConnectionKey,
    provider: &str,
    suspension: &Suspension,
) -> Result<(), Unavailable> {
    // First: once it is ended nobody would know of it any more. Raised twice it is told once.
    raise(seams, &of_suspension(NoticeKind::Resumed, connection, provider, suspension)).await;
    seams.limits.set_suspension(&connection.key(), None).await?;
    seams.limits.want_lane(connection, seams.clock.now()).await
}

/// What a suspension holds on to: another secret, or another one of the app, is tried.
fn stamp(version: &str, app: Option<&SecretText>) -> String {
    app.map_or_else(|| version.to_owned(), |app| format!("{version}+{}", app.version))
}

fn no_secret(why: &str) -> Failure {
    Failure::new(Class::NoSecret, why)
}

fn suspended(why: &str) -> Failure {
    Failure::new(Class::Revoked, why)
}
