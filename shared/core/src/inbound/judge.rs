//! What a change in a CRM means for the internal system: property by property, whose value stands.
//!
//! What both sides had last of each is kept as a mark. A property that has the mark's value is as both had it, whoever wrote it
//! last: so our own write that comes back is no change, and neither is one that somebody took back. Whether it was us is not
//! asked of the CRM's actor, who may be an integration that acts in our name.

use super::canonical::mark;
use crate::mapping::Wins;
use crate::marks::{Mark, Marks};
use crate::sent::Sent;
use crate::time::Instant;
use serde_json::Value;
use std::collections::BTreeMap;

/// A version of the internal record that the CRM does not have yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// When the change occurred, by the internal system's word.
    pub occurred_at: Instant,
    /// The marks of what it would write.
    pub marks: Marks,
}

/// What is known of the CRM's record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Had<'a> {
    /// What both sides had last.
    pub base: &'a Marks,
    /// What we may have written since.
    pub sent: &'a Sent,
}

/// The CRM's record as it was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen<'a> {
    /// The CRM's stamp of its last change.
    pub stamp: Instant,
    /// The values by the CRM's names, null for what is empty. What is not there was not asked for.
    pub values: &'a BTreeMap<String, Value>,
}

/// What is to be done about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The properties whose value goes to the internal system.
    pub taken: Vec<String>,
    /// Those that changed at the CRM, and that the pending version overwrites.
    pub lost: Vec<String>,
    /// Those of which the pending version must not be written, since the CRM's value stands.
    pub kept: Vec<String>,
}

impl Judgement {
    /// Whether nothing changed: our own write come back, or one that is known.
    #[must_use]
    pub fn is_echo(&self) -> bool {
        self.taken.is_empty() && self.lost.is_empty()
    }
}

/// Whose value of each of `fields` stands, of a record of which `had` is known.
pub fn judge<'f>(
    fields: impl IntoIterator<Item = (&'f str, Wins)>,
    had: Had<'_>,
    seen: Seen<'_>,
    pending: Option<&Pending>,
) -> Judgement {
    let mut judgement = Judgement::default();
    for (name, wins) in fields {
        let Some(value) = seen.values.get(name) else { continue };
        let (now, was) = (mark(value), had.base.get(name));
        // Nothing is there, and nothing was ever known to be.
        let never = was.is_none() && now == mark(&Value::Null);
        if was == Some(now) || never || had.sent.has(name, now) {
            continue;
        }
        let wanted = pending.and_then(|pending| Some((pending.occurred_at, pending.marks.get(name)?)));
        match stands(wanted, now, was, wins, seen.stamp) {
            Stands::Both => {}
            Stands::Internal => judgement.lost.push(name.to_owned()),
            Stands::External => {
                judgement.taken.push(name.to_owned());
                if wanted.is_some() {
                    judgement.kept.push(name.to_owned());
                }
            }
        }
    }
    judgement
}

enum Stands {
    /// Both sides came to the same.
    Both,
    Internal,
    External,
}

fn stands(
    wanted: Option<(Instant, Mark)>,
    now: Mark,
    was: Option<Mark>,
    wins: Wins,
    stamp: Instant,
) -> Stands {
    match (wanted, wins) {
        (Some((_, wanted)), _) if wanted == now => Stands::Both,
        // Only the CRM changed.
        (None, _) => Stands::External,
        (Some((_, wanted)), _) if Some(wanted) == was => Stands::External,
        (Some(_), Wins::Internal) => Stands::Internal,
        (Some(_), Wins::External) => Stands::External,
        // A tie is the internal system's.
        (Some((at, _)), Wins::Newest) if stamp > at => Stands::External,
        (Some(_), Wins::Newest) => Stands::Internal,
    }
}
