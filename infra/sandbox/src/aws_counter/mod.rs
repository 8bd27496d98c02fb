//! Counts what goes to AWS: a port that forwards every request untouched to an endpoint, so that a test can
//! say how many calls a piece of work took without asking the work itself.

mod tally;

use crate::server::now_ms;
use anyhow::{Context, ensure};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderName};
use hyper::service::service_fn;
use hyper::{Request, Response, client, server};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tally::Tally;
use tokio::net::{TcpListener, TcpStream};

type Sender = client::conn::http1::SendRequest<Full<Bytes>>;
type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// Where requests are forwarded to.
pub(crate) struct Upstream {
    address: String,
}

impl Upstream {
    /// Reads `http://host:port`.
    pub(crate) fn parse(url: &str) -> anyhow::Result<Self> {
        let address = url.strip_prefix("http://").context("--aws-upstream: expected http://host:port")?;
        let address = address.trim_end_matches('/');
        ensure!(!address.contains('/'), "--aws-upstream: expected no path");
        let address = if address.contains(':') { address.to_owned() } else { format!("{address}:80") };
        Ok(Self { address })
    }
}

struct Counter {
    upstream: Upstream,
    tally: Mutex<Tally>,
    /// Connections to the upstream that are not in use.
    idle: Mutex<Vec<Sender>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Forwards until the task is dropped.
pub(crate) async fn run(listener: TcpListener, upstream: Upstream) {
    let counter = Arc::new(Counter { upstream, tally: Mutex::default(), idle: Mutex::default() });
    while let Ok((stream, _)) = listener.accept().await {
        let counter = counter.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(|request| serve(request, &counter));
            let _ = server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn serve(request: Request<Incoming>, counter: &Counter) -> anyhow::Result<Answer> {
    if request.uri().path().starts_with("/_counter") {
        let found =
            lock(&counter.tally).show(request.uri().path(), request.uri().query().unwrap_or_default());
        let status = if found.is_some() { 200 } else { 404 };
        let body = found.map(|value| value.to_string()).unwrap_or_default();
        return plain(status, "application/json", body);
    }
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let target = head.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    lock(&counter.tally).count(now_ms(), head.method.as_str(), head.uri.path(), target, &body);
    let mut forwarded = Request::from_parts(head, Full::new(body));
    strip(forwarded.headers_mut());
    match counter.forward(forwarded).await {
        Ok(answer) => {
            let (mut head, body) = answer.into_parts();
            strip(&mut head.headers);
            Ok(Response::from_parts(head, body.boxed()))
        }
        Err(error) => plain(502, "text/plain", format!("{}: {error:#}", counter.upstream.address)),
    }
}

fn plain(status: u16, kind: &str, body: String) -> anyhow::Result<Answer> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed();
    Ok(Response::builder().status(status).header("content-type", kind).body(body)?)
}

/// Removes what concerns one connection only; hyper frames each side anew.
fn strip(headers: &mut hyper::HeaderMap) {
    for name in [CONNECTION, HeaderName::from_static("keep-alive"), hyper::header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
}

impl Counter {
    /// Sends over an idle connection if one still works, else over a new one. A request that an idle
    /// connection did not take was never sent, so it is sent again, once.
    async fn forward(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Incoming>> {
        while let Some(mut sender) = self.take_idle() {
            match sender.try_send_request(copy(&request)).await {
                Ok(answer) => return Ok(self.keep(sender, answer)),
                Err(mut error) => {
                    if error.take_message().is_none() {
                        return Err(error.into_error().into());
                    }
                }
            }
        }
        let stream = TcpStream::connect(&self.upstream.address).await.context("connect")?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let answer = sender.send_request(request).await?;
        Ok(self.keep(sender, answer))
    }

    /// A connection that is open and done with its last answer.
    fn take_idle(&self) -> Option<Sender> {
        let mut idle = lock(&self.idle);
        idle.retain(|sender| !sender.is_closed());
        let at = idle.iter().position(Sender::is_ready)?;
        Some(idle.swap_remove(at))
    }

    fn keep(&self, sender: Sender, answer: Response<Incoming>) -> Response<Incoming> {
        lock(&self.idle).push(sender);
        answer
    }
}

fn copy(request: &Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    let mut copy = Request::new(request.body().clone());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}
