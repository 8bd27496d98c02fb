//! The binary itself, over real sockets: what only a connection can show.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

struct Running {
    child: Child,
    sandbox: String,
    counter: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(upstream: &str) -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rtr-sandbox"))
        .args(["--port", "0", "--aws-counter", "0", "--aws-upstream", upstream])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut address = || {
        let line = lines.next().unwrap().unwrap();
        let (_, rest) = line.split_once("http://").unwrap();
        rest.split(' ').next().unwrap().to_owned()
    };
    let (counter, sandbox) = (address(), address());
    Running { child, sandbox, counter }
}

/// Sends one request and gives whatever comes back until the connection closes.
fn raw(address: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn token(running: &Running) -> String {
    let answer =
        raw(&running.sandbox, "POST", "/_sandbox/tokens", "", r#"{"provider":"hubspot","account":"acme"}"#);
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let issued: serde_json::Value = serde_json::from_str(body).unwrap();
    assert!(
        issued["token_url"]
            .as_str()
            .unwrap()
            .starts_with(&format!("http://{}/hubspot/acme/", running.sandbox))
    );
    issued["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn given_the_binary_when_faults_are_set_then_connections_really_break() {
    let running = start("http://127.0.0.1:1");
    let bearer = format!("authorization: Bearer {}\r\n", token(&running));
    let list = || raw(&running.sandbox, "GET", "/hubspot/acme/crm/v3/objects/contacts", &bearer, "");
    let fault = |fault: &str| raw(&running.sandbox, "PUT", "/_sandbox/faults", "", &format!("[{fault}]"));
    assert!(list().starts_with("HTTP/1.1 200"));
    fault(r#"{"fault":"refuse","count":1}"#);
    assert_eq!(list(), "");
    fault(r#"{"fault":"truncate","value":4,"count":1}"#);
    let cut = list();
    assert!(cut.contains("content-length: 14\r\n"), "{cut}");
    assert!(cut.ends_with("\r\n\r\n{\"re"), "{cut}");
    fault(r#"{"fault":"latency","value":150,"count":1}"#);
    let started = std::time::Instant::now();
    assert!(list().starts_with("HTTP/1.1 200"));
    assert!(started.elapsed().as_millis() >= 150);
}

#[test]
fn given_an_upstream_when_called_through_the_counter_then_it_is_forwarded_and_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut seen = vec![0; 65_536];
            let count = stream.read(&mut seen).unwrap();
            let echoed = String::from_utf8_lossy(&seen[..count]).contains("x-amz-target");
            let body = format!("seen {echoed}");
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 201 Created\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let running = start(&upstream);
    let target = "x-amz-target: DynamoDB_20120810.BatchGetItem\r\n";
    let body = r#"{"RequestItems":{"t":{"Keys":[{},{"o":"acme"}]}}}"#;
    for _ in 0..2 {
        let answer = raw(&running.counter, "POST", "/", target, body);
        assert!(answer.starts_with("HTTP/1.1 201") && answer.ends_with("seen true"), "{answer}");
    }
    let counts = raw(&running.counter, "GET", "/_counter", "", "");
    assert!(counts.contains(r#""DynamoDB.BatchGetItem":{"calls":2,"items":4}"#), "{counts}");
    let found = raw(&running.counter, "GET", "/_counter/requests?since=1&contains=acme", "", "");
    assert!(found.contains(r#""seq":2"#) && !found.contains(r#""seq":1,"#), "{found}");
}
