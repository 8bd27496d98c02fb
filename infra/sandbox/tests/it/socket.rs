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

/// Reads one request from a connection: the head, and the body its length announces.
fn request(stream: &mut TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[test]
fn given_an_address_when_a_record_changes_then_it_is_really_pushed_and_again_after_a_failure() {
    let running = start("http://127.0.0.1:1");
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/webhooks/acme?x=1", receiver.local_addr().unwrap());
    let address = format!(r#"{{"provider":"hubspot","account":"acme","url":"{url}","secret":"hush"}}"#);
    let set = raw(&running.sandbox, "PUT", "/_sandbox/webhooks", "", &address);
    assert!(set.starts_with("HTTP/1.1 200") && !set.contains("hush"), "{set}");
    let bearer = format!("authorization: Bearer {}\r\n", token(&running));
    let body = r#"{"properties":{"email":"ada@x.io"}}"#;
    raw(&running.sandbox, "POST", "/hubspot/acme/crm/v3/objects/contacts", &bearer, body);
    let mut seen = Vec::new();
    for answer in ["HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"] {
        let (mut stream, _) = receiver.accept().unwrap();
        seen.push(request(&mut stream));
        stream.write_all(answer.as_bytes()).unwrap();
    }
    let (head, body) = &seen[0];
    assert!(head.starts_with("POST /webhooks/acme?x=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("x-hubspot-signature-v3: "), "{head}");
    assert!(body.contains(r#""subscriptionType":"contact.creation""#), "{body}");
    assert_eq!(seen[1].1, body.replace(r#""attemptNumber":0"#, r#""attemptNumber":1"#));
    let begun = std::time::Instant::now();
    let mut log = String::new();
    while begun.elapsed().as_secs() < 5 && !log.contains("acknowledged") {
        log = raw(&running.sandbox, "GET", "/_sandbox/pushes", "", "");
    }
    assert!(log.contains(r#""outcome":"refused""#) && log.contains(r#""outcome":"acknowledged""#), "{log}");
}
