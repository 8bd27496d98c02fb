//! A shadowed connection: everything is decided but nothing is sent, and what would have been is kept by name and digest.
//!
//! The fence does not move, so that a live connection plans the version again.

use super::{Action, Incoming, PAUSE_MS, Situation};
use crate::change::Operation;
use crate::code::Code;
use crate::item::{Reason, Shadow};
use crate::mapping::{OnDelete, OnUnmatched, Patch};
use crate::payload::Payload;

/// What sleeps at a shadowed connection is asked about again later.
pub(super) fn sleep(at: Situation<'_>) -> Action {
    Action::Park {
        until: at.now.plus_ms(PAUSE_MS),
        reason: Reason::new(Code::Shadowed, "the connection is shadowed: nothing is sent"),
    }
}

/// What a shadowed connection does with the version.
pub(super) fn shadow(incoming: &Incoming, at: Situation<'_>) -> Action {
    let set = match &at.mapping.on_delete {
        OnDelete::Set(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), Patch::Set(value.clone()))).collect()
        }
        _ => Default::default(),
    };
    let deleted = || ("deleted", Payload { fields: set, ..Payload::default() });
    let (operation, payload) = match (incoming.operation, at.mapped) {
        (Operation::Deleted, _) if at.mapping.on_delete == OnDelete::Ignore => return Action::Pass,
        (Operation::Deleted, _) => deleted(),
        (Operation::Upsert, Some(mapped)) if mapped.selected => {
            // Nobody is asked for anything: what would be looked up stands for what would be found.
            let mut mapped = mapped.clone();
            mapped.name_wanted();
            ("upsert", Payload::build(&mapped, at.references))
        }
        (Operation::Upsert, Some(_)) if at.mapping.on_unmatched == OnUnmatched::Delete => deleted(),
        (Operation::Upsert, _) => return Action::Pass,
    };
    let hash = payload.hash(operation, &at.mapping.object);
    let known = at.item.shadow.as_ref();
    if known.is_some_and(|known| {
        known.version > incoming.version || (known.version == incoming.version && known.hash == hash)
    }) {
        return Action::Pass;
    }
    // A reference would be written too: in shadow nothing is linked that it could name.
    let references = at.references.iter().map(|(reference, _)| reference.field.clone());
    let written =
        payload.fields.iter().filter(|(_, patch)| **patch != Patch::Keep).map(|(name, _)| name.clone());
    let mut fields: Vec<String> = written.chain(references).collect();
    fields.sort();
    fields.dedup();
    Action::Shadow(Box::new(Shadow {
        version: incoming.version,
        mapping_revision: incoming.mapping_revision,
        operation: operation.to_owned(),
        hash,
        fields,
        at: at.now,
    }))
}
