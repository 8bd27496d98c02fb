//! Owners, pipelines and stages by the names that people use.

use super::super::directory::{LOOKUPS, Owners, next_page, owners, owners_in, pipelines, pipelines_in};
use super::requests::shown;
use super::*;
use crate::connector::Entry;
use rtr_core::failure::Class;
use serde_json::json;

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn table(entries: &[Entry]) -> String {
    let line = |one: &Entry| {
        format!("{} {} [{}] = {}", one.lookup, one.name, one.within.as_deref().unwrap_or(""), one.id)
    };
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn given_few_addresses_when_asked_for_then_each_is_one_call_and_what_is_no_address_is_none() {
    let Owners::ByAddress(calls) =
        owners(&names(&[" Ada+x@Example.org ", "ada+x@example.org", "nobody", "a b@x.io", "@x.io", "&x=1"]))
    else {
        panic!("a list")
    };
    assert_eq!(calls.len(), 1);
    insta::assert_snapshot!(shown(&calls[0]).trim_end(), @"[*] GET /crm/v3/owners?email=ada%2Bx%40example.org&limit=500 (reads)");
    assert_eq!(owners(&names(&["nobody"])), Owners::ByAddress(Vec::new()), "nothing to ask");
}

#[test]
fn given_many_addresses_when_asked_for_then_the_list_of_all_is_read_page_by_page() {
    let many: Vec<String> = (0..4).map(|n| format!("{n}@x.io")).collect();
    let Owners::All(call) = owners(&many) else { panic!("one by one") };
    insta::assert_snapshot!(shown(&call).trim_end(), @"[*] GET /crm/v3/owners?limit=500 (reads)");
    let (first, last) = (json_of(fixture!("200-owners-1.json")), json_of(fixture!("200-owners-2.json")));
    insta::assert_snapshot!(shown(&next_page(&first).unwrap()).trim_end(), @"[*] GET /crm/v3/owners?limit=500&after=NDE2Mjk3Nzk%3D (reads)");
    assert_eq!(next_page(&last), None);
    let found = [owners_in(&first).unwrap(), owners_in(&last).unwrap()].concat();
    insta::assert_snapshot!(table(&found), @r"
    owner ada@example.org [] = 41629779
    owner Grace@Example.org [] = 87654321
    ");
}

#[test]
fn given_pipelines_when_read_then_each_stage_lies_within_its_own_and_archived_ones_are_none() {
    insta::assert_snapshot!(shown(&pipelines("2-123/x")).trim_end(), @"[*] GET /crm/v3/pipelines/2-123%2Fx (reads)");
    let found = pipelines_in(&json_of(fixture!("200-pipelines.json"))).unwrap();
    insta::assert_snapshot!(table(&found), @r"
    stage Contract Sent [default] = contractsent
    stage Won [default] = closedwon
    pipeline Sales Pipeline [] = default
    stage Won [812723471] = 1234914
    pipeline Renewals [] = 812723471
    ");
}

#[test]
fn given_an_answer_without_a_list_when_read_then_nobody_is_taken_for_absent() {
    for answer in [json!(null), json!({}), json!({"results": "none"})] {
        assert_eq!(owners_in(&answer).unwrap_err().class, Class::Unavailable);
        assert_eq!(pipelines_in(&answer).unwrap_err().class, Class::Unavailable);
    }
}

#[test]
fn given_the_look_ups_when_listed_then_a_stage_lies_within_one_that_there_is() {
    for fact in LOOKUPS {
        assert!(fact.within.is_none_or(|outer| LOOKUPS.iter().any(|other| other.name == outer)));
    }
    let of = |object| LOOKUPS.iter().filter(|fact| fact.objects.hold(object)).count();
    assert_eq!((of("deals"), of("2-123"), of("contacts"), of("0-1")), (3, 3, 1, 1));
}
