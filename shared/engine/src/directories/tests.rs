#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use rtr_core::mapping::{Mapping, ProviderFacts, Subject};
use serde_json::json;

const OWNER: LookupFact = LookupFact {
    name: "owner",
    noun: "owner",
    by: "e-mail",
    objects: Objects::All,
    within: None,
    read: Read::Each,
    add: "",
    several: "",
};
const PIPELINE: LookupFact =
    LookupFact { name: "pipeline", read: Read::Whole, objects: Objects::Only(&["deals"]), ..OWNER };
const STAGE: LookupFact = LookupFact { name: "stage", within: Some("pipeline"), ..PIPELINE };
const FACTS: &[LookupFact] = &[OWNER, PIPELINE, STAGE];
const HOLDS: Holds = Holds { found_ms: 300_000, absent_ms: 60_000 };
const T: Instant = Instant(1_000_000);

fn wanted(fact: &LookupFact, value: &str) -> Wanted {
    let facts = ProviderFacts {
        name: "crm",
        title: "CRM",
        default_key: Some("k"),
        default_limits: &[],
        lookups: FACTS,
    };
    let raw = json!({"object": "deals", "fields": {"f": {"from": "v", "lookup": fact.name}}});
    let mapping = Mapping::compile(&facts, "deal", &serde_json::from_value(raw).unwrap()).unwrap();
    let subject = Subject { org_id: "a", record_type: "deal", record_id: "1" };
    mapping.apply(&subject, &json!({"v": value})).unwrap().wanted.remove(0)
}

fn place(org: &str, fact: &LookupFact) -> Place {
    Place::of(&ConnectionKey::new(org, "hubspot"), "account", fact, "deals")
}

fn entry(lookup: &'static str, name: &str, within: Option<&str>, id: &str) -> Entry {
    Entry { lookup, name: name.to_owned(), within: within.map(str::to_owned), id: id.to_owned() }
}

fn asked(fact: &LookupFact, names: &[&str]) -> Asked {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Asked { lookup: fact.name, object: "deals".to_owned(), names }
}

fn one(id: &str) -> Answer {
    Answer::One(id.to_owned())
}

#[test]
fn given_owners_when_asked_for_then_each_is_known_for_its_time_and_absence_for_a_shorter_one() {
    let directories = Directories::default();
    let at = place("acme", &OWNER);
    let of = |name: &str, ms: i64| directories.answer(&at, &wanted(&OWNER, name), None, HOLDS, T.plus_ms(ms));
    assert_eq!(of("ada@x.io", 0), Answer::Unknown);
    let found = vec![entry("owner", "ada@x.io", None, "51"), entry("owner", "more@x.io", None, "52")];
    directories.learn(&at, &OWNER, &asked(&OWNER, &["Ada@x.io", "no@x.io"]), found, HOLDS, T);
    assert_eq!((of("ADA@x.io", 0), of("ada@x.io", 299_999)), (one("51"), one("51")));
    assert_eq!((of("ada@x.io", 300_000), of("ada@x.io", -1)), (Answer::Unknown, Answer::Unknown));
    assert_eq!((of("no@x.io", 59_999), of("no@x.io", 60_000)), (Answer::None, Answer::Unknown));
    assert_eq!(of("more@x.io", 1), one("52"), "what was not asked for is known as well");
    assert_eq!(of("other@x.io", 1), Answer::Unknown);
    let mended = directories.answer(&at, &wanted(&OWNER, "no@x.io"), None, HOLDS.mended(), T.plus_ms(5_000));
    assert_eq!(mended, Answer::Unknown, "a person may have added the user");
    directories.learn(&at, &OWNER, &asked(&OWNER, &["ada@x.io"]), Vec::new(), HOLDS, T.plus_ms(1));
    assert_eq!(of("ada@x.io", 2), Answer::None, "who has left is not known from before");
}

#[test]
fn given_pipelines_when_read_then_stages_are_known_too_and_lie_within_theirs() {
    let directories = Directories::default();
    let table = vec![
        entry("pipeline", "Sales", None, "p1"),
        entry("pipeline", "Renewals", None, "p2"),
        entry("stage", "Won", Some("p1"), "won-1"),
        entry("stage", "Won", Some("p2"), "won-2"),
        entry("stage", "Open", Some("p1"), "open-1"),
        entry("stage", "OPEN", Some("p1"), "open-2"),
    ];
    directories.learn(&place("acme", &PIPELINE), &PIPELINE, &asked(&PIPELINE, &["Sales"]), table, HOLDS, T);
    let stage = |name: &str, within: Option<&str>, ms: i64| {
        directories.answer(&place("acme", &STAGE), &wanted(&STAGE, name), within, HOLDS, T.plus_ms(ms))
    };
    let pipeline = directories.answer(&place("acme", &PIPELINE), &wanted(&PIPELINE, "sales"), None, HOLDS, T);
    assert_eq!(pipeline, one("p1"));
    assert_eq!((stage("won", Some("p2"), 0), stage("Won", Some("p1"), 0)), (one("won-2"), one("won-1")));
    assert_eq!((stage("Won", None, 0), stage("Won", Some("p3"), 0)), (Answer::Several, Answer::None));
    assert_eq!(
        (stage("Open", None, 0), stage("OPEN", None, 0)),
        (one("open-1"), one("open-2")),
        "exact first"
    );
    assert_eq!(stage("open", None, 0), Answer::Several);
    assert_eq!((stage("New", None, 59_999), stage("New", None, 60_000)), (Answer::None, Answer::Unknown));
    assert_eq!(
        stage("Won", Some("p1"), 60_000),
        one("won-1"),
        "one that is missing makes the others no older"
    );
    directories.learn(&place("acme", &STAGE), &STAGE, &asked(&STAGE, &[]), Vec::new(), HOLDS, T.plus_ms(1));
    assert_eq!(stage("Won", Some("p1"), 2), Answer::None, "a table is replaced as a whole");
}

#[test]
fn given_more_names_than_are_kept_when_learnt_then_the_newest_are_known_and_the_bound_holds() {
    let directories = Directories::default();
    for batch in 0..30_i64 {
        let names: Vec<String> = (0..1_000).map(|n| format!("{batch}-{n}@x.io")).collect();
        let found = names.iter().map(|name| entry("owner", name, None, name)).collect();
        let asked = Asked { lookup: "owner", object: "deals".to_owned(), names };
        let org = format!("org-{}", batch % 3);
        directories.learn(&place(&org, &OWNER), &OWNER, &asked, found, HOLDS, T.plus_ms(batch));
        let newest = wanted(&OWNER, &format!("{batch}-999@x.io"));
        assert_ne!(
            directories.answer(&place(&org, &OWNER), &newest, None, HOLDS, T.plus_ms(batch)),
            Answer::Unknown
        );
        let kept: usize = directories.lock().values().map(|shelf| shelf.names.len()).sum();
        assert!(kept <= MOST_NAMES, "{kept}");
    }
}

proptest! {
    #[test]
    fn given_any_learning_when_another_connection_asks_then_it_knows_nothing_of_it(
        org in "[ab#]{1,3}", connection in "[ab#]{1,3}", other in "[ab#]{1,3}", theirs in "[ab#]{1,3}",
    ) {
        prop_assume!((&org, &connection) != (&other, &theirs));
        let directories = Directories::default();
        let at = |org: &str, connection: &str| Place::of(&ConnectionKey::new(org, connection), "x", &OWNER, "deals");
        let found = vec![entry("owner", "ada@x.io", None, "51")];
        directories.learn(&at(&org, &connection), &OWNER, &asked(&OWNER, &["ada@x.io"]), found, HOLDS, T);
        let ada = wanted(&OWNER, "ada@x.io");
        prop_assert_eq!(directories.answer(&at(&org, &connection), &ada, None, HOLDS, T), one("51"));
        prop_assert_eq!(directories.answer(&at(&other, &theirs), &ada, None, HOLDS, T), Answer::Unknown);
    }
}
