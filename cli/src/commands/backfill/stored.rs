//! What a backfill keeps in its file, and where that lies.

use super::feed::From;
use crate::commands::lines::{Place, Progress, digest_of};
use crate::problem::Problem;
use rtr_core::digest;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is backfilled: another type or connection of the same file is another backfill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct What {
    /// The stack.
    pub(super) stack: String,
    /// The org.
    pub(super) org_id: String,
    /// The record type.
    pub(super) record_type: String,
    /// The one connection; none: all.
    pub(super) connection: Option<String>,
    /// Whether what is applied is written again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) rewrite: bool,
}

/// What the lines are read from: its size when it was begun, and what tells it from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Read {
    /// Its size.
    pub(super) bytes: u64,
    /// Of so many bytes; of an object its entity tag.
    pub(super) digest: String,
}

/// A state, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) what: What,
    pub(super) read: Read,
    pub(super) sent: u64,
    pub(super) progress: Progress,
}

/// Beside a file; for an object here, under its name.
pub(super) fn beside(from: &From, what: &What) -> PathBuf {
    let text = format!("{}#{}#{}#{:?}", what.stack, what.org_id, what.record_type, what.connection);
    let text = if what.rewrite { format!("{text}#rewrite") } else { text };
    let tag = &digest::hex(text.as_bytes())[..8];
    let name = match from {
        From::File(path) => path.as_os_str().to_owned(),
        From::Object { key, .. } => key.rsplit('/').next().unwrap_or(key).into(),
        From::Stdin => "stdin".into(),
    };
    let mut name = name;
    name.push(format!(".backfill-{tag}.rtr-state"));
    name.into()
}

/// What is kept at `place`, for a backfill from `from`: never the source itself, whatever it is called.
pub(super) fn stored(place: &Place, from: &From) -> Result<Option<Stored>, Problem> {
    let name = place.path().display();
    if let From::File(path) = from
        && place.is(path)
    {
        let what = format!("the state would be kept at {name}, which is the source itself: it would be lost");
        return Err(Problem::usage(what)
            .hint("--state names another file; without it the state is kept beside the source"));
    }
    place.read("the state of a backfill").map_err(|problem| match problem.hint.clone() {
        Some(hint) => problem.hint(format!("--state names another file, or {hint}")),
        None => problem,
    })
}

/// A file that was appended to is still the same one.
pub(super) fn is_same(from: &From, stored: &Read, now: &Read) -> Result<bool, Problem> {
    match from {
        From::File(path) if stored.bytes < now.bytes => Ok(digest_of(path, stored.bytes)? == stored.digest),
        _ => Ok(stored == now),
    }
}
