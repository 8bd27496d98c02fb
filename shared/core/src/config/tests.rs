use super::*;
use crate::mapping::{LimitFact, Mapping, ProviderFacts, run_cases};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

const FACTS: &[ProviderFacts] = &[
    ProviderFacts {
        name: "hubspot",
        default_key: Some("rtr_record_id"),
        default_limits: &[LimitFact { api: "*", requests: 100, per_ms: 10_000, burst: 100 }],
    },
    ProviderFacts { name: "salesforce", default_key: Some("Rtr_Record_Id__c"), default_limits: &[] },
    ProviderFacts { name: "pipedrive", default_key: None, default_limits: &[] },
];
const CONTACT: &str = "object: contacts\nmatch: email\nfields:\n  email: email | lower\n";

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

fn loaded(files: &[(&str, &str)]) -> ConfigSet {
    let files: Vec<SourceFile> = files.iter().map(|(path, text)| file(path, text)).collect();
    load(&files, FACTS).unwrap_or_else(|faults| panic!("{}", words(&faults)))
}

fn refused(files: &[(&str, &str)]) -> String {
    let files: Vec<SourceFile> = files.iter().map(|(path, text)| file(path, text)).collect();
    words(&load(&files, FACTS).unwrap_err())
}

fn words(faults: &[Diagnostic]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

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
    let cases = test_cases(&files).unwrap();
    assert_eq!(cases.len(), 3);
    for of in cases {
        let facts = FACTS.iter().find(|facts| facts.name == of.provider).unwrap();
        let raw = &set.global.mappings[&of.provider][&of.record_type];
        let mapping = Mapping::compile(facts, &of.record_type, raw).unwrap();
        for result in run_cases(&mapping, &of.cases) {
            assert!(result.passed(), "{}: {}: {:?}", of.file, result.name, result.differences);
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
fn given_many_wrong_files_when_loaded_then_every_fault_of_every_file_is_told_at_its_place() {
    let org = "\
org: acme
conections: {}
connections:
  hubspot:
    prvider: hubspot
    mode: life
    limits: [{api: \"*\", requests: 0, per: 10 s}, {api: x, per: 1s}]
    reserve: {backfill: 20}
    base_url: [a]
routes:
  contact: hubspot
inbound: {target: {htp: {url: x}}}
";
    let semantic = "\
org: globex
connections:
  hubspott: {}
  sf: {provider: salesforc, base_url: api.example.com}
  hubspot: {}
routes:
  contact: [hubspott, hubspto]
  contct: [hubspot, hubspot]
mappings:
  hubspot:
    deal:
      object: deals
      fields:
        dealname: name | trim | truncat(5)
        amount: \"amount | nope\"
        note: |
          first ~
          last | lowr
        stage: {from: 'stage | ', map: {a: b}}
  hubspo: {}
";
    let files = [
        ("orgs/acme.yaml", org),
        ("orgs/globex.yaml", semantic),
        ("orgs/broken.yaml", "org: [x\n"),
        ("orgs/twice.yaml", "org: globex\n"),
        ("orgs/all.yaml", "org: \"*\"\nconnections: {hubspot: {}}\n"),
        ("mappings/hubspot/contact.yaml", CONTACT),
        ("mappings/hubspto/contact.yaml", CONTACT),
        (
            "mappings/hubspot/lead.yaml",
            "object: leads\nfields:\n  email: {frm: email}\n  n: 5\nwhen: 1\non_delete: archve\n",
        ),
        ("mappings/hubspot/tests/contact.yaml", "- record: {}\n  expects: {}\n"),
        ("mapping/hubspot/contact.yaml", CONTACT),
        ("README.md", "not looked at"),
    ];
    insta::assert_snapshot!(refused(&files), @r#"
    config/mapping/hubspot/contact.yaml:1:1: this file has no place here; there are orgs/<org>.yaml, mappings/<provider>/<record_type>.yaml and mappings/<provider>/tests/<name>.yaml (RTR2001)
    config/mappings/hubspot/lead.yaml:3:11: unknown field `frm`; did you mean `from`? (RTR2001)
    config/mappings/hubspot/lead.yaml:4:6: expected a text or an object, found `5` (RTR2001)
    config/mappings/hubspot/lead.yaml:5:7: expected a text, found `1` (RTR2001)
    config/mappings/hubspot/lead.yaml:6:12: expected `archive` or `ignore` or `erase` or `set: …`, found `archve`; did you mean `archive`? (RTR2001)
    config/mappings/hubspot/tests/contact.yaml:2:3: unknown field `expects`; did you mean `expect`? (RTR2001)
    config/mappings/hubspto/contact.yaml:1:1: unknown provider `hubspto` (the name of the file's folder); did you mean `hubspot`? (RTR2007)
    config/orgs/acme.yaml:2:1: unknown field `conections`; did you mean `connections`? (RTR2001)
    config/orgs/acme.yaml:5:5: unknown field `prvider`; did you mean `provider`? (RTR2001)
    config/orgs/acme.yaml:6:11: expected `live` or `shadow` or `paused`, found `life`; did you mean `live`? (RTR2001)
    config/orgs/acme.yaml:7:35: expected a number of at least 1, found 0 (RTR2001)
    config/orgs/acme.yaml:7:43: `10 s` is not a length of time: the unit is one of ms, s, m, h and d, such as 10s (RTR2001)
    config/orgs/acme.yaml:7:50: the field `requests` is missing (RTR2001)
    config/orgs/acme.yaml:8:25: expected a text, found `20` (RTR2001)
    config/orgs/acme.yaml:9:15: expected a text, found a list (RTR2001)
    config/orgs/acme.yaml:11:12: expected a list, found `hubspot` (RTR2001)
    config/orgs/acme.yaml:12:19: expected `http: …` or `sqs: …` or `eventbridge: …` or `lambda: …`, found an object (RTR2001)
    config/orgs/all.yaml:2:14: org `*` has routes only; `connections` belongs to an org, global mappings to mappings/<provider>/ (RTR2004)
    config/orgs/broken.yaml:1:6: not valid YAML: unclosed bracket '[' (RTR2001)
    config/orgs/globex.yaml:3:3: unknown provider `hubspott` (the connection's id stands for it; add `provider: …`); did you mean `hubspot`? (RTR2007)
    config/orgs/globex.yaml:4:18: unknown provider `salesforc`; did you mean `salesforce`? (RTR2007)
    config/orgs/globex.yaml:4:39: `api.example.com` is no address; write one such as https://api.example.com (RTR2001)
    config/orgs/globex.yaml:7:23: the org has no connection `hubspto`; it has `hubspot`, `hubspott` and `sf`; did you mean `hubspot`? (RTR2002)
    config/orgs/globex.yaml:8:12: hubspot has no mapping for `contct`; add mappings/hubspot/contct.yaml, or take the connection out; did you mean `contact`? (RTR2006)
    config/orgs/globex.yaml:8:21: `hubspot` stands twice in this route (RTR2004)
    config/orgs/globex.yaml:8:21: hubspot has no mapping for `contct`; add mappings/hubspot/contct.yaml, or take the connection out; did you mean `contact`? (RTR2006)
    config/orgs/globex.yaml:14:33: field `dealname`: unknown filter `truncat`; did you mean `truncate`? (RTR2003)
    config/orgs/globex.yaml:15:27: field `amount`: unknown filter `nope` (RTR2003)
    config/orgs/globex.yaml:18:18: field `note`: unknown filter `lowr`; did you mean `lower`? (RTR2003)
    config/orgs/globex.yaml:19:32: field `stage`: expected the name of a filter, found the end (RTR2003)
    config/orgs/globex.yaml:20:3: unknown provider `hubspo`; did you mean `hubspot`? (RTR2007)
    config/orgs/twice.yaml:1:6: org `globex` has a file already, orgs/globex.yaml; keep one (RTR2004)
    "#);
}

#[test]
fn given_two_mappings_for_one_object_when_loaded_then_they_are_refused_unless_their_keys_differ() {
    let lead = "object: contacts\nfields:\n  email: email\n";
    insta::assert_snapshot!(refused(&[("mappings/hubspot/contact.yaml", CONTACT), ("mappings/hubspot/lead.yaml", lead)]), @r#"
    config/mappings/hubspot/contact.yaml:1:1: a contact and a lead could get one `rtr_record_id` in `contacts` and overwrite each other; write key_value: "{record_type}:{record_id}" in both (the other one: mappings/hubspot/lead.yaml:1:1) (RTR2004)
    config/mappings/hubspot/lead.yaml:1:1: a contact and a lead could get one `rtr_record_id` in `contacts` and overwrite each other; write key_value: "{record_type}:{record_id}" in both (the other one: mappings/hubspot/contact.yaml:1:1) (RTR2004)
    "#);
    let typed = |text: &str| format!("key_value: \"{{record_type}}:{{record_id}}\"\n{text}");
    loaded(&[
        ("mappings/hubspot/contact.yaml", &typed(CONTACT)),
        ("mappings/hubspot/lead.yaml", &typed(lead)),
    ]);
    let own = "org: acme\nconnections: {hubspot: {}}\nmappings:\n  hubspot:\n    lead:\n      object: contacts\n      fields: {email: email}\n";
    insta::assert_snapshot!(refused(&[("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", own)]), @r#"
    config/mappings/hubspot/contact.yaml:1:1: a lead and a contact could get one `rtr_record_id` in `contacts` and overwrite each other; write key_value: "{record_type}:{record_id}" in both (the other one: orgs/acme.yaml:6:7) (RTR2004)
    config/orgs/acme.yaml:6:7: a lead and a contact could get one `rtr_record_id` in `contacts` and overwrite each other; write key_value: "{record_type}:{record_id}" in both (the other one: mappings/hubspot/contact.yaml:1:1) (RTR2004)
    "#);
}

#[test]
fn given_a_folder_without_global_mappings_when_loaded_then_routes_rely_on_what_is_stored() {
    let org = "org: acme\nconnections:\n  hubspot:\nroutes: {contact: [hubspot]}\nmappings:\n";
    assert_eq!(loaded(&[("orgs/acme.yaml", org)]).orgs["acme"].routes["contact"], ["hubspot"]);
    let faults = refused(&[
        ("orgs/acme.yaml", &org.replace("contact", "contac")),
        ("mappings/hubspot/contact.yaml", CONTACT),
    ]);
    insta::assert_snapshot!(faults, @"config/orgs/acme.yaml:4:19: hubspot has no mapping for `contac`; add mappings/hubspot/contac.yaml, or take the connection out; did you mean `contact`? (RTR2006)");
}

/// A table that takes what is planned.
fn store(stored: &mut Stored, changes: Vec<DocChange>) {
    for DocChange { org, revision, doc, .. } in changes {
        stored.revision = revision;
        let (author, at) = ("ada".to_owned(), "2026-11-23T10:00:00Z".to_owned());
        match doc {
            DocBody::Global(doc) => stored.global = Some(StoredDoc { revision, author, at, doc }),
            DocBody::Org(doc) => drop(stored.orgs.insert(org, StoredDoc { revision, author, at, doc })),
        }
    }
}

fn apply(stored: &mut Stored, files: &[(&str, &str)], prune: bool) -> String {
    let changes = plan_apply(stored, &loaded(files), prune);
    let told = changes.iter().map(|change| {
        let lines: Vec<String> = change.changes.iter().map(|line| format!("  {line}")).collect();
        format!("{} at {} after {:?}\n{}", change.org, change.revision, change.replaces, lines.join("\n"))
    });
    let told = told.collect::<Vec<_>>().join("\n");
    store(stored, changes);
    told
}

fn config(stored: &Stored, org: &str) -> OrgConfig {
    resolve(org, stored.orgs.get(org), stored.global.as_ref(), FACTS, "prod").unwrap()
}

const ACME: &str = "org: acme\nconnections: {hubspot: {}}\nroutes: {contact: [hubspot]}\n";
const OVERRIDE: &str = "mappings: {hubspot: {contact: {object: contacts, fields: {email: email}}}}\n";

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
        plan_apply(&stored, &loaded(folders[5]), true).is_empty(),
        "the same folder again changes nothing"
    );
}

#[test]
fn given_a_folder_that_lacks_what_is_stored_when_applied_then_only_prune_removes_it() {
    let mut stored = Stored::default();
    let all = ("orgs/all.yaml", "org: \"*\"\nroutes: {contact: [hubspot], deal: [hubspot]}\n");
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
      + routes.deal: ["hubspot"]
    acme at 2 after None
      + connections.hubspot: {}
      + routes.contact: ["hubspot"]
    "#);
    assert_eq!(apply(&mut stored, &[], false), "");
    insta::assert_snapshot!(apply(&mut stored, &[], true), @r#"
    * at 3 after Some(1)
      - mappings.hubspot.contact.fields.email: "email | lower"
      - mappings.hubspot.contact.match: "email"
      - mappings.hubspot.contact.object: "contacts"
      + mappings: {}
      - routes.contact: ["hubspot"]
      - routes.deal: ["hubspot"]
    acme at 4 after Some(2)
      - connections.hubspot: {}
      + removed: true
      - routes.contact: ["hubspot"]
    "#);
    assert!(!config(&stored, "acme").known);
}

#[test]
fn given_stored_documents_when_resolved_then_defaults_fill_what_is_not_said() {
    let mut stored = Stored::default();
    let org = "\
org: acme
connections:
  hubspot: {}
  hubspot-eu: {provider: hubspot, mode: paused, secret: s, limits: [{api: search, requests: 5, per: 1s}], reserve: {backfill: 5%}}
routes: {contact: [hubspot]}
inbound: {target: {sqs: {url: https://sqs.example/q}}}
";
    let all = "org: \"*\"\nroutes: {contact: [hubspot-eu], deal: [salesforce, hubspot-eu]}\n";
    apply(
        &mut stored,
        &[("mappings/hubspot/contact.yaml", CONTACT), ("orgs/acme.yaml", org), ("orgs/all.yaml", all)],
        false,
    );
    let config = config(&stored, "acme");
    let (one, eu) = (&config.connections["hubspot"], &config.connections["hubspot-eu"]);
    assert_eq!(
        (one.provider.as_str(), one.mode, one.secret.as_str()),
        ("hubspot", Mode::Live, "rtr/prod/acme/hubspot")
    );
    assert_eq!(one.limits, [LimitRule { api: "*".into(), requests: 100, per_ms: 10_000, burst: 100 }]);
    assert_eq!((eu.mode, eu.secret.as_str(), eu.reserve_backfill_percent), (Mode::Paused, "s", 5));
    assert_eq!(eu.limits, [LimitRule { api: "search".into(), requests: 5, per_ms: 1_000, burst: 5 }]);
    assert_eq!(
        (config.route("contact"), config.route("deal")),
        (&["hubspot".to_owned()][..], &["hubspot-eu".to_owned()][..])
    );
    assert!(config.route("company").is_empty() && config.mapping("hubspot", "company").is_none());
    assert!(config.mapping("hubspot-eu", "contact").is_some() && config.known);
    assert_eq!(config.inbound, Some(Target::Sqs { url: "https://sqs.example/q".into() }));
    let stranger = resolve("stranger", None, stored.global.as_ref(), FACTS, "prod").unwrap();
    assert!(!stranger.known && stranger.connections.is_empty() && stranger.route("contact").is_empty());
    let error = resolve("acme", stored.orgs.get("acme"), None, &[], "prod").unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"the configuration of org `acme` cannot be used: unknown provider `hubspot`; there are none; apply it again");
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
