//! From a code to a connection that works: trade it, see whose it is, store it, test it.

use super::begin::{Asker, asker};
use super::failed;
use crate::batch::Settings;
use crate::credentials::{ConnectionAuth, CredentialCache, learn_account};
use crate::gate::{LimiterGate, Pools};
use crate::seams::{Consent, ConsentEnding, Seams, Suspension};
use rtr_connectors::credentials::{
    RefreshFailure, Refreshed, TokenAsk, code_request, connected, read_tokens, same_account,
};
use rtr_connectors::registry::{self, Connector};
use rtr_connectors::session::{Reserved, Retries, Session, Tape};
use rtr_core::config::Connection;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::Traffic;
use rtr_core::time::Instant;
use secrecy::SecretString;
use std::time::Duration;

/// The longest timeout of the token endpoint, in milliseconds.
const TRADE_MS: i64 = 10_000;
/// Kept back of the deadline for storing and testing, in milliseconds.
const AFTER_MS: i64 = 3_000;

/// Trades `code` for tokens and makes them the connection's secret.
pub(super) async fn trade(
    seams: &Seams<'_>,
    settings: &Settings,
    consent: &Consent,
    code: &SecretString,
    deadline: Instant,
) -> ConsentEnding {
    let done = connect(seams, settings, consent, code, deadline).await;
    done.unwrap_or_else(failed)
}

async fn connect(
    seams: &Seams<'_>,
    settings: &Settings,
    consent: &Consent,
    code: &SecretString,
    deadline: Instant,
) -> Result<ConsentEnding, String> {
    let config = seams.configs.org(&consent.org_id).await;
    let config = config.map_err(|error| format!("the configuration cannot be read: {error}"))?;
    let own = config.connections.get(&consent.connection);
    let own = own.filter(|own| own.provider == consent.provider);
    let own = own.ok_or("the connection was taken out of the configuration meanwhile")?;
    let connector = registry::by_name(&own.provider).ok_or("the provider is unknown")?;
    let asker = asker(seams, consent.app.as_deref(), &own.secret).await.map_err(|error| error.to_string())?;
    let refreshed = exchange(seams, consent, connector, own, &asker, code, deadline).await?;
    if refreshed.refresh_token.is_none() {
        return Err(
            "the CRM gave no refresh token: ask for the scope that allows it with --scope (Salesforce: \
                    refresh_token)"
                .to_owned(),
        );
    }
    let key = ConnectionKey::new(&consent.org_id, &consent.connection);
    refuse_other_account(seams, &key, &refreshed).await?;
    let version = store(seams, consent, own, &refreshed).await?;
    Ok(test(seams, settings, connector, own, &key, &version, deadline).await)
}

async fn exchange(
    seams: &Seams<'_>,
    consent: &Consent,
    connector: Connector,
    own: &Connection,
    asker: &Asker,
    code: &SecretString,
    deadline: Instant,
) -> Result<Refreshed, String> {
    let (endpoint, client) = (connector.token_endpoint(), asker.client());
    let mut client_secret = 0;
    loop {
        let now = seams.clock.now();
        let left_ms = (deadline.since_ms(now) - AFTER_MS).clamp(1, TRADE_MS);
        let timeout = Duration::from_millis(u64::try_from(left_ms).unwrap_or(1));
        let ask = TokenAsk { endpoint, base_url: own.base_url.as_deref(), timeout, now, client_secret };
        let request = code_request(client, &ask, code, &consent.verifier, &consent.redirect_uri);
        let response = seams.http.send(request).await;
        let response = response.map_err(|error| format!("the token endpoint did not answer: {error}"))?;
        client_secret += 1;
        match read_tokens(endpoint, &response, seams.clock.now()) {
            Ok(refreshed) => return Ok(refreshed),
            Err(RefreshFailure::ClientSecret(_)) if client_secret < client.secrets.len() => {}
            Err(failure) => return Err(format!("the code was not taken: {failure}")),
        }
    }
}

/// The links of a connection hold at one account: another one's tokens are not even stored.
async fn refuse_other_account(
    seams: &Seams<'_>,
    key: &ConnectionKey,
    refreshed: &Refreshed,
) -> Result<(), String> {
    let Some(account) = &refreshed.account else { return Ok(()) };
    let known = seams.limits.known(&key.key()).await;
    let known = known.map_err(|error| format!("the connection's account cannot be read: {error}"))?;
    match known.account {
        Some(known) if !same_account(&known, account) => Err(format!(
            "this consent is for account {account}, and the connection's records are linked to account {known}: \
             consent in {known}, or give {account} a connection of its own; nothing was changed"
        )),
        _ => Ok(()),
    }
}

async fn store(
    seams: &Seams<'_>,
    consent: &Consent,
    own: &Connection,
    refreshed: &Refreshed,
) -> Result<String, String> {
    let existing = seams.secrets.read(&own.secret).await;
    let existing = existing.map_err(|error| format!("the secret cannot be read: {error}"))?;
    let text = connected(existing.as_ref().map(|secret| &secret.text), consent.app.as_deref(), refreshed)?;
    let stored = seams.secrets.create_or_write(&own.secret, &text).await;
    stored.map_err(|error| format!("the secret cannot be stored: {error}"))
}

/// As sync will use it: by the stored secret, through the limiter.
async fn test(
    seams: &Seams<'_>,
    settings: &Settings,
    connector: Connector,
    own: &Connection,
    key: &ConnectionKey,
    version: &str,
    deadline: Instant,
) -> ConsentEnding {
    let (cache, pools) = (CredentialCache::default(), Pools::default());
    let gate = LimiterGate::new(seams.limits, seams.clock, &pools, key.clone(), &own.limits, Traffic::Live)
        .answering_within(settings.limiter_budget_ms);
    let auth = ConnectionAuth {
        seams: *seams,
        cache: &cache,
        connection: key.clone(),
        connector,
        secret: &own.secret,
        base_url: own.base_url.as_deref(),
        cache_ms: settings.cache_ms,
        deadline,
    };
    let session = Session {
        http: seams.http,
        clock: seams.clock,
        gate: &gate,
        auth: &auth,
        deadline,
        call_timeout_ms: connector.capabilities().call_timeout_ms,
        quota: connector.quota(),
        tape: Tape::default(),
        retries: Retries::default(),
        reserved: Reserved::default(),
        classify: connector.classify(),
    };
    let account = match connector.account(&session).await {
        Ok(account) => account,
        Err(failure) => {
            return failed(format!(
                "the credentials are stored, but the first call with them failed: {failure}; see `rtr connection test`"
            ));
        }
    };
    match learn_account(seams.limits, &key.key(), &account).await {
        Ok(Err(other)) => {
            let since = seams.clock.now();
            let held = Suspension { message: other.clone(), since, secret_version: version.to_owned() };
            let _ = seams.limits.set_suspension(&key.key(), Some(&held)).await;
            ConsentEnding { account: Some(account), ..failed(other) }
        }
        Ok(Ok(())) | Err(_) => {
            // What waits for credentials goes at once; did nothing wait, its lane soon goes quiet again.
            let _ = seams.limits.want_lane(key, seams.clock.now()).await;
            let message = "the credentials are stored and work".to_owned();
            ConsentEnding { connected: true, message, account: Some(account) }
        }
    }
}
