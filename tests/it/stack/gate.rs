//! A door between one function process and AWS, through which the test makes services go away, lose answers, and stand
//! still at a chosen request, so that the process can be killed there.

use super::{Tally, variable};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The services that a gate stands before, as the SDKs call them.
const SERVICES: [&str; 4] = [
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_ENDPOINT_URL_S3",
];

/// By which a link is written, with its claim.
const LINKS: &str = "TransactWriteItems";

/// What is wrong with AWS right now, for every process alike.
#[derive(Default)]
pub(crate) struct Sky {
    /// Nobody answers for DynamoDB.
    pub(crate) dynamo_gone: AtomicBool,
    /// So many more writes to DynamoDB are done without an answer.
    pub(crate) dynamo_mute: AtomicU32,
    /// Secrets Manager refuses.
    pub(crate) secrets_refuse: AtomicBool,
}

/// On which side of a request the process is to stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// AWS has not seen it.
    Before,
    /// AWS has done it, and the process does not know.
    After,
}

/// Which request to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    /// The one after so many.
    After(usize, Side),
    /// The first that writes down what became of a record.
    Ending(Side),
    /// The first that links a record, before it is done: the CRM has made it, and nobody knows.
    Link,
}

struct Shared {
    sky: Arc<Sky>,
    tally: Arc<Tally>,
    trap: Mutex<Option<Trap>>,
    caught: mpsc::Sender<String>,
    /// Requests that have no answer yet.
    open: AtomicU32,
    http: reqwest::Client,
    upstream: String,
}

/// The door, open until it is dropped.
pub(crate) struct Gate {
    url: String,
    shared: Arc<Shared>,
    caught: mpsc::Receiver<String>,
    _until: oneshot::Sender<()>,
}

impl Gate {
    /// A door under `sky`.
    pub(crate) fn new(sky: &Arc<Sky>, tally: &Arc<Tally>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (catching, caught) = mpsc::channel();
        let (until, ended) = oneshot::channel();
        let shared = Arc::new(Shared {
            sky: sky.clone(),
            tally: tally.clone(),
            trap: Mutex::new(None),
            caught: catching,
            open: AtomicU32::new(0),
            http: reqwest::Client::new(),
            upstream: variable("AWS_COUNTER_URL"),
        });
        let served = shared.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let serve = serve(TcpListener::from_std(listener).unwrap(), served);
                tokio::select! { () = serve => {} _ = ended => {} }
            });
        });
        Self { url, shared, caught, _until: until }
    }

    /// What sends a process through here.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        SERVICES.iter().map(|name| (*name, self.url.clone())).collect()
    }

    /// Holds one request: for good, if whoever sent it is patient.
    pub(crate) fn trap(&self, trap: Trap) {
        *self.shared.trap.lock().unwrap() = Some(trap);
    }

    /// Holds nothing any more.
    pub(crate) fn untrap(&self) {
        *self.shared.trap.lock().unwrap() = None;
    }

    /// Whether the process waits for nothing of AWS.
    pub(crate) fn is_idle(&self) -> bool {
        self.shared.open.load(Ordering::SeqCst) == 0
    }

    /// What stands still here, if anything does within the time.
    pub(crate) fn caught(&self, within: Duration) -> Option<String> {
        self.caught.recv_timeout(within).ok()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| async {
                let _open = Open::new(&shared.open);
                pass(request, &shared).await
            });
            // It ends when the process does, however that ends, and where an answer is withheld.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// One more request without an answer, until it is dropped.
struct Open<'a>(&'a AtomicU32);

impl<'a> Open<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn pass(request: Request<Incoming>, shared: &Shared) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or("S3");
    let what = target.replace("_20120810", "");
    let (dynamo, secrets) = (what.starts_with("DynamoDB."), what.starts_with("secretsmanager."));
    if dynamo && shared.sky.dynamo_gone.load(Ordering::SeqCst) {
        shared.tally.strike("DynamoDB gone");
        return Err(io::Error::other("gone on purpose"));
    }
    if secrets && shared.sky.secrets_refuse.load(Ordering::SeqCst) {
        shared.tally.strike("Secrets Manager refuses");
        let refusal =
            Full::new(Bytes::from_static(br#"{"__type":"ThrottlingException","message":"slow down"}"#));
        let kind = "application/x-amz-json-1.1";
        return Ok(Response::builder().status(400).header("content-type", kind).body(refusal).unwrap());
    }
    let side = shared.sprung(&what);
    if side == Some(Side::Before) {
        shared.hold(&what, Side::Before).await;
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut forwarded =
        shared.http.request(head.method.clone(), format!("{}{path}", shared.upstream)).body(body);
    for (name, value) in head.headers.iter().filter(|(name, _)| !of_connection(name.as_str())) {
        forwarded = forwarded.header(name, value);
    }
    let answer = forwarded.send().await.map_err(io::Error::other)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.map_err(io::Error::other)?;
    if side == Some(Side::After) {
        shared.hold(&what, Side::After).await;
    }
    if dynamo && writes_records(&what) && shared.loses_answer() {
        shared.tally.strike(&format!("answer lost of {what}"));
        return Err(io::Error::other("lost on purpose"));
    }
    let mut response = Response::builder().status(status);
    for (name, value) in headers.iter().filter(|(name, _)| !of_connection(name.as_str())) {
        response = response.header(name, value);
    }
    response.body(Full::new(body)).map_err(io::Error::other)
}

fn writes_records(what: &str) -> bool {
    ["BatchExecuteStatement", LINKS].iter().any(|name| what.ends_with(name))
}

fn of_connection(name: &str) -> bool {
    matches!(name, "host" | "content-length" | "connection" | "transfer-encoding" | "keep-alive")
}

impl Shared {
    /// Whether this is the request to hold.
    fn sprung(&self, what: &str) -> Option<Side> {
        let mut trap = self.trap.lock().unwrap();
        let (left, side) = match (*trap)? {
            Trap::After(more @ 1.., side) => (Some(Trap::After(more - 1, side)), None),
            Trap::After(0, side) => (None, Some(side)),
            Trap::Ending(side) if writes_records(what) => (None, Some(side)),
            Trap::Link if what.ends_with(LINKS) => (None, Some(Side::Before)),
            unsprung @ (Trap::Ending(_) | Trap::Link) => (Some(unsprung), None),
        };
        *trap = left;
        side
    }

    async fn hold(&self, what: &str, side: Side) {
        let _ = self.caught.send(format!("{side:?} {what}").to_lowercase());
        std::future::pending::<()>().await;
    }

    fn loses_answer(&self) -> bool {
        self.sky
            .dynamo_mute
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok()
    }
}
