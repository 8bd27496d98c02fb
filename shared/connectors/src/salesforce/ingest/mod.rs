//! Bulk API 2.0: a job is made, given its rows as CSV, started by closing it, looked at, and asked what became of each row.
//!
//! <https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_0_ingest.htm>

mod csv;
mod row;

use super::{ANY, API, Salesforce, error, request, soql};
use crate::connector::{Call, Kind, WriteItem};
use crate::http::{Method, Request, RequestBody, Response};
use crate::ingest::{Fate, Ingest, IngestFacts, Part, Row, State, Target};
use crate::session::Session;
use async_trait::async_trait;
use rtr_core::failure::{Class, Failure};
use rtr_core::time::Instant;
use serde_json::{Value, json};

/// Salesforce's own advice: more than 2,000 records are a good candidate for Bulk API 2.0, fewer are not. It works a job in
/// batches of 10,000: one job is one of them. A job may hold 150 MB; ours holds what a function has the memory for, rows and
/// results together, and its results fit into the largest answer that is read.
///
/// <https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_intro.htm>
pub const INGEST: IngestFacts = IngestFacts { least: 2_000, most: 10_000, most_bytes: 8 * 1_024 * 1_024 };

#[async_trait]
impl Ingest for Salesforce {
    fn facts(&self) -> IngestFacts {
        INGEST
    }

    fn row(&self, target: &Target, item: &WriteItem) -> Option<Row> {
        soql::object(&target.object).ok()?;
        if let Kind::Upsert { property } = &target.kind {
            soql::field(property).ok()?;
        }
        row::row(target, item)
    }

    async fn open(&self, session: &Session<'_>, target: &Target) -> Result<String, Failure> {
        let operation = match target.kind {
            Kind::Upsert { .. } => "upsert",
            Kind::Update => "update",
            Kind::Archive => "delete",
            Kind::Create | Kind::Erase => {
                return Err(Failure::new(Class::Refused, "no job may do what must not be done twice"));
            }
        };
        let object = soql::object(&target.object)?;
        let mut body =
            json!({ "object": object, "operation": operation, "contentType": "CSV", "lineEnding": "LF" });
        if let Kind::Upsert { property } = &target.kind {
            body["externalIdFieldName"] = json!(property);
        }
        let answer = session.send(&request::post(format!("{API}/jobs/ingest"), body)).await?;
        let id = answer.json().and_then(|job| Some(job["id"].as_str()?.to_owned())).filter(|id| is_id(id));
        id.ok_or_else(|| Failure::new(Class::OutcomeUnknown, "Salesforce made a job and did not say which"))
    }

    async fn fill(&self, session: &Session<'_>, id: &str, rows: &[Row]) -> Result<(), Failure> {
        let (path, body) = (format!("{}/batches", place(id)?), RequestBody::Csv(row::table(rows)));
        session.send_reading(&call(Method::Put, path, body), any_success).await.map(drop)
    }

    async fn start(&self, session: &Session<'_>, id: &str) -> Result<(), Failure> {
        set(session, id, "UploadComplete").await
    }

    async fn abort(&self, session: &Session<'_>, id: &str) -> Result<(), Failure> {
        set(session, id, "Aborted").await
    }

    async fn state(&self, session: &Session<'_>, id: &str) -> Result<State, Failure> {
        let answer = session.send(&request::get(place(id)?)).await?.json().unwrap_or_default();
        state(&answer).ok_or_else(|| {
            Failure::new(Class::Unavailable, "Salesforce did not say how far a job is, or in a new word")
        })
    }

    async fn results(
        &self,
        session: &Session<'_>,
        id: &str,
        target: &Target,
        part: Part,
    ) -> Result<Vec<(String, Fate)>, Failure> {
        let list = match part {
            Part::Done => "successfulResults",
            Part::Refused => "failedResults",
            Part::Untouched => "unprocessedrecords",
        };
        let mut call = request::get(format!("{}/{list}", place(id)?));
        call.request.headers.push(("accept", "text/csv".to_owned()));
        let answer = session.send_reading(&call, any_success).await?;
        row::fates(target, part, &answer, session.clock.now())
    }
}

/// How far the job is that an answer describes; none for a word that is not known.
fn state(job: &Value) -> Option<State> {
    Some(match job["state"].as_str()? {
        "Open" => State::Open,
        "UploadComplete" | "InProgress" => State::Running,
        "JobComplete" => State::Complete,
        "Failed" => State::Failed,
        "Aborted" => State::Aborted,
        _ => return None,
    })
}

async fn set(session: &Session<'_>, id: &str, state: &str) -> Result<(), Failure> {
    let body = RequestBody::Json(json!({ "state": state }));
    session.send(&call(Method::Patch, place(id)?, body)).await.map(drop)
}

fn call(method: Method, path: String, body: RequestBody) -> Call {
    let headers = vec![("sforce-call-options", "client=rtr-sync".to_owned())];
    Call { api: ANY, request: Request { method, path, headers, body, reads_only: false } }
}

/// An answer to data or with data: CSV, or nothing.
fn any_success(response: &Response, now: Instant) -> Option<Failure> {
    match response.status {
        200..=299 => None,
        _ => error::classify(response, now),
    }
}

/// A job's address.
fn place(id: &str) -> Result<String, Failure> {
    if is_id(id) {
        return Ok(format!("{API}/jobs/ingest/{id}"));
    }
    Err(Failure::new(Class::Refused, "a job's id is none that Salesforce gives"))
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 40 && id.chars().all(|c| c.is_ascii_alphanumeric())
}
