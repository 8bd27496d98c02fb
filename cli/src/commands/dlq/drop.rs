//! `rtr dlq drop`: gives dead versions up. Each is one compare-and-set, and a stored body goes only after it.

use super::Act;
use super::audit::entries;
use super::filter::Filter;
use super::group::causes;
use super::index;
use super::letter::Letter;
use super::pace::Pace;
use super::slip;
use crate::app::App;
use crate::audit::{Who, note};
use crate::aws::{Aws, unavailable};
use crate::confirm::confirm;
use crate::output::count;
use crate::problem::{Ended, Exit, Problem};
use crate::signal::{told_to_end, unless_interrupted};
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
        let done = one_step(&runtime.seams(), &aws, step, &mut report).await;
        if let Err(problem) = done {
            pace.end();
            tell(app, &report);
            return Err(problem);
        }
        left -= step.len();
        if stop.run_until_cancelled(pace.wait(step.len())).await.is_none() {
            break;
        }
    }
    pace.end();
    unless_interrupted(tell(app, &report), left, letters.len())
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
