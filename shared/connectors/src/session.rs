//! The one place that sends to a CRM: takes tokens, adds credentials, keeps to the deadline, retries in place.
//!
//! Only definite answers are retried (429, 503, busy, never sent). A write whose answer was lost is not: a late copy of
//! it could land over something newer.

use crate::connector::Call;
use crate::http::{Clock, Http, NoAnswer, Outgoing, RequestBody, Response};
use async_trait::async_trait;
use rtr_core::failure::{Class, Failure};
use rtr_core::retry::{MAX_TRIES, pause_ms};
use rtr_core::time::Instant;
use secrecy::SecretString;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

mod follow;
mod gate;
mod tape;

pub use gate::{Gate, Heard, Held, Quota};
pub use tape::{Answered, Called, Tape};

/// A wait for tokens up to this long is waited out in place, in milliseconds; a longer one goes back to the queue,
/// since a waiting function is paid for.
pub const SHORT_WAIT_MS: i64 = 1_500;
/// The least time a call may be given, in milliseconds: with less left it is not begun.
pub const LEAST_CALL_MS: i64 = 1_000;

/// The bucket of whatever is written.
const ANY: &str = "*";

/// How a connector reads the account's limits from an answer, where its CRM tells.
pub type ReadQuota = fn(&Response) -> Vec<Quota>;

/// Which credentials a caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Those at hand, if they still hold.
    Cached,
    /// New ones: those at hand were refused.
    Renewed,
}

/// Where an account is, and what opens it. They come together: a renewed token may be for another host.
pub struct Authorized {
    /// Scheme, host and path before the request's own path.
    pub base_url: String,
    /// The headers that authorise a request.
    pub headers: Vec<(String, SecretString)>,
}

/// Credentials as a session sees them.
#[async_trait]
pub trait Auth: Send + Sync {
    /// Where to send a request, and with which headers.
    ///
    /// # Errors
    /// A failure of class `Revoked` or `NoSecret` when a person must act, else one that passes.
    async fn authorize(&self, freshness: Freshness) -> Result<Authorized, Failure>;
}

/// How a connector reads an answer: nothing when it is as hoped, else what is wrong with the call as a whole.
pub type Classify = fn(&Response, Instant) -> Option<Failure>;

/// How many calls may be sent again, all of a session's together. So that what keeps failing costs an invocation a few
/// calls, however many kinds of call its record needs.
#[derive(Debug, Default)]
pub struct Retries(Option<AtomicU32>);

impl Retries {
    /// No more than so many.
    #[must_use]
    pub fn at_most(count: u32) -> Self {
        Self(Some(AtomicU32::new(count)))
    }

    /// Takes one; false when none is left.
    fn take(&self) -> bool {
        let Some(left) = &self.0 else { return true };
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// Whether the next call has been let through already.
#[derive(Debug, Default)]
pub struct Reserved(AtomicBool);

/// A connection, opened for one invocation.
pub struct Session<'a> {
    /// The carrier.
    pub http: &'a dyn Http,
    /// Time and chance.
    pub clock: &'a dyn Clock,
    /// The limiter.
    pub gate: &'a dyn Gate,
    /// The credentials.
    pub auth: &'a dyn Auth,
    /// No call may last beyond this.
    pub deadline: Instant,
    /// The timeout of one call, in milliseconds.
    pub call_timeout_ms: i64,
    /// How many calls may be sent again in all; without a number each call has its own [`MAX_TRIES`].
    pub retries: Retries,
    /// What [`Session::reserve`] has taken.
    pub reserved: Reserved,
    /// The connector's reading of an answer.
    pub classify: Classify,
    /// The connector's reading of the limits.
    pub quota: ReadQuota,
    /// What was sent.
    pub tape: Tape,
}

impl Session<'_> {
    /// Sends `call` and returns its answer, if the connector finds the call as a whole in order.
    ///
    /// # Errors
    /// What went wrong with the call, classified.
    pub async fn send(&self, call: &Call) -> Result<Response, Failure> {
        self.send_reading(call, self.classify).await
    }

    /// The same with another reading of the answer: a batch's refusal may have to be read item by item, so its reader
    /// lets it through.
    ///
    /// # Errors
    /// What went wrong with the call, classified.
    pub async fn send_reading(&self, call: &Call, classify: Classify) -> Result<Response, Failure> {
        let (mut freshness, mut renewed) = (Freshness::Cached, false);
        let mut tries = 0;
        loop {
            let authorized = self.auth.authorize(freshness).await?;
            let asked = self.clock.now();
            self.enter(call.api).await?;
            // The new ones are at hand now: another try must not refuse them in their turn.
            freshness = Freshness::Cached;
            let began = self.clock.now();
            let answer = self.once(call, authorized).await;
            let took_ms = self.clock.now().since_ms(began);
            let status = answer.as_ref().ok().map(|response| response.status);
            let judged = answer.map(|response| (classify(&response, self.clock.now()), response));
            self.note(call, &judged, status, (began, took_ms, began.since_ms(asked)));
            let failure = match judged {
                Ok((None, response)) => {
                    self.gate.heard(Heard::Works, took_ms).await;
                    return Ok(response);
                }
                Ok((Some(failure), _)) => {
                    self.gate.heard(heard(&failure), took_ms).await;
                    failure
                }
                Err(failure) => {
                    // A call that was not begun says nothing.
                    if heard(&failure) == Heard::Fails {
                        self.gate.heard(Heard::Fails, took_ms).await;
                    }
                    failure
                }
            };
            tries += 1;
            match &failure.class {
                Class::Throttled { until } => {
                    let until = until.unwrap_or_else(|| self.clock.now().plus_ms(SHORT_WAIT_MS));
                    self.gate.block(call.api, until).await;
                    if tries >= MAX_TRIES || !self.may_wait(until, SHORT_WAIT_MS) || !self.retries.take() {
                        return Err(Failure { class: Class::Throttled { until: Some(until) }, ..failure });
                    }
                }
                Class::Unauthorized if !renewed => (freshness, renewed) = (Freshness::Renewed, true),
                Class::Unavailable | Class::Busy if tries < MAX_TRIES => self.pause(tries, failure).await?,
                // A question may be asked again: nothing can land late.
                Class::OutcomeUnknown if call.request.reads_only && tries < MAX_TRIES => {
                    self.pause(tries, failure).await?;
                }
                Class::OutcomeUnknown if call.request.reads_only => {
                    return Err(Failure { class: Class::Unavailable, ..failure });
                }
                _ => return Err(failure),
            }
        }
    }

    /// Keeps what was sent; what was not begun is none of it.
    fn note(
        &self,
        call: &Call,
        judged: &Result<(Option<Failure>, Response), Failure>,
        status: Option<u16>,
        (at, took_ms, waited_ms): (Instant, i64, i64),
    ) {
        let failure = match judged {
            Ok((failure, _)) => failure.as_ref(),
            Err(failure) if failure.class == Class::OutOfTime => return,
            Err(failure) => Some(failure),
        };
        self.tape.note(Called {
            at,
            method: call.request.method.as_str(),
            path: tape::bare(&call.request.path),
            status,
            answered: Answered::of(failure, status),
            code: failure.map(Failure::code),
            took_ms,
            waited_ms,
        });
    }

    /// Lets the next call through before it is made: what is written down before a call is written for nothing where that
    /// may not go. Credentials are at hand then, too.
    ///
    /// # Errors
    /// Why no call may go now: none was made.
    pub async fn reserve(&self) -> Result<(), Failure> {
        self.auth.authorize(Freshness::Cached).await?;
        if self.left_ms() < LEAST_CALL_MS {
            return Err(out_of_time());
        }
        self.enter(ANY).await?;
        self.reserved.0.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Forgets what was reserved: the call is not made, and the next one has to be let through by itself.
    pub fn release(&self) {
        self.reserved.0.store(false, Ordering::Relaxed);
    }

    async fn enter(&self, api: &str) -> Result<(), Failure> {
        if api == ANY && self.reserved.0.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        loop {
            let mut held = self.gate.resting();
            if held.is_none() {
                let entered = self.gate.enter(api).await;
                // What it asked for may have told it more.
                held = self.gate.resting();
                match entered {
                    Ok(()) => match self.gate.admit(api).await {
                        Ok(()) => return Ok(()),
                        Err(kept) => held = Some(kept),
                    },
                    Err(until) if held.is_none() => {
                        let longest_ms = self.gate.longest_wait_ms();
                        if !self.may_wait(until, longest_ms) {
                            let message = format!("the rate limit of `{api}` is used up");
                            return Err(Failure::new(Class::Throttled { until: Some(until) }, message));
                        }
                        self.sleep_until(until).await;
                    }
                    Err(_) => {}
                }
            }
            if let Some(Held { until, why }) = held {
                if !self.may_wait(until, SHORT_WAIT_MS) {
                    return Err(Failure::new(Class::Resting { until }, why));
                }
                self.sleep_until(until).await;
            }
        }
    }

    async fn sleep_until(&self, until: Instant) {
        self.clock.sleep_ms(until.since_ms(self.clock.now()).max(1)).await;
    }

    fn can_wait(&self, until: Instant, longest_ms: i64) -> bool {
        let wait = until.since_ms(self.clock.now());
        wait <= longest_ms && self.left_ms() - wait >= LEAST_CALL_MS
    }

    /// The same for a call that was not sent yet.
    fn may_wait(&self, until: Instant, longest_ms: i64) -> bool {
        self.can_wait(until, longest_ms) && self.gate.may_wait(until.since_ms(self.clock.now()))
    }

    /// The pause before a connector sends part of a call's items again, which were certainly not written. False: there
    /// is no time or no try left, so they keep their failure.
    pub async fn pause_for_items(&self, tries: u32, max_tries: u32) -> bool {
        let pause = pause_ms(tries, self.clock.random());
        if tries >= max_tries || self.left_ms() - pause < LEAST_CALL_MS {
            return false;
        }
        self.clock.sleep_ms(pause).await;
        true
    }

    async fn pause(&self, tries: u32, failure: Failure) -> Result<(), Failure> {
        let pause = pause_ms(tries, self.clock.random());
        if self.left_ms() - pause < LEAST_CALL_MS || !self.retries.take() {
            return Err(failure);
        }
        self.clock.sleep_ms(pause).await;
        Ok(())
    }

    fn left_ms(&self) -> i64 {
        self.deadline.since_ms(self.clock.now())
    }

    async fn once(&self, call: &Call, authorized: Authorized) -> Result<Response, Failure> {
        let Authorized { base_url, mut headers } = authorized;
        let left = self.left_ms();
        if left < LEAST_CALL_MS {
            return Err(out_of_time());
        }
        let body = match &call.request.body {
            RequestBody::Empty => Vec::new(),
            RequestBody::Json(value) => {
                headers.push(("content-type".to_owned(), "application/json".into()));
                value.to_string().into_bytes()
            }
            RequestBody::Csv(text) => {
                headers.push(("content-type".to_owned(), "text/csv; charset=UTF-8".into()));
                text.clone().into_bytes()
            }
        };
        if call.request.headers.iter().all(|(name, _)| *name != "accept") {
            headers.push(("accept".to_owned(), "application/json".into()));
        }
        let own = call.request.headers.iter();
        headers.extend(own.map(|(name, value)| ((*name).to_owned(), value.clone().into())));
        let timeout_ms = left.min(self.call_timeout_ms);
        let request = Outgoing {
            method: call.request.method,
            url: format!("{}{}", base_url.trim_end_matches('/'), call.request.path),
            headers,
            body,
            timeout: Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(1)),
            question: call.request.reads_only.then_some(call.api),
        };
        let answer = self.follow(self.http.send(request), timeout_ms).await;
        for quota in answer.as_ref().map(self.quota).unwrap_or_default() {
            self.gate.quota(quota);
        }
        answer.map_err(|error| match error {
            NoAnswer::NotSent(why) => {
                Failure::new(Class::Unavailable, format!("the CRM cannot be reached: {why}"))
            }
            NoAnswer::Unknown(why) => {
                Failure::new(Class::OutcomeUnknown, format!("the CRM did not answer: {why}"))
            }
            NoAnswer::HostRefused(why) => Failure::new(Class::HostRefused, why),
        })
    }
}

fn out_of_time() -> Failure {
    Failure::new(Class::OutOfTime, "the invocation has no time left for a call")
}

fn heard(failure: &Failure) -> Heard {
    match failure.class {
        Class::Unavailable | Class::OutcomeUnknown => Heard::Fails,
        Class::Throttled { .. } => Heard::Throttles,
        _ => Heard::Works,
    }
}
