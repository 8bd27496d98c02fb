//! What HubSpot's answers tell of the account's limits.
//!
//! `X-HubSpot-RateLimit-Max` and `-Remaining` are of the window in `-Interval-Milliseconds`; `-Daily` and
//! `-Daily-Remaining`, with private apps only, of the day, which begins anew at midnight of the account's time zone. Searches
//! tell nothing: <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>

use crate::http::Response;
use crate::session::Quota;
use rtr_core::limit::QUOTA_MS;

pub(super) fn read(response: &Response) -> Vec<Quota> {
    let number = |name: &str| {
        let header = format!("x-hubspot-ratelimit-{name}");
        response.header(&header).and_then(|text| text.trim().parse::<u64>().ok())
    };
    let quota = |per_ms: Option<i64>, limit, left| {
        Some(Quota { per_ms: per_ms?, limit: number(limit)?, left: number(left)?, resets_in_ms: None })
    };
    let interval = number("interval-milliseconds").and_then(|ms| i64::try_from(ms).ok());
    let day = quota(Some(QUOTA_MS), "daily", "daily-remaining");
    let burst = quota(interval.filter(|ms| (1..QUOTA_MS).contains(ms)), "max", "remaining");
    day.into_iter().chain(burst).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(headers: &[(&str, &str)]) -> Vec<Quota> {
        let headers =
            headers.iter().map(|(name, value)| (format!("x-hubspot-ratelimit-{name}"), (*value).to_owned()));
        read(&Response { status: 200, headers: headers.collect(), body: Vec::new() })
    }

    #[test]
    fn given_the_headers_of_a_private_app_when_read_then_day_and_window_are_told() {
        let headers = [
            ("daily", "250000"),
            ("daily-remaining", "249990"),
            ("interval-milliseconds", "10000"),
            ("max", "100"),
            ("remaining", "98"),
        ];
        let quota = |per_ms, limit, left| Quota { per_ms, limit, left, resets_in_ms: None };
        let (day, window) = (quota(QUOTA_MS, 250_000, 249_990), quota(10_000, 100, 98));
        assert_eq!(said(&headers), [day, window]);
        assert_eq!(said(&headers[2..]), [window]);
        assert_eq!(said(&headers[3..]), [], "of an unknown time");
        assert_eq!(said(&[("daily", "many"), ("daily-remaining", "-1")]), []);
    }
}
