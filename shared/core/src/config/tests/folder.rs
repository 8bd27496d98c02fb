//! The repository's own `config/` folder.

use super::*;
use crate::mapping::{Mapping, run_case};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// The folder of the repository.
fn folder() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let (mut files, mut open) = (Vec::new(), vec![root.clone()]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
            files.push(SourceFile { path: name, text: std::fs::read_to_string(&path).unwrap() });
        }
    }
    files
}

#[test]
fn given_the_folder_of_the_repository_when_loaded_then_it_is_right_and_its_cases_hold() {
    let files = folder();
    let set = load(&files, FACTS).unwrap_or_else(|faults| panic!("{}", words(&faults)));
    assert!(set.orgs.contains_key("acme") && set.orgs.contains_key("globex"));
    let cases = test_cases(&files, &set).unwrap();
    assert!(cases.len() >= 6);
    for of in cases {
        let facts = FACTS.iter().find(|facts| facts.name == of.provider).unwrap();
        for placed in of.cases {
            let raw = set.mapping(placed.case.org.as_deref(), &of.provider, &of.record_type).unwrap();
            let mapping = Mapping::compile(facts, &of.record_type, &raw).unwrap();
            let found = run_case(&mapping, &placed.case);
            assert!(found.is_empty(), "{}:{}: {}: {found:?}", of.file, placed.line, placed.name);
        }
    }
}

#[test]
fn given_the_schemas_of_the_repository_when_compared_then_they_are_the_types() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/schema");
    for kind in SchemaKind::ALL {
        let path = root.join(kind.file_name());
        let wanted = format!("{:#}\n", schema(kind));
        if std::env::var_os("RTR_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == wanted, "{} is old: run the tests once with RTR_WRITE_SCHEMAS=1", path.display());
    }
}

#[test]
fn given_the_openapi_document_of_the_repository_when_compared_then_it_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let wanted = format!("{:#}\n", openapi());
    if std::env::var_os("RTR_WRITE_SCHEMAS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == wanted, "{} is old: run the tests once with RTR_WRITE_SCHEMAS=1", path.display());
    // Every reference leads somewhere.
    for to in kept.split("\"$ref\": \"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(openapi().pointer(to).is_some(), "{to}");
    }
}

#[test]
fn given_documents_when_stored_and_read_again_then_they_are_equal() {
    let set = load(&folder(), FACTS).unwrap();
    let globex = serde_json::to_value(&set.orgs["globex"]).unwrap();
    assert_eq!(serde_json::from_value::<OrgDoc>(globex).unwrap(), set.orgs["globex"]);
    let global = serde_json::to_value(&set.global).unwrap();
    assert_eq!(serde_json::from_value::<GlobalDoc>(global).unwrap(), set.global);
    assert_eq!(
        serde_json::from_value::<OrgDoc>(json!({"later": 1})).unwrap().mapping_revisions,
        BTreeMap::new()
    );
}
