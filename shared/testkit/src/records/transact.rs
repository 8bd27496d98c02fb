//! Writes that go with claims.

use super::{State, is_too_large};
use rtr_core::time::Instant;
use rtr_engine::seams::{ClaimChange, Unavailable, Write, Wrote};
use std::collections::HashSet;

impl State {
    pub(super) fn transact(&mut self, write: &Write, claims: &[ClaimChange], now: Instant) -> Wrote {
        self.transactions += 1;
        let me = &write.key.pk;
        let named = claims.iter().map(|(ClaimChange::Take(claim) | ClaimChange::Release(claim))| claim);
        if named.collect::<HashSet<_>>().len() < claims.len() {
            return Wrote::Failed(Unavailable("a transaction takes no item twice".to_owned()));
        }
        if is_too_large(&write.new) {
            return self.put(write, now);
        }
        let taken = claims.iter().find_map(|change| match change {
            ClaimChange::Take(claim) => self.claims.get(claim).filter(|owner| *owner != me).cloned(),
            ClaimChange::Release(_) => None,
        });
        let rev = self.items.get(&write.key).map_or(0, |(item, _)| item.rev);
        if rev != write.old.rev {
            return Wrote::Refused;
        }
        if let Some(owner) = taken {
            return Wrote::Owned(owner);
        }
        for change in claims {
            match change {
                ClaimChange::Take(claim) => {
                    self.claims.insert(claim.clone(), me.clone());
                }
                ClaimChange::Release(claim) => {
                    if self.claims.get(claim) == Some(me) {
                        self.claims.remove(claim);
                    }
                }
            }
        }
        self.put(write, now)
    }
}
