use super::*;
use secrecy::SecretString;
use std::io::{Read, Write};
use std::net::TcpListener;

/// A server that answers the first connection with `answer`, or hangs up without one.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = Vec::new();
        let mut buffer = [0; 1_024];
        while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut buffer).unwrap();
            seen.extend_from_slice(&buffer[..read]);
        }
        if answer == "never" {
            std::thread::sleep(Duration::from_secs(2));
        }
        stream.write_all(answer.as_bytes()).unwrap();
    });
    url
}

fn send(url: &str) -> Result<Response, NoAnswer> {
    let request = Outgoing {
        method: Method::Post,
        url: url.to_owned(),
        headers: vec![("authorization".to_owned(), SecretString::from("Bearer x"))],
        body: b"{}".to_vec(),
        timeout: Duration::from_millis(300),
        question: None,
    };
    let http = ReqwestHttp::new(AllowedHosts::parse("", "local").unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(http.send(request))
}

#[test]
fn given_a_redirect_when_sent_then_it_is_the_answer() {
    let url = server(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nX-Two: a\r\ncontent-length: 2\r\n\r\nok",
    );
    let response = send(&url).unwrap();
    assert_eq!((response.status, response.body.as_slice()), (302, b"ok".as_slice()));
    assert_eq!(response.header("x-two"), Some("a"));
}

#[test]
fn given_nobody_listening_when_sent_then_it_was_not_sent() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(matches!(send(&format!("http://127.0.0.1:{port}/")), Err(NoAnswer::NotSent(_))));
}

#[test]
fn given_a_lost_answer_when_sent_then_nobody_knows() {
    for answer in ["", "never", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "nonsense\r\n\r\n"] {
        let outcome = send(&server(answer));
        assert!(matches!(outcome, Err(NoAnswer::Unknown(_))), "{answer:?} {outcome:?}");
    }
}

#[test]
fn given_a_host_nobody_allowed_when_sent_then_it_is_refused() {
    let outcome = send("https://evil.example/");
    assert!(matches!(outcome, Err(NoAnswer::HostRefused(why)) if why.contains("AllowedHosts")));
}

#[test]
fn given_a_header_that_cannot_be_sent_when_built_then_its_value_stays_out_of_the_error() {
    let error = headers(&[("authorization".to_owned(), SecretString::from("se\ncret"))]).unwrap_err();
    assert_eq!(error, NoAnswer::NotSent("the header `authorization` cannot be sent".to_owned()));
}
