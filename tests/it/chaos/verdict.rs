//! What must be so when the faults are over and everything has settled. Each breach is a line; all are shown at once.

use super::journal::Applied;
use super::known::{Held, Item, Known, Pair};
use super::orgs::{KEYLESS, connections, kept};
use super::story::{Record, Story, What, company_of};
use crate::stack::Org;
use std::collections::BTreeMap;

/// How the accepted versions ended, each at each of its connections.
pub(super) type Fates = BTreeMap<&'static str, usize>;

/// Everything that the judge looks at.
pub(super) struct Judge<'a> {
    pub(super) story: &'a Story,
    pub(super) orgs: &'a [Org<'a>],
    pub(super) known: &'a Known,
    pub(super) applied: &'a Applied,
    pub(super) breaches: Vec<String>,
    pub(super) fates: Fates,
}

impl Judge<'_> {
    /// Looks at every record at every connection, and at what no record accounts for.
    pub(super) fn judge(&mut self) {
        for at in 0..self.story.records.len() {
            let record = &self.story.records[at];
            for connection in connections(record.org).iter().copied() {
                let pair = (record.org, connection, record.kind, record.id.clone());
                let item = self.known.items.get(&pair).cloned().unwrap_or_default();
                self.content(record, &pair, &item);
                self.link(record, &pair, &item);
                self.endings(record, &pair, &item);
                self.order(&pair);
            }
        }
        self.strangers();
        self.claims();
    }

    fn breach(&mut self, pair: &Pair, what: &str) {
        self.breaches.push(format!("{pair:?}: {what}"));
    }

    fn held(&self, pair: &Pair) -> Vec<&Held> {
        let all = self.known.held.get(&(pair.0, pair.1, pair.2));
        all.into_iter().flatten().filter(|held| held.key == pair.3).collect()
    }

    /// The CRM holds the newest version, once, or nothing if that is a delete.
    fn content(&mut self, record: &Record, pair: &Pair, item: &Item) {
        let (newest, what) = record.newest();
        let held: Vec<Held> = self.held(pair).into_iter().cloned().collect();
        if held.len() > 1 {
            self.breach(pair, &format!("{} records at the CRM: {held:?}", held.len()));
        }
        let there = held.first();
        match what {
            What::Deleted | What::Draft if there.is_some() => self.breach(pair, "it should not be there"),
            What::Deleted | What::Draft => {}
            // Whether an older version went before the refused one came is a matter of batches.
            What::Poison => {
                let good = (1..newest).map(|version| self.story.tag(record, version));
                let held = there.map(|one| one.content.clone());
                if held.as_ref().is_some_and(|held| good.into_iter().all(|tag| tag != *held)) {
                    self.breach(pair, &format!("neither nothing nor an older version: {held:?}"));
                }
                if item.slot.as_ref().is_none_or(|slot| (slot.0.as_str(), slot.1) != ("dead", newest)) {
                    self.breach(pair, &format!("the refused version is no dead letter: {item:?}"));
                }
            }
            What::News | What::Same => {
                let wanted = self.story.tag(record, newest);
                match there {
                    Some(held) if held.content == wanted => self.reference(pair, held),
                    other => self.breach(pair, &format!("wanted `{wanted}`, found {other:?}; {item:?}")),
                }
            }
        }
        if what != What::Poison && (item.slot.is_some() || item.intent || item.applied != Some(newest)) {
            self.breach(pair, &format!("version {newest} is not all that is kept: {item:?}"));
        }
    }

    /// A contact is with its company.
    fn reference(&mut self, pair: &Pair, held: &Held) {
        let Some(company) = company_of(&pair.3).filter(|_| pair.2 == "contact") else { return };
        let company = (pair.0, pair.1, "company", company);
        let external = self.known.items.get(&company).and_then(|item| item.external.clone());
        if !external.is_some_and(|id| held.refers.contains(&format!("\"{id}\""))) {
            self.breach(pair, &format!("it is not with its company: {held:?}"));
        }
    }

    /// A link leads to a record that holds our key, and is claimed by us alone.
    fn link(&mut self, record: &Record, pair: &Pair, item: &Item) {
        let held: Vec<String> = self.held(pair).iter().map(|held| held.external.clone()).collect();
        match &item.external {
            Some(id) if !held.contains(id) => self.breach(pair, &format!("linked to {id}, held {held:?}")),
            // A create's answer was lost, and what came after it was refused: the next version finds it by our key.
            None if record.newest().1 == What::Poison => {}
            None if !held.is_empty() => self.breach(pair, &format!("not linked, held {held:?}")),
            None => {}
            Some(id) => {
                let org = &self.orgs[pair.0].id;
                let claim = format!("{org}#{}#{}#{id}", pair.1, kept(pair.1, pair.2).object);
                let owner = format!("{org}#{}#{}", pair.2, pair.3);
                if self.known.claims.get(&claim) != Some(&owner) {
                    self.breach(pair, &format!("the claim of {id} is {:?}'s", self.known.claims.get(&claim)));
                }
            }
        }
    }

    /// Every accepted version ended in exactly one way.
    fn endings(&mut self, record: &Record, pair: &Pair, item: &Item) {
        let told = self.applied.get(&(pair.0, pair.1, pair.3.clone())).cloned().unwrap_or_default();
        let (applied, slot) = (item.applied.unwrap_or(0), item.slot.as_ref());
        for version in 1..=record.versions.len() {
            let what = record.versions[version - 1];
            let fate = match slot {
                Some((state, wanted, _)) if *wanted == version && state == "dead" => "dead",
                Some((_, wanted, _)) if *wanted == version => "parked",
                _ if what == What::News && told.contains(&version) => "applied",
                _ if what == What::Deleted && applied == version => "applied",
                _ if what == What::Same && applied >= version => "unchanged",
                _ if what == What::Draft && applied >= version => "skipped",
                _ if applied > version || slot.is_some_and(|slot| slot.1 > version) => "superseded",
                _ => "lost",
            };
            *self.fates.entry(fate).or_default() += 1;
            if fate == "lost" || fate == "parked" {
                self.breach(pair, &format!("version {version} is {fate}: {item:?}"));
            }
        }
    }

    /// What took effect at the CRM never went back.
    fn order(&mut self, pair: &Pair) {
        let mut told = self.applied.get(&(pair.0, pair.1, pair.3.clone())).cloned().unwrap_or_default();
        // Kinds never share an id. The same again is what a lost answer costs.
        told.dedup();
        if !told.is_sorted_by(|one, other| one < other) {
            self.breach(pair, &format!("the CRM was told {told:?}"));
        }
    }

    /// Nothing is at a CRM that no record accounts for.
    fn strangers(&mut self) {
        for ((org, connection, kind), held) in &self.known.held {
            for one in held {
                let ours = self.story.records.iter().any(|record| {
                    (record.org, record.kind, record.id.as_str()) == (*org, *kind, one.key.as_str())
                });
                if !ours {
                    self.breaches.push(format!("a stranger at {connection} of org {org}: {one:?}"));
                }
            }
        }
        let deals = self.known.held.get(&(KEYLESS, "hubspot", "deal")).map_or(0, Vec::len);
        if deals == 0 {
            self.breaches.push("no deal at all: nothing was shown of what has no key".to_owned());
        }
    }

    /// As many claims as links: none is left over.
    fn claims(&mut self) {
        let links = self.known.items.values().filter(|item| item.external.is_some()).count();
        if self.known.claims.len() != links {
            self.breaches.push(format!("{} claims for {links} links", self.known.claims.len()));
        }
    }
}
