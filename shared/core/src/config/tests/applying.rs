//! What is stored, and under which revisions.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const PRUNE: Wish<'static> = Wish { prune: true, canaries: None };

#[test]
fn given_an_override_that_comes_and_goes_when_applied_then_the_mappings_revision_only_grows() {
    let mut stored = Stored::default();
    let own = format!("{ACME}{OVERRIDE}");
    let global = ("mappings/hubspot/contact.yaml", CONTACT);
    let mut revisions = Vec::new();
    let folders: [&[(&str, &str)]; 6] = [
        &[global, ("orgs/acme.yaml", ACME)],
        &[global, ("orgs/acme.yaml", &own)],
        &[global, ("orgs/acme.yaml", ACME)],
        &[global],
        &[global, ("orgs/acme.yaml", &own)],
        &[
            ("mappings/hubspot/contact.yaml", "object: contacts\nfields: {email: email}\n"),
            ("orgs/acme.yaml", &own),
        ],
    ];
    for folder in folders {
        apply(&mut stored, folder, true);
        let config = config(&stored, "acme");
        revisions.extend(config.mapping("hubspot", "contact").map(|at| at.revision));
    }
    assert_eq!(revisions, [1, 3, 4, 6, 7]);
    assert!(
        plan_apply(&stored, &loaded(folders[5]), PRUNE).is_empty(),
        "the same folder again changes nothing"
    );
}

#[test]
fn given_a_folder_that_lacks_what_is_stored_when_applied_then_only_prune_removes_it() {
    let mut stored = Stored::default();
    let all = ("orgs/all.yaml", "org: \"*\"\nroutes: {contact: [hubspot]}\n");
    let told = apply(
        &mut stored,
        &[("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", ACME), all],
        false,
    );
    insta::assert_snapshot!(told, @r#"
    * at 1 after None
      + mappings.hubspot.contact.fields.email: "email | lower"
      + mappings.hubspot.contact.match: "email"
      + mappings.hubspot.contact.object: "contacts"
      + routes.contact: ["hubspot"]
    acme at 2 after None
      + connections.hubspot: {}
      + routes.contact: ["hubspot"]
    "#);
    assert_eq!(apply(&mut stored, &[], false), "");
    insta::assert_snapshot!(apply(&mut stored, &[], true), @r#"
    acme at 3 after Some(2)
      - connections.hubspot: {}
      + removed: true
      - routes.contact: ["hubspot"]
    * at 4 after Some(1)
      - mappings.hubspot.contact.fields.email: "email | lower"
      - mappings.hubspot.contact.match: "email"
      - mappings.hubspot.contact.object: "contacts"
      - routes.contact: ["hubspot"]
    "#);
    assert!(!config(&stored, "acme").known);
}

/// A folder of some of these files, and whether it is applied with `--prune`.
fn any_folder() -> impl Strategy<Value = (Vec<(&'static str, &'static str)>, bool)> {
    let files: Vec<Vec<(&str, &str)>> = vec![
        vec![("mappings/hubspot/contact.yaml", CONTACT)],
        vec![("mappings/hubspot/contact.yaml", "object: contacts\nfields: {email: email}\n")],
        vec![("mappings/hubspot/deal.yaml", "object: deals\nfields: {dealname: name}\n")],
        vec![("orgs/acme.yaml", ACME)],
        vec![(
            "orgs/acme.yaml",
            "org: acme\nconnections: {hubspot: {}}\nmappings: {hubspot: {contact: {object: contacts}}}\n",
        )],
        vec![(
            "orgs/acme.yaml",
            "org: acme\nconnections: {hubspot: {}}\nmappings: {hubspot: {deal: {object: deals}}}\n",
        )],
    ];
    (prop::sample::subsequence(files, 0..=6), any::<bool>()).prop_map(|(files, prune)| {
        let by_path: BTreeMap<&str, &str> = files.into_iter().flatten().collect();
        (by_path.into_iter().collect(), prune)
    })
}

proptest! {
    #[test]
    fn given_any_folders_when_applied_one_after_the_other_then_a_changed_mapping_has_a_greater_revision(
        folders in prop::collection::vec(any_folder(), 1..8),
    ) {
        let mut stored = Stored::default();
        let mut seen: BTreeMap<&str, (String, u64)> = BTreeMap::new();
        for (files, prune) in folders {
            let files: Vec<SourceFile> = files.iter().map(|(path, text)| file(path, text)).collect();
            let Ok(set) = load(&files, FACTS) else { continue };
            let changes = plan_apply(&stored, &set, Wish { prune, canaries: None });
            store(&mut stored, changes);
            prop_assert!(!prune || plan_apply(&stored, &set, PRUNE).is_empty());
            let config = config(&stored, "acme");
            for record_type in ["contact", "deal"] {
                let Some(at) = config.mapping("hubspot", record_type) else { continue };
                let now = format!("{:?}", at.mapping);
                if let Some((before, revision)) = seen.get(record_type) {
                    prop_assert!(at.revision >= *revision);
                    prop_assert!(*before == now || at.revision > *revision);
                }
                seen.insert(record_type, (now, at.revision));
            }
        }
    }
}
