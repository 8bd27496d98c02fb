//! Writing down who did what. The entry stands before the act begins: what was done is never without one.

use crate::aws::{Aws, unavailable};
use crate::moment::now;
use crate::problem::Problem;
use rtr_connectors::http::Clock as _;
use rtr_core::audit::{ACTIONS, Entry};

/// Who acts, and why.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Who {
    /// Why: shown to whoever finds it, and kept in rtr audit
    #[arg(long = "because", alias = "reason", value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Who does it
    #[arg(long, env = "USER", hide_env_values = true, default_value = "unknown")]
    pub(crate) author: String,
}

/// Who acts, where `--reason` narrows what is meant.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Because {
    /// Why, for rtr audit
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
    /// Who does it
    #[arg(long, env = "USER", hide_env_values = true, default_value = "unknown")]
    author: String,
}

impl Because {
    /// The same, as it is written down.
    pub(crate) fn who(&self) -> Who {
        Who { reason: self.because.clone(), author: self.author.clone() }
    }
}

impl Who {
    /// The entry of an act that begins now.
    pub(crate) fn entry(&self, action: &str, target: String) -> Entry {
        debug_assert!(ACTIONS.contains(&action), "{action} is not among those that can be asked for");
        let (by, reason) = (self.author.clone(), self.reason.clone());
        Entry { at: now(), by, action: action.to_owned(), target, org_id: None, reason, count: None }
    }

    /// The entry of an act that begins now and is one org's affair.
    pub(crate) fn entry_of(&self, action: &str, org: &str, target: String) -> Entry {
        Entry { org_id: Some(org.to_owned()), ..self.entry(action, target) }
    }
}

/// Writes `entry` down.
pub(crate) async fn note(aws: &Aws, entry: &Entry) -> Result<(), Problem> {
    let nonce = rtr_aws::clock::SystemClock.nonce();
    let noted = aws.config_store()?.note(entry, &nonce).await;
    noted.map_err(|error| unavailable("writing the audit", &aws.place, &error))
}
