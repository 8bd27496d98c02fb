//! Tells the internal system of a change: over HTTP, signed, or through AWS.

use super::Ways;
use crate::seams::{Parcel, Seams, Undelivered};
use rtr_connectors::http::{Method, NoAnswer, Outgoing};
use rtr_connectors::webhook::standard::{ID, SIGNATURE, TIMESTAMP};
use rtr_core::config::Target;
use rtr_core::inbound::Delivery;
use rtr_core::inbound::answer::{Answer, of_http, wait_ms};
use rtr_core::time::Instant;
use serde_json::Value;
use std::time::Duration;

/// The longest that the internal system may take for an answer, in milliseconds.
const LONGEST_MS: i64 = 10_000;
/// With less time left than this, in milliseconds, nothing is begun.
const LEAST_MS: i64 = 500;

/// Tells `target` of `delivery`, for the `tries`th time, unless it is left alone since it does not answer.
pub(super) async fn deliver(
    seams: &Seams<'_>,
    ways: &Ways<'_>,
    target: &Target,
    delivery: &Delivery,
    tries: u32,
    deadline: Instant,
) -> Answer {
    let (now, org) = (seams.clock.now(), &delivery.connection.org_id);
    let silences = &ways.caches.silences;
    if let Some(until) = silences.until(org, now) {
        let why = "the internal system could not take others a moment ago".to_owned();
        return Answer::Later { until: until.max(now.plus_ms(wait_ms(tries))), why, unsure: false };
    }
    let answer = match ask(seams, ways, target, delivery, tries, deadline).await {
        Ok(answer) => answer,
        Err(unasked) => return unasked,
    };
    match &answer {
        Answer::Later { .. } => silences.noted(org, seams.clock.now()),
        _ => silences.ended(org),
    }
    answer
}

/// What it answers; what is to be done, where nobody could be asked.
async fn ask(
    seams: &Seams<'_>,
    ways: &Ways<'_>,
    target: &Target,
    delivery: &Delivery,
    tries: u32,
    deadline: Instant,
) -> Result<Answer, Answer> {
    let now = seams.clock.now();
    let timeout_ms = deadline.since_ms(now).min(LONGEST_MS);
    let later = |why: String, unsure: bool| Answer::Later { until: now.plus_ms(wait_ms(tries)), why, unsure };
    if timeout_ms < LEAST_MS {
        let why = "the invocation had no time left".to_owned();
        return Err(Answer::Later { until: now, why, unsure: false });
    }
    let body = delivery.body().to_string();
    let Target::Http { url, secret } = target else {
        let parcel = Parcel { id: delivery.id(), group: delivery.message_group(), body };
        return match ways.courier.hand(target, &parcel, timeout_ms).await {
            Ok(answer) => Ok(of_http(status(&answer), None, &inner(answer), tries, now)),
            Err(Undelivered::Later(why)) => Ok(later(why, true)),
            Err(Undelivered::Refused(why)) => Ok(Answer::Refused { why }),
        };
    };
    let signature = match ways.signing.sign(seams, secret, &delivery.id(), now, body.as_bytes()).await {
        Ok(Some(signature)) => signature,
        Ok(None) => {
            let why = format!("there is no secret `{secret}` to sign with, or it cannot be used");
            return Err(later(why, false));
        }
        Err(error) => return Err(later(error.0, false)),
    };
    let headers = [
        ("content-type", "application/json".to_owned()),
        (ID, delivery.id()),
        (TIMESTAMP, now.0.div_euclid(1_000).to_string()),
        (SIGNATURE, signature),
    ];
    let outgoing = Outgoing {
        method: Method::Post,
        url: url.clone(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
        body: body.into_bytes(),
        timeout: Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0)),
        question: None,
    };
    match seams.http.send(outgoing).await {
        Ok(answer) => {
            let now = seams.clock.now();
            let after_s = answer.retry_after_ms(now).map(|ms| ms / 1_000);
            Ok(of_http(answer.status, after_s, &answer.json().unwrap_or_default(), tries, now))
        }
        Err(NoAnswer::HostRefused(why)) => {
            Err(Answer::Refused { why: format!("the internal system's address: {why}") })
        }
        // It may have it: it knows a repeat by its id.
        Err(error) => Ok(later(format!("the internal system did not answer: {error}"), true)),
    }
}

/// A function may answer as it would over HTTP.
fn status(answer: &Value) -> u16 {
    let said = answer.get("statusCode").or_else(|| answer.get("status")).and_then(Value::as_u64);
    said.and_then(|status| u16::try_from(status).ok()).unwrap_or(200)
}

/// What is in such an answer.
fn inner(answer: Value) -> Value {
    match answer.get("body") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(body) => body.clone(),
        None => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn given_a_functions_answer_when_read_then_it_may_be_the_bare_one_or_one_of_http() {
        let bare = json!({"record_id": "c-1"});
        assert_eq!((status(&bare), inner(bare.clone())), (200, bare.clone()));
        let web = json!({"statusCode": 409, "body": "{\"record_id\":\"c-1\"}"});
        assert_eq!((status(&web), inner(web)), (409, bare.clone()));
        assert_eq!(inner(json!({"status": 201, "body": bare})), bare);
        assert_eq!(status(&Value::Null), 200);
    }
}
