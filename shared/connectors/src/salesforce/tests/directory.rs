//! Users and stages by the names that people use.

use super::super::directory::{LOOKUPS, STAGES, stages_in, users, users_in};
use super::super::request::encoded;
use super::*;
use crate::connector::Entry;
use serde_json::json;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn records(text: &str) -> Vec<Value> {
    let answer: Value = serde_json::from_str(text).unwrap();
    answer["records"].as_array().unwrap().clone()
}

fn table(entries: &[Entry]) -> String {
    let line = |one: &Entry| format!("{} {} = {}", one.lookup, one.name, one.id);
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn given_addresses_when_asked_for_then_the_query_is_this_and_what_is_no_address_is_not_in_it() {
    let asked = users(&names(&["o'neil@x.io", " ada@x.io", "ada@x.io", "nobody", "a b@x.io"]));
    assert_eq!(asked.len(), 1);
    insta::assert_snapshot!(asked[0], @r"SELECT Id, Username, Email, UserType FROM User WHERE IsActive = true AND (Username IN ('ada@x.io','o\'neil@x.io') OR Email IN ('ada@x.io','o\'neil@x.io'))");
    assert_eq!(users(&names(&["nobody"])), Vec::<String>::new());
    insta::assert_snapshot!(STAGES, @"SELECT ApiName, MasterLabel FROM OpportunityStage WHERE IsActive = true");
}

#[test]
fn given_many_addresses_when_asked_for_then_each_query_fits_an_address_and_all_are_asked_for() {
    let many: Vec<String> = (0..400).map(|n| format!("{n:03}{}@x.io", "ü".repeat(20))).collect();
    let asked = users(&many);
    assert!(asked.len() > 1 && asked.iter().all(|query| encoded(query).len() <= 12_100));
    let times = |name: &String| asked.iter().map(|query| query.matches(name.as_str()).count()).sum::<usize>();
    assert!(many.iter().all(|name| times(name) == 2));
}

#[test]
fn given_users_when_read_then_a_username_comes_before_addresses_and_standard_users_before_others() {
    let found = users_in(
        &names(&["ADA@example.org", "ada@partner.example", "team@example.org", "no@x.io"]),
        &records(fixture!("200-query-users.json")),
    );
    insta::assert_snapshot!(table(&found), @r"
    owner ADA@example.org = 005KX000001AdA1YAK
    owner ada@partner.example = 005KX000001Prt1YAK
    owner team@example.org = 005KX000001Tw01YAK
    owner team@example.org = 005KX000001Tw02YAK
    ");
    let partner =
        [json!({"Id": "005p", "Username": "p@x.io", "Email": "only@x.io", "UserType": "PowerPartner"})];
    assert_eq!(
        users_in(&names(&["only@x.io"]), &partner).len(),
        1,
        "a partner owns where no standard user does"
    );
}

#[test]
fn given_stages_when_read_then_the_picklists_value_is_written_for_a_label() {
    insta::assert_snapshot!(table(&stages_in(&records(fixture!("200-query-stages.json")))), @r"
    stage Prospecting = Prospecting
    stage Gewonnen = Closed Won
    ");
    let of = |object| LOOKUPS.iter().filter(|fact| fact.objects.hold(object)).count();
    assert_eq!((of("Opportunity"), of("Contact")), (2, 1));
}
