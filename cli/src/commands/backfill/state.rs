//! How far a backfill has come, in a file: written after every page, so that a run that is killed sends one page again at
//! most, and kept until all of it has reached the CRM.

use super::feed::{From, Version};
use super::stored::{Read, Stored, What, beside, is_same, stored};
use crate::commands::lines::{Place, Progress, digest_of, unreadable};
use crate::problem::Problem;
use std::path::Path;

/// The place of one backfill.
#[derive(Debug)]
pub(super) struct State {
    place: Option<Place>,
    /// Whether something to go on from lies there, of this run or of the one it goes on with.
    kept: bool,
    /// Whether it was begun anew, which the same command would do again.
    anew: bool,
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
    /// When a state is there and is of another backfill, or of a file that has changed since; when what lies there is no
    /// state, least of all what the lines are read from; and when it could not be written.
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
            let progress = Progress::default();
            return Ok(Self { place: None, kept: false, anew, what, read, sent: 0, progress });
        };
        let place = Place::at(given.map_or_else(|| beside(from, &what), Path::to_owned));
        let stored = stored(&place, from)?.filter(|_| !anew);
        let (kept, sent, progress) = match stored {
            None => (false, 0, Progress::default()),
            Some(stored) if stored.what != what || !is_same(from, &stored.read, &read)? => {
                let what = format!(
                    "{} is of another backfill, or its source has changed since",
                    place.path().display()
                );
                return Err(Problem::usage(what).hint("--restart begins anew, --state names another file"));
            }
            Some(stored) => (true, stored.sent, stored.progress),
        };
        // Now, and not when the first page is gone.
        place.probe().map_err(|error| unwritable(&place, &error))?;
        Ok(Self { place: Some(place), kept, anew, what, read, sent, progress })
    }

    /// The line after which this run goes on, if an earlier one came that far.
    pub(super) fn resumed_after(&self) -> Option<u64> {
        (self.progress != Progress::default()).then_some(self.progress.through)
    }

    /// Writes it; whole or not at all. Nothing settled is nothing to go on from.
    ///
    /// # Errors
    /// When it cannot be written: a run that goes on without would send everything again once it is killed.
    pub(super) fn save(&mut self) -> Result<(), Problem> {
        let Some(place) = self.place.as_ref().filter(|_| self.progress != Progress::default()) else {
            return Ok(());
        };
        let stored = Stored {
            what: self.what.clone(),
            read: self.read.clone(),
            sent: self.sent,
            progress: self.progress.clone(),
        };
        let written =
            serde_json::to_vec(&stored).map_err(std::io::Error::from).and_then(|text| place.write(&text));
        written.map_err(|error| unwritable(place, &error))?;
        self.kept = true;
        Ok(())
    }

    /// Everything is done.
    pub(super) fn remove(&self) {
        self.place.iter().for_each(Place::remove);
    }

    /// How to go on, for whoever has stopped it.
    pub(super) fn advice(&self) -> String {
        let Some(place) = &self.place else {
            return "stdin cannot be gone on with: send it again, what is there already is not written again"
                .to_owned();
        };
        let name = place.path().display();
        match (self.kept, self.anew) {
            (false, _) if self.progress == Progress::default() => {
                "it stopped before a page was sent: there is nothing to go on from".to_owned()
            }
            (false, _) => {
                "how far it came is not kept: begun again, what is there already is not written again"
                    .to_owned()
            }
            (true, false) => format!("the same command goes on from here ({name})"),
            (true, true) => format!("the same command without --restart goes on from here ({name})"),
        }
    }
}

fn unwritable(place: &Place, error: &std::io::Error) -> Problem {
    Problem::usage(format!("the state {} cannot be written: {error}", place.path().display()))
        .hint("--state FILE puts it elsewhere")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Exit;

    fn what(connection: Option<&str>) -> What {
        let of = |text: &str| text.to_owned();
        What {
            stack: of("rtr-x"),
            org_id: of("acme"),
            record_type: of("contact"),
            connection: connection.map(of),
            rewrite: false,
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

    #[test]
    fn given_a_state_that_is_the_source_or_a_file_of_somebody_elses_when_begun_then_neither_is_touched() {
        let folder = std::env::temp_dir().join(format!("rtr-backfill-misuse-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let at = |name: &str| folder.join(name);
        let (file, other) = (at("events.jsonl"), at("precious"));
        std::fs::write(&file, "one\n").unwrap();
        std::fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&file, at("link")).unwrap();
        let from = From::File(file.clone());
        let begin =
            |given: &Path, anew| State::begin(what(None), &from, None, Some(given), anew).unwrap_err();
        for anew in [true, false] {
            for name in ["events.jsonl", "./events.jsonl", "link"] {
                let refused = begin(&at(name), anew);
                assert_eq!(refused.exit, Exit::Usage);
                assert!(refused.what.contains("which is the source itself"), "{name}: {refused}");
            }
            let refused = begin(&other, anew);
            assert!(refused.what.contains("precious is not the state of a backfill"), "{refused}");
            assert!(refused.hint.unwrap().contains("--state names another file"));
            let refused = begin(&at("none/at/all"), anew);
            assert!(refused.what.contains("cannot be written"), "{refused}");
        }
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!((read(&file).as_str(), read(&other).as_str()), ("one\n", "precious"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn given_a_run_that_stopped_when_advised_then_the_same_command_goes_on_only_if_there_is_something() {
        let file = std::env::temp_dir().join(format!("rtr-backfill-advice-{}", std::process::id()));
        std::fs::write(&file, "one\n").unwrap();
        let from = From::File(file.clone());
        let begin = |anew| State::begin(what(None), &from, None, None, anew).unwrap();
        for anew in [true, false] {
            let mut state = begin(anew);
            state.save().unwrap();
            assert!(!state.place.as_ref().unwrap().path().exists(), "nothing was settled");
            assert!(state.advice().contains("nothing to go on from"), "{}", state.advice());
            state.progress.settle(1);
            assert!(state.advice().contains("is not kept"), "{}", state.advice());
            state.save().unwrap();
            let goes_on =
                if anew { "the same command without --restart goes" } else { "the same command goes" };
            assert!(state.advice().starts_with(goes_on), "{}", state.advice());
            assert!(begin(false).advice().starts_with("the same command goes"), "an earlier run's");
            state.remove();
        }
        std::fs::remove_file(&file).unwrap();
    }
}
