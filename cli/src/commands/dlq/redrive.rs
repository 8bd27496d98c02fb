//! `rtr dlq redrive`: wakes dead versions through their records' own groups. Safe in any order, any number of times. What
//! became of them is read from their items.

use super::audit::entries;
use super::filter::Filter;
use super::fresh::settled;
use super::group::causes;
use super::index;
use super::letter::Letter;
use super::pace::Pace;
use super::slip;
use super::{Act, LIST};
use crate::app::App;
use crate::audit::{Who, note};
use crate::aws::unavailable;
use crate::confirm::confirm;
use crate::output::{count, one_line, progress_bar};
use crate::problem::{Ended, Exit};
use crate::schema::foreign;
use crate::signal::{Rest, told_to_end, unless_interrupted};
use rtr_connectors::http::Clock as _;
use rtr_engine::letters::{Addressing, Failed, Following, Outcomes, Refused, plan_step};
use rtr_engine::seams::{Records, Seams, Unavailable};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Items that are looked at at once.
const LOOK: usize = 1_000;
/// Between two looks, at first and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(2)];

/// How it is done, beside which and whether.
#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// Message groups per org [default: the stack's GroupBuckets]
    #[arg(long, value_name = "K")]
    buckets: Option<u64>,
    /// At most so many a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Wait so long for what becomes of them; 0s: not at all
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = crate::moment::read_duration)]
    wait: Duration,
}

/// What a redrive came to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Report {
    dry_run: bool,
    matched: usize,
    redriven: usize,
    /// No longer dead by now.
    gone: usize,
    /// Not sent: it could only die again.
    #[schemars(with = "Vec<foreign::Refused>")]
    refused: Vec<Refused>,
    /// What became of those that were sent; none where nobody waited for it.
    #[schemars(with = "Option<foreign::Outcomes>")]
    outcomes: Option<Outcomes>,
}

/// Sends what `filter` takes again.
pub(super) async fn run(app: &App, filter: &Filter, act: &Act, how: &How, who: &Who) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let letters = index::find(&aws, filter).await?;
    let mut report = Report { dry_run: act.dry_run, matched: letters.len(), ..Report::default() };
    if letters.is_empty() {
        slip::tell(app, &aws, filter).await?;
    }
    let question = format!("Send {} again?", count(letters.len(), "dead letter"));
    if !letters.is_empty() && !act.dry_run && !act.yes {
        app.out.note(&causes(&letters));
    }
    if letters.is_empty() || (!act.dry_run && !confirm(app, &question, act.yes)?) {
        return tell(app, &report);
    }
    let runtime = aws.runtime("")?;
    let fresh = rtr_aws::clock::SystemClock.nonce();
    let addressing = Addressing { buckets: aws.group_buckets(how.buckets).await, fresh };
    if !act.dry_run {
        settled(app, &aws, &letters).await?;
        for entry in entries("dlq.redrive", &letters, filter, who) {
            note(&aws, &entry).await?;
        }
    }
    let mut following = Following::default();
    let mut pace = Pace::new(how.rate, letters.len());
    let (stop, mut left) = (told_to_end(), letters.len());
    for step in letters.chunks(pace.step()) {
        let told = (&mut report, &mut following);
        let looked_at = match one_step(&runtime.seams(), step, &addressing, told, &stop).await {
            Ok(looked_at) => looked_at,
            Err(Failed { doing, error }) => {
                pace.end();
                tell(app, &report)?;
                return Err(unavailable(&doing, &aws.place, &error));
            }
        };
        left -= looked_at;
        if stop.run_until_cancelled(pace.wait(step.len())).await.is_none() {
            break;
        }
    }
    pace.end();
    if !act.dry_run && !how.wait.is_zero() {
        let followed = follow(runtime.seams().records, &mut following, how.wait, &stop).await;
        report.outcomes = Some(following.outcomes());
        if let Err(error) = followed {
            tell(app, &report)?;
            return Err(unavailable("reading what became of them", &aws.place, &error));
        }
    }
    let named = (!filter.id.is_empty()).then_some(LIST);
    let rest = Rest { left, all: letters.len(), dry_run: act.dry_run, named };
    unless_interrupted(tell(app, &report)?, rest)
}

/// How many of the step were looked at: all, unless it is told to stop.
async fn one_step(
    seams: &Seams<'_>,
    letters: &[Letter],
    how: &Addressing,
    (report, following): (&mut Report, &mut Following),
    stop: &CancellationToken,
) -> Result<usize, Failed> {
    let planning = stop.run_until_cancelled(plan_step(seams.records, letters, how)).await;
    let Some(planned) = planning else { return Ok(0) };
    let mut planned = planned?;
    report.gone += planned.gone;
    report.refused.append(&mut planned.refused);
    if report.dry_run {
        report.redriven += planned.ready();
        return Ok(letters.len());
    }
    let step = planned.send_while(seams, &|| !stop.is_cancelled()).await;
    report.redriven += step.sent.len();
    following.add(step.sent);
    step.failed.map_or(Ok(letters.len() - step.left), Err)
}

/// Looks until all have ended, the time is over or somebody asks for the end; what is left then is looked at once more.
async fn follow(
    records: &dyn Records,
    following: &mut Following,
    wait: Duration,
    stop: &CancellationToken,
) -> Result<(), Unavailable> {
    let until = Instant::now() + wait;
    let bar = progress_bar(Some(following.left() as u64));
    let [mut pause, longest] = PAUSES;
    while following.left() > 0 && Instant::now() < until {
        let next = tokio::time::sleep_until(until.min(Instant::now() + pause));
        if stop.run_until_cancelled(next).await.is_none() {
            break;
        }
        let before = following.left();
        following.look(records, LOOK).await?;
        bar.set_position(following.ended() as u64);
        bar.set_message(format!("{} under way", following.left()));
        // As long as they end they are looked at often.
        pause = if following.left() < before { PAUSES[0] } else { longest.min(pause * 2) };
    }
    let all = following.left();
    for _ in 0..all.div_ceil(LOOK) {
        following.look(records, LOOK).await?;
    }
    bar.finish_and_clear();
    Ok(())
}

fn tell(app: &App, report: &Report) -> Ended {
    app.out.answer(report, |_| words(report));
    let again = report.outcomes.as_ref().is_some_and(|outcomes| !outcomes.dead_again.is_empty());
    Ok(Exit::of_findings(again || !report.refused.is_empty()))
}

fn words(report: &Report) -> String {
    let would = if report.dry_run { "would send" } else { "sent" };
    let mut text = format!("{would} {} again", count(report.redriven, "dead letter"));
    if report.gone > 0 {
        let _ = write!(text, ", {} no longer dead", report.gone);
    }
    for Refused { id, code, message } in &report.refused {
        let _ = write!(text, "\n{id}: {code} {message}");
    }
    if let Some(outcomes) = report.outcomes.as_ref().filter(|_| report.redriven > 0) {
        let _ = write!(text, "\n{}", became(outcomes));
    }
    text
}

/// What became of them, in lines.
fn became(outcomes: &Outcomes) -> String {
    let Outcomes { applied, unchanged, superseded, skipped, parked, resent, under_way, dead_again } =
        outcomes;
    let again: usize = dead_again.iter().map(|group| group.count).sum();
    let counted = [
        (*applied, "applied"),
        (*unchanged, "unchanged"),
        (*superseded, "superseded by a newer version"),
        (*skipped, "skipped"),
        (*parked, "parked: they go by themselves"),
        (*resent, "sent as events, which end at their records"),
        (again, "dead again"),
        (*under_way, "still under way"),
    ];
    let mut lines: Vec<String> =
        counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("  {n} {what}")).collect();
    for group in dead_again {
        let field = group.field.as_ref().map_or_else(String::new, |field| format!(" `{field}`:"));
        let (code, message) = (group.code, &group.message);
        let of = count(group.count, "letter");
        let line = format!("    {code}{field} {message} ({of}; rtr dlq show --id {})", group.example);
        lines.push(one_line(&line));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::code::Code;
    use rtr_engine::letters::DeadAgain;

    #[test]
    fn given_a_report_when_told_then_people_see_what_was_not_sent_and_why() {
        let refused = vec![Refused {
            id: "ab12".to_owned(),
            code: Code::MalformedJson,
            message: "not JSON".to_owned(),
        }];
        let report = Report { matched: 4, redriven: 2, gone: 1, refused, ..Report::default() };
        insta::assert_snapshot!(words(&report), @r"
        sent 2 dead letters again, 1 no longer dead
        ab12: RTR1001 not JSON
        ");
        assert_eq!(words(&Report { dry_run: true, ..Report::default() }), "would send 0 dead letters again");
    }

    #[test]
    fn given_outcomes_when_told_then_each_is_counted_and_what_died_again_has_an_example() {
        let again = DeadAgain {
            code: Code::Invalid,
            field: Some("stage".to_owned()),
            message: "HubSpot refused a value".to_owned(),
            count: 2,
            example: "ab12".to_owned(),
        };
        let outcomes =
            Outcomes { applied: 95, parked: 1, under_way: 2, dead_again: vec![again], ..Outcomes::default() };
        let report = Report { matched: 100, redriven: 100, outcomes: Some(outcomes), ..Report::default() };
        insta::assert_snapshot!(words(&report), @r"
        sent 100 dead letters again
          95 applied
          1 parked: they go by themselves
          2 dead again
          2 still under way
            RTR3001 `stage`: HubSpot refused a value (2 letters; rtr dlq show --id ab12)
        ");
        crate::schema::tests::holds("dlq redrive", &report);
        insta::assert_snapshot!(serde_json::to_string(&report).unwrap(), @r#"{"dry_run":false,"matched":100,"redriven":100,"gone":0,"refused":[],"outcomes":{"applied":95,"unchanged":0,"superseded":0,"skipped":0,"parked":1,"resent":0,"under_way":2,"dead_again":[{"code":"RTR3001","field":"stage","message":"HubSpot refused a value","count":2,"example":"ab12"}]}}"#);
    }
}
