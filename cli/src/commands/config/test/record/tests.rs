use super::super::{report, tests::files};
use super::*;
use rtr_core::config::test_cases;
use serde_json::json;

const MAPPING: &str = "object: contacts\nfields:\n  email: email | trim | lower\n  phone: phone | phone\n  firstname: first_name\n  stage: {from: stage, map: {won: customer}}\n";
const ORG: &str =
    "org: acme\nconnections: {hubspot: {}, eu: {provider: hubspot}}\nroutes: {contact: [hubspot, eu]}\n";
const CASES: &str = "# What sales agreed on.\n- name: a recorded contact\n  record: {email: a}\n  expect: {email: a} # small\n";

fn wanted(connection: Option<&str>, show_data: bool) -> Wanted<'static> {
    let connection = connection.map(str::to_owned);
    Wanted {
        org: "acme",
        record_type: "contact",
        record_id: "CANARY-ID-7",
        connection,
        from: None,
        show_data,
    }
}

fn record() -> Value {
    json!({
        "email": "Canary.One@canary-host.io", "phone": "+49 30 7654321", "first_name": "Canaria", "stage": "won",
        "more": {"iban": "DE75512108001245126199", "born": "1971-05-31", "tags": ["canarytag"], "amount": 987654.32},
    })
}

fn folder_with(cases: &str) -> (PathBuf, Vec<SourceFile>) {
    let mut of = vec![("mappings/hubspot/contact.yaml", MAPPING), ("orgs/acme.yaml", ORG)];
    if !cases.is_empty() {
        of.push(("mappings/hubspot/tests/contact.yaml", cases));
    }
    let dir = std::env::temp_dir().join(format!("rtr-record-{}-{}", std::process::id(), cases.len()));
    for (path, text) in &of {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    (dir, files(&of))
}

#[test]
fn given_a_record_when_recorded_then_the_case_holds_at_once_and_no_value_of_it_is_in_the_file() {
    for cases in ["", CASES] {
        let (dir, before) = folder_with(cases);
        let set = folder::checked(&before).unwrap();
        assert_eq!(providers(&set, &wanted(None, false)).unwrap(), ["hubspot"]);
        let made = make(&set, &before, "hubspot", &wanted(None, false), &record()).unwrap();
        crate::schema::tests::holds("config test", &[&made]);
        assert_eq!(made.differing, []);
        store(&dir, &before, &made, &wanted(None, false)).unwrap();
        let after = folder::read(&dir).unwrap();
        let report = report(&set, &test_cases(&after, &set).unwrap());
        assert!(report.cases.iter().all(|case| case.passed), "{:?}", report.cases);
        assert_eq!(report.cases.len(), 1 + usize::from(!cases.is_empty()));
        let text = text_of(&after, "mappings/hubspot/tests/contact.yaml");
        assert!(text.starts_with(cases.trim_end()), "{text}");
        let canaries = ["anary", "7654321", "anaria", "5512108", "1971", "987654", "CANARY-ID-7", "host"];
        for canary in canaries {
            assert!(!text.contains(canary), "{canary} stands in {text}");
        }
        assert!(
            text.contains("stage: won") && text.contains("stage: customer"),
            "the mapping names it: {text}"
        );
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn given_values_asked_for_when_recorded_then_they_and_the_id_stand_there_and_an_orgs_own_mapping_is_named() {
    let own = format!("{ORG}mappings: {{hubspot: {{contact: {{fields: {{phone: null}}}}}}}}\n");
    let before = files(&[("mappings/hubspot/contact.yaml", MAPPING), ("orgs/acme.yaml", &own)]);
    let set = folder::checked(&before).unwrap();
    let made = make(&set, &before, "hubspot", &wanted(None, true), &record()).unwrap();
    assert_eq!((&made.case.record, made.case.org.as_deref()), (&record(), Some("acme")));
    assert_eq!(made.case.name.as_deref(), Some("contact CANARY-ID-7"));
    assert!(!made.case.expect.unwrap().contains_key("phone"), "the org leaves it out");
}

#[test]
fn given_a_wrong_name_when_recorded_then_it_says_what_there_is() {
    let before = files(&[("mappings/hubspot/contact.yaml", MAPPING), ("orgs/acme.yaml", ORG)]);
    let set = folder::checked(&before).unwrap();
    let told = |wanted: Wanted<'_>| providers(&set, &wanted).unwrap_err().to_string();
    let all = [
        told(Wanted { org: "amce", ..wanted(None, false) }),
        told(Wanted { record_type: "deal", ..wanted(None, false) }),
        told(wanted(Some("us"), false)),
        make(
            &set,
            &before,
            "hubspot",
            &Wanted { record_type: "deal", ..wanted(Some("eu"), false) },
            &record(),
        )
        .unwrap_err()
        .to_string(),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    rtr: the folder has no org `amce`
      did you mean `acme`?
    rtr: deal records of org `acme` are routed to no connection
      name the connection whose mapping is meant: --connection ID
    rtr: org `acme` has no connection `us`; it has `eu` and `hubspot`
    rtr: the folder has no mapping of hubspot for deal
      rtr config init acme hubspot begins one for contacts
    ");
}

#[test]
fn given_a_name_that_is_taken_when_recorded_then_it_is_numbered() {
    assert_eq!(fresh("a recorded contact", CASES), "a recorded contact 2");
    assert_eq!(
        fresh("a recorded contact", "- name: \"a recorded contact\"\n- name: a recorded contact 2\n"),
        "a recorded contact 3"
    );
    assert_eq!(fresh("a", ""), "a");
}
