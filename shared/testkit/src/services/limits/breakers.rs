//! Breakers: one for all environments, told by every lease.

use super::{Environments, Table, at};
use futures::future::join_all;
use rtr_core::breaker::{Breaker, Change, FIRST_OPEN_MS, OPENS_AT, RAMP_STEP_MS, State};
use rtr_core::key::ConnectionKey;
use rtr_core::limit::{Ask, Flight, Rule, general_bucket};
use rtr_core::time::Instant;

const RULES: [Rule; 1] = [Rule { requests: 10, per_ms: 1_000, burst: 10 }];

fn here() -> ConnectionKey {
    ConnectionKey::new("ac#me", "hubspot")
}

async fn change(table: &dyn Table, change: &Change) -> Breaker {
    table.change_breaker(&here(), change).await.unwrap()
}

async fn fail(table: &dyn Table, count: u32) -> Breaker {
    let failed = Change::Failed { by: "x".to_owned(), count, answered: false, random: 0.0 };
    change(table, &failed).await
}

async fn probe(table: &dyn Table, by: &str, ms: i64) -> bool {
    let after = change(table, &Change::Probe { by: by.to_owned(), until: at(ms) }).await;
    after.probe.is_some_and(|probe| probe.by == by)
}

/// The name of the place that it got, if it got one.
async fn enter(table: &dyn Table, ended: &[Instant]) -> Option<Instant> {
    let flight = Flight { share: 9, call_ms: 100, ended: ended.to_vec(), ..Flight::default() };
    let ask = Ask { flight: Some(flight), ..Ask::whole(1) };
    let lease = table.lease(&general_bucket(&here()), &RULES, &ask).await.unwrap();
    assert_eq!(lease.granted > 0, lease.taken_at.is_some());
    assert!(lease.granted > 0 || lease.full);
    lease.taken_at
}

async fn told(table: &dyn Table) -> Breaker {
    table.lease(&general_bucket(&here()), &RULES, &Ask::whole(1)).await.unwrap().breaker
}

/// It costs no row.
pub async fn given_a_breaker_that_nobody_wrote_when_read_or_leased_then_it_is_a_healthy_one(
    on: Environments<'_>,
) {
    assert_eq!(on.one.breaker(&here()).await, Ok(Breaker::default()));
    assert_eq!(told(on.one).await, Breaker::default());
    let well = Change::Succeeded { by: "a".to_owned() };
    assert_eq!(change(on.two, &well).await, Breaker::default());
}

/// With the lease that they take anyway, granted or not.
pub async fn given_failures_of_two_when_they_open_it_then_every_lease_tells_of_it(on: Environments<'_>) {
    assert_eq!(told(on.two).await, Breaker::default());
    assert_eq!(fail(on.one, OPENS_AT - 1).await.failures, OPENS_AT - 1);
    assert_eq!(told(on.two).await.failures, OPENS_AT - 1);
    let open = fail(on.two, 1).await;
    assert_eq!(open.state(at(0)), State::Open { until: at(FIRST_OPEN_MS) });
    for table in [on.one, on.two] {
        assert_eq!(told(table).await, open);
        assert_eq!(table.breaker(&here()).await, Ok(open.clone()));
    }
    while on.one.lease(&general_bucket(&here()), &RULES, &Ask::whole(5)).await.unwrap().granted > 0 {}
    assert_eq!(told(on.one).await, open);
}

/// One write decides. Whoever dies with it holds it no longer than said.
pub async fn given_many_at_half_open_when_they_want_the_probe_then_one_has_it_until_its_time_is_over(
    on: Environments<'_>,
) {
    fail(on.one, OPENS_AT).await;
    on.clock.advance_ms(FIRST_OPEN_MS - 1);
    assert!(!probe(on.one, "early", 60_000).await);
    on.clock.advance_ms(1);
    let names: Vec<String> = (0..8).map(|n| format!("env-{n}")).collect();
    let table = |n: usize| if n.is_multiple_of(2) { on.one } else { on.two };
    let wanted = join_all(names.iter().enumerate().map(|(n, name)| probe(table(n), name, 60_000))).await;
    assert_eq!(wanted.iter().filter(|has| **has).count(), 1, "{wanted:?}");
    on.clock.advance_ms(60_000 - FIRST_OPEN_MS - 1);
    assert!(!probe(on.two, "next", 120_000).await);
    on.clock.advance_ms(1);
    assert!(probe(on.two, "next", 120_000).await);
    assert!(!probe(on.one, "another", 120_000).await);
}

/// No stampede when it closes.
pub async fn given_a_probe_that_went_well_when_told_then_it_is_closed_for_all_and_few_may_be_at_work(
    on: Environments<'_>,
) {
    fail(on.one, OPENS_AT).await;
    on.clock.advance_ms(FIRST_OPEN_MS);
    assert!(probe(on.one, "a", 60_000).await);
    let well = |by: &str| Change::Succeeded { by: by.to_owned() };
    assert_eq!(change(on.two, &well("b")).await.state(at(FIRST_OPEN_MS)), State::HalfOpen);
    let closed = change(on.one, &well("a")).await;
    assert_eq!((closed.state(at(FIRST_OPEN_MS)), closed.ramp(at(FIRST_OPEN_MS))), (State::Closed, Some(1)));
    assert_eq!(told(on.two).await, closed);
    let first = enter(on.one, &[]).await.unwrap();
    assert_eq!(enter(on.two, &[]).await, None);
    assert!(enter(on.one, &[first]).await.is_some(), "who has left his place may have another");
    on.clock.advance_ms(RAMP_STEP_MS);
    assert!(enter(on.two, &[]).await.is_some());
    assert_eq!(enter(on.one, &[]).await, None);
    on.clock.advance_ms(RAMP_STEP_MS);
    for table in [on.one, on.two] {
        assert!(enter(table, &[]).await.is_some());
    }
    assert_eq!(enter(on.one, &[]).await, None);
}

/// They share a row.
pub async fn given_leases_and_blocks_meanwhile_when_it_changes_then_neither_harms_the_other(
    on: Environments<'_>,
) {
    let bucket = general_bucket(&here());
    assert_eq!(on.one.lease(&bucket, &RULES, &Ask::whole(4)).await.unwrap().granted, 4);
    assert_eq!(fail(on.two, 1).await.failures, 1);
    assert_eq!(on.one.lease(&bucket, &RULES, &Ask::whole(4)).await.unwrap().granted, 4);
    assert_eq!(fail(on.two, 1).await.failures, 2);
    on.one.block(&bucket, at(7_000)).await.unwrap();
    assert_eq!(fail(on.one, 1).await.failures, 3);
    let refused = on.two.lease(&bucket, &RULES, &Ask::whole(4)).await.unwrap();
    assert_eq!((refused.granted, refused.retry_at, refused.breaker.failures), (0, Some(at(7_000)), 3));
    on.clock.advance_ms(7_000);
    let granted = on.two.lease(&bucket, &RULES, &Ask::whole(99)).await.unwrap();
    assert_eq!((granted.granted, granted.breaker.failures), (1, 3));
    assert_eq!(fail(on.one, 1).await.failures, 4);
}

/// Not as somebody last saw it.
pub async fn given_what_changes_nothing_when_changed_then_it_is_answered_as_it_stands(on: Environments<'_>) {
    assert_eq!(told(on.one).await, Breaker::default());
    let open = fail(on.two, OPENS_AT).await;
    let leave = Change::Leave { by: "nobody".to_owned() };
    assert_eq!(change(on.one, &leave).await, open);
    on.clock.advance_ms(FIRST_OPEN_MS);
    assert!(probe(on.one, "a", 60_000).await);
    assert!(probe(on.one, "a", 70_000).await, "its own is no obstacle");
    assert!(probe(on.one, "a", 65_000).await);
    assert_eq!(on.two.breaker(&here()).await.unwrap().probe.unwrap().until, at(70_000));
}

/// Whatever their characters and lengths.
pub async fn given_connections_whose_names_are_near_when_one_is_open_then_the_other_is_not(
    on: Environments<'_>,
) {
    let long = "🦀".repeat(512);
    let pairs = [("a#b", "c"), ("a", "b#c"), (&long, "c"), (&long, "d")];
    let of = |(org, connection): (&str, &str)| ConnectionKey::new(org, connection);
    for (n, pair) in pairs.into_iter().enumerate() {
        for other in pairs.into_iter().skip(n) {
            assert_eq!(on.two.breaker(&of(other)).await, Ok(Breaker::default()), "{n}");
        }
        let failed = Change::Failed { by: "x".to_owned(), count: OPENS_AT, answered: false, random: 0.0 };
        on.one.change_breaker(&of(pair), &failed).await.unwrap();
        assert!(on.two.breaker(&of(pair)).await.unwrap().open_until.is_some());
    }
}
