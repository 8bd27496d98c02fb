//! The trace that a change is part of: W3C trace context in, X-Ray's header out, one identity for both.
//!
//! <https://www.w3.org/TR/trace-context/#traceparent-header> ·
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>

use serde::{Deserialize, Serialize};

/// Where a change stands in somebody's trace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trace {
    /// 32 hexadecimal digits in lower case.
    pub trace_id: String,
    /// The span before ours: 16 of them.
    pub parent_id: String,
    /// Whether whoever began it keeps it: then its calls are told of one by one.
    pub sampled: bool,
}

impl Trace {
    /// Reads a `traceparent`; none when it is no valid one, as the standard wants it ignored then.
    #[must_use]
    pub fn from_traceparent(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (version, trace_id, parent_id, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // A later version may have more parts; this one may not.
        let is_version = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
        let is_id = |text: &str, digits| is_hex(text, digits) && text.bytes().any(|byte| byte != b'0');
        if !is_version || !is_id(trace_id, 32) || !is_id(parent_id, 16) || !is_hex(flags, 2) {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        Some(Self { trace_id: trace_id.to_owned(), parent_id: parent_id.to_owned(), sampled })
    }

    /// Reads X-Ray's header, as SQS carries it (`Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`);
    /// none when it names no span to hang on.
    #[must_use]
    pub fn from_xray(header: &str) -> Option<Self> {
        let part = |name: &str| {
            let mut parts = header.split(';').filter_map(|part| part.trim().split_once('='));
            parts.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let (version, rest) = part("Root")?.split_once('-')?;
        let trace_id = rest.replace('-', "");
        let (parent_id, sampled) = (part("Parent")?, part("Sampled") == Some("1"));
        let valid = version == "1" && is_hex(&trace_id, 32) && is_hex(parent_id, 16);
        valid.then(|| Self { trace_id, parent_id: parent_id.to_owned(), sampled })
    }

    /// As the W3C writes it.
    #[must_use]
    pub fn to_traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id, self.parent_id, u8::from(self.sampled))
    }

    /// As X-Ray's header.
    #[must_use]
    pub fn to_xray(&self) -> String {
        format!("Root={};Parent={};Sampled={}", self.xray_id(), self.parent_id, u8::from(self.sampled))
    }

    /// The trace's id as X-Ray writes it.
    #[must_use]
    pub fn xray_id(&self) -> String {
        let (time, rest) = self.trace_id.split_at(8.min(self.trace_id.len()));
        format!("1-{time}-{rest}")
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn given_a_traceparent_when_read_then_it_is_the_same_trace_in_both_notations() {
        let trace = Trace::from_traceparent(PARENT).unwrap();
        assert_eq!(trace.to_traceparent(), PARENT);
        assert_eq!(
            trace.to_xray(),
            "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1"
        );
        assert_eq!(Trace::from_xray(&trace.to_xray()), Some(trace));
        let later = Trace::from_traceparent(&format!("cc{}-more", &PARENT[2..])).unwrap();
        assert!(later.sampled, "a later version is read as far as it is known");
        assert!(!Trace::from_traceparent(&PARENT.replace("-01", "-02")).unwrap().sampled);
    }

    #[test]
    fn given_what_is_no_trace_when_read_then_it_is_none() {
        let zero = "0".repeat(32);
        for text in [
            "",
            "00",
            &PARENT.to_uppercase(),
            &PARENT.replacen("00", "ff", 1),
            &format!("{PARENT}-more"),
            &PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zero),
            &PARENT.replace("00f067aa0ba902b7", &zero[..16]),
            &PARENT.replace("-01", "-0"),
        ] {
            assert_eq!(Trace::from_traceparent(text), None, "{text}");
        }
        for header in
            ["", "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736", "Root=2-a-b;Parent=1;Sampled=1", "Self=1"]
        {
            assert_eq!(Trace::from_xray(header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn given_any_text_when_read_then_it_never_panics_and_what_is_read_is_written_alike(text in "[0-9a-f-]{0,70}|\\PC{0,80}") {
            let _ = Trace::from_xray(&text);
            if let Some(trace) = Trace::from_traceparent(&text) {
                prop_assert_eq!(Trace::from_traceparent(&trace.to_traceparent()), Some(trace));
            }
        }
    }
}
