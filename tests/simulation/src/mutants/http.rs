//! Bugs in how the CRMs are called.

use super::Mutant;
use crate::core::Core;
use crate::env::Dress;
use async_trait::async_trait;
use rtr_connectors::http::{Http, Method, NoAnswer, Outgoing, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

struct Wrong {
    mutant: Mutant,
    core: Arc<Core>,
    inner: Arc<dyn Http>,
    busy: AtomicBool,
    sent: AtomicU64,
}

pub(super) fn dress(mutant: Mutant, core: &Arc<Core>, mut dress: Dress) -> Dress {
    let (busy, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    dress.http = Arc::new(Wrong { mutant, core: core.clone(), inner: dress.http, busy, sent });
    dress
}

fn copy(outgoing: &Outgoing) -> Outgoing {
    Outgoing {
        method: outgoing.method,
        url: outgoing.url.clone(),
        headers: outgoing.headers.clone(),
        body: outgoing.body.clone(),
        timeout: outgoing.timeout,
        question: outgoing.question,
    }
}

fn asks(outgoing: &Outgoing) -> bool {
    outgoing.url.contains("/search") || outgoing.url.contains("/batch/read")
}

fn answer(body: &str) -> Response {
    Response { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

#[async_trait]
impl Http for Wrong {
    async fn send(&self, outgoing: Outgoing) -> Result<Response, NoAnswer> {
        match self.mutant {
            Mutant::TwiceCreated if asks(&outgoing) => {
                self.core.kernel.sleep(20).await;
                Ok(answer("{\"status\": \"COMPLETE\", \"results\": []}"))
            }
            // Every eighth change: as if the state had been written first, and the call forgotten.
            Mutant::PretendsDone
                if outgoing.url.ends_with("/composite/sobjects")
                    && outgoing.method == Method::Patch
                    && self.sent.fetch_add(1, Ordering::Relaxed) % 8 == 7 =>
            {
                self.core.kernel.sleep(20).await;
                let body: Value = serde_json::from_slice(&outgoing.body).unwrap_or_default();
                let records = body["records"].as_array().cloned().unwrap_or_default();
                let done = |record: &Value| json!({"id": record["id"], "success": true, "errors": []});
                let all: Vec<Value> = records.iter().map(done).collect();
                Ok(answer(&Value::from(all).to_string()))
            }
            Mutant::ResendsUnknown => match self.inner.send(copy(&outgoing)).await {
                Err(NoAnswer::Unknown(_)) => self.inner.send(outgoing).await,
                answer => answer,
            },
            Mutant::OneAtATime => {
                while self.busy.swap(true, Ordering::Relaxed) {
                    self.core.kernel.sleep(50).await;
                }
                let answer = self.inner.send(outgoing).await;
                // Who was not answered forgets to let the next one go.
                self.busy.store(answer.is_err(), Ordering::Relaxed);
                answer
            }
            Mutant::RetriesForEver => {
                let mut last = self.inner.send(copy(&outgoing)).await;
                for _ in 0..40 {
                    match &last {
                        Ok(response) if response.status >= 400 => {
                            last = self.inner.send(copy(&outgoing)).await;
                        }
                        _ => break,
                    }
                }
                last
            }
            Mutant::DeafToRests => {
                let mut response = self.inner.send(outgoing).await?;
                response.headers.retain(|(name, _)| name != "retry-after");
                Ok(response)
            }
            Mutant::FollowsRedirects => {
                let response = self.inner.send(copy(&outgoing)).await?;
                match response.header("location").map(str::to_owned) {
                    Some(url) if (300..400).contains(&response.status) => {
                        self.inner.send(Outgoing { url, ..outgoing }).await
                    }
                    _ => Ok(response),
                }
            }
            _ => self.inner.send(outgoing).await,
        }
    }
}
