//! Calls as API Gateway's HTTP API hands them over (payload version 2), and events as the template's rule hands EventBridge's
//! over: `{"org_id", "connection", "event"}`.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rtr_core::inbound::address;
use rtr_core::key::{ConnectionKey, MAX_ID_CHARS};
use rtr_core::metric::Metric;
use rtr_engine::report::BatchReport;
use rtr_engine::webhook::Call;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// What came.
#[derive(Debug)]
pub enum Incoming {
    /// A CRM's call.
    Call(Box<CallEvent>),
    /// An event of a bus, for this connection.
    Relayed {
        /// The connection.
        connection: ConnectionKey,
        /// The event, as EventBridge has it.
        event: Value,
    },
}

/// A call, read.
pub struct CallEvent {
    connection: Option<ConnectionKey>,
    word: Option<String>,
    method: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Nothing of it is shown: any part may be a secret.
impl std::fmt::Debug for CallEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CallEvent({} bytes)", self.body.len())
    }
}

/// What is looked at of a request.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Request {
    #[serde(deserialize_with = "or_default")]
    path_parameters: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    raw_query_string: String,
    #[serde(deserialize_with = "or_default")]
    headers: BTreeMap<String, String>,
    request_context: Value,
    #[serde(deserialize_with = "or_default")]
    body: String,
    is_base64_encoded: bool,
}

/// Reads whatever Lambda was given.
pub(super) fn read(event: Value) -> Result<Incoming, String> {
    if event.get("requestContext").is_none() {
        return relayed(event);
    }
    // Without serde's words, which quote what they found.
    let request =
        serde_json::from_value(event).map_err(|_| "the event is no request of an HTTP API".to_owned())?;
    Ok(Incoming::Call(Box::new(call(request))))
}

fn call(request: Request) -> CallEvent {
    let part = |name: &str| request.path_parameters.get(name);
    let id = |name: &str| part(name).and_then(|part| address::id(part)).filter(|id| is_id(id));
    let connection =
        id("org").zip(id("connection")).map(|(org, connection)| ConnectionKey::new(org, connection));
    let method = request.request_context.pointer("/http/method").and_then(Value::as_str).unwrap_or_default();
    // What is no base64 was never a body: no signature is of it.
    let body = if request.is_base64_encoded {
        STANDARD.decode(&request.body).unwrap_or_default()
    } else {
        request.body.into_bytes()
    };
    CallEvent {
        connection,
        word: request.path_parameters.get("word").cloned(),
        method: method.to_owned(),
        query: request.raw_query_string,
        headers: request.headers.into_iter().collect(),
        body,
    }
}

/// Whether a connection or its org could be called so: no store need be asked for what none can hold.
fn is_id(text: &str) -> bool {
    text.chars().count() <= MAX_ID_CHARS && !text.chars().any(char::is_control)
}

fn relayed(mut event: Value) -> Result<Incoming, String> {
    let mut take = |name: &str| event.get_mut(name).map(Value::take);
    let (org, connection) = (take("org_id"), take("connection"));
    let (Some(Value::String(org)), Some(Value::String(connection)), Some(event)) =
        (org, connection, take("event"))
    else {
        return Err(
            "the event is neither a request of an HTTP API nor `org_id`, `connection` and `event`".to_owned()
        );
    };
    Ok(Incoming::Relayed { connection: ConnectionKey::new(org, connection), event })
}

impl CallEvent {
    /// The call; none when its path names no connection.
    #[must_use]
    pub fn parts(&self) -> Option<Call<'_>> {
        Some(Call {
            connection: self.connection.as_ref()?,
            word: self.word.as_deref(),
            method: &self.method,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
        })
    }
}

/// What is counted for a call whose path names no connection.
pub(super) fn no_connection() -> BatchReport {
    let mut report = BatchReport::default();
    report.count(Metric::Calls, 1);
    report.count(Metric::Refused, 1);
    tracing::warn!(event = "webhook", status = 401, "the path names no connection");
    report
}

/// What is null is as if it were not there.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use serde_json::json;

    fn called(event: Value) -> Box<CallEvent> {
        match read(event).unwrap() {
            Incoming::Call(call) => call,
            Incoming::Relayed { .. } => panic!("a call"),
        }
    }

    #[test]
    fn given_a_call_when_read_then_ids_are_unescaped_and_the_body_is_bytes() {
        let event = json!({
            "pathParameters": {"org": "100~20~25~2f~c3~bc", "connection": "hubspot-eu", "word": "w~20"},
            "rawQueryString": "a=%20b", "headers": {"X-A": "1"}, "requestContext": {"http": {"method": "POST"}},
            "body": "/wA=", "isBase64Encoded": true,
        });
        let call = called(event);
        let parts = call.parts().unwrap();
        assert_eq!(*parts.connection, ConnectionKey::new("100 %/ü", "hubspot-eu"));
        assert_eq!(
            (parts.word, parts.method, parts.query, parts.body),
            (Some("w~20"), "POST", "a=%20b", &[255, 0][..])
        );
        assert_eq!(parts.headers, [("X-A".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn given_odd_requests_when_read_then_none_is_more_than_it_says() {
        let odd = json!({"requestContext": null, "pathParameters": null, "headers": null, "body": null});
        assert!(called(odd).parts().is_none());
        let odd = json!({"requestContext": {}, "pathParameters": {"org": "~zz", "connection": "c"}});
        assert!(called(odd).parts().is_none());
        for org in ["x".repeat(513), "a~0ab".to_owned()] {
            let odd = json!({"requestContext": {}, "pathParameters": {"org": org, "connection": "c"}});
            assert!(called(odd).parts().is_none(), "{org}");
        }
        let odd = json!({"requestContext": {}, "body": "?", "isBase64Encoded": true});
        assert!(called(odd).body.is_empty());
        for wrong in [
            json!({"requestContext": {}, "body": 7}),
            json!({}),
            json!({"org_id": "a", "connection": "b"}),
            json!(7),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn given_an_event_of_a_bus_when_read_then_it_is_for_the_connection_that_the_rule_names() {
        let event = json!({"org_id": "acme", "connection": "salesforce", "event": {"detail": {}}});
        let Incoming::Relayed { connection, event } = read(event).unwrap() else { panic!("an event") };
        assert_eq!((connection, event), (ConnectionKey::new("acme", "salesforce"), json!({"detail": {}})));
    }
}
