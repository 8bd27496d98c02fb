//! Offers a record of a CRM's that is nobody's to the internal system, and links it to the record that it makes of it.

use super::deliver::deliver;
use super::flow::{Flow, again};
use super::keep::{kept, write};
use super::known::Known;
use super::nobodys::Nobodys;
use crate::report::BatchReport;
use crate::seams::{Outbound, QueueName};
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::inbound::answer::Answer;
use rtr_core::inbound::ledger::Ending;
use rtr_core::inbound::{Delivery, Message, Notice, Offered, Operation, Returned, Seen};
use rtr_core::item::{Body, Ended, Item, Reason, SlotState};
use rtr_core::key::RecordKey;
use rtr_core::marks::Marks;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;

impl Flow<'_> {
    /// Offers the record, unless it is ours or none of the internal system's. A person may have asked what is `dead` to be told
    /// anew: where nothing is left to tell, that ends.
    pub(super) async fn offer(
        &self,
        known: &mut Known,
        config: &OrgConfig,
        notice: &Notice,
        dead: Option<&Delivery>,
        woken: bool,
        report: &mut BatchReport,
    ) -> Result<(), String> {
        let found = match self.look_closely(known, config, notice, report).await {
            Nobodys::Offer(delivery, _) if !woken && is_refused(&known.told, &delivery) => {
                report.count(Metric::Repeated, 1);
                return Ok(());
            }
            Nobodys::Offer(delivery, marks) => (delivery, marks),
            Nobodys::Nothing(counter) => {
                report.count(counter, 1);
                if let Some(dead) = dead {
                    // A person wants to know what became of it, and nothing is left to be told.
                    return self.end(known, dead, Ended::Skipped).await;
                }
                known.told = write(self.seams, self.work, &known.told, &Ending::Nothing, self.by).await?;
                return Ok(());
            }
            Nobodys::Elsewhere(id) => {
                self.announce(notice, id).await?;
                known.told = write(self.seams, self.work, &known.told, &Ending::Nothing, self.by).await?;
                return Ok(());
            }
            Nobodys::Kept(until, reason) => {
                report.count(if until.is_some() { Metric::Parked } else { Metric::Dead }, 1);
                let offered = offered_before(&known.told);
                if let Some(until) = until.filter(|_| offered.as_ref().is_some_and(|one| one.unsure)) {
                    self.keep_open(until).await?;
                }
                let message = returned(notice.clone(), offered, until, reason.clone());
                let ending = kept(self.seams, &message, None, until, reason).await?;
                known.told = write(self.seams, self.work, &known.told, &ending, self.by).await?;
                return Ok(());
            }
        };
        let (delivery, marks) = found;
        self.offered(known, config, *delivery, marks, report).await
    }

    /// While it is offered, no record is made at this CRM that could be the one that the internal system makes of it.
    async fn offered(
        &self,
        known: &mut Known,
        config: &OrgConfig,
        delivery: Delivery,
        marks: Marks,
        report: &mut BatchReport,
    ) -> Result<(), String> {
        let Some(way) = &config.inbound else { return Ok(()) };
        let (seams, connection) = (self.seams, &self.work.connection);
        let tries = known.told.slot.as_ref().map_or(0, |slot| slot.attempts).saturating_add(1);
        self.keep_open(seams.clock.now()).await?;
        let answer = deliver(seams, &self.ways, &way.target, &delivery, tries, self.deadline).await;
        let was_unsure = offered_before(&known.told).is_some_and(|one| one.unsure);
        let unsure = match &answer {
            Answer::Later { unsure, .. } => *unsure || was_unsure,
            Answer::Refused { .. } => was_unsure,
            Answer::Done { .. } | Answer::Conflict | Answer::Skipped => false,
        };
        let ended = match answer {
            Answer::Done { record_id: Some(record_id) } => {
                report.count(Metric::Offered, 1);
                match self.link(&delivery, &record_id, marks, report).await? {
                    None => {
                        let record = RecordKey::new(&connection.org_id, &delivery.record_type, &record_id);
                        self.follow(Some(&record), &delivery, report).await?;
                        self.end(known, &delivery, Ended::Applied).await
                    }
                    Some(reason) => self.keep_notice(known, (&delivery, false), None, reason, report).await,
                }
            }
            Answer::Done { record_id: None } => {
                report.count(Metric::Offered, 1);
                self.end(known, &delivery, Ended::Applied).await
            }
            Answer::Conflict | Answer::Skipped => {
                report.count(Metric::Skipped, 1);
                self.end(known, &delivery, Ended::Skipped).await
            }
            Answer::Later { until, why, .. } => {
                // It is looked at again then: it may be linked, or gone.
                if unsure {
                    self.keep_open(until).await?;
                }
                let reason = Reason::new(Code::Untold, why);
                self.keep_notice(known, (&delivery, unsure), Some(until), reason, report).await
            }
            Answer::Refused { why } => {
                let reason = Reason::new(Code::NotTaken, why);
                self.keep_notice(known, (&delivery, unsure), None, reason, report).await
            }
        };
        // What is not closed ends by itself; what was not answered may have been taken, and stays open as long.
        if ended.is_ok() && !unsure {
            let _ = seams.limits.close_offers(connection, &[self.name()]).await;
        }
        ended
    }

    /// Until then, and as long as a try at that time may take, nothing is made at this CRM that could be this record.
    async fn keep_open(&self, until: Instant) -> Result<(), String> {
        let until = until.plus_ms(self.ways.settings.visibility_ms + self.ways.settings.timeout_ms);
        let opened = self.seams.limits.open_offers(&self.work.connection, &[self.name()], until).await;
        opened.map_err(|error| error.0)
    }

    /// The offer's name in its connection.
    fn name(&self) -> String {
        format!("{}#{}", self.work.object, self.work.external_id)
    }

    async fn keep_notice(
        &self,
        known: &mut Known,
        (delivery, unsure): (&Delivery, bool),
        until: Option<Instant>,
        reason: Reason,
        report: &mut BatchReport,
    ) -> Result<(), String> {
        let ended = if until.is_some() { Ended::Parked } else { Ended::Dead };
        self.log(delivery, ended, Some(&reason));
        report.count(ended.into(), 1);
        let notice = again(delivery, self.seams.clock.now());
        let message = returned(notice, Some(Offered { unsure, ..delivery.offered() }), until, reason.clone());
        let ending = kept(self.seams, &message, Some(delivery.version), until, reason).await?;
        known.told = write(self.seams, self.work, &known.told, &ending, self.by).await?;
        Ok(())
    }

    async fn announce(&self, notice: &Notice, external_id: String) -> Result<(), String> {
        let operation = Operation::Upsert;
        let notice = Notice { external_id, operation, seen: Seen::Ourselves, record: None, ..notice.clone() };
        let message = Outbound {
            trace: None,
            group: notice.message_group(),
            deduplication_id: notice.deduplication_id(None),
            body: notice.to_body().to_string(),
            lane: None,
        };
        match self.seams.queue.send(QueueName::Inbound, &[message]).await.into_iter().next() {
            Some(Err(error)) => Err(error.0),
            _ => Ok(()),
        }
    }
}

/// What was offered of it and not answered.
pub(super) fn offered_before(told: &Item) -> Option<Offered> {
    match &told.slot.as_ref()?.body {
        Body::Inline(body) => match Message::of(body.clone()) {
            Ok(Message::Returned(back)) => back.offered,
            _ => None,
        },
        Body::Stored(_) => None,
    }
}

/// Whether `delivery` was offered as it is, and a person is to see to it.
fn is_refused(told: &Item, delivery: &Delivery) -> bool {
    let dead = told.slot.as_ref().is_some_and(|slot| slot.state == SlotState::Dead);
    dead && offered_before(told).is_some_and(|one| one.digest == delivery.offered().digest)
}

/// A look that waits, or that a person is to see to.
fn returned(notice: Notice, offered: Option<Offered>, until: Option<Instant>, reason: Reason) -> Message {
    let notice = Notice { record: None, ..notice };
    Message::Returned(Box::new(Returned { notice, anew: Vec::new(), offered, until, reason }))
}
