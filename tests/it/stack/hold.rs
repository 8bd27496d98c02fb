//! A door before Secrets Manager that lets everything through but writes: those wait until the test is over, before or
//! after they are done. Whoever waits can be killed there.

use super::variable;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::sync::mpsc;
use tokio::net::TcpListener;

/// Where a write waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Before the store sees it.
    Before,
    /// When the store has done it, and the writer does not know yet.
    After,
}

/// The door, open until it is dropped.
pub(crate) struct Door {
    /// For `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub(crate) url: String,
    arrived: mpsc::Receiver<()>,
    _until: tokio::sync::oneshot::Sender<()>,
}

impl Door {
    /// A door that holds writes at `hold`.
    pub(crate) fn new(hold: Hold) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (arriving, arrived) = mpsc::channel();
        let (until, ended) = tokio::sync::oneshot::channel();
        let upstream = variable("AWS_ENDPOINT_URL");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let serve = serve(TcpListener::from_std(listener).unwrap(), hold, arriving, upstream);
                tokio::select! { () = serve => {} _ = ended => {} }
            });
        });
        Self { url, arrived, _until: until }
    }

    /// Waits until a write is held.
    pub(crate) fn held(&self) {
        self.arrived.recv_timeout(std::time::Duration::from_secs(60)).expect("nobody writes a secret");
    }
}

async fn serve(listener: TcpListener, hold: Hold, arriving: mpsc::Sender<()>, upstream: String) {
    let http = reqwest::Client::new();
    let shared = Arc::new((arriving, upstream, http));
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| pass(request, hold, &shared.0, &shared.1, &shared.2));
            // It ends when the writer does, however that ends.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn pass(
    request: Request<Incoming>,
    hold: Hold,
    arriving: &mpsc::Sender<()>,
    upstream: &str,
    http: &reqwest::Client,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let target = head.headers.get("x-amz-target").map_or("", |target| target.to_str().unwrap());
    let writes = target.ends_with("PutSecretValue");
    if writes && hold == Hold::Before {
        let _ = arriving.send(());
        std::future::pending::<()>().await;
    }
    let mut forwarded = http.post(upstream).body(body);
    for (name, value) in
        head.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "host" | "content-length"))
    {
        forwarded = forwarded.header(name, value);
    }
    let answer = forwarded.send().await.unwrap();
    let (status, body) = (answer.status(), answer.bytes().await.unwrap());
    if writes {
        let _ = arriving.send(());
        std::future::pending::<()>().await;
    }
    let kind = "application/x-amz-json-1.1";
    Ok(Response::builder().status(status).header("content-type", kind).body(Full::new(body)).unwrap())
}
