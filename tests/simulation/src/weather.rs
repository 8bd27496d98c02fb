//! What becomes of a call to an AWS service: delays, and the faults whose turn it is.

use crate::core::Core;
use crate::faults::{Fault, Site};
use async_trait::async_trait;
use rtr_testkit::weather::{Fate, Op, Service, Weather};
use std::sync::Arc;

/// The weather of a history.
#[derive(Debug)]
pub struct Sky(pub Arc<Core>);

fn site(op: &Op) -> Site {
    match (op.service, op.name) {
        (Service::Records, "read" | "read_named") => Site::Read,
        (Service::Records, "write") => Site::Write,
        (Service::Records, "transact") => Site::Transact,
        (Service::Records, "waiting_for" | "due" | "parked") => Site::Index,
        (Service::Records, _) => Site::Body,
        (Service::Limits, "lease") => Site::Lease,
        (Service::Limits, "lanes_due") => Site::Index,
        (Service::Limits, _) => Site::Limit,
        (Service::Configs, _) => Site::Config,
        (Service::Secrets, "read") => Site::SecretRead,
        (Service::Secrets, _) => Site::SecretWrite,
        (Service::Queue, "set_visibility") => Site::Visibility,
        (Service::Queue, _) => Site::Send,
    }
}

/// The step as the report names it.
fn step(op: &Op) -> &'static str {
    match (op.service, op.name) {
        (Service::Secrets, "read") => "secret read",
        (Service::Secrets, _) => "secret write",
        (Service::Configs, _) => "configuration",
        (_, name) => name,
    }
}

#[async_trait]
impl Weather for Sky {
    async fn there(&self, op: Op) -> Fate {
        let core = &self.0;
        core.trace
            .note(core.kernel.now(), "aws", || format!("{} of {} (env {})", op.name, op.parts, core.env()));
        core.steps(core.env(), step(&op));
        core.kernel.sleep(core.kernel.draw(1..=8)).await;
        let of_a_table = matches!(op.service, Service::Records | Service::Limits | Service::Configs);
        let fate = match core.chance(site(&op)) {
            Some((fault, how)) => self.strike(&op, fault, how).await,
            None => Fate::Done,
        };
        let down =
            of_a_table && core.are_tables_down() || op.service == Service::Limits && core.are_limits_down();
        if op.service == Service::Configs && (down || fate != Fate::Done) {
            core.oracle().config_unread(core.kernel.now());
        }
        if !down {
            return fate;
        }
        // A table that is gone is found out by the client's own time limit.
        core.kernel.sleep(core.kernel.draw(100..=2_000)).await;
        Fate::NotDone
    }

    async fn back(&self, _: Op) {
        self.0.kernel.sleep(self.0.kernel.draw(0..=4)).await;
    }

    fn index_shows(&self, age_ms: i64) -> bool {
        age_ms >= self.0.index_stale_ms()
    }
}

impl Sky {
    async fn strike(&self, op: &Op, fault: Fault, how: u32) -> Fate {
        let core = &self.0;
        let fate = match fault {
            Fault::WriteAnswerLost | Fault::TransactAnswerLost | Fault::LeaseLost => Fate::AnswerLost,
            Fault::SecretWriteLost | Fault::LimitLost | Fault::SendLost => Fate::AnswerLost,
            Fault::BodyLost | Fault::VisibilityLost => Fate::AnswerLost,
            Fault::WriteSentTwice | Fault::TransactSentTwice => Fate::SentTwice,
            // Of one part alone nothing is left of "partly".
            Fault::WritePartly if op.parts < 2 => return Fate::Done,
            Fault::WritePartly => Fate::Partly(1 << (how as usize % op.parts)),
            Fault::LeaseHangs => {
                core.fire(fault);
                core.kernel.sleep(i64::from(how % 5_000)).await;
                return Fate::Done;
            }
            Fault::IndexStale => {
                core.set_index_stale(i64::from(how % 20_000));
                Fate::Done
            }
            _ => Fate::NotDone,
        };
        core.fire(fault);
        fate
    }
}
