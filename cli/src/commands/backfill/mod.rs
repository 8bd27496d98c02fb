//! `rtr backfill`: millions of events of one org and type, through the bulk lane into its CRMs.
//!
//! Every line is checked, and ends sent or refused. Events are marked for the bulk lane, so that live traffic goes first; the
//! queue is never filled beyond a limit, since live traffic shares it; and the command ends when all of it has reached the
//! CRM. It may be stopped or killed at any point: the same command goes on, and no record is written twice.

mod begin;
pub(in crate::commands) mod feed;
pub(in crate::commands) mod listed;
mod meant;
mod pace;
mod pressure;
mod run;
mod state;
mod stops;
mod stored;
mod summary;
mod told;
mod way;

use crate::app::App;
use crate::audit::{Who, note};
use crate::aws::Aws;
use crate::commands::connection::open::runtime;
use crate::commands::connection::select::stored;
use crate::commands::lines::NumberedLine;
use crate::commands::publish::fresh;
use crate::commands::publish::line::{Addressing, Line, read};
use crate::commands::publish::send::Target;
use crate::confirm::{confirm, will_be_answered};
use crate::moment::now;
use crate::output::share_bar;
use crate::problem::{Ended, Exit, Problem};
use crate::schema::Answer;
use crate::signal::told_to_end;
use feed::From;
use meant::{Meant, connections};
use pace::Pace;
use rtr_aws::function::Runtime;
use rtr_core::audit::Entry;
use rtr_core::change::BULK;
use rtr_core::config::Mode;
use rtr_core::pressure::Pressure;
use run::{Run, Sent};
use state::State;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use stops::Stops;
use stored::What;
pub(in crate::commands) use summary::Summary;
use summary::{tell, with};
use way::Way;

/// Messages in `changes.fifo`, others' too, beyond which nothing is sent.
const MOST_QUEUED: u64 = 5_000;
/// For what is looked up for whoever has stopped it.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<Summary>("backfill")];

/// What to send, and where from.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The org that every event must be of
    org: String,
    /// The record type that every event must be of
    #[arg(value_name = "TYPE")]
    record_type: String,
    /// JSON lines, one event each, packed by gzip or not; `-` is stdin [default: the list that the org's `source` names]
    #[arg(long, value_name = "FILE|s3://BUCKET/KEY|-", value_parser = From::parse)]
    from: Option<From>,
    /// Only for this connection; the others are not touched
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<String>,
    /// Write again what is at its version there already: what the CRM holds may be something else by now
    #[arg(long, requires = "connection")]
    rewrite: bool,
    /// Check every line, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Go on without a question
    #[arg(long)]
    yes: bool,
    /// End when everything is sent, and not when it has reached the CRM
    #[arg(long)]
    no_wait: bool,
    /// Messages that may wait in the queue, those of live traffic too
    #[arg(long, value_name = "N", default_value_t = MOST_QUEUED)]
    max_queued: u64,
    /// Where to keep how far it has come [default: beside the file; for an object here]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Begin anew, though an earlier run has left a state
    #[arg(long)]
    restart: bool,
    /// Go on where an earlier run stopped, which is done anyway
    #[arg(long, hide = true, conflicts_with = "restart")]
    resume: bool,
    #[command(flatten)]
    who: Who,
    /// Whether the audit has it already.
    #[arg(skip)]
    noted: bool,
}

/// What became of a backfill.
pub(in crate::commands) struct Brought {
    from: From,
    /// What was sent, and what waits.
    pub(in crate::commands) summary: Summary,
    /// Why it stopped before its end.
    pub(in crate::commands) stopped: Option<Problem>,
}

impl Args {
    /// Has the records of `file` written once more at one connection; whoever asks for it was asked, and is in the audit.
    pub(in crate::commands) fn again(org: &str, record_type: &str, connection: &str, file: &Path) -> Self {
        Self {
            org: org.to_owned(),
            record_type: record_type.to_owned(),
            from: Some(From::File(file.to_owned())),
            connection: Some(connection.to_owned()),
            rewrite: true,
            dry_run: false,
            yes: true,
            no_wait: false,
            max_queued: MOST_QUEUED,
            state: None,
            restart: false,
            resume: false,
            who: Who::default(),
            noted: true,
        }
    }

    /// That does not wait until it has reached the CRM.
    #[must_use]
    pub(in crate::commands) fn without_waiting(self, no_wait: bool) -> Self {
        Self { no_wait, ..self }
    }
}

/// Sends it, and tells.
pub(crate) async fn run(app: &App, args: Args) -> Ended {
    let Some(Brought { from, summary, stopped }) = Box::pin(bring(app, args)).await? else {
        return Ok(Exit::Done);
    };
    let exit = tell(app, &from, summary);
    match stopped {
        None => Ok(exit),
        Some(problem) => Err(problem),
    }
}

/// Sends it; none when the person did not agree.
pub(in crate::commands) async fn bring(app: &App, args: Args) -> Result<Option<Brought>, Problem> {
    args.from.iter().try_for_each(From::is_there)?;
    // What is to be sent comes first: where there is none, nobody is asked whether it may be.
    let answered = || if args.dry_run { Ok(()) } else { will_be_answered("Send the events?", args.yes) };
    if args.from.is_some() {
        answered()?;
    }
    let aws = Box::pin(app.aws()).await?;
    let stored = Box::pin(stored(&aws)).await?;
    let connections = connections(&args, &stored, &aws.stack.stage)?;
    let from = match &args.from {
        Some(from) => from.clone(),
        None => {
            let source = begin::source(&args, &stored, &aws.stack.stage)?;
            // Fetching a list may take hours: nobody learns after them that he cannot be asked.
            answered()?;
            From::File(Box::pin(begin::listed(app, &aws, &args, &source)).await?)
        }
    };
    let version = from.version(Some(&aws)).await?;
    let is_shadowed = |one: &&Meant| one.mode == Mode::Shadow;
    let shadowed: Vec<String> =
        connections.iter().filter(is_shadowed).map(|one| one.watched.key.connection.clone()).collect();
    let summary = Summary {
        org_id: args.org.clone(),
        record_type: args.record_type.clone(),
        connections: connections.iter().map(|one| one.watched.key.connection.clone()).collect(),
        shadowed: shadowed.clone(),
        sent: 0,
        refused_lines: 0,
        refused: Vec::new(),
        resumed_after: None,
        waiting: Vec::new(),
        done: false,
        dry_run: args.dry_run,
    };
    let how = Addressing {
        buckets: aws.group_buckets(None).await,
        lane: Some(BULK.to_owned()),
        of: Some((args.org.clone(), args.record_type.clone())),
        only: args.connection.clone(),
        rewrite: args.rewrite,
        // The same versions may be sent again a minute later, under another mapping: SQS must not take them for repeats.
        fresh: Some(fresh()),
    };
    if args.dry_run {
        let mut feed = from.open(Some(&aws), version)?;
        let sent = check(&mut feed.lines, &how).await?;
        return Ok(Some(Brought { from, summary: with(summary, sent), stopped: None }));
    }
    let runtime = runtime(&aws).await?;
    for name in &shadowed {
        app.out
            .note(&format!("{name} is shadowed (`mode: shadow` in the org's file): nothing is sent there"));
    }
    // Where nothing is sent there is nothing to wait for.
    let waited = connections.iter().filter(|one| !is_shadowed(one)).map(|one| one.watched.clone());
    let mut stops = Stops::new(&aws, &runtime, waited.collect(), app.out);
    stops.look(|say| say()).await?;
    let question = format!(
        "Send the {} events of {} in {} to {}?",
        args.record_type,
        args.org,
        from.name(),
        summary.connections.join(", ")
    );
    if !confirm(app, &question, args.yes)? {
        return Ok(None);
    }
    if !args.noted {
        note(&aws, &entry(&args, &from)).await?;
    }
    begin::heard(app, &aws, &args.org).await?;
    let sent = Box::pin(send(app, &aws, &args, (&from, version), how, (&runtime, stops), summary)).await;
    sent.map(|(summary, stopped)| Some(Brought { from, summary, stopped }))
}

/// What the audit says of it.
fn entry(args: &Args, from: &From) -> Entry {
    let to = args.connection.as_ref().map_or_else(String::new, |id| format!(" --connection {id}"));
    let rewrite = if args.rewrite { " --rewrite" } else { "" };
    let target = format!("{} {} --from {}{to}{rewrite}", args.org, args.record_type, from.name());
    args.who.entry_of("backfill", &args.org, target)
}

async fn send(
    app: &App,
    aws: &Aws,
    args: &Args,
    (from, version): (&From, Option<feed::Version>),
    how: Addressing,
    (runtime, stops): (&Runtime, Stops<'_>),
    summary: Summary,
) -> Result<(Summary, Option<Problem>), Problem> {
    let what = What {
        stack: aws.stack.name.clone(),
        org_id: args.org.clone(),
        record_type: args.record_type.clone(),
        connection: args.connection.clone(),
        rewrite: args.rewrite,
    };
    let state = State::begin(what, from, version.as_ref(), args.state.as_deref(), args.restart)?;
    let resumed_after = state.resumed_after();
    if let Some(line) = resumed_after {
        app.out.note(&format!("{}: going on after line {line}; --restart begins anew", from.name()));
    }
    let mut feed = from.open(Some(aws), version)?;
    let target = Target {
        client: aws.clients.sqs.clone(),
        url: aws.stack.output("CHANGES_QUEUE_URL")?.to_owned(),
        place: aws.place.clone(),
        lane: how.lane.clone(),
    };
    let mut run = Run {
        aws,
        how,
        target,
        pressure: Pressure::new(args.max_queued),
        state,
        way: Way::new(aws, runtime, stops.keys(), args.rewrite.then(now)),
        stops,
        bar: share_bar(),
        stop: told_to_end(),
        sent: Sent::default(),
        pace: Pace::default(),
        began: Instant::now(),
        counted: None,
    };
    let mut stopped = Box::pin(run.send_all(&mut feed)).await.err();
    let waits = stopped.is_none() && !args.no_wait;
    if waits {
        stopped = Box::pin(run.wait()).await.err();
    }
    run.bar.finish_and_clear();
    match &stopped {
        None => {
            run.state.remove();
            if let (None, From::File(fetched)) = (&args.from, from) {
                let _ = std::fs::remove_file(fetched);
            }
        }
        Some(stopped) => match run.state.save() {
            // It may be what has stopped it, and is told once.
            Err(problem) if problem != *stopped => app.out.note(&problem.to_string()),
            _ => {}
        },
    }
    let advice = run.state.advice();
    if stopped.as_ref().is_some_and(|problem| problem.exit == Exit::Findings) {
        // What is still on the way, and why; whoever wants to be gone does not wait long for it.
        let _ = tokio::time::timeout(LAST_LOOK, run.count()).await;
    }
    let done = waits && stopped.is_none();
    if done {
        told::done(app, runtime, run.stops.watched(), run.sent.sent).await;
    }
    let summary = with(Summary { resumed_after, done, ..summary }, run.sent);
    let stopped = stopped.map(|problem| match problem.hint.clone() {
        None => problem.hint(advice),
        Some(first) => problem.hint(format!("{first}\n  {advice}")),
    });
    Ok((summary, stopped))
}

/// Reads everything without sending.
async fn check(
    lines: &mut tokio::sync::mpsc::Receiver<Result<NumberedLine, Problem>>,
    how: &Addressing,
) -> Result<Sent, Problem> {
    let mut sent = Sent::default();
    while let Some(next) = lines.recv().await {
        let (number, bytes, _) = next?;
        match read(number, &bytes, how) {
            Line::Blank => {}
            Line::Event(_) => sent.sent += 1,
            Line::Refused(one) => sent.refuse(one),
        }
    }
    Ok(sent)
}
