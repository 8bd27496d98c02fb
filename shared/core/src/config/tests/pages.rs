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

#[test]
fn given_an_org_that_its_page_removed_when_files_still_name_it_then_it_is_known_that_they_bring_it_back() {
    let mut stored = Stored::default();
    let files = [MAPPING, ("orgs/acme.yaml", BODY)];
    apply(&mut stored, &files, false);
    let removal = plan_removal(&stored, "acme");
    store(&mut stored, removal.into_iter().collect());
    assert_eq!(taken(&stored, &files, false), ["acme"]);
    assert_eq!(
        plan_apply(&stored, &loaded(&[MAPPING]), Wish { prune: true, canaries: None }),
        [],
        "it is gone already"
    );
}

#[test]
fn given_a_body_that_names_another_orgs_secret_when_read_then_it_is_refused_at_its_place() {
    let read = |connection: &str| {
        let body = BODY.replace("{hubspot: {}}", &format!("{{hubspot: {connection}}}"));
        read_org("acme", &body, &stored(BODY).global_doc(), FACTS).map_err(|faults| words(&faults))
    };
    assert!(read("{secret: rtr/prod/acme/eu}").is_ok());
    for foreign in ["rtr/prod/globex/hubspot", "rtr/prod/apps/hubspot", "hubspot", "rtr/prod/acme"] {
        let told = read(&format!("{{secret: {foreign}}}")).unwrap_err();
        assert!(told.contains("body.yaml:2:33: this secret is not org `acme`'s"), "{told}");
    }
    let body = format!(
        "{BODY}source: {{http: {{url: \"https://x.example/{{org_id}}\", secret: rtr/prod/globex/list}}}}\n"
    );
    assert!(read_org("acme", &body, &stored(BODY).global_doc(), FACTS).is_err());
}

#[test]
fn given_routes_to_where_no_mapping_is_when_planned_then_the_ends_are_known() {
    let of = |stored: &Stored, changes: &[DocChange]| {
        stored
            .after(changes)
            .dead_ends()
            .into_iter()
            .map(|(org, at, name)| format!("{org} {at} {name}"))
            .collect::<Vec<_>>()
    };
    let stored = stored(BODY);
    assert!(stored.dead_ends().is_empty());
    let lost = plan_rollback(&stored, &Then { global: Some(None), ..Then::default() });
    assert_eq!(of(&stored, &lost), ["acme hubspot contact"]);
    let deal =
        ("orgs/globex.yaml", "org: globex\nconnections: {hub: {provider: hubspot}}\nroutes: {deal: [hub]}\n");
    let plan = plan_apply(&Stored::default(), &loaded(&[deal]), Wish::default());
    assert_eq!(of(&Stored::default(), &plan), ["globex hub deal"]);
    let all = ("orgs/all.yaml", "org: \"*\"\nroutes: {deal: [hubspot, salesforce]}\n");
    let plan = plan_apply(&stored, &loaded(&[all]), Wish::default());
    assert_eq!(of(&stored, &plan), ["acme hubspot deal"], "a route of all leads to what of it the org has");
}
