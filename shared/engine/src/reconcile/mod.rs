//! The reconcile flow: what a CRM holds, held against what it should hold, without a write on either side.
//!
//! Records come in batches. What should be is planned by the sync flow's own code; the links come from the items, in one strong read;
//! what is there comes from the CRM, in batches. The connection is opened as the flows open it, and spends the share of the limits
//! that backfills have; where the CRM says "not now", it is waited for.
//!
//! - `expect.rs` what should be · `find.rs` and `ask.rs` what is there · [`judge`] what is wrong, pure · `told.rs` of one record ·
//!   `wait.rs` the connection

mod ask;
mod expect;
mod find;
pub mod judge;
mod told;
mod wait;

use crate::batch::Settings;
use crate::seams::{Seams, Unavailable};
use crate::work::Caches;
use crate::work::job::Setup;
use crate::work::prepare::setup;
use ask::Properties;
use expect::planned;
use judge::{Finding, Kind, Standing, is_on_its_way};
use rtr_connectors::changes::Fate;
use rtr_connectors::shape::Shape;
use rtr_core::change::Change;
use rtr_core::code::Code;
use rtr_core::config::{Mode, OrgConfig};
use rtr_core::failure::Failure;
use rtr_core::item::Reason;
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_core::mapping::Key;
use rtr_core::time::Instant;
use std::collections::BTreeMap;
use std::sync::Arc;
use wait::patience;

/// Records of one look at most.
const MOST: usize = 200;

/// What it is done with.
pub struct With<'a> {
    /// Records are read and never written.
    pub seams: Seams<'a>,
    /// As the functions have them.
    pub settings: &'a Settings,
    /// Leases, breakers, credentials.
    pub caches: &'a Caches,
    /// Told until when it waits for the CRM.
    pub waiting: &'a (dyn Fn(Instant) + Sync),
}

/// The records of one type at one connection.
pub struct Reconciliation<'a> {
    seams: Seams<'a>,
    settings: &'a Settings,
    caches: &'a Caches,
    waiting: &'a (dyn Fn(Instant) + Sync),
    connection: ConnectionKey,
    record_type: String,
    setup: Setup,
    /// The properties that the mapping writes, and our key's.
    shapes: BTreeMap<String, Shape>,
    /// Those that the CRM does not have.
    unknown: Vec<String>,
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The record.
    pub record: RecordKey,
    /// The version that the source lists; none of what it does not list.
    pub version: Option<u64>,
    /// The CRM's record.
    pub external_id: Option<String>,
    /// How it stands.
    pub standing: Standing,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Fields that were not compared.
    pub left_out: usize,
    /// The code of the dead letter that keeps it as it is.
    pub dead: Option<Code>,
    /// Whether the CRM has it, and no link leads there.
    pub unlinked: bool,
    /// Why it could not be judged.
    pub unjudged: Option<Reason>,
}

/// Why it cannot go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Stopped {
    /// The CRM refused, or did not answer for long.
    #[error("{0}")]
    Failed(Failure),
    /// A look-up was refused, or not answered for long.
    #[error("{} {}", .0.code, .0.message)]
    Refused(Reason),
    /// A table did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Judged {
    /// Whether writing the record once more may mend it.
    #[must_use]
    pub fn is_mended_by_writing(&self) -> bool {
        let mends = self.findings.iter().any(|one| one.kind.is_mended_by_writing());
        mends && self.standing == Standing::Drift && self.dead.is_none()
    }
}

impl<'a> Reconciliation<'a> {
    /// Of `record_type` at `connection`, whatever its mode but paused; asks the CRM for the properties.
    ///
    /// # Errors
    /// When there is no such connection or mapping, or the CRM does not tell its properties.
    pub async fn open(
        with: With<'a>,
        config: &OrgConfig,
        connection: &str,
        record_type: &str,
    ) -> Result<Self, Stopped> {
        let mut config = config.clone();
        if let Some(own) = config.connections.get_mut(connection) {
            if own.mode == Mode::Paused {
                return Err(Stopped::Refused(Reason::new(Code::Paused, "the connection is paused")));
            }
            // Looking is no sending.
            own.mode = Mode::Live;
        }
        let key = ConnectionKey::new(&config.org, connection);
        let setup = setup(&Arc::new(config), connection, record_type).map_err(Stopped::Refused)?;
        let With { seams, settings, caches, waiting } = with;
        let (shapes, unknown) = (BTreeMap::new(), Vec::new());
        let record_type = record_type.to_owned();
        let mut own =
            Self { seams, settings, caches, waiting, connection: key, record_type, setup, shapes, unknown };
        own.learn().await?;
        Ok(own)
    }

    /// Records of one look, for good batches.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.setup.connector.feed().read_batch.clamp(1, MOST)
    }

    /// Properties that the mapping writes and the CRM does not have.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// The CRM's object.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.setup.mapping.mapping.object
    }

    async fn learn(&mut self) -> Result<(), Stopped> {
        let (connector, object) = (self.setup.connector, self.object().to_owned());
        let mut asking = Properties { connector, object, found: None };
        let mut tried = 0;
        let properties = loop {
            self.over(&mut asking).await;
            match asking.found.take() {
                Some(Ok(properties)) => break properties,
                Some(Err(failure)) => self.after(failure, &mut tried).await?,
                None => return Err(self.lost()),
            }
        };
        let mapping = self.setup.mapping.mapping.clone();
        let written: Vec<String> = mapping.field_names().map(str::to_owned).collect();
        for name in written.iter().cloned().chain(self.key_property()) {
            let exactly = properties.iter().find(|one| one.name == name);
            // Names are compared without case where no other is meant: Salesforce does.
            let alike = || properties.iter().find(|one| one.name.eq_ignore_ascii_case(&name));
            match exactly.or_else(alike) {
                Some(property) => drop(self.shapes.insert(name, connector.shape(property))),
                None if written.contains(&name) => self.unknown.push(name),
                None => {}
            }
        }
        Ok(())
    }

    fn key_property(&self) -> Option<String> {
        let mapping = &self.setup.mapping.mapping;
        match &mapping.key {
            Key::Property { name } => Some(name.clone()),
            Key::Intent => mapping.marker.clone(),
        }
    }

    /// How the records of `changes` stand, in their order; of several versions of one record the newest counts, and the others are
    /// not told of. Best [`Self::batch`] at once.
    ///
    /// # Errors
    /// Why it cannot go on: nothing is known of any of them then.
    pub async fn look(&self, changes: &[Change]) -> Result<Vec<Judged>, Stopped> {
        let planned = planned(self, newest(changes)).await?;
        let found = self.find(&planned).await?;
        let ids = planned.iter().zip(&found).filter_map(|(one, found)| self.at(one, found));
        let reads = self.read(ids).await?;
        let now = self.seams.clock.now();
        Ok(planned.iter().zip(&found).map(|(one, found)| self.judged(one, found, &reads, now)).collect())
    }

    /// Which of `records`, that the source does not list and that were linked before `began`, the CRM holds.
    ///
    /// # Errors
    /// Why it cannot go on.
    pub async fn strays(&self, records: &[RecordKey], began: Instant) -> Result<Vec<Judged>, Stopped> {
        let keys: Vec<PairKey> =
            records.iter().map(|record| PairKey::new(record, &self.connection)).collect();
        let items = self.seams.records.read(&keys).await?;
        let linked = |key: &PairKey| {
            let item = items.get(key).filter(|item| !is_on_its_way(item))?;
            // What came to be since the source was listed is not in the list.
            let known = item.linked_at.is_none_or(|at| at < began);
            item.external_id.clone().filter(|_| known && item.object.as_deref() == Some(self.object()))
        };
        let ids: Vec<Option<String>> = keys.iter().map(linked).collect();
        let reads = self.read(ids.iter().flatten().cloned()).await?;
        let stray = |record: &RecordKey, id: &Option<String>| {
            let standing = match id.as_ref().map(|id| reads.get(id)) {
                None => Standing::Pending,
                Some(Some(Ok(found))) if found.fate == Fate::Here => Standing::Drift,
                Some(Some(Ok(_))) => Standing::Same,
                Some(_) => Standing::Unjudged,
            };
            let finding = Finding {
                kind: Kind::Extra,
                fields: Vec::new(),
                others: Vec::new(),
                because: "the source does not list its record any more".to_owned(),
            };
            Judged {
                record: record.clone(),
                version: None,
                external_id: id.clone(),
                standing,
                findings: if standing == Standing::Drift { vec![finding] } else { Vec::new() },
                left_out: 0,
                dead: None,
                unlinked: false,
                unjudged: None,
            }
        };
        Ok(records.iter().zip(&ids).map(|(record, id)| stray(record, id)).collect())
    }

    /// The type of the records.
    #[must_use]
    pub fn record_type(&self) -> &str {
        &self.record_type
    }
}

/// The newest version of each record, in their order.
fn newest(changes: &[Change]) -> Vec<Change> {
    let mut places: BTreeMap<&RecordKey, usize> = BTreeMap::new();
    let mut newest: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        match places.get(&change.key) {
            Some(at) if newest[*at].version > change.version => {}
            Some(at) => newest[*at] = change.clone(),
            None => {
                places.insert(&change.key, newest.len());
                newest.push(change.clone());
            }
        }
    }
    newest
}
