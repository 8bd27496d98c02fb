//! What the template told the function, checked at cold start: a wrong or missing variable is an error that names it.

use crate::hosts::AllowedHosts;
use rtr_engine::batch::{Settings, TOKENS_WITHIN_MS};
use std::str::FromStr;

/// Everything a function reads from its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// What the flows need.
    pub settings: Settings,
    /// The table of items and claims.
    pub records_table: String,
    /// The table of buckets, locks, suspensions and lanes.
    pub limits_table: String,
    /// The table of configuration.
    pub config_table: String,
    /// The bucket of large bodies.
    pub payload_bucket: String,
    /// `changes.fifo`
    pub changes_queue_url: String,
    /// `dead-letter.fifo`
    pub dead_letter_queue_url: String,
    /// `bulk.fifo`
    pub bulk_queue_url: String,
    /// `inbound.fifo`
    pub inbound_queue_url: String,
    /// `poll.fifo`
    pub poll_queue_url: String,
    /// Hosts that may be called beside the providers' own.
    pub allowed_hosts: AllowedHosts,
}

/// One variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It is not set, or empty.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// It is set to something else than it must be.
    #[error("the environment variable {name} is `{value}`: {wanted}")]
    Wrong {
        /// Which.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it must be.
        wanted: String,
    },
}

impl Environment {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn load() -> Result<Self, SettingsError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads variables from `get`.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn from_lookup(get: impl Fn(&'static str) -> Option<String>) -> Result<Self, SettingsError> {
        let text = |name| get(name).filter(|value| !value.is_empty()).ok_or(SettingsError::Missing(name));
        let timeout_ms = seconds("RTR_FUNCTION_TIMEOUT_S", text("RTR_FUNCTION_TIMEOUT_S")?)?;
        let visibility_ms = seconds("RTR_VISIBILITY_S", text("RTR_VISIBILITY_S")?)?;
        if visibility_ms <= timeout_ms {
            let wanted = "it must be longer than RTR_FUNCTION_TIMEOUT_S";
            return Err(wrong("RTR_VISIBILITY_S", (visibility_ms / 1_000).to_string(), wanted));
        }
        let stage = text("RTR_STAGE")?;
        // The providers' own hosts need no leave, so an empty list is the common one.
        let hosts = get("RTR_ALLOWED_HOSTS").unwrap_or_default();
        let allowed_hosts =
            AllowedHosts::parse(&hosts, &stage).map_err(|error| wrong("RTR_ALLOWED_HOSTS", hosts, error))?;
        let settings = Settings {
            stage,
            group_buckets: number(
                "RTR_GROUP_BUCKETS",
                text("RTR_GROUP_BUCKETS")?,
                "a whole number, 0 or more",
            )?,
            strict_orgs: number("RTR_STRICT_ORGS", text("RTR_STRICT_ORGS")?, "`true` or `false`")?,
            timeout_ms,
            visibility_ms,
            cache_ms: seconds("RTR_CONFIG_TTL_S", text("RTR_CONFIG_TTL_S")?)?,
            connection_share: share(number(
                "RTR_MAXIMUM_CONCURRENCY",
                text("RTR_MAXIMUM_CONCURRENCY")?,
                "a whole number, 2 or more",
            )?),
            tokens_within_ms: TOKENS_WITHIN_MS,
            limiter_budget_ms: milliseconds("RTR_LIMITER_BUDGET_MS", text("RTR_LIMITER_BUDGET_MS")?)?,
            job_from: 0,
        };
        Ok(Self {
            settings,
            records_table: text("RTR_RECORDS_TABLE")?,
            limits_table: text("RTR_LIMITS_TABLE")?,
            config_table: text("RTR_CONFIG_TABLE")?,
            payload_bucket: text("RTR_PAYLOAD_BUCKET")?,
            changes_queue_url: text("RTR_CHANGES_QUEUE_URL")?,
            dead_letter_queue_url: text("RTR_DEAD_LETTER_QUEUE_URL")?,
            bulk_queue_url: text("RTR_BULK_QUEUE_URL")?,
            inbound_queue_url: text("RTR_INBOUND_QUEUE_URL")?,
            poll_queue_url: text("RTR_POLL_QUEUE_URL")?,
            allowed_hosts,
        })
    }
}

/// How many events a second one org may hand in, from the variable that the ingest function alone has; 0: as many as it likes.
///
/// # Errors
/// When it is missing or wrong.
pub fn ingest_per_org_rps(get: impl Fn(&'static str) -> Option<String>) -> Result<u64, SettingsError> {
    let name = "RTR_INGEST_PER_ORG_RPS";
    let value = get(name).filter(|value| !value.is_empty()).ok_or(SettingsError::Missing(name))?;
    number(name, value, "a whole number, 0 or more")
}

/// A connection's share of the concurrency: a quarter. Of little it is more, since a healthy connection of one org that is
/// alone should not have to go through the bulk lane: four, but half at most.
#[must_use]
pub fn share(maximum_concurrency: u64) -> u64 {
    let half = (maximum_concurrency / 2).max(1);
    (maximum_concurrency / 4).max(4).min(half)
}

fn wrong(name: &'static str, value: String, wanted: impl Into<String>) -> SettingsError {
    SettingsError::Wrong { name, value, wanted: wanted.into() }
}

fn number<T: FromStr>(name: &'static str, value: String, wanted: &str) -> Result<T, SettingsError> {
    value.trim().parse().map_err(|_| wrong(name, value, wanted))
}

/// Whole seconds, at least one, as milliseconds.
fn seconds(name: &'static str, value: String) -> Result<i64, SettingsError> {
    let wanted = "a whole number of seconds, 1 or more";
    let seconds: u32 = number(name, value.clone(), wanted)?;
    if seconds == 0 { Err(wrong(name, value, wanted)) } else { Ok(i64::from(seconds) * 1_000) }
}

/// Whole milliseconds, at least one.
pub(crate) fn milliseconds(name: &'static str, value: String) -> Result<i64, SettingsError> {
    let wanted = "a whole number of milliseconds, 1 or more";
    let ms: u32 = number(name, value.clone(), wanted)?;
    if ms == 0 { Err(wrong(name, value, wanted)) } else { Ok(i64::from(ms)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(name: &'static str) -> Option<String> {
        let value = match name {
            "RTR_STAGE" => "prod",
            "RTR_GROUP_BUCKETS" => "0",
            "RTR_STRICT_ORGS" => "false",
            "RTR_FUNCTION_TIMEOUT_S" => "60",
            "RTR_VISIBILITY_S" => "360",
            "RTR_CONFIG_TTL_S" => "60",
            "RTR_MAXIMUM_CONCURRENCY" => "100",
            "RTR_LIMITER_BUDGET_MS" => "50",
            "RTR_ALLOWED_HOSTS" => "",
            _ => "some-name",
        };
        Some(value.to_owned())
    }

    #[test]
    fn given_the_templates_variables_when_read_then_times_are_milliseconds() {
        let environment = Environment::from_lookup(template).unwrap();
        let settings = environment.settings;
        assert_eq!(
            (settings.timeout_ms, settings.visibility_ms, settings.cache_ms),
            (60_000, 360_000, 60_000)
        );
        assert!(!settings.strict_orgs);
        assert_eq!((settings.connection_share, share(2), share(8), share(12)), (25, 1, 4, 4));
        assert_eq!(environment.records_table, "some-name");
    }

    #[test]
    fn given_the_ingest_functions_own_variable_when_read_then_it_is_a_number_or_the_error_names_it() {
        assert_eq!(ingest_per_org_rps(|_| Some("500".to_owned())), Ok(500));
        let told =
            [None, Some("many".to_owned())].map(|value| ingest_per_org_rps(|_| value.clone()).unwrap_err());
        insta::assert_snapshot!(told.map(|error| error.to_string()).join("\n"), @r"
        the environment variable RTR_INGEST_PER_ORG_RPS is not set
        the environment variable RTR_INGEST_PER_ORG_RPS is `many`: a whole number, 0 or more
        ");
    }

    #[test]
    fn given_a_wrong_variable_when_read_then_the_error_names_it() {
        let with = |name: &'static str, value: &'static str| {
            let found = Environment::from_lookup(|asked| {
                if asked == name { Some(value.to_owned()) } else { template(asked) }
            });
            found.unwrap_err().to_string()
        };
        let cases = [
            ("RTR_RECORDS_TABLE", "", "the environment variable RTR_RECORDS_TABLE is not set"),
            (
                "RTR_STRICT_ORGS",
                "yes",
                "the environment variable RTR_STRICT_ORGS is `yes`: `true` or `false`",
            ),
            (
                "RTR_FUNCTION_TIMEOUT_S",
                "0",
                "the environment variable RTR_FUNCTION_TIMEOUT_S is `0`: a whole number of seconds, 1 or more",
            ),
            (
                "RTR_VISIBILITY_S",
                "60",
                "the environment variable RTR_VISIBILITY_S is `60`: it must be longer than RTR_FUNCTION_TIMEOUT_S",
            ),
            (
                "RTR_ALLOWED_HOSTS",
                "https://crm.example",
                "the environment variable RTR_ALLOWED_HOSTS is `https://crm.example`: `https://crm.example` is no \
                 `host`, `host:port` or `*.suffix`",
            ),
        ];
        for (name, value, expected) in cases {
            assert_eq!(with(name, value), expected);
        }
    }
}
