//! Pauses: what a person has stopped without editing a file. They lie beside the documents, so that no `apply` ends one.

use super::file::Mode;
use super::resolve::OrgConfig;
use crate::key::ConnectionKey;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is paused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One connection.
    Connection(ConnectionKey),
    /// Every connection to a provider, those that are yet to come too.
    Provider(String),
    /// Every connection.
    All,
}

/// Who paused it, when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who.
    pub by: String,
    /// When.
    pub at: Instant,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// Pauses that hold. Each ends by itself: whoever resumes everything resumes nobody who was paused alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pauses {
    by_scope: BTreeMap<Scope, Pause>,
}

impl Pauses {
    /// Adds a pause; says whether there was none of that scope. The first stays.
    pub fn begin(&mut self, scope: Scope, pause: Pause) -> bool {
        let is_new = !self.by_scope.contains_key(&scope);
        self.by_scope.entry(scope).or_insert(pause);
        is_new
    }

    /// Whether there is a pause of that scope itself.
    #[must_use]
    pub fn has(&self, scope: &Scope) -> bool {
        self.by_scope.contains_key(scope)
    }

    /// Ends the pause of that scope, and returns it.
    pub fn end(&mut self, scope: &Scope) -> Option<Pause> {
        self.by_scope.remove(scope)
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: &Self) {
        for (scope, pause) in &others.by_scope {
            self.begin(scope.clone(), pause.clone());
        }
    }

    /// Those that stop `connection`, the narrowest first.
    #[must_use]
    pub fn of(&self, connection: &ConnectionKey, provider: &str) -> Vec<(&Scope, &Pause)> {
        let scopes =
            [Scope::Connection(connection.clone()), Scope::Provider(provider.to_owned()), Scope::All];
        scopes.iter().filter_map(|scope| self.by_scope.get_key_value(scope)).collect()
    }
}

impl FromIterator<(Scope, Pause)> for Pauses {
    fn from_iter<T: IntoIterator<Item = (Scope, Pause)>>(pauses: T) -> Self {
        Self { by_scope: pauses.into_iter().collect() }
    }
}

impl std::fmt::Display for Scope {
    /// As the command line says it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connection(key) => write!(f, "{} {}", key.org_id, key.connection),
            Self::Provider(provider) => write!(f, "--provider {provider}"),
            Self::All => f.write_str("--all"),
        }
    }
}

impl OrgConfig {
    /// This configuration with `pauses` in force. A shadowed connection goes on as it is: nothing is sent anyway.
    #[must_use]
    pub fn under(mut self, pauses: &Pauses) -> Self {
        for (id, connection) in &mut self.connections {
            let key = ConnectionKey::new(&self.org, id);
            if connection.mode == Mode::Live && !pauses.of(&key, &connection.provider).is_empty() {
                connection.mode = Mode::Paused;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::{OrgDoc, StoredDoc, resolve};
    use crate::mapping::ProviderFacts;
    use serde_json::json;

    fn pause(by: &str) -> Pause {
        Pause { by: by.to_owned(), at: Instant(5), reason: None }
    }

    /// The modes of a live connection at each of two providers, and of a shadowed one.
    fn modes(pauses: &Pauses) -> Vec<Mode> {
        let doc = json!({"connections": {"crm": {}, "other": {}, "shadowed": {"provider": "crm", "mode": "shadow"}}});
        let doc: OrgDoc = serde_json::from_value(doc).unwrap();
        let stored = StoredDoc { revision: 1, author: String::new(), at: String::new(), reason: None, doc };
        let facts =
            |name| ProviderFacts { name, title: "CRM", default_key: None, default_limits: &[], lookups: &[] };
        let config = resolve("acme", Some(&stored), None, &[facts("crm"), facts("other")], "test").unwrap();
        config.under(pauses).connections.into_values().map(|connection| connection.mode).collect()
    }

    #[test]
    fn given_pauses_of_each_scope_when_in_force_then_they_stop_what_is_live_and_theirs() {
        let of = |org: &str, id: &str| Scope::Connection(ConnectionKey::new(org, id));
        let with =
            |scopes: &[Scope]| modes(&scopes.iter().map(|scope| (scope.clone(), pause("ada"))).collect());
        assert_eq!(with(&[]), [Mode::Live, Mode::Live, Mode::Shadow]);
        assert_eq!(with(&[of("acme", "other")]), [Mode::Live, Mode::Paused, Mode::Shadow]);
        assert_eq!(with(&[of("else", "other")]), [Mode::Live, Mode::Live, Mode::Shadow]);
        let provider = Scope::Provider("crm".to_owned());
        assert_eq!(with(&[provider]), [Mode::Paused, Mode::Live, Mode::Shadow]);
        assert_eq!(with(&[Scope::All]), [Mode::Paused, Mode::Paused, Mode::Shadow]);
    }

    #[test]
    fn given_a_pause_that_stands_when_begun_again_then_the_first_stays_and_ending_a_wider_one_leaves_it() {
        let key = ConnectionKey::new("acme", "crm");
        let own = Scope::Connection(key.clone());
        let mut pauses = Pauses::default();
        assert!(pauses.begin(own.clone(), pause("ada")) && !pauses.begin(own.clone(), pause("bob")));
        assert!(pauses.begin(Scope::All, pause("bob")));
        let who = |pauses: &Pauses| -> Vec<String> {
            pauses.of(&key, "crm").iter().map(|(scope, pause)| format!("{scope}: {}", pause.by)).collect()
        };
        assert_eq!(who(&pauses), ["acme crm: ada", "--all: bob"]);
        assert_eq!(pauses.end(&Scope::All), Some(pause("bob")));
        assert_eq!((who(&pauses), pauses.end(&Scope::All)), (vec!["acme crm: ada".to_owned()], None));
    }
}
