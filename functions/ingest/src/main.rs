//! ingest: what producers hand in, to `changes.fifo`. Everything it does is in `rtr_engine::ingest`; everything it touches is in
//! `rtr_aws`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use rtr_aws::function::deadline;
use rtr_aws::ingest::Ingest;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    rtr_aws::log::init();
    let ingest = &Ingest::load().await?;
    lambda_runtime::run(service_fn(|event| Box::pin(handle(ingest, event)))).await
}

/// An error only where the whole event is to come again.
async fn handle(ingest: &Ingest, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let deadline = deadline(event.context.deadline);
    Ok(ingest.take(event.payload, deadline).await?)
}
