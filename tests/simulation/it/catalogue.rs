//! The page of faults and invariants says what the code does.

use rtr_simulation::faults::{BACK_SHAPES, Fault, SHAPES};
use rtr_simulation::mutants::Mutant;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// The row of `id`.
fn row(page: &str, id: &str) -> String {
    let begin = format!("| {id} |");
    page.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("no row for {id}")).to_owned()
}

/// What stands in backquotes: names, and files of tests elsewhere, which are there.
fn told(id: &str, row: &str) -> (Vec<String>, Vec<String>) {
    let (files, names): (Vec<String>, Vec<String>) =
        quoted(row).into_iter().partition(|one| one.contains('/'));
    for file in &files {
        let path = root().join(file);
        let has_tests = || std::fs::read_to_string(&path).is_ok_and(|text| text.contains("fn given_"));
        assert!(path.is_dir() || has_tests(), "{id} names {file}, which has no tests");
    }
    (names, files)
}

/// What stands in backquotes.
fn quoted(row: &str) -> Vec<String> {
    row.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn page() -> String {
    std::fs::read_to_string(root().join("docs/faults.md")).unwrap()
}

/// A row that waits for a part: the part is not there yet.
fn assert_pending(id: &str, row: &str) -> bool {
    let Some(rest) = row.split("pending: function ").nth(1) else { return false };
    let part = rest.split([' ', '|']).next().unwrap_or_default();
    let exists = root().join("functions").join(part).exists();
    assert!(!exists, "{id} waits for the function {part}, which exists: it needs its faults and checks now");
    true
}

#[test]
fn given_the_page_when_compared_then_every_fault_stands_in_its_row_and_every_row_has_faults_or_a_reason() {
    let page = page();
    let named: Vec<(&str, &str)> = Fault::ALL
        .iter()
        .map(|fault| (fault.id(), fault.name()))
        .chain(SHAPES.iter().chain(BACK_SHAPES).map(|(id, name, _)| (*id, *name)))
        .collect();
    for number in 1..=55 {
        let id = format!("F{number}");
        let row = row(&page, &id);
        if assert_pending(&id, &row) || row.contains("cannot occur") && quoted(&row).is_empty() {
            continue;
        }
        let (names, files) = told(&id, &row);
        let here: Vec<&str> = named.iter().filter(|(of, _)| *of == id).map(|(_, name)| *name).collect();
        assert!(!here.is_empty() || !files.is_empty(), "{id} has no fault, no test and no reason");
        for name in &here {
            assert!(names.iter().any(|one| one == name), "{id} does not name {name}");
        }
        for name in names {
            assert!(here.contains(&name.as_str()), "{id} names {name}, which is not its fault");
        }
    }
}

#[test]
fn given_the_page_when_compared_then_every_invariant_has_a_planted_bug_and_names_every_one() {
    let page = page();
    for number in 1..=31 {
        let id = format!("I{number}");
        let row = row(&page, &id);
        if assert_pending(&id, &row) {
            continue;
        }
        let here: Vec<&str> = Mutant::ALL
            .iter()
            .filter(|one| one.breaks().contains(&id.as_str()))
            .map(|one| one.name())
            .collect();
        let (mut named, files) = told(&id, &row);
        named.sort();
        let mut there: Vec<String> = here.iter().map(|name| (*name).to_owned()).collect();
        there.sort();
        assert!(!there.is_empty() || !files.is_empty(), "{id} has no planted bug and no test");
        assert_eq!(named, there, "{id}");
    }
    assert!(Mutant::ALL.len() >= 20);
}
