//! redrive: dead letters to their records. Everything it does is in `rtr_engine::redrive`.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use rtr_aws::function::Runtime;
use rtr_aws::queue::from_sqs;
use rtr_engine::redrive;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    rtr_aws::log::init();
    let runtime = &Runtime::load().await?;
    lambda_runtime::run(service_fn(|event| Box::pin(handle(runtime, event)))).await
}

/// Never an error for a letter's sake: one would slow down the whole event source mapping.
async fn handle(runtime: &Runtime, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let batch = from_sqs(event.payload);
    let report = redrive::run(&runtime.seams(), &batch).await;
    Ok(runtime.answer("redrive", report))
}
