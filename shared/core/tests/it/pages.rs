//! Pages that are made of the code's own tables: what they say is what there is.

use rtr_core::mapping::{TESTS, TRANSFORMERS};
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn given_the_page_of_transformers_when_compared_then_it_lists_what_expressions_know() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/transformers.md");
    let wanted = page();
    if std::env::var_os("RTR_WRITE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "docs/transformers.md is not up to date: run the tests with RTR_WRITE_DOCS=1");
}

fn page() -> String {
    let mut page = String::from(
        "# What expressions know\n\nA field of a mapping is a Jinja expression over the record: `email | trim | lower`. \
         What is missing stays missing through every filter and operator (the CRM's field is left alone), and null \
         stays null (the field is cleared), unless `default` or `coalesce` says otherwise. There is no clock and no \
         chance in them: the same record gives the same payload.\n\n| name | does | example |\n|---|---|---|\n",
    );
    for (name, about, example) in TRANSFORMERS {
        let _ = writeln!(page, "| `{name}` | {about} | `{}` |", example.replace('|', "\\|"));
    }
    page.push_str("\nAfter `is` and `is not`:\n\n| test | holds for |\n|---|---|\n");
    for (name, about, _) in TESTS {
        let _ = writeln!(page, "| `{name}` | {about} |");
    }
    page
}

/// The text between backquotes that looks like a path of this repository, and the target of every link to a file.
fn paths(page: &str) -> Vec<String> {
    let rooms =
        ["cli/", "config/", "docs/", "events/", "functions/", "infra/", "shared/", "tests/", "template.yaml"];
    let plain = |text: &&str| !text.contains([' ', '*', '<', '{', '…']);
    let quoted =
        page.split('`').skip(1).step_by(2).filter(|text| rooms.iter().any(|room| text.starts_with(room)));
    let linked = page.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let linked = linked.filter(|target| !target.is_empty() && !target.contains("://"));
    let quoted = quoted.filter(plain).map(str::to_owned);
    quoted.chain(linked.map(|target| format!("docs/{target}"))).collect()
}

#[test]
fn given_the_pages_when_they_name_a_file_or_folder_then_it_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut named = 0;
    for page in std::fs::read_dir(root.join("docs")).unwrap() {
        let page = page.unwrap().path();
        let Ok(text) = std::fs::read_to_string(&page) else { continue };
        for path in paths(&text) {
            named += 1;
            assert!(root.join(&path).exists(), "{}: there is no {path}", page.display());
        }
    }
    assert!(named > 20, "only {named} paths were found: the pages are read wrongly");
}
