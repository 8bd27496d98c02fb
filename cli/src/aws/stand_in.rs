//! For tests: one who answers in AWS's place, and the configuration that asks there.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::time::Duration;

/// The address of one who says `answer` to whoever has asked to the end; none: he says nothing.
pub(super) fn who_says(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().flatten() {
            // Whoever closes with something unread resets the connection, and the answer may be lost with it.
            let asked = read_request(&mut stream);
            if let (Some(answer), Ok(_)) = (answer, asked) {
                let _ = stream.write_all(answer.as_bytes());
            } else {
                held.push(stream);
            }
        }
    });
    address
}

/// A request: its head, and as much of a body as that says.
fn read_request(from: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let (mut request, mut part) = (Vec::new(), [0; 4_096]);
    while whole(&request).is_none_or(|bytes| request.len() < bytes) {
        match from.read(&mut part)? {
            0 => break,
            n => request.extend_from_slice(&part[..n]),
        }
    }
    Ok(request)
}

/// The bytes that a request has, once its head is there.
fn whole(request: &[u8]) -> Option<usize> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Some(end + length.unwrap_or(0))
}

/// Asks once at `endpoint`, which has so long to answer.
pub(super) fn config(endpoint: &str, patience: Duration) -> SdkConfig {
    let attempt = TimeoutConfig::builder().operation_attempt_timeout(patience).build();
    let credentials = Credentials::new("id", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .timeout_config(attempt)
        .build()
}

/// Comes in the pieces in which it was sent.
struct Pieces(Vec<&'static [u8]>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return Err(std::io::Error::other("nobody says more"));
        }
        let piece = self.0.remove(0);
        buffer[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

#[test]
fn given_a_request_in_pieces_when_read_then_head_and_body_are_read_to_their_end_and_no_further() {
    let body = Pieces(vec![b"POST / HTTP/1.1\r\nContent-", b"Length: 4\r\n\r\n", b"ab", b"cd"]);
    let none = Pieces(vec![b"HEAD / HTTP/1.1\r\n\r", b"\n"]);
    let ends = [body, none].map(|mut pieces| {
        let read = String::from_utf8(read_request(&mut pieces).unwrap()).unwrap();
        (read[read.len() - 4..].to_owned(), pieces.0.len())
    });
    assert_eq!(ends, [("abcd".to_owned(), 0), ("\r\n\r\n".to_owned(), 0)]);
}
