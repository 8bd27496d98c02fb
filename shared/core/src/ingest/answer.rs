//! What is said to a request: each of its items, and one status for all.

use super::Refusal;
use serde_json::{Value, json};

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The queue has it, under this id of a message.
    Taken(String),
    /// It has not.
    Refused(Refusal),
}

/// An answer of JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// After how many seconds to come again, if something was refused that may be taken then.
    pub retry_after_s: Option<u64>,
}

impl Answer {
    /// What cannot be read, or whoever may not come in: no item was looked at.
    #[must_use]
    pub fn problem(refusal: &Refusal) -> Self {
        let body = json!({"message": refusal.message, "code": refusal.code.as_str()});
        Self { status: refusal.status, body, retry_after_s: refusal.retry_after_s }
    }

    /// Whoever may not come in. It does not say why: there is nothing to learn by trying.
    #[must_use]
    pub fn unauthorized() -> Self {
        let message = "the request is not signed with a secret of this org, or too old";
        Self { status: 401, body: json!({"message": message}), retry_after_s: None }
    }
}

/// The answer to a request whose items ended so.
#[must_use]
pub fn answer(fates: &[Fate]) -> Answer {
    let result = |(index, fate): (usize, &Fate)| match fate {
        Fate::Taken(id) => json!({"index": index, "status": 200, "message_id": id}),
        Fate::Refused(why) => {
            let mut result = json!({"index": index, "status": why.status, "code": why.code.as_str(), "message": why.message});
            if let Some(field) = why.field {
                result["field"] = field.into();
            }
            result
        }
    };
    let results: Vec<Value> = fates.iter().enumerate().map(result).collect();
    let refusals =
        || fates.iter().filter_map(|fate| if let Fate::Refused(why) = fate { Some(why) } else { None });
    let accepted = fates.len() - refusals().count();
    let status = if accepted > 0 || fates.is_empty() { 200 } else { status(&refusals().collect::<Vec<_>>()) };
    let retry_after_s = refusals().filter_map(|why| why.retry_after_s).max();
    Answer { status, body: json!({"accepted": accepted, "results": results}), retry_after_s }
}

/// One status for items of which none was taken: what passes by itself first, since sending all again then helps some.
fn status(refusals: &[&Refusal]) -> u16 {
    let of = |status: u16| refusals.iter().any(|why| why.status == status);
    let first = refusals.first().map_or(400, |why| why.status);
    match () {
        () if of(429) => 429,
        () if of(503) => 503,
        () if refusals.iter().all(|why| why.status == first) => first,
        () => 400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    fn taken() -> Fate {
        Fate::Taken("m-1".to_owned())
    }

    fn lasting(status: u16) -> Fate {
        Fate::Refused(Refusal::lasting(status, Code::WrongType, "no"))
    }

    fn passing(status: u16, after: u64) -> Fate {
        Fate::Refused(Refusal::passing(status, Code::QueueThrottled, "later", after))
    }

    #[test]
    fn given_some_taken_when_answered_then_it_is_200_and_each_item_is_told() {
        let fates = [taken(), lasting(400), passing(429, 2)];
        let Answer { status, body, retry_after_s } = answer(&fates);
        assert_eq!((status, retry_after_s), (200, Some(2)));
        insta::assert_snapshot!(body.to_string(), @r#"{"accepted":1,"results":[{"index":0,"message_id":"m-1","status":200},{"code":"RTR1003","index":1,"message":"no","status":400},{"code":"RTR5006","index":2,"message":"later","status":429}]}"#);
    }

    #[test]
    fn given_none_taken_when_answered_then_the_status_says_what_to_do_with_all() {
        let of = |fates: &[Fate]| (answer(fates).status, answer(fates).retry_after_s);
        assert_eq!(of(&[]), (200, None));
        assert_eq!(of(&[passing(429, 1), passing(429, 7)]), (429, Some(7)));
        assert_eq!(of(&[lasting(400), passing(503, 1), passing(429, 3)]), (429, Some(3)));
        assert_eq!(of(&[lasting(400), passing(503, 1)]), (503, Some(1)));
        assert_eq!(of(&[lasting(403), lasting(403)]), (403, None));
        assert_eq!(of(&[lasting(403), lasting(413)]), (400, None));
    }
}
