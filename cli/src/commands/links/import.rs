//! `rtr links import`: every line of a file ends imported, known already, or refused for a reason that is told.

use super::ask::Asker;
use super::look::Look;
use super::refused::{Refused, keep, tell};
use super::run::{Plan, Run};
use super::{ImportArgs, Of};
use crate::app::App;
use crate::audit::note;
use crate::commands::connection::Which;
use crate::commands::connection::open::{Opening, runtime};
use crate::commands::connection::select::{select, stored};
use crate::commands::lines::{Keeper, Source};
use crate::confirm::confirm_where_somebody_sits;
use crate::output::{FileBar, count};
use crate::problem::{Ended, Exit, Problem};
use rtr_core::key::ConnectionKey;
use rtr_core::mapping::nearest;
use rtr_core::time::Instant;
use rtr_engine::links::{Target, Writing};
use schemars::JsonSchema;
use serde::Serialize;
use std::cell::Cell;

/// What became of the lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Summary {
    /// Links written, or that would be.
    pub(super) imported: u64,
    /// Links that were known already.
    pub(super) same: u64,
    /// Records of the CRM that carry our key now; only with `--stamp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stamped: Option<u64>,
    /// Lines that were not taken.
    pub(super) refused: Vec<Refused>,
    /// True when nothing was written.
    pub(super) dry_run: bool,
    /// With `--resume`: the line after which this run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resumed_after: Option<u64>,
}

/// Imports the file.
pub(super) async fn run(app: &App, args: &ImportArgs) -> Ended {
    let source = Source::new(&args.file);
    let keeper = if args.dry_run { Keeper::nowhere() } else { Keeper::begin(app, &source, args.resume)? };
    let name = source.name();
    let aws = Box::pin(app.aws()).await?;
    let stored = stored(&aws).await?;
    let which = Which { org: Some(args.of.org.clone()), connection: Some(args.of.connection.clone()) };
    let selected = select(&stored, &which)?;
    let selected = selected.first().ok_or_else(|| Problem::not_found("there is no such connection"))?;
    let runtime = runtime(&aws).await?;
    let opening =
        Opening::new(&runtime, &stored, selected).map_err(|finding| Problem::usage(finding.words()))?;
    let target = target(args, &opening, runtime.seams().clock.now())?;
    let plan = Plan {
        target: &target,
        asker: Asker { runtime: &runtime, opening: &opening, waiting: Cell::new(Instant(0)) },
        verify: args.verify || args.stamp,
        stamp: args.stamp,
        writing: if args.dry_run { Writing::Nothing } else { Writing::Links },
    };
    let source = source.kept().await?;
    let look = Look::at(source.clone()).await?;
    if args.stamp && !confirm_where_somebody_sits(app, &question(&args.of, &name, look.links()), args.yes) {
        return Ok(Exit::Done);
    }
    if !args.dry_run {
        let (Of { org, connection, record_type }, stamp) =
            (&args.of, if args.stamp { " --stamp" } else { "" });
        let target = format!("{org} {connection} {record_type} {name}{stamp}");
        note(&aws, &args.who.entry_of("links.import", org, target)).await?;
    }
    let running = Run::new(&plan, &look, keeper, FileBar::new(source.size()));
    let (summary, stopped) = Box::pin(running.all(source.clone())).await?;
    if let Some(to) = &args.rejects {
        keep(to, source, &look, &summary.refused).await?;
    }
    if !app.out.is_json() {
        tell(app, &name, &summary.refused);
    }
    app.out.answer(&summary, |_| words(&summary));
    match stopped {
        Some(problem) => Err(problem),
        None => Ok(Exit::of_findings(!summary.refused.is_empty())),
    }
}

/// What is asked before anything is written at the CRM.
fn question(Of { org, connection, record_type }: &Of, file: &str, links: u64) -> String {
    let records = count(usize::try_from(links).unwrap_or(usize::MAX), &format!("{record_type} record"));
    format!("Write our key on those of the {records} in {file} that have none at {org} {connection}?")
}

fn target<'a>(args: &ImportArgs, opening: &'a Opening<'_>, now: Instant) -> Result<Target<'a>, Problem> {
    let (org, connection, record_type) = (&args.of.org, &args.of.connection, &args.of.record_type);
    let Some(at) = opening.mapping(record_type) else {
        let problem = Problem::not_found(format!(
            "connection `{connection}` of `{org}` has no mapping for `{record_type}`"
        ));
        return Err(match nearest(record_type, opening.mapped_types()) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint("rtr config show lists what is stored"),
        });
    };
    let target = Target {
        connection: ConnectionKey::new(org, connection),
        record_type: record_type.clone(),
        mapping: &at.mapping,
        mapping_revision: at.revision,
        // The CRM has had these records for long: one that it does not find is gone, and not merely late.
        linked_at: now.plus_ms(-opening.connector.capabilities().search_lag_ms),
        by: "links-import".to_owned(),
    };
    if args.stamp && target.key_property().is_none() {
        let words =
            format!("the mapping of `{record_type}` has neither a key property nor a marker to stamp");
        return Err(Problem::usage(words).hint("leave --stamp out, or give the mapping a `marker`"));
    }
    Ok(target)
}

fn words(summary: &Summary) -> String {
    let links = |n: u64, noun| count(usize::try_from(n).unwrap_or(usize::MAX), noun);
    let verb = if summary.dry_run { "would import" } else { "imported" };
    let mut text = format!("{verb} {}", links(summary.imported, "link"));
    if summary.same > 0 {
        text += &format!(", {} known already", summary.same);
    }
    if let Some(stamped) = summary.stamped {
        text += &format!(", stamped {}", links(stamped, "record"));
    }
    match summary.refused.len() {
        0 => text,
        n => format!("{text}, refused {}", count(n, "line")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::links::{Refusal, Told};

    #[test]
    fn given_a_file_whose_records_are_to_be_stamped_when_asked_then_how_many_and_where_stands_in_the_question()
     {
        let text = str::to_owned;
        let of = Of { org: text("acme"), connection: text("hubspot"), record_type: text("contact") };
        assert_eq!(
            question(&of, "ids.csv", 150),
            "Write our key on those of the 150 contact records in ids.csv that have none at acme hubspot?"
        );
    }

    #[test]
    fn given_a_summary_when_told_then_words_and_json_agree() {
        let told = Told { record_id: "c".to_owned(), external_id: "5".to_owned(), version: None };
        let refused = vec![Refused::new(3, Some(&told), &Refusal::Owned("acme#contact#b".to_owned()))];
        let summary = Summary { imported: 1, same: 2, stamped: Some(1), refused, ..Summary::default() };
        assert_eq!(words(&summary), "imported 1 link, 2 known already, stamped 1 record, refused 1 line");
        crate::schema::tests::holds("links import", &summary);
        insta::assert_snapshot!(serde_json::to_string(&summary).unwrap(), @r#"{"imported":1,"same":2,"stamped":1,"refused":[{"line":3,"record_id":"c","external_id":"5","reason":"owned","message":"the CRM's record is linked to another record already: acme#contact#b"}],"dry_run":false}"#);
        assert_eq!(words(&Summary { dry_run: true, ..Summary::default() }), "would import 0 links");
    }
}
