//! What is to be told of connections.

use super::{Environments, at};
use rtr_core::code::Code;
use rtr_core::notice::{Notice, NoticeKind};
use rtr_engine::seams::Raised;

fn notice(kind: NoticeKind, connection: Option<&str>, count: u64, ms: i64) -> Notice {
    Notice {
        kind,
        org_id: "ac#me".to_owned(),
        connection: connection.map(str::to_owned),
        provider: connection.map(str::to_owned),
        code: Some(Code::Invalid),
        count,
        since: at(ms),
        once: None,
    }
}

fn dead(count: u64, ms: i64) -> Notice {
    notice(NoticeKind::DeadLetters, Some("hubspot"), count, ms)
}

/// Gathered for its time; counts add up, the earliest time stands.
pub async fn given_what_is_raised_again_when_its_time_has_come_then_it_is_one_with_all_counts(
    on: Environments<'_>,
) {
    on.one.raise(&dead(2, 0)).await.unwrap();
    on.clock.advance_ms(3_000);
    on.two.raise(&dead(5, 3_000)).await.unwrap();
    assert_eq!(on.one.raised(at(9_999), 10).await, Ok(vec![]));
    let due = on.two.raised(at(10_000), 10).await.unwrap();
    let expected = Raised { notice: dead(7, 0), due_at: at(10_000), told_at: None };
    assert_eq!(due, [expected]);
}

/// Whoever puts it off first tells it; what was raised while it was told is told when its time has come.
pub async fn given_two_who_would_tell_when_one_was_quicker_then_it_is_told_once_and_the_rest_later(
    on: Environments<'_>,
) {
    on.one.raise(&dead(2, 0)).await.unwrap();
    let due = on.one.raised(at(10_000), 10).await.unwrap().remove(0);
    assert_eq!(on.one.put_off(&due, at(40_000)).await, Ok(true));
    assert_eq!(on.two.put_off(&due, at(40_000)).await, Ok(false));
    assert_eq!(on.two.raised(at(39_999), 10).await, Ok(vec![]));
    on.two.raise(&dead(1, 11_000)).await.unwrap();
    let claimed = Raised { due_at: at(40_000), ..due };
    on.one.told(&claimed, at(12_000)).await.unwrap();
    let next_at = 12_000 + NoticeKind::DeadLetters.spacing_ms();
    assert_eq!(on.one.raised(at(next_at - 1), 10).await, Ok(vec![]));
    let next = on.one.raised(at(next_at), 10).await.unwrap().remove(0);
    assert_eq!((next.notice.count, next.told_at), (1, Some(at(12_000))));
    assert_eq!(on.two.put_off(&next, at(next_at + 30_000)).await, Ok(true));
    on.two.told(&Raised { due_at: at(next_at + 30_000), ..next }, at(next_at)).await.unwrap();
    assert_eq!(on.one.raised(at(i64::from(i32::MAX)), 10).await, Ok(vec![]));
}

/// However many see it; another of its kind is another.
pub async fn given_what_happens_once_when_several_raise_it_then_it_is_raised_once(on: Environments<'_>) {
    let once = |name: &str| Notice {
        once: Some(name.to_owned()),
        ..notice(NoticeKind::Suspended, Some("hubspot"), 1, 0)
    };
    on.one.raise(&once("v1")).await.unwrap();
    on.two.raise(&once("v1")).await.unwrap();
    let due = on.one.raised(at(0), 10).await.unwrap().remove(0);
    assert_eq!(due.notice, once("v1"));
    assert_eq!(on.one.put_off(&due, at(30_000)).await, Ok(true));
    on.one.told(&Raised { due_at: at(30_000), ..due }, at(0)).await.unwrap();
    on.two.raise(&once("v1")).await.unwrap();
    assert_eq!(on.two.raised(at(i64::from(i32::MAX)), 10).await, Ok(vec![]));
    on.two.raise(&once("v2")).await.unwrap();
    assert_eq!(on.two.raised(at(0), 10).await.unwrap()[0].notice, once("v2"));
}

/// What lasts is told as it is at the last look, and not raised again before it may be told again: else it would be told when it is
/// over.
pub async fn given_what_lasts_when_raised_again_then_the_last_look_counts_and_nothing_waits_to_be_told_later(
    on: Environments<'_>,
) {
    let low = |count, ms| notice(NoticeKind::QuotaLow, Some("hubspot"), count, ms);
    on.one.raise(&low(1, 0)).await.unwrap();
    on.two.raise(&low(3, 50)).await.unwrap();
    let due = on.one.raised(at(0), 10).await.unwrap().remove(0);
    assert_eq!(due.notice, low(3, 50));
    assert_eq!(on.one.put_off(&due, at(30_000)).await, Ok(true));
    on.two.raise(&low(5, 60)).await.unwrap();
    on.one.told(&Raised { due_at: at(30_000), ..due }, at(0)).await.unwrap();
    let spacing_ms = NoticeKind::QuotaLow.spacing_ms();
    on.clock.advance_ms(spacing_ms - 1);
    on.two.raise(&low(1, spacing_ms - 1)).await.unwrap();
    assert_eq!(on.one.raised(at(i64::from(i32::MAX)), 10).await, Ok(vec![]));
    on.clock.advance_ms(1);
    on.two.raise(&low(1, spacing_ms)).await.unwrap();
    let next = on.one.raised(at(spacing_ms), 10).await.unwrap().remove(0);
    assert_eq!((next.notice, next.told_at), (low(1, spacing_ms), Some(at(0))));
}

/// Kinds, connections and what is of none.
pub async fn given_other_kinds_and_connections_when_raised_then_each_is_its_own(on: Environments<'_>) {
    let all = [
        notice(NoticeKind::QuotaLow, Some("hubspot"), 1, 0),
        notice(NoticeKind::QuotaLow, Some("salesforce"), 1, 0),
        notice(NoticeKind::Resumed, Some("hubspot"), 1, 0),
        Notice { code: None, ..notice(NoticeKind::BackfillDone, None, 1_000, 0) },
    ];
    for one in &all {
        on.one.raise(one).await.unwrap();
    }
    let mut found: Vec<Notice> =
        on.two.raised(at(0), 10).await.unwrap().into_iter().map(|raised| raised.notice).collect();
    let place = |notice: &Notice| all.iter().position(|one| one == notice);
    found.sort_by_key(place);
    assert_eq!(found, all);
}
