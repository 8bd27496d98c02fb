//! `rtr config test`: the cases beside the mappings, run as the functions would map them, and what they leave out.

mod cover;
mod diff;
pub(super) mod record;

use super::folder;
use crate::app::App;
use crate::output::count;
use crate::problem::{Ended, Exit};
use crate::schema::foreign;
use cover::Covered;
use rtr_connectors::registry;
use rtr_core::config::{ConfigSet, PlacedCase, TestCases, test_cases};
use rtr_core::mapping::{Difference, Mapping, RawMapping, Tracer, nearest, run_case};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What to run, or to record.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder
    #[arg(default_value = "config")]
    dir: PathBuf,
    /// Also exit 1 where the cases of a mapping look at less than this of its fields and branches
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
    /// Run nothing: add a record, as rtr-sync holds it or as --from has it, to the cases (with --json: print it)
    #[arg(long, num_args = 3, value_names = ["ORG", "TYPE", "ID"])]
    record: Option<Vec<String>>,
    /// The connection whose mapping it is a case of [default: each that the record is routed to]
    #[arg(long, requires = "record")]
    connection: Option<String>,
    /// A file with the record's event: one event, or JSON lines of which its newest version is taken
    #[arg(long, requires = "record", value_name = "FILE")]
    from: Option<PathBuf>,
    /// Write the record's own values; without it they are masked
    #[arg(long, requires = "record")]
    show_data: bool,
}

/// What is told.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Report {
    cases: Vec<Tested>,
    coverage: Vec<Covered>,
}

/// One case, run.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Tested {
    file: String,
    line: u32,
    provider: String,
    record_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    org: Option<String>,
    case: String,
    passed: bool,
    differences: Vec<Placed>,
}

/// A difference, and the line on which the case says what it expects.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Placed {
    line: u32,
    #[serde(flatten)]
    #[schemars(with = "foreign::CaseDifference")]
    difference: Difference,
}

/// Runs every case of the folder, or records one.
pub(super) async fn run(app: &App, args: Args) -> Ended {
    let Args { dir, min_coverage, record, connection, from, show_data } = args;
    if let Some([org, record_type, record_id]) = record.as_deref() {
        let wanted = record::Wanted { org, record_type, record_id, connection, from, show_data };
        return Box::pin(record::run(app, &dir, &wanted)).await;
    }
    let files = folder::read(&dir)?;
    let set = folder::checked(&files).map_err(|found| folder::refusal(&dir, &found))?;
    let cases = test_cases(&files, &set).map_err(|found| folder::refusal(&dir, &found))?;
    let report = report(&set, &cases);
    app.out.answer(&report, |_| words(&dir, &report, min_coverage));
    let failed = report.cases.iter().any(|one| !one.passed);
    let thin = report.coverage.iter().any(|one| one.is_below(min_coverage));
    Ok(Exit::of_findings(failed || thin))
}

fn report(set: &ConfigSet, cases: &[TestCases]) -> Report {
    let each = || cases.iter().flat_map(|of| of.cases.iter().map(move |case| (of, case)));
    let (mut tested, mut coverage) = (Vec::new(), Vec::new());
    for (org, provider, record_type) in set.all_mappings() {
        let ours = |(of, placed): &(&TestCases, &PlacedCase)| {
            of.provider == provider && of.record_type == record_type && whose(set, of, placed) == org
        };
        let raw = set.mapping(org, provider, record_type);
        let facts = registry::by_name(provider).map(|connector| connector.facts());
        // All of the folder compiles, or it would have been refused.
        let mapping =
            raw.zip(facts).and_then(|(raw, facts)| Mapping::compile(&facts, record_type, &raw).ok());
        let Some(mapping) = mapping else { continue };
        let layer: Option<&RawMapping> = org.and_then(|org| set.own_mapping(org, provider, record_type));
        let mut tracer = Tracer::new(&mapping, layer);
        let mut run = 0;
        for (of, placed) in each().filter(ours) {
            run += 1;
            tracer.watch(&placed.case);
            let found =
                stranger(set, placed).map_or_else(|| run_case(&mapping, &placed.case), |found| vec![found]);
            tested.push(told(of, placed, found));
        }
        coverage.push(Covered::new((org, provider, record_type), run, tracer.coverage()));
    }
    let homeless = |(of, placed): &(&TestCases, &PlacedCase)| {
        set.mapping(placed.case.org.as_deref(), &of.provider, &of.record_type).is_none()
    };
    for (of, placed) in each().filter(homeless) {
        let file = format!("mappings/{}/{}.yaml", of.provider, of.record_type);
        let why = match &placed.case.org {
            Some(org) => format!("there is no {file}, and org `{org}` has no such mapping of its own"),
            None => {
                format!("there is no {file} that this case could be for; for an org's own mapping say `org`")
            }
        };
        tested.push(told(of, placed, vec![stranger(set, placed).unwrap_or_else(|| Difference::whole(why))]));
    }
    tested.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    Report { cases: tested, coverage }
}

/// The org whose own mapping a case is for; none: the one of all.
fn whose<'a>(set: &ConfigSet, of: &TestCases, placed: &'a PlacedCase) -> Option<&'a str> {
    let org = placed.case.org.as_deref();
    org.filter(|org| set.own_mapping(org, &of.provider, &of.record_type).is_some())
}

/// What is wrong with a case that names an org which the folder does not have.
fn stranger(set: &ConfigSet, placed: &PlacedCase) -> Option<Difference> {
    let org = placed.case.org.as_deref().filter(|org| !set.orgs.contains_key(*org))?;
    let meant = nearest(org, set.orgs.keys().map(String::as_str)).map(str::to_owned);
    Some(Difference { suggestion: meant, ..Difference::whole(format!("the folder has no org `{org}`")) })
}

fn told(of: &TestCases, placed: &PlacedCase, found: Vec<Difference>) -> Tested {
    let line = |found: &Difference| {
        found.property.as_ref().and_then(|name| placed.line_of(name)).unwrap_or(placed.line)
    };
    Tested {
        file: of.file.clone(),
        line: placed.line,
        provider: of.provider.clone(),
        record_type: of.record_type.clone(),
        org: placed.case.org.clone(),
        case: placed.name.clone(),
        passed: found.is_empty(),
        differences: found
            .into_iter()
            .map(|found| Placed { line: line(&found), difference: found })
            .collect(),
    }
}

fn words(dir: &Path, report: &Report, min_coverage: Option<u8>) -> String {
    let mut lines = Vec::new();
    for one in report.cases.iter().filter(|one| !one.passed) {
        let of = one.org.as_ref().map_or_else(String::new, |org| format!(" of {org}"));
        lines.push(format!("FAILED {}{of} ({}:{})", one.case, dir.join(&one.file).display(), one.line));
        lines.extend(one.differences.iter().flat_map(|placed| diff::lines(placed.line, &placed.difference)));
        lines.push(String::new());
    }
    lines.extend(report.coverage.iter().flat_map(|one| one.lines(min_coverage)));
    let failed = report.cases.iter().filter(|one| !one.passed).count();
    lines.push(format!("{}, {failed} failed", count(report.cases.len(), "case")));
    lines.join("\n")
}

/// What every start must pass.
#[cfg(test)]
pub(super) fn given_a_folder_then_all_holds_and_is_covered(dir: &Path) {
    let files = folder::read(dir).unwrap();
    let set = folder::checked(&files).unwrap();
    let report = report(&set, &test_cases(&files, &set).unwrap());
    let words = words(dir, &report, Some(100));
    assert!(report.cases.len() > 2 && report.cases.iter().all(|case| case.passed), "{words}");
    assert!(report.coverage.iter().all(|one| !one.is_below(Some(100))), "{words}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::SourceFile;

    pub(super) fn files(of: &[(&str, &str)]) -> Vec<SourceFile> {
        let file =
            |(path, text): &(&str, &str)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() };
        of.iter().map(file).collect()
    }

    fn reported(of: &[(&str, &str)]) -> Report {
        let files = files(of);
        let set = folder::checked(&files).unwrap();
        report(&set, &test_cases(&files, &set).unwrap())
    }

    const MAPPING: &str = "object: contacts\nfields:\n  email: email | lower\n  zip: zip\n  stage: {from: stage, map: {won: customer, lost: other}, default: other}\n";
    const ORG: &str = "org: acme\nconnections: {hubspot: {}}\nmappings: {hubspot: {contact: {fields: {zip: zip | string}}}}\n";

    #[test]
    fn given_cases_when_some_fail_then_each_says_where_and_what_differs_and_what_no_case_looks_at() {
        let cases = "- name: lower case\n  record: {email: A@B.C, stage: won}\n  expect: {email: a@b.c, stage: customer}\n\
                     - name: wrong\n  record: {email: Ada@Example.com, zip: 1}\n  expect:\n    email: ada@example.org\n    zip: \"1\"\n    emial: x\n\
                     - org: acme\n  record: {zip: 1}\n  expect: {zip: 1}\n\
                     - org: amce\n  record: {}\n";
        let report = reported(&[
            ("mappings/hubspot/contact.yaml", MAPPING),
            ("mappings/hubspot/tests/contact.yaml", cases),
            ("mappings/hubspot/tests/deal.yaml", "record: {}\n"),
            ("orgs/acme.yaml", ORG),
        ]);
        insta::assert_snapshot!(words(Path::new("config"), &report, Some(90)), @r#"
        FAILED wrong (config/mappings/hubspot/tests/contact.yaml:4)
          emial, line 9: the mapping has no field of this name; did you mean `email`?
          email, line 7: another value is written
            expected  "ada@example.org"
                                   ^^^
            got       "ada@example.com"
                                   ^^^
          zip, line 8: a text is expected, a whole number is written
            expected  "1"
            got       1

        FAILED case 3 of acme (config/mappings/hubspot/tests/contact.yaml:10)
          zip, line 12: a whole number is expected, a text is written
            expected  1
            got       "1"

        FAILED case 4 of amce (config/mappings/hubspot/tests/contact.yaml:13)
          the folder has no org `amce`; did you mean `acme`?

        FAILED case 1 (config/mappings/hubspot/tests/deal.yaml:1)
          there is no mappings/hubspot/deal.yaml that this case could be for; for an org's own mapping say `org`

        hubspot/contact: 3 of 3 fields, 1 of 3 branches, 66 %, below 90 %
          `stage`: never `lost`; `default` is never used
        hubspot/contact of acme: 1 of 1 field, 100 %
        5 cases, 4 failed
        "#);
        crate::schema::tests::holds("config test", &report);
        assert_eq!(report.cases[1].differences[1].line, 7);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["cases"][1]["differences"][2]["got"], 1);
        assert_eq!(json["coverage"][1]["org"], "acme");
        assert_eq!(json["coverage"][0]["branches"]["missed"][0]["message"], "never `lost`");
    }

    #[test]
    fn given_cases_that_look_at_everything_when_run_then_a_line_for_each_mapping_says_so() {
        let cases = "- record: {email: A, stage: won, zip: 1}\n  expect: {email: a, stage: customer, zip: 1}\n\
                     - record: {stage: lost}\n  expect: {stage: other}\n- record: {stage: x}\n  expect: {stage: other}\n";
        let report = reported(&[
            ("mappings/hubspot/contact.yaml", MAPPING),
            ("mappings/hubspot/deal.yaml", "object: deals\nfields: {dealname: name}\n"),
            ("mappings/hubspot/tests/contact.yaml", cases),
        ]);
        insta::assert_snapshot!(words(Path::new("config"), &report, None), @r"
        hubspot/contact: 3 of 3 fields, 3 of 3 branches, 100 %
        hubspot/deal: no case
        3 cases, 0 failed
        ");
    }
}
