//! Rate limits of one account. A call is admitted by all limits that cover it or counted by none.

use crate::clock::DAY_MS;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// So many requests within so long: a rolling window, or, from a day on, the calendar day (UTC).
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    /// The API it covers; `*` is every call but searches and token calls (those of a day cover searches too).
    pub(crate) api: String,
    pub(crate) requests: u64,
    pub(crate) per_ms: i64,
    pub(crate) retry_after: Option<u64>,
    spent: VecDeque<i64>,
    day: (i64, u64),
}

impl Limit {
    pub(crate) fn parse(value: &Value, at: &str) -> Result<Self, String> {
        let number = |name: &str| {
            let found = value.get(name).and_then(Value::as_u64);
            found.ok_or_else(|| format!("{at}.{name}: expected a whole number, 0 or more"))
        };
        let api = match value.get("api") {
            None => "*",
            Some(name) => name.as_str().ok_or_else(|| format!("{at}.api: expected a string"))?,
        };
        if !["*", "search", "records", "auth"].contains(&api) {
            return Err(format!("{at}.api: \"{api}\" is not one of *, search, records, auth"));
        }
        let per_ms = i64::try_from(number("per_ms")?).unwrap_or(i64::MAX);
        if per_ms == 0 {
            return Err(format!("{at}.per_ms: must be more than 0"));
        }
        let retry_after = value.get("retry_after").and_then(Value::as_u64);
        let (spent, day) = (VecDeque::new(), (0, 0));
        Ok(Self { api: api.to_owned(), requests: number("requests")?, per_ms, retry_after, spent, day })
    }

    pub(crate) fn is_daily(&self) -> bool {
        self.per_ms >= DAY_MS
    }

    pub(crate) fn covers(&self, api: &str) -> bool {
        self.api == api || (self.api == "*" && (api == "records" || (api == "search" && self.is_daily())))
    }

    /// What is left now.
    pub(crate) fn left(&self, now: i64) -> u64 {
        let used = if self.is_daily() {
            if self.day.0 == now.div_euclid(self.per_ms) { self.day.1 } else { 0 }
        } else {
            self.spent.iter().filter(|at| **at > now - self.per_ms).count() as u64
        };
        self.requests.saturating_sub(used)
    }

    fn spend(&mut self, now: i64) {
        if self.is_daily() {
            let today = now.div_euclid(self.per_ms);
            self.day = if self.day.0 == today { (today, self.day.1 + 1) } else { (today, 1) };
            return;
        }
        while self.spent.front().is_some_and(|at| *at <= now - self.per_ms) {
            self.spent.pop_front();
        }
        self.spent.push_back(now);
    }

    pub(crate) fn view(&self, now: i64) -> Value {
        json!({"api": self.api, "requests": self.requests, "per_ms": self.per_ms,
               "retry_after": self.retry_after, "left": self.left(now)})
    }
}

/// The limits of one account; none at first.
#[derive(Clone, Default)]
pub(crate) struct Limiter {
    pub(crate) limits: Vec<Limit>,
}

impl Limiter {
    /// What a day allows and what is left of it, if there is such a limit.
    pub(crate) fn daily(&self, now: i64) -> Option<(u64, u64)> {
        let daily = self.limits.iter().find(|limit| limit.covers("records") && limit.is_daily())?;
        Some((daily.requests, daily.left(now)))
    }

    /// Counts the call, or names the limit that forbids it. A refused call is not counted.
    pub(crate) fn admit(&mut self, api: &str, now: i64) -> Result<(), Limit> {
        if let Some(reached) = self.limits.iter().find(|limit| limit.covers(api) && limit.left(now) == 0) {
            let Limit { api, requests, per_ms, retry_after, .. } = reached;
            let (spent, day) = (VecDeque::new(), (0, 0));
            let (api, retry_after) = (api.clone(), *retry_after);
            return Err(Limit { api, requests: *requests, per_ms: *per_ms, retry_after, spent, day });
        }
        self.limits.iter_mut().filter(|limit| limit.covers(api)).for_each(|limit| limit.spend(now));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(values: &[Value]) -> Limiter {
        Limiter { limits: values.iter().map(|value| Limit::parse(value, "limits").expect("valid")).collect() }
    }

    #[test]
    fn given_a_rolling_limit_when_the_window_passes_then_calls_are_admitted_again() {
        let mut limiter = limiter(&[json!({"requests": 2, "per_ms": 1000})]);
        assert!(limiter.admit("records", 0).is_ok());
        assert!(limiter.admit("records", 500).is_ok());
        assert!(limiter.admit("records", 999).is_err());
        assert!(limiter.admit("records", 1000).is_ok());
        assert!(limiter.admit("records", 1001).is_err());
    }

    #[test]
    fn given_a_burst_limit_when_searching_then_only_the_search_limit_counts() {
        let mut limiter = limiter(&[
            json!({"requests": 0, "per_ms": 1000}),
            json!({"api": "search", "requests": 1, "per_ms": 1000}),
        ]);
        assert!(limiter.admit("records", 0).is_err());
        assert!(limiter.admit("search", 0).is_ok());
        assert!(limiter.admit("search", 1).is_err());
        assert!(limiter.admit("auth", 1).is_ok());
    }

    #[test]
    fn given_a_daily_limit_when_midnight_passes_then_it_starts_anew() {
        let mut limiter = limiter(&[json!({"requests": 1, "per_ms": DAY_MS})]);
        assert!(limiter.admit("search", DAY_MS - 1).is_ok());
        assert!(limiter.admit("records", DAY_MS - 1).is_err());
        assert!(limiter.admit("records", DAY_MS).is_ok());
    }

    #[test]
    fn given_nonsense_when_parsed_then_the_place_is_named() {
        let error = Limit::parse(&json!({"requests": 1, "per_ms": "x"}), "limits[0]").expect_err("invalid");
        assert_eq!(error, "limits[0].per_ms: expected a whole number, 0 or more");
    }
}
