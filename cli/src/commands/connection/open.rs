//! A connection, opened as the functions open it: the same credentials, limits, allowed hosts and deadline rules.

use super::select::{Selected, resolved};
use crate::audit::{Who, note};
use crate::aws::Aws;
use crate::problem::Problem;
use crate::schema::foreign;
use rtr_aws::function::Runtime;
use rtr_connectors::credentials::Credential;
use rtr_connectors::registry::{self, Connector};
use rtr_connectors::session::{Reserved, Retries, Session, Tape};
use rtr_core::code::Code;
use rtr_core::config::{Connection, MappingAt, OrgConfig, Stored};
use rtr_core::failure::Failure;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::Traffic;
use rtr_core::mapping::Mapping;
use rtr_engine::credentials::{ConnectionAuth, learn_account, resume};
use rtr_engine::gate::LimiterGate;
use rtr_engine::seams::{Limits as _, Unavailable};
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::Serialize;

/// How long all calls to one connection may take together, in milliseconds.
const DEADLINE_MS: i64 = 120_000;

/// The stack's adapters, with the hosts that the stack allows.
pub(crate) async fn runtime(aws: &Aws) -> Result<Runtime, Problem> {
    let parameters = Box::pin(aws.parameters()).await.unwrap_or_default();
    aws.runtime(parameters.get("AllowedHosts").map_or("", String::as_str))
}

/// Something wrong with a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Finding {
    /// The CRM's object, if it concerns one.
    pub(crate) object: Option<String>,
    /// The CRM's property, if it concerns one.
    pub(crate) property: Option<String>,
    /// The code people look up.
    #[schemars(schema_with = "foreign::code")]
    pub(crate) code: Code,
    /// What is wrong, and what to do.
    pub(crate) message: String,
}

impl Finding {
    /// Something wrong with the connection as a whole.
    pub(crate) fn of(code: Code, message: impl Into<String>) -> Self {
        Self { object: None, property: None, code, message: message.into() }
    }

    /// A call that failed. The CRM's own words stay unsaid: they may repeat what they were sent.
    pub(crate) fn failed(doing: &str, failure: &Failure) -> Self {
        Self::of(failure.code(), format!("{doing}: {}", failure.message))
    }

    /// The same about `object`.
    #[must_use]
    pub(crate) fn at(mut self, object: &str) -> Self {
        self.object = Some(object.to_owned());
        self
    }

    /// The same about `property`.
    #[must_use]
    pub(crate) fn on(mut self, property: &str) -> Self {
        self.property = Some(property.to_owned());
        self
    }

    /// In a line.
    pub(crate) fn words(&self) -> String {
        let place = [self.object.as_deref(), self.property.as_deref()];
        let place = place.into_iter().flatten().collect::<Vec<_>>().join(".");
        let place = if place.is_empty() { place } else { format!("{place}: ") };
        format!("{} {place}{}", self.code, self.message)
    }
}

/// One connection with its configuration.
pub(crate) struct Opening<'a> {
    runtime: &'a Runtime,
    key: ConnectionKey,
    config: OrgConfig,
    /// Its CRM.
    pub(crate) connector: Connector,
    /// Whoever may change something here, and where that is written down.
    acting: Option<(&'a Aws, &'a Who)>,
}

impl<'a> Opening<'a> {
    /// The connection `selected`, or why it cannot be used at all.
    pub(crate) fn new(runtime: &'a Runtime, stored: &Stored, selected: &Selected) -> Result<Self, Finding> {
        let config = resolved(stored, &selected.org, &runtime.settings.stage);
        let config = config.map_err(|error| Finding::of(error.code, error.to_string()))?;
        let unknown =
            || Finding::of(Code::UnknownProvider, format!("unknown provider `{}`", selected.provider()));
        let connector = registry::by_name(selected.provider()).ok_or_else(unknown)?;
        let key = ConnectionKey::new(&selected.org, &selected.connection);
        Ok(Self { runtime, key, config, connector, acting: None })
    }

    /// The same for `who`, whose acts are written down at `aws`.
    #[must_use]
    pub(super) fn by(self, aws: &'a Aws, who: &'a Who) -> Self {
        Self { acting: Some((aws, who)), ..self }
    }

    /// Writes down that `action` begins, of which `what` is concerned.
    pub(super) async fn note(&self, action: &str, what: &str) -> Result<(), Finding> {
        let Some((aws, who)) = self.acting else { return Ok(()) };
        let target = format!("{} {} {what}", self.org(), self.connection());
        let noted = note(aws, &who.entry_of(action, self.org(), target.trim_end().to_owned())).await;
        noted.map_err(|problem| Finding::of(Code::StateUnavailable, problem.what))
    }

    /// Writes down that it is tried though it is suspended: with other credentials than were refused the first call ends that.
    pub(super) async fn note_suspended(&self) -> Result<(), Finding> {
        let held = self.runtime.limits().suspension(&self.key.key()).await;
        match held.map_err(|error| Finding::of(Code::StateUnavailable, error.to_string()))? {
            Some(_) => self.note("connection.test", "(suspended: that ends if its credentials work)").await,
            None => Ok(()),
        }
    }

    /// Its org.
    pub(super) fn org(&self) -> &str {
        &self.key.org_id
    }

    /// Its id within the org.
    pub(super) fn connection(&self) -> &str {
        &self.key.connection
    }

    fn settings(&self) -> Result<&Connection, Finding> {
        let missing = || Finding::of(Code::BadStoredConfig, "the stored configuration lacks this connection");
        self.config.connections.get(&self.key.connection).ok_or_else(missing)
    }

    /// The mappings that routes lead to here; all that the provider has while no route does.
    pub(crate) fn mappings(&self) -> Vec<&Mapping> {
        let all = || self.config.mappings(&self.key.connection);
        let routed = |record_type: &str| self.config.route(record_type).contains(&self.key.connection);
        let any = all().any(|(record_type, _)| routed(record_type));
        all().filter(|(record_type, _)| !any || routed(record_type)).map(|(_, at)| &*at.mapping).collect()
    }

    /// The mapping of `record_type`, if there is one.
    pub(crate) fn mapping(&self, record_type: &str) -> Option<&MappingAt> {
        self.config.mapping(&self.key.connection, record_type).map(|at| &**at)
    }

    /// The types that the connection has mappings for.
    pub(crate) fn mapped_types(&self) -> impl Iterator<Item = &str> {
        self.config.mappings(&self.key.connection).map(|(record_type, _)| record_type)
    }

    /// The CRM's object of a record type that is written here.
    pub(super) fn object_of(&self, record_type: &str) -> Option<String> {
        let mut all = self.config.mappings(&self.key.connection);
        all.find(|(name, _)| *name == record_type).map(|(_, at)| at.mapping.object.clone())
    }

    /// The type of its secret, and when the access token in it ends.
    pub(super) async fn credentials(&self) -> Result<(Option<String>, Option<String>), Finding> {
        let secret = self.runtime.seams().secrets.read(&self.settings()?.secret).await;
        let secret = secret.map_err(|error| Finding::of(Code::NoSecret, error.to_string()))?;
        let Some(text) = secret.map(|secret| secret.text) else { return Ok((None, None)) };
        let kind = serde_json::from_str(text.expose_secret())
            .ok()
            .and_then(|secret: serde_json::Value| secret["type"].as_str().map(str::to_owned));
        let ends = Credential::parse(&text).ok().and_then(|credential| credential.expires_at());
        Ok((kind, ends.map(|ends| ends.to_rfc3339())))
    }

    /// Its credentials.
    pub(crate) fn auth(&self) -> Result<ConnectionAuth<'_>, Finding> {
        let (settings, seams) = (self.settings()?, self.runtime.seams());
        Ok(ConnectionAuth {
            seams,
            cache: &self.runtime.caches.credentials,
            connection: self.key.clone(),
            connector: self.connector,
            secret: &settings.secret,
            base_url: settings.base_url.as_deref(),
            cache_ms: self.runtime.settings.cache_ms,
            deadline: seams.clock.now().plus_ms(DEADLINE_MS),
        })
    }

    /// Remembers its account; a finding when it is another one than its links are at.
    pub(super) async fn learn_account(&self, account: &str) -> Result<Option<Finding>, Finding> {
        let learned = learn_account(self.runtime.seams().limits, &self.key.key(), account).await;
        match learned.map_err(|error| Finding::of(Code::StateUnavailable, error.to_string()))? {
            Ok(()) => Ok(None),
            Err(other) => Ok(Some(Finding::of(Code::Suspended, other))),
        }
    }

    /// Ends its suspension, if it is suspended, and lets what is parked there go at once: its credentials have just been seen
    /// to work, and its account is the right one.
    pub(super) async fn go_on(&self) -> Result<(), Finding> {
        let (limits, now) = (self.runtime.limits(), self.runtime.now());
        let failed = |error: Unavailable| Finding::of(Code::StateUnavailable, error.to_string());
        if let Some(suspension) = limits.suspension(&self.key.key()).await.map_err(failed)? {
            let (seams, provider) = (self.runtime.seams(), self.connector.facts().name);
            return resume(&seams, &self.key, provider, &suspension).await.map_err(failed);
        }
        // Where nothing is parked no lane is to be looked at.
        match limits.lane(&self.key).await.map_err(failed)?.due_at {
            Some(_) => limits.want_lane(&self.key, now).await.map_err(failed),
            None => Ok(()),
        }
    }

    /// Its limiter: what is asked here counts like any other call.
    pub(crate) fn gate(&self) -> Result<LimiterGate<'_>, Finding> {
        let (seams, limits) = (self.runtime.seams(), &self.settings()?.limits);
        let (pools, key) = (&self.runtime.caches.pools, self.key.clone());
        Ok(LimiterGate::new(seams.limits, seams.clock, pools, key, limits, Traffic::Live))
    }

    /// The way to its CRM.
    pub(crate) fn session<'s>(
        &'s self,
        auth: &'s ConnectionAuth<'_>,
        gate: &'s LimiterGate<'_>,
    ) -> Session<'s> {
        let seams = self.runtime.seams();
        Session {
            http: seams.http,
            clock: seams.clock,
            gate,
            auth,
            deadline: seams.clock.now().plus_ms(DEADLINE_MS),
            call_timeout_ms: self.connector.capabilities().call_timeout_ms,
            retries: Retries::default(),
            reserved: Reserved::default(),
            classify: self.connector.classify(),
            quota: self.connector.quota(),
            tape: Tape::default(),
        }
    }
}
