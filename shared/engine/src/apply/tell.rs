//! Tells the internal system of a record's changes in their order, and keeps what it does not take yet.

use super::deliver::deliver;
use super::flow::{Flow, again};
use super::keep::{body_of, kept, write};
use super::known::Known;
use crate::report::{BatchReport, RecordLine};
use rtr_core::code::Code;
use rtr_core::config::OrgConfig;
use rtr_core::inbound::answer::Answer;
use rtr_core::inbound::ledger::{Ending, refused, unheard, waiting};
use rtr_core::inbound::{Delivery, Message};
use rtr_core::item::{Ended, Reason, SlotState};
use rtr_core::key::RecordKey;
use rtr_core::metric::Metric;
use rtr_core::time::Instant;

impl Flow<'_> {
    /// Tells of a change, or keeps it behind what waits: that may have been taken, and is told again as it was.
    pub(super) async fn hear(
        &self,
        known: &mut Known,
        config: &OrgConfig,
        delivery: Delivery,
        report: &mut BatchReport,
    ) -> Result<(), String> {
        let held = body_of(self.seams, &known.told).await?.unwrap_or_default();
        let waits = waiting(&known.told, &held);
        let Some(delivery) = unheard(&known.told, waits.as_ref(), delivery) else {
            report.count(Metric::Repeated, 1);
            return Ok(());
        };
        match waits {
            // Of what is gone, or is there again, nothing earlier counts.
            Some(earlier) if !delivery.deleted && !earlier.deleted => {
                report.count(Metric::Behind, 1);
                self.add(known, earlier.then(delivery)).await
            }
            _ => self.tell(known, config, delivery, 0, report).await,
        }
    }

    /// Keeps what waits as it is now, until it would have been told anyway.
    pub(super) async fn add(&self, known: &mut Known, waits: Delivery) -> Result<(), String> {
        let slot = known.told.slot.as_ref();
        let until = slot.map_or_else(|| self.seams.clock.now(), |slot| slot.not_before);
        let reason = slot.map_or_else(untold, |slot| slot.reason.clone());
        let version = waits.version;
        let message = Message::Delivery(Box::new(waits));
        let ending = kept(self.seams, &message, Some(version), Some(until), reason).await?;
        known.told = write(self.seams, self.work, &known.told, &ending, self.by).await?;
        Ok(())
    }

    /// Has looked at what is to be told after `delivery`, before that is written down as done.
    pub(super) async fn follow(
        &self,
        record: Option<&RecordKey>,
        delivery: &Delivery,
        report: &mut BatchReport,
    ) -> Result<(), String> {
        let Some(record) = record.filter(|_| !delivery.also.is_empty()) else { return Ok(()) };
        let notice = again(delivery, self.seams.clock.now());
        self.ask(record, &notice, delivery.also.clone(), report).await
    }

    /// Tells the internal system, for the first time or after so many tries, and then of what is behind that.
    pub(super) async fn tell(
        &self,
        known: &mut Known,
        config: &OrgConfig,
        delivery: Delivery,
        tries: u32,
        report: &mut BatchReport,
    ) -> Result<(), String> {
        let Some(way) = &config.inbound else {
            report.count(Metric::Skipped, 1);
            return self.end(known, &delivery, Ended::Skipped).await;
        };
        let owner = known.owner.as_ref().map(|(record, _)| record.clone());
        let mut next = Some((delivery, tries));
        while let Some((mut head, tries)) = next.take() {
            let (tries, target, deadline) = (tries.saturating_add(1), &way.target, self.deadline);
            let answer = deliver(self.seams, &self.ways, target, &head, tries, deadline).await;
            if let Answer::Later { until, why, .. } = answer {
                return self.keep(known, head, Some(until), Reason::new(Code::Untold, why), report).await;
            }
            self.follow(owner.as_ref(), &head, report).await?;
            head.also.clear();
            let rest = head.take_next();
            next = match answer {
                Answer::Refused { why } => {
                    let reason = Reason::new(Code::NotTaken, why);
                    let Some(rest) = rest else { return self.keep(known, head, None, reason, report).await };
                    // It is looked at anew after the others, which are not to be refused for it.
                    self.log(&head, Ended::Parked, Some(&reason));
                    let rest = rest.and_also(head.anew());
                    self.ended(known, &head, Ended::Parked, Some(rest)).await?
                }
                Answer::Conflict => {
                    report.count(Metric::Conflicts, 1);
                    self.log(&head, Ended::Superseded, None);
                    self.ended(known, &head, Ended::Superseded, rest).await?
                }
                Answer::Skipped => {
                    report.count(Metric::Skipped, 1);
                    self.ended(known, &head, Ended::Skipped, rest).await?
                }
                Answer::Done { .. } | Answer::Later { .. } => {
                    report.count(Metric::Delivered, 1);
                    self.ended(known, &head, Ended::Applied, rest).await?
                }
            }
            .map(|rest| (rest, 0));
        }
        Ok(())
    }

    pub(super) async fn end(
        &self,
        known: &mut Known,
        delivery: &Delivery,
        ended: Ended,
    ) -> Result<(), String> {
        self.ended(known, delivery, ended, None).await.map(drop)
    }

    /// Notes how `delivery` ended, and in the same write what is to be told next.
    async fn ended(
        &self,
        known: &mut Known,
        delivery: &Delivery,
        ended: Ended,
        next: Option<Delivery>,
    ) -> Result<Option<Delivery>, String> {
        let mut fields = delivery.fields.clone();
        // Nothing that was refused of a record matters once it is gone.
        if delivery.deleted {
            let held = body_of(self.seams, &known.told).await?.unwrap_or_default();
            fields.extend(refused(&known.told, &held).into_iter().flat_map(|refused| refused.anew()));
        }
        let behind = match &next {
            Some(next) => {
                let message = Message::Delivery(Box::new(next.clone()));
                let ending = kept(self.seams, &message, Some(next.version), None, untold()).await?;
                let Ending::Kept { body, .. } = ending else { return Ok(None) };
                Some((next.version, body))
            }
            None => None,
        };
        let digest = Some(delivery.digest());
        // What was offered was read for that; what is told of a linked record may be of before a look that waits.
        let looked = delivery.record_id.is_none();
        let ending = Ending::Told { version: delivery.version, fields, digest, looked, ended, next: behind };
        known.told = write(self.seams, self.work, &known.told, &ending, self.by).await?;
        Ok(next)
    }

    /// Has looked at once what waited to be looked at, since something else takes its place.
    async fn look_beside(
        &self,
        known: &Known,
        delivery: &Delivery,
        report: &mut BatchReport,
    ) -> Result<(), String> {
        match &known.owner {
            Some((record, _)) => {
                self.ask(record, &again(delivery, self.seams.clock.now()), Vec::new(), report).await
            }
            None => Ok(()),
        }
    }

    /// Keeps what could not be told, until then or for a person.
    pub(super) async fn keep(
        &self,
        known: &mut Known,
        delivery: Delivery,
        until: Option<Instant>,
        reason: Reason,
        report: &mut BatchReport,
    ) -> Result<(), String> {
        let ended = if until.is_some() { Ended::Parked } else { Ended::Dead };
        self.log(&delivery, ended, Some(&reason));
        report.count(ended.into(), 1);
        let held = body_of(self.seams, &known.told).await?.unwrap_or_default();
        // A look that waits is not for a person to see to; what it is to tell anew is, for it was refused before.
        let waits = known.told.slot.as_ref().is_some_and(|slot| slot.state == SlotState::Waiting);
        if until.is_none() && waits && matches!(Message::of(held.clone()), Ok(Message::Returned(_))) {
            self.look_beside(known, &delivery, report).await?;
        }
        let delivery = match (refused(&known.told, &held), Message::of(held)) {
            // What was refused may not be what others are refused for.
            (Some(earlier), _) if until.is_some() => delivery.and_also(earlier.anew()),
            (Some(earlier), _) => delivery.after(&earlier),
            (None, Ok(Message::Returned(back))) => delivery.and_also(back.anew),
            _ => delivery,
        };
        let version = delivery.version;
        let message = Message::Delivery(Box::new(delivery));
        let ending = kept(self.seams, &message, Some(version), until, reason).await?;
        known.told = write(self.seams, self.work, &known.told, &ending, self.by).await?;
        Ok(())
    }

    pub(super) fn log(&self, delivery: &Delivery, outcome: Ended, reason: Option<&Reason>) {
        RecordLine {
            trace: None,
            org_id: &self.work.connection.org_id,
            record_type: &delivery.record_type,
            record_id: delivery.record_id.as_deref().unwrap_or(""),
            connection: &self.work.connection.connection,
            version: delivery.version,
            outcome,
            code: reason.map(|reason| reason.code),
            message: reason.map_or("", |reason| &reason.message),
            field: reason.and_then(|reason| reason.field.as_deref()).unwrap_or(""),
            attempts: 0,
        }
        .log();
    }
}

fn untold() -> Reason {
    Reason::new(Code::Untold, Code::Untold.about())
}
