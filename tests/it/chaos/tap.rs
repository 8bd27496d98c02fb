//! A wire before the CRMs that carries every byte as it is and remembers who sent which token where.

use crate::stack::variable;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

type Heard = Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>;

/// The wire, until it is dropped.
pub(super) struct Tap {
    /// Where the CRMs are found through it.
    pub(super) url: String,
    /// What each connection carried towards the CRMs.
    heard: Heard,
    _until: oneshot::Sender<()>,
}

impl Tap {
    /// A wire to the sandbox.
    pub(super) fn new() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let upstream = variable("SANDBOX_URL").trim_start_matches("http://").to_owned();
        let (until, ended) = oneshot::channel();
        let heard = Heard::default();
        let kept = heard.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let serve = serve(TcpListener::from_std(listener).unwrap(), &upstream, &kept);
                tokio::select! { () = serve => {} _ = ended => {} }
            });
        });
        Self { url, heard, _until: until }
    }

    /// The accounts that each bearer token was sent to.
    pub(super) fn tokens(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for connection in self.heard.lock().unwrap().iter() {
            for head in heads(&connection.lock().unwrap()) {
                if let (Some(account), Some(token)) = (account(&head), token(&head)) {
                    found.entry(token).or_default().insert(account);
                }
            }
        }
        found
    }
}

async fn serve(listener: TcpListener, upstream: &str, heard: &Heard) {
    while let Ok((client, _)) = listener.accept().await {
        let (upstream, kept) = (upstream.to_owned(), Arc::new(Mutex::new(Vec::new())));
        heard.lock().unwrap().push(kept.clone());
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(upstream).await else { return };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let up = async {
                let mut bytes = vec![0; 16 * 1_024];
                while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
                    kept.lock().unwrap().extend_from_slice(&bytes[..length]);
                    if to_server.write_all(&bytes[..length]).await.is_err() {
                        return;
                    }
                }
            };
            let down = tokio::io::copy(&mut from_server, &mut to_client);
            // Whoever hangs up hangs up for both.
            tokio::select! { () = up => {} _ = down => {} }
        });
    }
}

/// The heads of the requests in what a connection carried.
fn heads(mut bytes: &[u8]) -> Vec<String> {
    let mut heads = Vec::new();
    while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length: usize = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        bytes = bytes.get(end + 4 + length..).unwrap_or_default();
        heads.push(head);
    }
    heads
}

/// `hubspot/acme` of `POST /hubspot/acme/crm/v3/… HTTP/1.1`.
fn account(head: &str) -> Option<String> {
    let mut parts = head.split(' ').nth(1)?.split('/').skip(1);
    Some(format!("{}/{}", parts.next()?, parts.next()?))
}

fn token(head: &str) -> Option<String> {
    header(head, "authorization")?.split(' ').nth(1).map(str::to_owned)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let of = |line: &'a str| line.split_once(':').filter(|(given, _)| given.eq_ignore_ascii_case(name));
    head.lines().skip(1).find_map(of).map(|(_, value)| value.trim())
}
