//! Links a record of a CRM's to the one that the internal system made of it.

use super::flow::Flow;
use crate::report::BatchReport;
use crate::seams::{ClaimChange, Names, Write, Wrote};
use rtr_core::code::Code;
use rtr_core::inbound::Delivery;
use rtr_core::item::{Lane, Reason};
use rtr_core::key::{PairKey, RecordKey};
use rtr_core::marks::Marks;
use rtr_core::metric::Metric;
use rtr_core::sent::Sent;
use rtr_core::settle::{Attempt, Decision, Ending as Writing, Heard, Link, claims, settle};

/// Times a refused write is decided anew.
const MAX_ROUNDS: usize = 6;

impl Flow<'_> {
    /// Links the CRM's record to the one that the internal system made of it, whatever else is written of that meanwhile; why it
    /// cannot be.
    pub(super) async fn link(
        &self,
        delivery: &Delivery,
        record_id: &str,
        marks: Marks,
        report: &mut BatchReport,
    ) -> Result<Option<Reason>, String> {
        let (seams, connection) = (self.seams, &self.work.connection);
        let record = RecordKey::new(&connection.org_id, &delivery.record_type, record_id);
        let key = PairKey::new(&record, connection);
        let names = Names {
            org_id: Some(connection.org_id.clone()),
            connection: Some(connection.connection.clone()),
            record_type: Some(delivery.record_type.clone()),
            record_id: Some(record_id.to_owned()),
        };
        let link = Link { object: delivery.object.clone(), external_id: delivery.external_id.clone() };
        let heard = Heard { link, from: None, marks, gone: false };
        for _ in 0..MAX_ROUNDS {
            let found = seams.records.read(std::slice::from_ref(&key)).await.map_err(|error| error.0)?;
            let old = found.get(&key).cloned().unwrap_or_default();
            if old.deleted {
                let message = format!(
                    "the internal system takes it for `{record_id}`, which is not to be at this CRM: it was deleted, or the mapping leaves it out"
                );
                report.count(Metric::Duplicates, 1);
                return Ok(Some(Reason::new(Code::Owned, message)));
            }
            let attempt = Attempt {
                trace: None,
                lane: Lane::Sync,
                version: 0,
                mapping_revision: 0,
                by: old.by.clone(),
                again: false,
                backfill: false,
                rewrite: false,
                occurred_at: None,
                sent: Sent::default(),
            };
            let decided = settle(&old, &attempt, &Writing::Heard(heard.clone()), seams.clock.now());
            let Decision::Write(new) = decided else {
                // It has another record there: two of the CRM's are one of the internal system's.
                let linked = old.external_id.unwrap_or_default();
                let message = format!(
                    "the internal system takes it for `{record_id}`, which is linked to `{linked}` there"
                );
                report.count(Metric::Duplicates, 1);
                return Ok(Some(Reason::new(Code::Owned, message)));
            };
            let write = Write { key: key.clone(), names: names.clone(), old, new: *new };
            let (take, release) = claims(connection, &write.old, &write.new);
            let changes: Vec<ClaimChange> =
                take.map(ClaimChange::Take).into_iter().chain(release.map(ClaimChange::Release)).collect();
            match seams.records.write_with_claims(&write, &changes).await {
                Wrote::Done => return Ok(None),
                Wrote::Refused => {}
                Wrote::Owned(owner) => {
                    let message = format!("it is linked to another record by now: {owner}");
                    report.count(Metric::Duplicates, 1);
                    return Ok(Some(Reason::new(Code::Owned, message)));
                }
                Wrote::Failed(error) => return Err(error.0),
            }
        }
        Err("the item kept changing".to_owned())
    }
}
