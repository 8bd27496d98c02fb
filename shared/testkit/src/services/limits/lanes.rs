//! Bulk lanes: who has one, and when it is looked at. The index of the local stack shows at once what was written.

use super::{BEGIN, Environments, Table, at};
use rtr_connectors::http::Clock as _;
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::time::Instant;
use rtr_engine::seams::Baton;

/// From a worker's beginning until its last request has landed or died, in milliseconds.
const QUIET_MS: i64 = 300_000;

fn lane() -> ConnectionKey {
    ConnectionKey::new("ac#me", "hubspot")
}

fn baton(n: u64) -> Baton {
    Baton { connection: lane(), n }
}

async fn want(table: &dyn Table, ms: i64) {
    table.want_lane(&lane(), at(ms)).await.unwrap();
}

async fn due(table: &dyn Table, now: Instant) -> Vec<Baton> {
    table.lanes_due(now, 100).await.unwrap()
}

async fn take(table: &dyn Table, n: u64) -> Option<Lane> {
    table.take_lane(&baton(n), QUIET_MS).await.unwrap()
}

async fn pass(table: &dyn Table, taken: &Lane, next: Option<i64>) -> bool {
    table.pass_lane(&lane(), taken, next.map(at), None).await.unwrap()
}

/// To the millisecond. A lane that nobody ever wanted is due never.
pub async fn given_a_wish_when_its_time_comes_then_the_lane_is_due_and_not_before(on: Environments<'_>) {
    assert_eq!(due(on.one, at(1_000_000)).await, []);
    want(on.one, 50).await;
    for table in [on.one, on.two] {
        assert_eq!(due(table, at(49)).await, []);
        assert_eq!(due(table, at(50)).await, [baton(0)]);
        // A sweep that looks again sees it again, until somebody has taken it.
        assert_eq!(due(table, at(5_000)).await, [baton(0)]);
    }
}

/// The note stands beside whatever the lane is due for, until it is taken away.
pub async fn given_a_note_when_left_then_the_next_worker_finds_it_and_only_who_has_the_lane_leaves_one(
    on: Environments<'_>,
) {
    want(on.one, 0).await;
    let first = take(on.one, 0).await.unwrap();
    assert_eq!(first.note, None);
    assert_eq!(on.one.note_lane(&lane(), &first, Some("é {\"job\":1}")).await, Ok(true));
    assert!(pass(on.one, &first, Some(60_000)).await);
    want(on.two, 50_000).await;
    let second = take(on.two, 1).await.unwrap();
    assert_eq!(second.note.as_deref(), Some("é {\"job\":1}"));
    assert_eq!(on.one.note_lane(&lane(), &first, Some("late")).await, Ok(false), "another has the lane");
    assert_eq!(on.two.note_lane(&lane(), &second, None).await, Ok(true));
    assert!(pass(on.two, &second, Some(60_000)).await);
    assert_eq!(take(on.one, 2).await.unwrap().note, None);
}

/// A request may land late, and what is parked meanwhile knows nothing of it.
pub async fn given_a_lane_that_was_passed_on_as_held_when_wanted_then_it_is_due_after_the_hold(
    on: Environments<'_>,
) {
    want(on.one, 0).await;
    let first = take(on.one, 0).await.unwrap();
    let hold = Some(at(60_000));
    assert_eq!(on.one.pass_lane(&lane(), &first, hold, hold).await, Ok(true));
    on.clock.advance_ms(20_000);
    want(on.two, 20_000).await;
    assert_eq!(due(on.one, at(59_999)).await, []);
    assert_eq!(due(on.one, at(60_000)).await, [baton(1)]);
    let second = take(on.two, 1).await.unwrap();
    assert_eq!(second.held_until, hold);
    assert!(pass(on.two, &second, None).await);
    want(on.one, 20_000).await;
    assert_eq!(due(on.two, at(20_000)).await, [baton(2)]);
}

/// Many park at once, each until its own time. What wishes for a later time keeps the lane's own.
pub async fn given_a_lane_that_is_wanted_when_wanted_earlier_then_it_is_due_then_and_a_later_wish_changes_nothing(
    on: Environments<'_>,
) {
    want(on.one, 60_000).await;
    want(on.two, 40_000).await;
    want(on.one, 50_000).await;
    assert_eq!(due(on.two, at(39_999)).await, []);
    assert_eq!(due(on.two, at(40_000)).await, [baton(0)]);
    on.clock.advance_ms(20_000);
    want(on.one, 90_000).await;
    assert_eq!(due(on.two, at(39_999)).await, []);
    assert_eq!(due(on.two, at(40_000)).await, [baton(0)]);
}

/// So that of two batons with one number one is worth nothing. While it is worked it is not due.
pub async fn given_a_baton_when_taken_then_the_number_is_raised_and_it_is_worth_nothing_again(
    on: Environments<'_>,
) {
    want(on.one, 50).await;
    on.clock.advance_ms(60);
    assert_eq!(take(on.two, 1).await, None, "nobody has sent that one yet");
    let taken = take(on.one, 0).await.unwrap();
    let expected = Lane {
        n: 1,
        due_at: Some(at(60 + QUIET_MS)),
        wanted_at: Some(BEGIN),
        taken_at: Some(at(60)),
        runs: 1,
        looks: 1,
        note: None,
        held_until: None,
    };
    assert_eq!(taken, expected);
    for table in [on.one, on.two] {
        assert_eq!(take(table, 0).await, None);
        assert_eq!(take(table, 2).await, None);
        assert_eq!(due(table, at(60 + QUIET_MS - 1)).await, []);
    }
    // The next number is the next baton's, whoever sent it and whether the lane's worker has ended or not.
    assert_eq!(take(on.two, 1).await.map(|lane| (lane.n, lane.runs)), Some((2, 2)));
}

/// A baton that was sent twice, or is received twice.
pub async fn given_one_baton_when_many_take_it_at_once_then_one_of_them_has_the_lane(on: Environments<'_>) {
    want(on.one, 0).await;
    for n in 0..3 {
        let taken = (0..8).map(|taker| take(if taker % 2 == 0 { on.one } else { on.two }, n));
        let taken: Vec<Lane> = futures::future::join_all(taken).await.into_iter().flatten().collect();
        assert_eq!(taken.iter().map(|lane| lane.n).collect::<Vec<_>>(), [n + 1]);
    }
}

/// Its last request has landed or died by then, and not before.
pub async fn given_a_worker_that_died_when_its_requests_are_over_then_the_sweep_or_its_own_baton_goes_on(
    on: Environments<'_>,
) {
    want(on.one, 0).await;
    assert!(take(on.one, 0).await.is_some());
    on.clock.advance_ms(QUIET_MS - 1);
    assert_eq!(take(on.two, 0).await, None);
    assert_eq!(due(on.two, at(QUIET_MS - 1)).await, []);
    on.clock.advance_ms(1);
    assert_eq!(due(on.two, at(QUIET_MS)).await, [baton(1)]);
    let again = take(on.two, 0).await.unwrap();
    assert_eq!((again.n, again.runs, again.due_at), (2, 2, Some(at(2 * QUIET_MS))));
    assert_eq!(take(on.one, 1).await, None, "the one that the sweep sent meanwhile");
    // One that ended in order leaves no baton behind.
    assert!(pass(on.two, &again, None).await);
    on.clock.advance_ms(10 * QUIET_MS);
    assert_eq!(take(on.one, 1).await, None);
    assert_eq!(take(on.one, 2).await.map(|lane| (lane.n, lane.runs)), Some((3, 1)));
}

/// With the next number.
pub async fn given_a_lane_that_ended_in_order_when_passed_then_it_is_due_at_the_next_time_or_never(
    on: Environments<'_>,
) {
    want(on.one, 0).await;
    let taken = take(on.one, 0).await.unwrap();
    assert!(pass(on.one, &taken, Some(7_000)).await);
    assert_eq!(due(on.two, at(6_999)).await, []);
    assert_eq!(due(on.two, at(7_000)).await, [baton(1)]);
    on.clock.advance_ms(7_000);
    let taken = take(on.two, 1).await.unwrap();
    assert_eq!((taken.n, taken.runs), (2, 1));
    assert!(pass(on.two, &taken, None).await);
    assert_eq!(due(on.one, at(100 * QUIET_MS)).await, []);
    // It can be wanted again, and goes on counting.
    want(on.one, 8_000).await;
    assert_eq!(due(on.two, at(8_000)).await, [baton(2)]);
}

/// What was parked behind the worker's back is looked at when that was wished, or earlier.
pub async fn given_a_wish_while_a_worker_is_at_it_when_passed_then_it_is_not_forgotten(on: Environments<'_>) {
    for (n, (next, expected)) in (0..).zip([(None, 30_000), (Some(90_000), 30_000), (Some(10_000), 10_000)]) {
        let begin = on.clock.now().since_ms(BEGIN);
        want(on.one, begin).await;
        let taken = take(on.one, n).await.unwrap();
        on.clock.advance_ms(6_000);
        want(on.two, begin + 30_000).await;
        assert!(pass(on.one, &taken, next.map(|next| begin + next)).await);
        assert_eq!(due(on.two, at(begin + expected - 1)).await, []);
        assert_eq!(due(on.two, at(begin + expected)).await, [baton(n + 1)]);
        on.clock.advance_ms(60_000);
    }
}

/// It was taken for dead, and its follower decides.
pub async fn given_a_lane_that_another_has_when_passed_then_nothing_changes(on: Environments<'_>) {
    want(on.one, 0).await;
    let first = take(on.one, 0).await.unwrap();
    on.clock.advance_ms(QUIET_MS);
    let second = take(on.two, 1).await.unwrap();
    assert!(!pass(on.one, &first, Some(QUIET_MS)).await);
    assert!(!pass(on.one, &first, None).await);
    assert_eq!(due(on.two, at(2 * QUIET_MS - 1)).await, []);
    assert!(pass(on.two, &second, Some(QUIET_MS + 5)).await);
    assert_eq!(due(on.one, at(QUIET_MS + 5)).await, [baton(2)]);
}

/// Whatever the partitions they lie in.
pub async fn given_many_lanes_when_asked_what_is_due_then_the_earliest_come_first_and_no_more_than_asked_for(
    on: Environments<'_>,
) {
    let of = |n: i64| ConnectionKey::new(format!("org-{n}"), "hubspot");
    let when = |n: i64| (n * 7) % 20;
    for n in 0..20 {
        on.one.want_lane(&of(n), at(when(n))).await.unwrap();
    }
    let mut all: Vec<i64> = (0..20).collect();
    all.sort_by_key(|n| when(*n));
    let all: Vec<Baton> = all.into_iter().map(|n| Baton { connection: of(n), n: 0 }).collect();
    assert_eq!(on.two.lanes_due(at(19), 100).await.unwrap(), all);
    assert_eq!(on.two.lanes_due(at(9), 100).await.unwrap(), all[..10]);
    assert_eq!(on.two.lanes_due(at(19), 6).await.unwrap(), all[..6]);
    assert_eq!(on.two.lanes_due(at(0), 6).await.unwrap(), all[..1]);
    assert_eq!(on.two.lanes_due(at(19), 0).await.unwrap(), []);
}

/// Whoever finds another's wish that stands for his own has nothing to write.
pub async fn given_many_wishes_at_once_when_made_then_the_earliest_stands(on: Environments<'_>) {
    let lane = lane();
    let wish = |n: i64| {
        let table = if n % 2 == 0 { on.one } else { on.two };
        table.want_lane(&lane, at(1_000 + (n * 7) % 4))
    };
    let made = futures::future::join_all((0..4).map(wish)).await;
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    assert_eq!(due(on.one, at(999)).await, []);
    assert_eq!(due(on.one, at(1_000)).await, [baton(0)]);
}

/// Keys are escaped or digests; a baton names the connection as it was given.
pub async fn given_connections_of_any_characters_and_length_when_due_then_their_batons_name_them(
    on: Environments<'_>,
) {
    let odd = [ConnectionKey::new("a#b%23c", "#"), ConnectionKey::new("🦀".repeat(512), "é")];
    assert!(odd[1].key().starts_with("sha256:"));
    for connection in &odd {
        on.one.want_lane(connection, BEGIN).await.unwrap();
        let baton = Baton { connection: connection.clone(), n: 0 };
        assert_eq!(on.two.lanes_due(BEGIN, 10).await.unwrap(), std::slice::from_ref(&baton));
        let taken = on.two.take_lane(&baton, QUIET_MS).await.unwrap().unwrap();
        assert_eq!(on.one.pass_lane(connection, &taken, None, None).await, Ok(true));
        assert_eq!(on.two.lanes_due(at(QUIET_MS), 10).await.unwrap(), []);
    }
}
