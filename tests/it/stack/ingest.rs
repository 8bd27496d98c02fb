//! Handing events in, as a producer would.

use super::http::signed_for;
use super::{Stack, variable};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// What a request was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Value,
}

impl Stack {
    /// Hands in by an AWS signature, on the route for all orgs.
    pub(crate) fn hand_in(&self, content_type: &str, body: &str) -> Answered {
        let authorization = signed_for("execute-api");
        self.post_events(
            &variable("INGEST_URL"),
            &[("authorization", &authorization), ("content-type", content_type)],
            body,
        )
    }

    /// Hands in by what an org's secret lets in.
    pub(crate) fn hand_in_for(&self, org: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let base = variable("INGEST_URL");
        let url = format!("{}/orgs/{org}/events", base.strip_suffix("/events").unwrap());
        self.post_events(&url, &[&[("content-type", "application/json")], headers].concat(), body)
    }

    /// The same without anything that would let in on the route for all orgs.
    pub(crate) fn hand_in_unsigned(&self, body: &str) -> u16 {
        self.post_events(&variable("INGEST_URL"), &[("content-type", "application/json")], body).status
    }

    fn post_events(&self, url: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let request = self.http.post(url).body(body.to_owned());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.wait(async {
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let text = answer.text().await.unwrap();
            let body = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{url} answered {status} {error}: {text}"));
            Answered { status, headers, body }
        })
    }

    /// Puts an event on the bus.
    pub(crate) fn put_on_bus(&self, detail: &Value) {
        let entry = json!({"EventBusName": variable("EVENT_BUS_NAME"), "Source": "rtr.changes", "DetailType": "changed",
            "Detail": detail.to_string()});
        let answer = self.aws_json("events", "AWSEvents.PutEvents", &json!({"Entries": [entry]}));
        assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
    }

    /// Stores the secret by which `org` hands in.
    pub(crate) fn put_ingest_secret(&self, org: &str, text: &Value) {
        let name = format!("rtr/{}/{org}/ingest", variable("RTR_STAGE"));
        let put = self.secrets.create_secret().name(name).secret_string(text.to_string());
        self.wait(put.send()).unwrap();
    }
}
