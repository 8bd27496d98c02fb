//! What is let through before it is made, and how a call that takes long is told of.

#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use futures::executor::block_on;
use rtr_connectors::connector::Call;
use rtr_connectors::http::{Clock as _, Http, Method, NoAnswer, Outgoing, Request, RequestBody, Response};
use rtr_connectors::session::{Auth, Authorized, Freshness, Gate, Reserved, Retries, Session, Tape};
use rtr_core::failure::Failure;
use rtr_core::limit::{LASTS_AGAIN_MS, LONG_CALL_MS};
use rtr_core::time::Instant;
use rtr_testkit::clock::TestClock;
use std::sync::atomic::{AtomicUsize, Ordering};

const TIMEOUT_MS: i64 = 30_000;

/// Counts what enters and what lasts; lets everything through.
#[derive(Default)]
struct Counting {
    entered: AtomicUsize,
    lasted: AtomicUsize,
}

#[async_trait]
impl Gate for Counting {
    async fn enter(&self, _: &str) -> Result<(), Instant> {
        self.entered.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn block(&self, _: &str, _: Instant) {}

    async fn lasts(&self, _: i64) -> i64 {
        self.lasted.fetch_add(1, Ordering::SeqCst);
        LASTS_AGAIN_MS
    }
}

/// Answers when it has been told of so often.
struct Slow<'a>(&'a Counting, usize);

#[async_trait]
impl Http for Slow<'_> {
    async fn send(&self, _: Outgoing) -> Result<Response, NoAnswer> {
        std::future::poll_fn(|context| {
            if self.0.lasted.load(Ordering::SeqCst) >= self.1 {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
        Ok(Response { status: 200, headers: Vec::new(), body: Vec::new() })
    }
}

struct Open;

#[async_trait]
impl Auth for Open {
    async fn authorize(&self, _: Freshness) -> Result<Authorized, Failure> {
        Ok(Authorized { base_url: "https://crm.example".to_owned(), headers: Vec::new() })
    }
}

fn session<'a>(gate: &'a Counting, http: &'a dyn Http, clock: &'a TestClock) -> Session<'a> {
    Session {
        http,
        clock,
        gate,
        auth: &Open,
        deadline: clock.now().plus_ms(2 * TIMEOUT_MS),
        call_timeout_ms: TIMEOUT_MS,
        retries: Retries::default(),
        reserved: Reserved::default(),
        classify: |_, _| None,
        quota: |_| Vec::new(),
        tape: Tape::default(),
    }
}

fn call(api: &'static str) -> Call {
    let (path, body) = ("/x".to_owned(), RequestBody::Empty);
    let request = Request { method: Method::Post, path, headers: Vec::new(), body, reads_only: false };
    Call { api, request }
}

fn entered(gate: &Counting) -> usize {
    gate.entered.swap(0, Ordering::SeqCst)
}

#[test]
fn given_a_call_that_is_let_through_before_when_it_is_made_then_it_is_not_asked_for_twice_and_the_next_one_is()
 {
    let (gate, clock) = (Counting::default(), TestClock::at(0));
    let http = Slow(&gate, 0);
    let session = session(&gate, &http, &clock);
    block_on(session.reserve()).unwrap();
    block_on(session.send(&call("*"))).unwrap();
    assert_eq!(entered(&gate), 1);
    block_on(session.send(&call("*"))).unwrap();
    assert_eq!(entered(&gate), 1);
    block_on(session.reserve()).unwrap();
    block_on(session.send(&call("search"))).unwrap();
    assert_eq!(entered(&gate), 2, "what is counted apart is no part of it");
}

#[test]
fn given_a_call_that_is_let_through_and_not_made_when_another_is_made_then_that_is_let_through_by_itself() {
    let (gate, clock) = (Counting::default(), TestClock::at(0));
    let http = Slow(&gate, 0);
    let session = session(&gate, &http, &clock);
    block_on(session.reserve()).unwrap();
    session.release();
    assert_eq!(entered(&gate), 1);
    block_on(session.send(&call("*"))).unwrap();
    assert_eq!(entered(&gate), 1);
}

#[test]
fn given_a_call_that_takes_long_when_it_is_waited_for_then_it_is_told_of_again_and_again_until_its_timeout() {
    for (answers_after, told) in [(0, 0), (1, 1), (3, 3), (4, 4)] {
        let (gate, clock) = (Counting::default(), TestClock::at(0));
        let http = Slow(&gate, answers_after);
        block_on(session(&gate, &http, &clock).send(&call("*"))).unwrap();
        assert_eq!(gate.lasted.load(Ordering::SeqCst), told);
        let most = LONG_CALL_MS + LASTS_AGAIN_MS * i64::try_from(told).unwrap();
        assert!(clock.now() <= Instant(most) && most <= TIMEOUT_MS + LASTS_AGAIN_MS);
    }
}
