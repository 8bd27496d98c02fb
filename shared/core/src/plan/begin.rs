//! How a record without a link begins: by which look-ups, and with what once they found nothing.
//!
//! Looking comes first wherever something of ours may be at the CRM unrecorded: after a crash, a lost answer, an open
//! intent. A look-up that could find nothing of what was made is a person's matter.

use super::{Action, First, Incoming, LookBy, Situation};
use crate::code::Code;
use crate::item::Reason;
use crate::mapping::{Key, Mapping, WriteMode};

/// How a record without a link begins once the look-ups of [`First::Look`] found nothing.
#[must_use]
pub fn after_finding_nothing(mapping: &Mapping, key_value: Option<&str>, deleted: bool) -> Option<First> {
    if deleted {
        return Some(First::Nothing);
    }
    if mapping.write == WriteMode::Update {
        return None;
    }
    Some(match (&mapping.key, key_value) {
        (Key::Property { name }, Some(value)) => {
            First::Upsert { property: name.clone(), value: value.to_owned() }
        }
        _ => First::Create,
    })
}

pub(super) fn unlinked(
    incoming: &Incoming,
    at: Situation<'_>,
    match_value: Option<&str>,
) -> Result<First, Action> {
    if let Some(wait) = open_intent(at) {
        return Err(wait);
    }
    let matched = at.mapping.match_on.as_ref().zip(match_value).map(|(property, value)| LookBy {
        property: property.clone(),
        value: value.to_owned(),
        ours: false,
    });
    // By our key only where something of ours may be there already: after a crash, a lost answer, or an open intent. What
    // an earlier version made may be there too, and `match` does not find it once its value has changed.
    let tried = incoming.again || (at.item.rev > 0 && matched.is_some());
    let look_by_ours = tried || at.item.intent.is_some() || at.mapping.write == WriteMode::Update;
    if lost_to_sight(at) {
        return Err(nothing_to_look_by());
    }
    let mut by: Vec<LookBy> = ours(at).filter(|_| look_by_ours).into_iter().chain(intended(at)).collect();
    by.extend(matched.filter(|one| !by.contains(one)));
    Ok(look(by)
        .or_else(|| after_finding_nothing(at.mapping, at.key_value, false))
        .unwrap_or(First::Look(Vec::new())))
}

/// What an open intent's create can be found by, beside our own key: the value that it carried.
pub(super) fn intended(at: Situation<'_>) -> Option<LookBy> {
    let value = at.item.intent.as_ref()?.matched.clone()?;
    Some(LookBy { property: at.mapping.match_on.clone()?, value, ours: false })
}

/// Whether a create is open that nothing would find.
pub(super) fn lost_to_sight(at: Situation<'_>) -> bool {
    at.item.intent.is_some() && ours(at).is_none() && intended(at).is_none()
}

/// A create may have landed, and nothing of the record finds it: making another is not for us to decide.
pub(super) fn nothing_to_look_by() -> Action {
    let message =
        "a create's answer was lost, and there is neither a marker nor a value of `match` to look for it by";
    Action::Dead(Reason::new(Code::Ambiguous, message))
}

pub(super) fn look(by: Vec<LookBy>) -> Option<First> {
    (!by.is_empty()).then_some(First::Look(by))
}

pub(super) fn ours(at: Situation<'_>) -> Option<LookBy> {
    let property = match &at.mapping.key {
        Key::Property { name } => name,
        Key::Intent => at.mapping.marker.as_ref()?,
    };
    Some(LookBy { property: property.clone(), value: at.key_value?.to_owned(), ours: true })
}

/// An intent that is not ours to judge yet: its create may still land, or not be found by a look-up.
pub(super) fn open_intent(at: Situation<'_>) -> Option<Action> {
    let intent = at.item.intent.as_ref()?;
    let until = intent.at.plus_ms(at.settle_ms);
    (until > at.now).then(|| Action::Park {
        until,
        reason: Reason::new(Code::IntentOpen, "a create is under way whose outcome is not known yet"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::change::Operation;
    use crate::config::Mode;
    use crate::item::{Item, Lane};
    use crate::mapping::ProviderFacts;
    use crate::time::Instant;
    use serde_json::json;

    /// Whether each look-up is by our own key, for a record without a link that was written so often.
    fn looks(rev: u64, match_on: bool) -> Vec<bool> {
        let facts = ProviderFacts {
            name: "crm",
            title: "CRM",
            default_key: Some("ours"),
            default_limits: &[],
            lookups: &[],
        };
        let mut raw = json!({"object": "contacts", "fields": {"email": "email"}});
        if match_on {
            raw["match"] = json!("email");
        }
        let mapping = Mapping::compile(&facts, "contact", &serde_json::from_value(raw).unwrap()).unwrap();
        let (version, mapping_revision, operation) = (2, 1, Operation::Upsert);
        let (lane, wake, again, rewrite) = (Lane::Sync, false, false, false);
        let incoming = Incoming { version, mapping_revision, operation, lane, wake, again, rewrite };
        let situation = Situation {
            item: &Item { rev, ..Item::default() },
            mapping: &mapping,
            mapped: None,
            references: &[],
            key_value: Some("r1"),
            mode: Mode::Live,
            arrived: Instant(0),
            settle_ms: 0,
            now: Instant(0),
        };
        match unlinked(&incoming, situation, match_on.then_some("a@x")).unwrap() {
            First::Look(by) => by.iter().map(|by| by.ours).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn given_a_match_and_a_record_that_may_have_been_made_before_when_begun_then_our_key_is_looked_for_first()
    {
        assert_eq!(looks(0, true), [false]);
        assert_eq!(looks(1, true), [true, false]);
        assert!(looks(1, false).is_empty(), "an upsert by our key finds it");
    }
}
