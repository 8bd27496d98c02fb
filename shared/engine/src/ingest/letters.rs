//! Dead letters of what nobody can be told of.

use super::Ways;
use crate::report::RecordLine;
use crate::seams::{Outbound, QueueName};
use rtr_core::dead_letter::MAX_BODY_BYTES;
use rtr_core::digest::hex;
use rtr_core::ingest::Refusal;
use rtr_core::ingest::letter::{group, letter};
use rtr_core::item::Ended;
use rtr_core::key::sqs_id;

/// Something that is no event.
pub(super) struct Bad<'a> {
    /// As it came.
    pub(super) raw: &'a [u8],
    /// Where it stood, in words for people.
    pub(super) place: String,
    /// What is the same when it comes again.
    pub(super) id: &'a str,
    /// Why it is none.
    pub(super) refusal: &'a Refusal,
}

/// Sends them to `dead-letter.fifo`; whether each is there. A body too large for a letter lies in the payload bucket, and the
/// letter names it.
pub(super) async fn bury(ways: &Ways<'_>, bad: &[Bad<'_>]) -> Vec<bool> {
    let mut buried = vec![false; bad.len()];
    let (mut messages, mut places) = (Vec::new(), Vec::new());
    for (place, one) in bad.iter().enumerate() {
        let mut letter = letter(one.raw, &one.place, one.refusal, ways.clock.now().to_rfc3339());
        if one.raw.len() > MAX_BODY_BYTES {
            let key = format!("letters/{}/{}", hex(one.raw), ways.clock.nonce());
            if let Err(error) = ways.records.put_body(&key, one.raw).await {
                tracing::error!(event = "ingest", error = %error, "a body cannot be stored");
                continue;
            }
            (letter.raw_base64, letter.body_ref) = (None, Some(key));
        }
        RecordLine {
            trace: None,
            org_id: letter.org_id.as_deref().unwrap_or(""),
            record_type: letter.record_type.as_deref().unwrap_or(""),
            record_id: letter.record_id.as_deref().unwrap_or(""),
            connection: "",
            version: letter.version.unwrap_or(0),
            outcome: Ended::Dead,
            code: Some(letter.code),
            message: &letter.message,
            field: letter.field.as_deref().unwrap_or(""),
            attempts: letter.attempts,
        }
        .log();
        let body = serde_json::to_string(&letter).unwrap_or_default();
        messages.push(Outbound {
            trace: None,
            body,
            group: group(one.raw),
            deduplication_id: sqs_id(one.id),
            lane: None,
        });
        places.push(place);
    }
    if messages.is_empty() {
        return buried;
    }
    for (place, sent) in places.into_iter().zip(ways.queue.send(QueueName::DeadLetter, &messages).await) {
        match sent {
            Ok(()) => buried[place] = true,
            Err(error) => tracing::error!(event = "ingest", error = %error, "a dead letter cannot be sent"),
        }
    }
    buried
}
