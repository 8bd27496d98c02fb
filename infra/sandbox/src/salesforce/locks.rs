//! Row locks: writing a child takes its parent's lock for as long as the write goes on. A call that wants a
//! lock another call still has is refused, item by item.

use super::access::Context;
use super::errors::Fail;
use std::collections::BTreeMap;

/// Who has which lock, and until when.
#[derive(Debug, Clone, Default)]
pub(super) struct Locks {
    /// How long one child's write goes on, in milliseconds; 0 is no time at all.
    pub(super) hold_ms: i64,
    held: BTreeMap<String, Held>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    serial: u64,
    until: i64,
}

impl Locks {
    /// Takes the locks of the parents for this call, or none of them. The record's own must be free too.
    pub(super) fn take(
        &mut self,
        mut parents: Vec<String>,
        own: &str,
        context: &Context,
    ) -> Result<(), Fail> {
        if self.hold_ms == 0 {
            return Ok(());
        }
        parents.sort();
        parents.dedup();
        let taken = |id: &&str| {
            self.held.get(*id).is_some_and(|held| held.serial != context.serial && held.until > context.now)
        };
        if let Some(id) = parents.iter().map(String::as_str).chain([own]).find(taken) {
            let message = format!("unable to obtain exclusive access to this record or 1 records: {id}");
            return Err(Fail::bad("UNABLE_TO_LOCK_ROW", message).fields(Vec::new()));
        }
        for id in parents {
            let held = self.held.entry(id).or_insert(Held { serial: context.serial, until: context.now });
            if held.serial != context.serial {
                *held = Held { serial: context.serial, until: context.now };
            }
            held.until += self.hold_ms;
        }
        Ok(())
    }

    /// Lets go of what has run out, and gives how long this call's own writes go on.
    pub(super) fn settle(&mut self, serial: u64, now: i64) -> u64 {
        self.held.retain(|_, held| held.until > now);
        let own = self.held.values().filter(|held| held.serial == serial).map(|held| held.until - now);
        own.max().and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0)
    }
}
