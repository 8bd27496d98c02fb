//! Associations between records. Each is kept from both ends, and whatever is made or removed at one end is
//! made or removed at the other.

use super::HubSpot;
use super::errors::Fail;
use super::types::{self, ObjectType};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Pairs HubSpot defines: from, to, type id there, type id back, and its label.
type Kind = (&'static str, &'static str, u64, u64, Option<&'static str>);

const KINDS: &[Kind] = &[
    ("0-1", "0-2", 279, 280, None),
    ("0-1", "0-2", 1, 2, Some("Primary")),
    ("0-3", "0-2", 341, 342, None),
    ("0-3", "0-2", 5, 6, Some("Primary")),
    ("0-3", "0-1", 3, 4, None),
    ("0-1", "0-5", 15, 16, None),
    ("0-5", "0-2", 339, 340, None),
    ("0-5", "0-2", 26, 25, Some("Primary")),
    ("0-3", "0-5", 27, 28, None),
    ("0-1", "0-1", 449, 449, None),
    ("0-2", "0-2", 450, 450, None),
    ("0-3", "0-3", 451, 451, None),
    ("0-5", "0-5", 452, 452, None),
];

/// One type of association, as seen from one end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    pub(super) id: u64,
    back: u64,
    pub(super) label: Option<&'static str>,
}

impl Spec {
    pub(super) fn view(self) -> Value {
        json!({"category": "HUBSPOT_DEFINED", "typeId": self.id, "label": self.label})
    }
}

/// The types of association from one object type to another; the unlabelled one first.
pub(super) fn specs(from: &str, to: &str) -> Vec<Spec> {
    let there = KINDS.iter().filter(|kind| (kind.0, kind.1) == (from, to));
    let there = there.map(|kind| Spec { id: kind.2, back: kind.3, label: kind.4 });
    let back = KINDS.iter().filter(|kind| kind.0 != kind.1 && (kind.1, kind.0) == (from, to));
    there.chain(back.map(|kind| Spec { id: kind.3, back: kind.2, label: kind.4 })).collect()
}

/// One end: object type and record.
type End = (&'static str, u64);

/// An association to be made.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) from: End,
    pub(super) to: End,
    pub(super) specs: Vec<Spec>,
}

/// Every association of an account.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    ends: BTreeMap<End, BTreeMap<End, BTreeSet<u64>>>,
}

impl Links {
    fn insert(&mut self, from: End, to: End, id: u64) {
        self.ends.entry(from).or_default().entry(to).or_default().insert(id);
    }

    /// Makes an association. A labelled one brings the unlabelled one with it; a record has one primary of a
    /// kind, the latest.
    pub(super) fn add(&mut self, link: &Link) {
        let base = specs(link.from.0, link.to.0).into_iter().find(|spec| spec.label.is_none());
        for spec in link.specs.iter().copied().chain(base) {
            if spec.label == Some("Primary") {
                self.demote(link.from, link.to.0, spec);
            }
            self.insert(link.from, link.to, spec.id);
            self.insert(link.to, link.from, spec.back);
        }
    }

    pub(super) fn add_all(&mut self, links: &[Link]) {
        links.iter().for_each(|link| self.add(link));
    }

    fn demote(&mut self, from: End, kind: &str, spec: Spec) {
        // A company has many primary contacts; it is the other end that has one company.
        if kind != "0-2" {
            return;
        }
        let others: Vec<End> = self
            .ends
            .get(&from)
            .into_iter()
            .flat_map(BTreeMap::keys)
            .filter(|to| to.0 == kind)
            .copied()
            .collect();
        for other in others {
            self.drop_one(from, other, spec.id);
            self.drop_one(other, from, spec.back);
        }
    }

    fn drop_one(&mut self, from: End, to: End, id: u64) {
        let Some(ends) = self.ends.get_mut(&from) else { return };
        if let Some(ids) = ends.get_mut(&to) {
            ids.remove(&id);
            if ids.is_empty() {
                ends.remove(&to);
            }
        }
        if ends.is_empty() {
            self.ends.remove(&from);
        }
    }

    /// Removes one label from both ends.
    pub(super) fn remove_spec(&mut self, from: End, to: End, spec: Spec) {
        self.drop_one(from, to, spec.id);
        self.drop_one(to, from, spec.back);
    }

    /// Removes every association between two records.
    pub(super) fn remove(&mut self, from: End, to: End) {
        for (one, other) in [(from, to), (to, from)] {
            if let Some(ends) = self.ends.get_mut(&one) {
                ends.remove(&other);
                if ends.is_empty() {
                    self.ends.remove(&one);
                }
            }
        }
    }

    /// Removes every association of a record.
    pub(super) fn remove_record(&mut self, kind: &'static str, id: u64) {
        for other in
            self.ends.get(&(kind, id)).into_iter().flat_map(BTreeMap::keys).copied().collect::<Vec<_>>()
        {
            self.remove((kind, id), other);
        }
    }

    /// Gives one record's associations to another.
    pub(super) fn rename(&mut self, kind: &'static str, from: u64, to: u64) {
        for (other, ids) in self.ends.remove(&(kind, from)).unwrap_or_default() {
            let back =
                self.ends.get_mut(&other).and_then(|ends| ends.remove(&(kind, from))).unwrap_or_default();
            if other == (kind, to) {
                continue;
            }
            ids.into_iter().for_each(|id| self.insert((kind, to), other, id));
            back.into_iter().for_each(|id| self.insert(other, (kind, to), id));
        }
    }

    /// The records of a type that a record is associated with, and how.
    pub(super) fn of(&self, kind: &'static str, id: u64, to: &'static str) -> Vec<(u64, Vec<Spec>)> {
        let known = specs(kind, to);
        let ends = self.ends.get(&(kind, id)).into_iter().flatten().filter(|(end, _)| end.0 == to);
        ends.map(|(end, ids)| (end.1, known.iter().filter(|spec| ids.contains(&spec.id)).copied().collect()))
            .collect()
    }

    /// All of a record's associations, by type name.
    pub(super) fn view(&self, kind: &'static str, id: u64) -> Value {
        let mut view = json!({});
        for (end, ids) in self.ends.get(&(kind, id)).into_iter().flatten() {
            let name = types::find(end.0).map_or(end.0, |found| found.plural);
            if view.get(name).is_none() {
                view[name] = json!([]);
            }
            if let Some(list) = view[name].as_array_mut() {
                list.push(json!({"id": end.1.to_string(), "types": ids}));
            }
        }
        view
    }
}

/// The types named by a list of `{associationCategory, associationTypeId}`.
pub(super) fn named(from: &ObjectType, to: &ObjectType, list: Option<&Value>) -> Result<Vec<Spec>, Fail> {
    let wrong =
        || Fail::invalid("Invalid input JSON: expected a list of associationCategory and associationTypeId");
    let known = specs(from.id, to.id);
    let list = list.and_then(Value::as_array).filter(|list| !list.is_empty()).ok_or_else(wrong)?;
    list.iter()
        .map(|entry| {
            let category = entry.get("associationCategory").and_then(Value::as_str).ok_or_else(wrong)?;
            let id = entry.get("associationTypeId").and_then(Value::as_u64).ok_or_else(wrong)?;
            let found = known.iter().find(|spec| spec.id == id && category == "HUBSPOT_DEFINED").copied();
            found.ok_or_else(|| {
                let message = format!(
                    "No association type {category} {id} exists between {} and {}",
                    from.singular, to.singular
                );
                Fail::invalid(message).with("subCategory", json!("crm.associations.INVALID_ASSOCIATION_TYPE"))
            })
        })
        .collect()
}

impl HubSpot {
    /// The associations that come with a new record, checked.
    pub(super) fn links_in(
        &self,
        kind: &ObjectType,
        id: u64,
        list: Option<&Value>,
    ) -> Result<Vec<Link>, Fail> {
        let entries = list.and_then(Value::as_array).into_iter().flatten();
        entries
            .map(|entry| {
                let target = entry.get("to").and_then(|to| to.get("id"));
                let target =
                    target.and_then(|id| id.as_str().and_then(|id| id.parse().ok()).or_else(|| id.as_u64()));
                let type_id = entry.pointer("/types/0/associationTypeId").and_then(Value::as_u64);
                let matching = types::TYPES.iter().find(|to| {
                    type_id.is_some_and(|id| specs(kind.id, to.id).iter().any(|spec| spec.id == id))
                });
                let (Some(target), Some(to)) = (target, matching) else {
                    return Err(Fail::invalid(
                        "Invalid input JSON: an association needs to.id and known types",
                    ));
                };
                if self.table(to)?.store.live(target).is_none() {
                    let message = format!("{}={target} is not valid", to.upper());
                    return Err(Fail::invalid(message)
                        .with("subCategory", json!("crm.associations.INVALID_OBJECT_IDS")));
                }
                let specs = named(kind, to, entry.get("types"))?;
                Ok(Link { from: (kind.id, id), to: (to.id, target), specs })
            })
            .collect()
    }
}
