//! What `inbound.fifo` carries: notices, and what becomes of them on their way.

use super::delivery::{Delivery, Offered};
use super::notice::{self, Notice, SCHEMA};
use crate::change::Malformed;
use crate::change::parse::{kind, missing, take_id, wrong};
use crate::item::Reason;
use crate::key::ConnectionKey;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A message of `inbound.fifo`.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A record of a CRM has changed.
    Notice(Notice),
    /// What is kept of a CRM's record is due.
    Wake(Wake),
    /// A notice whose record could not be looked at, or not be told of.
    Returned(Box<Returned>),
    /// The internal system is to be told.
    Delivery(Box<Delivery>),
    /// What was not taken need not be told any more.
    Overwritten(Overwritten),
}

/// Values of a CRM's record that the internal system did not take, and that a version of its own was written over since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overwritten {
    /// Where.
    #[serde(flatten)]
    pub connection: ConnectionKey,
    /// The CRM's name of the record's kind.
    pub object: String,
    /// The record's id at the CRM.
    pub external_id: String,
    /// The CRM's names of the properties.
    pub fields: Vec<String>,
}

/// What is kept of a CRM's record is due, or is wanted by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// Where.
    #[serde(flatten)]
    pub connection: ConnectionKey,
    /// The CRM's name of the record's kind.
    pub object: String,
    /// The record's id at the CRM.
    pub external_id: String,
    /// The version that is kept.
    pub version: u64,
}

/// A notice that comes back.
#[derive(Debug, Clone, PartialEq)]
pub struct Returned {
    /// The notice.
    pub notice: Notice,
    /// Properties of which the internal system is to be told whatever both sides had last.
    pub anew: Vec<String>,
    /// Of a record that was offered, as which version and with what, so that a repeat is known for one.
    pub offered: Option<Offered>,
    /// Not to be tried before; none: only a person can help.
    pub until: Option<Instant>,
    /// Why.
    pub reason: Reason,
}

impl Message {
    /// The CRM's record that it is about: its connection, kind and id.
    #[must_use]
    pub fn about(&self) -> (&ConnectionKey, &str, &str) {
        match self {
            Self::Notice(notice) => (&notice.connection, &notice.object, &notice.external_id),
            Self::Wake(wake) => (&wake.connection, &wake.object, &wake.external_id),
            Self::Returned(back) => (&back.notice.connection, &back.notice.object, &back.notice.external_id),
            Self::Delivery(one) => (&one.connection, &one.object, &one.external_id),
            Self::Overwritten(one) => (&one.connection, &one.object, &one.external_id),
        }
    }

    /// The body of its message.
    #[must_use]
    pub fn to_body(&self) -> Value {
        match self {
            Self::Notice(notice) => notice.to_body(),
            Self::Wake(wake) => json!({"schema": SCHEMA, "wake": wake}),
            Self::Returned(back) => json!({"schema": SCHEMA, "returned": {
                "notice": back.notice.to_body(), "anew": back.anew, "until": back.until, "reason": back.reason,
                "offered": back.offered,
            }}),
            Self::Delivery(delivery) => json!({"schema": SCHEMA, "deliver": delivery}),
            Self::Overwritten(over) => json!({"schema": SCHEMA, "overwritten": over}),
        }
    }

    /// Reads the body of a message.
    ///
    /// # Errors
    /// [`Malformed`] with the position of a syntax error or the name of the field at fault.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        Self::of(notice::read(body)?)
    }

    /// The same of a body that is read already.
    ///
    /// # Errors
    /// [`Malformed`] with the name of the field at fault.
    pub fn of(mut value: Value) -> Result<Self, Malformed> {
        let mut take = |name: &'static str| value.get_mut(name).map(Value::take);
        if let Some(wake) = take("wake") {
            return ours("wake", wake).map(Self::Wake);
        }
        if let Some(delivery) = take("deliver") {
            return ours("deliver", delivery).map(|delivery| Self::Delivery(Box::new(delivery)));
        }
        if let Some(over) = take("overwritten") {
            return ours("overwritten", over).map(Self::Overwritten);
        }
        match take("returned") {
            Some(back) => returned(back).map(|back| Self::Returned(Box::new(back))),
            None => Notice::of(value).map(Self::Notice),
        }
    }
}

fn returned(back: Value) -> Result<Returned, Malformed> {
    let Value::Object(mut back) = back else {
        let message = format!("`returned` is {}, an object is expected", kind(&back));
        return Err(wrong(Some("returned"), message));
    };
    let mut take = |name: &'static str| back.remove(name);
    Ok(Returned {
        notice: Notice::of(take("notice").ok_or_else(|| missing("notice"))?)?,
        anew: take("anew").map(|names| ours("anew", names)).transpose()?.unwrap_or_default(),
        offered: take("offered").map(|one| ours("offered", one)).transpose()?.flatten(),
        until: take("until").map(|at| ours("until", at)).transpose()?.flatten(),
        reason: ours("reason", take("reason").ok_or_else(|| missing("reason"))?)?,
    })
}

/// A part that only we write. Without serde's words, which quote what they found.
fn ours<T: serde::de::DeserializeOwned>(name: &'static str, value: Value) -> Result<T, Malformed> {
    serde_json::from_value(value)
        .map_err(|_| wrong(Some(name), format!("`{name}` is not as this version writes it")))
}

/// Reads the record that a body is about as far as it can be told, for whoever files what cannot be read.
#[must_use]
pub fn about(body: &str) -> Option<(ConnectionKey, String, String)> {
    let Value::Object(mut top) = notice::read(body).ok()? else { return None };
    let mut take = |name: &'static str| take_id(&mut top, name).ok();
    let connection = ConnectionKey::new(take("org_id")?, take("connection")?);
    Some((connection, take("object")?, take("external_id")?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::code::Code;
    use crate::inbound::delivery::tests::delivery;
    use crate::inbound::{Operation, Seen};

    #[test]
    fn given_every_kind_of_message_when_written_and_read_then_it_is_the_same() {
        let notice = Notice {
            connection: ConnectionKey::new("acme", "hubspot"),
            object: "contacts".to_owned(),
            external_id: "7".to_owned(),
            operation: Operation::Merged { into: "8".to_owned() },
            at: Some(Instant(5)),
            seen: Seen::Ourselves,
            received_at: Instant(6),
            origin: None,
            record: Some(json!({"email": "a@x.io"})),
        };
        let wake = Wake {
            connection: notice.connection.clone(),
            object: "contacts".to_owned(),
            external_id: "7".to_owned(),
            version: 3,
        };
        let over = Overwritten {
            connection: notice.connection.clone(),
            object: "contacts".to_owned(),
            external_id: "7".to_owned(),
            fields: vec!["email".to_owned()],
        };
        let back = |until| Returned {
            notice: notice.clone(),
            anew: vec!["email".to_owned()],
            offered: Some(Offered { version: 7, digest: "ab".to_owned(), unsure: true }),
            until,
            reason: Reason::new(Code::Throttled, "later"),
        };
        let messages = [
            Message::Notice(notice.clone()),
            Message::Wake(wake),
            Message::Returned(Box::new(back(Some(Instant(9))))),
            Message::Returned(Box::new(back(None))),
            Message::Delivery(Box::new(delivery(3, &["email"], json!({"email": null})))),
            Message::Overwritten(over),
        ];
        for message in messages {
            assert_eq!(Message::parse(&message.to_body().to_string()), Ok(message));
        }
    }

    #[test]
    fn given_a_broken_message_when_read_then_the_complaint_names_the_place() {
        let told = [
            "{",
            "[]",
            r#"{"schema":1,"wake":{"org_id":"a"}}"#,
            r#"{"schema":1,"deliver":7}"#,
            r#"{"schema":1,"returned":[]}"#,
            r#"{"schema":1,"returned":{"notice":{"schema":2}}}"#,
        ]
        .map(|body| {
            let error = Message::parse(body).unwrap_err();
            format!("{} {error}", error.code)
        });
        insta::assert_snapshot!(told.join("\n"), @r"
        RTR1001 the notice is not JSON: it ends too early at line 1 column 1
        RTR1003 the notice is an array, a JSON object is expected
        RTR1003 `wake` is not as this version writes it
        RTR1003 `deliver` is not as this version writes it
        RTR1003 `returned` is an array, an object is expected
        RTR1003 `schema` is not 1, the only one that this version reads
        ");
    }
}
