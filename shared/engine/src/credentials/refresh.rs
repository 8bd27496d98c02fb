//! New tokens: one environment at a time, kept before they are used.

use super::cache::Cached;
use super::{ConnectionAuth, REFRESH_NEEDS_MS, WRITE_BACK_MS, learn_account, no_secret, suspended};
use crate::notices::{of_suspension, raise};
use crate::seams::Suspension;
use rtr_connectors::credentials::{
    App, Credential, RefreshFailure, Refreshed, TokenAsk, read_tokens, write_back,
};
use rtr_connectors::session::Freshness;
use rtr_core::failure::{Class, Failure};
use rtr_core::notice::NoticeKind;
use rtr_core::time::Instant;
use std::sync::Arc;
use std::time::Duration;

/// How long a refresh may hold the lock, in milliseconds: its call's timeout and the write, with room to spare.
const LOCK_MS: i64 = 20_000;
/// The longest timeout of the token endpoint, in milliseconds; the invocation's deadline may cut it.
const REFRESH_TIMEOUT_MS: i64 = 10_000;
/// The first pause of a waiting environment before it looks whether the lock's holder is done, in milliseconds. The
/// next ones grow, each by chance: a thousand of them would else ask the same item in step.
const LOOK_MS: i64 = 250;
/// How long it waits for that, in milliseconds.
const WAIT_MS: i64 = 5_000;
/// Tries to write refreshed tokens back: they may be the only copy.
const WRITE_BACK_TRIES: u32 = 4;
/// Secrets Manager shows a new version everywhere within moments, not at once. For so long after a refresh, in
/// milliseconds, the version that it replaced is known to be the past; after that, somebody put it back.
const REPLACED_MS: i64 = 60_000;
/// Looks for the newer version, and before a refused secret counts as the newest.
const LOOKS: u32 = 4;

impl ConnectionAuth<'_> {
    /// Tokens other than `stale`'s: another environment's, or new ones.
    pub(super) async fn renew(&self, stale: Cached) -> Result<Cached, Failure> {
        let lock = format!("oauth#{}", self.connection.key());
        let holder = self.seams.clock.nonce();
        let waited_from = self.seams.clock.now();
        let mut pause_ms = LOOK_MS;
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
            #[allow(clippy::cast_possible_truncation)] // a fraction of a second
            let chance_ms = (self.seams.clock.random() * LOOK_MS as f64) as i64;
            self.seams.clock.sleep_ms(pause_ms + chance_ms).await;
            pause_ms = (pause_ms * 2).min(WAIT_MS / 4);
        }
        let renewed = self.renew_locked(stale).await;
        let _ = self.seams.limits.unlock(&lock, &holder).await;
        renewed
    }

    async fn renew_locked(&self, stale: Cached) -> Result<Cached, Failure> {
        let unsaved = self.cached().filter(|cached| cached.unsaved);
        let fresh = match unsaved {
            Some(unsaved) => unsaved,
            None => self.newest().await?,
        };
        if fresh.stamp() != stale.stamp() && !self.wants_refresh(&fresh, self.seams.clock.now()) {
            return Ok(fresh);
        }
        match self.ask(&fresh).await? {
            Ok(refreshed) => self.store(&fresh, &refreshed).await,
            Err(RefreshFailure::Transient(why)) => Err(Failure::new(Class::Unavailable, why)),
            Err(
                RefreshFailure::Revoked(why)
                | RefreshFailure::Config(why)
                | RefreshFailure::ClientSecret(why),
            ) => match self.changed(&fresh).await? {
                Some(changed) => Ok(changed),
                None => Err(self.refuse(&fresh, &why).await),
            },
        }
    }

    /// The secret as it stands now, and not as it stood before the last refresh.
    async fn newest(&self) -> Result<Cached, Failure> {
        // Not known: the read is taken at its word.
        let known = self.seams.limits.known(&self.connection.key()).await.unwrap_or_default();
        for _ in 0..LOOKS {
            let fresh = self.reload(Freshness::Renewed).await?;
            let now = self.seams.clock.now();
            let past = known
                .replaced
                .as_ref()
                .is_some_and(|(version, at)| *version == fresh.version && now.since_ms(*at) < REPLACED_MS);
            if !past {
                return Ok(fresh);
            }
            self.seams.clock.sleep_ms(LOOK_MS).await;
        }
        Err(Failure::new(Class::Unavailable, "the refreshed secret cannot be seen yet"))
    }

    /// What was refused may have been replaced a moment ago, by a person or by an environment whose lock has ended.
    async fn changed(&self, refused: &Cached) -> Result<Option<Cached>, Failure> {
        for look in 1..=LOOKS {
            let again = self.reload(Freshness::Renewed).await?;
            let now = self.seams.clock.now();
            if again.stamp() != refused.stamp() {
                if self.wants_refresh(&again, now) {
                    let why = "the secret was changed while its token was refreshed";
                    return Err(Failure::new(Class::Unavailable, why));
                }
                return Ok(Some(again));
            }
            if look == LOOKS || self.deadline.since_ms(now) < LOOK_MS {
                break;
            }
            self.seams.clock.sleep_ms(LOOK_MS).await;
        }
        Ok(None)
    }

    /// Asks the token endpoint, with the client's older secret when it does not know the newer one yet.
    async fn ask(&self, fresh: &Cached) -> Result<Result<Refreshed, RefreshFailure>, Failure> {
        let endpoint = self.connector.token_endpoint();
        let mut client_secret = 0;
        loop {
            let now = self.seams.clock.now();
            let left_ms = self.deadline.since_ms(now) - WRITE_BACK_MS;
            if left_ms < REFRESH_NEEDS_MS - WRITE_BACK_MS {
                let why = "the invocation has no time left for a refresh";
                return Err(Failure::new(Class::OutOfTime, why));
            }
            let timeout = Duration::from_millis(u64::try_from(left_ms.min(REFRESH_TIMEOUT_MS)).unwrap_or(1));
            let ask = TokenAsk { endpoint, base_url: self.base_url, timeout, now, client_secret };
            let request = fresh.credential.refresh_request(&ask).map_err(|why| no_secret(&why))?;
            let Some(request) = request else {
                let why = "the CRM refused the credentials, and they are of a kind that cannot be refreshed";
                return Err(self.refuse(fresh, why).await);
            };
            let response = self.seams.http.send(request).await.map_err(|error| {
                Failure::new(Class::Unavailable, format!("the token endpoint did not answer: {error}"))
            })?;
            client_secret += 1;
            match read_tokens(endpoint, &response, self.seams.clock.now()) {
                Err(RefreshFailure::ClientSecret(_)) if client_secret < fresh.credential.client_secrets() => {
                }
                read => return Ok(read),
            }
        }
    }

    /// Nothing stands between the answer and the write: dying here is what would lose a rotated token.
    async fn store(&self, fresh: &Cached, refreshed: &Refreshed) -> Result<Cached, Failure> {
        let text = write_back(&fresh.text, refreshed).map_err(|why| {
            Failure::new(Class::Unavailable, format!("the tokens cannot be written back: {why}"))
        })?;
        let credential = Credential::parse(&text).map_err(|why| {
            Failure::new(Class::Unavailable, format!("the refreshed secret cannot be read: {why}"))
        })?;
        let credential = match fresh.app.as_ref().map(|app| App::parse(&app.text)) {
            Some(Ok(app)) => credential.with_app(app),
            _ => credential,
        };
        // Not written back, they serve this environment until they end, and are written at the next occasion.
        let until = refreshed.expires_at.unwrap_or(Instant(i64::MAX));
        let credential = Arc::new(credential);
        let cached = Cached { credential, text, until, refused: None, unsaved: true, ..fresh.clone() };
        self.keep(&cached);
        let saved = self.save(cached, WRITE_BACK_TRIES).await;
        if !saved.unsaved {
            let _ = self.seams.limits.note_replaced(&self.connection.key(), &fresh.version).await;
        }
        if self.own_base_url(&saved).is_none() {
            let why =
                "the token's answer does not say where the account is: add `instance_url` to the secret";
            return Err(self.refuse(&saved, why).await);
        }
        match &refreshed.account {
            Some(account) => self.check_account(saved, account).await,
            None => Ok(saved),
        }
    }

    async fn check_account(&self, saved: Cached, account: &str) -> Result<Cached, Failure> {
        match learn_account(self.seams.limits, &self.connection.key(), account).await {
            Ok(Err(other)) => Err(self.refuse(&saved, &other).await),
            // Not known now: the next refresh asks again.
            Ok(Ok(())) | Err(_) => Ok(saved),
        }
    }

    pub(super) async fn save(&self, mut cached: Cached, tries: u32) -> Cached {
        for attempt in 1..=tries {
            match self.seams.secrets.write(self.secret, &cached.text).await {
                Ok(version) => {
                    cached.version = version;
                    cached.unsaved = false;
                    cached.until = self.seams.clock.now().plus_ms(self.cache_ms);
                    break;
                }
                Err(error) if attempt == tries => {
                    let (org_id, connection) = (&self.connection.org_id, &self.connection.connection);
                    tracing::error!(
                        event = "secret",
                        org_id,
                        connection,
                        error = error.0,
                        "new tokens could not be kept"
                    );
                }
                Err(_) => self.seams.clock.sleep_ms(LOOK_MS).await,
            }
        }
        self.keep(&cached);
        cached
    }

    async fn refuse(&self, fresh: &Cached, why: &str) -> Failure {
        let (now, secret_version) = (self.seams.clock.now(), fresh.stamp());
        // Refused anew it is suspended since the first time.
        let stands = self.seams.limits.suspension(&self.connection.key()).await.ok().flatten();
        let since =
            stands.filter(|held| held.secret_version == secret_version).map_or(now, |held| held.since);
        let suspension = Suspension { message: why.to_owned(), since, secret_version };
        let (org_id, connection) = (&self.connection.org_id, &self.connection.connection);
        if let Err(error) = self.seams.limits.set_suspension(&self.connection.key(), Some(&suspension)).await
        {
            tracing::warn!(
                event = "suspension",
                org_id,
                connection,
                error = error.0,
                "it could not be written"
            );
        }
        tracing::warn!(event = "suspended", org_id, connection, message = why);
        let provider = self.connector.facts().name;
        raise(&self.seams, &of_suspension(NoticeKind::Suspended, &self.connection, provider, &suspension))
            .await;
        let until = now.plus_ms(self.cache_ms);
        self.keep(&Cached { refused: Some(why.to_owned()), until, ..fresh.clone() });
        suspended(why)
    }
}
