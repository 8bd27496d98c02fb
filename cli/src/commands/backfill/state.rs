//! How far a backfill has come, in a file: written after every page, so that a run that is killed sends one page again at
//! most, and kept until all of it has reached the CRM.

use super::feed::{From, Version};
use crate::commands::lines::{Progress, digest_of, unreadable};
use crate::problem::Problem;
use rtr_core::digest;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

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
}

/// What the lines are read from: its size when it was begun, and what tells it from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Read {
    bytes: u64,
    digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    what: What,
    read: Read,
    sent: u64,
    progress: Progress,
}

/// The place of one backfill.
#[derive(Debug)]
pub(super) struct State {
    path: Option<PathBuf>,
    what: What,
    read: Read,
    /// Events sent, in this run and before.
    pub(super) sent: u64,
    /// The lines that are settled.
    pub(super) progress: Progress,
}

impl State {
    /// The place of the backfill of `what` from `from`, which is `version` if it is an object; with `anew`, from its
    /// beginning.
    ///
    /// # Errors
    /// When a state is there and is of another backfill, or of a file that has changed since.
    pub(super) fn begin(
        what: What,
        from: &From,
        version: Option<&Version>,
        given: Option<&Path>,
        anew: bool,
    ) -> Result<Self, Problem> {
        let read = match (from, version) {
            (From::File(path), _) => match std::fs::metadata(path) {
                Ok(about) if about.is_file() => {
                    Some(Read { bytes: about.len(), digest: digest_of(path, about.len())? })
                }
                Ok(_) => None,
                Err(error) => return Err(unreadable(path, &error)),
            },
            (_, Some(version)) => Some(Read { bytes: version.bytes, digest: version.etag.clone() }),
            _ => None,
        };
        let Some(read) = read else {
            if given.is_some() {
                return Err(Problem::usage(format!("{} cannot be gone on with", from.name()))
                    .hint("leave --state out; a file, or an object of S3, can"));
            }
            let read = Read { bytes: 0, digest: String::new() };
            return Ok(Self { path: None, what, read, sent: 0, progress: Progress::default() });
        };
        let path = given.map_or_else(|| beside(from, &what), Path::to_owned);
        let stored = if anew { None } else { stored(&path)? };
        let (sent, progress) = match stored {
            None => (0, Progress::default()),
            Some(stored) if stored.what != what || !is_same(from, &stored.read, &read)? => {
                let what =
                    format!("{} is of another backfill, or its source has changed since", path.display());
                return Err(Problem::usage(what).hint("--restart begins anew, --state names another file"));
            }
            Some(stored) => (stored.sent, stored.progress),
        };
        Ok(Self { path: Some(path), what, read, sent, progress })
    }

    /// The line after which this run goes on, if an earlier one came that far.
    pub(super) fn resumed_after(&self) -> Option<u64> {
        (self.progress != Progress::default()).then_some(self.progress.through)
    }

    /// Writes it; whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written: a run that goes on without would send everything again once it is killed.
    pub(super) fn save(&self) -> Result<(), Problem> {
        let Some(path) = &self.path else { return Ok(()) };
        let stored = Stored {
            what: self.what.clone(),
            read: self.read.clone(),
            sent: self.sent,
            progress: self.progress.clone(),
        };
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let written = serde_json::to_vec(&stored)
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::write(&partial, text))
            .and_then(|()| std::fs::rename(&partial, path));
        written.map_err(|error| {
            Problem::usage(format!("the state {} cannot be written: {error}", path.display()))
                .hint("--state FILE puts it elsewhere")
        })
    }

    /// Everything is done.
    pub(super) fn remove(&self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }

    /// How to go on, for whoever has stopped it.
    pub(super) fn advice(&self) -> String {
        match &self.path {
            Some(path) => format!("the same command goes on from here ({})", path.display()),
            None => "stdin cannot be gone on with: send it again, what is there already is not written again"
                .to_owned(),
        }
    }
}

/// Beside a file; for an object here, under its name.
fn beside(from: &From, what: &What) -> PathBuf {
    let text = format!("{}#{}#{}#{:?}", what.stack, what.org_id, what.record_type, what.connection);
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

fn stored(path: &Path) -> Result<Option<Stored>, Problem> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        Problem::usage(format!("the state {} cannot be read: {error}", path.display()))
            .hint("--restart begins anew")
    })
}

/// A file that was appended to is still the same one.
fn is_same(from: &From, stored: &Read, now: &Read) -> Result<bool, Problem> {
    match from {
        From::File(path) if stored.bytes < now.bytes => Ok(digest_of(path, stored.bytes)? == stored.digest),
        _ => Ok(stored == now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(connection: Option<&str>) -> What {
        let of = |text: &str| text.to_owned();
        What {
            stack: of("rtr-x"),
            org_id: of("acme"),
            record_type: of("contact"),
            connection: connection.map(of),
        }
    }

    #[test]
    fn given_a_killed_run_when_begun_again_then_it_goes_on_and_another_backfill_of_the_file_does_not() {
        let folder = std::env::temp_dir().join(format!("rtr-backfill-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("events.jsonl");
        std::fs::write(&file, "one\ntwo\n").unwrap();
        let from = From::File(file.clone());
        let begin = |what, anew| State::begin(what, &from, None, None, anew);
        let mut first = begin(what(None), false).unwrap();
        assert_eq!((first.resumed_after(), first.sent), (None, 0));
        first.progress.settle(1);
        first.sent = 1;
        first.save().unwrap();
        drop(first);
        let second = begin(what(None), false).unwrap();
        assert_eq!((second.resumed_after(), second.sent), (Some(1), 1));
        assert_eq!(begin(what(Some("hubspot")), false).unwrap().resumed_after(), None);
        assert_eq!(begin(what(None), true).unwrap().resumed_after(), None);
        std::fs::write(&file, "one\ntwo\nthree\n").unwrap();
        assert_eq!(begin(what(None), false).unwrap().resumed_after(), Some(1), "it grew");
        std::fs::write(&file, "new\ntwo\nthree\n").unwrap();
        assert!(begin(what(None), false).unwrap_err().what.contains("has changed"));
        second.remove();
        assert_eq!(begin(what(None), false).unwrap().resumed_after(), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn given_an_object_when_it_is_another_version_then_its_state_is_refused() {
        let path = std::env::temp_dir().join(format!("rtr-backfill-object-{}", std::process::id()));
        let from = From::parse("s3://b/k/x.gz").unwrap();
        let version = |etag: &str| Version { etag: etag.to_owned(), bytes: 9 };
        let begin = |etag: &str| State::begin(what(None), &from, Some(&version(etag)), Some(&path), false);
        let mut first = begin("a").unwrap();
        first.progress.settle(1);
        first.save().unwrap();
        assert_eq!(begin("a").unwrap().resumed_after(), Some(1));
        assert!(begin("b").is_err());
        first.remove();
        assert!(beside(&from, &what(None)).to_string_lossy().starts_with("x.gz.backfill-"));
        assert!(State::begin(what(None), &From::Stdin, None, Some(&path), false).is_err());
    }
}
