//! Requests as API Gateway's HTTP API hands them over (payload version 2), and the answers to them.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rtr_core::code::Code;
use rtr_core::ingest::http::Kind;
use rtr_core::ingest::secret::Presented;
use rtr_core::ingest::{Answer, Refusal};
use rtr_engine::ingest::http::{Request, Way};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The route behind which API Gateway has checked an AWS signature.
const SIGNED_ROUTE: &str = "POST /events";
/// The route that is open, and asks for an org's secret.
const ORG_ROUTE: &str = "POST /orgs/{org}/events";

/// What is looked at of a request.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HttpEvent {
    #[serde(deserialize_with = "or_default")]
    route_key: String,
    #[serde(deserialize_with = "or_default")]
    path_parameters: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    body: String,
    is_base64_encoded: bool,
    #[serde(skip)]
    org: String,
}

impl HttpEvent {
    pub(super) fn read(event: Value) -> Result<Self, Refusal> {
        let wrong = |_| Refusal::lasting(400, Code::WrongType, "the request is none of API Gateway's");
        let mut event: Self = serde_json::from_value(event).map_err(wrong)?;
        event.org = decoded(event.path_parameters.get("org").map_or("", String::as_str));
        Ok(event)
    }

    /// The body as it was sent, byte by byte: that is what is signed.
    pub(super) fn body(&self) -> Result<Vec<u8>, Refusal> {
        if !self.is_base64_encoded {
            return Ok(self.body.clone().into_bytes());
        }
        let wrong = |_| {
            Refusal::lasting(400, Code::WrongType, "the request's body is no base64, which API Gateway makes")
        };
        STANDARD.decode(&self.body).map_err(wrong)
    }

    /// What is asked, with `body`. The route alone says who vouches for it: another one than the two is nobody's.
    pub(super) fn request<'a>(&'a self, body: &'a [u8]) -> Result<Request<'a>, Refusal> {
        let way = match self.route_key.as_str() {
            SIGNED_ROUTE => Way::Signed,
            ORG_ROUTE => Way::Org(&self.org),
            _ => {
                let message = format!("there is only {SIGNED_ROUTE} and {ORG_ROUTE}");
                return Err(Refusal::lasting(400, Code::WrongType, message));
            }
        };
        let presented = Presented {
            authorization: self.header("authorization"),
            id: self.header("webhook-id"),
            timestamp: self.header("webhook-timestamp"),
            signature: self.header("webhook-signature"),
        };
        let kind =
            Kind { content_type: self.header("content-type"), ce_specversion: self.header("ce-specversion") };
        Ok(Request { way, kind, presented, trace: self.header("traceparent"), body })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// The answer, as API Gateway takes it.
pub(super) fn to_json(answer: &Answer) -> Value {
    let mut headers = json!({"content-type": "application/json", "cache-control": "no-store"});
    if let Some(seconds) = answer.retry_after_s {
        headers["retry-after"] = seconds.to_string().into();
    }
    json!({"statusCode": answer.status, "headers": headers, "body": answer.body.to_string(), "isBase64Encoded": false})
}

/// An org in a path, its `%` sequences read: a client may encode what it need not. No org whose secret could be looked up
/// holds a `%` itself.
fn decoded(org: &str) -> String {
    let mut bytes = Vec::with_capacity(org.len());
    let mut rest = org.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|two| *first == b'%' && two.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| org.to_owned())
}

/// What is null is as if it were not there.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn event(event: Value) -> HttpEvent {
        HttpEvent::read(event).unwrap()
    }

    #[test]
    fn given_requests_when_read_then_the_route_tells_who_vouches_and_the_body_is_its_bytes() {
        let signed = event(json!({"routeKey": "POST /events", "body": "{}", "pathParameters": null,
            "headers": {"Content-Type": "application/json", "ce-specversion": "1.0"}}));
        let body = signed.body().unwrap();
        let request = signed.request(&body).unwrap();
        assert_eq!((request.way, request.body), (Way::Signed, &b"{}"[..]));
        assert_eq!(
            request.kind,
            Kind { content_type: Some("application/json"), ce_specversion: Some("1.0") }
        );
        let org = event(json!({"routeKey": "POST /orgs/{org}/events", "pathParameters": {"org": "a%2Bb"},
            "headers": {"authorization": "Bearer x", "webhook-id": "m"}, "body": "/w==", "isBase64Encoded": true}));
        let body = org.body().unwrap();
        let request = org.request(&body).unwrap();
        assert_eq!((request.way, request.body), (Way::Org("a+b"), &b"\xff"[..]));
        assert_eq!((request.presented.authorization, request.presented.id), (Some("Bearer x"), Some("m")));
    }

    #[test]
    fn given_another_route_when_read_then_nobody_vouches_for_it() {
        for route in ["GET /events", "$default", "", "POST /orgs/acme/events"] {
            assert!(event(json!({"routeKey": route, "body": ""})).request(b"").is_err(), "{route}");
        }
        assert!(HttpEvent::read(json!({"headers": 7})).is_err());
        assert!(event(json!({"body": "*", "isBase64Encoded": true})).body().is_err());
    }

    #[test]
    fn given_orgs_in_paths_when_decoded_then_what_is_no_sequence_stays() {
        let all = ["acme", "%", "a%2", "a%zz", "%e2%82%ac", "%ff", "a%%2f", "%+1"].map(decoded);
        assert_eq!(all, ["acme", "%", "a%2", "a%zz", "€", "%ff", "a%/", "%+1"]);
    }

    #[test]
    fn given_an_answer_when_written_then_it_is_as_api_gateway_takes_it() {
        let refusal = Refusal::passing(429, Code::OverRate, "later", 7);
        let text = to_json(&Answer::problem(&refusal)).to_string();
        insta::assert_snapshot!(text, @r#"{"body":"{\"code\":\"RTR4015\",\"message\":\"later\"}","headers":{"cache-control":"no-store","content-type":"application/json","retry-after":"7"},"isBase64Encoded":false,"statusCode":429}"#);
    }
}
