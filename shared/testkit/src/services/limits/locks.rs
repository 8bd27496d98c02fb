//! One holder until a time.

use super::Environments;

const NAME: &str = "refresh#acme#hubspot";

/// Until its time is over, to the millisecond; then it is anybody's.
pub async fn given_a_lock_when_held_then_nobody_else_gets_it_before_its_end(on: Environments<'_>) {
    assert_eq!(on.one.lock(NAME, "a", 1_000).await, Ok(true));
    assert_eq!(on.two.lock(NAME, "b", 1_000).await, Ok(false));
    assert_eq!(on.one.lock(NAME, "b", 1_000).await, Ok(false));
    on.clock.advance_ms(999);
    assert_eq!(on.two.lock(NAME, "b", 1_000).await, Ok(false));
    on.clock.advance_ms(1);
    assert_eq!(on.two.lock(NAME, "b", 1_000).await, Ok(true));
    assert_eq!(on.one.lock(NAME, "a", 1_000).await, Ok(false));
    assert_eq!(on.one.lock("another", "a", 1_000).await, Ok(true));
}

/// Longer or shorter: the last taking counts.
pub async fn given_a_lock_when_its_holder_takes_it_again_then_it_ends_at_the_new_time(on: Environments<'_>) {
    assert_eq!(on.one.lock(NAME, "a", 1_000).await, Ok(true));
    on.clock.advance_ms(900);
    assert_eq!(on.one.lock(NAME, "a", 1_000).await, Ok(true));
    on.clock.advance_ms(999);
    assert_eq!(on.two.lock(NAME, "b", 1_000).await, Ok(false));
    assert_eq!(on.one.lock(NAME, "a", 1).await, Ok(true));
    on.clock.advance_ms(1);
    assert_eq!(on.two.lock(NAME, "b", 1_000).await, Ok(true));
}

/// Only its holder gives it back.
pub async fn given_a_lock_when_unlocked_by_another_then_it_stays_and_by_its_holder_it_is_free(
    on: Environments<'_>,
) {
    on.one.unlock(NAME, "nobody has it").await.unwrap();
    assert_eq!(on.one.lock(NAME, "a", 1_000).await, Ok(true));
    on.two.unlock(NAME, "b").await.unwrap();
    assert_eq!(on.two.lock(NAME, "b", 1_000).await, Ok(false));
    on.two.unlock(NAME, "a").await.unwrap();
    assert_eq!(on.two.lock(NAME, "b", 1_000).await, Ok(true));
}

/// Whoever was too slow takes nothing from the next.
pub async fn given_a_lock_that_has_passed_on_when_its_first_holder_unlocks_then_it_stays(
    on: Environments<'_>,
) {
    assert_eq!(on.one.lock(NAME, "a", 1_000).await, Ok(true));
    on.clock.advance_ms(1_000);
    assert_eq!(on.two.lock(NAME, "b", 1_000).await, Ok(true));
    on.one.unlock(NAME, "a").await.unwrap();
    assert_eq!(on.one.lock(NAME, "c", 1_000).await, Ok(false));
}
