//! One record of a CRM on its way: what is due of it, and what there is to do about it.

use super::Ways;
use super::intake::Work;
use super::keep::{body_of, kept, write};
use super::known::{self, Known};
use crate::report::BatchReport;
use crate::seams::Seams;
use rtr_core::config::OrgConfig;
use rtr_core::inbound::ledger::{Ending, refused, waiting};
use rtr_core::inbound::{Delivery, Message, Notice, Operation, Returned, Seen};
use rtr_core::item::SlotState;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use std::sync::Arc;

/// One record of a CRM on its way.
pub(super) struct Flow<'a> {
    pub(super) seams: &'a Seams<'a>,
    pub(super) ways: Ways<'a>,
    /// None when it could not be read.
    pub(super) config: Option<Arc<OrgConfig>>,
    pub(super) work: &'a Work,
    /// The last of its messages.
    pub(super) by: &'a str,
    pub(super) deadline: Instant,
}

impl Flow<'_> {
    /// Works all of the record's messages off; why they must come back, if they must.
    pub(super) async fn run(self, mut known: Known) -> (Result<(), String>, BatchReport) {
        let mut report = BatchReport::default();
        let ended = Box::pin(self.work_off(&mut known, &mut report)).await;
        (ended, report)
    }

    async fn work_off(&self, known: &mut Known, report: &mut BatchReport) -> Result<(), String> {
        let config = self.config.as_ref().ok_or("the org's configuration cannot be read")?;
        if let Some(back) = &self.work.returned {
            self.take_back(known, back, report).await?;
        }
        if !self.work.overwritten.is_empty() {
            let ending = Ending::Overwritten { fields: self.work.overwritten.clone() };
            known.told = write(self.seams, self.work, &known.told, &ending, self.by).await?;
        }
        let (mut waiting, mut notice, mut anew) = (None, self.work.notice.clone(), Vec::new());
        let (mut woken, mut dead) = (false, None);
        if let Some(wake) = &self.work.wake {
            let slot = known.told.slot.clone().filter(|slot| slot.wanted_version == wake.version);
            if let Some(slot) = slot {
                woken = true;
                let by_person = slot.state == SlotState::Dead;
                match body_of(self.seams, &known.told).await?.map(Message::of) {
                    // What was refused is looked at anew: it may be otherwise by now.
                    Some(Ok(Message::Delivery(held))) if by_person => {
                        anew.extend(held.anew());
                        let asked = again(&held, self.seams.clock.now());
                        notice = Some(Notice { seen: Seen::Person, ..notice.unwrap_or(asked) });
                        dead = Some(*held);
                    }
                    Some(Ok(Message::Delivery(held))) => waiting = Some((*held, slot.attempts)),
                    Some(Ok(Message::Returned(held))) => {
                        anew.extend(held.anew);
                        let seen = if by_person { Seen::Person } else { held.notice.seen };
                        notice = Some(Notice { seen, ..notice.unwrap_or(held.notice) });
                    }
                    _ => report.count(Metric::Superseded, 1),
                }
            } else {
                report.count(Metric::Superseded, 1);
            }
        }
        if let Some((held, tries)) = waiting {
            let follows = again(&held, self.seams.clock.now());
            self.tell(known, config, held, tries, report).await?;
            // A look may have been put off beside it, whatever was said to it.
            let waits = known.told.slot.as_ref().is_some_and(|slot| slot.state == SlotState::Waiting);
            if !waits {
                notice = Some(notice.unwrap_or(follows));
            }
        }
        for delivery in &self.work.deliveries {
            self.hear(known, config, delivery.clone(), report).await?;
        }
        let Some(notice) = notice else { return Ok(()) };
        if anew.is_empty() && !woken && known::is_echo(&notice, known, config) {
            report.count(Metric::Echoes, 1);
            return Ok(());
        }
        match known.owner.clone() {
            Some(_) if config.inbound.is_none() => {
                report.count(Metric::Skipped, 1);
                Ok(())
            }
            Some((record, _)) => {
                self.ask(&record, &notice, anew, report).await?;
                // A look that waited is under way.
                if woken {
                    known.told = write(self.seams, self.work, &known.told, &Ending::Nothing, self.by).await?;
                }
                Ok(())
            }
            None => Box::pin(self.offer(known, config, &notice, dead.as_ref(), woken, report)).await,
        }
    }

    /// Keeps a look that could not be done, until then or for a person. What waits to be told stays, and is followed by a look;
    /// what was refused is told anew by this one.
    async fn take_back(
        &self,
        known: &mut Known,
        back: &Returned,
        report: &mut BatchReport,
    ) -> Result<(), String> {
        let held = body_of(self.seams, &known.told).await?.unwrap_or_default();
        if let Some(waits) = waiting(&known.told, &held) {
            return if back.anew.is_empty() {
                Ok(())
            } else {
                self.add(known, waits.and_also(back.anew.clone())).await
            };
        }
        let mut back = back.clone();
        if let Some(refused) = refused(&known.told, &held) {
            back.anew.extend(refused.anew());
        } else if let Ok(Message::Returned(held)) = Message::of(held) {
            // One look stands for all that wait, and is done though another was refused.
            back.anew.extend(held.anew);
            let waits = known.told.slot.as_ref().filter(|slot| slot.state == SlotState::Waiting);
            back.until = back.until.or(waits.map(|slot| slot.not_before));
        }
        back.anew.sort();
        back.anew.dedup();
        let (until, reason) = (back.until, back.reason.clone());
        let ending = kept(self.seams, &Message::Returned(Box::new(back)), None, until, reason).await?;
        known.told = write(self.seams, self.work, &known.told, &ending, self.by).await?;
        report.count(if until.is_some() { Metric::Parked } else { Metric::Dead }, 1);
        Ok(())
    }
}

/// Its record, to be looked at again.
pub(super) fn again(held: &Delivery, now: Instant) -> Notice {
    Notice {
        connection: held.connection.clone(),
        object: held.object.clone(),
        external_id: held.external_id.clone(),
        operation: if held.deleted { Operation::Deleted } else { Operation::Upsert },
        at: Some(held.occurred_at),
        seen: Seen::Ourselves,
        received_at: now,
        origin: None,
        record: None,
    }
}
