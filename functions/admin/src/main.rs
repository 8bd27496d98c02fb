//! admin: one org's document, asked for and changed over HTTP. Everything it does is in `rtr_aws::admin`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use rtr_aws::admin::{Admin, AdminRequest};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    rtr_aws::log::init();
    let admin = &Admin::load().await?;
    lambda_runtime::run(service_fn(|event| Box::pin(handle(admin, event)))).await
}

async fn handle(admin: &Admin, event: LambdaEvent<AdminRequest>) -> Result<Value, Error> {
    Ok(admin.answer(&event.payload).await.to_json())
}
