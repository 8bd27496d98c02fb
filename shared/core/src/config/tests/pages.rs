//! Orgs as a product's own connect page says them.

use super::*;

const BODY: &str = "org: acme\nconnections: {hubspot: {}}\nroutes: {contact: [hubspot]}\n";
const MAPPING: (&str, &str) = ("mappings/hubspot/contact.yaml", CONTACT);

/// A table in which the page has stored `body`.
fn stored(body: &str) -> Stored {
    let mut stored = Stored::default();
    apply(&mut stored, &[MAPPING], false);
    let put = put(&stored, body);
    store(&mut stored, put.into_iter().collect());
    stored
}

fn put(stored: &Stored, body: &str) -> Option<DocChange> {
    let wanted = read_org("acme", body, &stored.global_doc(), FACTS)
        .unwrap_or_else(|faults| panic!("{}", words(&faults)));
    plan_put(stored, "acme", wanted)
}

fn taken(stored: &Stored, files: &[(&str, &str)], prune: bool) -> Vec<String> {
    let plan = plan_apply(stored, &loaded(files), Wish { prune, canaries: None });
    stored.taken_from_pages(&plan).map(str::to_owned).collect()
}

#[test]
fn given_what_a_page_said_when_files_say_otherwise_then_it_is_known_that_they_take_it_back() {
    let mut stored = stored(BODY);
    let paused = BODY.replace("{}", "{mode: paused}");
    assert_eq!(taken(&stored, &[MAPPING, ("orgs/acme.yaml", &paused)], false), ["acme"]);
    assert_eq!(taken(&stored, &[MAPPING], true), ["acme"], "a folder without it would remove it");
    assert!(taken(&stored, &[MAPPING], false).is_empty());

    // The page's own words in a file: from then on the files say it.
    assert!(taken(&stored, &[MAPPING, ("orgs/acme.yaml", BODY)], false).is_empty());
    apply(&mut stored, &[MAPPING, ("orgs/acme.yaml", BODY)], false);
    assert!(taken(&stored, &[MAPPING, ("orgs/acme.yaml", &paused)], false).is_empty());
    assert_eq!(put(&stored, BODY), None, "the same on the page changes nothing");
}

#[test]
fn given_stored_mappings_that_clash_when_a_page_says_something_right_then_it_is_taken() {
    let mut stored = stored(BODY);
    // As folders that are applied in parts can leave it.
    let lead = ("mappings/hubspot/lead.yaml", CONTACT);
    assert!(refused(&[MAPPING, lead]).contains("RTR"));
    apply(&mut stored, &[lead], false);
    assert!(put(&stored, &BODY.replace("{}", "{mode: shadow}")).is_some());
    let wrong = BODY.replace("[hubspot]", "[hubspt]");
    let faults = read_org("acme", &wrong, &stored.global_doc(), FACTS).unwrap_err();
    assert_eq!(faults.len(), 1, "{}", words(&faults));
}

#[test]
fn given_a_document_that_no_item_can_hold_when_planned_then_its_size_is_known() {
    let long = format!("object: contacts\nfields:\n  email: email\n  note: '\"{}\"'\n", "x".repeat(1_000));
    let large = format!(
        "object: contacts\nfields:\n{}",
        (0..400).map(|n| format!("  f{n}: '\"{}\"'\n", "x".repeat(1_000))).collect::<String>()
    );
    let size = |text: &str| {
        plan_apply(&Stored::default(), &loaded(&[(MAPPING.0, text)]), Wish::default())[0].too_large()
    };
    assert_eq!(size(&long), None);
    assert!(size(&large).is_some_and(|bytes| bytes > MAX_DOC_BYTES));
}
