//! A dead letter with what is known of it: what it is rehearsed as, and whether the CRM would get what it refused.

use super::earlier::Of;
use super::letter::Letter;
use super::trial::{Fate, Under};
use crate::rehearsal::Rehearsed;
use rtr_core::change::{Change, Operation, to_body};
use rtr_core::config::OrgConfig;
use rtr_core::item::{Ended, Item, Slot};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey, Whose};
use rtr_core::mapping::Subject;
use rtr_core::payload::Payload;
use serde_json::Value;
use std::collections::HashMap;

/// No payload's hash: a person's wake-up is never taken to be unchanged.
const NO_HASH: &str = "dead";
/// The class of what a CRM refused.
const REJECTED: &str = "rejected";

/// A letter with what is known of it.
pub(super) struct Case<'l> {
    pub(super) letter: &'l Letter,
    pub(super) record: RecordKey,
    pub(super) connection: &'l str,
    pub(super) item: Item,
    pub(super) slot: Slot,
    pub(super) data: Value,
}

/// What the CRM would get that refused a letter.
pub(super) enum Again {
    /// Something else, or it refused nothing.
    Otherwise,
    /// The same.
    Same,
    /// Nobody can say: the mapping of then is not kept.
    NotKnown,
    /// Nobody can say: the mapping of then sends nothing now.
    NothingThen,
}

impl Case<'_> {
    /// The mapping that it died under.
    pub(super) fn of(&self) -> Of {
        let RecordKey { org_id, record_type, .. } = &self.record;
        Of {
            org: org_id.clone(),
            connection: self.connection.to_owned(),
            record_type: record_type.clone(),
            revision: self.slot.mapping_revision,
        }
    }

    /// Whether the CRM refused it.
    pub(super) fn is_refused(&self) -> bool {
        self.slot.reason.class() == REJECTED
    }

    /// The mapping that the CRM refused it under, if `under` has another.
    pub(super) fn refused_under_another(&self, under: &Under) -> Option<Of> {
        let of = self.of();
        let is_another = of.mapping(&under.config).is_some_and(|at| at.revision != of.revision);
        (self.is_refused() && is_another).then_some(of)
    }

    pub(super) fn event(&self) -> String {
        let change = Change {
            trace: None,
            key: self.record.clone(),
            event_id: None,
            version: self.slot.wanted_version,
            operation: self.slot.operation(),
            occurred_at: self.slot.occurred_at,
            data: self.data.clone(),
            unknown_fields: 0,
            only: None,
            rewrite: false,
        };
        to_body(&change).to_string()
    }
}

/// The item with its dead version, or why the letter is not rehearsed.
pub(super) fn meant<'i>(
    letter: &Letter,
    items: &'i HashMap<PairKey, Item>,
) -> Result<(&'i Item, &'i Slot), Fate> {
    let dead = items.get(&letter.key).and_then(|item| Some((item, item.dead()?)));
    let (item, slot) = dead.ok_or(Fate::Gone)?;
    if letter.key.whose() == Whose::External {
        return Err(Fate::Unrehearsed("it is a CRM's record on its way back: a redrive looks at it anew"));
    }
    if letter.is_unattributed() {
        let why = "it could not be read: publish the corrected event, then rtr dlq drop this one";
        return Err(Fate::Unrehearsed(why));
    }
    Ok((item, slot))
}

/// The item as if `version` had never been tried: as far as a person's wake-up does not ask for it.
pub(super) fn undone(item: &Item, version: u64) -> Item {
    Item {
        slot: None,
        crashes: 0,
        applied_version: item.applied_version.filter(|applied| *applied < version),
        applied_hash: item.applied_hash.as_ref().map(|_| NO_HASH.to_owned()),
        ..item.clone()
    }
}

/// The items of what the record refers to, by either configuration.
pub(super) fn references(case: &Case<'_>, under: &Under, then: Option<&OrgConfig>) -> Vec<PairKey> {
    if case.slot.operation() == Operation::Deleted {
        return Vec::new();
    }
    let RecordKey { org_id, record_type, record_id } = &case.record;
    let connection = ConnectionKey::new(org_id, case.connection);
    let mut keys = Vec::new();
    for config in std::iter::once(&under.config).chain(then) {
        let Some(at) = config.mapping(case.connection, record_type) else { continue };
        // What cannot be mapped refers to nothing.
        let mapped = at.mapping.apply(&Subject { org_id, record_type, record_id }, &case.data);
        let references = mapped.map(|mapped| mapped.references).unwrap_or_default();
        keys.extend(
            references.iter().map(|one| {
                PairKey::new(&RecordKey::new(org_id, &one.record_type, &one.record_id), &connection)
            }),
        );
    }
    keys.retain(|key| *key != case.letter.key);
    keys
}

/// Whether the CRM gets the same: in the field that it named, or in all of it where it named none of ours.
pub(super) fn compared(was: Option<&Rehearsed>, now: &Rehearsed, field: Option<&str>) -> Again {
    let removed = was.is_some_and(|was| was.ended == Ended::Applied);
    let (was, now) = match (was.and_then(|was| was.payload.as_ref()), &now.payload) {
        (Some(was), Some(now)) => (was, now),
        // A removal has none.
        (None, None) => return Again::Same,
        (Some(_), None) => return Again::Otherwise,
        (None, Some(_)) if removed => return Again::Otherwise,
        (None, Some(_)) => return Again::NothingThen,
    };
    let of = |payload: &Payload, field: &str| {
        payload.fields.get(field).or_else(|| payload.on_create.get(field)).cloned()
    };
    let is_same = match field.filter(|field| of(was, field).is_some()) {
        Some(field) => of(was, field) == of(now, field),
        None => was == now,
    };
    if is_same { Again::Same } else { Again::Otherwise }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rehearsed(ended: Ended, payload: Option<Payload>) -> Rehearsed {
        Rehearsed {
            ended,
            reason: None,
            linked_before: None,
            linked_then: None,
            payload,
            key_value: None,
            requests: Vec::new(),
            unasked: None,
        }
    }

    #[test]
    fn given_a_mapping_of_then_that_gives_nothing_to_write_when_compared_then_a_removal_is_told_from_what_does_not_go()
     {
        let now = rehearsed(Ended::Applied, Some(Payload::default()));
        let of = |ended| compared(Some(&rehearsed(ended, None)), &now, None);
        assert!(matches!(of(Ended::Applied), Again::Otherwise), "it was to be removed, and is to be written");
        for ended in [Ended::Parked, Ended::Skipped, Ended::Dead] {
            assert!(matches!(of(ended), Again::NothingThen), "{ended:?}");
        }
        assert!(matches!(compared(None, &now, None), Again::NothingThen));
        assert!(matches!(compared(Some(&now), &now, None), Again::Same));
        let removal = rehearsed(Ended::Applied, None);
        assert!(matches!(compared(Some(&removal), &removal, None), Again::Same));
        assert!(matches!(compared(Some(&now), &removal, None), Again::Otherwise));
    }
}
