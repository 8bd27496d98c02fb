//! `rtr publish`: a file of events, one a line, onto `changes.fifo`.
//!
//! Every line is checked before it is sent, and ends sent or refused. Nothing is sent twice in one run, order within a
//! message group is the file's, and an interrupted run goes on with `--resume`.

pub(in crate::commands) mod line;
mod noting;
mod run;
pub(in crate::commands) mod schedule;
pub(in crate::commands) mod send;

use crate::app::App;
use crate::audit::Who;
use crate::commands::lines::{Keeper, Progress, Source};
use crate::output::{FileBar, count};
use crate::problem::{Ended, Exit, Problem};
use crate::schema::Answer;
use line::{Addressing, Line, Refused};
use noting::{Counts, Noting};
use run::{Run, Summary};
use send::Target;
use std::path::PathBuf;

/// Refused lines that are shown to a person; a script gets all.
const SHOWN: usize = 20;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<Summary>("publish")];

/// What to send, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// JSON lines, one event each; `-` is stdin
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Message groups per org [default: the stack's GroupBuckets]
    #[arg(long, value_name = "K")]
    buckets: Option<u64>,
    /// Send even what SQS would take for a duplicate: fresh deduplication ids
    #[arg(long)]
    force: bool,
    /// Send nothing if any line is wrong
    #[arg(long)]
    strict: bool,
    /// Mark the events for this lane; backfills go by `bulk`
    #[arg(long, value_name = "LANE", value_parser = ["bulk"])]
    lane: Option<String>,
    /// Go on where an interrupted run of this file stopped
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    who: Who,
}

/// Sends the file.
pub(crate) async fn run(app: &App, args: Args) -> Ended {
    let mut source = Source::new(&args.file);
    let keeper = Keeper::begin(app, &source, args.resume)?;
    let mut counts = None;
    if args.strict {
        let (lines, refused, found) = check_all(source, &keeper.progress).await?;
        if !refused.is_empty() {
            return Ok(tell(app, &args, &Summary { sent: 0, refused, resumed_after: None }));
        }
        (source, counts) = (lines, Some(found));
    }
    let aws = Box::pin(app.aws()).await?;
    let how = Addressing {
        buckets: aws.group_buckets(args.buckets).await,
        fresh: args.force.then(fresh),
        lane: args.lane.clone(),
        ..Addressing::default()
    };
    let target = Target {
        client: aws.clients.sqs.clone(),
        url: aws.stack.output("CHANGES_QUEUE_URL")?.to_owned(),
        place: aws.place.clone(),
        lane: args.lane.clone(),
    };
    let bar = FileBar::new(source.size());
    let noting = Noting::new(&aws, &args.who, Source::new(&args.file).name(), counts);
    let sending = Run::new(target, how, keeper, bar, noting, app.out);
    let (summary, stopped) = Box::pin(sending.send_all(source)).await?;
    let exit = tell(app, &args, &summary);
    match stopped {
        Some(problem) => Err(problem),
        None => Ok(exit),
    }
}

/// Reads everything once without sending: what is wrong, and how many events there are to be sent of each org.
async fn check_all(source: Source, progress: &Progress) -> Result<(Source, Vec<Refused>, Counts), Problem> {
    let source = source.kept().await?;
    let (mut refused, mut counts) = (Vec::new(), Counts::new());
    let mut lines = source.clone().lines()?;
    while let Some(next) = lines.recv().await {
        let (number, bytes, _) = next?;
        if progress.has(number) {
            continue;
        }
        match line::read(number, &bytes, &Addressing::default()) {
            Line::Blank => {}
            Line::Event(event) => *counts.entry(event.org).or_default() += 1,
            Line::Refused(one) => refused.push(one),
        }
    }
    Ok((source, refused, counts))
}

pub(in crate::commands) fn fresh() -> String {
    use rtr_connectors::http::Clock;
    rtr_aws::clock::SystemClock.nonce()
}

/// Tells what was sent and what was not.
fn tell(app: &App, args: &Args, summary: &Summary) -> Exit {
    if !app.out.is_json() {
        let file = Source::new(&args.file).name();
        for one in summary.refused.iter().take(SHOWN) {
            let code = one.code.map_or_else(String::new, |code| format!("{code} "));
            app.out.note(&format!("{file}:{}: {code}{}", one.line, one.message));
        }
        let more = summary.refused.len().saturating_sub(SHOWN);
        if more > 0 {
            app.out.note(&format!("… and {} more; --json lists all", count(more, "line")));
        }
    }
    app.out.answer(summary, |_| words(summary, args.strict));
    Exit::of_findings(!summary.refused.is_empty())
}

fn words(summary: &Summary, strict: bool) -> String {
    let sent = count(usize::try_from(summary.sent).unwrap_or(usize::MAX), "event");
    match summary.refused.len() {
        0 => format!("sent {sent}"),
        n if strict && summary.sent == 0 => format!("sent nothing: {} refused", count(n, "line")),
        n => format!("sent {sent}, refused {}", count(n, "line")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_summary_when_told_then_words_and_json_agree() {
        let refused = vec![Refused { line: 2, code: None, field: None, message: "x".to_owned() }];
        let summary = Summary { sent: 1, refused, resumed_after: None };
        assert_eq!(words(&summary, false), "sent 1 event, refused 1 line");
        assert_eq!(words(&Summary { sent: 0, ..summary.clone() }, true), "sent nothing: 1 line refused");
        crate::schema::tests::holds("publish", &summary);
        insta::assert_snapshot!(serde_json::to_string(&summary).unwrap(), @r#"{"sent":1,"refused":[{"line":2,"code":null,"field":null,"message":"x"}]}"#);
    }
}
