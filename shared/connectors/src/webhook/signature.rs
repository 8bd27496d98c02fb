//! What signatures are made of: HMAC-SHA256, comparisons whose time tells nothing, and the time for which one holds.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key, Tag};
use rtr_core::time::Instant;

/// For so many milliseconds a signature holds, before and after its time: HubSpot's and Standard Webhooks' number. Clocks
/// differ both ways, so one of the near future holds too.
pub const WINDOW_MS: i64 = 5 * 60 * 1_000;

/// The HMAC-SHA256 of `parts`, one behind the other.
#[must_use]
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> Tag {
    let mut context = Context::with_key(&Key::new(HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    context.sign()
}

/// Whether `given` is the HMAC of `parts` by one of `keys`. All are tried, whichever it is.
pub(crate) fn is_of_any<'a>(keys: impl Iterator<Item = &'a [u8]>, parts: &[&[u8]], given: &[u8]) -> bool {
    keys.fold(false, |found, key| found | is_same(hmac(key, parts).as_ref(), given))
}

/// Whether `given` is one of `secrets`. Digests are compared, so that not even a length is told.
pub(crate) fn is_any<'a>(secrets: impl Iterator<Item = &'a [u8]>, given: &[u8]) -> bool {
    let given = digest(&SHA256, given);
    secrets.fold(false, |found, secret| found | is_same(digest(&SHA256, secret).as_ref(), given.as_ref()))
}

/// Whether `at` is near enough to `now`.
pub(crate) fn is_of_now(at: Instant, now: Instant) -> bool {
    now.since_ms(at).unsigned_abs() <= WINDOW_MS.unsigned_abs()
}

/// A whole number in digits alone.
pub(crate) fn number(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}
