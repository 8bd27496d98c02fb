//! What one line does to what is kept of its record.

use super::{Refusal, Told};
use crate::item::{Item, SlotState};
use crate::marks::Marks;
use crate::time::Instant;

/// What a line is decided by, beside itself and the item.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The mapping's object at the CRM.
    pub object: &'a str,
    /// The mapping's revision.
    pub mapping_revision: u64,
    /// When the link counts as made. Long enough ago that a CRM which misses the record is believed.
    pub linked_at: Instant,
    /// Who writes.
    pub by: &'a str,
}

/// What to do with a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It says what is known.
    Same,
    /// Write this, conditioned on the `rev` of the item given, and take its claim.
    Write(Box<Item>),
    /// Neither.
    Refused(Refusal),
}

/// The decision for `told`, with the item as it stands now; a default one when there is none.
#[must_use]
pub fn decide(item: &Item, told: &Told, at: Moment<'_>) -> Decision {
    if let Some(standing) = &item.external_id {
        let same = *standing == told.external_id && item.object.as_deref() == Some(at.object);
        return match same {
            false => Decision::Refused(Refusal::Linked(standing.clone())),
            true => match fenced(item, told, at) {
                Some(fenced) => Decision::Write(Box::new(fenced)),
                None => Decision::Same,
            },
        };
    }
    if item.deleted {
        return Decision::Refused(Refusal::Deleted);
    }
    if item.intent.is_some() {
        return Decision::Refused(Refusal::Creating);
    }
    // What is dead or waits for a reference has no request under way.
    let at_rest = |state| matches!(state, SlotState::Dead | SlotState::Waiting);
    if item.slot.as_ref().is_some_and(|slot| !at_rest(slot.state)) {
        return Decision::Refused(Refusal::Waiting);
    }
    let linked = Item {
        external_id: Some(told.external_id.clone()),
        object: Some(at.object.to_owned()),
        linked_at: Some(at.linked_at),
        // What was confirmed without this link says nothing of the record that it leads to.
        applied_hash: None,
        base: Marks::default(),
        rev: item.rev + 1,
        by: at.by.to_owned(),
        ..item.clone()
    };
    let fenced = fenced(&linked, told, at).map(|fenced| Item { rev: linked.rev, ..fenced });
    Decision::Write(Box::new(fenced.unwrap_or(linked)))
}

/// The item with the line's version as its fence, where none stands. A fence is never moved: one that stands was set by
/// what the CRM confirmed. Nor is one put over a dead letter, which could then never be sent again.
fn fenced(item: &Item, told: &Told, at: Moment<'_>) -> Option<Item> {
    let version = told.version?;
    (item.applied_version.is_none() && item.slot.is_none()).then(|| Item {
        applied_version: Some(version),
        mapping_revision: Some(at.mapping_revision),
        applied_hash: None,
        base: Marks::default(),
        rev: item.rev + 1,
        by: at.by.to_owned(),
        ..item.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;
    use crate::item::{Body, Intent, Reason, Slot};
    use proptest::prelude::*;
    use serde_json::Value;

    const AT: Moment<'_> =
        Moment { object: "contacts", mapping_revision: 4, linked_at: Instant(9), by: "import" };

    fn told(external_id: &str, version: Option<u64>) -> Told {
        Told { record_id: "c".to_owned(), external_id: external_id.to_owned(), version }
    }

    fn slot(state: SlotState) -> Slot {
        Slot {
            trace: None,
            wanted_version: 8,
            mapping_revision: 3,
            state,
            deleted: false,
            body: Body::Inline(Value::Null),
            reason: Reason::new(Code::Invalid, "refused"),
            since: Instant(1),
            not_before: Instant(0),
            attempts: 1,
            waits: None,
            backfill: false,
            occurred_at: None,
        }
    }

    fn written(item: &Item, told: &Told) -> Item {
        match decide(item, told, AT) {
            Decision::Write(item) => *item,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn given_nothing_when_told_then_the_link_stands_and_the_version_fences() {
        let plain = written(&Item::default(), &told("501", None));
        assert_eq!((plain.rev, plain.external_id.as_deref(), plain.applied_version), (1, Some("501"), None));
        assert_eq!((plain.object.as_deref(), plain.linked_at), (Some("contacts"), Some(Instant(9))));
        let fenced = written(&Item::default(), &told("501", Some(7)));
        assert_eq!((fenced.rev, fenced.applied_version, fenced.mapping_revision), (1, Some(7), Some(4)));
        assert_eq!(fenced.applied_hash, None);
    }

    #[test]
    fn given_the_same_link_when_told_then_nothing_is_written_unless_it_lacks_the_version() {
        let linked = written(&Item::default(), &told("501", None));
        assert_eq!(decide(&linked, &told("501", None), AT), Decision::Same);
        let fenced = written(&linked, &told("501", Some(7)));
        assert_eq!((fenced.rev, fenced.applied_version), (2, Some(7)));
        for version in [3, 7, 90] {
            assert_eq!(decide(&fenced, &told("501", Some(version)), AT), Decision::Same);
        }
    }

    #[test]
    fn given_what_is_known_otherwise_when_told_then_the_line_is_refused_for_its_reason() {
        let linked = Item { rev: 1, external_id: Some("9".to_owned()), ..Item::default() };
        let gone = Item { rev: 1, deleted: true, applied_version: Some(2), ..Item::default() };
        let intent = Intent { nonce: "n".to_owned(), version: 1, at: Instant(0), matched: None };
        let creating = Item { rev: 1, intent: Some(intent), ..Item::default() };
        let waiting = Item { rev: 1, slot: Some(slot(SlotState::Parked)), ..Item::default() };
        let seen =
            [linked, gone, creating, waiting].map(|item| match decide(&item, &told("501", None), AT) {
                Decision::Refused(refusal) => refusal.name(),
                other => panic!("{other:?}"),
            });
        assert_eq!(seen, ["linked", "deleted", "creating", "waiting"]);
    }

    #[test]
    fn given_a_dead_letter_when_told_then_the_link_is_added_and_the_letter_can_still_be_sent_again() {
        let dead = Item { rev: 3, crashes: 1, slot: Some(slot(SlotState::Dead)), ..Item::default() };
        let item = written(&dead, &told("501", Some(20)));
        assert_eq!((item.rev, item.applied_version, item.crashes), (4, None, 1));
        assert_eq!(item.slot, dead.slot);
    }

    proptest! {
        #[test]
        fn given_any_fence_when_told_then_it_is_never_moved(
            applied in proptest::option::of(0u64..9), version in proptest::option::of(0u64..9), linked: bool,
        ) {
            let item = Item {
                rev: 1,
                applied_version: applied,
                external_id: linked.then(|| "501".to_owned()),
                object: linked.then(|| "contacts".to_owned()),
                ..Item::default()
            };
            let after = match decide(&item, &told("501", version), AT) {
                Decision::Write(item) => *item,
                Decision::Same => item.clone(),
                Decision::Refused(refusal) => panic!("{refusal}"),
            };
            prop_assert_eq!(after.applied_version, applied.or(version));
            prop_assert_eq!(after.external_id.as_deref(), Some("501"));
        }
    }
}
