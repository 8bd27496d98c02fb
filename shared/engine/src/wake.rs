//! Waking what sleeps in a slot: a message in the record's own group, so that its one worker decides.
//!
//! A wake-up says only that a look is due. It may come early, twice or too late: the item decides, and one that finds
//! nothing to wake is acknowledged without a write.

use crate::batch::Settings;
use crate::seams::{Outbound, QueueName, Seams, Sleeper};
use rtr_core::change::{Wake, wake_body};
use rtr_core::inbound::{self, Message, delivery::group};
use rtr_core::key::{ConnectionKey, Whose, sqs_id};

/// Wakes `sleepers`; says of each whether the queue took its message. Wake-ups of one `cause` are deduplicated by the queue.
pub async fn wake(seams: &Seams<'_>, settings: &Settings, sleepers: &[Sleeper], cause: &str) -> Vec<bool> {
    if sleepers.is_empty() {
        return Vec::new();
    }
    let mut sent = vec![Ok(()); sleepers.len()];
    for (whose, queue) in [
        (Whose::Record, QueueName::Changes),
        (Whose::External, QueueName::Inbound),
        (Whose::Feed, QueueName::Poll),
    ] {
        let places: Vec<usize> = (0..sleepers.len()).filter(|at| sleepers[*at].whose == whose).collect();
        let messages: Vec<Outbound> =
            places.iter().map(|at| message(&sleepers[*at], settings.group_buckets, cause)).collect();
        if !messages.is_empty() {
            let answers = seams.queue.send(queue, &messages).await;
            places.into_iter().zip(answers).for_each(|(at, answer)| sent[at] = answer);
        }
    }
    let lost = sent.iter().filter(|sent| sent.is_err()).count();
    if lost > 0 {
        let message = format!("{lost} of {} wake-ups could not be sent", sleepers.len());
        tracing::warn!(event = "wake", message);
    }
    sent.iter().map(Result::is_ok).collect()
}

/// How many the queue took.
pub(crate) fn taken(sent: &[bool]) -> u64 {
    sent.iter().filter(|sent| **sent).count() as u64
}

fn message(sleeper: &Sleeper, group_buckets: u64, cause: &str) -> Outbound {
    let Sleeper { record, connection, version, whose, .. } = sleeper;
    if *whose != Whose::Record {
        return beside(sleeper, cause);
    }
    let wake = Wake { key: record.clone(), connection: connection.clone(), version: *version };
    Outbound {
        trace: None,
        body: wake_body(&wake).to_string(),
        group: record.message_group(group_buckets),
        deduplication_id: sqs_id(&format!("wake#{}#{connection}#{version}#{cause}", record.pk())),
        lane: None,
    }
}

/// What sleeps of a CRM's record on its way back, or of a poll: its names are the CRM's.
fn beside(sleeper: &Sleeper, cause: &str) -> Outbound {
    let Sleeper { record, connection, version, whose, .. } = sleeper;
    let connection = ConnectionKey::new(&record.org_id, connection);
    let group = match whose {
        // One poll of a connection at a time.
        Whose::Feed => sqs_id(&connection.key()),
        Whose::Record | Whose::External => group(&connection, &record.record_id),
    };
    let id = format!("{}#{}#{}#{version}#{cause}", connection.key(), record.record_type, record.record_id);
    let wake = inbound::Wake {
        connection,
        object: record.record_type.clone(),
        external_id: record.record_id.clone(),
        version: *version,
    };
    let body = Message::Wake(wake).to_body().to_string();
    Outbound { trace: None, body, group, deduplication_id: sqs_id(&id), lane: None }
}
