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
        Ok(Self { progress, place, saved: Instant::now() })
    }

    /// For a run that leaves nothing behind.
    pub(crate) fn nowhere() -> Self {
        Self { progress: Progress::default(), place: None, saved: Instant::now() }
    }

    /// The line after which this run began, if it goes on with an earlier one.
    pub(crate) fn resumed_after(&self) -> Option<u64> {
        (self.progress != Progress::default()).then_some(self.progress.through)
    }

    /// Writes the checkpoint, if the last one is old.
    pub(crate) fn save_now_and_then(&mut self) {
        if self.saved.elapsed() >= SAVE_EVERY {
            self.saved = Instant::now();
            self.save();
        }
    }

    fn save(&self) -> bool {
        // Nothing settled is nothing to go on from: no file is left behind for it.
        let settled = self.progress != Progress::default();
        self.place.as_ref().is_some_and(|place| settled && place.save(&self.progress).is_ok())
    }

    /// The run is over: the checkpoint goes, or stays with advice on how to go on. `command` is what goes on with it,
    /// `nothing` what to say when nothing was done.
    pub(crate) fn end(self, stopped: Option<Problem>, command: &str, nothing: &str) -> Option<Problem> {
        let Some(problem) = stopped else {
            self.place.iter().for_each(Checkpoint::remove);
            return None;
        };
        let goes_on = format!("{command} --resume goes on from here");
        let hint = if self.save() { goes_on.as_str() } else { nothing };
        Some(match problem.hint {
            None => problem.hint(hint),
            Some(first) => Problem { hint: Some(format!("{first}\n  {hint}")), ..problem },
        })
    }
}
