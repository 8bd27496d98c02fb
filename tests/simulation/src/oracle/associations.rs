//! Associations at HubSpot, which are no values of a record: looked up there when nothing is left to happen.

use crate::events::key;
use crate::place::control;
use crate::scenario::{Event, Kind, ORGS, Record, Says};
use crate::world::World;
use serde_json::Value;

impl World<'_> {
    /// Checks that each contact that is complete is associated with its company, and with none that it never named.
    pub(super) fn check_associations(&mut self, newest: &[Event]) {
        for (org, account) in ORGS.iter().enumerate() {
            let companies: Vec<(u32, Record, Option<String>)> = (0..2)
                .map(|number| {
                    let company = Record { org, kind: Kind::Company, number };
                    (number, company, self.item(&key(&company), "hubspot").external_id)
                })
                .collect();
            // What a merge moves is theirs.
            let theirs =
                companies.iter().any(|(_, one, _)| self.core.oracle().touched.contains(&one.to_string()));
            let mine = newest.iter().filter(|event| {
                event.record.org == org && event.record.kind == Kind::Contact && event.says != Says::Deleted
            });
            let mine: Vec<Event> = mine.copied().collect();
            if theirs || mine.is_empty() {
                continue;
            }
            let path = format!("/_sandbox/records?provider=hubspot&account={account}&object=contacts");
            let held = control(&mut self.crm, self.core.kernel.now().0, "GET", &path, &Value::Null);
            for event in mine {
                let Some(there) = held.as_array().into_iter().flatten().find(|one| {
                    one["properties"]["rtr_record_id"].as_str() == Some(event.record.id().as_str())
                }) else {
                    continue;
                };
                let text = there["associations"].to_string();
                if let Some(what) = self.misled(&event, &companies, &text) {
                    self.core.oracle().violate("I5", Some(event.record.to_string()), what);
                }
            }
        }
    }

    fn misled(
        &self,
        event: &Event,
        companies: &[(u32, Record, Option<String>)],
        associations: &str,
    ) -> Option<String> {
        let item = self.item(&key(&event.record), "hubspot");
        let complete = item.applied_version == Some(event.version) && item.slot.is_none();
        let oracle = self.core.oracle();
        // What a person gave up was never tied.
        if oracle.touched.contains(&event.record.to_string()) || oracle.was_dropped(event, "hubspot") {
            return None;
        }
        for (number, company, external_id) in companies {
            let Some(id) = external_id else { continue };
            let is_there = associations.contains(&format!("\"{id}\""));
            // One that was deleted and made again is another record, which its contacts name with their next version.
            let made_again = oracle
                .accepted
                .get(company)
                .is_some_and(|versions| versions.values().any(|version| version.says == Says::Deleted));
            if complete && event.refers == Some(*number) && !is_there && !made_again {
                return Some(format!("{} is not associated with {company} ({id})", event.record));
            }
            let named = oracle
                .accepted
                .get(&event.record)
                .is_some_and(|versions| versions.values().any(|version| version.refers == Some(*number)));
            if is_there && !named {
                return Some(format!(
                    "{} is associated with {company}, which no version of it names",
                    event.record
                ));
            }
        }
        None
    }
}
