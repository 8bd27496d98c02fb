//! How far a file has been worked off, beside the file: what lets an interrupted run go on where it stopped.

use super::Place;
use crate::problem::Problem;
use rtr_core::digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{BufRead, Read};
use std::path::Path;

/// How much of a file is read at a time, in bytes.
const READ_BYTES: usize = 256 * 1_024;
/// The checkpoint's name: the file's, with this.
const SUFFIX: &str = ".rtr-state";

/// Which lines are settled: done, refused or blank.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// All lines up to this one.
    pub(crate) through: u64,
    /// And these beyond it.
    pub(crate) beyond: BTreeSet<u64>,
}

/// A checkpoint as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    /// The file's size when it was begun.
    bytes: u64,
    /// The digest of so many bytes: one line changed anywhere would move all behind it.
    digest: String,
    progress: Progress,
}

/// The place beside one file.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    place: Place,
    bytes: u64,
    digest: String,
}

impl Progress {
    /// Line `line` is settled.
    pub(crate) fn settle(&mut self, line: u64) {
        self.beyond.insert(line);
        while self.beyond.remove(&(self.through + 1)) {
            self.through += 1;
        }
    }

    /// The same, whether it is settled already or not.
    pub(crate) fn settle_once(&mut self, line: u64) {
        if !self.has(line) {
            self.settle(line);
        }
    }

    /// Whether line `line` is settled.
    pub(crate) fn has(&self, line: u64) -> bool {
        line <= self.through || self.beyond.contains(&line)
    }
}

impl Checkpoint {
    /// The place beside `file`.
    ///
    /// # Errors
    /// When something lies there that is no checkpoint: it would be written over, and removed at the end.
    pub(crate) fn beside(file: &Path) -> Result<Self, Problem> {
        let size =
            std::fs::metadata(file).map(|about| about.len()).map_err(|error| unreadable(file, &error))?;
        let digest = digest_of(file, size)?;
        let mut path = file.as_os_str().to_owned();
        path.push(SUFFIX);
        let found = Self { place: Place::at(path.into()), bytes: size, digest };
        if found.place.is(file) {
            return Err(Problem::usage(format!(
                "how far it has come is kept at {}, which is {} itself",
                found.path().display(),
                file.display()
            ))
            .hint("remove that link, or rename the file"));
        }
        found.stored()?;
        Ok(found)
    }

    /// The checkpoint's own file.
    pub(crate) fn path(&self) -> &Path {
        self.place.path()
    }

    /// Whether an earlier run has left one.
    pub(crate) fn exists(&self) -> bool {
        self.path().exists()
    }

    fn stored(&self) -> Result<Option<Stored>, Problem> {
        self.place.read("a checkpoint of rtr publish or rtr links import")
    }

    /// How far an earlier run came; from the beginning when there was none.
    pub(crate) fn load(&self, file: &Path) -> Result<Progress, Problem> {
        let Some(stored) = self.stored()? else { return Ok(Progress::default()) };
        let name = self.path().display();
        // A file that was appended to is still the same one.
        let same = stored.bytes <= self.bytes && digest_of(file, stored.bytes)? == stored.digest;
        if !same {
            return Err(Problem::usage(format!(
                "the checkpoint {name} belongs to another file than {}, or to this one before it was changed",
                file.display()
            ))
            .hint("remove it, or leave --resume out, to begin anew"));
        }
        Ok(stored.progress)
    }

    /// Writes how far this run has come; whole or not at all.
    pub(crate) fn save(&self, progress: &Progress) -> std::io::Result<()> {
        let stored = Stored { bytes: self.bytes, digest: self.digest.clone(), progress: progress.clone() };
        self.place.write(&serde_json::to_vec(&stored)?)
    }

    /// Everything is done: nothing is left to go on with.
    pub(crate) fn remove(&self) {
        self.place.remove();
    }
}

/// The digest of the first `bytes` bytes of `file`.
pub(crate) fn digest_of(file: &Path, bytes: u64) -> Result<String, Problem> {
    let read = || {
        let mut rest = std::io::BufReader::with_capacity(READ_BYTES, std::fs::File::open(file)?.take(bytes));
        let mut digest = digest::Running::default();
        loop {
            let part = rest.fill_buf()?;
            if part.is_empty() {
                return Ok(digest.hex());
            }
            digest.feed(part);
            let read = part.len();
            rest.consume(read);
        }
    };
    read().map_err(|error: std::io::Error| unreadable(file, &error))
}

/// A file that cannot be read.
pub(crate) fn unreadable(file: &Path, error: &std::io::Error) -> Problem {
    let what = format!("{} cannot be read: {error}", file.display());
    if error.kind() == std::io::ErrorKind::NotFound { Problem::not_found(what) } else { Problem::usage(what) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Exit;

    #[test]
    fn given_lines_settled_in_any_order_when_asked_then_only_those_are_done() {
        let mut progress = Progress::default();
        [2, 1, 5].into_iter().for_each(|line| progress.settle(line));
        assert_eq!((progress.through, progress.beyond.len()), (2, 1));
        assert_eq!(
            [1, 2, 3, 4, 5, 6].map(|line| progress.has(line)),
            [true, true, false, false, true, false]
        );
    }

    #[test]
    fn given_a_checkpoint_when_the_file_grew_then_it_holds_and_when_it_is_another_then_it_is_refused() {
        let folder = std::env::temp_dir().join(format!("rtr-checkpoint-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("events.jsonl");
        std::fs::write(&file, "one\n").unwrap();
        let place = Checkpoint::beside(&file).unwrap();
        let progress = Progress { through: 1, beyond: BTreeSet::from([3]) };
        place.save(&progress).unwrap();
        std::fs::write(&file, "one\ntwo\n").unwrap();
        assert_eq!(Checkpoint::beside(&file).unwrap().load(&file), Ok(progress));
        let far = format!("{}\n", "x".repeat(100_000));
        std::fs::write(&file, format!("{far}two\nthree\n")).unwrap();
        Checkpoint::beside(&file).unwrap().save(&Progress { through: 2, ..Progress::default() }).unwrap();
        // A line put in between, cut off, or changed would make the settled lines others than those sent.
        for changed in [format!("{far}new\ntwo\nthree\n"), far.clone(), format!("{far}TWO\nthree\n")] {
            std::fs::write(&file, changed).unwrap();
            assert_eq!(Checkpoint::beside(&file).unwrap().load(&file).unwrap_err().exit, Exit::Usage);
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn given_a_file_of_somebody_elses_where_the_checkpoint_goes_when_begun_then_it_is_refused_and_stays() {
        let folder = std::env::temp_dir().join(format!("rtr-checkpoint-foreign-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let (file, other) = (folder.join("events.jsonl"), folder.join("events.jsonl.rtr-state"));
        std::fs::write(&file, "one\n").unwrap();
        std::fs::write(&other, "precious").unwrap();
        let refused = Checkpoint::beside(&file).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(refused.what.contains("events.jsonl.rtr-state is not a checkpoint"), "{refused}");
        assert_eq!(std::fs::read(&other).unwrap(), b"precious");
        // Nor is the file itself taken for it, by way of a link.
        std::fs::remove_file(&other).unwrap();
        std::os::unix::fs::symlink(&file, &other).unwrap();
        assert!(Checkpoint::beside(&file).unwrap_err().what.contains("which is"));
        assert_eq!(std::fs::read(&file).unwrap(), b"one\n");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
