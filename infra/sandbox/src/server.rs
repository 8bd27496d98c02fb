//! Sockets and time for the state machine: it says what becomes of an answer, this does it.

use crate::courier;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rtr_sandbox::{Ending, Reply, Request, Sandbox};
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// How often late writes and due pushes are looked for.
const TICK: Duration = Duration::from_millis(20);

pub(crate) type Shared = Arc<Mutex<Sandbox>>;

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn lock(shared: &Shared) -> MutexGuard<'_, Sandbox> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until the task is dropped.
pub(crate) async fn run(listener: TcpListener) {
    let shared: Shared = Arc::default();
    tokio::spawn(tick(shared.clone()));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(connection(stream, shared.clone()))),
            Err(error) => {
                eprintln!("accept: {error}");
                sleep(TICK).await;
            }
        }
    }
}

/// Late writes land, and pushes leave, even when nobody asks.
async fn tick(shared: Shared) {
    loop {
        sleep(TICK).await;
        lock(&shared).advance(now_ms());
        courier::carry(&shared);
    }
}

async fn connection(stream: TcpStream, shared: Shared) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { answer(request, shared).await }
    });
    // An error here is a connection cut, by the caller or on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: hyper::Request<Incoming>, shared: Shared) -> io::Result<hyper::Response<Sent>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let request = Request {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: body.to_vec(),
    };
    let reply = lock(&shared).handle(now_ms(), &request);
    if reply.delay_ms > 0 {
        sleep(Duration::from_millis(reply.delay_ms)).await;
    }
    response(reply)
}

fn response(reply: Reply) -> io::Result<hyper::Response<Sent>> {
    let body = match reply.ending {
        Ending::Cut => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "cut on purpose")),
        Ending::Whole => Sent::Whole(Full::new(Bytes::from(reply.body))),
        Ending::Truncated(at) => {
            let whole = reply.body.len() as u64;
            Sent::Part { first: Some(Bytes::from(reply.body).slice(..at)), whole, shown: false }
        }
    };
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(body).map_err(io::Error::other)
}

/// A body that may end before its announced length.
enum Sent {
    Whole(Full<Bytes>),
    Part {
        first: Option<Bytes>,
        whole: u64,
        /// Whether the first part has been given time to leave before the connection breaks.
        shown: bool,
    },
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(full) => {
                Pin::new(full).poll_frame(context).map_err(|error: Infallible| match error {})
            }
            Self::Part { first, shown, .. } => match first.take() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None if !*shown => {
                    *shown = true;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(Some(Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "truncated on purpose",
                )))),
            },
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(full) => full.size_hint(),
            Self::Part { whole, .. } => SizeHint::with_exact(*whole),
        }
    }
}
