//! poll: asks CRMs what has changed. Everything it does is in `rtr_engine::poll`.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use rtr_aws::function::{Runtime, deadline};
use rtr_aws::queue::from_sqs;
use rtr_engine::poll;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    rtr_aws::log::init();
    let runtime = &Runtime::load().await?;
    lambda_runtime::run(service_fn(|event| Box::pin(handle(runtime, event)))).await
}

/// Never an error for a poll's sake: one would slow down the whole event source mapping.
async fn handle(runtime: &Runtime, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let deadline = deadline(event.context.deadline);
    let batch = from_sqs(event.payload);
    let report = poll::run(&runtime.seams(), &runtime.settings, &runtime.caches, &batch, deadline).await;
    Ok(runtime.answer("poll", report))
}
