//! Writes what became of a CRM's record for the internal system.

use super::intake::Work;
use crate::seams::{Names, Seams, Write, Wrote};
use crate::work::commit::store_body;
use rtr_core::inbound::ledger::{Ending, refused, settle, waiting};
use rtr_core::inbound::{Delivery, Message, Notice, Returned};
use rtr_core::item::{Body, Item, Reason, SlotState};
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::time::Instant;
use serde_json::Value;

/// Times a refused write is decided anew.
const MAX_ROUNDS: usize = 6;

/// Writes `ending` over the item as last read, or over what stands there by then; the item as it is now.
///
/// # Errors
/// Why nothing could be written, in words.
pub(super) async fn write(
    seams: &Seams<'_>,
    work: &Work,
    item: &Item,
    ending: &Ending,
    by: &str,
) -> Result<Item, String> {
    let of = External { connection: &work.connection, object: &work.object, id: &work.external_id };
    of.write(seams, item.clone(), ending, by).await
}

/// A record of a CRM.
pub(crate) struct External<'a> {
    pub(crate) connection: &'a ConnectionKey,
    pub(crate) object: &'a str,
    pub(crate) id: &'a str,
}

impl External<'_> {
    async fn write(
        &self,
        seams: &Seams<'_>,
        mut item: Item,
        ending: &Ending,
        by: &str,
    ) -> Result<Item, String> {
        for _ in 0..MAX_ROUNDS {
            match self.write_once(seams, item, ending, by).await? {
                Some(written) => return Ok(written),
                // What is to be kept was made of what was kept then: it is made anew of what is kept now.
                None if keeps(ending) => return Err("what is kept of it has changed meanwhile".to_owned()),
                None => item = self.read(seams).await?,
            }
        }
        Err("the item kept changing".to_owned())
    }

    /// The item as written; none when something else was written meanwhile.
    async fn write_once(
        &self,
        seams: &Seams<'_>,
        item: Item,
        ending: &Ending,
        by: &str,
    ) -> Result<Option<Item>, String> {
        let now = seams.clock.now();
        let Some(new) = settle(&item, self.object, self.id, ending.clone(), by, now) else {
            return Ok(Some(item));
        };
        let write = Write { key: self.key(), names: self.names(), old: item, new };
        match seams.records.write(std::slice::from_ref(&write)).await.into_iter().next() {
            Some(Wrote::Done) => {
                if let Some(body) =
                    write.old.stored_body().filter(|body| write.new.stored_body() != Some(body))
                {
                    let _ = seams.records.delete_body(body).await;
                }
                Ok(Some(write.new))
            }
            Some(Wrote::Failed(error)) => Err(error.0),
            _ => Ok(None),
        }
    }

    async fn read(&self, seams: &Seams<'_>) -> Result<Item, String> {
        let key = self.key();
        let found = seams.records.read(std::slice::from_ref(&key)).await.map_err(|error| error.0)?;
        Ok(found.get(&key).cloned().unwrap_or_default())
    }

    fn key(&self) -> PairKey {
        PairKey::inbound(self.connection, self.object, self.id)
    }

    fn names(&self) -> Names {
        Names {
            org_id: Some(self.connection.org_id.clone()),
            connection: Some(self.connection.connection.clone()),
            record_type: Some(self.object.to_owned()),
            record_id: Some(self.id.to_owned()),
        }
    }
}

/// Whether `ending` puts something in the place of what is kept.
fn keeps(ending: &Ending) -> bool {
    matches!(ending, Ending::Kept { .. } | Ending::Told { next: Some(_), .. })
}

/// What is kept of `message`, until then or for a person.
///
/// # Errors
/// When its body could not be stored.
pub(super) async fn kept(
    seams: &Seams<'_>,
    message: &Message,
    version: Option<u64>,
    until: Option<Instant>,
    reason: Reason,
) -> Result<Ending, String> {
    let (connection, object, id) = message.about();
    let key = PairKey::inbound(connection, object, id);
    let body = store_body(seams, &key.pk, &message.to_body()).await?;
    Ok(Ending::Kept { version, body, until, reason })
}

/// What `item` keeps, read.
///
/// # Errors
/// When its body lies elsewhere and could not be read.
pub(super) async fn body_of(seams: &Seams<'_>, item: &Item) -> Result<Option<Value>, String> {
    match item.slot.as_ref().map(|slot| &slot.body) {
        None => Ok(None),
        Some(Body::Inline(body)) => Ok(Some(body.clone())),
        Some(Body::Stored(key)) => {
            let bytes = seams.records.body(key).await.map_err(|error| error.0)?;
            Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
        }
    }
}

/// Files what the queue gave up of a record's way back as a dead letter of that record.
///
/// # Errors
/// Why it could not be filed.
pub(crate) async fn file(
    seams: &Seams<'_>,
    message: Message,
    reason: Reason,
    by: &str,
) -> Result<(), String> {
    let (version, kept_as) = match message {
        // What was kept is where it was.
        Message::Wake(_) | Message::Overwritten(_) => return Ok(()),
        Message::Returned(back) => (None, Message::Returned(back)),
        Message::Delivery(delivery) => (Some(delivery.version), Message::Delivery(delivery)),
        Message::Notice(notice) => {
            let notice = Notice { record: None, ..notice };
            let back =
                Returned { notice, anew: Vec::new(), offered: None, until: None, reason: reason.clone() };
            (None, Message::Returned(Box::new(back)))
        }
    };
    let (connection, object, id) = kept_as.about();
    let of = External { connection, object, id };
    for _ in 0..MAX_ROUNDS {
        let item = of.read(seams).await?;
        let held = body_of(seams, &item).await?.unwrap_or_default();
        let ending = match (beside(&item, &held, &kept_as), &item.slot) {
            (Beside::Nothing, _) => return Ok(()),
            (Beside::Waits(message), Some(slot)) => {
                let (version, until) = (slot.wanted_version, slot.not_before);
                kept(seams, &message, Some(version), Some(until), slot.reason.clone()).await?
            }
            (Beside::Dead(message) | Beside::Waits(message), _) => {
                kept(seams, &message, version, None, reason.clone()).await?
            }
        };
        if of.write_once(seams, item, &ending, by).await?.is_some() {
            return Ok(());
        }
    }
    Err("the item kept changing".to_owned())
}

/// What becomes of what is kept already.
enum Beside {
    /// It is known, or will be found by the look that follows what waits.
    Nothing,
    /// It waits, and what is filed with it.
    Waits(Message),
    /// What is filed is dead, and what was dead before with it.
    Dead(Message),
}

/// Whether a look is what waits.
fn is_look(item: &Item, held: &Value) -> bool {
    let waits = item.slot.as_ref().is_some_and(|slot| slot.state == SlotState::Waiting);
    waits && matches!(Message::of(held.clone()), Ok(Message::Returned(_)))
}

/// What waits to be told is not lost to what the queue gave up beside it, nor is what was refused.
fn beside(item: &Item, held: &Value, filed: &Message) -> Beside {
    let told = |delivery: Delivery| Message::Delivery(Box::new(delivery));
    let waits = waiting(item, held);
    let is_known = |later: &Delivery| match &waits {
        Some(waits) if waits.all().any(|one| one.version >= later.version && one.says(later)) => true,
        _ => {
            // An older one than what is known may have been overtaken, and never told.
            item.applied_version == Some(later.version) && item.applied_hash.as_ref() == Some(&later.digest())
        }
    };
    match (waits.clone(), refused(item, held), filed) {
        (_, _, Message::Delivery(later)) if is_known(later) => Beside::Nothing,
        // Newer ones are behind what waits: what it says is looked at after them, whatever they say.
        (Some(mut waits), _, Message::Delivery(later)) if later.version <= waits.newest() => {
            waits.also.extend(later.anew());
            waits.also.sort();
            waits.also.dedup();
            Beside::Waits(told(waits))
        }
        (Some(_), _, Message::Returned(back)) if back.anew.is_empty() => Beside::Nothing,
        (Some(waits), _, Message::Returned(back)) => Beside::Waits(told(waits.and_also(back.anew.clone()))),
        (Some(waits), _, Message::Delivery(later)) if !waits.deleted && !later.deleted => {
            Beside::Waits(told(waits.then((**later).clone())))
        }
        (_, Some(dead), Message::Returned(back)) => {
            let anew = [back.anew.clone(), dead.anew()].concat();
            Beside::Dead(Message::Returned(Box::new(Returned { anew, ..(**back).clone() })))
        }
        (_, Some(dead), Message::Delivery(later)) => Beside::Dead(told((**later).clone().after(&dead))),
        // A look that waits finds what it says.
        (None, None, Message::Delivery(later)) if is_look(item, held) => match Message::of(held.clone()) {
            Ok(Message::Returned(mut back)) => {
                back.anew.extend(later.anew());
                Beside::Waits(Message::Returned(back))
            }
            _ => Beside::Dead(filed.clone()),
        },
        _ => Beside::Dead(filed.clone()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;
    use rtr_core::code::Code;
    use rtr_core::item::Ended;
    use serde_json::json;

    fn delivery(version: u64, field: &str, value: &str) -> Delivery {
        Delivery {
            connection: ConnectionKey::new("acme", "hubspot"),
            object: "contacts".to_owned(),
            external_id: "7".to_owned(),
            record_type: "contact".to_owned(),
            record_id: Some("c-1".to_owned()),
            version,
            deleted: false,
            merged_into: None,
            changed: vec![field.to_owned()],
            fields: vec![field.to_owned()],
            data: json!({ field: value }),
            occurred_at: Instant(0),
            also: Vec::new(),
            behind: Vec::new(),
        }
    }

    fn message(delivery: &Delivery) -> Message {
        Message::Delivery(Box::new(delivery.clone()))
    }

    /// The item once `delivery` was told, and with `waits` kept, if anything is.
    fn item(told: Option<&Delivery>, waits: Option<&Delivery>) -> (Item, Value) {
        let mut item = Item::default();
        if let Some(told) = told {
            let (version, digest, ended) = (told.version, Some(told.digest()), Ended::Applied);
            let ending =
                Ending::Told { version, fields: Vec::new(), digest, looked: false, ended, next: None };
            item = settle(&item, "contacts", "7", ending, "me", Instant(1)).unwrap_or_default();
        }
        let Some(waits) = waits else { return (item, Value::Null) };
        let (body, reason) = (message(waits).to_body(), Reason::new(Code::Untold, "later"));
        let (version, until) = (Some(waits.version), Some(Instant(9)));
        let ending = Ending::Kept { version, body: Body::Inline(body.clone()), until, reason };
        (settle(&item, "contacts", "7", ending, "me", Instant(2)).unwrap_or_default(), body)
    }

    #[test]
    fn given_what_the_queue_gave_up_when_a_later_one_was_told_before_it_then_it_is_a_letter_and_a_repeat_is_none()
     {
        let (earlier, later) = (delivery(150, "f", "1"), delivery(200, "g", "2"));
        let (item, held) = item(Some(&later), None);
        assert!(matches!(beside(&item, &held, &message(&earlier)), Beside::Dead(_)), "nobody told it");
        assert!(matches!(beside(&item, &held, &message(&later)), Beside::Nothing));
    }

    #[test]
    fn given_what_the_queue_gave_up_when_others_wait_then_none_of_them_is_lost_and_it_is_looked_at_after_them()
     {
        let waits = delivery(100, "f", "0").then(delivery(200, "g", "2"));
        let (item, held) = item(None, Some(&waits));
        let Beside::Waits(Message::Delivery(now)) = beside(&item, &held, &message(&delivery(150, "f", "1")))
        else {
            panic!("it waits with the others")
        };
        assert_eq!((now.also.clone(), now.all().count()), (vec!["f".to_owned()], 2));
        let Beside::Waits(Message::Delivery(now)) = beside(&item, &held, &message(&delivery(300, "f", "3")))
        else {
            panic!("it waits behind the others")
        };
        assert_eq!(now.newest(), 300);
        assert!(matches!(beside(&item, &held, &message(&delivery(200, "g", "2"))), Beside::Nothing));
    }
}
