//! What the CRM is asked: which records have a value, and what records hold. Each question is asked until it is answered; what an
//! earlier try has brought is kept.

use crate::work::connections::Deed;
use crate::work::look::{lookup, same};
use async_trait::async_trait;
use rtr_connectors::changes::Snapshot;
use rtr_connectors::connector::{Found, Property};
use rtr_connectors::registry::Connector;
use rtr_connectors::session::Session;
use rtr_core::failure::{Class, Failure};
use rtr_core::mapping::Mapping;
use rtr_core::plan::LookBy;
use std::collections::{BTreeMap, BTreeSet};

/// What was answered to one question; none yet before that.
type Answer<T> = Option<Result<T, Failure>>;

/// The properties of an object.
pub(super) struct Properties {
    pub(super) connector: Connector,
    pub(super) object: String,
    pub(super) found: Answer<Vec<Property>>,
}

#[async_trait]
impl Deed for Properties {
    async fn with(&mut self, session: &Session<'_>) {
        self.found = Some(self.connector.properties(session, &self.object).await);
    }
}

/// Which records of the CRM have these values.
pub(super) struct Lookups<'a> {
    pub(super) connector: Connector,
    pub(super) mapping: &'a Mapping,
    /// What is asked, and what was found.
    pub(super) asked: Vec<(LookBy, Answer<Vec<Found>>)>,
    pub(super) failed: Option<Failure>,
}

/// What these records hold.
pub(super) struct Reads<'a> {
    pub(super) connector: Connector,
    pub(super) object: &'a str,
    pub(super) properties: &'a [String],
    /// By id.
    pub(super) asked: BTreeMap<String, Answer<Snapshot>>,
    pub(super) failed: Option<Failure>,
}

impl<'a> Lookups<'a> {
    /// Questions for `values`, each once.
    pub(super) fn of(
        connector: Connector,
        mapping: &'a Mapping,
        values: impl IntoIterator<Item = LookBy>,
    ) -> Self {
        let mut asked: Vec<(LookBy, Option<_>)> = Vec::new();
        let mut seen = BTreeSet::new();
        for by in values {
            if seen.insert((by.property.clone(), by.ours, by.value.trim().to_lowercase())) {
                asked.push((by, None));
            }
        }
        Self { connector, mapping, asked, failed: None }
    }

    /// What was found by `by`.
    pub(super) fn found(&self, by: &LookBy) -> Result<Vec<Found>, Failure> {
        let is_it = |one: &LookBy| {
            (&one.property, one.ours) == (&by.property, by.ours) && same(&one.value, &by.value)
        };
        let answer = self.asked.iter().find(|(one, _)| is_it(one)).and_then(|(_, answer)| answer.clone());
        let mut found = answer.unwrap_or_else(|| Ok(Vec::new()))?;
        found.retain(|hit| same(&hit.value, &by.value));
        found.sort_by(|one, two| one.external_id.cmp(&two.external_id));
        found.dedup_by(|one, two| one.external_id == two.external_id);
        Ok(found)
    }

    /// The places of the next question.
    fn next(&self) -> Vec<usize> {
        let open = |at: &usize| self.asked[*at].1.is_none();
        let Some(first) = (0..self.asked.len()).find(open) else { return Vec::new() };
        let by = &self.asked[first].0;
        let alike = |at: &usize| {
            let one = &self.asked[*at].0;
            open(at) && one.property == by.property && one.ours == by.ours
        };
        let size = self.connector.capabilities().lookup_batch.max(1);
        (first..self.asked.len()).filter(alike).take(size).collect()
    }

    async fn ask(&self, session: &Session<'_>, places: &[usize]) -> Result<Vec<Found>, Failure> {
        let by = &self.asked[places[0]].0;
        let values = places.iter().map(|at| self.asked[*at].0.value.clone()).collect();
        self.connector.lookup(session, &lookup(self.mapping, &by.property, by.ours, values)).await
    }
}

#[async_trait]
impl Deed for Lookups<'_> {
    async fn with(&mut self, session: &Session<'_>) {
        self.failed = None;
        loop {
            let places = self.next();
            if places.is_empty() {
                return;
            }
            let several: Vec<Vec<usize>> = match self.ask(session, &places).await {
                Ok(found) => {
                    places.iter().for_each(|at| self.asked[*at].1 = Some(Ok(found.clone())));
                    continue;
                }
                // The fault of one value: each is asked for alone.
                Err(failure) if is_of_one(&failure) => places.into_iter().map(|at| vec![at]).collect(),
                Err(failure) => return self.failed = Some(failure),
            };
            for places in several {
                match self.ask(session, &places).await {
                    Err(failure) if !is_of_one(&failure) => return self.failed = Some(failure),
                    answer => self.asked[places[0]].1 = Some(answer),
                }
            }
        }
    }
}

#[async_trait]
impl Deed for Reads<'_> {
    async fn with(&mut self, session: &Session<'_>) {
        self.failed = None;
        let size = self.connector.feed().read_batch.max(1);
        let open = |asked: &BTreeMap<String, Option<_>>| -> Vec<String> {
            asked.iter().filter(|(_, answer)| answer.is_none()).map(|(id, _)| id.clone()).take(size).collect()
        };
        loop {
            let ids = open(&self.asked);
            if ids.is_empty() {
                return;
            }
            let groups: Vec<Vec<String>> = match self.read(session, &ids).await {
                Ok(found) => {
                    self.asked.extend(ids.into_iter().zip(found.into_iter().map(|one| Some(Ok(one)))));
                    continue;
                }
                Err(failure) if is_of_one(&failure) => ids.into_iter().map(|id| vec![id]).collect(),
                Err(failure) => return self.failed = Some(failure),
            };
            for ids in groups {
                let answer = match self.read(session, &ids).await {
                    Ok(found) => found.into_iter().next().map(Ok),
                    Err(failure) if is_of_one(&failure) => Some(Err(failure)),
                    Err(failure) => return self.failed = Some(failure),
                };
                let nothing = || Err(Failure::new(Class::Refused, "the CRM said nothing of the record"));
                self.asked
                    .extend(ids.into_iter().map(|id| (id, Some(answer.clone().unwrap_or_else(nothing)))));
            }
        }
    }
}

impl Reads<'_> {
    async fn read(&self, session: &Session<'_>, ids: &[String]) -> Result<Vec<Snapshot>, Failure> {
        self.connector.snapshots(session, self.object, ids, self.properties).await
    }
}

/// Whether a call failed by what one of its inputs is.
fn is_of_one(failure: &Failure) -> bool {
    matches!(failure.class, Class::Invalid { .. } | Class::BatchRefused | Class::Refused)
}
