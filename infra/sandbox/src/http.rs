//! Requests and replies as plain values. A reply also says what the network does to it.

use serde_json::Value;

/// A request as it arrived. `path` carries the query; header names are matched without regard to case.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method, upper case.
    pub method: String,
    /// The path and query, as on the request line.
    pub path: String,
    /// Headers in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers or body.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), ..Self::default() }
    }

    /// The same request with a header added.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same request with a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }

    pub(crate) fn find_header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The query's pairs, decoded.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        self.split().1
    }

    /// The path without its query, and the query's pairs, decoded.
    pub(crate) fn split(&self) -> (&str, Vec<(String, String)>) {
        match self.path.split_once('?') {
            Some((path, query)) => (path, pairs(query)),
            None => (&self.path, Vec::new()),
        }
    }
}

/// How an answer ends on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All of it arrives.
    Whole,
    /// The connection is closed before a byte of the answer is sent.
    Cut,
    /// The headers announce the whole body, and the connection closes after this many bytes of it.
    Truncated(usize),
}

/// An answer, and what the network does to it.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status; meaningless when the ending is [`Ending::Cut`].
    pub status: u16,
    /// Headers, without `content-length`.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// How long the answer is held back. What it reports was done when the request was handled.
    pub delay_ms: u64,
    /// How it ends.
    pub ending: Ending,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, "application/json;charset=utf-8", body.to_string().into_bytes())
    }

    pub(crate) fn bytes(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body, delay_ms: 0, ending: Ending::Whole }
    }

    pub(crate) fn cut() -> Self {
        Self { status: 0, headers: Vec::new(), body: Vec::new(), delay_ms: 0, ending: Ending::Cut }
    }

    /// The body as JSON, `null` when it is not.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// The pairs of a query or of a form body, decoded.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
        })
        .collect()
}

/// Undoes percent-encoding; what is not valid is kept as it stands.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        match (byte, hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_an_encoded_query_when_split_then_pairs_are_decoded() {
        let request = Request::new("GET", "/a/b?properties=a%2Cb&q=x+y&flag");
        let (path, query) = request.split();
        assert_eq!(path, "/a/b");
        let expected = [("properties", "a,b"), ("q", "x y"), ("flag", "")];
        assert_eq!(query, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn given_a_broken_escape_when_decoded_then_it_is_kept() {
        assert_eq!(decode("100%25 %zz %"), "100% %zz %");
    }
}
