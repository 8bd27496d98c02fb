//! What must hold when all has come to rest.

use super::{Part, at_crm, fields};
use crate::place::{names, providers};
use crate::scenario::{Kind, ORGS};
use crate::world::World;
use rtr_core::change::{Wake, wake_body};
use rtr_core::code::Code;
use rtr_core::inbound::canonical::canonical;
use rtr_core::inbound::{self, delivery::group};
use rtr_core::item::{Item, SlotState};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey, Whose};
use rtr_engine::seams::Outbound;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// After the faults are over, or what was dead is redriven, nothing changes any more from then on, in milliseconds: an hour for
/// the last webhooks and as long for what waits.
const RESTS_MS: i64 = 7_000_000;

impl World<'_> {
    /// Everything dead is tried again, in both directions.
    pub(super) fn redrive_both(&mut self) {
        let dead: Vec<(PairKey, RecordKey, String, u64)> = {
            let state = self.records.state();
            let slots = state.items.iter().filter_map(|(pair, (item, names))| {
                let slot = item.slot.as_ref().filter(|slot| slot.state == SlotState::Dead)?;
                let (org, kind, id) =
                    (names.org_id.clone()?, names.record_type.clone()?, names.record_id.clone()?);
                Some((
                    pair.clone(),
                    RecordKey::new(org, kind, id),
                    names.connection.clone()?,
                    slot.wanted_version,
                ))
            });
            slots.collect()
        };
        let now = self.core.kernel.now();
        for (pair, key, connection, version) in dead {
            let deduplication_id = format!("redrive-{}", self.core.kernel.next());
            let mut state = self.queue.state();
            if pair.whose() == Whose::External {
                let connection = ConnectionKey::new(&key.org_id, connection);
                let group = group(&connection, &key.record_id);
                let (object, external_id) = (key.record_type, key.record_id);
                let wake = inbound::Wake { connection, object, external_id, version };
                let body = inbound::Message::Wake(wake).to_body().to_string();
                state.inbound.send(&Outbound { trace: None, body, group, deduplication_id, lane: None }, now);
            } else {
                let group = key.message_group(self.settings.group_buckets);
                let body = wake_body(&Wake { key, connection, version }).to_string();
                state.changes.send(&Outbound { trace: None, body, group, deduplication_id, lane: None }, now);
            }
        }
        self.look_at_queues();
    }

    /// Checks an end; the last one is after everything dead was redriven.
    pub(super) fn check_end_both(&mut self, last: bool) {
        let Some(both) = &self.both else { return };
        let mut wrong: Vec<(&'static str, String)> = Vec::new();
        type Newest = (RecordKey, Option<Map<String, Value>>, u64);
        let records: Vec<Newest> = {
            let state = both.house.state();
            let all = state.records.iter().filter_map(|(key, record)| {
                Some((key.clone(), record.data().cloned(), record.newest()?.number))
            });
            all.collect()
        };
        for (key, data, version) in &records {
            for provider in providers(&key.org_id) {
                let Some(kind) =
                    [Kind::Contact, Kind::Deal].into_iter().find(|kind| kind.name() == key.record_type)
                else {
                    continue;
                };
                if kind == Kind::Deal && *provider != "hubspot" {
                    continue;
                }
                let item = self.item(key, provider);
                wrong.extend(
                    self.judge_both(key, kind, provider, &item, data.as_ref(), *version, last)
                        .map(|(which, what)| (which, format!("{} at {provider}: {what}", key.pk()))),
                );
            }
        }
        let mut live: BTreeSet<(Option<String>, Option<String>)> = BTreeSet::new();
        for org in ORGS {
            for provider in providers(org) {
                for (object, id, key) in self.core.oracle().live(provider, org) {
                    live.insert((Some((*provider).to_owned()), Some(id.clone())));
                    let Some(kind) = super::kind_of(&object) else { continue };
                    let of = RecordKey::new(org, kind.name(), &key);
                    let claim =
                        PairKey::claim(&ConnectionKey::new(org, *provider), names(kind, provider).0, &id);
                    let owner = self.records.state().claims.get(&claim).cloned();
                    let is_known = records.iter().any(|(one, data, _)| {
                        data.is_some() && (*one == of || owner.as_ref() == Some(&one.pk()))
                    });
                    let waits = self.waits_back(org, provider, kind, &id);
                    let is_double = self.is_double(org, provider, kind, &id);
                    let polled = self.is_polled(org, provider, kind);
                    let refused =
                        self.both.as_ref().is_some_and(|both| both.watch.was_refused(provider, org, &id));
                    if polled
                        && !refused
                        && !is_double
                        && !is_known
                        && (last || !waits)
                        && !self.is_dying(&of, provider)
                    {
                        wrong.push((
                            "I3",
                            format!("{provider} of {org} has {object} {id} of {key:?}, which is nobody's"),
                        ));
                    }
                }
            }
        }
        {
            let state = self.records.state();
            for (pair, (item, names)) in &state.items {
                let Some(slot) = item.slot.as_ref().filter(|_| pair.whose() == Whose::External) else {
                    continue;
                };
                // A letter of a record that went while it was redriven ends when it is once more.
                let is_live = live.contains(&(names.connection.clone(), names.record_id.clone()));
                // Two records of the CRM's that are one of the internal system's are for a person to sort out.
                let is_double = slot.reason.code == Code::Owned;
                if slot.state != SlotState::Dead || last && is_live && !is_double {
                    let what = format!(
                        "{}: version {} is left as {:?}: {}",
                        pair.pk, slot.wanted_version, slot.state, slot.reason.message
                    );
                    wrong.push(("I1", what));
                }
            }
        }
        if let Some(both) = &self.both {
            let house = both.house.state();
            let most = house.own + both.watch.deeds();
            // The build before this one forgets what both sides had, so that it is told anew.
            let blurred = self.core.plan().fired().contains_key("OldBuild");
            if house.versions > most && !blurred {
                wrong.push((
                    "I6",
                    format!("{} versions were made of {most} changes by people", house.versions),
                ));
            }
            if let Some(at) = both.watch.last_change.filter(|at| at.since_ms(both.since) > RESTS_MS) {
                wrong.push((
                    "I6",
                    format!("it still changes {} ms after the last fault", at.since_ms(both.since)),
                ));
            }
            // A value that waited to be told was overtaken by one that the build before this one has told as new.
            if last && !blurred && self.is_all_polled() {
                wrong.extend(
                    both.watch
                        .lost(&house)
                        .into_iter()
                        .map(|what| ("I30", format!("nobody was told that {what}"))),
                );
            }
            debug_assert!(both.part != Part::Acting);
        }
        let mut oracle = self.core.oracle();
        wrong.into_iter().for_each(|(which, what)| oracle.violate(which, None, what));
        drop(oracle);
        self.check_claims();
        self.check_letters();
    }

    /// Whether a person is to sort out what the CRM's record is to the internal system.
    fn is_double(&self, org: &str, provider: &str, kind: Kind, id: &str) -> bool {
        let connection = ConnectionKey::new(org, provider);
        let kept = self.records.item(&PairKey::inbound(&connection, names(kind, provider).0, id));
        kept.dead().is_some_and(|slot| slot.reason.code == Code::Owned)
    }

    /// Whether something is kept of a CRM's record on its way back.
    fn waits_back(&self, org: &str, provider: &str, kind: Kind, id: &str) -> bool {
        let connection = ConnectionKey::new(org, provider);
        self.records.item(&PairKey::inbound(&connection, names(kind, provider).0, id)).slot.is_some()
    }

    /// Whether everything is polled of which there are records.
    fn is_all_polled(&self) -> bool {
        let live = |org: &str, provider: &str| self.core.oracle().live(provider, org);
        ORGS.into_iter().all(|org| {
            providers(org).iter().all(|provider| {
                let kinds =
                    live(org, provider).into_iter().filter_map(|(object, ..)| super::kind_of(&object));
                kinds.into_iter().all(|kind| self.is_polled(org, provider, kind))
            })
        })
    }

    /// Whether the kind is polled: what nobody has worked for is not, and only webhooks tell of it.
    fn is_polled(&self, org: &str, provider: &str, kind: Kind) -> bool {
        let feed = PairKey::feed(&ConnectionKey::new(org, provider), names(kind, provider).0);
        self.records.item(&feed).slot.is_some()
    }

    /// Whether the record's delete has died on its way to the CRM.
    fn is_dying(&self, key: &RecordKey, provider: &str) -> bool {
        self.item(key, provider).dead().is_some()
    }

    #[allow(clippy::too_many_arguments)] // a record, where it is, and what it shall be
    fn judge_both(
        &self,
        key: &RecordKey,
        kind: Kind,
        provider: &str,
        item: &Item,
        data: Option<&Map<String, Value>>,
        version: u64,
        last: bool,
    ) -> Option<(&'static str, String)> {
        if let Some(slot) = &item.slot {
            if slot.state != SlotState::Dead {
                return Some(("I1", format!("version {} is left as {:?}", slot.wanted_version, slot.state)));
            }
            return last.then(|| ("I5", format!("still dead: {}", slot.reason.message)));
        }
        if item.applied_version != Some(version) {
            return Some(("I1", format!("version {version} is lost: {:?} is applied", item.applied_version)));
        }
        let object = names(kind, provider).0;
        let held = self.core.oracle().held(provider, &key.org_id, object, &key.record_id);
        // Nobody looks for what is not polled, where webhooks are lost.
        if !self.is_polled(&key.org_id, provider, kind) {
            return None;
        }
        // What a person is to see to is not told yet.
        let linked = item.external_id.as_deref().unwrap_or_default();
        if !last && self.waits_back(&key.org_id, provider, kind, linked) {
            return None;
        }
        let Some(data) = data else {
            return (!held.is_empty()).then(|| ("I23", "it is deleted, and still there".to_owned()));
        };
        let [(id, values)] = held.as_slice() else {
            return Some(("I5", format!("{} records at the CRM, one wanted", held.len())));
        };
        if item.external_id.as_ref() != Some(id) {
            return Some(("I4", format!("linked to {:?}, it is {id}", item.external_id)));
        }
        fields(kind).iter().find_map(|field| {
            let name = at_crm(field, provider);
            let there = values.get(name).cloned().unwrap_or_default();
            let wanted = data.get(field.0).cloned().unwrap_or_default();
            let differs = canonical(&json!(there)) != canonical(&wanted);
            differs.then(|| ("I5", format!("its {name} is {there:?}, version {version} says {wanted}")))
        })
    }
}
