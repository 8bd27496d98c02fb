//! Bugs in what the requests to the CRMs say.

use super::Mutant;
use crate::env::Dress;
use crate::kernel::held;
use async_trait::async_trait;
use rtr_connectors::http::{Http, NoAnswer, Outgoing, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Salesforce's property of a contact's account.
const ACCOUNT: &str = "AccountId";

struct Wrong {
    mutant: Mutant,
    inner: Arc<dyn Http>,
    /// The account named last, by the address up to the API.
    accounts: Mutex<BTreeMap<String, Value>>,
}

/// Dresses the one seam that `mutant` is at.
pub(super) fn dress(mutant: Mutant, mut dress: Dress) -> Dress {
    if matches!(mutant, Mutant::TiesWrongAccount | Mutant::LeavesFieldOut | Mutant::SendsOneByOne) {
        dress.http = Arc::new(Wrong { mutant, inner: dress.http, accounts: Mutex::default() });
    }
    dress
}

/// The objects in `value` that have `name`.
fn each(value: &mut Value, name: &str, change: &mut dyn FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(parts) => {
            if parts.contains_key(name) {
                change(parts);
            }
            parts.values_mut().for_each(|part| each(part, name, change));
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| each(part, name, change)),
        _ => {}
    }
}

fn with_body(outgoing: &Outgoing, body: &Value) -> Outgoing {
    Outgoing {
        method: outgoing.method,
        url: outgoing.url.clone(),
        headers: outgoing.headers.clone(),
        body: body.to_string().into_bytes(),
        timeout: outgoing.timeout,
        question: outgoing.question,
    }
}

impl Wrong {
    fn out(&self, outgoing: Outgoing) -> Outgoing {
        let Ok(mut body) = serde_json::from_slice::<Value>(&outgoing.body) else { return outgoing };
        let before = body.clone();
        match self.mutant {
            Mutant::LeavesFieldOut if !outgoing.url.contains("/search") => {
                each(&mut body, "email", &mut |parts| drop(parts.remove("email")));
            }
            Mutant::TiesWrongAccount => {
                let place = outgoing.url.split("/services/").next().unwrap_or_default().to_owned();
                let mut accounts = held(&self.accounts);
                each(&mut body, ACCOUNT, &mut |parts| {
                    let own = parts[ACCOUNT].clone();
                    if let Some(last) = accounts.insert(place.clone(), own) {
                        parts[ACCOUNT] = last;
                    }
                });
            }
            _ => {}
        }
        if body == before { outgoing } else { with_body(&outgoing, &body) }
    }

    async fn one_by_one(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        let body: Value = serde_json::from_slice(&outgoing.body).unwrap_or_default();
        let inputs = body["inputs"].as_array().filter(|inputs| inputs.len() > 1);
        let Some(inputs) = inputs.filter(|_| outgoing.url.contains("/batch/")) else {
            return self.inner.send(outgoing).await;
        };
        let (mut results, mut last) = (Vec::new(), None);
        for input in inputs {
            let mut one = body.clone();
            one["inputs"] = json!([input]);
            let response = self.inner.send(with_body(&outgoing, &one)).await?;
            if !(200..300).contains(&response.status) {
                return Ok(response);
            }
            let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            results.extend(answer["results"].as_array().cloned().unwrap_or_default());
            last = Some((response, answer));
        }
        let Some((mut response, mut answer)) = last else { return self.inner.send(outgoing).await };
        if answer.is_object() {
            answer["results"] = Value::from(results);
            response.body = answer.to_string().into_bytes();
        }
        Ok(response)
    }
}

#[async_trait]
impl Http for Wrong {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        match self.mutant {
            Mutant::SendsOneByOne => self.one_by_one(outgoing).await,
            _ => self.inner.send(self.out(outgoing)).await,
        }
    }
}
