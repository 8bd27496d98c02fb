//! `rtr dlq drop`: gives dead versions up. Each is one compare-and-set, and a stored body goes only after it.

use super::audit::entries;
use super::filter::Filter;
use super::group::causes;
use super::index;
use super::letter::Letter;
use super::pace::Pace;
use super::slip;
use super::{Act, LIST};
use crate::app::App;
use crate::audit::{Who, note};
use crate::aws::{Aws, unavailable};
use crate::confirm::confirm;
use crate::output::count;
use crate::problem::{Ended, Exit, Problem};
use crate::signal::{Rest, told_to_end, unless_interrupted};
use futures::stream::{self, Stream, StreamExt};
use rtr_engine::letters::{Cleared, clear, dropped};
use rtr_engine::seams::Seams;
use schemars::JsonSchema;
use serde::Serialize;
use std::cell::Cell;
use std::pin::pin;
use tokio_util::sync::CancellationToken;

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
    // Before anything is done, and whether or not somebody is there to be asked: it cannot be taken back.
    if !letters.is_empty() {
        app.out.note(&causes(&letters));
    }
    if letters.is_empty() {
        slip::tell(app, &aws, filter).await?;
    }
    let question = format!("Drop {} for good?", count(letters.len(), "dead letter"));
    if letters.is_empty() || (!act.dry_run && !confirm(app, &question, act.yes)?) {
        return Ok(tell(app, &report));
    }
    if !act.dry_run {
        for entry in entries("dlq.drop", &letters, filter, who) {
            note(&aws, &entry).await?;
        }
    }
    let runtime = aws.runtime("")?;
    let mut pace = Pace::new(rate, letters.len());
    let (stop, mut left) = (told_to_end(), letters.len());
    for step in letters.chunks(pace.step()) {
        let looked_at = match one_step(&runtime.seams(), &aws, step, &mut report, &stop).await {
            Ok(looked_at) => looked_at,
            Err(problem) => {
                pace.end();
                tell(app, &report);
                return Err(problem);
            }
        };
        left -= looked_at;
        if stop.run_until_cancelled(pace.wait(step.len())).await.is_none() {
            break;
        }
    }
    pace.end();
    let named = (!filter.id.is_empty()).then_some(LIST);
    let rest = Rest { left, all: letters.len(), dry_run: act.dry_run, named };
    unless_interrupted(tell(app, &report), rest)
}

/// How many of the step were looked at: all, unless it is told to stop.
async fn one_step(
    seams: &Seams<'_>,
    aws: &Aws,
    letters: &[Letter],
    report: &mut Report,
    stop: &CancellationToken,
) -> Result<usize, Problem> {
    let keys: Vec<_> = letters.iter().map(|letter| letter.key.clone()).collect();
    let Some(read) = stop.run_until_cancelled(seams.records.read(&keys)).await else { return Ok(0) };
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
    // What has begun is ended before the first failure is told: nothing is left half-way. None begins after it, or once it is told
    // to stop: of a thousand each may wait for an answer that does not come.
    let (mut failed, has_failed, mut looked_at) = (Ok(()), Cell::new(false), 0);
    let goes_on = || !has_failed.get() && !stop.is_cancelled();
    let mut ended = pin!(while_so(dropping, goes_on));
    while let Some((letter, cleared)) = ended.next().await {
        looked_at += 1;
        match cleared {
            Cleared::Done => report.dropped += 1,
            Cleared::Gone => report.gone += 1,
            Cleared::Failed(error) => {
                has_failed.set(true);
                failed = Err(unavailable(&format!("dropping {}", letter.whose()), &aws.place, &error));
            }
        }
    }
    failed.map(|()| looked_at)
}

/// What the works come to as they end, some of them at once; none begins any more once `goes_on` says so.
fn while_so<W: Future>(
    works: impl Iterator<Item = W>,
    goes_on: impl Fn() -> bool,
) -> impl Stream<Item = W::Output> {
    stream::iter(works.take_while(move |_| goes_on())).buffer_unordered(AT_ONCE)
}

/// What is dropped is never sent: every org's letters are not taken for want of a word.
pub(super) fn of_something(filter: &Filter, all_orgs: bool) -> Result<(), Problem> {
    if all_orgs || !filter.is_open() {
        return Ok(());
    }
    Err(Problem::usage("dlq drop: which dead letters are to be dropped is not said").hint(
        "name them by --org ORG, --id ID or another filter, or say --all-orgs for those of every org; rtr dlq list --group-by org counts them",
    ))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn given_works_when_one_of_them_fails_then_those_under_way_end_and_no_other_begins() {
        let (begun, has_failed) = (Cell::new(0), Cell::new(false));
        let works = (0..1_000).map(|n| {
            let begun = &begun;
            async move {
                begun.set(begun.get() + 1);
                // The first fails while the others are under way.
                tokio::time::sleep(Duration::from_millis(if n == 0 { 1 } else { 50 })).await;
                n
            }
        });
        let (mut ended, mut all) = (pin!(while_so(works, || !has_failed.get())), Vec::new());
        while let Some(n) = ended.next().await {
            has_failed.set(true);
            all.push(n);
        }
        all.sort_unstable();
        assert_eq!((begun.get(), all), (AT_ONCE, (0..AT_ONCE).collect::<Vec<_>>()));
    }

    #[test]
    fn given_a_drop_without_any_filter_when_asked_for_then_it_is_refused_unless_every_org_is_said() {
        let refused = of_something(&Filter::default(), false).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(refused.hint.unwrap().contains("--all-orgs"));
        assert_eq!(of_something(&Filter::default(), true), Ok(()));
        let by_code = Filter { code: Some("RTR3001".to_owned()), ..Filter::default() };
        let by_id = Filter { id: vec!["7ba3413ad828a995".to_owned()], ..Filter::default() };
        assert_eq!([by_code, by_id].map(|filter| of_something(&filter, false)), [Ok(()), Ok(())]);
    }
}
