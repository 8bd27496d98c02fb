//! The limits table: no request to it carries a token, so what is sent twice is done twice.

use super::Script;
use futures::executor::block_on;
use rtr_core::limit::{Ask, Rule};
use rtr_core::time::Instant;
use rtr_engine::seams::{Consent, Consents, Lease, Limits};
use rtr_testkit::clock::TestClock;
use rtr_testkit::limits::MemoryLimits;
use rtr_testkit::weather::Fate;
use std::sync::Arc;

const RULES: [Rule; 1] = [Rule { requests: 10, per_ms: 1_000, burst: 10 }];

fn table() -> (Arc<Script>, MemoryLimits) {
    let script = Arc::new(Script::default());
    (script.clone(), MemoryLimits::under(Arc::new(TestClock::at(1_000)), script))
}

fn lease(table: &MemoryLimits, want: u64) -> Option<Lease> {
    block_on(table.lease("b", &RULES, &Ask::whole(want))).ok()
}

fn granted(tokens: u64) -> Option<Lease> {
    Some(Lease { granted: tokens, retry_at: None, ..Lease::default() })
}

#[test]
fn given_a_lease_that_is_not_done_or_not_heard_of_when_leased_again_then_only_the_latter_cost_tokens() {
    let (script, table) = table();
    script.next(Fate::NotDone);
    assert_eq!(lease(&table, 4), None);
    script.next(Fate::AnswerLost);
    assert_eq!(lease(&table, 4), None);
    assert_eq!(lease(&table, 99), granted(6));
}

#[test]
fn given_a_lease_sent_twice_when_answered_then_the_first_ones_tokens_are_lost() {
    let (script, table) = table();
    script.next(Fate::SentTwice);
    assert_eq!(lease(&table, 4), granted(4));
    assert_eq!(lease(&table, 99), granted(2));
    script.next(Fate::SentTwice);
    let empty = Lease { granted: 0, retry_at: Some(Instant(2_085)), ..Lease::default() };
    assert_eq!(lease(&table, 1), Some(empty));
}

#[test]
fn given_blocks_and_locks_when_the_answer_is_lost_or_sent_twice_then_they_hold() {
    let (script, table) = table();
    script.next(Fate::AnswerLost);
    assert!(block_on(table.block("b", Instant(5_000))).is_err());
    assert_eq!(
        lease(&table, 1),
        Some(Lease { granted: 0, retry_at: Some(Instant(5_000)), ..Lease::default() })
    );
    script.next(Fate::SentTwice);
    assert_eq!(block_on(table.lock("l", "a", 1_000)), Ok(true));
    script.next(Fate::NotDone);
    assert!(block_on(table.unlock("l", "a")).is_err());
    assert_eq!(block_on(table.lock("l", "b", 1_000)), Ok(false));
    script.next(Fate::AnswerLost);
    assert!(block_on(table.unlock("l", "a")).is_err());
    script.next(Fate::AnswerLost);
    assert!(block_on(table.lock("l", "b", 1_000)).is_err());
    assert_eq!(block_on(table.lock("l", "c", 1_000)), Ok(false));
    script.next(Fate::SentTwice);
    assert_eq!(block_on(table.unlock("l", "b")), Ok(()));
    assert_eq!(block_on(table.lock("l", "c", 1_000)), Ok(true));
}

#[test]
fn given_a_consent_when_taken_twice_by_the_sdk_or_without_an_answer_then_nobody_has_it() {
    let (script, table) = table();
    let consent = Consent {
        org_id: "acme".to_owned(),
        connection: "hubspot".to_owned(),
        provider: "hubspot".to_owned(),
        app: None,
        verifier: "v".into(),
        redirect_uri: "https://x.example/cb".to_owned(),
        until: Instant(600_000),
    };
    for fate in [Fate::SentTwice, Fate::AnswerLost] {
        block_on(table.put_consent("s", &consent)).unwrap();
        script.next(fate);
        assert!(!matches!(block_on(table.take_consent("s")), Ok(Some(_))), "{fate:?}");
        assert!(block_on(table.take_consent("s")).unwrap().is_none(), "{fate:?}");
    }
    block_on(table.put_consent("s", &consent)).unwrap();
    script.next(Fate::NotDone);
    assert!(block_on(table.take_consent("s")).is_err());
    assert!(block_on(table.take_consent("s")).unwrap().is_some());
}

#[test]
fn given_notes_when_calls_go_wrong_then_what_was_done_is_known() {
    let (script, table) = table();
    script.next(Fate::NotDone);
    assert!(block_on(table.note_account("c", "1")).is_err());
    assert_eq!(block_on(table.known("c")).unwrap().account, None);
    script.next(Fate::AnswerLost);
    assert!(block_on(table.note_account("c", "1")).is_err());
    assert_eq!(block_on(table.known("c")).unwrap().account.as_deref(), Some("1"));
    script.next(Fate::NotDone);
    assert!(block_on(table.suspension("c")).is_err());
}
