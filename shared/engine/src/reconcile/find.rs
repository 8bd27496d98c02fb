//! Where records are at the CRM: by their links, or by their keys and match values; and what they hold there.

use super::Reconciliation;
use super::Stopped;
use super::ask::{Lookups, Reads};
use super::expect::{Expected, Planned};
use super::judge::is_on_its_way;
use rtr_connectors::changes::Snapshot;
use rtr_core::failure::{Class, Failure};
use rtr_core::mapping::Key;
use rtr_core::plan::LookBy;
use std::collections::BTreeMap;

/// Where a record was seen.
#[derive(Debug, Default)]
pub(super) struct Sighting {
    /// By its link.
    pub(super) linked: Option<String>,
    /// By its key or match value.
    pub(super) found: Option<String>,
    /// Others that have these.
    pub(super) others: Vec<String>,
    pub(super) failed: Option<Failure>,
}

impl Reconciliation<'_> {
    /// Looks for the records without a link, and for others that have what a linked one is told by.
    pub(super) async fn find(&self, planned: &[Planned]) -> Result<Vec<Sighting>, Stopped> {
        let mapping = &self.setup.mapping.mapping;
        let connector = self.setup.connector;
        let questions = planned.iter().flat_map(|one| self.questions(one).cloned());
        let mut lookups = Lookups::of(connector, mapping, questions);
        let mut tried = 0;
        while !lookups.asked.is_empty() {
            self.over(&mut lookups).await;
            let Some(failure) = lookups.failed.take() else { break };
            self.after(failure, &mut tried).await?;
        }
        Ok(planned.iter().map(|one| self.sighting(one, &lookups)).collect())
    }

    /// By what it is looked for. A linked record's key is unique at the CRM, where there is such a thing.
    fn questions<'p>(&self, one: &'p Planned) -> impl Iterator<Item = &'p LookBy> {
        let linked = one.item.external_id.is_some();
        let unique = matches!(self.setup.mapping.mapping.key, Key::Property { .. });
        let needless = move |by: &LookBy| linked && by.ours && unique;
        let asked = one.look_by.iter().filter(|_| !is_on_its_way(&one.item));
        asked.filter(move |by| !needless(by))
    }

    fn sighting(&self, one: &Planned, lookups: &Lookups<'_>) -> Sighting {
        let mut sighting = Sighting { linked: one.item.external_id.clone(), ..Sighting::default() };
        for by in self.questions(one) {
            let found = match lookups.found(by) {
                Ok(found) => found,
                Err(failure) => return Sighting { failed: Some(failure), ..sighting },
            };
            let is_anothers = |also: &Option<String>| {
                also.as_deref().is_some_and(|key| !key.is_empty() && Some(key) != one.key_value.as_deref())
            };
            if let Some(linked) = &sighting.linked {
                // A record of another one of ours is no double of this one.
                let others = found.iter().filter(|hit| hit.external_id != *linked);
                let others = others.filter(|hit| by.ours || !is_anothers(&hit.also));
                sighting.others.extend(others.map(|hit| hit.external_id.clone()));
                continue;
            }
            match found.as_slice() {
                [] => continue,
                [hit] if by.ours || !is_anothers(&hit.also) => sighting.found = Some(hit.external_id.clone()),
                hits => sighting.others.extend(hits.iter().map(|hit| hit.external_id.clone())),
            }
            // As the flow does: whoever is found by our key is not looked for further.
            break;
        }
        sighting.others.sort();
        sighting.others.dedup();
        sighting
    }

    /// The CRM's record that is to be read.
    pub(super) fn at(&self, one: &Planned, found: &Sighting) -> Option<String> {
        let asked = !is_on_its_way(&one.item) && found.failed.is_none();
        let said = !matches!(one.expected, Expected::Nothing | Expected::Unsaid(_));
        found.linked.clone().or_else(|| found.found.clone()).filter(|_| asked && said)
    }

    /// What the records `ids` hold.
    pub(super) async fn read(
        &self,
        ids: impl Iterator<Item = String>,
    ) -> Result<BTreeMap<String, Result<Snapshot, Failure>>, Stopped> {
        let mapping = &self.setup.mapping.mapping;
        let mut properties: Vec<String> = self.shapes.keys().cloned().collect();
        // What the CRM may say for itself is needed to tell who has changed what.
        properties.extend(mapping.inbound().map(|field| field.field.to_owned()));
        properties.retain(|name| self.shapes.contains_key(name));
        properties.sort();
        properties.dedup();
        let (connector, object, properties) = (self.setup.connector, self.object(), &properties[..]);
        let asked = ids.map(|id| (id, None)).collect();
        let mut reads = Reads { connector, object, properties, asked, failed: None };
        let mut tried = 0;
        while !reads.asked.is_empty() {
            self.over(&mut reads).await;
            let Some(failure) = reads.failed.take() else { break };
            self.after(failure, &mut tried).await?;
        }
        let unsaid = || Err(Failure::new(Class::Unavailable, "the CRM was not asked"));
        Ok(reads.asked.into_iter().map(|(id, answer)| (id, answer.unwrap_or_else(unsaid))).collect())
    }
}
