//! sweep: wakes parked and waiting records when they are due. Everything it does is in `rtr_engine::sweep`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use rtr_aws::bus::EventBus;
use rtr_aws::clients::sdk_config;
use rtr_aws::courier::AwsCourier;
use rtr_aws::function::{Runtime, deadline};
use rtr_core::metric::Metric;
use rtr_engine::sweep;
use serde_json::{Value, json};

/// Kept back of the invocation's time, in milliseconds: the last look has to end, too.
const RESERVE_MS: i64 = 8_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    rtr_aws::log::init();
    let runtime = &Runtime::load().await?;
    let bus = &EventBus::load(AwsCourier::new(&sdk_config().await)?)?;
    lambda_runtime::run(service_fn(|event| Box::pin(handle(runtime, bus, event)))).await
}

/// The event says nothing but that it is time. One with `"once": true` is a person's, who wants one look only.
async fn handle(runtime: &Runtime, bus: &EventBus, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let once = event.payload.get("once").and_then(Value::as_bool).unwrap_or(false);
    let until = if once { runtime.now() } else { deadline(event.context.deadline).plus_ms(-RESERVE_MS) };
    let report = sweep::run(&runtime.seams(), &runtime.settings, bus, until).await;
    let woken = report.n(Metric::Woken);
    runtime.print_metrics("sweep", &report);
    Ok(json!({ "woken": woken }))
}
