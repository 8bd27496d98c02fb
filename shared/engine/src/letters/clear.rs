//! Frees the place where a dead letter lies: one compare-and-set, and a stored body goes only after it.

use super::decision::{Seen, dropped};
use super::letter::Letter;
use crate::seams::{Seams, Unavailable, Write, Wrote};
use rtr_core::item::Item;

/// Times a refused write is decided anew.
const ROUNDS: usize = 4;

/// What became of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cleared {
    /// It is free.
    Done,
    /// Something else lies there by now.
    Gone,
    /// Nobody knows.
    Failed(Unavailable),
}

/// Frees the place where `letter` lies, if what was `seen` still lies there; `item` is what was read.
pub async fn clear(seams: &Seams<'_>, letter: &Letter, mut item: Item, seen: Seen) -> Cleared {
    let by = format!("rtr#{}", seams.clock.nonce());
    for _ in 0..ROUNDS {
        // A write whose answer was lost may have landed, and was refused the second time.
        if item.by == by {
            return Cleared::Done;
        }
        let next = dropped(&item, seen, letter.kind(), &by, seams.clock.now());
        let Some(new) = next else { return Cleared::Gone };
        let write = Write { key: letter.key.clone(), names: letter.names(), old: item, new };
        match seams.records.write(std::slice::from_ref(&write)).await.into_iter().next() {
            Some(Wrote::Done) => {
                if let Some(body) = write.old.stored_body() {
                    // A failure only wastes space.
                    let _ = seams.records.delete_body(body).await;
                }
                return Cleared::Done;
            }
            Some(Wrote::Failed(error)) => return Cleared::Failed(error),
            _ => match seams.records.read(std::slice::from_ref(&letter.key)).await {
                Ok(mut found) => item = found.remove(&letter.key).unwrap_or_default(),
                Err(error) => return Cleared::Failed(error),
            },
        }
    }
    Cleared::Failed(Unavailable("the item kept changing".to_owned()))
}
