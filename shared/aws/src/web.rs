//! Requests of people's browsers, as API Gateway's HTTP API hands them over (payload version 2), and answers to them.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use rtr_engine::authorize::Page;
use serde::Deserialize;
use serde_json::{Value, json};

/// What is looked at of a request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebRequest {
    /// The query as it came, encoded.
    #[serde(default)]
    pub raw_query_string: String,
}

/// The answer. The page runs nothing, loads nothing, is kept nowhere, stands in no frame and tells nobody its address,
/// which holds a code.
#[must_use]
pub fn answer(page: &Page) -> Value {
    json!({
        "statusCode": page.status,
        "headers": {
            "content-type": "text/html; charset=utf-8",
            "cache-control": "no-store",
            "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            "referrer-policy": "no-referrer",
            "strict-transport-security": "max-age=63072000",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
        },
        "body": page.html(),
        "isBase64Encoded": false,
    })
}
