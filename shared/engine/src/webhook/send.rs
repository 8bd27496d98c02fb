//! Events to notices: those of the connection's own account, each record once, onto `inbound.fifo`.

use super::keys::Held;
use crate::seams::{Outbound, Queue, QueueName, Unavailable};
use rtr_connectors::credentials::same_account;
use rtr_connectors::webhook::Event;
use rtr_core::inbound::{Notice, Operation, Seen};
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use std::collections::HashMap;

/// What is the connection's own of what was told.
#[derive(Debug)]
pub(super) struct OfAccount {
    pub(super) events: Vec<Event>,
    /// Events of other accounts.
    pub(super) foreign: u64,
}

/// The events of the connection's account. An app that many have let in tells one address of all of them, and a copy of an account
/// tells the address of the one it was copied from: another account's records must never pass for this one's.
///
/// # Errors
/// When that cannot be told, in words for the log.
pub(super) fn of_account(events: Vec<Event>, held: &Held) -> Result<OfAccount, String> {
    let total = events.len();
    let own = match &held.account {
        Some(own) => events
            .into_iter()
            .filter(|event| event.account.as_ref().is_none_or(|account| same_account(own, account)))
            .collect::<Vec<_>>(),
        None if held.is_shared() && events.iter().any(|event| event.account.is_some()) => {
            return Err("it is not known which account is the connection's: `rtr connection test` finds out"
                .to_owned());
        }
        None => events,
    };
    let foreign = u64::try_from(total - own.len()).unwrap_or(u64::MAX);
    Ok(OfAccount { events: own, foreign })
}

/// The messages for `events`, and how many of these were spared: of what became of one record in the same way the newest is
/// told. HubSpot sends an event for every property, and all of them say to look at the record.
pub(super) fn messages(key: &ConnectionKey, events: Vec<Event>, now: Instant) -> (Vec<Outbound>, u64) {
    let total = events.len();
    let mut newest: Vec<Event> = Vec::with_capacity(total);
    let mut places: HashMap<(String, String, Operation), usize> = HashMap::with_capacity(total);
    for event in events {
        let of = (event.object.clone(), event.external_id.clone(), event.operation.clone());
        match places.get(&of).and_then(|place| newest.get_mut(*place)) {
            Some(known) => {
                // The same events give the same one, in whatever order they come.
                if (known.at, &known.identity) < (event.at, &event.identity) {
                    *known = event;
                }
            }
            None => {
                places.insert(of, newest.len());
                newest.push(event);
            }
        }
    }
    let doubles = u64::try_from(total - newest.len()).unwrap_or(u64::MAX);
    (newest.into_iter().map(|event| message(key, event, now)).collect(), doubles)
}

fn message(key: &ConnectionKey, event: Event, now: Instant) -> Outbound {
    let Event { object, external_id, operation, at, origin, identity, .. } = event;
    let (connection, seen, received_at, record) = (key.clone(), Seen::Webhook, now, None);
    let notice = Notice { connection, object, external_id, operation, at, seen, received_at, origin, record };
    Outbound {
        trace: None,
        body: notice.to_body().to_string(),
        group: notice.message_group(),
        deduplication_id: notice.deduplication_id(Some(&identity)),
        lane: None,
    }
}

/// Sends them, in order.
pub(super) async fn send(queue: &dyn Queue, messages: &[Outbound]) -> Vec<Result<(), Unavailable>> {
    if messages.is_empty() { Vec::new() } else { queue.send(QueueName::Inbound, messages).await }
}
