//! What goes wrong, and for which requests. A fault is spent by the requests it matches, in the order they
//! come; nothing here is random, so a test knows exactly which call is hit.

use crate::clock::iso;
use serde_json::{Value, json};

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// The answer is held back for so many milliseconds.
    Latency(u64),
    /// This status instead of an answer; nothing is done.
    Status(StatusAnswer),
    /// The call is done and the connection cut.
    DropAfterCommit,
    /// The connection is cut at once; the call is done so many milliseconds later.
    DropThenCommit(i64),
    /// The connection is cut and nothing is ever done.
    Refuse,
    /// Searches see the write only so many milliseconds later.
    SearchLag(i64),
    /// The call is done; the answer is a 2xx without a body.
    EmptySuccess(u16),
    /// An HTML page with this status instead of an answer; nothing is done.
    Html(u16),
    /// The call is done; so many bytes of the answer arrive. `None` is half of them.
    Truncate(Option<usize>),
    /// The call is done; the results come in the opposite order.
    Reorder,
    /// The call is done; the last result is left out of the answer.
    Omit,
    /// The token the request carries expires at this moment.
    ExpireToken,
    /// A redirect to this place instead of an answer; nothing is done.
    Redirect(String),
    /// What becomes of a push on its way out.
    Push(Mishap),
}

/// The method that faults of pushes match.
pub(crate) const PUSH: &str = "PUSH";

/// What goes wrong with a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It never leaves, and the vendor believes it did.
    Lost,
    /// It is sent twice.
    Twice,
    /// It leaves so many milliseconds later.
    Late(i64),
    /// It is told backwards, behind the next one to its address, or after so many milliseconds.
    Behind(i64),
}

/// A status to answer with, and how much of the answer to replace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StatusAnswer {
    pub(crate) status: u16,
    /// `None` is what the vendor would say.
    pub(crate) body: Option<Value>,
    pub(crate) headers: Vec<(String, String)>,
}

/// A fault as it was set, and what is left of it.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) provider: String,
    pub(crate) account: String,
    pub(crate) name: String,
    pub(crate) effect: Effect,
    method: Option<String>,
    path: Option<String>,
    body: Option<String>,
    writes_only: bool,
    skip: u64,
    left: Option<u64>,
    until: Option<i64>,
    hits: u64,
    raw: Value,
}

/// The request a fault is tried against; `path` is the vendor's, with the query.
pub(crate) struct Target<'a> {
    pub(crate) provider: &'a str,
    pub(crate) account: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) writes: bool,
}

impl Fault {
    /// Reads a fault; `at` is its place in the input, for the message.
    pub(crate) fn parse(value: &Value, at: &str, now: i64) -> Result<Self, String> {
        let text = |holder: &Value, name: &str| match holder.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("{at}.{name}: expected a string")),
        };
        let count = |name: &str| match value.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(number) => number
                .as_u64()
                .map(Some)
                .ok_or_else(|| format!("{at}.{name}: expected a whole number, 0 or more")),
        };
        known(value, &["provider", "account", "match", "fault", "value", "count", "for_ms", "skip"], at)?;
        let name = text(value, "fault")?.ok_or_else(|| format!("{at}.fault: missing"))?;
        let matching = value.get("match").cloned().unwrap_or_else(|| json!({}));
        if !matching.is_object() {
            return Err(format!("{at}.match: expected an object of method, path, body"));
        }
        known(&matching, &["method", "path", "body"], &format!("{at}.match"))?;
        let method = text(&matching, "method")?;
        let effect = match method.as_ref().is_some_and(|method| method.eq_ignore_ascii_case(PUSH)) {
            true => mishap(&name, value.get("value"), at)?,
            false => effect(&name, value.get("value"), at)?,
        };
        Ok(Self {
            provider: text(value, "provider")?.unwrap_or_else(|| "*".to_owned()),
            account: text(value, "account")?.unwrap_or_else(|| "*".to_owned()),
            writes_only: matches!(effect, Effect::SearchLag(_)),
            name,
            effect,
            method,
            path: text(&matching, "path")?,
            body: text(&matching, "body")?,
            skip: count("skip")?.unwrap_or(0),
            left: count("count")?,
            until: count("for_ms")?.map(|ms| now + i64::try_from(ms).unwrap_or(i64::MAX / 2)),
            hits: 0,
            raw: value.clone(),
        })
    }

    pub(crate) fn is_of(&self, provider: &str, account: &str) -> bool {
        let same = |own: &str, other: &str| own == "*" || own == other;
        same(&self.provider, provider) && same(&self.account, account)
    }

    fn is_spent(&self, now: i64) -> bool {
        self.left == Some(0) || self.until.is_some_and(|until| until <= now)
    }

    fn matches(&self, target: &Target<'_>) -> bool {
        self.is_of(target.provider, target.account)
            && matches!(self.effect, Effect::Push(_)) == (target.method == PUSH)
            && (target.writes || !self.writes_only)
            && self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(target.method))
            && self.path.as_ref().is_none_or(|pattern| path_matches(pattern, target.path))
            && self.body.as_ref().is_none_or(|text| holds(target.body, text.as_bytes()))
    }

    fn view(&self, now: i64) -> Value {
        let mut view = self.raw.clone();
        view["hits"] = json!(self.hits);
        view["left"] = json!(self.left);
        view["until"] = json!(self.until.map(iso));
        view["active"] = json!(!self.is_spent(now));
        view
    }
}

/// A whole number, or what stands for it.
fn number(value: Option<&Value>, default: Option<u64>, at: &str) -> Result<u64, String> {
    match value {
        None | Some(Value::Null) => default.ok_or_else(|| format!("{at}.value: expected a whole number")),
        Some(number) => {
            number.as_u64().ok_or_else(|| format!("{at}.value: expected a whole number, 0 or more"))
        }
    }
}

/// A fault of pushes.
fn mishap(name: &str, value: Option<&Value>, at: &str) -> Result<Effect, String> {
    let ms = |default| number(value, default, at).map(|ms| i64::try_from(ms).unwrap_or(i64::MAX / 2));
    Ok(Effect::Push(match name {
        "lost" => Mishap::Lost,
        "twice" => Mishap::Twice,
        "late" => Mishap::Late(ms(None)?),
        "reorder" => Mishap::Behind(ms(Some(1000))?),
        other => {
            return Err(format!(
                "{at}.fault: \"{other}\" is none of a push: lost, twice, late, reorder (a receiver that fails is \
                 the receiver's to play)"
            ));
        }
    }))
}

fn effect(name: &str, value: Option<&Value>, at: &str) -> Result<Effect, String> {
    let number = |default: Option<u64>| number(value, default, at);
    let signed = |default| number(default).map(|ms| i64::try_from(ms).unwrap_or(i64::MAX / 2));
    let code = |default: u64| {
        let status = number(Some(default))?;
        u16::try_from(status)
            .ok()
            .filter(|status| (200..600).contains(status))
            .ok_or_else(|| format!("{at}.value: {status} is not an HTTP status from 200 to 599"))
    };
    Ok(match name {
        "latency" => Effect::Latency(number(None)?),
        "status" => Effect::Status(status(value, at)?),
        "drop_after_commit" => Effect::DropAfterCommit,
        "drop_then_commit" => Effect::DropThenCommit(signed(Some(1000))?),
        "refuse" => Effect::Refuse,
        "search_lag" => Effect::SearchLag(signed(None)?),
        "empty_2xx" => Effect::EmptySuccess(code(200)?),
        "html" => Effect::Html(code(200)?),
        "truncate" => match value {
            None | Some(Value::Null) => Effect::Truncate(None),
            Some(_) => Effect::Truncate(Some(usize::try_from(number(None)?).unwrap_or(usize::MAX))),
        },
        "reorder" => Effect::Reorder,
        "omit" => Effect::Omit,
        "expire_token" => Effect::ExpireToken,
        "redirect" => match value.and_then(Value::as_str) {
            Some(place) => Effect::Redirect(place.to_owned()),
            None => return Err(format!("{at}.value: expected the URL to redirect to")),
        },
        "lost" | "twice" | "late" => {
            return Err(format!(
                "{at}.fault: \"{name}\" is of pushes alone: with {at}.match.method \"{PUSH}\""
            ));
        }
        other => {
            return Err(format!(
                "{at}.fault: \"{other}\" is not one of latency, status, drop_after_commit, drop_then_commit, refuse, \
                 search_lag, empty_2xx, html, truncate, reorder, omit, expire_token, redirect"
            ));
        }
    })
}

fn status(value: Option<&Value>, at: &str) -> Result<StatusAnswer, String> {
    let value = value.unwrap_or(&Value::Null);
    let number = value.as_u64().or_else(|| value.get("status").and_then(Value::as_u64));
    let status =
        number.and_then(|number| u16::try_from(number).ok()).filter(|code| (200..600).contains(code));
    let status =
        status.ok_or_else(|| format!("{at}.value: expected a status, or an object with one (200 to 599)"))?;
    let headers = value.get("headers").and_then(Value::as_object).into_iter().flatten();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let headers = headers.map(|(name, value)| (name.to_lowercase(), plain(value))).collect();
    Ok(StatusAnswer { status, body: value.get("body").cloned(), headers })
}

/// A pattern with `*` covers the whole path without its query; one without is found anywhere in either.
fn path_matches(pattern: &str, path: &str) -> bool {
    if !pattern.contains('*') {
        return path.contains(pattern);
    }
    let bare = path.split('?').next().unwrap_or_default();
    let pieces: Vec<&str> = pattern.split('*').collect();
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return false };
    let Some(mut rest) = bare.strip_prefix(first) else { return false };
    for piece in pieces.get(1..pieces.len() - 1).unwrap_or_default() {
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

fn holds(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

/// All faults that are set.
#[derive(Clone, Default)]
pub(crate) struct FaultSet {
    faults: Vec<Fault>,
}

impl FaultSet {
    /// The effects on this request, in the order the faults were set; each fault that matches is spent by one.
    pub(crate) fn take(&mut self, target: &Target<'_>, now: i64) -> Vec<(String, Effect)> {
        let mut taken = Vec::new();
        for fault in self.faults.iter_mut().filter(|fault| !fault.is_spent(now) && fault.matches(target)) {
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.left = fault.left.map(|left| left.saturating_sub(1));
            fault.hits += 1;
            taken.push((fault.name.clone(), fault.effect.clone()));
        }
        taken
    }

    /// Replaces the faults of every account that is named; given none, clears all.
    pub(crate) fn replace(&mut self, new: Vec<Fault>) {
        if new.is_empty() {
            self.faults.clear();
        }
        self.faults.retain(|old| {
            !new.iter().any(|fault| fault.provider == old.provider && fault.account == old.account)
        });
        self.faults.extend(new);
    }

    /// Forgets the faults set for exactly this account.
    pub(crate) fn clear(&mut self, provider: Option<&str>, account: Option<&str>) {
        self.faults.retain(|fault| {
            provider.is_some_and(|name| name != fault.provider)
                || account.is_some_and(|name| name != fault.account)
        });
    }

    pub(crate) fn view(&self, now: i64) -> Vec<Value> {
        self.faults.iter().map(|fault| fault.view(now)).collect()
    }
}

/// Refuses keys that mean nothing: a misspelt filter would else hit everything.
pub(crate) fn known(value: &Value, keys: &[&str], at: &str) -> Result<(), String> {
    let unknown =
        value.as_object().into_iter().flatten().map(|(key, _)| key).find(|key| !keys.contains(&key.as_str()));
    match unknown {
        Some(key) => Err(format!("{at}.{key}: unknown; known are {}", keys.join(", "))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target<'a>(method: &'a str, path: &'a str, body: &'a [u8]) -> Target<'a> {
        Target { provider: "hubspot", account: "acme", method, path, body, writes: method != "GET" }
    }

    fn set(value: Value) -> FaultSet {
        let mut set = FaultSet::default();
        set.replace(vec![Fault::parse(&value, "[0]", 1000).expect("valid")]);
        set
    }

    #[test]
    fn given_a_count_and_a_skip_when_requests_come_then_exactly_those_are_hit() {
        let mut set = set(json!({"fault": "refuse", "count": 2, "skip": 1}));
        let hits: Vec<usize> = (0..5).map(|_| set.take(&target("GET", "/x", b""), 1000).len()).collect();
        assert_eq!(hits, [0, 1, 1, 0, 0]);
    }

    #[test]
    fn given_a_duration_when_it_has_passed_then_the_fault_is_over() {
        let mut set = set(json!({"fault": "latency", "value": 5, "for_ms": 100}));
        assert_eq!(set.take(&target("GET", "/x", b""), 1099).len(), 1);
        assert_eq!(set.take(&target("GET", "/x", b""), 1100).len(), 0);
    }

    #[test]
    fn given_a_match_when_any_part_differs_then_nothing_happens() {
        let mut set = set(json!({"provider": "hubspot", "account": "acme", "fault": "refuse",
            "match": {"method": "post", "path": "*/batch/upsert", "body": "ada@"}}));
        assert_eq!(set.take(&target("POST", "/crm/v3/objects/contacts/batch/upsert", b"ada@x"), 0).len(), 1);
        assert_eq!(set.take(&target("GET", "/crm/v3/objects/contacts/batch/upsert", b"ada@x"), 0).len(), 0);
        assert_eq!(set.take(&target("POST", "/crm/v3/objects/contacts/batch/read", b"ada@x"), 0).len(), 0);
        assert_eq!(set.take(&target("POST", "/crm/v3/objects/contacts/batch/upsert", b"bob@x"), 0).len(), 0);
    }

    #[test]
    fn given_faults_of_pushes_and_of_requests_when_matched_then_each_strikes_its_own_alone() {
        let push = json!({"match": {"method": "push", "path": "/webhooks/"}, "fault": "late", "value": 5});
        let mut set = set(push);
        let every = Fault::parse(&json!({"fault": "latency", "value": 1}), "[1]", 0).expect("valid");
        set.faults.push(every);
        let mut names = |method: &str| -> Vec<String> {
            let taken = set.take(&target(method, "http://x/webhooks/acme", b""), 1000);
            taken.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!((names(PUSH), names("POST")), (vec!["late".to_owned()], vec!["latency".to_owned()]));
        let error = |value: Value| Fault::parse(&value, "[3]", 0).expect_err("invalid");
        assert!(error(json!({"fault": "lost"})).starts_with("[3].fault: \"lost\" is of pushes alone"));
        let refused = error(json!({"match": {"method": "PUSH"}, "fault": "html"}));
        assert!(refused.starts_with("[3].fault: \"html\" is none of a push"), "{refused}");
        assert!(error(json!({"match": {"method": "PUSH"}, "fault": "late"})).starts_with("[3].value"));
    }

    #[test]
    fn given_globs_when_matched_then_they_cover_the_whole_path() {
        assert!(path_matches("/crm/*/contacts*", "/crm/v3/objects/contacts/1?x=y"));
        assert!(!path_matches("/crm/*/contacts", "/crm/v3/objects/contacts/1"));
        assert!(path_matches("x=y", "/a?x=y"));
        assert!(path_matches("*", "/a"));
    }

    #[test]
    fn given_nonsense_when_parsed_then_the_place_is_named() {
        let error = |value: Value| Fault::parse(&value, "[3]", 0).expect_err("invalid");
        assert!(error(json!({"fault": "boom"})).starts_with("[3].fault: \"boom\" is not one of"));
        assert!(error(json!({"fault": "latency", "value": "x"})).starts_with("[3].value"));
        assert!(error(json!({"fault": "status", "value": 99})).starts_with("[3].value"));
        assert!(error(json!({"fault": "redirect"})).starts_with("[3].value"));
    }
}
