//! One call within a composite one, and what it may say of the answers of those before it: `@{ref.id}`.

use super::Salesforce;
use super::access::Context;
use super::errors::Fail;
use crate::http::Request;
use crate::provider::{Answer, Call, Env};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A call within a call.
#[derive(Debug, Clone)]
pub(super) struct Subrequest {
    pub(super) name: String,
    method: String,
    /// With the path from `/services` on.
    url: String,
    body: Value,
    headers: Vec<(String, String)>,
}

/// The answers so far, by the name of their call; `None` for one that failed.
#[derive(Debug, Default)]
pub(super) struct Answers(BTreeMap<String, Option<Value>>);

impl Answers {
    pub(super) fn add(&mut self, name: &str, answer: &Answer) {
        let body = (answer.status < 300).then(|| answer.body.clone().unwrap_or(Value::Null));
        self.0.insert(name.to_owned(), body);
    }

    /// What `ref.records[0].Id` stands for.
    fn find(&self, path: &str) -> Result<&Value, Fail> {
        let name = path.split(['.', '[']).next().unwrap_or_default();
        let missing = || {
            let message = format!("Invalid reference specified. No value for {path} found in {name}");
            Fail::bad("PROCESSING_HALTED", message)
        };
        let mut value = self.0.get(name).and_then(Option::as_ref).ok_or_else(missing)?;
        let rest = path.get(name.len()..).unwrap_or_default();
        for step in rest.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
            let next = match step.parse::<usize>() {
                Ok(at) if value.is_array() => value.get(at),
                _ => value.get(step),
            };
            value = next.ok_or_else(missing)?;
        }
        Ok(value)
    }

    fn fill_text(&self, text: &str) -> Result<String, Fail> {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((head, tail)) = rest.split_once("@{") {
            let Some((path, after)) = tail.split_once('}') else { break };
            let value = self.find(path)?;
            out.push_str(head);
            out.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn fill(&self, value: &Value) -> Result<Value, Fail> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix("@{").and_then(|rest| rest.strip_suffix('}')) {
                Some(path) if !path.contains(['{', '}']) => self.find(path)?.clone(),
                _ => json!(self.fill_text(text)?),
            },
            Value::Array(list) => list.iter().map(|one| self.fill(one)).collect::<Result<_, _>>()?,
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(name, one)| Ok((name.clone(), self.fill(one)?)))
                    .collect::<Result<_, Fail>>()?,
            ),
            other => other.clone(),
        })
    }
}

impl Subrequest {
    /// One entry of `compositeRequest`.
    pub(super) fn read(entry: &Value) -> Result<Self, Fail> {
        let name = text(entry, "referenceId")?;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if !name.chars().all(plain) || !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            return Err(Fail::bad(
                "INVALID_INPUT",
                format!(
                    "Provided referenceId ('{name}') must start with a letter and hold letters, digits and underscores alone"
                ),
            ));
        }
        let url = text(entry, "url")?;
        if !url.starts_with("/services/data/") {
            return Err(Fail::bad(
                "INVALID_INPUT",
                format!("The url {url} has to begin with /services/data/"),
            ));
        }
        Self::new(name, url, entry, "body")
    }

    /// One entry of `batchRequests`, whose URL begins with the version.
    pub(super) fn read_batch(entry: &Value, context: &Context) -> Result<Self, Fail> {
        let url = text(entry, "url")?;
        let bare = url.trim_start_matches('/').trim_start_matches("services/data/");
        if !bare.starts_with('v') {
            return Err(Fail::bad(
                "INVALID_INPUT",
                format!("The url {url} has to begin with {}", context.version),
            ));
        }
        Self::new("", &format!("/services/data/{bare}"), entry, "richInput")
    }

    fn new(name: &str, url: &str, entry: &Value, input: &str) -> Result<Self, Fail> {
        let method = text(entry, "method")?.to_owned();
        if !["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"].contains(&method.as_str()) {
            return Err(Fail::bad("INVALID_INPUT", format!("{method} is not an HTTP method")));
        }
        let headers = entry.get("httpHeaders").and_then(Value::as_object).into_iter().flatten();
        let headers =
            headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        let body = entry.get(input).cloned().unwrap_or(Value::Null);
        Ok(Self { name: name.to_owned(), method, url: url.to_owned(), body, headers })
    }

    /// Whether it is a query or a collection, of which a composite call may have but a few.
    pub(super) fn is_large(&self) -> bool {
        ["/query", "/composite/sobjects"].iter().any(|part| self.url.contains(part))
    }

    /// The call with what it refers to in its place.
    pub(super) fn filled(&self, answers: &Answers) -> Result<Self, Fail> {
        Ok(Self { url: answers.fill_text(&self.url)?, body: answers.fill(&self.body)?, ..self.clone() })
    }

    /// Makes the call, with the outer call's headers where it has none of its own.
    pub(super) fn run(&self, org: &mut Salesforce, outer: &Call<'_>, env: &mut Env<'_>) -> Answer {
        let nested = self.url.contains("/composite") && !self.url.contains("/composite/sobjects");
        if nested {
            return Fail::bad("INVALID_INPUT", "A composite call cannot hold another one").answer();
        }
        let own = |name: &str| self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let inherited = outer
            .request
            .headers
            .iter()
            .filter(|(name, _)| !own(name) && !name.eq_ignore_ascii_case("content-type"));
        let headers = inherited.chain(&self.headers).cloned().collect();
        let mut request = Request { headers, ..Request::new(&self.method, &self.url) };
        if !self.body.is_null() {
            request = request.json(&self.body);
        }
        org.route(&Call::new(&request, 0), env).unwrap_or_else(Fail::answer)
    }
}

fn text<'a>(entry: &'a Value, name: &str) -> Result<&'a str, Fail> {
    let found = entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    found.ok_or_else(|| Fail::bad("REQUIRED_FIELD_MISSING", format!("{name} is required on every call")))
}
