//! Carries pushes: the state machine says what is due, this sends it and says how it ended.

use crate::server::{Shared, lock, now_ms};
use anyhow::Context;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, Uri, client};
use hyper_util::rt::TokioIo;
use rtr_sandbox::Push;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// More of an answer nobody reads.
const MAX_ANSWER: usize = 64 * 1024;

/// Sends everything that is due, all at once: no vendor promises an order.
pub(crate) fn carry(shared: &Shared) {
    let due = lock(shared).pushes(now_ms());
    for push in due {
        let shared = shared.clone();
        tokio::spawn(async move {
            let id = push.id;
            let answer = timeout(Duration::from_millis(push.timeout_ms), send(push)).await;
            let answer = answer.ok().and_then(Result::ok);
            let answer = answer.as_ref().map(|(status, body)| (*status, body.as_ref()));
            lock(&shared).pushed(now_ms(), id, answer);
        });
    }
}

async fn send(push: Push) -> anyhow::Result<(u16, Bytes)> {
    let uri: Uri = push.url.parse()?;
    let authority = uri.authority().context("no host")?;
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path).header("host", authority.as_str());
    for (name, value) in &push.headers {
        request = request.header(name, value);
    }
    let answer = sender.send_request(request.body(Full::new(Bytes::from(push.body)))?).await?;
    let status = answer.status().as_u16();
    // An answer that is cut short is none.
    let body =
        Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(anyhow::Error::from_boxed)?;
    Ok((status, body.to_bytes()))
}
