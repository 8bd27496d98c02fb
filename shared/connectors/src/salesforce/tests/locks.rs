//! Row locks: retried in smaller and smaller parts, those of one parent side by side.

use super::super::client::write;
use super::fake::{Fake, each};
use super::*;
use futures::executor::block_on;
use rtr_core::failure::Class;
use std::sync::atomic::{AtomicI64, Ordering};

const LOCK: (&str, &str) = ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record");

fn children(count: usize, parents: usize) -> WriteCall {
    let child = |n: usize| {
        let parent = format!("001KX00000Ab{:03}AAA", n % parents);
        item(&format!("003KX00000Ab{n:03}AAA"), fields(&[("AccountId", parent.into())]))
    };
    call(Kind::Update, (0..count).map(child).collect())
}

/// While somebody else works on the parent, only every so many get through.
#[test]
fn given_200_children_of_one_parent_that_others_lock_when_written_then_all_are_written() {
    let calls = AtomicI64::new(0);
    let fake = Fake::new(|_: &str, body: &Value| {
        let nth = calls.fetch_add(1, Ordering::SeqCst);
        let many = body["records"].as_array().unwrap().len() > 25;
        each(body, |n, _| (many && (nth == 0 || n % 2 == 1)).then_some(LOCK))
    });
    let outcomes = block_on(write(&fake.session(), &children(200, 1)));
    assert!(outcomes.iter().all(Result::is_ok), "{}", lines(&outcomes));
    let sizes = fake.sizes();
    assert_eq!(sizes[0], 200);
    assert!(sizes[1] <= 100 && sizes.iter().skip(1).all(|size| *size <= 100), "{sizes:?}");
}

#[test]
fn given_a_whole_call_locked_when_written_then_it_is_retried_here_and_not_twice() {
    let calls = AtomicI64::new(0);
    let fake = Fake::new(|_: &str, body: &Value| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(answer(400, fixture!("400-lock.json"))),
        _ => each(body, |_, _| None),
    });
    assert!(block_on(write(&fake.session(), &children(4, 1))).iter().all(Result::is_ok));
    assert_eq!(fake.sizes(), [4, 2, 2]);
}

#[test]
fn given_children_of_several_parents_when_written_then_those_of_one_stand_side_by_side() {
    let fake = Fake::new(|_: &str, body: &Value| each(body, |_, _| None));
    let outcomes = block_on(write(&fake.session(), &children(9, 3)));
    let asked = fake.asked.lock().unwrap();
    let parents: Vec<&str> =
        asked[0].1["records"].as_array().unwrap().iter().map(|r| r["AccountId"].as_str().unwrap()).collect();
    let mut sorted = parents.clone();
    sorted.sort_unstable();
    assert_eq!(parents, sorted);
    for (n, outcome) in outcomes.iter().enumerate() {
        assert_eq!(
            outcome.as_ref().unwrap().external_id,
            format!("003KX00000Ab{n:03}AAA"),
            "in the caller's order"
        );
    }
}

#[test]
fn given_a_lock_that_stays_when_written_then_tries_are_bounded_and_the_rest_is_busy() {
    let fake = Fake::new(|_: &str, body: &Value| each(body, |_, record| (record["id"] == A).then_some(LOCK)));
    let outcomes = block_on(write(&fake.session(), &named(Kind::Update, &[A, B])));
    assert_eq!(outcomes[0].as_ref().unwrap_err().class, Class::Busy);
    assert!(outcomes[1].is_ok());
    assert_eq!(fake.sizes(), [2, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn given_one_record_alone_when_its_lock_stays_then_it_costs_half_as_many_tries() {
    let fake = Fake::new(|_: &str, body: &Value| each(body, |_, _| Some(LOCK)));
    let outcomes = block_on(write(&fake.session(), &named(Kind::Update, &[A])));
    assert_eq!(outcomes[0].as_ref().unwrap_err().class, Class::Busy);
    assert_eq!(fake.sizes(), [1, 1, 1, 1]);
}

#[test]
fn given_no_time_left_when_locked_then_it_is_not_waited_for() {
    let fake = Fake::new(|_: &str, body: &Value| each(body, |_, _| Some(LOCK))).living(1_100);
    let outcomes = block_on(write(&fake.session(), &named(Kind::Update, &[A])));
    assert_eq!(outcomes[0].as_ref().unwrap_err().class, Class::Busy);
    assert_eq!(fake.sizes(), [1]);
}

/// Two calls make a record of the same key at once: the one that lost finds it and updates it.
#[test]
fn given_another_call_that_makes_the_same_record_when_upserted_then_it_becomes_an_update() {
    let words = "duplicate value found: Rtr_Record_Id__c duplicates value on record with id: 003KX00000AbCd1";
    let calls = AtomicI64::new(0);
    let fake = Fake::new(|_: &str, body: &Value| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => each(body, |n, _| (n == 0).then_some(("DUPLICATE_VALUE", words))),
        _ => Ok(answer(200, &format!(r#"{{"id":"{A}","success":true,"errors":[],"created":false}}"#))),
    });
    let outcomes = block_on(write(&fake.session(), &named(upsert(), &["r-1", "r-2"])));
    assert!(!outcomes[0].as_ref().unwrap().created);
    assert_eq!(outcomes[0].as_ref().unwrap().external_id, A);
}

#[test]
fn given_a_key_that_a_hidden_record_holds_when_upserted_then_it_ends_as_a_duplicate() {
    let words = "duplicate value found: Rtr_Record_Id__c duplicates value on record with id: 003KX00000AbCd1";
    let fake = Fake::new(|_: &str, body: &Value| match body["records"].is_array() {
        true => each(body, |_, _| Some(("DUPLICATE_VALUE", words))),
        false => Ok(answer(
            400,
            &format!(r#"[{{"errorCode":"DUPLICATE_VALUE","message":"{words}","fields":[]}}]"#),
        )),
    });
    let outcomes = block_on(write(&fake.session(), &named(upsert(), &["r-1"])));
    assert_eq!(outcomes[0].as_ref().unwrap_err().class, Class::Duplicate { existing: Some(A.to_owned()) });
}
