//! What must hold when nothing is left to happen: every version accounted for, every CRM at the newest, no record twice.

use super::Oracle;
use crate::events::{key, message};
use crate::place::goes_to;
use crate::scenario::{Event, Kind, Says, Sent};
use crate::world::World;
use rtr_core::item::{Ended as Outcome, Item, SlotState};
use rtr_core::key::{ConnectionKey, PairKey};

/// At which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The faults are over and the queues are empty.
    Drained,
    /// What was dead has been redriven.
    Redriven,
    /// Everything was sent and redriven twice more.
    Again,
}

impl Oracle {
    /// The newest version of each record that the producer sent.
    pub fn newest(&self) -> impl Iterator<Item = Event> + '_ {
        self.accepted.values().filter_map(|versions| versions.values().next_back().copied())
    }

    fn of_record(&mut self, invariant: &'static str, event: &Event, what: String) {
        self.violate(invariant, Some(event.record.to_string()), what);
    }
}

impl World<'_> {
    /// Checks an end.
    pub fn check_end(&mut self, ended: Ended) {
        let newest: Vec<Event> = self.core.oracle().newest().collect();
        for event in &newest {
            for provider in
                ["hubspot", "salesforce"].iter().filter(|provider| goes_to(&event.record, provider))
            {
                let item = self.item(&key(&event.record), provider);
                if let Some((invariant, what)) = self.judge(event, provider, &item, ended) {
                    let what = format!("{} at {provider}: {what}", event.record);
                    self.core.oracle().of_record(invariant, event, what);
                }
            }
        }
        self.check_associations(&newest);
        self.check_books();
        self.check_strangers();
        self.check_claims();
        self.check_letters();
        self.check_spoilt();
        let landings = self.core.oracle().landings;
        if ended == Ended::Again && landings > 0 {
            let what = format!("{landings} records were written by what had been sent before");
            self.core.oracle().violate("I20", None, what);
        }
    }

    fn judge(
        &self,
        event: &Event,
        provider: &str,
        item: &Item,
        ended: Ended,
    ) -> Option<(&'static str, String)> {
        let touched = self.is_touched(event) || self.core.oracle().was_dropped(event, provider);
        if let Some(slot) = &item.slot {
            let stays = match slot.state {
                SlotState::Dead => true,
                // The record it refers to may never come.
                SlotState::Incomplete => slot.due_at().is_none(),
                _ => false,
            };
            if !stays {
                return Some(("I1", format!("version {} is left as {:?}", slot.wanted_version, slot.state)));
            }
            if slot.state == SlotState::Dead {
                let newest = slot.wanted_version == event.version;
                let excused = ended == Ended::Drained || event.says == Says::Poison || touched;
                return match (newest, excused) {
                    (true, true) => None,
                    (true, false) => Some(("I5", format!("still dead: {}", slot.reason.message))),
                    (false, _) if item.applied_version == Some(event.version) => None,
                    (false, _) => Some((
                        "I1",
                        format!(
                            "version {} is neither applied nor dead, {} is dead",
                            event.version, slot.wanted_version
                        ),
                    )),
                };
            }
        }
        if item.applied_version != Some(event.version) {
            let what = format!(
                "version {} is lost: {:?} is applied, nothing is kept",
                event.version, item.applied_version
            );
            return Some(("I1", what));
        }
        let unsure = self.core.oracle().is_unsure(&event.record.to_string(), item);
        let was_given_up =
            self.core.oracle().was_given_up(provider, &event.record.to_string(), event.version);
        let unchanged =
            item.recent.iter().any(|one| one.version == event.version && one.ended == Outcome::Unchanged);
        if touched || unsure || was_given_up && unchanged {
            None
        } else {
            self.compare(event, provider, item)
        }
    }

    /// Whether somebody merged or deleted the record by hand in a CRM, or the one it refers to.
    fn is_touched(&self, event: &Event) -> bool {
        let company = event.refers.map(|number| crate::scenario::Record {
            kind: Kind::Company,
            number,
            ..event.record
        });
        let oracle = self.core.oracle();
        [Some(event.record), company]
            .into_iter()
            .flatten()
            .any(|one| oracle.touched.contains(&one.to_string()))
    }

    /// Links and claims are the same thing seen from two sides.
    pub(crate) fn check_claims(&self) {
        let state = self.records.state();
        let mut wrong = Vec::new();
        for (pair, (item, names)) in &state.items {
            let (Some(external), Some(object), Some(org), Some(connection)) =
                (&item.external_id, &item.object, &names.org_id, &names.connection)
            else {
                continue;
            };
            let claim = PairKey::claim(&ConnectionKey::new(org, connection), object, external);
            if state.claims.get(&claim) != Some(&pair.pk) {
                wrong.push(format!(
                    "{} is linked to {external}, which {:?} owns",
                    pair.pk,
                    state.claims.get(&claim)
                ));
            }
        }
        let links = state.items.values().filter(|(item, _)| item.external_id.is_some()).count();
        if wrong.is_empty() && links != state.claims.len() {
            wrong.push(format!("{links} links, {} claims", state.claims.len()));
        }
        drop(state);
        for what in wrong {
            self.core.oracle().violate("I4", None, what);
        }
    }

    /// What people see of dead versions holds no value of a record.
    pub(crate) fn check_letters(&self) {
        let state = self.records.state();
        let texts: Vec<String> = state
            .items
            .values()
            .filter_map(|(item, _)| item.slot.as_ref())
            .map(|slot| format!("{} {}", slot.reason.message, slot.reason.field.as_deref().unwrap_or("")))
            .collect();
        drop(state);
        for text in texts {
            self.core.oracle().read(&text);
        }
    }

    /// What was no event is dead, and has what is needed to look into it; what is kept outside is there.
    fn check_spoilt(&self) {
        let spoilt = self.scenario.events.iter().filter(|event| matches!(event.sent, Sent::Spoilt(_)));
        let state = self.records.state();
        let mut wrong = Vec::new();
        for event in spoilt {
            let body = message(event, self.settings.group_buckets, 0).body;
            let kept = state.items.get(&PairKey::unattributed(body.as_bytes()));
            if kept.is_none_or(|(item, _)| item.dead().is_none()) {
                wrong.push(("I1", format!("a spoilt message is lost: {} bytes", body.len())));
            }
        }
        for (pair, (item, _)) in &state.items {
            if let Some(key) = item.stored_body().filter(|key| !state.bodies.contains_key(*key)) {
                wrong.push(("I20", format!("{} names the body {key}, which is not there", pair.pk)));
            }
        }
        drop(state);
        for (invariant, what) in wrong {
            self.core.oracle().violate(invariant, None, what);
        }
    }
}
