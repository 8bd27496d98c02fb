//! Credentials of one connection: read, cached with an expiry, refreshed by one environment at a time.
//!
//! A refresh token may be usable once. So: take a lock that expires, read the secret again under it (another may have
//! refreshed meanwhile), refresh, write the new tokens back, only then use them.

use crate::seams::{Seams, SecretText, Suspension};
use async_trait::async_trait;
use rtr_connectors::credentials::{Credential, RefreshFailure, Refreshed, write_back};
use rtr_connectors::registry::Connector;
use rtr_connectors::session::{Auth, Authorized, Freshness};
use rtr_core::failure::{Class, Failure};
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a refresh may hold the lock, in milliseconds: its call's timeout and the write, with room to spare.
const LOCK_MS: i64 = 20_000;
/// The longest timeout of the token endpoint, in milliseconds; the invocation's deadline may cut it.
const REFRESH_TIMEOUT_MS: i64 = 10_000;
/// How often a waiting environment looks whether the lock's holder is done, in milliseconds.
const LOOK_MS: i64 = 250;
/// How long it waits for that, in milliseconds.
const WAIT_MS: i64 = 5_000;
/// Kept back of the deadline for writing new tokens back, in milliseconds.
const WRITE_BACK_MS: i64 = 1_500;
/// The least time in which a refresh is begun: a call and the write.
const REFRESH_NEEDS_MS: i64 = WRITE_BACK_MS + 2_000;
/// Tries to write refreshed tokens back: they may be the only copy.
const WRITE_BACK_TRIES: u32 = 4;

/// Credentials of this environment's connections, each with an expiry.
#[derive(Debug, Default)]
pub struct CredentialCache {
    by_secret: Mutex<HashMap<String, Cached>>,
}

#[derive(Debug, Clone)]
struct Cached {
    credential: Arc<Credential>,
    version: String,
    text: SecretString,
    until: Instant,
    refused: Option<String>,
    /// Refreshed, and not written back yet: the only copy.
    unsaved: bool,
}

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
        let usable = freshness == Freshness::Cached && !cached.credential.needs_refresh(now);
        // A refresh ahead of time may fail: the token at hand holds until it ends.
        let holds = freshness == Freshness::Cached
            && cached.credential.headers().is_some()
            && cached.credential.expires_at().is_some_and(|at| at > now);
        let cached = if usable && cached.credential.headers().is_some() {
            cached
        } else if self.deadline.since_ms(now) < REFRESH_NEEDS_MS {
            if !holds {
                return Err(Failure::new(Class::OutOfTime, "the invocation has no time left for a refresh"));
            }
            cached
        } else {
            match self.renew(cached.clone()).await {
                Err(failure) if holds && failure.class == Class::Unavailable => cached,
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
    /// The connection's own base URL wins, then the secret's, then the provider's.
    fn base_url_of(&self, cached: &Cached) -> Result<String, Failure> {
        let own = self.base_url.or(cached.credential.instance_url()).or(self.connector.base_url());
        own.map(str::to_owned).ok_or_else(|| {
            no_secret(&format!(
                "the secret {} names no `instance_url`, and each {} account has its own",
                self.secret,
                self.connector.facts().title
            ))
        })
    }

    async fn current(&self) -> Result<Cached, Failure> {
        let now = self.seams.clock.now();
        if let Some(cached) = self.cached().filter(|cached| cached.unsaved && cached.until > now) {
            // Somebody who wrote the secret meanwhile knows better: theirs is not overwritten.
            let stands = self.read_secret().await.is_ok_and(|secret| secret.version != cached.version);
            return if stands { self.reload().await } else { Ok(self.save(cached, 1).await) };
        }
        let cached = self.cached().filter(|cached| cached.until > now);
        let cached = match cached {
            Some(cached) => cached,
            None => self.reload().await?,
        };
        match &cached.refused {
            Some(why) => Err(suspended(why)),
            None => Ok(cached),
        }
    }

    /// Reads the secret. What was refused stays refused until the secret changes: then a suspension ends.
    async fn reload(&self) -> Result<Cached, Failure> {
        let SecretText { text, version } = self.read_secret().await?;
        let credential = Credential::parse(&text)
            .map_err(|why| no_secret(&format!("the secret {} cannot be used: {why}", self.secret)))?;
        let suspension = self.seams.limits.suspension(&self.connection.key()).await.ok().flatten();
        let refused = suspension
            .as_ref()
            .filter(|held| held.secret_version == version)
            .map(|held| held.message.clone());
        if suspension.is_some() && refused.is_none() {
            let _ = self.seams.limits.set_suspension(&self.connection.key(), None).await;
        }
        let until = self.seams.clock.now().plus_ms(self.cache_ms);
        let cached =
            Cached { credential: Arc::new(credential), version, text, until, refused, unsaved: false };
        self.keep(&cached);
        Ok(cached)
    }

    async fn read_secret(&self) -> Result<SecretText, Failure> {
        match self.seams.secrets.read(self.secret).await {
            Ok(Some(secret)) => Ok(secret),
            Ok(None) => Err(no_secret(&format!("there is no secret {}", self.secret))),
            Err(error) => {
                Err(Failure::new(Class::Unavailable, format!("the secret cannot be read: {error}")))
            }
        }
    }

    /// Tokens other than `stale`'s: another environment's, or new ones.
    async fn renew(&self, stale: Cached) -> Result<Cached, Failure> {
        let lock = format!("oauth#{}", self.connection.key());
        let holder = self.seams.clock.nonce();
        let waited_from = self.seams.clock.now();
        loop {
            match self.seams.limits.lock(&lock, &holder, LOCK_MS).await {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => {
                    return Err(Failure::new(Class::Unavailable, format!("no refresh lock: {error}")));
                }
            }
            let now = self.seams.clock.now();
            if now.since_ms(waited_from) > WAIT_MS || self.deadline.since_ms(now) < REFRESH_NEEDS_MS {
                return Err(Failure::new(Class::Unavailable, "another environment is refreshing the token"));
            }
            self.seams.clock.sleep_ms(LOOK_MS).await;
        }
        let renewed = self.renew_locked(stale).await;
        let _ = self.seams.limits.unlock(&lock, &holder).await;
        renewed
    }

    async fn renew_locked(&self, stale: Cached) -> Result<Cached, Failure> {
        let unsaved = self.cached().filter(|cached| cached.unsaved);
        let fresh = match unsaved {
            Some(unsaved) => unsaved,
            None => self.reload().await?,
        };
        let now = self.seams.clock.now();
        if fresh.version != stale.version && !fresh.credential.needs_refresh(now) {
            return Ok(fresh);
        }
        let left_ms = self.deadline.since_ms(now) - WRITE_BACK_MS;
        if left_ms < REFRESH_NEEDS_MS - WRITE_BACK_MS {
            return Err(Failure::new(Class::OutOfTime, "the invocation has no time left for a refresh"));
        }
        let timeout = Duration::from_millis(u64::try_from(left_ms.min(REFRESH_TIMEOUT_MS)).unwrap_or(1));
        let endpoint = self.connector.token_endpoint();
        let Some(request) = fresh.credential.refresh_request(endpoint, self.base_url, timeout) else {
            return Err(self
                .refuse(&fresh, "the CRM refused the token, and it is of a kind that cannot be refreshed")
                .await);
        };
        let response = self.seams.http.send(request).await.map_err(|error| {
            Failure::new(Class::Unavailable, format!("the token endpoint did not answer: {error}"))
        })?;
        match fresh.credential.read_refresh(endpoint, &response, self.seams.clock.now()) {
            Ok(refreshed) => self.store(&fresh, &refreshed).await,
            Err(RefreshFailure::Transient(why)) => Err(Failure::new(Class::Unavailable, why)),
            Err(RefreshFailure::Revoked(why) | RefreshFailure::Config(why)) => {
                let again = self.read_secret().await?;
                if again.version == fresh.version {
                    return Err(self.refuse(&fresh, &why).await);
                }
                self.reload().await
            }
        }
    }

    async fn store(&self, fresh: &Cached, refreshed: &Refreshed) -> Result<Cached, Failure> {
        let text = write_back(&fresh.text, refreshed).map_err(|why| {
            Failure::new(Class::Unavailable, format!("the tokens cannot be written back: {why}"))
        })?;
        let credential = Credential::parse(&text).map_err(|why| {
            Failure::new(Class::Unavailable, format!("the refreshed secret cannot be read: {why}"))
        })?;
        // Not written back, they serve this environment until they end, and are written at the next occasion.
        let until = refreshed.expires_at;
        let (version, refused) = (fresh.version.clone(), None);
        let cached =
            Cached { credential: Arc::new(credential), version, text, until, refused, unsaved: true };
        self.keep(&cached);
        Ok(self.save(cached, WRITE_BACK_TRIES).await)
    }

    async fn save(&self, mut cached: Cached, tries: u32) -> Cached {
        for attempt in 1..=tries {
            match self.seams.secrets.write(self.secret, &cached.text).await {
                Ok(version) => {
                    cached.version = version;
                    cached.unsaved = false;
                    cached.until = self.seams.clock.now().plus_ms(self.cache_ms);
                    break;
                }
                Err(error) if attempt == tries => {
                    tracing::error!(event = "secret", connection = self.connection.key(), message = %error);
                }
                Err(_) => self.seams.clock.sleep_ms(LOOK_MS).await,
            }
        }
        self.keep(&cached);
        cached
    }

    async fn refuse(&self, fresh: &Cached, why: &str) -> Failure {
        let since = self.seams.clock.now();
        let suspension = Suspension { message: why.to_owned(), since, secret_version: fresh.version.clone() };
        if let Err(error) = self.seams.limits.set_suspension(&self.connection.key(), Some(&suspension)).await
        {
            tracing::warn!(event = "suspension", connection = self.connection.key(), message = %error);
        }
        tracing::warn!(event = "suspended", connection = self.connection.key(), message = why);
        let until = since.plus_ms(self.cache_ms);
        self.keep(&Cached { refused: Some(why.to_owned()), until, ..fresh.clone() });
        suspended(why)
    }

    fn cached(&self) -> Option<Cached> {
        let cache = self.cache.by_secret.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(self.secret).cloned()
    }

    fn keep(&self, cached: &Cached) {
        let mut cache = self.cache.by_secret.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(self.secret.to_owned(), cached.clone());
    }
}

fn no_secret(why: &str) -> Failure {
    Failure::new(Class::NoSecret, why)
}

fn suspended(why: &str) -> Failure {
    Failure::new(Class::Revoked, why)
}
