//! What reaches the internal system, and whether it had to be told.

use super::watch::Idle;
use crate::world::World;
use rtr_core::key::RecordKey;

impl World<'_> {
    /// A parcel reaches the internal system.
    pub(super) fn reaches_house(&mut self, number: u64) {
        let now = self.core.kernel.now();
        let Some(both) = &mut self.both else { return };
        let Some((flight, taken)) = both.house.arrive(number) else { return };
        self.core.trace.note(now, "house", || match &taken {
            Some(taken) => format!("#{number} {} {} repeat {}", taken.status, taken.body, taken.repeat),
            None => format!("#{number} {:?} (env {})", flight.refused(), flight.env()),
        });
        let mut event = None;
        if flight.refused() == Some(422) {
            both.watch.refused(flight.body());
        }
        if let Some(taken) = &taken {
            let what = match both.watch.told(now, taken) {
                // The build before this one forgets what both sides had, so that it is told anew.
                Some(_) if self.core.plan().fired().contains_key("OldBuild") => None,
                Some(Idle::Change(what) | Idle::OwnWrite(what)) => Some(what),
                // What nothing has gone wrong with is told once.
                Some(Idle::Nothing(what)) => {
                    let is_calm = self.core.plan().fired_of_plan() == 0;
                    self.core.shape("ToldAgain");
                    is_calm.then_some(what)
                }
                None => None,
            };
            if let Some(what) = what {
                self.core.oracle().violate("I6", None, what);
            }
            event = taken.event.clone();
        }
        both.house.answer(flight, taken.as_ref());
        if let Some(event) = event {
            let part = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            let key = RecordKey::new(part("org_id"), part("record_type"), part("record_id"));
            self.publish(&key, &event);
        }
    }
}
