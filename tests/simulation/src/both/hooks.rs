//! What CRMs tell of their records' changes, people's and our own: late, twice, or not at all.

use super::{Happening, kind_of};
use crate::lambda::Happen;
use crate::mutants::Mutant;
use crate::network::{Flight, Purpose};
use crate::place::names;
use crate::scenario::Kind;
use crate::world::World;
use rtr_core::inbound::{Notice, Operation, Seen};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey};
use rtr_engine::seams::Outbound;
use rtr_sandbox::Change;

/// How late a webhook may be, in milliseconds.
const LATE_MS: i64 = 3_600_000;
impl World<'_> {
    /// The request that lands now, for the watch.
    pub(crate) fn note_flight(&mut self, flight: Option<&Flight>) {
        let now = self.core.kernel.now();
        let Some(both) = &mut self.both else { return };
        if let Some(flight) = flight.filter(|flight| flight.purpose == Purpose::Read) {
            both.watch.asks(now, flight);
        }
        both.flight = flight.map(|flight| (flight.env, flight.sent_at));
    }

    /// A record of a CRM was written by us.
    pub(crate) fn landed_both(&mut self, change: &Change) {
        let now = self.core.kernel.now();
        let Some(both) = &mut self.both else { return };
        let connection = ConnectionKey::new(&change.account, &change.provider);
        let (records, core) = (&self.records, &self.core);
        let item = |key: &RecordKey| records.item(&PairKey::new(key, &connection));
        let blurred = core.plan().fired().keys().any(|name| ["OldBuild", "ConfigChanges"].contains(name));
        let wrong = both.watch.landed(now, change, both.flight, &both.house.state(), item, blurred);
        for what in wrong {
            core.oracle().violate("I30", None, what);
        }
        let of = (&*change.provider, &*change.account, &*change.object, &*change.id);
        self.core.shape("HookOfOurs");
        self.hook(of, change.values.is_some(), "INTEGRATION");
    }

    /// A CRM tells of a change, or does not.
    pub(super) fn hook(&mut self, of: (&str, &str, &str, &str), there: bool, origin: &str) {
        let (provider, org, object, id) = of;
        let Some(both) = &mut self.both else { return };
        let (ways, core) = (both.story.ways, self.core.clone());
        both.hooks += 1;
        let number = both.hooks;
        let of_hundred = || u32::try_from(core.kernel.draw(0..=99)).unwrap_or(0);
        if of_hundred() < ways.lost {
            core.shape("HookLost");
            return;
        }
        let object = names(kind_of(object).unwrap_or(Kind::Contact), provider).0;
        let now = core.kernel.now();
        let notice = Notice {
            connection: ConnectionKey::new(org, provider),
            object: object.to_owned(),
            external_id: id.to_owned(),
            operation: if there { Operation::Upsert } else { Operation::Deleted },
            at: (provider == "hubspot").then_some(now),
            seen: Seen::Webhook,
            received_at: now,
            origin: Some(origin.to_owned()),
            record: None,
        };
        let send = || {
            let late = of_hundred() < ways.late;
            if late {
                core.shape("HookLate");
            }
            let delay = core.kernel.draw(if late { 0..=LATE_MS } else { 50..=3_000 });
            core.kernel.after(delay, Happen::Both(Happening::Hooks(Box::new(notice.clone()), number)));
        };
        send();
        if of_hundred() < ways.twice {
            core.shape("HookTwice");
            send();
        }
    }

    /// A webhook arrives: verified, and put on the queue.
    pub(super) fn hook_arrives(&mut self, notice: &Notice, number: u64) {
        let now = self.core.kernel.now();
        if self.drops_hook(notice) {
            return;
        }
        let notice = Notice { received_at: now, ..notice.clone() };
        self.core.trace.note(now, "hook", || {
            let ConnectionKey { org_id, connection } = &notice.connection;
            format!("{org_id} {connection} {} {} {:?}", notice.object, notice.external_id, notice.operation)
        });
        let message = Outbound {
            trace: None,
            body: notice.to_body().to_string(),
            group: notice.message_group(),
            deduplication_id: notice.deduplication_id(Some(&number.to_string())),
            lane: None,
        };
        self.queue.state().inbound.send(&message, now);
        self.look_at_queues();
    }

    /// Whether a planted bug drops a webhook that says that an integration made the change.
    fn drops_hook(&self, notice: &Notice) -> bool {
        let machine = notice.origin.as_deref() == Some("INTEGRATION");
        self.mutant == Some(Mutant::DropsMachines) && machine
    }
}
