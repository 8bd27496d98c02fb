//! Lambda's side of a function: the event it gives, and a Runtime API that gives it.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use super::{now_ms, unique};
use aws_sdk_sqs::types::Message;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::sync::{Arc, mpsc};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc as channel, oneshot};

const NEXT: &str = "/2018-06-01/runtime/invocation/next";

/// What a function answered: its answer, or the error it reported.
pub(crate) type Answer = Result<Value, String>;

/// A Runtime API for one process, served by a thread of its own until it is dropped.
pub(super) struct RuntimeApi {
    /// `host:port`
    pub(super) address: String,
    invocations: channel::UnboundedSender<String>,
    answers: mpsc::Receiver<Answer>,
    _until: oneshot::Sender<()>,
}

struct Served {
    invocations: Mutex<channel::UnboundedReceiver<String>>,
    answers: mpsc::Sender<Answer>,
    timeout_ms: i64,
}

impl RuntimeApi {
    /// Serves invocations that may take `timeout_ms`.
    pub(super) fn start(timeout_ms: i64) -> Self {
        let (invocations, waiting) = channel::unbounded_channel();
        let (answered, answers) = mpsc::channel();
        let (until, ended) = oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let served = Arc::new(Served { invocations: Mutex::new(waiting), answers: answered, timeout_ms });
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(TcpListener::from_std(listener).unwrap(), served) => {}
                    _ = ended => {}
                }
            });
        });
        Self { address, invocations, answers, _until: until }
    }

    /// Gives the function an event.
    pub(super) fn invoke(&self, event: &Value) {
        self.invocations.send(event.to_string()).unwrap();
    }

    /// The answer to the oldest invocation that has none yet; none within the time.
    pub(super) fn answer(&self, within: std::time::Duration) -> Option<Answer> {
        self.answers.recv_timeout(within).ok()
    }
}

async fn serve(listener: TcpListener, served: Arc<Served>) {
    while let Ok((stream, _)) = listener.accept().await {
        let served = served.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &served));
            // It ends when the function does, however that ends.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>, served: &Served) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    if path == NEXT {
        // A test that is over invokes nothing any more: the function waits, as at Lambda.
        let Some(event) = served.invocations.lock().await.recv().await else {
            return std::future::pending().await;
        };
        return Ok(invocation(event, served.timeout_ms));
    }
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    let answer = if path.ends_with("/response") {
        serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
    } else {
        Err(format!("{path}: {text}"))
    };
    let _ = served.answers.send(answer);
    Ok(Response::builder().status(202).body(Full::default()).unwrap())
}

fn invocation(event: String, timeout_ms: i64) -> Response<Full<Bytes>> {
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", unique())
        .header("lambda-runtime-deadline-ms", now_ms() + timeout_ms)
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:sync")
        .header("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
        .body(Full::new(Bytes::from(event)))
        .unwrap()
}

/// The event that Lambda makes of received messages.
pub(crate) fn batch_of(messages: &[Message]) -> Value {
    let record = |message: &Message| {
        let attributes = message.attributes.iter().flatten();
        let attributes: Map<String, Value> =
            attributes.map(|(name, value)| (name.as_str().to_owned(), value.as_str().into())).collect();
        let own = message.message_attributes.iter().flatten().map(|(name, value)| {
            (name.clone(), json!({"dataType": value.data_type, "stringValue": value.string_value}))
        });
        let own: Map<String, Value> = own.collect();
        json!({"messageId": message.message_id, "receiptHandle": message.receipt_handle, "body": message.body,
            "attributes": attributes, "messageAttributes": own, "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:rtr-local-changes.fifo"})
    };
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}
