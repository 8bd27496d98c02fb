//! How Salesforce words a limit reached and other bare statuses, and how it tells what was used: the requests
//! of the last 24 hours, counted by the hour that rolls, not by the day.

use super::access::expired;
use super::errors::Fail;
use crate::clock::DAY_MS;
use crate::limits::Limit;
use crate::provider::{Answer, Env, Kind};
use serde_json::json;
use std::collections::VecDeque;

/// What an account may ask in a day unless a limit says otherwise.
const REQUESTS_A_DAY: u64 = 100_000;

/// The times of the requests of the last 24 hours.
#[derive(Debug, Clone, Default)]
pub(super) struct Usage {
    at: VecDeque<i64>,
}

impl Usage {
    pub(super) fn count(&mut self, now: i64) {
        self.at.push_back(now);
        while self.at.front().is_some_and(|at| *at <= now - DAY_MS) {
            self.at.pop_front();
        }
    }

    fn used(&self, now: i64) -> u64 {
        self.at.iter().rev().take_while(|at| **at > now - DAY_MS).count() as u64
    }

    /// Every answer but a token's tells what was used.
    pub(super) fn headers(&self, kind: Kind, limits: &[Limit], now: i64) -> Vec<(String, String)> {
        if kind.api == "auth" {
            return Vec::new();
        }
        let daily = limits.iter().find(|limit| limit.covers("records") && limit.is_daily());
        let (used, most) = match daily {
            Some(limit) => (limit.requests - limit.left(now), limit.requests),
            None => (self.at.len() as u64, REQUESTS_A_DAY),
        };
        vec![("sforce-limit-info".to_owned(), format!("api-usage={used}/{most}"))]
    }

    /// `/limits`; the call itself is counted.
    pub(super) fn limits(&self, env: &Env<'_>) -> Answer {
        let (most, left) = match env.daily {
            Some((most, left)) => (most, left.saturating_sub(1)),
            None => (REQUESTS_A_DAY, REQUESTS_A_DAY.saturating_sub(self.used(env.now))),
        };
        Answer::json(
            200,
            json!({"DailyApiRequests": {"Max": most, "Remaining": left},
                                 "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
                                 "DataStorageMB": {"Max": 1024, "Remaining": 1024}}),
        )
    }
}

/// The answer to a call beyond a limit: of the day's, or of how many may run at once.
pub(super) fn limited(limit: &Limit) -> Answer {
    let message = if limit.is_daily() {
        "TotalRequests Limit exceeded."
    } else {
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    };
    Fail::new(403, "REQUEST_LIMIT_EXCEEDED", message).answer()
}

/// What Salesforce, or what stands before it, says with a bare status.
pub(super) fn failure(status: u16) -> Answer {
    let (code, message) = match status {
        200..=299 => return Answer::empty(status),
        400 => ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
        401 => return expired().answer(),
        403 => ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        404 => return Fail::not_found().answer(),
        405 => ("METHOD_NOT_ALLOWED", "HTTP Method not allowed"),
        409 => ("CONFLICT", "The request conflicts with the current state of the resource"),
        412 => ("ENTITY_FAILED_IFUNMODIFIEDSINCE", "The resource was modified in the meantime"),
        414 | 431 => ("URI_TOO_LONG", "The URI or the headers are longer than 16,384 characters"),
        415 => ("UNSUPPORTED_MEDIA_TYPE", "The content type is not supported"),
        420 | 429 => ("REQUEST_LIMIT_EXCEEDED", "Too many requests"),
        500 => (
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred. Please include this ErrorId if you contact support",
        ),
        _ => ("SERVER_UNAVAILABLE", "The server is temporarily unavailable"),
    };
    Fail::new(status, code, message).answer()
}
