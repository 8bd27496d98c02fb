//! What is kept of a CRM's record that the internal system is told of, and what is written when. Pure.
//!
//! It is an ordinary item, beside the claim on the record: the newest version that the internal system knows of, and the one
//! that it could not be told yet, or never will without a person. So it is found, woken and shown like every other.

use super::delivery::Delivery;
use super::message::Message;
use crate::code::Code;
use crate::item::{Body, Ended, Item, Reason, Slot, SlotState, Waits};
use crate::time::Instant;
use serde_json::Value;

/// How a try ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The internal system knows, or does not want to.
    Told {
        /// The version.
        version: u64,
        /// The CRM's names of what it was told of.
        fields: Vec<String>,
        /// A digest of the values.
        digest: Option<String>,
        /// Whether the CRM's record was read for it, so that no look at it has to wait any more.
        looked: bool,
        /// How.
        ended: Ended,
        /// What is to be told next, and its version.
        next: Option<(u64, Body)>,
    },
    /// It could not be told, or the CRM could not be asked.
    Kept {
        /// The version; that of what is kept, where nobody knows a newer one.
        version: Option<u64>,
        /// What is to be done then: a message of `inbound.fifo`, or where it lies.
        body: Body,
        /// When; none: when a person says so.
        until: Option<Instant>,
        /// Why.
        reason: Reason,
    },
    /// A version was written over what was not taken of these properties, by the CRM's names: it need not be told any more.
    Overwritten {
        /// The properties.
        fields: Vec<String>,
    },
    /// There was nothing to tell.
    Nothing,
}

/// What is written of `ending`; none when nothing needs to be.
#[must_use]
pub fn settle(
    item: &Item,
    object: &str,
    external_id: &str,
    ending: Ending,
    by: &str,
    now: Instant,
) -> Option<Item> {
    let next = Item { rev: item.rev + 1, by: by.to_owned(), ..item.clone() };
    match ending {
        Ending::Told { version, fields, digest, looked, ended, next: behind } => {
            let newest = item.applied_version.map_or(version, |known| known.max(version));
            let slot = match behind {
                Some((version, body)) => Some(Slot {
                    trace: None,
                    wanted_version: version,
                    mapping_revision: 0,
                    state: SlotState::Waiting,
                    deleted: false,
                    body,
                    reason: Reason::new(Code::Untold, Code::Untold.about()),
                    since: item.slot.as_ref().map_or(now, |slot| slot.since),
                    not_before: now,
                    attempts: 0,
                    waits: Some(Waits {
                        record_type: object.to_owned(),
                        record_id: external_id.to_owned(),
                        look_at: now,
                    }),
                    backfill: false,
                    occurred_at: None,
                }),
                None => item.slot.clone().and_then(|slot| left(slot, (version, looked), &fields)),
            };
            // Of an older one the digest is no use.
            let digest = digest.filter(|_| newest == version).or_else(|| item.applied_hash.clone());
            let told = Item { applied_version: Some(newest), applied_hash: digest, slot, ..next };
            Some(told.noting(ended, version, now, None))
        }
        Ending::Kept { version, body, until, reason } => {
            let held = item.slot.as_ref();
            let version = version.or_else(|| held.map(|slot| slot.wanted_version)).unwrap_or(0);
            let code = reason.code;
            // What only has more laid behind it was not tried.
            let is_same = held.is_some_and(|slot| {
                slot.wanted_version == version
                    && until == Some(slot.not_before)
                    && slot.state == SlotState::Waiting
            });
            let slot = Slot {
                trace: None,
                wanted_version: version,
                mapping_revision: 0,
                state: if until.is_some() { SlotState::Waiting } else { SlotState::Dead },
                deleted: false,
                body,
                reason,
                since: held.map_or(now, |slot| slot.since),
                not_before: until.unwrap_or(Instant(0)),
                attempts: held.map_or(0, |slot| slot.attempts).saturating_add(u32::from(!is_same)),
                waits: until.map(|look_at| Waits {
                    record_type: object.to_owned(),
                    record_id: external_id.to_owned(),
                    look_at,
                }),
                backfill: false,
                occurred_at: None,
            };
            let ended = if until.is_some() { Ended::Parked } else { Ended::Dead };
            Some(Item { slot: Some(slot), ..next }.noting(ended, version, now, Some(code)))
        }
        Ending::Overwritten { fields } => {
            let dead =
                item.slot.clone().filter(|slot| slot.state == SlotState::Dead && has(slot, &fields))?;
            let version = dead.wanted_version;
            Some(Item { slot: left(dead, (version, false), &fields), ..next }.noting(
                Ended::Skipped,
                version,
                now,
                None,
            ))
        }
        Ending::Nothing => {
            // What waited to be looked at was looked at; what a delivery left behind stays.
            let waited = item.slot.as_ref().is_some_and(|slot| !holds_delivery(slot));
            waited.then_some(Item { slot: None, ..next })
        }
    }
}

/// Whether `slot` keeps any of `fields` to be told.
fn has(slot: &Slot, fields: &[String]) -> bool {
    let Body::Inline(body) = &slot.body else { return false };
    let kept = match Message::of(body.clone()) {
        Ok(Message::Delivery(delivery)) => delivery.anew(),
        Ok(Message::Returned(back)) => back.anew,
        _ => Vec::new(),
    };
    kept.iter().any(|name| fields.contains(name))
}

/// What stays of `slot`, when `fields` were told as `version`: a dead one as far as it is of other fields.
fn left(slot: Slot, (version, looked): (u64, bool), fields: &[String]) -> Option<Slot> {
    let Body::Inline(body) = &slot.body else {
        return Some(slot).filter(|slot| slot.state == SlotState::Dead);
    };
    let mut delivery = match Message::of(body.clone()) {
        Ok(Message::Delivery(delivery)) => delivery,
        Ok(Message::Returned(mut back)) => {
            let had = back.anew.len();
            back.anew.retain(|name| !fields.contains(name));
            // A look that waits is of what came after this, unless this was a look at all that there is.
            let stays = match (looked, slot.state) {
                (true, _) => slot.wanted_version > version || !back.anew.is_empty(),
                (false, SlotState::Dead) if had == 0 => {
                    slot.reason.field.as_ref().is_none_or(|field| !fields.contains(field))
                }
                (false, SlotState::Dead) => !back.anew.is_empty(),
                (false, _) => true,
            };
            return stays.then(|| Slot { body: Body::Inline(Message::Returned(back).to_body()), ..slot });
        }
        _ => return Some(slot).filter(|slot| slot.wanted_version > version),
    };
    delivery.fields.retain(|name| !fields.contains(name));
    delivery.also.retain(|name| !fields.contains(name));
    let nothing = delivery.fields.is_empty() && delivery.also.is_empty();
    if nothing || slot.state != SlotState::Dead {
        return None;
    }
    Some(Slot { body: Body::Inline(Message::Delivery(delivery).to_body()), ..slot })
}

fn holds_delivery(slot: &Slot) -> bool {
    match &slot.body {
        Body::Inline(body) => body.get("deliver").is_some(),
        Body::Stored(_) => true,
    }
}

/// What `item` keeps to be told, in `body`, if it waits.
#[must_use]
pub fn waiting(item: &Item, body: &Value) -> Option<Delivery> {
    kept_in(item, SlotState::Waiting, body)
}

/// What `item` keeps in `body` that the internal system did not take.
#[must_use]
pub fn refused(item: &Item, body: &Value) -> Option<Delivery> {
    kept_in(item, SlotState::Dead, body)
}

fn kept_in(item: &Item, state: SlotState, body: &Value) -> Option<Delivery> {
    item.slot.as_ref().filter(|slot| slot.state == state)?;
    match Message::of(body.clone()) {
        Ok(Message::Delivery(delivery)) => Some(*delivery),
        _ => None,
    }
}

/// Whether a version that the CRM has told of is known already.
#[must_use]
pub fn is_known(item: &Item, version: u64) -> bool {
    item.applied_version.is_some_and(|known| known >= version)
}

/// `delivery`, unless it was told or waits already. Another one of a version that is known is of a later change within one stamp,
/// which nobody had noted when the version was drawn: it gets the next.
#[must_use]
pub fn unheard(item: &Item, waits: Option<&Delivery>, mut delivery: Delivery) -> Option<Delivery> {
    let same = match waits.and_then(|waits| waits.of_version(delivery.version)) {
        Some(held) => held.says(&delivery) || held.is_more_than(&delivery),
        None if item.applied_version == Some(delivery.version) => {
            item.applied_hash.as_ref().is_none_or(|known| *known == delivery.digest())
        }
        None if is_known(item, delivery.version) => true,
        None => return Some(delivery),
    };
    // It was given a later one before.
    let version = delivery.version;
    let raised =
        waits.is_some_and(|waits| waits.all().any(|one| one.version > version && one.says(&delivery)));
    let newest = waits.map_or(0, Delivery::newest).max(item.applied_version.unwrap_or(0));
    delivery.version = newest + 1;
    (!same && !raised).then_some(delivery)
}

/// The version of a change that bears the stamp `at`: the stamp in microseconds, and later than everything known, since two
/// changes may bear one stamp.
#[must_use]
pub fn version(item: Option<&Item>, at: Instant) -> u64 {
    let stamp = u64::try_from(at.0).unwrap_or(0).saturating_mul(1_000);
    let known = |item: &Item| item.applied_version.max(item.slot.as_ref().map(|slot| slot.wanted_version));
    item.and_then(known).map_or(stamp, |known| stamp.max(known + 1))
}

/// The reason of what waits since its record is parked on its way out.
#[must_use]
pub fn parked_out() -> Reason {
    Reason::new(
        Code::Contended,
        "a version of the record is parked on its way to this CRM: what it holds is looked at after that",
    )
}

#[cfg(test)]
mod tests;
