//! What became of one record: what should be, what was found and what is kept of it, judged.

use super::expect::{Expected, Planned};
use super::find::Sighting;
use super::judge::{Case, Standing, Verdict, Wanted, dead, is_on_its_way, judge};
use super::{Judged, Reconciliation};
use crate::work::job::Setup;
use crate::work::look::stamp;
use rtr_connectors::changes::{Fate, Snapshot};
use rtr_core::failure::Failure;
use rtr_core::item::Reason;
use rtr_core::time::Instant;
use std::collections::BTreeMap;

impl Reconciliation<'_> {
    pub(super) fn judged(
        &self,
        one: &Planned,
        found: &Sighting,
        reads: &BTreeMap<String, Result<Snapshot, Failure>>,
        now: Instant,
    ) -> Judged {
        let at = self.at(one, found);
        let read = at.as_ref().and_then(|id| reads.get(id));
        let failed = found.failed.as_ref().or_else(|| read.and_then(|read| read.as_ref().err()));
        let unjudged = match (&one.expected, failed) {
            (Expected::Unsaid(reason), _) => Some(reason.clone()),
            (_, Some(failure)) => Some(Reason::from(failure)),
            _ => None,
        };
        let Planned { change, item, .. } = one;
        let snapshot = read.and_then(|read| read.as_ref().ok());
        let merged = match snapshot.map(|found| &found.fate) {
            Some(Fate::Merged { into }) => Some(into),
            _ => None,
        };
        let others: Vec<String> = found.others.iter().filter(|id| Some(*id) != merged).cloned().collect();
        let verdict = match &unjudged {
            // Whatever keeps it from being judged, it is not where it should be as long as its newest version moves.
            Some(_) if is_on_its_way(item) => self.verdict(one, None, &[], Wanted::Nothing, now),
            Some(_) => Verdict { standing: Standing::Unjudged, findings: Vec::new(), left_out: 0 },
            None => self.verdict(one, snapshot, &others, wanted(&one.expected), now),
        };
        let is_here = snapshot.is_some_and(|found| found.fate == Fate::Here);
        Judged {
            record: change.key.clone(),
            version: Some(change.version),
            external_id: at.or_else(|| item.external_id.clone()),
            unlinked: found.linked.is_none()
                && is_here
                && matches!(one.expected, Expected::Holding(_))
                && verdict.standing == Standing::Same,
            standing: verdict.standing,
            findings: verdict.findings,
            left_out: verdict.left_out,
            dead: dead(item, change.version),
            unjudged: unjudged.filter(|_| verdict.standing == Standing::Unjudged),
        }
    }

    fn verdict(
        &self,
        one: &Planned,
        found: Option<&Snapshot>,
        others: &[String],
        wanted: Wanted<'_>,
        now: Instant,
    ) -> Verdict {
        let Setup { config, mapping, connector } = &self.setup;
        let mapping = &mapping.mapping;
        let key = stamp(mapping, one.key_value.as_deref()).map(|(property, _)| property);
        judge(&Case {
            version: one.change.version,
            occurred_at: one.change.occurred_at,
            now,
            item: &one.item,
            mapping,
            flows_back: config.inbound.is_some() && mapping.flows_back(),
            lag_ms: connector.capabilities().search_lag_ms,
            wanted,
            found,
            others,
            shapes: &self.shapes,
            key: key.as_deref().zip(one.key_value.as_deref()),
        })
    }
}

fn wanted(expected: &Expected) -> Wanted<'_> {
    match expected {
        Expected::Nothing | Expected::Unsaid(_) => Wanted::Nothing,
        Expected::Absent => Wanted::Absent,
        Expected::Left(payload) => Wanted::Left(payload),
        Expected::Holding(payload) => Wanted::Holding(payload),
    }
}
