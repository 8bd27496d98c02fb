//! What is in a batch of `inbound.fifo`: per record of a CRM, the newest of each kind. Pure.

use crate::batch::Received;
use rtr_core::change::Malformed;
use rtr_core::inbound::{Delivery, Message, Notice, Operation, Returned, Wake};
use rtr_core::key::ConnectionKey;

/// A batch, taken apart. Numbers are places in the batch.
#[derive(Debug, Default)]
pub(super) struct Intake {
    /// Messages that cannot be read.
    pub(super) malformed: Vec<(usize, Malformed)>,
    /// The records, in the order of their first message.
    pub(super) records: Vec<Work>,
}

/// The messages of one record of a CRM.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) connection: ConnectionKey,
    pub(super) object: String,
    pub(super) external_id: String,
    /// All its messages.
    pub(super) places: Vec<usize>,
    /// What is to be told, in its order.
    pub(super) deliveries: Vec<Delivery>,
    /// The last that was heard of it.
    pub(super) notice: Option<Notice>,
    /// What is due of what is kept.
    pub(super) wake: Option<Wake>,
    /// What could not be looked at.
    pub(super) returned: Option<Returned>,
    /// What was not taken and need not be told any more: properties, by the CRM's names.
    pub(super) overwritten: Vec<String>,
}

/// Takes the batch apart.
#[must_use]
pub(super) fn take_in(batch: &[Received]) -> Intake {
    let mut intake = Intake::default();
    for (place, received) in batch.iter().enumerate() {
        match Message::parse(&received.body) {
            Ok(message) => intake.add(place, message),
            Err(malformed) => intake.malformed.push((place, malformed)),
        }
    }
    intake
}

impl Intake {
    fn add(&mut self, place: usize, message: Message) {
        let (connection, object, id) = message.about();
        let same =
            |work: &Work| work.connection == *connection && work.object == object && work.external_id == id;
        let at = self.records.iter().position(same).unwrap_or_else(|| {
            self.records.push(Work {
                connection: connection.clone(),
                object: object.to_owned(),
                external_id: id.to_owned(),
                places: Vec::new(),
                deliveries: Vec::new(),
                notice: None,
                wake: None,
                returned: None,
                overwritten: Vec::new(),
            });
            self.records.len() - 1
        });
        let work = &mut self.records[at];
        work.places.push(place);
        match message {
            Message::Notice(notice) => work.hear(notice),
            Message::Wake(wake) => work.wake = Some(wake),
            Message::Returned(mut back) => {
                // One look stands for all.
                back.anew.extend(work.returned.take().into_iter().flat_map(|earlier| earlier.anew));
                work.returned = Some(*back);
            }
            Message::Delivery(delivery) => work.deliveries.push(*delivery),
            Message::Overwritten(over) => work.overwritten.extend(over.fields),
        }
    }
}

impl Work {
    /// The later of two notices counts, but neither brings all that the other does.
    fn hear(&mut self, notice: Notice) {
        let Some(earlier) = self.notice.take() else {
            self.notice = Some(notice);
            return;
        };
        // They may come in any order: where they differ, the CRM itself is asked.
        let operation =
            if earlier.operation == notice.operation { notice.operation } else { Operation::Upsert };
        self.notice = Some(Notice { operation, record: None, ..notice });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use rtr_core::inbound::Seen;
    use rtr_core::time::Instant;
    use serde_json::json;

    fn received(operation: Operation, record: Option<serde_json::Value>) -> Received {
        let notice = Notice {
            connection: ConnectionKey::new("acme", "hubspot"),
            object: "contacts".to_owned(),
            external_id: "7".to_owned(),
            operation,
            at: None,
            seen: Seen::Webhook,
            received_at: Instant(1),
            origin: None,
            record,
        };
        Received {
            sent_at: Instant(0),
            trace: None,
            message_id: "m".to_owned(),
            receipt: "r".to_owned(),
            body: notice.to_body().to_string(),
            group: notice.message_group(),
            first_received_at: Instant(1),
            receive_count: 1,
            lane: None,
        }
    }

    #[test]
    fn given_two_notices_of_a_record_when_they_differ_then_neither_is_believed() {
        let both =
            [received(Operation::Upsert, Some(json!({"email": "a"}))), received(Operation::Deleted, None)];
        for batch in [both.clone(), [both[1].clone(), both[0].clone()]] {
            let intake = take_in(&batch);
            let notice = intake.records[0].notice.as_ref().unwrap();
            assert_eq!((&notice.operation, &notice.record), (&Operation::Upsert, &None));
        }
        let twice = take_in(&[both[1].clone(), both[1].clone()]);
        assert_eq!(twice.records[0].notice.as_ref().unwrap().operation, Operation::Deleted);
    }
}
