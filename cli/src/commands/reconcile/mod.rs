//! `rtr reconcile`: what a CRM holds, held against what it should hold, and on request written again where it differs.
//!
//! What should be there is said by the source's events and the mapping, by the sync flow's own code; what is there, by the CRM, in
//! calls as large as it takes, from the share of its limits that backfills have. Nothing is written by looking.
//!
//! - `run.rs` reads the source and looks · `sample.rs` which records, when not all · `report.rs` and `words/` what was found ·
//!   `repair.rs` writes again

mod repair;
mod report;
mod run;
mod sample;
mod words;

use crate::app::App;
use crate::audit::Who;
use crate::aws::Aws;
use crate::commands::backfill::feed::From;
use crate::commands::backfill::listed::fetch_into;
use crate::commands::connection::Which;
use crate::commands::connection::open::runtime;
use crate::commands::connection::select::{resolved, select, stored};
use crate::commands::publish::fresh;
use crate::confirm::will_be_answered;
use crate::output::count;
use crate::problem::{Ended, Exit, Problem};
use crate::schema::Answer;
use crate::signal::asked_to_end;
use crate::signal::interrupted;
use repair::{Aside, repair};
use report::Report;
use rtr_core::config::{Mode, OrgConfig, Source, Stored};
use rtr_core::mapping::nearest;
use run::Run;
use sample::Sample;
use std::path::PathBuf;
use std::pin::pin;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<Report>("reconcile")];

/// What to compare, and what to do about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The org
    org: String,
    /// The connection within the org
    connection: String,
    /// The record type [default: all that are routed to the connection]
    #[arg(value_name = "TYPE")]
    record_type: Option<String>,
    /// JSON lines, one event each, packed by gzip or not; `-` is stdin [default: the list that the org's `source` names]
    #[arg(long, value_name = "FILE|s3://BUCKET/KEY|-", value_parser = From::parse)]
    from: Option<From>,
    /// Look at so many records, or at a share of them; always the same ones [default: all]
    #[arg(long, value_name = "N|P%", value_parser = Sample::parse)]
    sample: Option<Sample>,
    /// Another number chooses other records
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "sample")]
    seed: u64,
    /// The source lists only some records: do not look for what it does not list
    #[arg(long)]
    partial: bool,
    /// Show what fields hold and should hold: people's data
    #[arg(long = "show-data", alias = "show-values")]
    show_values: bool,
    /// Write again what is missing, different or overtaken
    #[arg(long)]
    repair: bool,
    /// With --repair: say how much would be written, and write nothing
    #[arg(long, requires = "repair")]
    dry_run: bool,
    /// With --repair: go on without a question
    #[arg(long, requires = "repair")]
    yes: bool,
    /// With --repair: end when everything is sent, and not when it has reached the CRM
    #[arg(long, requires = "repair")]
    no_wait: bool,
    #[command(flatten)]
    who: Who,
}

/// What was asked for, of every type alike.
#[derive(Debug)]
pub(super) struct Asked {
    org: String,
    connection: String,
    sample: Option<(Sample, u64)>,
    partial: bool,
    show_values: bool,
    dry_run: bool,
    yes: bool,
    no_wait: bool,
    who: Who,
}

impl Asked {
    /// Whether records are looked for that the source does not list: it has to be read whole for that.
    fn looks_for_extra(&self) -> bool {
        self.sample.is_none() && !self.partial
    }
}

/// Compares, tells, and repairs if it is to.
pub(crate) async fn run(app: &App, args: Args) -> Ended {
    args.from.iter().try_for_each(From::is_there)?;
    // What is to be compared comes first, and comparing may take hours: nobody learns after them that he cannot be asked.
    let asks = args.repair && !args.dry_run;
    let answered = || if asks { will_be_answered("Write again what differs?", args.yes) } else { Ok(()) };
    if args.from.is_some() {
        answered()?;
    }
    let aws = Box::pin(app.aws()).await?;
    let stored = Box::pin(stored(&aws)).await?;
    let which = Which { org: Some(args.org.clone()), connection: Some(args.connection.clone()) };
    select(&stored, &which)?;
    let config = configured(&stored, &args, &aws.stack.stage)?;
    let types = types(&args, &config)?;
    if args.from.is_none() {
        source(&config)?;
        answered()?;
    }
    let runtime = runtime(&aws).await?;
    let Args { sample, seed, partial, show_values, dry_run, yes, no_wait, .. } = args;
    let who = args.who.clone();
    let sampled = sample.map(|sample| (sample, seed));
    let (org, connection) = (args.org.clone(), args.connection.clone());
    let asked = Asked { org, connection, sample: sampled, partial, show_values, dry_run, yes, no_wait, who };
    let mut report = Report {
        org_id: args.org.clone(),
        connection: args.connection.clone(),
        sample: sample.map(|sample| match sample {
            Sample::Count(n) => n.to_string(),
            Sample::Share(millionths) => format!("{}%", percent(millionths)),
        }),
        seed: sample.map(|_| seed),
        ..Report::default()
    };
    let mut aside = args.repair.then(Aside::default);
    let looked = {
        let looking = look(app, &args, &types, (&aws, &runtime, &config), &asked, &mut report, &mut aside);
        let (mut looking, mut stop) = (pin!(looking), pin!(asked_to_end()));
        tokio::select! {
            biased;
            () = &mut stop => Err(interrupted()),
            looked = &mut looking => looked,
        }
    };
    report.complete = looked.is_ok();
    report.count();
    // Where nothing was seen there is nothing to tell but why.
    let looked = match looked {
        Err(problem) if !report.has_seen_any() => return Err(problem),
        looked => looked,
    };
    let repaired = match (aside, &looked) {
        (Some(aside), Ok(())) => Box::pin(repair(app, &aws, &asked, aside, &mut report)).await,
        _ => Ok(()),
    };
    app.out.answer(&report, |style| words::words(&report, style, show_values));
    looked.and(repaired)?;
    Ok(Exit::of_findings(report.has_findings()))
}

/// Looks at each type.
async fn look(
    app: &App,
    args: &Args,
    types: &[String],
    (aws, runtime, config): (&Aws, &rtr_aws::function::Runtime, &OrgConfig),
    asked: &Asked,
    report: &mut Report,
    aside: &mut Option<Aside>,
) -> Result<(), Problem> {
    for record_type in types {
        let (listed, from);
        let from = match &args.from {
            Some(given) => given,
            None => {
                listed = Box::pin(listed_of(app, aws, config, record_type)).await?;
                from = From::File(listed.0.clone());
                &from
            }
        };
        let run = Run { aws, runtime, config, asked, record_type };
        Box::pin(run.all(from, report, aside)).await?;
    }
    Ok(())
}

/// A list that was fetched: it is gone once it was read.
struct Listed(PathBuf);

impl Drop for Listed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Where the org's records are listed, for whoever gave no list.
pub(super) fn source(config: &OrgConfig) -> Result<&Source, Problem> {
    config.source.as_ref().ok_or_else(|| {
        Problem::usage(format!("org `{}` has no `source`, and there is no --from", config.org))
            .hint("name the events: --from FILE; or where they are listed: `source` in the org's file")
    })
}

async fn listed_of(app: &App, aws: &Aws, config: &OrgConfig, record_type: &str) -> Result<Listed, Problem> {
    let source = source(config)?;
    let listed = Listed(std::env::temp_dir().join(format!("rtr-reconcile-{}.jsonl", fresh())));
    let records = Box::pin(fetch_into(aws, &config.org, record_type, source, &listed.0)).await?;
    app.out.note(&format!("{record_type}: {} listed", count(records, "record")));
    Ok(listed)
}

/// The org's configuration, if the connection may be asked, and repaired if it is to be.
fn configured(stored: &Stored, args: &Args, stage: &str) -> Result<OrgConfig, Problem> {
    let config = resolved(stored, &args.org, stage).map_err(|error| Problem::usage(error.to_string()))?;
    let config = config.under(&stored.pauses);
    let (org, connection) = (&args.org, &args.connection);
    match config.connections.get(connection).map(|own| own.mode) {
        Some(Mode::Paused) => Err(Problem::usage(format!("{connection} is paused: nothing is asked of it"))
            .hint(format!("rtr connection resume {org} {connection}"))),
        Some(Mode::Shadow) if args.repair => {
            Err(Problem::usage(format!("{connection} is shadowed: nothing is written there"))
                .hint("leave --repair out, or say `mode: live` in the org's file"))
        }
        _ => Ok(config),
    }
}

/// The types that are meant: one that is routed to the connection, or all of them.
fn types(args: &Args, config: &OrgConfig) -> Result<Vec<String>, Problem> {
    let (org, connection) = (&args.org, &args.connection);
    let routed = config.routes.iter().filter(|(_, to)| to.contains(connection));
    let routed: Vec<String> = routed.map(|(record_type, _)| record_type.clone()).collect();
    if routed.is_empty() {
        let what = format!("no records of org `{org}` are routed to `{connection}`");
        return Err(Problem::not_found(what).hint("rtr config show lists its routes"));
    }
    match &args.record_type {
        Some(wanted) if routed.contains(wanted) => Ok(vec![wanted.clone()]),
        Some(wanted) => {
            let problem =
                Problem::not_found(format!("`{wanted}` of org `{org}` is not routed to `{connection}`"));
            Err(match nearest(wanted, routed.iter().map(String::as_str)) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint(format!("these are: {}", routed.join(", "))),
            })
        }
        None if args.from.is_some() && routed.len() > 1 => {
            Err(Problem::usage("--from lists the records of one type, and several are routed there")
                .hint(format!("name one of them: {}", routed.join(", "))))
        }
        None => Ok(routed),
    }
}

/// Millionths as a share of a hundred: `2.5`.
fn percent(millionths: u64) -> String {
    let text = format!("{}.{:04}", millionths / 10_000, millionths % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
