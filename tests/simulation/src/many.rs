//! Many histories, on as many threads as are wanted: each of one thread, none of which knows of the others.

use crate::both::{draw_both, run_both};
use crate::draw::{Measure, draw};
use crate::mutants::Mutant;
use crate::place::Place;
use crate::report::Report;
use crate::run::run;
use crate::trace::Trace;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Which histories, and how.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The first seed.
    pub from: u64,
    /// So many.
    pub seeds: u64,
    /// What each has.
    pub measure: Measure,
    /// Whether changes flow both ways: then it has a measure of its own.
    pub both: bool,
    /// On so many threads.
    pub threads: usize,
    /// No new one is begun after so long.
    pub for_at_most: Option<Duration>,
    /// Go on after something did not hold.
    pub keep_going: bool,
    /// The planted bug, if any.
    pub mutant: Option<Mutant>,
    /// Every so many histories a line on standard error tells how far it is; 0 is never.
    pub tell_every: u64,
}

/// Runs them.
///
/// # Errors
/// What is wrong with the place that they happen in, or with a thread.
pub fn run_many(wanted: &Wanted) -> Result<Report, String> {
    let began = Instant::now();
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut report = Report::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..wanted.threads.max(1)).map(|_| scope.spawn(|| worker(wanted, &next, &stop, began))).collect();
        for worker in workers {
            match worker.join() {
                Ok(part) => report.merge(part?),
                Err(_) => return Err("a thread broke: its history is above".to_owned()),
            }
        }
        Ok(())
    })?;
    report.took = began.elapsed();
    Ok(report)
}

fn worker(wanted: &Wanted, next: &AtomicU64, stop: &AtomicBool, began: Instant) -> Result<Report, String> {
    let place = if wanted.both { Place::both()? } else { Place::new()? };
    let mut report = Report::default();
    let worked = Instant::now();
    while !stop.load(Ordering::Relaxed) && wanted.for_at_most.is_none_or(|most| began.elapsed() < most) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= wanted.seeds {
            break;
        }
        let seed = wanted.from + number;
        let run = || match wanted.both {
            true => run_both(&place, &draw_both(seed), Trace::default(), wanted.mutant),
            false => run(&place, &draw(seed, wanted.measure), Trace::default(), wanted.mutant),
        };
        // What the functions panic of is caught where they run: this is the simulator's own.
        let history =
            catch_unwind(AssertUnwindSafe(run)).map_err(|_| format!("seed {seed}: the simulator broke"))?;
        report.add(seed, &history);
        for violation in history.violations.iter().take(1) {
            eprintln!("seed {seed} breaks {violation}");
        }
        if !history.violations.is_empty() && !wanted.keep_going {
            stop.store(true, Ordering::Relaxed);
        }
        if wanted.tell_every > 0 && (number + 1).is_multiple_of(wanted.tell_every) {
            eprintln!("{} histories, {:.0} s", number + 1, began.elapsed().as_secs_f64());
        }
    }
    report.worked = worked.elapsed();
    Ok(report)
}
