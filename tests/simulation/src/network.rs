//! The way to the CRMs: requests travel, arrive though their sender may be gone, and their answers may not come back.

use crate::core::{Core, EnvId};
use crate::faults::{Fault, Site};
use crate::kernel::{Promise, held};
use crate::lambda::Happen;
use crate::place::HOST;
use crate::scenario::{Mood, ORGS};
use async_trait::async_trait;
use futures::future::{Either, select};
use rtr_connectors::http::{Http, NoAnswer, Outgoing, Response};
use rtr_core::breaker::Breaker;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::general_bucket;
use rtr_core::time::Instant;
use rtr_sandbox::{Ending, Reply, Request};
use rtr_testkit::limits::MemoryLimits;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};

/// What comes back, or does not.
pub type Outcome = Result<Response, NoAnswer>;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To change something.
    Write,
    /// To ask something.
    Read,
    /// To get a token.
    Token,
}

/// A request under way.
pub struct Flight {
    /// The environment that sent it.
    pub env: EnvId,
    /// The vendor.
    pub provider: String,
    /// The account, which is the org's name.
    pub account: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The limit that holds it beside the general one, or the general one.
    pub part: &'static str,
    /// Which call of a job of the CRM's it is, if it is one.
    pub job: Option<&'static str>,
    /// What arrives.
    pub request: Request,
    /// When it was sent.
    pub sent_at: Instant,
    /// What the sandbox does with it, beside answering.
    effect: Option<Value>,
    /// Whether the answer gets back.
    answered: bool,
    answer: Arc<Promise<Outcome>>,
}

/// From whom an answer comes, and to whom.
pub struct From {
    /// The environment.
    pub env: EnvId,
    /// Vendor and account.
    pub at: (String, String),
    /// What was asked for.
    pub purpose: Purpose,
    /// The limit that a rest is of.
    pub part: &'static str,
}

impl From {
    fn of(flight: &Flight) -> Self {
        Self {
            env: flight.env,
            at: (flight.provider.clone(), flight.account.clone()),
            purpose: flight.purpose,
            part: flight.part,
        }
    }
}

/// A vendor's account answers nothing of a purpose.
struct Outage {
    provider: String,
    account: String,
    purpose: Purpose,
    until: Instant,
    /// Whether it says for how long.
    says: bool,
}

/// The network.
pub struct Network {
    core: Arc<Core>,
    limits: Arc<MemoryLimits>,
    alone: bool,
    flights: Mutex<BTreeMap<u64, Flight>>,
    down: Mutex<Vec<Outage>>,
}

impl Network {
    /// An empty one.
    #[must_use]
    pub fn new(core: &Arc<Core>, limits: &Arc<MemoryLimits>, mood: Mood) -> Self {
        Self {
            core: core.clone(),
            limits: limits.clone(),
            alone: mood == Mood::OneOrgAlone,
            flights: Mutex::default(),
            down: Mutex::default(),
        }
    }

    /// Takes the request that arrives now.
    pub fn arrive(&self, flight: u64) -> Option<Flight> {
        held(&self.flights).remove(&flight)
    }

    /// Ends every outage.
    pub fn calm(&self) {
        held(&self.down).clear();
    }

    fn outage(&self, flight: &Flight) -> Option<Value> {
        let now = self.core.kernel.now();
        let down = held(&self.down);
        let outage = down.iter().find(|outage| {
            outage.provider == flight.provider
                && outage.account == flight.account
                && outage.purpose == flight.purpose
                && now < outage.until
        })?;
        let seconds = (outage.until.since_ms(now) / 1_000).clamp(1, 40).to_string();
        Some(match outage.says {
            true => json!({"fault": "status", "value": {"status": 503, "headers": {"Retry-After": seconds}}}),
            false => json!({"fault": "status", "value": 503}),
        })
    }

    /// What the sandbox is to do with this flight beside answering: set for it alone.
    pub fn effect(&self, flight: &Flight) -> Option<Value> {
        self.outage(flight).or_else(|| flight.effect.clone()).map(|mut effect| {
            effect["provider"] = json!(flight.provider);
            effect["account"] = json!(flight.account);
            effect["count"] = json!(1);
            effect
        })
    }

    /// Sends the CRM's answer on its way back.
    pub fn answer(&self, flight: Flight, reply: Reply) {
        let outcome = if !flight.answered || reply.ending != Ending::Whole {
            Err(NoAnswer::Unknown("the connection was closed".to_owned()))
        } else {
            let headers =
                reply.headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
            Ok(Response { status: reply.status, headers, body: reply.body })
        };
        let back = self.core.kernel.draw(5..=60) + i64::try_from(reply.delay_ms).unwrap_or(0);
        let from = From::of(&flight);
        self.core.kernel.after(back, Happen::Answered(flight.answer, outcome, from));
    }
}

/// The breaker of `account`'s connection to `provider`, as the table has it.
pub fn breaker_of(limits: &MemoryLimits, provider: &str, account: &str) -> Breaker {
    let bucket = general_bucket(&ConnectionKey::new(account, provider));
    limits.state().breakers.get(&bucket).cloned().unwrap_or_default()
}

/// Provider, account and purpose of a request to the sandbox.
fn address(method: &str, path: &str) -> (String, String, Purpose) {
    let mut parts = path.trim_start_matches('/').splitn(3, '/');
    let (provider, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let rest = parts.next().unwrap_or_default();
    let asks = ["/search", "/batch/read", "/query"].iter().any(|part| rest.contains(part));
    let purpose = match () {
        () if rest.contains("oauth") => Purpose::Token,
        () if method == "GET" || asks => Purpose::Read,
        () => Purpose::Write,
    };
    (provider.to_owned(), account.to_owned(), purpose)
}

#[async_trait]
impl Http for Network {
    async fn send(&self, outgoing: Outgoing) -> Outcome {
        let core = &self.core;
        // The host ends where the path begins.
        let Some(path) = outgoing.url.strip_prefix(HOST).filter(|path| path.starts_with('/')) else {
            core.oracle().outside(&outgoing.url);
            return Err(NoAnswer::HostRefused("not an allowed host".to_owned()));
        };
        let method = outgoing.method.as_str();
        let (provider, account, purpose) = address(method, path);
        let mut request = Request::new(method, path);
        for (name, value) in &outgoing.headers {
            request = request.header(name, value.expose_secret());
        }
        request.body = outgoing.body;
        let dies = if purpose == Purpose::Write { core.dooms(core.env(), &request.body) } else { None };
        if dies == Some(false) {
            return std::future::pending().await;
        }
        let answer: Arc<Promise<Outcome>> = Arc::default();
        let (env, effect) = (core.env(), None);
        let part = crate::place::part(&account, &provider, path.ends_with("/search"));
        let job = crate::jobs::step(method, path, &request.body);
        let mut flight = Flight {
            env,
            provider,
            account,
            purpose,
            part,
            job,
            request,
            sent_at: core.kernel.now(),
            effect,
            answered: true,
            answer: answer.clone(),
        };
        let breaker = breaker_of(&self.limits, &flight.provider, &flight.account);
        core.oracle().sent(core.kernel.now(), core.skew(env), &flight, &breaker);
        core.steps(
            env,
            flight.job.unwrap_or(match flight.purpose {
                Purpose::Write => "CRM write",
                Purpose::Read => "CRM question",
                Purpose::Token => "CRM token",
            }),
        );
        let lands = self.strike(&mut flight);
        let number = core.kernel.next();
        core.trace.note(core.kernel.now(), "call", || {
            format!("#{number} {} {} (env {env})", flight.request.method, flight.request.path)
        });
        if let Some(ms) = lands {
            held(&self.flights).insert(number, flight);
            core.kernel.after(ms, Happen::Arrives(number));
        }
        let timeout = i64::try_from(outgoing.timeout.as_millis()).unwrap_or(i64::MAX);
        match select(pin!(answer.kept()), pin!(core.kernel.sleep(timeout))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Err(NoAnswer::Unknown("timed out".to_owned())),
        }
    }
}

impl Network {
    /// Lets what strikes now strike: in how many milliseconds the request arrives, if it does.
    fn strike(&self, flight: &mut Flight) -> Option<i64> {
        let core = &self.core;
        let on_its_way = core.kernel.draw(5..=60);
        let site = match flight.purpose {
            Purpose::Write => Site::CrmWrite,
            Purpose::Read => Site::CrmRead,
            Purpose::Token => Site::CrmToken,
        };
        // Where one org alone is in trouble, the others' calls are no chance of it.
        if self.alone && flight.account != ORGS[0] {
            return Some(on_its_way);
        }
        let struck = core.chance(site);
        let list = if flight.job == Some("job results") { core.chance(Site::JobList) } else { None };
        let Some((fault, how)) = struck.or(list) else { return Some(on_its_way) };
        if fault == Fault::CrmReorders && flight.provider == "salesforce" {
            // Salesforce promises its results in the order of the records.
            return Some(on_its_way);
        }
        core.fire(fault);
        let closed = || Err(NoAnswer::Unknown("the connection was closed".to_owned()));
        match fault {
            Fault::CrmNeverCame => {
                let outcome =
                    if how % 2 == 0 { closed() } else { Err(NoAnswer::NotSent("refused".to_owned())) };
                let answer = flight.answer.clone();
                let from = From::of(flight);
                core.kernel.after(on_its_way, Happen::Answered(answer, outcome, from));
                return None;
            }
            Fault::CrmLandsLate => {
                let life_ms = if flight.provider == "salesforce" { 120_000 } else { 60_000 };
                let from = From::of(flight);
                let cut = Happen::Answered(flight.answer.clone(), closed(), from);
                core.kernel.after(on_its_way, cut);
                flight.answered = false;
                // It came within its life, counted from when it was sent.
                return Some(1_000 + i64::from(how) % (life_ms - 1_000));
            }
            Fault::CrmAnswerLost | Fault::CrmReadLost | Fault::RefreshLost => flight.answered = false,
            Fault::CrmDown | Fault::CrmReadDown | Fault::RefreshDown => {
                held(&self.down).push(Outage {
                    provider: flight.provider.clone(),
                    account: flight.account.clone(),
                    purpose: flight.purpose,
                    until: core.kernel.now().plus_ms(i64::from(how % 600_000)),
                    says: how % 3 == 0,
                });
            }
            _ => flight.effect = effect(fault, how, &flight.provider),
        }
        Some(on_its_way)
    }
}

/// The fault as the sandbox knows it.
fn effect(fault: Fault, how: u32, provider: &str) -> Option<Value> {
    let of = |name: &str, value: Value| Some(json!({"fault": name, "value": value}));
    match fault {
        Fault::CrmThrottles | Fault::CrmThrottlesReads => {
            of("status", json!({"status": 429, "headers": {"Retry-After": (1 + how % 40).to_string()}}))
        }
        Fault::CrmThrottlesSilently => of("status", json!(429)),
        Fault::CrmThrottlesWrongly => {
            of("status", json!({"status": 429, "headers": {"Retry-After": "soon"}}))
        }
        Fault::CrmQuota if provider == "salesforce" => of(
            "status",
            json!({"status": 403, "body": [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]}),
        ),
        Fault::CrmQuota => of("status", json!({"status": 429, "headers": {"Retry-After": "1"}})),
        Fault::CrmSlow => of("latency", json!(5_000 + how % 35_000)),
        Fault::CrmReorders => of("reorder", Value::Null),
        Fault::CrmOmits => of("omit", Value::Null),
        Fault::CrmSearchLags => of("search_lag", json!(how % 10_000)),
        Fault::TokenExpires => of("expire_token", Value::Null),
        Fault::CrmEmpty => of("empty_2xx", json!(200)),
        Fault::CrmPage => of("html", json!([200, 502, 503][how as usize % 3])),
        Fault::CrmTruncates | Fault::JobListCut => of("truncate", Value::Null),
        Fault::CrmRedirects => of("redirect", json!("http://169.254.169.254/latest/meta-data/")),
        _ => None,
    }
}
