//! Keeps how far a run has come: in memory with every line, beside the file now and then and at the end.

use super::{Checkpoint, Progress, Source};
use crate::app::App;
use crate::problem::Problem;
use std::time::{Duration, Instant};

/// Between two checkpoints.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// The progress of one run.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// The lines that are settled.
    pub(crate) progress: Progress,
    place: Option<Checkpoint>,
    /// Whether the lines can be read once only.
    piped: bool,
    saved: Instant,
}

impl Keeper {
    /// For a run over `source`: from the beginning, or with `resume` from where an earlier one stopped.
    ///
    /// # Errors
    /// When there is no file to go on with, or another one than before.
    pub(crate) fn begin(app: &App, source: &Source, resume: bool) -> Result<Self, Problem> {
        let place = match source.size() {
            Some(_) => source.file().map(Checkpoint::beside).transpose()?,
            None => None,
        };
        let progress = match (resume, source.file(), &place) {
            (true, Some(file), Some(place)) => {
                let progress = place.load(file)?;
                let from = progress.through + 1;
                app.out.note(&format!("{}: going on at line {from}", file.display()));
                progress
            }
            (true, ..) => {
                return Err(Problem::usage("--resume needs a file, whose checkpoint lies beside it"));
            }
            (false, _, Some(place)) if place.exists() => {
                let name = place.path().display();
                app.out.note(&format!(
                    "an earlier run stopped half-way ({name}); this one begins anew, --resume goes on"
                ));
                Progress::default()
            }
            _ => Progress::default(),
        };
        let piped = place.is_none();
        Ok(Self { progress, place, piped, saved: Instant::now() })
    }

    /// For a run that leaves nothing behind.
    pub(crate) fn nowhere() -> Self {
        Self { progress: Progress::default(), place: None, piped: false, saved: Instant::now() }
    }

    /// The line after which this run began, if it goes on with an earlier one.
    pub(crate) fn resumed_after(&self) -> Option<u64> {
        (self.progress != Progress::default()).then_some(self.progress.through)
    }

    /// Writes the checkpoint, if the last one is old. A file may lie where nothing can be written, and is worked off all the
    /// same: whoever is stopped is told.
    pub(crate) fn save_now_and_then(&mut self) {
        if self.saved.elapsed() >= SAVE_EVERY {
            self.saved = Instant::now();
            let _ = self.save();
        }
    }

    /// Whether there is something to go on from.
    fn save(&self) -> std::io::Result<bool> {
        // Nothing settled is nothing to go on from: no file is left behind for it.
        let Some(place) = self.place.as_ref().filter(|_| self.progress != Progress::default()) else {
            return Ok(false);
        };
        place.save(&self.progress).map(|()| true)
    }

    /// The run is over: the checkpoint goes, or stays with advice on how to go on. `command` is what goes on with it,
    /// `nothing` what to say when nothing was done.
    pub(crate) fn end(self, stopped: Option<Problem>, command: &str, nothing: &str) -> Option<Problem> {
        let Some(problem) = stopped else {
            self.place.iter().for_each(Checkpoint::remove);
            return None;
        };
        let hint = match (self.save(), &self.place) {
            (Ok(true), _) => format!("{command} --resume goes on from here"),
            (Err(error), Some(place)) => {
                let name = place.path().display();
                format!("how far it came cannot be kept, {name} cannot be written: {error}")
            }
            _ if self.piped && self.progress != Progress::default() => {
                "what a pipe brought cannot be gone on with: give all of it again".to_owned()
            }
            _ => nothing.to_owned(),
        };
        Some(match problem.hint {
            None => problem.hint(hint),
            Some(first) => Problem { hint: Some(format!("{first}\n  {hint}")), ..problem },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::interrupted;

    #[test]
    fn given_a_stopped_run_when_its_place_can_be_kept_or_not_then_it_is_told_and_never_that_nothing_was_done()
    {
        let folder = std::env::temp_dir().join(format!("rtr-keeper-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("events.jsonl");
        std::fs::write(&file, "one\n").unwrap();
        let end = |settled: bool| {
            let mut keeper = Keeper { place: Some(Checkpoint::beside(&file).unwrap()), ..Keeper::nowhere() };
            if settled {
                keeper.progress.settle(1);
            }
            move || keeper.end(Some(interrupted()), "rtr publish", "nothing was sent").unwrap().hint.unwrap()
        };
        assert_eq!(end(false)(), "nothing was sent");
        let mut piped = Keeper { piped: true, ..Keeper::nowhere() };
        piped.progress.settle(1);
        let hint = piped.end(Some(interrupted()), "rtr publish", "nothing was sent").unwrap().hint.unwrap();
        assert!(hint.starts_with("what a pipe brought"), "{hint}");
        assert_eq!(end(true)(), "rtr publish --resume goes on from here");
        let gone = end(true);
        std::fs::remove_dir_all(&folder).unwrap();
        let hint = gone();
        assert!(hint.starts_with("how far it came cannot be kept"), "{hint}");
    }
}
