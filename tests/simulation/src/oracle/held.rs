//! What each CRM holds when nothing is left to happen, against what the mapping makes of the newest version.

use crate::events::{data, key, stamp};
use crate::place::{State, names, providers};
use crate::scenario::{Event, Kind, ORGS, Record, Says};
use crate::world::World;
use rtr_core::item::Item;
use rtr_core::mapping::{Mapped, Patch, Subject};
use serde_json::Value;
use std::collections::BTreeMap;

/// The property of Salesforce's contacts that holds their account.
const ACCOUNT: &str = "AccountId";

/// A value as the CRM shows it.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A record of the CRM beside what it is to hold.
struct Held<'a> {
    event: &'a Event,
    provider: &'a str,
    item: &'a Item,
    values: &'a BTreeMap<String, String>,
}

impl World<'_> {
    /// What the CRM holds against what it shall hold.
    pub(super) fn compare(
        &self,
        event: &Event,
        provider: &str,
        item: &Item,
    ) -> Option<(&'static str, String)> {
        let (object, stamped, _) = names(event.record.kind, provider);
        let live = self.core.oracle().held(provider, event.record.org(), object, &event.record.id());
        let wanted = usize::from(event.says != Says::Deleted);
        if live.len() != wanted {
            let which = if event.says == Says::Deleted { "I23" } else { "I5" };
            return Some((which, format!("{} records at the CRM, {wanted} wanted", live.len())));
        }
        let (id, values) = live.first()?;
        if item.external_id.as_deref() != Some(id.as_str()) {
            return Some(("I4", format!("linked to {:?}, it is {id}", item.external_id)));
        }
        let value = values.get(stamped).map(String::as_str).unwrap_or_default();
        if value != stamp(event) {
            return Some(("I5", format!("holds {value}, version {} says {}", event.version, stamp(event))));
        }
        let held = Held { event, provider, item, values };
        self.differs(&held).or_else(|| self.tied_wrongly(&held)).map(|what| ("I5", what))
    }

    /// The first property that does not hold what the mapping under which it was written makes of the version.
    fn differs(&self, held: &Held<'_>) -> Option<String> {
        let Held { event, provider, item, values } = *held;
        let mapped = self.mapped(event, provider, item.mapping_revision)?;
        mapped.fields.iter().find_map(|(name, patch)| {
            let wanted = match patch {
                Patch::Keep => return None,
                Patch::Clear => String::new(),
                Patch::Set(value) => shown(value),
            };
            let there = values.get(name).cloned().unwrap_or_default();
            let (version, revision) = (event.version, item.mapping_revision);
            (there != wanted).then(|| {
                format!(
                    "its {name} is {there:?}, version {version} under revision {revision:?} says {wanted:?}"
                )
            })
        })
    }

    /// What the mapping of `revision` makes of a version.
    fn mapped(&self, event: &Event, provider: &str, revision: Option<u64>) -> Option<Mapped> {
        let (org, kind, id) = (event.record.org(), event.record.kind.name(), event.record.id());
        let at = [false, true].into_iter().find_map(|remapped| {
            let config = self.place.config(org, State { remapped, ..State::default() })?;
            config.mapping(provider, kind).filter(|at| Some(at.revision) == revision).cloned()
        })?;
        let subject = Subject { org_id: org, record_type: kind, record_id: &id };
        at.mapping.apply(&subject, &data(event)).ok()
    }

    /// Whether a Salesforce contact's account is another than its company's, or one that no version of it names.
    fn tied_wrongly(&self, held: &Held<'_>) -> Option<String> {
        let Held { event, provider, item, values } = *held;
        if provider != "salesforce" || event.record.kind != Kind::Contact {
            return None;
        }
        let there = values.get(ACCOUNT).map(String::as_str).unwrap_or_default();
        let oracle = self.core.oracle();
        for number in 0..2 {
            let company = Record { kind: Kind::Company, number, ..event.record };
            let Some(linked) = self.item(&key(&company), provider).external_id else { continue };
            // One that was deleted and made again is another record, which its contacts name with their next version.
            let made_again = oracle
                .accepted
                .get(&company)
                .is_some_and(|versions| versions.values().any(|version| version.says == Says::Deleted));
            if event.refers == Some(number) && item.slot.is_none() && there != linked && !made_again {
                return Some(format!("refers to the account {there:?}, {company} is {linked}"));
            }
            let named = oracle
                .accepted
                .get(&event.record)
                .is_some_and(|versions| versions.values().any(|version| version.refers == Some(number)));
            if there == linked && !named {
                return Some(format!("refers to the account of {company}, which no version of it names"));
            }
        }
        None
    }

    /// No CRM has a record that nobody sent, unless somebody else changed records there.
    pub(super) fn check_strangers(&self) {
        let mut strangers = Vec::new();
        let oracle = self.core.oracle();
        for org in ORGS {
            for provider in providers(org) {
                if oracle.meddled.contains(&((*provider).to_owned(), org.to_owned())) {
                    continue;
                }
                for (object, id, key) in oracle.live(provider, org) {
                    let of_it = |record: &&Record| {
                        let (there, ..) = names(record.kind, provider);
                        record.org() == org && record.id() == key && there.eq_ignore_ascii_case(&object)
                    };
                    if oracle.accepted.keys().find(of_it).is_none() {
                        strangers.push(format!(
                            "{provider} of {org} has {object} {id} of {key:?}, which nobody sent"
                        ));
                    }
                }
            }
        }
        drop(oracle);
        for what in strangers {
            self.core.oracle().violate("I3", None, what);
        }
    }
}
