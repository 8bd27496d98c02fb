//! What a redrive sends for one dead letter, given its item as it stands now.

use super::decision::Kind;
use super::letter::Letter;
use crate::seams::{Outbound, Records, Unavailable};
use rtr_core::change::{Change, Wake, parse, to_body, wake_body};
use rtr_core::code::Code;
use rtr_core::inbound::{self, delivery::group};
use rtr_core::item::{Body, Item, Slot};
use rtr_core::key::{ConnectionKey, RecordKey, Whose, sqs_id};
use serde_json::Value;

/// What to do about one dead letter.
#[derive(Debug, Clone, PartialEq)]
pub enum Redrive {
    /// Wake its record; the item is the record's own worker's affair.
    Wake(Outbound),
    /// Wake what the internal system was to be told of a CRM's record.
    Tell(Outbound),
    /// Send the event itself again, then clear the place where it lay.
    Resend(Outbound),
    /// It is not dead any more.
    Gone,
    /// It could only die again.
    Refused(Code, String),
}

/// How messages are addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressing {
    /// The stack's `GroupBuckets`.
    pub buckets: u64,
    /// Makes deduplication ids fresh.
    pub fresh: String,
}

impl Letter {
    /// What kind of item it lies in.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let whole = self.record().is_some() && self.connection.is_some() && !self.is_unattributed();
        if whole { Kind::Pair } else { Kind::Unfiled }
    }

    /// The record, where it could be told.
    #[must_use]
    pub fn record(&self) -> Option<RecordKey> {
        Some(RecordKey::new(self.org_id.clone()?, self.record_type.clone()?, self.record_id.clone()?))
    }
}

/// The plan for `letter`. `body` is the dead version's data; only what is sent again as an event needs it.
#[must_use]
pub fn redrive(letter: &Letter, item: Option<&Item>, body: Option<Value>, how: &Addressing) -> Redrive {
    let Some(slot) = item.and_then(Item::dead) else { return Redrive::Gone };
    let outbound = |record: &RecordKey, body: String| Outbound {
        trace: None,
        body,
        group: record.message_group(how.buckets),
        deduplication_id: sqs_id(&format!("{}#{}", how.fresh, letter.id)),
        lane: None,
    };
    if letter.key.whose() == Whose::External {
        return tell(letter, slot, how);
    }
    if letter.is_unattributed() {
        let text = body.as_ref().and_then(|body| body.get("raw")?.as_str());
        let Some(text) = text else { return gone() };
        return match parse(text) {
            Ok(message) => Redrive::Resend(outbound(message.key(), text.to_owned())),
            Err(error) => {
                let advice =
                    "it would only die again; publish the corrected event, then rtr dlq drop this one";
                Redrive::Refused(error.code, format!("{error}: {advice}"))
            }
        };
    }
    let Some(record) = letter.record() else { return gone() };
    if let Some(connection) = letter.connection.clone() {
        let wake = Wake { key: record.clone(), connection, version: slot.wanted_version };
        return Redrive::Wake(outbound(&record, wake_body(&wake).to_string()));
    }
    let Some(data) = body else { return gone() };
    let (version, operation) = (slot.wanted_version, slot.operation());
    let change = Change {
        trace: None,
        key: record.clone(),
        event_id: None,
        version,
        operation,
        occurred_at: slot.occurred_at,
        data,
        unknown_fields: 0,
        only: None,
        rewrite: false,
    };
    Redrive::Resend(outbound(&record, to_body(&change).to_string()))
}

/// A change of a CRM's that the internal system did not take: it is looked at anew.
fn tell(letter: &Letter, slot: &Slot, how: &Addressing) -> Redrive {
    let (Some(record), Some(connection)) = (letter.record(), &letter.connection) else { return gone() };
    let connection = ConnectionKey::new(&record.org_id, connection);
    let group = group(&connection, &record.record_id);
    let (object, external_id) = (record.record_type, record.record_id);
    let wake = inbound::Wake { connection, object, external_id, version: slot.wanted_version };
    Redrive::Tell(Outbound {
        trace: None,
        body: inbound::Message::Wake(wake).to_body().to_string(),
        group,
        deduplication_id: sqs_id(&format!("{}#{}", how.fresh, letter.id)),
        lane: None,
    })
}

fn gone() -> Redrive {
    Redrive::Refused(Code::BodyGone, "its body is gone or unreadable: send the record again".to_owned())
}

/// Whether [`redrive`] needs the body.
#[must_use]
pub fn needs_body(letter: &Letter) -> bool {
    letter.kind() == Kind::Unfiled
}

/// The data of a dead version; none when it is gone or is not JSON any more.
///
/// # Errors
/// When the store does not answer.
pub async fn body_of(records: &dyn Records, slot: &Slot) -> Result<Option<Value>, Unavailable> {
    match &slot.body {
        Body::Inline(data) => Ok(Some(data.clone())),
        Body::Stored(key) => {
            Ok(records.body(key).await?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::*;
    use rtr_core::item::{Reason, SlotState};
    use rtr_core::key::PairKey;
    use rtr_core::time::Instant;
    use serde_json::json;

    fn item(version: u64) -> Item {
        let slot = Slot {
            trace: None,
            wanted_version: version,
            mapping_revision: 0,
            state: SlotState::Dead,
            deleted: false,
            body: Body::Inline(json!({})),
            reason: Reason::new(Code::Invalid, "refused"),
            since: Instant(1),
            not_before: Instant(0),
            attempts: 1,
            waits: None,
            backfill: false,
            occurred_at: None,
        };
        Item { rev: 1, slot: Some(slot), ..Item::default() }
    }

    fn how() -> Addressing {
        Addressing { buckets: 0, fresh: "f".to_owned() }
    }

    fn of(connection: &str) -> Letter {
        let summary = format!(
            r#"{{"org_id":"acme","connection":"{connection}","record_type":"contact","record_id":"c-1","version":7}}"#
        );
        letter("c-1", connection, 0, &summary)
    }

    #[test]
    fn given_a_dead_version_at_a_connection_when_redriven_then_the_version_that_is_dead_now_is_woken() {
        let letter = of("hubspot");
        let Redrive::Wake(message) = redrive(&letter, Some(&item(8)), None, &how()) else { panic!("a wake") };
        insta::assert_snapshot!(message.body, @r#"{"wake":{"connection":"hubspot","org_id":"acme","record_id":"c-1","record_type":"contact","version":8}}"#);
        assert_eq!(
            (message.group.as_str(), message.deduplication_id),
            ("acme#contact#c-1", format!("f#{}", letter.id))
        );
        assert_eq!(redrive(&letter, Some(&Item::default()), None, &how()), Redrive::Gone);
        assert_eq!(redrive(&letter, None, None, &how()), Redrive::Gone);
    }

    #[test]
    fn given_an_event_without_a_connection_when_redriven_then_it_is_sent_as_it_was() {
        let letter = of("-");
        assert!(needs_body(&letter));
        let answer = redrive(&letter, Some(&item(7)), Some(json!({"email": "a@b.c"})), &how());
        let Redrive::Resend(message) = answer else { panic!("{answer:?}") };
        assert_eq!(parse(&message.body).unwrap().version(), 7);
        assert!(message.body.contains("a@b.c"));
    }

    #[test]
    fn given_a_body_that_cannot_be_read_when_redriven_then_it_is_refused_while_it_cannot() {
        let letter = Letter::read(PairKey::unattributed(b"{"), Instant(0), "{}");
        let answer = redrive(&letter, Some(&item(0)), Some(json!({"raw": "{"})), &how());
        assert!(matches!(answer, Redrive::Refused(Code::MalformedJson, _)), "{answer:?}");
        let whole = r#"{"org_id":"a","record_type":"t","record_id":"1","version":1,"data":{}}"#;
        let answer = redrive(&letter, Some(&item(0)), Some(json!({"raw": whole})), &how());
        let Redrive::Resend(message) = answer else { panic!("{answer:?}") };
        assert_eq!((message.body.as_str(), message.group.as_str()), (whole, "a#t#1"));
        assert!(matches!(
            redrive(&letter, Some(&item(0)), None, &how()),
            Redrive::Refused(Code::BodyGone, _)
        ));
    }
}
