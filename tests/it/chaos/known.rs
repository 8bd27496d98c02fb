//! What the tables and the CRMs hold in the end, in the words of the story.

use super::orgs::{account, connections, kept, kinds};
use crate::stack::{Field, Org, Row};
use serde_json::Value;
use std::collections::BTreeMap;

/// A record at a connection: org, connection, kind, id.
pub(super) type Pair = (usize, &'static str, &'static str, String);

/// What is kept of one record at one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub(super) applied: Option<usize>,
    pub(super) external: Option<String>,
    /// State, version and code of the version that is not applied.
    pub(super) slot: Option<(String, usize, String)>,
    pub(super) intent: bool,
}

/// A record of a CRM.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) external: String,
    pub(super) key: String,
    pub(super) content: String,
    /// Whom it refers to: ids of the CRM.
    pub(super) refers: String,
}

/// Everything.
pub(super) struct Known {
    pub(super) items: BTreeMap<Pair, Item>,
    /// Owners by org, connection, object and external id, joined.
    pub(super) claims: BTreeMap<String, String>,
    /// Records that are not archived.
    pub(super) held: BTreeMap<(usize, &'static str, &'static str), Vec<Held>>,
    /// Dead letters of no record.
    pub(super) unattributed: usize,
}

impl Known {
    /// As it stands now.
    pub(super) fn look(field: &Field<'_>, orgs: &[Org<'_>]) -> Self {
        let mut known =
            Self { items: BTreeMap::new(), claims: BTreeMap::new(), held: BTreeMap::new(), unattributed: 0 };
        field.rows().iter().for_each(|row| known.take(row, orgs));
        for (at, org) in orgs.iter().enumerate() {
            for connection in connections(at).iter().copied() {
                for kind in kinds(at).iter().copied() {
                    known.held.insert((at, connection, kind), held(org, connection, kind));
                }
            }
        }
        known
    }

    fn take(&mut self, row: &Row, orgs: &[Org<'_>]) {
        let (pk, sk) = (text(row, "pk"), text(row, "sk"));
        if pk.starts_with("!unattributed") {
            self.unattributed += 1;
        } else if sk == "claim" {
            self.claims.insert(pk, text(row, "owner"));
        } else if let Some(pair) = pair(&pk, &sk, orgs) {
            self.items.insert(pair, item(row));
        }
    }
}

fn pair(pk: &str, sk: &str, orgs: &[Org<'_>]) -> Option<Pair> {
    let [org, kind, id] = pk.split('#').collect::<Vec<_>>().try_into().ok()?;
    let at = orgs.iter().position(|one| one.id == org)?;
    let kind = kinds(at).iter().find(|one| **one == kind)?;
    let connection = connections(at).iter().find(|one| sk == format!("{org}#{one}"))?;
    Some((at, connection, kind, id.to_owned()))
}

fn item(row: &Row) -> Item {
    let slot = row.get("slot").and_then(|slot| slot.as_m().ok()).map(|slot| {
        let reason = slot.get("reason").and_then(|reason| reason.as_m().ok());
        let code = reason.map(|reason| text(reason, "code")).unwrap_or_default();
        (text(slot, "state"), number(slot, "wanted_version").unwrap_or(0), code)
    });
    Item {
        applied: number(row, "applied_version"),
        external: row.get("external_id").and_then(|id| id.as_s().ok()).cloned(),
        slot,
        intent: row.contains_key("intent"),
    }
}

fn held(org: &Org<'_>, connection: &str, kind: &str) -> Vec<Held> {
    let kept = kept(connection, kind);
    let one = |record: &Value| {
        let property = |name: &str| record["properties"][name].as_str().unwrap_or_default().to_owned();
        Held {
            external: record["id"].as_str().unwrap().to_owned(),
            key: property(kept.key),
            content: property(kept.content),
            refers: format!("{}{}", record["associations"], record["properties"]["AccountId"]),
        }
    };
    account(org, connection).records(kept.object).iter().map(one).collect()
}

fn text(row: &Row, name: &str) -> String {
    row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}

fn number(row: &Row, name: &str) -> Option<usize> {
    row.get(name)?.as_n().ok()?.parse().ok()
}
