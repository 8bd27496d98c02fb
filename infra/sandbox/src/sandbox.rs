//! The state machine: faults, credentials, limits, then the vendor; and what the network does to the answer.
//!
//! Order matters and is the real one: what stands before the CRM (a broken network, a redirect) acts before
//! the CRM sees anything; a call that is refused is never done; a call that is done stays done whatever
//! becomes of its answer.

use crate::control;
use crate::faults::{Effect, FaultSet, Target};
use crate::feed::Change;
use crate::http::{Ending, Reply, Request};
use crate::journal::{Entry, Journal};
use crate::limits::Limiter;
use crate::provider::{Answer, Call, Crm, Env, Kind, PROVIDERS};
use crate::push::Pushes;
use crate::push::vendor::Author;
use crate::tokens::TokenBook;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One account: a CRM of its own, with its own tokens and limits.
pub(crate) struct Account {
    pub(crate) crm: Box<dyn Crm>,
    pub(crate) tokens: TokenBook,
    pub(crate) limiter: Limiter,
}

impl Clone for Account {
    fn clone(&self) -> Self {
        Self { crm: self.crm.copy(), tokens: self.tokens.clone(), limiter: self.limiter.clone() }
    }
}

/// A write whose answer was cut and which lands later.
#[derive(Clone)]
struct Pending {
    due: i64,
    provider: String,
    account: String,
    request: Request,
    search_lag: i64,
}

/// Every account of every vendor, and what was asked of them.
#[derive(Clone, Default)]
pub struct Sandbox {
    pub(crate) accounts: BTreeMap<(String, String), Account>,
    pub(crate) faults: FaultSet,
    pub(crate) journal: Journal,
    pub(crate) pushes: Pushes,
    pending: Vec<Pending>,
    serial: u64,
    watched: bool,
}

impl Sandbox {
    /// An empty sandbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins to note which records are written, in accounts that are there and in those to come.
    pub fn watch(&mut self) {
        self.watched = true;
        self.accounts.values_mut().for_each(|account| account.crm.watch());
    }

    /// The records written since this was last asked, each once, as they are now.
    pub fn changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for ((provider, account), held) in &mut self.accounts {
            changes.extend(held.crm.touched().into_iter().map(|(object, id, values)| Change {
                provider: provider.clone(),
                account: account.clone(),
                object,
                id,
                values,
            }));
        }
        changes
    }

    /// Answers one request at a time given by the caller, in milliseconds since 1970. Times must not go back.
    pub fn handle(&mut self, now_ms: i64, request: &Request) -> Reply {
        self.advance(now_ms);
        let path = request.path.split('?').next().unwrap_or_default();
        let mut parts = path.trim_start_matches('/').splitn(3, '/');
        match (parts.next().unwrap_or_default(), parts.next()) {
            ("" | "index.html", None) => control::page(),
            ("_sandbox", Some(_)) => {
                let reply = control::handle(self, now_ms, request);
                // What was put in place is as if it had always been there.
                self.hear(now_ms, None);
                reply
            }
            (provider, Some(account))
                if !account.is_empty() && PROVIDERS.iter().any(|(name, _)| *name == provider) =>
            {
                let reply = self.vendor(now_ms, provider, account, request);
                self.hear(now_ms, Some(Author::Integration));
                reply
            }
            (provider, _) => {
                let known: Vec<&str> = PROVIDERS.iter().map(|(name, _)| *name).collect();
                let message = format!("no provider \"{provider}\": the path is /<provider>/<account>/…");
                Reply::json(404, &json!({"error": message, "providers": known}))
            }
        }
    }

    /// Does the writes that fall due by this time.
    pub fn advance(&mut self, now_ms: i64) {
        while let Some(next) = (0..self.pending.len())
            .filter(|at| self.pending.get(*at).is_some_and(|write| write.due <= now_ms))
            .min_by_key(|at| self.pending.get(*at).map(|write| write.due))
        {
            let write = self.pending.remove(next);
            let skip = write.provider.len() + write.account.len() + 2;
            let call = Call::new(&write.request, skip);
            let serial = self.next_serial();
            let account = self.account(&write.provider, &write.account);
            let Some(account) = account else { continue };
            account.crm.advance(write.due);
            let (base, tokens) = (String::new(), &mut account.tokens);
            let daily = account.limiter.daily(write.due);
            let mut env = Env { now: write.due, serial, search_lag: write.search_lag, tokens, base, daily };
            account.crm.serve(&call, &mut env);
        }
        self.accounts.values_mut().for_each(|account| account.crm.advance(now_ms));
        self.hear(now_ms, Some(Author::Integration));
    }

    /// When the next write falls due that was cut off from its answer, or that a vendor has taken upon itself.
    pub fn next_due(&self) -> Option<i64> {
        let pending = self.pending.iter().map(|write| write.due);
        pending.chain(self.accounts.values().filter_map(|account| account.crm.next_due())).min()
    }

    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The account, which comes into being when it is first asked for; `None` if there is no such vendor.
    pub(crate) fn account(&mut self, provider: &str, name: &str) -> Option<&mut Account> {
        let (_, open) = PROVIDERS.iter().find(|(known, _)| *known == provider)?;
        let entry = self.accounts.entry((provider.to_owned(), name.to_owned()));
        let watched = self.watched;
        Some(entry.or_insert_with(|| {
            let mut crm = open(name);
            if watched {
                crm.watch();
            }
            let mut tokens = TokenBook::new(&format!("{provider}/{name}"));
            tokens.lifetime = crm.token_lifetime();
            Account { crm, tokens, limiter: Limiter::default() }
        }))
    }

    /// Forgets accounts with all that belongs to them; the sequence of requests goes on.
    pub(crate) fn reset(&mut self, provider: Option<&str>, account: Option<&str>) {
        let gone =
            |p: &str, a: &str| provider.is_none_or(|name| name == p) && account.is_none_or(|name| name == a);
        self.accounts.retain(|(p, a), _| !gone(p, a));
        self.pending.retain(|write| !gone(&write.provider, &write.account));
        self.journal.forget(|entry| gone(&entry.provider, &entry.account));
        self.faults.clear(provider, account);
        self.pushes.forget(gone);
    }

    fn vendor(&mut self, now: i64, provider: &str, name: &str, request: &Request) -> Reply {
        let skip = provider.len() + name.len() + 2;
        let call = Call::new(request, skip);
        let Some(account) = self.account(provider, name) else { return Reply::cut() };
        let kind = account.crm.kind(&call);
        let target = Target {
            provider,
            account: name,
            method: &request.method,
            path: request.path.get(skip..).unwrap_or_default(),
            body: &request.body,
            writes: kind.writes,
        };
        let taken = self.faults.take(&target, now);
        let seq = self.journal.next_seq();
        let effects: Vec<&Effect> = taken.iter().map(|(_, effect)| effect).collect();
        let reply = self.answer(now, (provider, name), &call, kind, &effects);
        let names: Vec<&str> = taken.iter().map(|(name, _)| name.as_str()).collect();
        self.journal.push(Entry {
            seq,
            at: now,
            provider: provider.to_owned(),
            account: name.to_owned(),
            method: request.method.clone(),
            path: target.path.split('?').next().unwrap_or_default().to_owned(),
            status: if reply.ending == Ending::Cut { 0 } else { reply.status },
            items: kind.items,
            fault: (!names.is_empty()).then(|| names.join("+")),
            // A token call's body holds secrets.
            body: (kind.api != "auth").then(|| request.body.clone()),
        });
        reply
    }

    fn answer(
        &mut self,
        now: i64,
        of: (&str, &str),
        call: &Call<'_>,
        kind: Kind,
        effects: &[&Effect],
    ) -> Reply {
        let serial = self.next_serial();
        let delay_ms =
            effects.iter().map(|effect| if let Effect::Latency(ms) = effect { *ms } else { 0 }).sum();
        let lag = |effect: &&Effect| if let Effect::SearchLag(ms) = effect { Some(*ms) } else { None };
        let search_lag = effects.iter().filter_map(lag).max().unwrap_or(0);
        let Some(account) = self.account(of.0, of.1) else { return Reply::cut() };
        let base = match call.request.find_header("host") {
            Some(host) => format!("http://{host}/{}/{}", of.0, of.1),
            None => format!("/{}/{}", of.0, of.1),
        };
        let Account { crm, tokens, limiter } = account;
        let daily = limiter.daily(now);
        let mut env = Env { now, serial, search_lag, tokens, base, daily };
        if let Some(reply) = before(crm.as_ref(), effects, &mut env) {
            return Reply { delay_ms, ..reply };
        }
        if effects.contains(&&Effect::ExpireToken)
            && let Some(token) = call.bearer()
        {
            env.tokens.expire(now, Some(token));
        }
        let refused = crm
            .authorise(call, &mut env)
            .and_then(|()| limiter.admit(kind.api, now).map_err(|reached| crm.limited(&reached, &mut env)));
        if let Err(answer) = refused {
            return Reply { delay_ms, ..finish(answer, effects) };
        }
        let late = effects
            .iter()
            .find_map(|effect| if let Effect::DropThenCommit(ms) = effect { Some(*ms) } else { None });
        if let Some(wait) = late {
            let (provider, account, request) = (of.0.to_owned(), of.1.to_owned(), call.request.clone());
            self.pending.push(Pending { due: now + wait, provider, account, request, search_lag });
            return Reply { delay_ms, ..Reply::cut() };
        }
        let mut answer = crm.serve(call, &mut env);
        answer.headers.extend(crm.quota(kind, &limiter.limits, now));
        let delay_ms = delay_ms + answer.takes_ms;
        Reply { delay_ms, ..finish(answer, effects) }
    }
}

/// What answers in the CRM's stead.
fn before(crm: &dyn Crm, effects: &[&Effect], env: &mut Env<'_>) -> Option<Reply> {
    effects.iter().find_map(|effect| match effect {
        Effect::Refuse => Some(Reply::cut()),
        Effect::Redirect(place) => {
            let mut reply = Reply::bytes(302, "text/plain", Vec::new());
            reply.headers.push(("location".to_owned(), place.clone()));
            Some(reply)
        }
        Effect::Html(status) => {
            Some(Reply::bytes(*status, "text/html;charset=utf-8", PROXY_PAGE.as_bytes().to_vec()))
        }
        Effect::Status(wanted) => {
            let mut answer = crm.failure(wanted.status, env);
            if let Some(body) = &wanted.body {
                answer.body = Some(body.clone());
            }
            answer.headers.retain(|(name, _)| !wanted.headers.iter().any(|(other, _)| other == name));
            answer.headers.extend(wanted.headers.iter().cloned());
            Some(write(answer))
        }
        _ => None,
    })
}

const PROXY_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>One moment, please</title></head>\
    <body><h1>We will be right back</h1><p>This page came from a proxy.</p></body></html>\n";

/// Applies to an answer what happens on its way back.
fn finish(mut answer: Answer, effects: &[&Effect]) -> Reply {
    for effect in effects {
        match effect {
            Effect::Reorder => results(&mut answer, |list| list.reverse()),
            Effect::Omit => results(&mut answer, |list| {
                list.pop();
            }),
            _ => {}
        }
    }
    let mut reply = write(answer);
    for effect in effects {
        match effect {
            Effect::EmptySuccess(status) if reply.status < 300 => {
                reply.status = *status;
                reply.body.clear();
            }
            Effect::Truncate(bytes) if !reply.body.is_empty() => {
                let kept = bytes.unwrap_or(reply.body.len() / 2).min(reply.body.len() - 1);
                reply.ending = Ending::Truncated(kept);
            }
            Effect::DropAfterCommit => return Reply::cut(),
            _ => {}
        }
    }
    reply
}

/// A success's list of results: the body itself, or what it holds under the vendor's name for it.
fn results(answer: &mut Answer, change: impl FnOnce(&mut Vec<Value>)) {
    if answer.status >= 300 {
        return;
    }
    let list = match answer.body.as_mut() {
        Some(Value::Array(list)) => Some(list),
        Some(Value::Object(body)) => ["results", "compositeResponse", "records"]
            .iter()
            .find(|name| body.get(**name).is_some_and(Value::is_array))
            .and_then(|name| body.get_mut(*name))
            .and_then(Value::as_array_mut),
        _ => None,
    };
    if let Some(list) = list {
        change(list);
    }
}

fn write(answer: Answer) -> Reply {
    let mut reply = match (answer.page, answer.body) {
        (Some(page), _) => Reply::bytes(answer.status, "text/html;charset=utf-8", page.into_bytes()),
        (None, Some(Value::String(text))) if answer.plain => {
            Reply::bytes(answer.status, "text/plain", text.into_bytes())
        }
        (None, Some(body)) => Reply::json(answer.status, &body),
        (None, None) => Reply { status: answer.status, ending: Ending::Whole, ..Reply::cut() },
    };
    reply.headers.extend(answer.headers);
    reply
}
