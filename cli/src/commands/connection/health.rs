//! How a connection's circuit breaker stands, for people and scripts. Pure.

use crate::moment::span;
use rtr_core::breaker::{Breaker, State};
use rtr_core::time::Instant;
use schemars::JsonSchema;
use serde::Serialize;

/// A connection's breaker, in the shape that scripts rely on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Health {
    /// `closed`, `open`, `half-open`, `ramping` or `slow`; of the last two the former, where both are so.
    pub(crate) state: &'static str,
    /// No call before this, while it is open.
    pub(super) until: Option<String>,
    /// Failures in a row, as long as it is closed.
    pub(super) failures: u32,
    /// Openings in a row: the time for which it is open doubles with each.
    pub(super) openings: u32,
    /// Calls that may be in flight at once, just after it has closed.
    pub(super) ramp: Option<u64>,
    /// How long a call takes at the median, where the CRM is slow, in milliseconds.
    pub(super) slow_ms: Option<i64>,
    /// How many are at work at the CRM, as far as is known. With as many as its share of the functions the connection's other
    /// work is parked.
    pub(super) in_flight: usize,
}

impl Health {
    /// That of `breaker`, with so many at work.
    pub(super) fn of(breaker: &Breaker, in_flight: usize, now: Instant) -> Self {
        let (state, slow_ms) = (breaker.state(now), breaker.slow_ms(now));
        let ramp = if state == State::Closed { breaker.ramp(now) } else { None };
        let word = match (state, ramp, slow_ms) {
            (State::Closed, Some(_), _) => "ramping",
            (State::Closed, None, Some(_)) => "slow",
            (state, ..) => state.as_str(),
        };
        let until = if let State::Open { until } = state { Some(until.to_rfc3339()) } else { None };
        let openings = if state == State::Closed && ramp.is_none() { 0 } else { breaker.openings };
        Self { state: word, until, failures: breaker.failures, openings, ramp, slow_ms, in_flight }
    }

    /// Before when no call goes.
    pub(super) fn rests_until(breaker: &Breaker, now: Instant) -> Option<Instant> {
        match breaker.state(now) {
            State::Open { until } => Some(until),
            State::Closed | State::HalfOpen => None,
        }
    }

    /// In a column.
    pub(super) fn words(&self) -> String {
        let slow = self.slow_ms.map(|ms| format!("{} a call", span(ms)));
        let ramp = self.ramp.map(|calls| format!("{calls} at once"));
        let in_flight = (self.in_flight > 0).then(|| format!("{} in flight", self.in_flight));
        let more: Vec<String> = [ramp, slow, in_flight].into_iter().flatten().collect();
        if more.is_empty() { self.state.to_owned() } else { format!("{} ({})", self.state, more.join(", ")) }
    }

    /// What it means for whoever waits; none where everything is well.
    pub(super) fn message(&self) -> Option<String> {
        let failed = "the CRM failed or was slow again and again";
        match self.state {
            "open" => Some(format!("{failed}: no call goes")),
            "half-open" => Some(format!("{failed}: the next call tries whether it is back")),
            "ramping" => Some("the CRM is back: more calls at once with every second".to_owned()),
            "slow" => Some("the CRM is slow: few calls at once, and what is over them is parked".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::breaker::{RAMP_STEP_MS, SLOW_FOR_MS, Slow};

    const NOW: Instant = Instant(1_795_000_000_000);

    #[test]
    fn given_a_breaker_in_each_state_when_told_then_a_word_the_numbers_and_what_it_means() {
        let slow = Some(Slow { median_ms: 3_000, until: NOW.plus_ms(SLOW_FOR_MS) });
        let open = Breaker { open_until: Some(NOW.plus_ms(5_000)), openings: 2, ..Breaker::default() };
        let back =
            Breaker { closed_at: Some(NOW.plus_ms(-2 * RAMP_STEP_MS)), openings: 2, ..Breaker::default() };
        let all = [
            Breaker { failures: 2, ..Breaker::default() },
            open.clone(),
            Breaker { open_until: Some(NOW), slow, ..open },
            back.clone(),
            Breaker { slow, ..back.clone() },
            Breaker { slow, ..Breaker::default() },
            // What was long ago is over.
            Breaker { closed_at: Some(NOW.plus_ms(-600_000)), ..back },
            Breaker { slow: Some(Slow { median_ms: 3_000, until: NOW }), ..Breaker::default() },
        ];
        let mut all: Vec<Health> = all.iter().map(|breaker| Health::of(breaker, 0, NOW)).collect();
        all.push(Health::of(&Breaker::default(), 2, NOW));
        let text =
            all.iter().map(|one| format!("{} | {}", one.words(), one.message().as_deref().unwrap_or("-")));
        insta::assert_snapshot!(text.collect::<Vec<_>>().join("\n"), @r"
        closed | -
        open | the CRM failed or was slow again and again: no call goes
        half-open (3s a call) | the CRM failed or was slow again and again: the next call tries whether it is back
        ramping (4 at once) | the CRM is back: more calls at once with every second
        ramping (4 at once, 3s a call) | the CRM is back: more calls at once with every second
        slow (3s a call) | the CRM is slow: few calls at once, and what is over them is parked
        closed | -
        closed | -
        closed (2 in flight) | -
        ");
        insta::assert_snapshot!(serde_json::to_string(&all[1]).unwrap(), @r#"{"state":"open","until":"2026-11-18T11:06:45.000Z","failures":0,"openings":2,"ramp":null,"slow_ms":null,"in_flight":0}"#);
    }
}
