//! Bugs in what is asked of the CRMs and in how their answers are read.

use super::Mutant;
use async_trait::async_trait;
use rtr_connectors::http::{Http, NoAnswer, Outgoing, Response};
use serde_json::Value;
use std::sync::Arc;

/// The token that HubSpot returns with a result, so that it is known whose it is.
const TRACE: &str = "objectWriteTraceId";

struct Wrong(Mutant, Arc<dyn Http>);

pub(super) fn wrong(mutant: Mutant, inner: Arc<dyn Http>) -> Arc<dyn Http> {
    Arc::new(Wrong(mutant, inner))
}

/// The inputs of a batch; none of any other request.
fn inputs(body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["inputs"].as_array().cloned().unwrap_or_default()
}

/// Gives each association the next one's parent, as two lists do that were put together off by one.
fn crossed(outgoing: &mut Outgoing) {
    let mut body: Value = serde_json::from_slice(&outgoing.body).unwrap_or_default();
    let Some(inputs) = body["inputs"].as_array_mut().filter(|inputs| inputs.len() > 1) else { return };
    let mut parents: Vec<Value> = inputs.iter().map(|input| input["to"].clone()).collect();
    parents.rotate_left(1);
    for (input, parent) in inputs.iter_mut().zip(parents) {
        input["to"] = parent;
    }
    outgoing.body = body.to_string().into_bytes();
}

/// Takes the first result for the first input's, and so on, whatever order they stand in and whichever is missing.
fn in_line(response: &mut Response, inputs: &[Value]) {
    let mut body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let Some(results) = body["results"].as_array_mut() else { return };
    for (result, input) in results.iter_mut().zip(inputs) {
        if result.is_object() && input[TRACE].is_string() {
            result[TRACE] = input[TRACE].clone();
        }
    }
    response.body = body.to_string().into_bytes();
}

#[async_trait]
impl Http for Wrong {
    async fn send(&self, mut outgoing: Outgoing) -> Result<Response, NoAnswer> {
        if self.0 == Mutant::AssociatesNeighbours && outgoing.url.contains("/crm/v4/associations/") {
            crossed(&mut outgoing);
        }
        let inputs = match self.0 {
            Mutant::ResultsByPosition if outgoing.url.contains("/batch/") => inputs(&outgoing.body),
            _ => Vec::new(),
        };
        let mut response = self.1.send(outgoing).await?;
        if !inputs.is_empty() && (200..300).contains(&response.status) {
            in_line(&mut response, &inputs);
        }
        Ok(response)
    }
}
