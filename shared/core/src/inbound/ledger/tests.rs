//! What is kept of a CRM's record on its way back, by what happens to it.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::inbound::{Notice, Operation, Returned, Seen};
use crate::key::ConnectionKey;
use serde_json::json;

fn delivery(version: u64, fields: &[&str]) -> Body {
    let fields: Vec<String> = fields.iter().map(|name| (*name).to_owned()).collect();
    let delivery = Delivery {
        connection: ConnectionKey::new("acme", "hubspot"),
        object: "contacts".to_owned(),
        external_id: "7".to_owned(),
        record_type: "contact".to_owned(),
        record_id: Some("c-1".to_owned()),
        version,
        deleted: false,
        merged_into: None,
        changed: fields.clone(),
        fields,
        data: json!({}),
        occurred_at: Instant(0),
        also: Vec::new(),
        behind: Vec::new(),
    };
    Body::Inline(Message::Delivery(Box::new(delivery)).to_body())
}

fn look() -> Body {
    let notice = Notice {
        connection: ConnectionKey::new("acme", "hubspot"),
        object: "contacts".to_owned(),
        external_id: "7".to_owned(),
        operation: Operation::Upsert,
        at: None,
        seen: Seen::Poll,
        received_at: Instant(0),
        origin: None,
        record: None,
    };
    Body::Inline(Message::Notice(notice).to_body())
}

fn kept(item: &Item, version: Option<u64>, body: Body, until: Option<i64>) -> Item {
    let reason = Reason::new(Code::Unavailable, "later");
    let ending = Ending::Kept { version, body, until: until.map(Instant), reason };
    settle(item, "contacts", "7", ending, "me", Instant(1)).unwrap()
}

fn told(item: &Item, version: u64, fields: &[&str]) -> Item {
    let fields = fields.iter().map(|name| (*name).to_owned()).collect();
    let (digest, looked, ended) = (None, false, Ended::Applied);
    let ending = Ending::Told { version, fields, digest, looked, ended, next: None };
    settle(item, "contacts", "7", ending, "me", Instant(2)).unwrap()
}

#[test]
fn given_what_could_not_be_told_when_it_is_then_nothing_is_kept_and_older_ones_are_known() {
    let item = kept(&Item::default(), Some(5), delivery(5, &["email"]), Some(90));
    let slot = item.slot.as_ref().unwrap();
    assert_eq!((slot.due_at(), slot.attempts, slot.since), (Some(Instant(90)), 1, Instant(1)));
    assert_eq!(kept(&item, Some(6), delivery(6, &["email"]), Some(95)).slot.unwrap().attempts, 2);
    let item = told(&item, 5, &["email"]);
    assert_eq!((item.slot.clone(), item.applied_version), (None, Some(5)));
    assert!(is_known(&item, 5) && is_known(&item, 4) && !is_known(&item, 6));
    assert_eq!(told(&item, 3, &[]).applied_version, Some(5));
}

#[test]
fn given_what_was_refused_when_others_are_told_then_only_what_they_did_not_tell_stays_dead() {
    let dead = kept(&Item::default(), Some(5), delivery(5, &["email", "phone"]), None);
    let after = told(&dead, 6, &["email", "city"]);
    let slot = after.slot.clone().unwrap();
    assert_eq!((slot.state, slot.wanted_version), (SlotState::Dead, 5));
    let Body::Inline(body) = &slot.body else { panic!("inline") };
    assert_eq!(body["deliver"]["fields"], json!(["phone"]));
    assert_eq!(told(&after, 7, &["phone"]).slot, None);
}

#[test]
fn given_what_was_refused_when_a_version_is_written_over_it_then_that_much_of_it_is_dead_no_more() {
    let over = |item: &Item, fields: &[&str]| {
        let fields = fields.iter().map(|name| (*name).to_owned()).collect();
        settle(item, "contacts", "7", Ending::Overwritten { fields }, "me", Instant(2))
    };
    let dead = kept(&Item::default(), Some(5), delivery(5, &["email", "phone"]), None);
    let after = over(&dead, &["email", "city"]).unwrap();
    assert_eq!(after.slot.as_ref().map(|slot| has(slot, &["phone".to_owned()])), Some(true));
    assert_eq!(over(&after, &["phone"]).map(|item| (item.slot, item.applied_version)), Some((None, None)));
    let waits = kept(&Item::default(), Some(5), delivery(5, &["email"]), Some(90));
    assert_eq!((over(&waits, &["email"]), over(&dead, &["city"])), (None, None), "what waits is told");
}

#[test]
fn given_a_look_that_waits_when_there_is_nothing_to_tell_then_it_waits_no_more_but_a_delivery_stays() {
    let looking = kept(&Item::default(), None, look(), Some(90));
    let nothing = |item: &Item| settle(item, "contacts", "7", Ending::Nothing, "me", Instant(2));
    assert_eq!(nothing(&looking).map(|item| item.slot), Some(None));
    assert_eq!(nothing(&kept(&Item::default(), Some(5), delivery(5, &["email"]), Some(90))), None);
    assert_eq!(nothing(&Item::default()), None);
}

#[test]
fn given_a_look_that_waits_when_an_earlier_change_is_told_then_it_is_done_all_the_same() {
    let back = |anew: &[&str]| {
        let Body::Inline(notice) = look() else { panic!("inline") };
        let Ok(Message::Notice(notice)) = Message::of(notice) else { panic!("a notice") };
        let anew = anew.iter().map(|name| (*name).to_owned()).collect();
        let reason = Reason::new(Code::Unavailable, "later");
        let back = Returned { notice, anew, offered: None, until: None, reason };
        Body::Inline(Message::Returned(Box::new(back)).to_body())
    };
    let waits = kept(&Item::default(), None, back(&[]), Some(90));
    assert!(told(&waits, 5, &["email"]).slot.is_some(), "it is of what came after that");
    let dead = kept(&Item::default(), None, back(&[]), None);
    assert!(told(&dead, 5, &["email"]).slot.is_some(), "a person is to see to it");
    assert_eq!(told(&kept(&Item::default(), None, back(&["email"]), None), 5, &["email"]).slot, None);
    let (fields, digest, ended) = (Vec::new(), None, Ended::Applied);
    let offered = Ending::Told { version: 5, fields, digest, looked: true, ended, next: None };
    let item = settle(&waits, "contacts", "7", offered, "me", Instant(2)).unwrap();
    assert_eq!(item.slot, None, "it was looked at for that");
}

#[test]
fn given_what_was_refused_beside_others_when_those_are_told_then_it_stays_dead() {
    let Body::Inline(body) = delivery(5, &["email"]) else { panic!("inline") };
    let Ok(Message::Delivery(one)) = Message::of(body) else { panic!("a delivery") };
    let with_phone = one.and_also(vec!["phone".to_owned()]);
    let body = Body::Inline(Message::Delivery(Box::new(with_phone)).to_body());
    let after = told(&kept(&Item::default(), Some(5), body, None), 6, &["email"]);
    assert!(after.slot.as_ref().is_some_and(|slot| has(slot, &["phone".to_owned()])));
    assert_eq!(told(&after, 7, &["phone"]).slot, None);
}

#[test]
fn given_two_changes_of_one_stamp_when_versioned_then_the_second_is_later() {
    let first = version(None, Instant(1_795_000_000_000));
    assert_eq!(first, 1_795_000_000_000_000);
    let item = told(&Item::default(), first, &[]);
    assert_eq!(version(Some(&item), Instant(1_795_000_000_000)), first + 1);
    assert_eq!(version(Some(&item), Instant(1_795_000_000_001)), first + 1_000);
    let waits = kept(&item, Some(first + 5), delivery(first + 5, &[]), Some(9));
    assert_eq!(version(Some(&waits), Instant(0)), first + 6);
}
