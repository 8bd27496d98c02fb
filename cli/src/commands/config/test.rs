//! `rtr config test`: the cases beside the mappings, run as the functions would map them.

use super::folder;
use crate::app::App;
use crate::output::count;
use crate::problem::{Ended, Exit};
use rtr_connectors::registry;
use rtr_core::config::{ConfigSet, TestCases, test_cases};
use rtr_core::mapping::{Mapping, run_cases};
use serde::Serialize;
use std::path::Path;

/// One case, run.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Tested {
    file: String,
    provider: String,
    record_type: String,
    case: String,
    passed: bool,
    differences: Vec<String>,
}

/// Runs every case of the folder.
pub(super) fn run(app: &App, dir: &Path) -> Ended {
    let files = folder::read(dir)?;
    let set = folder::checked(&files).map_err(|found| folder::refusal(dir, &found))?;
    let cases = test_cases(&files).map_err(|found| folder::refusal(dir, &found))?;
    let tested: Vec<Tested> = cases.iter().flat_map(|cases| run_all(&set, cases)).collect();
    app.out.answer(&tested, |_| words(&tested));
    Ok(Exit::of_findings(tested.iter().any(|one| !one.passed)))
}

fn run_all(set: &ConfigSet, cases: &TestCases) -> Vec<Tested> {
    let TestCases { file, provider, record_type, cases } = cases;
    let told = |case: String, differences: Vec<String>| Tested {
        file: file.clone(),
        provider: provider.clone(),
        record_type: record_type.clone(),
        case,
        passed: differences.is_empty(),
        differences,
    };
    let raw = set.global.mappings.get(provider).and_then(|types| types.get(record_type));
    let facts = registry::by_name(provider).map(|connector| connector.facts());
    let (Some(raw), Some(facts)) = (raw, facts) else {
        let why = format!("there is no mappings/{provider}/{record_type}.yaml that these cases could be for");
        return vec![told("all".to_owned(), vec![why])];
    };
    match Mapping::compile(&facts, record_type, raw) {
        Ok(mapping) => run_cases(&mapping, cases)
            .into_iter()
            .map(|result| told(result.name, result.differences))
            .collect(),
        Err(problems) => vec![told("all".to_owned(), problems.iter().map(ToString::to_string).collect())],
    }
}

fn words(tested: &[Tested]) -> String {
    let mut lines = Vec::new();
    for one in tested.iter().filter(|one| !one.passed) {
        lines.push(format!("FAILED {} ({})", one.case, one.file));
        lines.extend(one.differences.iter().map(|difference| format!("  {difference}")));
    }
    let failed = tested.iter().filter(|one| !one.passed).count();
    lines.push(format!("{}, {failed} failed", count(tested.len(), "case")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::SourceFile;

    #[test]
    fn given_cases_when_one_fails_then_it_says_what_differs() {
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let files = [
            file("mappings/hubspot/contact.yaml", "object: contacts\nfields:\n  email: email | lower\n"),
            file(
                "mappings/hubspot/tests/contact.yaml",
                "- name: lower case\n  record: {email: A@B.C}\n  expect: {email: a@b.c}\n\
                 - name: wrong\n  record: {email: A@B.C}\n  expect: {email: A@B.C}\n",
            ),
        ];
        let set = folder::checked(&files).unwrap();
        let tested: Vec<Tested> =
            test_cases(&files).unwrap().iter().flat_map(|cases| run_all(&set, cases)).collect();
        insta::assert_snapshot!(words(&tested), @r#"
        FAILED wrong (mappings/hubspot/tests/contact.yaml)
          email: expected "A@B.C", got "a@b.c"
        2 cases, 1 failed
        "#);
    }
}
