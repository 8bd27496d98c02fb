//! authorize: people who come back from a CRM's consent page. Everything it does is in `rtr_engine::authorize`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use rtr_aws::function::{Runtime, deadline};
use rtr_aws::web::{WebRequest, answer};
use rtr_engine::authorize;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    rtr_aws::log::init();
    let runtime = &Runtime::load().await?;
    lambda_runtime::run(service_fn(|event| Box::pin(handle(runtime, event)))).await
}

async fn handle(runtime: &Runtime, event: LambdaEvent<WebRequest>) -> Result<Value, Error> {
    let deadline = deadline(event.context.deadline);
    let query = &event.payload.raw_query_string;
    let (seams, consents) = (runtime.seams(), runtime.consents());
    Ok(answer(&authorize::run(&seams, consents, &runtime.settings, query, deadline).await))
}
