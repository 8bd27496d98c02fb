//! `rtr links export`: the links of one type at one connection, as `import` reads them.
//!
//! Items lie by record, and nothing indexes them by type: the whole table is read, in segments side by side. It costs what
//! reading the table costs, and is meant for moving out and for comparing, not for every day.

use super::{ExportArgs, Of};
use crate::app::App;
use crate::aws::{Aws, problem};
use crate::commands::connection::Which;
use crate::commands::connection::select::{resolved, select, stored};
use crate::output::{count, progress_bar, rate};
use crate::problem::{Ended, Exit, Problem};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::stream::{FuturesUnordered, StreamExt};
use rtr_aws::records::names;
use rtr_core::config::Stored;
use rtr_core::key::{ConnectionKey, PairKey};
use rtr_core::links::csv_field;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

/// Segments read side by side.
const SEGMENTS: i32 = 4;

type Row = HashMap<String, AttributeValue>;

/// The form of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// record_id,external_id,version
    Csv,
    /// A JSON object each
    Jsonl,
}

/// One link.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    record_id: String,
    external_id: Option<String>,
    version: Option<String>,
    /// The mapping revision that it was written under.
    revision: u64,
}

/// Which records are meant.
struct Meant<'a> {
    aws: &'a Aws,
    of: &'a Of,
    /// Only those that were written under an older revision of the mapping.
    before: Option<u64>,
}

/// Writes all links.
pub(super) async fn run(app: &App, args: &ExportArgs) -> Ended {
    let form = form(app.out.is_json(), args)?;
    let aws = Box::pin(app.aws()).await?;
    let which = Which { org: Some(args.of.org.clone()), connection: Some(args.of.connection.clone()) };
    let stored = stored(&aws).await?;
    select(&stored, &which)?;
    let before = if args.stale { Some(revision(&stored, &args.of, &aws.stack.stage)?) } else { None };
    let meant = Meant { aws: &aws, of: &args.of, before };
    let mut out = opened(args.out.as_deref())?;
    let ended = Box::pin(all(&meant, form, &mut out)).await?;
    match ended.and_then(|written| out.flush().map(|()| written)) {
        Ok(written) => app.out.note(&match before {
            None => format!("exported {}", count(written, "link")),
            Some(revision) => format!("{} behind revision {revision}", count(written, "record")),
        }),
        // Whoever reads has closed the pipe, as `head` does: the rest is not wanted.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => return Err(unwritten(args.out.as_deref(), &error)),
    }
    Ok(Exit::Done)
}

/// Where the links go: a file that cannot be begun is a slip of the command line.
fn opened(path: Option<&Path>) -> Result<Box<dyn Write>, Problem> {
    let Some(path) = path else { return Ok(Box::new(BufWriter::new(std::io::stdout()))) };
    let file = File::create(path)
        .map_err(|error| Problem::usage(format!("{} cannot be written: {error}", path.display())))?;
    Ok(Box::new(BufWriter::new(file)))
}

/// The answer cannot be written, as on a full disk: half of one must not pass for the whole.
fn unwritten(path: Option<&Path>, error: &std::io::Error) -> Problem {
    let place = path.map_or_else(|| "stdout".to_owned(), |path| path.display().to_string());
    Problem::unreachable(format!("{place} cannot be written: {error}"))
}

/// The form of the lines.
fn form(is_json: bool, args: &ExportArgs) -> Result<Form, Problem> {
    let form = args.format.unwrap_or(if is_json { Form::Jsonl } else { Form::Csv });
    if is_json && form == Form::Csv && args.out.is_none() {
        let what = "with --json there is JSON on stdout and nothing else, and --format csv is none";
        return Err(Problem::usage(what).hint("leave one of the two out, or name a file: --out FILE"));
    }
    Ok(form)
}

/// The revision of the mapping that holds now.
fn revision(stored: &Stored, of: &Of, stage: &str) -> Result<u64, Problem> {
    let config = resolved(stored, &of.org, stage).map_err(|error| Problem::usage(error.to_string()))?;
    let mapping = config.mapping(&of.connection, &of.record_type);
    let missing = || {
        let what = format!("there is no mapping of `{}` at {} {}", of.record_type, of.org, of.connection);
        Problem::not_found(what).hint("rtr config show ORG PROVIDER TYPE shows those that are")
    };
    Ok(mapping.ok_or_else(missing)?.revision)
}

/// Tells `take` of each record that is linked.
pub(super) async fn each(aws: &Aws, of: &Of, take: &mut dyn FnMut(String)) -> Result<(), Problem> {
    let meant = Meant { aws, of, before: None };
    let mut under_way: FuturesUnordered<_> =
        (0..SEGMENTS).map(|segment| page(&meant, segment, None)).collect();
    while let Some(read) = under_way.next().await {
        let (segment, rows, from) = read?;
        rows.iter().filter_map(|row| link(row, &of.record_type)).for_each(|link| take(link.record_id));
        if from.is_some() {
            under_way.push(page(&meant, segment, from));
        }
    }
    Ok(())
}

async fn all(meant: &Meant<'_>, form: Form, out: &mut dyn Write) -> Result<std::io::Result<usize>, Problem> {
    let bar = progress_bar(None);
    let mut written = 0;
    if form == Form::Csv
        && let Err(error) = writeln!(out, "record_id,external_id,version")
    {
        return Ok(Err(error));
    }
    let mut under_way: FuturesUnordered<_> =
        (0..SEGMENTS).map(|segment| page(meant, segment, None)).collect();
    while let Some(read) = under_way.next().await {
        let (segment, rows, from) = read?;
        for link in rows.iter().filter_map(|row| link(row, &meant.of.record_type)) {
            if meant.before.is_some_and(|revision| link.revision >= revision) {
                continue;
            }
            if let Err(error) = writeln!(out, "{}", line(&link, form)) {
                return Ok(Err(error));
            }
            written += 1;
        }
        bar.set_message(format!("{written} links, {}", rate(written as u64, &bar)));
        bar.tick();
        if from.is_some() {
            under_way.push(page(meant, segment, from));
        }
    }
    bar.finish_and_clear();
    Ok(Ok(written))
}

/// One page of a segment, and where the next one begins. Only items of the connection that are linked come over the wire, or
/// those that may be behind: what the mapping left out may be let in now, and what was deleted stays so.
async fn page(
    Meant { aws, of, before }: &Meant<'_>,
    segment: i32,
    from: Option<Row>,
) -> Result<(i32, Vec<Row>, Option<Row>), Problem> {
    let connection = ConnectionKey::new(&of.org, &of.connection).key();
    let which = match before {
        None => "attribute_exists(external_id)",
        Some(_) => "attribute_exists(applied_version) AND attribute_not_exists(op)",
    };
    let scan = aws
        .clients
        .dynamodb
        .scan()
        .table_name(aws.stack.output("RECORDS_TABLE_NAME")?)
        .segment(segment)
        .total_segments(SEGMENTS)
        .filter_expression(format!("sk = :connection AND {which}"))
        .expression_attribute_values(":connection", AttributeValue::S(connection))
        .set_exclusive_start_key(from);
    let page = scan.send().await.map_err(|error| problem("Scan of the records", &aws.place, &error))?;
    Ok((segment, page.items.unwrap_or_default(), page.last_evaluated_key))
}

fn link(row: &Row, record_type: &str) -> Option<Link> {
    let text = |name: &str| row.get(name)?.as_s().ok().cloned();
    let key = PairKey { pk: text("pk")?, sk: text("sk")? };
    let names = names(&key, row);
    let number = |name: &str| row.get(name).and_then(|value| value.as_n().ok()).cloned();
    let version = number("applied_version");
    let revision = number("mapping_revision").and_then(|text| text.parse().ok()).unwrap_or(0);
    (names.record_type.as_deref() == Some(record_type)).then_some(())?;
    Some(Link { record_id: names.record_id?, external_id: text("external_id"), version, revision })
}

fn line(link: &Link, form: Form) -> String {
    match form {
        Form::Csv => {
            let version = link.version.as_deref().unwrap_or_default();
            let external_id = link.external_id.as_deref().unwrap_or_default();
            format!("{},{},{version}", csv_field(&link.record_id), csv_field(external_id))
        }
        Form::Jsonl => {
            let mut fields = Map::new();
            fields.insert("record_id".to_owned(), link.record_id.clone().into());
            fields.extend(link.external_id.as_ref().map(|id| ("external_id".to_owned(), id.clone().into())));
            let version = link.version.as_ref().and_then(|text| text.parse::<u64>().ok());
            fields.extend(version.map(|version| ("version".to_owned(), version.into())));
            Value::Object(fields).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::links::{Format, Told, read};

    #[test]
    fn given_csv_and_json_when_both_are_asked_for_on_stdout_then_it_is_refused() {
        let args = |format, out: Option<&str>| ExportArgs {
            of: Of { org: String::new(), connection: String::new(), record_type: String::new() },
            format,
            out: out.map(Into::into),
            stale: false,
        };
        assert_eq!(form(true, &args(Some(Form::Csv), None)).unwrap_err().exit, Exit::Usage);
        assert_eq!(form(true, &args(Some(Form::Csv), Some("ids.csv"))), Ok(Form::Csv));
        assert_eq!([true, false].map(|json| form(json, &args(None, None))), [Ok(Form::Jsonl), Ok(Form::Csv)]);
    }

    #[test]
    fn given_what_takes_no_links_when_written_to_then_a_full_disk_is_no_slip_of_the_command_line() {
        let nowhere = opened(Some(Path::new("/no/such/folder/links.csv"))).err().map(|problem| problem.exit);
        assert_eq!(nowhere, Some(Exit::Usage));
        let full = std::io::Error::from(ErrorKind::StorageFull);
        let told = [None, Some(Path::new("links.csv"))].map(|path| unwritten(path, &full));
        assert!(told.iter().all(|problem| problem.exit == Exit::Unreachable));
        assert_eq!(
            told.map(|problem| problem.what),
            ["stdout cannot be written: no storage space", "links.csv cannot be written: no storage space"]
        );
    }

    #[test]
    fn given_links_when_written_in_either_form_then_they_are_read_back_as_they_are() {
        for (record_id, version) in [("c-1", Some(7)), ("a,\"b\" ", None), ("{", Some(0))] {
            let link = Link {
                record_id: record_id.to_owned(),
                external_id: Some("501".to_owned()),
                version: version.map(|n: u64| n.to_string()),
                revision: 3,
            };
            let told = Told { record_id: record_id.to_owned(), external_id: "501".to_owned(), version };
            for (form, first) in [(Form::Csv, "record_id,external_id,version"), (Form::Jsonl, "{}")] {
                assert_eq!(read(&Format::of(first), &line(&link, form)), Ok(told.clone()), "{form:?}");
            }
        }
    }
}
