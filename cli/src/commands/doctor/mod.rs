//! `rtr doctor`: whether the stack is as it must be, whether these credentials and this machine can work on it, and how each
//! connection stands. It looks and changes nothing; CRMs, if they are asked, are asked as the functions ask them: a token that is due is
//! renewed, and credentials that are refused suspend their connection.
//!
//! - `look.rs` reads the stack, `checks.rs`, `sources.rs`, `visibility.rs` judge it · `identity.rs` account, region, clock ·
//!   `unseen.rs` what is missing or may not be looked at · `access.rs` permissions · `secrets.rs`, `connections.rs` each connection as it
//!   is stored · `live.rs`, `drift.rs` as its CRM is · `mend.rs` what to do about credentials

mod access;
mod checks;
mod connections;
mod drift;
mod identity;
mod live;
mod look;
pub(crate) mod mend;
#[cfg(test)]
mod sample;
mod secrets;
mod sources;
mod unseen;
mod visibility;

use crate::app::App;
use crate::aws::Aws;
use crate::commands::connection::Which;
use crate::commands::connection::dead::Dead;
use crate::commands::connection::list::{self, Listed};
use crate::commands::connection::open::runtime;
use crate::commands::connection::select::{select, stored};
use crate::moment::now;
use crate::output::{count, one_line, progress_bar};
use crate::problem::{Ended, Exit, Problem};
use crate::schema::Answer;
use access::Tried;
use checks::{Finding, Seen, findings};
use identity::{Who, identity};
use indicatif::ProgressBar;
use schemars::JsonSchema;
use secrets::Named;
use serde::Serialize;
use std::path::{Path, PathBuf};
use unseen::{Gone, gone, unreadable};

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<Report>("doctor")];

/// Where the configuration lies, unless that is said.
const DEFAULT_FOLDER: &str = "config";

/// How much is looked at.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of connections only this org's; and ask their CRMs: credentials, properties, what differs from what was saved
    #[arg(long, conflicts_with = "all")]
    org: Option<String>,
    /// Ask the CRMs of all orgs
    #[arg(long)]
    all: bool,
    /// Look at no connection: the stack, these credentials and this machine alone
    #[arg(long, conflicts_with_all = ["org", "all"])]
    no_connections: bool,
    /// The folder of the configuration, where `rtr connection test --save` keeps what CRMs describe
    #[arg(long, value_name = "DIR", default_value = DEFAULT_FOLDER)]
    config: PathBuf,
}

/// What was looked at, and what is wrong.
#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    stack: String,
    place: String,
    /// Where, and whose the credentials are; null where AWS does not say.
    region: Option<String>,
    account: Option<String>,
    identity: Option<String>,
    /// How much this machine's clock is ahead of AWS's; null where its answer has no date.
    clock_ahead_ms: Option<i64>,
    group_buckets: Option<u64>,
    looked_at: Vec<String>,
    findings: Vec<Finding>,
}

/// Looks.
pub(crate) async fn run(app: &App, args: &Args) -> Ended {
    named(&args.config)?;
    let bar = progress_bar(None);
    let looked = Box::pin(look(app, args, &bar)).await;
    bar.finish_and_clear();
    let report = looked?;
    app.out.answer(&report, |_| words(&report));
    Ok(Exit::of_findings(!report.findings.is_empty()))
}

/// Refuses a folder that is named and is not there: nothing would be compared, which would pass for no drift.
fn named(folder: &Path) -> Result<(), Problem> {
    if folder == Path::new(DEFAULT_FOLDER) || folder.is_dir() {
        return Ok(());
    }
    let what = format!("{} is no folder", folder.display());
    Err(Problem::not_found(what).hint("name the folder of the configuration by --config"))
}

async fn look(app: &App, args: &Args, bar: &ProgressBar) -> Result<Report, Problem> {
    let tell = |what: &str| {
        bar.set_message(format!("looking at {what}"));
        bar.tick();
    };
    tell("the stack");
    let aws = Box::pin(app.aws()).await?;
    // Side by side: who never answers is waited for once.
    let (caller, seen) = tokio::join!(aws.caller(), Box::pin(look::look(&aws)));
    let (caller, seen) = (caller.map_err(|problem| problem.what), seen?);
    let who = Who { caller, region: aws.region().map(str::to_owned), is_local: aws.stack.stage == "local" };
    let gone = gone(&seen);
    let mut report = report(&aws.stack.name, &aws.place, &who, &seen);
    tell("what these credentials may do");
    match Box::pin(access::look(&aws)).await {
        Ok(tried) => {
            let made = tried.iter().filter(|(_, tried)| *tried != Tried::Missing);
            report.looked_at.extend(made.map(|(right, _)| format!("{} on {}", right.action, right.of)));
            report.findings.extend(access::access(&tried, &gone, &aws.stack.stage));
        }
        Err(problem) => report.findings.push(unreadable("permissions", &problem, &gone)),
    }
    // Where the configuration cannot be read that is told already.
    if !args.no_connections && seen.providers.is_ok() {
        tell("the connections");
        Box::pin(of_connections(&aws, args, &gone, &mut report, bar)).await?;
    }
    Ok(report)
}

/// The connections: as the tables have them, their secrets, and if that was asked for as their CRMs are.
///
/// # Errors
/// When an org is asked for that there is none of.
async fn of_connections(
    aws: &Aws,
    args: &Args,
    gone: &Gone,
    report: &mut Report,
    bar: &ProgressBar,
) -> Result<(), Problem> {
    let stored = match stored(aws).await {
        Ok(stored) => stored,
        Err(problem) => {
            report.findings.push(unreadable("the configuration", &problem, gone));
            return Ok(());
        }
    };
    let which = Which { org: args.org.clone(), connection: None };
    let mut asked = select(&stored, &which)?;
    let dead = Box::pin(Dead::count(aws, args.org.as_deref())).await.unwrap_or_else(|problem| {
        report.findings.push(unreadable("dead letters", &problem, gone));
        Dead::default()
    });
    let listed = Box::pin(list::all(aws, &stored, &which)).await.unwrap_or_else(|problem| {
        report.findings.push(unreadable("how the connections stand", &problem, gone));
        Vec::new()
    });
    report.looked_at.extend(listed.iter().map(|one| format!("connection {} {}", one.org_id, one.connection)));
    report.findings.extend(connections::connections(&listed, now()));
    let configured = |org: &str, connection: &str| {
        stored
            .orgs
            .get(org)
            .is_some_and(|org| !org.doc.removed && org.doc.connections.contains_key(connection))
    };
    report.findings.extend(connections::dead(&dead, configured));
    // What a person has stopped needs no secret before he lets it go on.
    let going = listed.iter().filter(|one| one.state != "paused").map(secrets::of_connection);
    let named: Vec<Named> =
        going.chain(secrets::beside(&stored, args.org.as_deref(), &aws.stack.stage)).collect();
    // From here on it is known how many there are.
    bar.finish_and_clear();
    let counted = progress_bar(Some(named.len() as u64));
    counted.set_message("secrets");
    let seen = |n: usize| counted.set_position(n as u64);
    let runtime = match runtime(aws).await {
        Ok(runtime) => runtime,
        Err(problem) => {
            report.findings.push(unreadable("the connections' secrets", &problem, gone));
            return Ok(());
        }
    };
    let held = Box::pin(secrets::look(&runtime, &named, &seen)).await;
    counted.finish_and_clear();
    report.findings.extend(secrets::secrets(&held, &aws.stack.stage, now()));
    if args.org.is_some() || args.all {
        // Asking a suspended one with new credentials would end that: it is for rtr connection test.
        let held = |one: &&Listed| one.state == "suspended";
        let held: Vec<(&str, &str)> =
            listed.iter().filter(held).map(|one| (one.org_id.as_str(), one.connection.as_str())).collect();
        asked.retain(|one| !held.contains(&(one.org.as_str(), one.connection.as_str())));
        let counted = progress_bar(Some(asked.len() as u64));
        counted.set_message("CRMs");
        let seen = |n: usize| counted.set_position(n as u64);
        report.looked_at.extend(asked.iter().map(|one| format!("CRM of {} {}", one.org, one.connection)));
        let told = Box::pin(live::live(aws, &stored, &asked, &args.config, &seen)).await;
        counted.finish_and_clear();
        match told {
            Ok((found, compared)) => {
                report.looked_at.extend(compared);
                report.findings.extend(found);
            }
            Err(problem) => report.findings.push(unreadable("the CRMs", &problem, gone)),
        }
    }
    Ok(())
}

/// What is known of the stack and of us.
fn report(stack: &str, place: &str, who: &Who, seen: &Seen) -> Report {
    let mut looked_at = seen.names();
    looked_at.extend(["credentials", "region", "clock"].map(str::to_owned));
    let mut found = identity(who, seen);
    found.extend(findings(seen));
    Report {
        stack: stack.to_owned(),
        place: place.to_owned(),
        region: who.region.clone(),
        account: who.identity().map(|identity| identity.account.clone()),
        identity: who.identity().map(|identity| identity.arn.clone()),
        clock_ahead_ms: who.ahead_ms(),
        group_buckets: seen.buckets(),
        looked_at,
        findings: found,
    }
}

fn words(report: &Report) -> String {
    let mut lines: Vec<String> = Vec::new();
    for Finding { about, message, action, .. } in &report.findings {
        lines.push(format!("{}\n  {}", one_line(&format!("{about}: {message}")), one_line(action)));
    }
    let looked = count(report.looked_at.len(), "part");
    lines.push(match report.findings.len() {
        0 => format!("{} at {}: {looked} looked at, nothing wrong", report.stack, report.place),
        n => format!("{} at {}: {looked} looked at, {}", report.stack, report.place, count(n, "finding")),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::identity::tests::who;
    use super::sample::{moving, sound};
    use super::*;

    fn of(seen: &Seen) -> Report {
        report("rtr-prod", "AWS in eu-central-1", &who(), seen)
    }

    #[test]
    fn given_a_sound_stack_when_told_then_there_is_nothing_to_say_but_that() {
        assert_eq!(
            words(&of(&sound())),
            "rtr-prod at AWS in eu-central-1: 28 parts looked at, nothing wrong"
        );
    }

    #[test]
    fn given_a_folder_that_is_named_and_not_there_when_asked_for_then_it_is_refused_and_the_usual_one_is_not()
    {
        assert_eq!(named(Path::new(DEFAULT_FOLDER)), Ok(()), "what is not kept is not compared");
        assert_eq!(named(&std::env::temp_dir()), Ok(()));
        let refused = named(Path::new("confg")).unwrap_err();
        assert_eq!((refused.exit, refused.what.as_str()), (Exit::NotFound, "confg is no folder"));
    }

    #[test]
    fn given_what_cannot_be_looked_at_and_words_from_outside_when_told_then_it_is_a_finding_that_no_terminal_acts_on()
     {
        let problem = Problem::unreachable("Scan failed at AWS: \u{1b}[2Jgone\u{9b}31m");
        let report =
            Report { findings: vec![unreadable("dead letters", &problem, &Gone::new())], ..of(&sound()) };
        insta::assert_snapshot!(words(&report), @r"
        dead letters: Scan failed at AWS: \u{1b}[2Jgone\u{9b}31m
          it may be missing, or these credentials may not look at it
        rtr-prod at AWS in eu-central-1: 28 parts looked at, 1 finding
        ");
    }

    #[test]
    fn given_functions_that_group_otherwise_when_told_then_the_words_say_what_to_do_and_json_the_same() {
        let report = of(&moving());
        insta::assert_snapshot!(words(&report), @r"
        message groups: the stack's GroupBuckets is 64; sync: 0; bulk, redrive, sweep, ingest, apply: 64
          rtr connection pause --all, rtr wait --idle, deploy template.yaml again, rtr connection resume --all: until all agree, one record may be worked by two at once
        rtr-prod at AWS in eu-central-1: 28 parts looked at, 1 finding
        ");
        crate::schema::tests::holds("doctor", &report);
        insta::assert_snapshot!(serde_json::to_string(&report).unwrap(), @r#"{"stack":"rtr-prod","place":"AWS in eu-central-1","region":"eu-central-1","account":"123456789012","identity":"arn:aws:iam::123456789012:user/ada","clock_ahead_ms":1000,"group_buckets":64,"looked_at":["bulk.fifo","changes.fifo","dead-letter.fifo","inbound.fifo","poll.fifo","table Config","table Limits","table Records","function admin","function apply","function authorize","function bulk","function ingest","function poll","function redrive","function sweep","function sync","function webhook","event source of apply","event source of bulk","event source of poll","event source of redrive","event source of sync","schedule of sweep","stack","credentials","region","clock"],"findings":[{"check":"group_buckets","about":"message groups","message":"the stack's GroupBuckets is 64; sync: 0; bulk, redrive, sweep, ingest, apply: 64","action":"rtr connection pause --all, rtr wait --idle, deploy template.yaml again, rtr connection resume --all: until all agree, one record may be worked by two at once"}]}"#);
    }
}
