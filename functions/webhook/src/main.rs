//! webhook: what CRMs push, onto inbound.fifo. Everything it does is in `rtr_engine::webhook`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use rtr_aws::webhook::Webhooks;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    rtr_aws::log::init();
    let webhooks = &Webhooks::load().await?;
    lambda_runtime::run(service_fn(|event| Box::pin(handle(webhooks, event)))).await
}

async fn handle(webhooks: &Webhooks, event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(webhooks.handle(event.payload).await?)
}
