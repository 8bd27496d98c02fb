//! Somebody gives parked work up, as `rtr parked drop` does: marked by a person, ended by the lane.

use crate::faults::Fault;
use crate::lambda::Happen;
use crate::scenario::Kind;
use crate::world::World;
use rtr_core::item::{Item, SlotState};
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::parked::{Act, Seen, give_up};
use rtr_engine::seams::Names;

/// With nothing parked a person looks again after this, in milliseconds.
const LOOKS_MS: i64 = 20_000;
/// And so often at the most: by then the history is over.
const LOOKS: u32 = 60;

impl World<'_> {
    /// Drops one of the versions that are parked; with none, looks again later. The looks so far stand in the low bits.
    pub(crate) fn drop_parked(&mut self, how: u32) {
        let (looks, which) = (how % (LOOKS + 1), how / (LOOKS + 1));
        let parked: Vec<PairKey> = {
            let state = self.records.state();
            // Who refers to what never comes looks for it day by day.
            let is_free = |item: &Item, names: &Names| {
                let parked = item.slot.as_ref().is_some_and(|slot| slot.state == SlotState::Parked);
                parked && names.record_type.as_deref() != Some(Kind::Company.name())
            };
            let free = state.items.iter().filter(|(_, (item, names))| is_free(item, names));
            free.map(|(key, _)| key.clone()).collect()
        };
        let Some(key) = parked.get(which as usize % parked.len().max(1)) else {
            if looks < LOOKS {
                self.core.kernel.after(LOOKS_MS, Happen::Strikes(Fault::SomebodyDrops, how + 1));
            }
            return;
        };
        let connection = {
            let mut state = self.records.state();
            let Some((item, names)) = state.items.get_mut(key) else { return };
            let Some(slot) = &item.slot else { return };
            let Act::Write(marked) = give_up(item, Seen::of(slot), "a person") else { return };
            *item = *marked;
            ConnectionKey::new(
                names.org_id.clone().unwrap_or_default(),
                names.connection.clone().unwrap_or_default(),
            )
        };
        self.core.fire(Fault::SomebodyDrops);
        let now = self.core.kernel.now();
        self.core.trace.note(now, "people", || format!("drop what is parked of {key:?}"));
        self.want_lane(&connection);
    }

    /// A lane is to be looked at: what a person's tool asks for directly.
    fn want_lane(&self, connection: &ConnectionKey) {
        let now = self.core.kernel.now();
        let mut state = self.limits.state();
        let lane = state.lanes.entry(connection.clone()).or_default();
        if let Some(wanted) = lane.want(now, now) {
            *lane = wanted;
        }
    }
}
