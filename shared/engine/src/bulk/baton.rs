//! The message that starts a connection's lane.

use crate::seams::{Baton, Outbound, QueueName, Seams};
use rtr_core::key::{ConnectionKey, sqs_id};
use serde_json::{Value, json};

/// Sends batons; says of each whether the queue took it. Two with one number are one to the queue, for five minutes, and to
/// the lane for ever.
pub(crate) async fn send(seams: &Seams<'_>, batons: &[Baton]) -> Vec<bool> {
    if batons.is_empty() {
        return Vec::new();
    }
    let messages: Vec<Outbound> = batons.iter().map(message).collect();
    let sent = seams.queue.send(QueueName::Bulk, &messages).await;
    let lost = sent.iter().filter(|sent| sent.is_err()).count();
    if lost > 0 {
        let message = format!("{lost} of {} batons could not be sent", messages.len());
        tracing::warn!(event = "lane", message);
    }
    sent.iter().map(Result::is_ok).collect()
}

fn message(baton: &Baton) -> Outbound {
    let Baton { connection: ConnectionKey { org_id, connection }, n } = baton;
    let body = json!({"baton": {"org_id": org_id, "connection": connection, "n": n}});
    let key = baton.connection.key();
    Outbound {
        trace: None,
        body: body.to_string(),
        // One group for each connection: the queue itself lets no two work it.
        group: sqs_id(&key),
        deduplication_id: sqs_id(&format!("baton#{key}#{n}")),
        lane: None,
    }
}

/// The baton that a message is; none when it is something else.
pub(super) fn read(body: &str) -> Option<Baton> {
    let value: Value = serde_json::from_str(body).ok()?;
    let baton = value.get("baton")?;
    let text = |name: &str| baton.get(name)?.as_str().map(str::to_owned);
    let connection = ConnectionKey::new(text("org_id")?, text("connection")?);
    Some(Baton { connection, n: baton.get("n")?.as_u64()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_baton_when_sent_and_read_then_it_is_the_same() {
        let baton = Baton { connection: ConnectionKey::new("ac#me", "hubspot"), n: 7 };
        let message = message(&baton);
        assert_eq!(read(&message.body), Some(baton));
        assert_eq!(
            (message.group.as_str(), message.deduplication_id.as_str()),
            ("ac%23me#hubspot", "baton#ac%23me#hubspot#7")
        );
        assert_eq!(read("{}"), None);
    }
}
