//! apply: what CRMs told, on to the internal system. Everything it does is in `rtr_engine::apply`.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use rtr_aws::clients::sdk_config;
use rtr_aws::courier::AwsCourier;
use rtr_aws::function::{Runtime, deadline};
use rtr_aws::queue::from_sqs;
use rtr_engine::apply;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    rtr_aws::log::init();
    let runtime = &Runtime::load().await?;
    let courier = &AwsCourier::new(&sdk_config().await)?;
    lambda_runtime::run(service_fn(|event| Box::pin(handle(runtime, courier, event)))).await
}

/// Never an error for a record's sake: one would bring back the whole batch.
async fn handle(
    runtime: &Runtime,
    courier: &AwsCourier,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let deadline = deadline(event.context.deadline);
    let batch = from_sqs(event.payload);
    let report = apply::run(&runtime.seams(), runtime.ways(courier), &batch, deadline).await;
    Ok(runtime.answer("apply", report))
}
