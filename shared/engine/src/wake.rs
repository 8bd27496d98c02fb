//! Waking what sleeps in a slot: a message in the record's own group, so that its one worker decides.
//!
//! A wake-up says only that a look is due. It may come early, twice or too late: the item decides, and one that finds
//! nothing to wake is acknowledged without a write.

use crate::batch::Settings;
use crate::seams::{Outbound, QueueName, Seams, Sleeper};
use rtr_core::change::{Wake, wake_body};
use rtr_core::key::sqs_id;

/// Wakes `sleepers`; says of each whether the queue took its message. Wake-ups of one `cause` are deduplicated by the queue.
pub async fn wake(seams: &Seams<'_>, settings: &Settings, sleepers: &[Sleeper], cause: &str) -> Vec<bool> {
    if sleepers.is_empty() {
        return Vec::new();
    }
    let messages: Vec<Outbound> =
        sleepers.iter().map(|one| message(one, settings.group_buckets, cause)).collect();
    let sent = seams.queue.send(QueueName::Changes, &messages).await;
    let lost = sent.iter().filter(|sent| sent.is_err()).count();
    if lost > 0 {
        let message = format!("{lost} of {} wake-ups could not be sent", messages.len());
        tracing::warn!(event = "wake", message);
    }
    sent.iter().map(Result::is_ok).collect()
}

/// How many the queue took.
pub(crate) fn taken(sent: &[bool]) -> u64 {
    sent.iter().filter(|sent| **sent).count() as u64
}

fn message(sleeper: &Sleeper, group_buckets: u64, cause: &str) -> Outbound {
    let Sleeper { record, connection, version, .. } = sleeper;
    let wake = Wake { key: record.clone(), connection: connection.clone(), version: *version };
    Outbound {
        body: wake_body(&wake).to_string(),
        group: record.message_group(group_buckets),
        deduplication_id: sqs_id(&format!("wake#{}#{connection}#{version}#{cause}", record.pk())),
        lane: None,
    }
}
