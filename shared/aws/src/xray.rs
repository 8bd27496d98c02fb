//! Calls of CRMs as segments of X-Ray, in the traces of the events that they were for.
//!
//! A listener to the `call` lines: what a line of a sampled trace says goes to Lambda's own X-Ray daemon as one packet. Nothing waits
//! for it, and where there is no daemon nothing is sent.
//!
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>

use rtr_core::digest::short_hex;
use rtr_core::trace::Trace;
use serde_json::{Map, Value, json};
use std::net::UdpSocket;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Where Lambda says that its daemon listens.
const ADDRESS: &str = "AWS_XRAY_DAEMON_ADDRESS";
/// What stands before each segment.
const HEADER: &str = "{\"format\": \"json\", \"version\": 1}\n";
/// The name of our part of a trace.
const NAME: &str = "rtr-sync";
/// Digits of a segment's id.
const ID_DIGITS: usize = 16;

/// The way to the daemon.
#[derive(Debug)]
pub struct XRay {
    socket: UdpSocket,
    daemon: String,
}

impl XRay {
    /// The way to the daemon that the environment names; none where it names none.
    #[must_use]
    pub fn load() -> Option<Self> {
        Self::to(std::env::var(ADDRESS).ok().filter(|address| !address.is_empty())?)
    }

    /// The way to the daemon at `daemon`; none where there is no way.
    #[must_use]
    pub fn to(daemon: String) -> Option<Self> {
        let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(Self { socket, daemon })
    }
}

impl<S: Subscriber> Layer<S> for XRay {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Only lines of calls have it.
        if event.metadata().fields().field("parent_id").is_none() {
            return;
        }
        let mut call = Call::default();
        event.record(&mut call);
        if let Some(segment) = segment(&call.0) {
            // Lost is lost: a trace is no ledger.
            let _ = self.socket.send_to(format!("{HEADER}{segment}").as_bytes(), &self.daemon);
        }
    }
}

/// The fields of a line.
#[derive(Debug, Default)]
struct Call(Map<String, Value>);

impl Visit for Call {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), json!(value));
    }
}

/// The segment of a call, under the span that its event came from; none where nobody keeps the trace.
fn segment(call: &Map<String, Value>) -> Option<Value> {
    let text = |name: &str| call.get(name).and_then(Value::as_str);
    let number = |name: &str| call.get(name).and_then(Value::as_i64);
    if call.get("sampled") != Some(&Value::Bool(true)) {
        return None;
    }
    let (trace_id, parent_id) = (text("trace_id")?.to_owned(), text("parent_id")?.to_owned());
    let trace = Trace { trace_id, parent_id, sampled: true };
    let (at_ms, took_ms) = (number("at_ms")?, number("took_ms")?);
    #[allow(clippy::cast_precision_loss)] // milliseconds since 1970 are exact in a double
    let seconds = |ms: i64| ms as f64 / 1_000.0;
    let (began, ended) = (seconds(at_ms), seconds(at_ms.saturating_add(took_ms)));
    let id = |part: &str| {
        let mut id = short_hex(format!("{part}{}{call:?}", trace.trace_id).as_bytes());
        id.truncate(ID_DIGITS);
        id
    };
    let status = number("status");
    let mut remote = json!({
        "name": text("provider").unwrap_or("crm"),
        "id": id("call"),
        "namespace": "remote",
        "start_time": began,
        "end_time": ended,
        "http": {
            "request": {"method": text("method"), "url": text("path")},
            "response": {"status": status},
        },
        "annotations": {"org_id": text("org_id"), "connection": text("connection"), "code": text("code").unwrap_or("")},
        "metadata": {"rtr": {"records": call.get("records"), "waited_ms": call.get("waited_ms")}},
    });
    let verdict = match status {
        Some(429) => Some("throttle"),
        Some(400..=499) => Some("error"),
        Some(500..) | None => Some("fault"),
        Some(_) => None,
    };
    verdict.into_iter().for_each(|verdict| remote[verdict] = json!(true));
    Some(json!({
        "name": NAME,
        "id": id("segment"),
        "trace_id": trace.xray_id(),
        "parent_id": trace.parent_id,
        "start_time": began,
        "end_time": ended,
        "subsegments": [remote],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tracing_subscriber::layer::SubscriberExt;

    fn tell(sampled: bool) {
        tracing::info!(
            event = "call",
            org_id = "acme",
            connection = "hubspot",
            provider = "hubspot",
            method = "POST",
            path = "/crm/v3/objects/contacts/batch/update",
            status = 429,
            code = Some("RTR4001"),
            records = 3,
            at_ms = 1_795_000_000_123_i64,
            took_ms = 41_i64,
            waited_ms = 0_i64,
            trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736"),
            parent_id = Some("00f067aa0ba902b7"),
            sampled = Some(sampled),
        );
    }

    #[test]
    fn given_calls_when_told_then_the_sampled_one_is_a_segment_below_its_events_span_and_nothing_else_is_sent()
     {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        daemon.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let xray = XRay::to(daemon.local_addr().unwrap().to_string()).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(xray), || {
            tell(false);
            tracing::info!(event = "batch", function = "sync");
            tell(true);
        });
        let mut packet = [0; 65_536];
        let size = daemon.recv(&mut packet).unwrap();
        let text = std::str::from_utf8(&packet[..size]).unwrap();
        let segment: Value = serde_json::from_str(text.strip_prefix(HEADER).unwrap()).unwrap();
        assert_eq!(segment["trace_id"], "1-4bf92f35-77b34da6a3ce929d0e0e4736");
        assert_eq!(
            (&segment["parent_id"], &segment["end_time"]),
            (&json!("00f067aa0ba902b7"), &json!(1_795_000_000.164))
        );
        let call = &segment["subsegments"][0];
        assert_eq!((&call["name"], &call["http"]["response"]["status"]), (&json!("hubspot"), &json!(429)));
        assert_eq!((&call["throttle"], &call["annotations"]["code"]), (&json!(true), &json!("RTR4001")));
        assert!(call["id"].as_str().is_some_and(|id| id.len() == 16 && *id != segment["id"]));
        daemon.set_nonblocking(true).unwrap();
        assert!(daemon.recv(&mut packet).is_err(), "one line, one packet");
    }

    #[test]
    fn given_no_daemon_when_told_then_nothing_happens() {
        let xray = XRay::to("127.0.0.1:9".to_owned()).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(xray), || tell(true));
    }
}
