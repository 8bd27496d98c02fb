//! `rtr dlq drop`: gives dead versions up. Each is one compare-and-set, and a stored body goes only after it.

use super::Act;
use super::decision::{Seen, dropped};
use super::filter::Filter;
use super::index;
use super::letter::Letter;
use super::redrive::Pace;
use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::confirm::confirm;
use crate::output::count;
use crate::problem::{Ended, Exit, Problem};
use futures::stream::{self, StreamExt};
use rtr_core::item::Item;
use rtr_engine::seams::{Seams, Unavailable, Write, Wrote};
use serde::Serialize;

/// Writes under way at once.
const AT_ONCE: usize = 16;
/// Times a refused write is decided anew.
const ROUNDS: usize = 4;

/// What a drop came to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
struct Report {
    dry_run: bool,
    matched: usize,
    dropped: usize,
    /// No longer dead, or of another version by now: left alone.
    gone: usize,
}

/// What became of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cleared {
    /// It is free.
    Done,
    /// Something else lies there by now.
    Gone,
    /// Nobody knows.
    Failed(Unavailable),
}

/// Drops what `filter` takes.
pub(super) async fn run(app: &App, filter: &Filter, act: &Act, rate: Option<u32>) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let letters = index::find(&aws, filter).await?;
    let mut report = Report { dry_run: act.dry_run, matched: letters.len(), ..Report::default() };
    let question = format!("Drop {} for good?", count(letters.len(), "dead letter"));
    if letters.is_empty() || (!act.dry_run && !confirm(app, &question, act.yes)?) {
        return Ok(tell(app, &report));
    }
    let runtime = aws.runtime("")?;
    let pace = Pace::new(rate, letters.len());
    for step in letters.chunks(pace.step()) {
        let done = one_step(&runtime.seams(), &aws, step, &mut report).await;
        if let Err(problem) = done {
            tell(app, &report);
            return Err(problem);
        }
        pace.wait(step.len()).await;
    }
    Ok(tell(app, &report))
}

async fn one_step(
    seams: &Seams<'_>,
    aws: &Aws,
    letters: &[Letter],
    report: &mut Report,
) -> Result<(), Problem> {
    let keys: Vec<_> = letters.iter().map(|letter| letter.key.clone()).collect();
    let read = seams.records.read(&keys).await;
    let mut items = read.map_err(|error| unavailable("reading items", &aws.place, &error))?;
    let dry_run = report.dry_run;
    let dropping = letters.iter().map(|letter| {
        let item = items.remove(&letter.key).unwrap_or_default();
        async move {
            if dry_run {
                let would = dropped(&item, letter.seen(), letter.kind(), "", seams.clock.now()).is_some();
                return (letter, if would { Cleared::Done } else { Cleared::Gone });
            }
            (letter, clear(seams, letter, item, letter.seen()).await)
        }
    });
    // All of the step is ended before the first failure is told: nothing is left half-way.
    let mut failed = Ok(());
    let mut ended = stream::iter(dropping.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    while let Some((letter, cleared)) = ended.next().await {
        match cleared {
            Cleared::Done => report.dropped += 1,
            Cleared::Gone => report.gone += 1,
            Cleared::Failed(error) => {
                failed = Err(unavailable(&format!("dropping {}", letter.whose()), &aws.place, &error));
            }
        }
    }
    failed
}

/// Frees the place where `letter` lies, if what was `seen` still lies there; `item` is what was read.
pub(super) async fn clear(seams: &Seams<'_>, letter: &Letter, mut item: Item, seen: Seen) -> Cleared {
    let by = format!("rtr#{}", seams.clock.nonce());
    for _ in 0..ROUNDS {
        // A write whose answer was lost may have landed, and was refused the second time.
        if item.by == by {
            return Cleared::Done;
        }
        let next = dropped(&item, seen, letter.kind(), &by, seams.clock.now());
        let Some(new) = next else { return Cleared::Gone };
        let write = Write { key: letter.key.clone(), names: letter.names(), old: item, new };
        match seams.records.write(std::slice::from_ref(&write)).await.into_iter().next() {
            Some(Wrote::Done) => {
                if let Some(body) = write.old.stored_body() {
                    // A failure only wastes space.
                    let _ = seams.records.delete_body(body).await;
                }
                return Cleared::Done;
            }
            Some(Wrote::Failed(error)) => return Cleared::Failed(error),
            _ => match seams.records.read(std::slice::from_ref(&letter.key)).await {
                Ok(mut found) => item = found.remove(&letter.key).unwrap_or_default(),
                Err(error) => return Cleared::Failed(error),
            },
        }
    }
    Cleared::Failed(Unavailable("the item kept changing".to_owned()))
}

fn tell(app: &App, report: &Report) -> Exit {
    app.out.answer(report, |_| {
        let would = if report.dry_run { "would drop" } else { "dropped" };
        let gone =
            if report.gone > 0 { format!(", {} no longer as listed", report.gone) } else { String::new() };
        format!("{would} {}{gone}", count(report.dropped, "dead letter"))
    });
    Exit::Done
}
