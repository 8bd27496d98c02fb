//! Requests, as API Gateway's HTTP API hands them over (payload version 2).
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Longer reasons are cut, in characters: they are for people.
const MAX_REASON_CHARS: usize = 500;

/// What is looked at of a request.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdminRequest {
    #[serde(deserialize_with = "or_default")]
    path_parameters: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    query_string_parameters: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    headers: BTreeMap<String, String>,
    request_context: Value,
    #[serde(deserialize_with = "or_default")]
    body: String,
    is_base64_encoded: bool,
}

/// What a request means to replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replaces {
    /// Whatever is there, if anything is.
    Any,
    /// This revision.
    Revision(u64),
}

/// What is asked.
pub(super) struct Asked<'a> {
    /// GET, PUT or DELETE: the routes let nothing else through.
    pub(super) method: &'a str,
    pub(super) org: &'a str,
    /// Who asks.
    pub(super) caller: &'a str,
    pub(super) reason: Option<&'a str>,
    /// What is meant to be replaced, if that is said.
    pub(super) replaces: Option<Replaces>,
    pub(super) body: Cow<'a, str>,
}

impl AdminRequest {
    /// The org in the path.
    pub(super) fn org(&self) -> &str {
        self.path_parameters.get("org").map_or("", String::as_str)
    }

    /// The method.
    pub(super) fn method(&self) -> &str {
        self.request_context.pointer("/http/method").and_then(Value::as_str).unwrap_or("")
    }

    /// Who asks, as IAM knows them.
    pub(super) fn caller(&self) -> &str {
        let arn = self.request_context.pointer("/authorizer/iam/userArn").and_then(Value::as_str);
        arn.unwrap_or("unknown")
    }

    /// What is asked, or why that is no request.
    pub(super) fn asked(&self) -> Result<Asked<'_>, String> {
        let header = |name: &str| {
            self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let replaces = header("if-match").map(|tag| {
            if tag == "*" {
                return Ok(Replaces::Any);
            }
            let number = tag.trim_start_matches("W/").trim_matches('"').parse::<u64>();
            number
                .map(Replaces::Revision)
                .map_err(|_| "If-Match is no revision: write it as ETag gave it, such as \"12\"".to_owned())
        });
        if self.org().is_empty() {
            return Err("the path names no org: /orgs/{org}".to_owned());
        }
        let reason = self.query_string_parameters.get("reason").map(|text| cut(text));
        Ok(Asked {
            method: self.method(),
            org: self.org(),
            caller: self.caller(),
            reason,
            replaces: replaces.transpose()?,
            body: self.text()?,
        })
    }

    fn text(&self) -> Result<Cow<'_, str>, String> {
        if !self.is_base64_encoded {
            return Ok(Cow::Borrowed(&self.body));
        }
        let bytes = STANDARD.decode(&self.body).ok();
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(Cow::Owned).ok_or_else(|| "the body is no text in UTF-8".to_owned())
    }
}

/// What is null is as if it were not there.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_REASON_CHARS).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde_json::json;

    fn request(event: Value) -> AdminRequest {
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn given_a_signed_request_when_read_then_what_is_asked_by_whom_is_known() {
        let event = json!({
            "routeKey": "PUT /orgs/{org}", "pathParameters": {"org": "acme"}, "headers": {"If-Match": "\"12\""},
            "queryStringParameters": {"reason": "connect page"},
            "requestContext": {"http": {"method": "PUT"}, "authorizer": {"iam": {"userArn": "arn:aws:iam::1:role/app"}}},
            "body": "b3JnOiBhY21l", "isBase64Encoded": true,
        });
        let request = request(event);
        let asked = request.asked().unwrap();
        assert_eq!((asked.method, asked.org, asked.caller), ("PUT", "acme", "arn:aws:iam::1:role/app"));
        assert_eq!(
            (asked.reason, asked.replaces, &*asked.body),
            (Some("connect page"), Some(Replaces::Revision(12)), "org: acme")
        );
    }

    #[test]
    fn given_requests_that_are_none_when_read_then_the_reason_is_told() {
        let path = json!({"org": "acme"});
        let wrong = [
            json!({}),
            json!({"pathParameters": path, "headers": {"if-match": "twelve"}}),
            json!({"pathParameters": path, "body": "gA==", "isBase64Encoded": true}),
        ];
        let told = wrong.map(|event| request(event).asked().err().unwrap());
        insta::assert_snapshot!(told.join("\n"), @r#"
        the path names no org: /orgs/{org}
        If-Match is no revision: write it as ETag gave it, such as "12"
        the body is no text in UTF-8
        "#);
        let reason = "é".repeat(600);
        let long = json!({"pathParameters": {"org": "a"}, "queryStringParameters": {"reason": reason}});
        assert_eq!(request(long).asked().unwrap().reason.unwrap().chars().count(), MAX_REASON_CHARS);
    }
}
