use super::*;
use crate::args::Cli;
use clap::Parser;
use rtr_core::config::{ConnectionDoc, OrgDoc, StoredDoc};
use std::collections::BTreeMap;

fn args(line: &[&str]) -> Args {
    let all = [&["rtr", "reconcile", "acme"], line].concat();
    match Cli::try_parse_from(all).unwrap().command {
        crate::args::Command::Reconcile(args) => args,
        other => panic!("{other:?}"),
    }
}

fn stored(mode: Mode) -> Stored {
    let route = |to: &[&str]| to.iter().map(|name| (*name).to_owned()).collect();
    let doc = OrgDoc {
        connections: BTreeMap::from([
            ("hubspot".to_owned(), ConnectionDoc { mode: Some(mode), ..ConnectionDoc::default() }),
            ("salesforce".to_owned(), ConnectionDoc::default()),
        ]),
        routes: BTreeMap::from([
            ("contact".to_owned(), route(&["hubspot", "salesforce"])),
            ("company".to_owned(), route(&["hubspot"])),
        ]),
        ..OrgDoc::default()
    };
    let doc = StoredDoc { revision: 1, author: String::new(), at: String::new(), reason: None, doc };
    Stored { revision: 1, orgs: BTreeMap::from([("acme".to_owned(), doc)]), ..Stored::default() }
}

fn meant(line: &[&str]) -> Result<Vec<String>, String> {
    let args = args(line);
    let config = configured(&stored(Mode::Live), &args, "test").unwrap();
    types(&args, &config).map_err(|problem| format!("{} {}", problem.exit.code(), problem))
}

#[test]
fn given_a_connection_when_types_are_asked_for_then_all_that_are_routed_there_or_the_one_that_is_named() {
    assert_eq!(meant(&["hubspot"]), Ok(vec!["company".to_owned(), "contact".to_owned()]));
    assert_eq!(meant(&["hubspot", "contact", "--from", "-"]), Ok(vec!["contact".to_owned()]));
    assert_eq!(meant(&["salesforce", "--from", "-"]), Ok(vec!["contact".to_owned()]));
    let wrong = [&["salesforce", "company"][..], &["hubspot", "contacts"], &["hubspot", "--from", "-"]];
    let told: Vec<String> = wrong.iter().map(|line| meant(line).unwrap_err()).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    4 rtr: `company` of org `acme` is not routed to `salesforce`
      these are: contact
    4 rtr: `contacts` of org `acme` is not routed to `hubspot`
      did you mean `contact`?
    2 rtr: --from lists the records of one type, and several are routed there
      name one of them: company, contact
    ");
}

#[test]
fn given_an_org_without_a_list_when_none_is_given_either_then_that_is_said_before_anything_is_looked_at() {
    let config = configured(&stored(Mode::Live), &args(&["hubspot"]), "test").unwrap();
    let problem = source(&config).unwrap_err();
    insta::assert_snapshot!(format!("{} {problem}", problem.exit.code()), @r"
    2 rtr: org `acme` has no `source`, and there is no --from
      name the events: --from FILE; or where they are listed: `source` in the org's file
    ");
    assert!(!Report::default().has_seen_any());
    let empty = report::OfType { record_type: "contact".to_owned(), ..report::OfType::default() };
    assert!(!Report { types: vec![empty.clone()], ..Report::default() }.has_seen_any());
    let seen = report::OfType { refused_lines: 1, ..empty };
    assert!(Report { types: vec![seen], ..Report::default() }.has_seen_any());
}

#[test]
fn given_a_connection_that_is_stopped_when_asked_then_it_is_told_and_a_shadowed_one_is_only_looked_at() {
    let of = |mode, line: &[&str]| {
        configured(&stored(mode), &args(line), "test").map(drop).map_err(|problem| problem.to_string())
    };
    assert_eq!(of(Mode::Shadow, &["hubspot"]), Ok(()));
    let told = [of(Mode::Paused, &["hubspot"]), of(Mode::Shadow, &["hubspot", "--repair"])];
    let told: Vec<String> = told.into_iter().filter_map(Result::err).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    rtr: hubspot is paused: nothing is asked of it
      rtr connection resume acme hubspot
    rtr: hubspot is shadowed: nothing is written there
      leave --repair out, or say `mode: live` in the org's file
    ");
}

#[test]
fn given_shares_when_told_then_they_are_as_people_write_them() {
    assert_eq!([25_000, 1_000_000, 1, 10_000].map(percent), ["2.5", "100", "0.0001", "1"]);
}
