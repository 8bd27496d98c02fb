//! JSON over HTTP, for the sandbox's control API, the counter and the local AWS's logs.

use super::Stack;
use reqwest::{Method, Url};
use serde_json::Value;

impl Stack {
    /// What `url` answers, which has to be a success.
    pub(super) fn get_json(&self, url: &str, query: &[(&str, &str)]) -> Value {
        let url = Url::parse_with_params(url, query).unwrap();
        self.json(self.http.request(Method::GET, url))
    }

    /// What `url` answers to `body`, which has to be a success.
    pub(super) fn send_json(&self, method: Method, url: &str, body: &Value) -> Value {
        self.json(self.http.request(method, url).json(body))
    }

    /// The status and the JSON that the deployed admin function answers for `org`.
    pub(crate) fn admin(&self, method: Method, org: &str, body: Option<&Value>) -> (u16, Value) {
        let request = self.http.request(method, format!("{}/{org}", super::variable("ADMIN_URL")));
        let request = request.header("authorization", signed_for("execute-api"));
        let request = body.iter().fold(request, |request, body| request.json(body));
        self.wait(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json().await.unwrap())
        })
    }

    /// The status and the text that `url` answers to `body`, whoever asks.
    pub(crate) fn post(&self, url: &str, headers: &[(&str, String)], body: String) -> (u16, String) {
        let request = self.http.post(url).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        self.wait(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    /// What is answered to `body` by a part of the local AWS that we have no client for.
    pub(super) fn aws_json(&self, service: &str, operation: &str, body: &Value) -> Value {
        let request = self.http.post(super::variable("AWS_ENDPOINT_URL")).body(body.to_string());
        let signed = signed_for(service);
        let headers = [("authorization", signed.as_str()), ("x-amz-target", operation)];
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.json(request.header("content-type", "application/x-amz-json-1.1"))
    }

    fn json(&self, request: reqwest::RequestBuilder) -> Value {
        self.wait(async {
            let response = request.send().await.unwrap();
            let (status, url) = (response.status(), response.url().to_string());
            let text = response.text().await.unwrap();
            assert!(status.is_success(), "{url} answered {status}: {text}");
            serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{url} answered no JSON ({error}): {text}"))
        })
    }
}

/// What says who asks; the local AWS looks at the form alone.
pub(super) fn signed_for(service: &str) -> String {
    let scope = format!("test/20260101/{}/{service}/aws4_request", super::variable("AWS_REGION"));
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
}
