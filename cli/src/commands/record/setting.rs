//! What the configuration says now of records of a type at a connection, and why nothing may be known of one there. Pure.

use crate::commands::dlq::filter::quoted;
use crate::commands::doctor::mend::Whose;
use rtr_core::code::Code;
use rtr_core::config::Pauses;
use rtr_core::config::{Mode, OrgConfig};
use rtr_core::key::ConnectionKey;
use schemars::JsonSchema;
use serde::Serialize;

/// What the configuration says of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    org: String,
    connection: String,
    record_type: String,
    provider: Option<String>,
    is_routed: bool,
    mode: Option<Mode>,
    /// Whose pause it is that must end first, as a command line says it; none: no pause stops it.
    pause: Option<String>,
    /// The revision of the mapping in force; none: there is none.
    pub(super) revision: Option<u64>,
}

/// A connection at which nothing is known of the record, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Absent {
    /// The connection; none where it concerns no single one.
    pub(super) connection: Option<String>,
    /// The code.
    #[schemars(schema_with = "crate::schema::foreign::code_or_null")]
    pub(super) code: Option<Code>,
    /// In a sentence.
    pub(super) message: String,
}

impl Setting {
    /// What `config` says, in which `pauses` are in force.
    pub(super) fn of(config: &OrgConfig, pauses: &Pauses, connection: &str, record_type: &str) -> Self {
        let own = config.connections.get(connection);
        let key = ConnectionKey::new(&config.org, connection);
        let pause =
            own.and_then(|own| pauses.of(&key, &own.provider).first().map(|(scope, _)| scope.to_string()));
        Self {
            org: config.org.clone(),
            connection: connection.to_owned(),
            record_type: record_type.to_owned(),
            provider: own.map(|own| own.provider.clone()),
            is_routed: config.route(record_type).iter().any(|name| name == connection),
            mode: own.map(|own| own.mode),
            pause,
            revision: config.mapping(connection, record_type).map(|at| at.revision),
        }
    }

    /// Whether records of the type go there.
    pub(super) fn route_words(&self) -> String {
        let Self { connection, record_type, .. } = self;
        match (self.is_routed, self.mode) {
            (false, _) => format!("Records of type {record_type} do not go to {connection} any more."),
            (true, Some(Mode::Paused)) => {
                format!("Records of type {record_type} go to {connection}, which is paused now.")
            }
            (true, Some(Mode::Shadow)) => {
                format!("Records of type {record_type} go to {connection}, which is shadowed now.")
            }
            (true, _) => format!("Records of type {record_type} go to {connection}."),
        }
    }

    /// What a person does about what is parked there for this reason; none: it goes by itself, or does by now.
    pub(super) fn action(&self, code: Code) -> Option<String> {
        let Self { org, connection, provider, .. } = self;
        let provider = provider.as_deref()?;
        let whose = Whose { org, connection, provider };
        let set_live = || {
            format!("when it may go on: set `mode: live` of {connection} in the configuration and apply it")
        };
        match (code, self.mode?) {
            (Code::Paused, Mode::Paused) => Some(match &self.pause {
                Some(scope) => format!("when it may go on: rtr connection resume {scope}"),
                None => set_live(),
            }),
            (Code::Shadowed, Mode::Shadow) => Some(set_live()),
            (Code::Suspended, _) => Some(whose.new_credentials()),
            (Code::NoSecret, _) => Some(whose.secret()),
            _ => None,
        }
    }

    /// What tells of people's acts on its org's records.
    pub(super) fn audit(&self) -> String {
        format!("rtr audit --org {}", quoted(&self.org))
    }

    /// The mapping by its file.
    pub(super) fn mapping_name(&self) -> String {
        format!("{}/{}", self.provider.as_deref().unwrap_or(&self.connection), self.record_type)
    }
}

impl Absent {
    /// In words.
    pub(super) fn words(&self) -> String {
        let whose = self.connection.as_ref().map_or_else(String::new, |name| format!("{name}: "));
        let code = self.code.map_or_else(String::new, |code| format!(" ({code})"));
        format!("{whose}{}{code}", self.message)
    }
}

/// Why nothing is known of a record at the connections where nothing is: those in `known` are left out.
pub(super) fn absent(config: &OrgConfig, record_type: &str, known: &[&str]) -> Vec<Absent> {
    let of_all = |code: Option<Code>, message: String| Absent { connection: None, code, message };
    let org = &config.org;
    if !config.known {
        let message = format!(
            "The org {org} has no configuration: its events go nowhere (or are dead, with StrictOrgs)."
        );
        return vec![of_all(Some(Code::UnknownOrg), message)];
    }
    let route = config.route(record_type);
    if route.is_empty() {
        let near = config.routes.keys().map(String::as_str);
        let near = rtr_core::mapping::nearest(record_type, near)
            .map_or_else(String::new, |near| format!("; did you mean {near}?"));
        let message = format!("Records of type {record_type} have no route: their events are skipped{near}");
        return if known.is_empty() { vec![of_all(None, message)] } else { Vec::new() };
    }
    let missing = route.iter().filter(|name| !known.contains(&name.as_str()));
    missing.map(|name| at(config, name, record_type)).collect()
}

fn at(config: &OrgConfig, name: &str, record_type: &str) -> Absent {
    let setting = Setting::of(config, &Pauses::default(), name, record_type);
    let (code, message) = match (setting.mode, setting.revision) {
        (None, _) => (Some(Code::NoMapping), format!("A route leads to {name}, and there is no such connection.")),
        (_, None) => {
            let mapping = setting.mapping_name();
            (Some(Code::NoMapping), format!("There is no mapping {mapping}: its events become dead letters."))
        }
        (Some(Mode::Paused), _) => {
            (Some(Code::Paused), format!("{name} is paused, and no event of the record has come there."))
        }
        _ => (
            None,
            "No event of the record has come there that could be read: none was sent, it is still in its queue, or type or id are written otherwise."
                .to_owned(),
        ),
    };
    Absent { connection: Some(name.to_owned()), code, message }
}

#[cfg(test)]
impl Setting {
    /// The same, paused by this.
    pub(super) fn paused(pause: Option<&str>) -> Self {
        Self { mode: Some(Mode::Paused), pause: pause.map(str::to_owned), ..Self::sample() }
    }

    /// A routed, live pair.
    pub(super) fn sample() -> Self {
        Self {
            org: "acme".to_owned(),
            connection: "hubspot".to_owned(),
            record_type: "contact".to_owned(),
            provider: Some("hubspot".to_owned()),
            is_routed: true,
            mode: Some(Mode::Live),
            pause: None,
            revision: Some(12),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_pair_that_changed_since_when_told_then_the_route_says_what_holds_now() {
        let paused = Setting { mode: Some(Mode::Paused), ..Setting::sample() };
        assert_eq!(paused.route_words(), "Records of type contact go to hubspot, which is paused now.");
        let gone = Setting { is_routed: false, ..Setting::sample() };
        assert_eq!(gone.route_words(), "Records of type contact do not go to hubspot any more.");
    }

    #[test]
    fn given_an_org_that_is_not_known_when_asked_why_then_that_is_why() {
        let mut config = OrgConfig::default();
        config.org = "acme".to_owned();
        let why = absent(&config, "contact", &[]);
        assert_eq!((why.len(), why[0].code), (1, Some(Code::UnknownOrg)));
        config.known = true;
        assert!(absent(&config, "contact", &[])[0].message.contains("have no route"));
        assert_eq!(absent(&config, "contact", &["hubspot"]), [], "what is known tells more");
    }
}
