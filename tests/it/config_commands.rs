//! `rtr config` on folders that are wrong, and applied twice.

use crate::CONTACT;
use crate::stack::{Plan, Stack, unique};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A folder of configuration of a test's own.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("rtr-config-{}", unique()));
        for (name, text) in files {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(root)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn given_a_wrong_file_when_checked_or_applied_then_file_line_and_column_are_named_and_nothing_is_applied() {
    let stack = Stack::here();
    let org = format!("wrong-{}", unique());
    let folder = Folder::with(&[
        ("mappings/hubspot/contact.yaml", "object: contacts\nfields:\n  email: email | lowr\n"),
        (
            "orgs/wrong.yaml",
            &format!("org: {org}\nconnections:\n  hubspot: {{}}\nrouts:\n  contact: [hubspot]\n"),
        ),
    ]);
    for command in ["check", "apply"] {
        let said = stack.rtr(&["config", command, folder.path()]).ended(2);
        let text = format!("{}{}", said.out, said.err);
        assert!(text.contains("orgs/wrong.yaml:4:1"), "{text}");
        assert!(text.contains("mappings/hubspot/contact.yaml:3:"), "{text}");
        assert!(text.contains("routes") && text.contains("lower"), "the nearest right names: {text}");
    }
    stack.rtr(&["config", "show", &org]).ended(4);
}

#[test]
fn given_the_configuration_of_the_repository_when_checked_then_it_and_its_schemas_and_cases_hold() {
    let stack = Stack::here();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    let shipped = shipped.to_str().unwrap();
    stack.rtr(&["config", "check", shipped]).ended(0);
    stack.rtr(&["config", "schema", "--check", shipped]).ended(0);
    let report = stack.rtr(&["config", "test", shipped, "--min-coverage", "100", "--json"]).ended(0).json();
    assert!(report["cases"].as_array().is_some_and(|cases| cases.len() > 50), "no cases ran: {report}");
    assert!(report["coverage"].to_string().contains("globex"), "an org's own mapping: {report}");
}

#[test]
fn given_an_applied_org_when_applied_again_then_nothing_changes_and_a_change_is_shown_before_it_is_made() {
    let stack = Stack::here();
    let plan = Plan::new("apply").mapping("contact", CONTACT);
    let name = "orgs/one.yaml";
    let folder = Folder::with(&[(name, &plan.file())]);
    stack.rtr(&["config", "diff", folder.path()]).ended(1);
    let first = stack.rtr(&["config", "apply", folder.path(), "--json"]).json();
    assert_eq!(first.as_array().map(Vec::len), Some(1), "{first}");
    assert_eq!(stack.rtr(&["config", "apply", folder.path(), "--json"]).json(), json!([]));
    stack.rtr(&["config", "diff", folder.path()]).ended(0);
    std::fs::write(
        folder.0.join(name),
        plan.mapping("company", "object: companies\nfields:\n  name: name\n").file(),
    )
    .unwrap();
    let said = stack.rtr(&["config", "diff", folder.path()]).ended(1);
    assert!(said.out.contains("company"), "{said:?}");
}
