//! `rtr dlq drop`: gives dead versions up. Each is one compare-and-set, and a stored body goes only after it.

use super::Act;
use super::audit::entries;
use super::filter::Filter;
use super::index;
use super::letter::Letter;
use super::pace::Pace;
use crate::app::App;
use crate::audit::{Who, note};
use crate::aws::{Aws, unavailable};
use crate::confirm::confirm;
use crate::output::count;
use crate::problem::{Ended, Exit, Problem};
use futures::stream::{self, StreamExt};
use rtr_engine::letters::{Cleared, clear, dropped};
use rtr_engine::seams::Seams;
use schemars::JsonSchema;
use serde::Serialize;

/// Writes under way at once.
const AT_ONCE: usize = 16;

/// What a drop came to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Report {
    dry_run: bool,
    matched: usize,
    dropped: usize,
    /// No longer dead, or of another version by now: left alone.
    gone: usize,
}

/// Drops what `filter` takes.
pub(super) async fn run(app: &App, filter: &Filter, act: &Act, who: &Who, rate: Option<u32>) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let letters = index::find(&aws, filter).await?;
    let mut report = Report { dry_run: act.dry_run, matched: letters.len(), ..Report::default() };
    let question = format!("Drop {} for good?", count(letters.len(), "dead letter"));
    if letters.is_empty() || (!act.dry_run && !confirm(app, &question, act.yes)?) {
        return Ok(tell(app, &report));
    }
    if !act.dry_run {
        for entry in entries("dlq.drop", &letters, who) {
            note(&aws, &entry).await?;
        }
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

fn tell(app: &App, report: &Report) -> Exit {
    app.out.answer(report, |_| {
        let would = if report.dry_run { "would drop" } else { "dropped" };
        let gone =
            if report.gone > 0 { format!(", {} no longer as listed", report.gone) } else { String::new() };
        format!("{would} {}{gone}", count(report.dropped, "dead letter"))
    });
    Exit::Done
}
