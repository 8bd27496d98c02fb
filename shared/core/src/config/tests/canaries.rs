//! Orgs that try a change before all others have it.

use super::*;
use proptest::prelude::*;

const NEW: &str = "object: contacts\nmatch: email\nfields:\n  email: email | lower\n  phone: phone\n";
const OTHER: &str = "org: other\nconnections: {hubspot: {}}\nroutes: {contact: [hubspot]}\n";
const MAPPING: &str = "mappings/hubspot/contact.yaml";
const LAYER: &str = "mappings: {hubspot: {contact: {fields: {city: city}}}}\n";

fn tried(stored: &mut Stored, files: &[(&str, &str)], orgs: &[&str]) -> usize {
    let canaries: Canaries = orgs.iter().map(|org| (*org).to_owned()).collect();
    let changes = plan_apply(stored, &loaded(files), Wish { prune: false, canaries: Some(&canaries) });
    let n = changes.len();
    store(stored, changes);
    n
}

fn fields(stored: &Stored, org: &str) -> String {
    let config = config(stored, org);
    let at = config.mapping("hubspot", "contact").unwrap();
    let names: Vec<&str> = at.mapping.field_names().collect();
    format!("{} at {}{}", names.join(" "), at.revision, if at.canary { " (canary)" } else { "" })
}

fn told_on(stored: &Stored, files: &[(&str, &str)]) -> Vec<(String, u64)> {
    let plan = plan_apply(stored, &loaded(files), Wish::default());
    let after = stored.after(&plan);
    tried_on(stored, &after).into_iter().map(|(org, revision)| (org.to_owned(), revision)).collect()
}

#[test]
fn given_a_global_change_when_canaries_try_it_then_they_alone_have_it_until_it_is_applied_to_all() {
    let mut stored = Stored::default();
    let acme = format!("{ACME}{LAYER}");
    let before = [(MAPPING, CONTACT), ("orgs/acme.yaml", acme.as_str()), ("orgs/other.yaml", OTHER)];
    let after = [(MAPPING, NEW), before[1], before[2]];
    apply(&mut stored, &before, false);
    assert_eq!([fields(&stored, "acme"), fields(&stored, "other")], ["city email at 2", "email at 1"]);

    assert_eq!(tried(&mut stored, &after, &["acme"]), 1);
    assert_eq!(fields(&stored, "acme"), "city email phone at 4 (canary)");
    assert_eq!(fields(&stored, "other"), "email at 1");
    assert_eq!(config(&stored, "acme").canary, Some(4));
    assert_eq!(tried(&mut stored, &after, &["acme"]), 0, "again is nothing new");
    assert!(told_on(&stored, &before).is_empty(), "who goes back goes no further");
    assert_eq!(told_on(&stored, &after), [("acme".to_owned(), 4)]);

    apply(&mut stored, &after, false);
    assert_eq!(fields(&stored, "acme"), "city email phone at 6");
    assert_eq!(fields(&stored, "other"), "email phone at 5");
    assert_eq!(config(&stored, "acme").canary, None);
    assert_eq!(plan_apply(&stored, &loaded(&after), Wish::default()), []);
}

#[test]
fn given_a_second_canary_when_it_joins_then_how_the_first_fared_counts() {
    let mut stored = Stored::default();
    let before = [(MAPPING, CONTACT), ("orgs/acme.yaml", ACME), ("orgs/other.yaml", OTHER)];
    apply(&mut stored, &before, false);
    let after = [(MAPPING, NEW), before[1], before[2]];
    tried(&mut stored, &after, &["acme"]);
    let both: Canaries = ["acme", "other"].map(str::to_owned).into();
    let plan = plan_apply(&stored, &loaded(&after), Wish { prune: false, canaries: Some(&both) });
    assert_eq!(plan.len(), 1);
    assert_eq!(tried_on(&stored, &stored.after(&plan)), [("acme", 4)]);
}

#[test]
fn given_a_trial_that_is_ended_alone_when_its_org_was_stored_anew_meanwhile_then_that_stays() {
    let mut stored = Stored::default();
    let before = [(MAPPING, CONTACT), ("orgs/acme.yaml", ACME), ("orgs/other.yaml", OTHER)];
    apply(&mut stored, &before, false);
    tried(&mut stored, &[(MAPPING, NEW), before[1], before[2]], &["acme", "other"]);
    let page = ACME.replace("hubspot: {}", "hubspot: {mode: paused}");
    assert_ne!(page, ACME);
    let wanted = loaded(&[before[0], ("orgs/acme.yaml", page.as_str())]).orgs.remove("acme").unwrap();
    let put = plan_put(&stored, "acme", wanted);
    store(&mut stored, put.into_iter().collect());
    assert!(config(&stored, "acme").canary.is_some());

    let ended = plan_end_trial(&stored, &["acme".to_owned()].into());
    store(&mut stored, ended);
    assert_eq!(fields(&stored, "acme").split(" at ").next(), Some("email"));
    assert_eq!(config(&stored, "acme").canary, None);
    assert_eq!(config(&stored, "acme").connections["hubspot"].mode, Mode::Paused);
    assert!(config(&stored, "other").canary.is_some());
    assert_eq!(plan_end_trial(&stored, &["acme".to_owned(), "nobody".to_owned()].into()), []);
}

#[test]
fn given_a_trial_of_an_orgs_own_change_when_it_is_ended_then_what_stood_there_before_holds_again() {
    let mut stored = Stored::default();
    let before = [(MAPPING, CONTACT), ("orgs/acme.yaml", ACME), ("orgs/other.yaml", OTHER)];
    apply(&mut stored, &before, false);
    let own = format!("{ACME}{LAYER}");
    let after = [before[0], ("orgs/acme.yaml", own.as_str()), before[2]];
    tried(&mut stored, &after, &["acme"]);
    // Once more, with another one: what is gone back to is what stood there before both.
    let other = own.replace("city: city", "town: town");
    tried(&mut stored, &[before[0], ("orgs/acme.yaml", other.as_str()), before[2]], &["acme"]);
    assert_eq!(fields(&stored, "acme").split(" at ").next(), Some("email town"));

    let ended = plan_end_trial(&stored, &["acme".to_owned()].into());
    store(&mut stored, ended);
    assert_eq!(fields(&stored, "acme").split(" at ").next(), Some("email"));
    assert!(stored.orgs["acme"].doc.canary.is_none() && stored.orgs["acme"].doc.mappings.is_empty());

    // What a page says meanwhile stays.
    tried(&mut stored, &after, &["acme"]);
    let wanted = loaded(&after).orgs.remove("acme").unwrap();
    let put = plan_put(&stored, "acme", wanted);
    store(&mut stored, put.into_iter().collect());
    let ended = plan_end_trial(&stored, &["acme".to_owned()].into());
    store(&mut stored, ended);
    assert_eq!(fields(&stored, "acme").split(" at ").next(), Some("city email"));
}

#[test]
fn given_a_folder_without_the_canarys_file_when_applied_then_the_trial_ends_with_the_mapping_and_not_before()
{
    let mut stored = Stored::default();
    let before = [(MAPPING, CONTACT), ("orgs/acme.yaml", ACME)];
    apply(&mut stored, &before, false);
    tried(&mut stored, &[(MAPPING, NEW), before[1]], &["acme"]);
    apply(&mut stored, &[("orgs/other.yaml", OTHER)], false);
    assert_eq!(fields(&stored, "acme"), "email phone at 3 (canary)");
    apply(&mut stored, &[(MAPPING, NEW)], false);
    assert_eq!(fields(&stored, "acme"), "email phone at 6");
    assert!(stored.orgs["acme"].doc.mappings.is_empty() && stored.orgs["acme"].doc.canary.is_none());
}

#[test]
fn given_an_orgs_own_change_when_it_is_a_canary_then_its_trial_is_of_that_too() {
    let mut stored = Stored::default();
    let before = [(MAPPING, CONTACT), ("orgs/acme.yaml", ACME), ("orgs/other.yaml", OTHER)];
    apply(&mut stored, &before, false);
    let own = format!("{ACME}{LAYER}");
    let after = [before[0], ("orgs/acme.yaml", own.as_str()), before[2]];
    assert_eq!(tried(&mut stored, &after, &["acme", "nobody"]), 1);
    assert_eq!(fields(&stored, "acme"), "city email at 4 (canary)");
    assert_eq!(tried(&mut stored, &after, &["acme"]), 0);
    assert_eq!(told_on(&stored, &after), [("acme".to_owned(), 4)]);
    apply(&mut stored, &after, false);
    assert_eq!(fields(&stored, "acme"), "city email at 5");
}

#[test]
fn given_a_route_of_all_when_a_canary_tries_it_then_no_other_org_has_it() {
    let mut stored = Stored::default();
    let bare = |org: &str| format!("org: {org}\nconnections: {{hubspot: {{}}}}\n");
    let (acme, other) = (bare("acme"), bare("other"));
    let all = ("orgs/all.yaml", "org: \"*\"\nroutes: {contact: [hubspot]}\n");
    let before = [(MAPPING, CONTACT), ("orgs/acme.yaml", acme.as_str()), ("orgs/other.yaml", other.as_str())];
    apply(&mut stored, &before, false);
    tried(&mut stored, &[before[0], before[1], before[2], all], &["acme"]);
    assert_eq!(config(&stored, "acme").route("contact"), ["hubspot"]);
    assert!(config(&stored, "other").route("contact").is_empty());
    apply(&mut stored, &[before[0], before[1], before[2], all], false);
    assert_eq!(config(&stored, "other").route("contact"), ["hubspot"]);
    assert!(stored.orgs["acme"].doc.routes.is_empty());
}

#[test]
fn given_a_trial_that_ends_otherwise_than_it_began_when_judged_then_only_the_way_back_is_free() {
    let mut stored = Stored::default();
    let before = [(MAPPING, CONTACT), ("orgs/acme.yaml", ACME), ("orgs/other.yaml", OTHER)];
    apply(&mut stored, &before, false);
    tried(&mut stored, &[(MAPPING, NEW), before[1], before[2]], &["acme"]);
    let third = format!("{NEW}  city: city\n");
    assert_eq!(told_on(&stored, &[(MAPPING, &third), before[1], before[2]]), [("acme".to_owned(), 4)]);
    assert!(told_on(&stored, &before).is_empty());
    // Of routes alone, too.
    let all = ("orgs/all.yaml", "org: \"*\"\nroutes: {contact: [hubspot]}\n");
    let bare = ("orgs/acme.yaml", "org: acme\nconnections: {hubspot: {}}\n");
    let mut stored = Stored::default();
    apply(&mut stored, &[before[0], bare], false);
    tried(&mut stored, &[before[0], bare, all], &["acme"]);
    assert_eq!(told_on(&stored, &[before[0], bare, all]), [("acme".to_owned(), 3)]);
    assert!(told_on(&stored, &[before[0], bare]).is_empty());
}

#[test]
fn given_a_canary_whose_connection_goes_when_its_page_stores_it_then_what_it_tried_there_goes_too() {
    let mut stored = Stored::default();
    let all = ("orgs/all.yaml", "org: \"*\"\nroutes: {contact: [hubspot]}\n");
    let bare = ("orgs/acme.yaml", "org: acme\nconnections: {hubspot: {}}\n");
    apply(&mut stored, &[(MAPPING, CONTACT), bare], false);
    tried(&mut stored, &[(MAPPING, NEW), bare, all], &["acme"]);
    let body = "org: acme\nconnections: {hub2: {provider: hubspot}}\n";
    let wanted = read_org("acme", body, &stored.global_doc(), FACTS).unwrap();
    let change = plan_put(&stored, "acme", wanted).unwrap();
    store(&mut stored, vec![change]);
    assert!(config(&stored, "acme").route("contact").is_empty());
    assert_eq!(config(&stored, "acme").mapping("hub2", "contact").unwrap().mapping.field_names().count(), 2);
    assert!(read_org("acme", "org: other\n", &stored.global_doc(), FACTS).is_err());
    assert!(
        plan_put(&stored, "acme", to_doc(&stored, "acme")).is_none(),
        "what is asked for is stored as it is told"
    );
}

fn to_doc(stored: &Stored, org: &str) -> OrgDoc {
    let text = serde_json::to_string(&to_file(org, &stored.orgs[org].doc)).unwrap();
    read_org(org, &text, &stored.global_doc(), FACTS).unwrap()
}

#[test]
fn given_tallies_when_judged_then_more_dead_than_may_be_is_bad_and_none_at_all_says_nothing() {
    assert_eq!(judge(0, 0, 1.0), Verdict::Unseen);
    assert_eq!((judge(99, 1, 1.0), judge(98, 2, 1.0)), (Verdict::Well, Verdict::Bad));
    assert_eq!((judge(0, 1, 100.0), judge(1_000_000, 1, 0.0)), (Verdict::Well, Verdict::Bad));
}

#[test]
fn given_documents_of_an_earlier_revision_when_rolled_back_then_they_are_as_they_were_under_new_revisions() {
    let mut stored = Stored::default();
    apply(&mut stored, &[(MAPPING, CONTACT), ("orgs/acme.yaml", ACME)], false);
    let then = Then {
        global: Some(stored.global.clone().map(|stored| stored.doc)),
        orgs: [
            ("acme".to_owned(), stored.orgs.get("acme").map(|stored| stored.doc.clone())),
            ("other".to_owned(), None),
        ]
        .into(),
    };
    apply(
        &mut stored,
        &[(MAPPING, NEW), ("orgs/acme.yaml", &format!("{ACME}{LAYER}")), ("orgs/other.yaml", OTHER)],
        false,
    );
    assert_eq!(fields(&stored, "acme"), "city email phone at 4");
    let plan = plan_rollback(&stored, &then);
    assert_eq!(plan.iter().map(|change| change.revision).collect::<Vec<_>>(), [6, 7, 8]);
    store(&mut stored, plan);
    assert_eq!(fields(&stored, "acme"), "email at 7", "a revision never falls");
    assert!(stored.orgs["other"].doc.removed && !config(&stored, "other").known);
    assert!(plan_rollback(&stored, &then).is_empty());
}

#[test]
fn given_a_layer_over_a_mapping_when_a_rollback_takes_what_it_lies_over_then_the_org_is_named() {
    let mut stored = Stored::default();
    apply(&mut stored, &[(MAPPING, CONTACT), ("orgs/acme.yaml", &format!("{ACME}{LAYER}"))], false);
    let plan = plan_rollback(&stored, &Then { global: Some(None), ..Then::default() });
    assert!(stored.unusable(FACTS).is_empty());
    let broken = stored.after(&plan).unusable(FACTS);
    assert_eq!(broken.iter().map(|error| error.org.as_str()).collect::<Vec<_>>(), ["acme"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is tried, applied and taken back: what holds is what was asked for, and no revision falls.
    #[test]
    fn given_any_order_of_trials_and_applies_when_done_then_revisions_grow_and_the_folder_holds_in_the_end(
        steps in proptest::collection::vec((0usize..3, 0usize..3, 0u8..3), 1..8)
    ) {
        let own = [ACME.to_owned(), format!("{ACME}{LAYER}"), format!("{ACME}{OVERRIDE}")];
        let globals = [CONTACT, NEW, "object: contacts\nmatch: email\nfields: {email: email, city: town}\n"];
        let mut stored = Stored::default();
        let mut last = [0, 0];
        for (global, org, how) in steps {
            let files = [(MAPPING, globals[global]), ("orgs/acme.yaml", own[org].as_str()), ("orgs/other.yaml", OTHER)];
            let untouched = stored.orgs.get("other").cloned();
            match how {
                0 => drop(apply(&mut stored, &files, false)),
                1 => drop(tried(&mut stored, &files, &["acme"])),
                _ => drop(tried(&mut stored, &files, &["other", "acme"])),
            }
            prop_assert!(how != 1 || stored.orgs.get("other") == untouched.as_ref());
            for (org, last) in ["acme", "other"].into_iter().zip(&mut last) {
                let config = config(&stored, org);
                if let Some(at) = config.mapping("hubspot", "contact") {
                    prop_assert!(at.revision >= *last, "{} fell from {last}", at.revision);
                    *last = at.revision;
                }
            }
            // Again is nothing new, whatever it was.
            prop_assert!(how != 1 || tried(&mut stored, &files, &["acme"]) == 0);
            let mut plain = Stored::default();
            apply(&mut plain, &files, false);
            let names = |stored: &Stored| {
                let config = config(stored, "acme");
                let at = config.mapping("hubspot", "contact").unwrap().clone();
                at.mapping.field_names().map(str::to_owned).collect::<Vec<_>>()
            };
            prop_assert_eq!(names(&stored), names(&plain), "a canary has what the folder says");
            let mut ended = stored.clone();
            apply(&mut ended, &files, false);
            prop_assert!(ended.orgs.values().all(|doc| doc.doc.canary.is_none()));
        }
    }
}
