//! One rule's level: a bucket that refills evenly, and a memory of its last window.
//!
//! The bucket says how fast and how many at once. The memory says how many in any window: without it a full bucket and
//! its refill would make twice the limit in the first one. It counts by slots of a fortieth of the window, so that a token
//! comes back no earlier than a window after it went, and a moment more, at most a slot later: between a token and its call
//! more time may pass than between the next and its.

use super::{MILLI, Rule, Unused};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Slots of a window.
const SLOTS: i64 = 40;
/// What may pass more between a token and its call than between a later one and its, in milliseconds.
const LATE_MS: i64 = 60;
/// The most leases of a bucket in any second.
pub const WRITES_A_SECOND: usize = 9;
/// From so many milliseconds on a limit is an allowance to be spent over a day or more, not a rate to be kept to.
pub const QUOTA_MS: i64 = 86_400_000;
/// What is spent evenly may be taken ahead by a quarter of a second.
const AHEAD_PER_SECOND: u64 = 4;

/// One rule's level.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Thousandths of a token left.
    pub left_milli: i64,
    /// As of when.
    pub at: Instant,
    /// The number of the first slot that is remembered.
    pub first_slot: i64,
    /// Tokens granted in it and in those that follow.
    pub recent: Vec<u64>,
}

/// How a level is filled and emptied: a rule, or a share of it, at the pace that it is kept to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// Thousandths of a token…
    milli: i128,
    /// …in any so many milliseconds…
    per_ms: i64,
    /// …which come back in so many: where leases are of several, in the time after which the window has room again, so that
    /// they come evenly.
    refill_ms: i64,
    /// Tokens that may be taken at once.
    cap: u64,
    /// Tokens in any window; without a bound where another level of the same rule has it.
    window: Option<u64>,
    /// Tokens that are kept while the window has no room, to go as soon as it has.
    kept: u64,
    /// Whether it is an allowance for a day or more.
    quota: bool,
}

/// `requests` a second of `rule`, at least one.
pub(super) fn a_second(rule: &Rule) -> u64 {
    let per_ms = u128::from(rule.per_ms.max(1).unsigned_abs());
    u64::try_from(u128::from(rule.requests) * 1_000 / per_ms).unwrap_or(u64::MAX).max(1)
}

/// The least that `rule` has to be leased by at `permille` of its pace, so that its bucket is written less often than it may
/// be.
pub(super) fn quantum(rule: &Rule, permille: u64) -> u64 {
    match paced(a_second(rule), permille) {
        few if few < WRITES_A_SECOND as u64 => 1,
        many => many.div_ceil(WRITES_A_SECOND as u64 - 2),
    }
}

/// The most of `rule` that may be taken at once: what it says, and where that is less than must be leased, two leases, so
/// that nothing is lost while the next is awaited.
fn burst(rule: &Rule) -> u64 {
    match quantum(rule, 1_000) {
        1 => rule.burst,
        quantum => rule.burst.max(2 * quantum),
    }
}

fn part(whole: u64, of: u64, in_all: u64) -> u64 {
    u64::try_from(u128::from(whole) * u128::from(of) / u128::from(in_all)).unwrap_or(u64::MAX).max(1)
}

fn paced(whole: u64, permille: u64) -> u64 {
    u64::try_from((u128::from(whole) * u128::from(permille)).div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
}

fn slot_ms(per_ms: i64) -> i64 {
    (per_ms + SLOTS - 1) / SLOTS
}

fn late_ms(per_ms: i64) -> i64 {
    LATE_MS.min(slot_ms(per_ms) * 3)
}

impl Rate {
    /// All of `rule`, at `permille` of its pace. An allowance for a day has no pace.
    pub(super) fn whole(rule: &Rule, permille: u64) -> Self {
        let permille = if rule.is_quota() { 1_000 } else { permille };
        let kept = quantum(rule, permille)
            .max(rule.requests / SLOTS.unsigned_abs())
            .max(a_second(rule) / AHEAD_PER_SECOND);
        let per_ms = rule.per_ms.max(1);
        // Where leases are of one token the window alone does it, and nothing is lost by who comes a moment late.
        let evenly = !rule.is_quota() && quantum(rule, 1_000) > 1;
        let refill_ms = if evenly { per_ms + slot_ms(per_ms) + late_ms(per_ms) } else { per_ms };
        Self {
            milli: i128::from(rule.requests) * i128::from(permille),
            per_ms,
            refill_ms,
            cap: paced(burst(rule), permille),
            // A little less than a small limit is that limit, a little more slowly.
            window: Some(paced(rule.requests, permille)),
            kept,
            quota: rule.is_quota(),
        }
    }

    /// The same, evenly: hardly more at once than what a moment brings.
    pub(super) fn even(rule: &Rule, permille: u64) -> Self {
        let whole = Self::whole(rule, permille);
        let ahead = part(a_second(rule), permille, 1_000 * AHEAD_PER_SECOND);
        // The whole bounds the window; two that are as slow would wait for one another.
        Self { refill_ms: whole.per_ms, cap: ahead.min(whole.cap), window: None, ..whole }
    }

    /// `percent` of it: evenly, but for a day's allowance, which may be spent as fast as the shorter rules let it.
    pub(super) fn share(rule: &Rule, permille: u64, percent: u8) -> Self {
        let percent = u64::from(percent.min(100));
        // Half a second's worth at once: a quarter of a small share is a token, and each lease is a write.
        let (of, times) = match rule.is_quota() {
            true => (Self::whole(rule, permille), 1),
            false => (Self::even(rule, permille), 2),
        };
        let window = Self::whole(rule, permille).window.map(|window| part(window, percent, 100));
        Self {
            milli: of.milli * i128::from(percent) / 100,
            cap: part(of.cap.saturating_mul(times), percent, 100),
            window,
            kept: part(of.kept, percent, 100),
            ..of
        }
    }

    fn gains(&self, ms: i64) -> i128 {
        i128::from(ms.max(0)) * self.milli / i128::from(self.refill_ms)
    }

    /// How long it takes to gain `milli`.
    fn takes_ms(&self, milli: i128) -> i64 {
        let rate = self.milli.max(1);
        i64::try_from((milli.max(0) * i128::from(self.refill_ms) + rate - 1) / rate).unwrap_or(i64::MAX)
    }

    fn slot(&self, at: Instant) -> i64 {
        at.0.div_euclid(slot_ms(self.per_ms))
    }

    /// When what was granted in a slot counts no more.
    fn forgets(&self, slot: i64) -> Instant {
        let end = (slot + SLOTS + 1).saturating_mul(slot_ms(self.per_ms));
        Instant(end.saturating_add(late_ms(self.per_ms)))
    }

    /// Room in the window before each of `level`'s slots is forgotten, with the time of that; none where it has no bound.
    fn rooms(&self, level: &Level) -> impl Iterator<Item = (i128, Instant)> {
        let bounded = self.window.map(i128::from);
        let total: i128 = level.recent.iter().map(|count| i128::from(*count)).sum();
        let slots = level.recent.iter().zip(level.first_slot..).filter(|(count, _)| **count > 0);
        slots
            .scan(total, |held, (count, slot)| {
                let before = *held;
                *held -= i128::from(*count);
                Some((before, slot))
            })
            .filter_map(move |(held, slot)| Some(((bounded? - held).max(0), self.forgets(slot))))
    }
}

impl Level {
    fn full(rate: &Rate, now: Instant) -> Self {
        Self { left_milli: milli(rate.cap), at: now, first_slot: 0, recent: Vec::new() }
    }

    /// `level` as it is `now`; full where there is none. A clock that stepped back refills nothing and keeps the later time.
    pub(super) fn refilled(level: Option<&Self>, rate: &Rate, now: Instant) -> Self {
        let Some(level) = level else { return Self::full(rate, now) };
        let now = level.at.max(now);
        let kept = i128::from(milli(rate.kept));
        let gained = rate.gains(now.since_ms(level.at));
        let mut left = i128::from(level.left_milli) + gained;
        // What came in while the window had no room is lost, but for a little: else it would go all at once.
        for (room, until) in rate.rooms(level).filter(|(_, until)| *until > level.at) {
            let since = if until > now { 0 } else { rate.gains(now.since_ms(until)) };
            left = left.min(room * MILLI + kept + since);
        }
        let full = i128::from(milli(rate.cap));
        let left = i64::try_from(left.min(full)).unwrap_or(i64::MIN);
        let mut filled = Self { left_milli: left, at: now, ..level.clone() };
        if gained == 0 && left == level.left_milli && i128::from(left) < full {
            filled.at = level.at; // keep the fraction: else many small looks would never refill it
        }
        filled.forget(rate, now);
        filled
    }

    fn forget(&mut self, rate: &Rate, now: Instant) {
        let gone = |slot| rate.forgets(slot) <= now;
        let passed =
            (self.first_slot..).zip(&self.recent).take_while(|(slot, count)| gone(*slot) || **count == 0);
        let passed = passed.count();
        self.recent.drain(..passed);
        self.first_slot += i64::try_from(passed).unwrap_or(0);
    }

    /// Tokens that may go.
    pub(super) fn available(&self, rate: &Rate) -> u64 {
        self.room(rate).min(u64::try_from(i128::from(self.left_milli) / MILLI).unwrap_or(0))
    }

    /// The size of a lease that can be waited for, where it is to be `least`: what the window has left is not left lying for
    /// want of more, nor what it has next, if that is half of it.
    pub(super) fn lump(&self, rate: &Rate, least: u64) -> u64 {
        let next = || self.recent.iter().copied().find(|count| *count > 0);
        let all = match self.room(rate) {
            0 => next().map_or(least, |next| next.max(least.div_ceil(2))),
            room => room,
        };
        least.min(rate.cap).min(all)
    }

    fn room(&self, rate: &Rate) -> u64 {
        let held = self.recent.iter().copied().fold(0, u64::saturating_add);
        rate.window.map_or(u64::MAX, |window| window.saturating_sub(held))
    }

    /// It holds no more than `milli`.
    pub(super) fn lower(&mut self, rate: &Rate, tokens: u64, since_ms: i64) {
        let most = i128::from(milli(tokens)) + rate.gains(since_ms);
        self.left_milli = self.left_milli.min(i64::try_from(most).unwrap_or(i64::MAX));
    }

    /// It began anew so many milliseconds ago, with one token.
    pub(super) fn begin_anew(&mut self, rate: &Rate, since_ms: i64) {
        if !rate.quota {
            self.lower(rate, 1, since_ms);
        }
    }

    /// `tokens` go.
    pub(super) fn spend(&mut self, rate: &Rate, tokens: u64) {
        self.left_milli = self.left_milli.saturating_sub(milli(tokens));
        if rate.window.is_none() || tokens == 0 {
            return;
        }
        let slot = rate.slot(self.at);
        if self.recent.is_empty() {
            self.first_slot = slot;
        }
        // The time of a level does not step back; slots of another length, from before the rule changed, may be anywhere.
        let at = usize::try_from(slot - self.first_slot).unwrap_or(0);
        let at =
            if at > 2 * SLOTS.unsigned_abs() as usize { self.recent.len().saturating_sub(1) } else { at };
        if self.recent.len() <= at {
            self.recent.resize(at + 1, 0);
        }
        self.recent[at] = self.recent[at].saturating_add(tokens);
    }

    /// What was leased and not used comes back, as if it had never gone.
    pub(super) fn give_back(&mut self, rate: &Rate, Unused { tokens, leased_at }: Unused) {
        let left = self.left_milli.saturating_add(milli(tokens));
        self.left_milli = left.min(milli(rate.cap).max(self.left_milli));
        let slot = usize::try_from(rate.slot(leased_at) - self.first_slot).ok();
        if let Some(count) = slot.and_then(|slot| self.recent.get_mut(slot)) {
            *count = count.saturating_sub(tokens);
        }
    }

    /// When `tokens` may go, if nobody takes any before.
    pub(super) fn ready_at(&self, rate: &Rate, tokens: u64) -> Instant {
        let (wanted, kept) = (i128::from(tokens) * MILLI, i128::from(milli(rate.kept)));
        let filled = self.at.plus_ms(rate.takes_ms(wanted - i128::from(self.left_milli)));
        rate.rooms(self).filter(|(room, _)| room * MILLI < wanted).fold(filled, |ready, (room, until)| {
            ready.max(until.plus_ms(rate.takes_ms(wanted - room * MILLI - kept)))
        })
    }
}

fn milli(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000)
}
