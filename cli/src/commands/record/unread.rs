//! Events of a record that nobody could use: dead letters that belong to no connection, found by the names in them.

use crate::aws::Aws;
use crate::commands::dlq::filter::Filter;
use crate::commands::dlq::index::{Extent, read_some};
use crate::commands::dlq::letter::Letter;
use crate::output::{Style, one_line, table};
use crate::problem::Problem;
use rtr_core::key::RecordKey;
use schemars::JsonSchema;
use serde::Serialize;

/// Pages of each part of the index that are read, a mebibyte each: an org has seldom more.
const PAGES: usize = 1;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Unread {
    /// The dead letter's id.
    pub(super) id: String,
    pub(super) at: String,
    pub(super) code: Option<String>,
    pub(super) message: String,
    pub(super) field: Option<String>,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// Those that name the record, newest first.
    pub(super) unread: Vec<Unread>,
    /// Where the others stand, if the newest of its org's dead letters alone were looked at.
    pub(super) elsewhere: Option<String>,
}

/// Looks for those that name the record.
pub(super) async fn unread(aws: &Aws, key: &RecordKey) -> Result<Found, Problem> {
    let (org, record_type) = (Some(key.org_id.clone()), Some(key.record_type.clone()));
    let filter = Filter { org, record_type, ..Filter::default() };
    let found = read_some(aws, &filter, Extent::Newest(PAGES)).await?;
    let elsewhere = (!found.whole).then(|| {
        format!(
            "Only its org's newest dead letters were looked at: rtr dlq list{} --reason malformed",
            filter.words()
        )
    });
    Ok(Found { unread: of(found.letters, key), elsewhere })
}

/// Those of `letters` that name the record and lie with none, newest first.
fn of(letters: Vec<Letter>, key: &RecordKey) -> Vec<Unread> {
    let meant = |letter: &Letter| {
        letter.is_unattributed()
            && letter.direction.is_none()
            && letter.record_id.as_ref() == Some(&key.record_id)
    };
    let told = |Letter { id, at, code, message, field, .. }: Letter| Unread { id, at, code, message, field };
    letters.into_iter().rev().filter(meant).map(told).collect()
}

/// In words.
pub(super) fn words(style: Style, unread: &[Unread]) -> String {
    let row = |one: &Unread| {
        let code = one.code.clone().unwrap_or_default();
        vec![one.at.clone(), code, one_line(&one.message), format!("rtr dlq show --id {}", one.id)]
    };
    let rows = unread.iter().map(row).collect();
    format!("came and could not be used\n{}", table(style, &["at", "code", "message", "more"], rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::key::PairKey;
    use rtr_core::time::Instant;

    fn letter(body: &str, record_id: &str, at: i64) -> Letter {
        let summary = format!(
            r#"{{"org_id":"acme","record_type":"contact","record_id":"{record_id}","reason":"malformed","code":"RTR1002",
                "message":"`version` is missing","field":"version","attempts":1,"version":0}}"#
        );
        Letter::read(PairKey::unattributed(body.as_bytes()), Instant(at), &summary)
    }

    #[test]
    fn given_letters_of_no_connection_when_a_record_is_asked_for_then_those_that_name_it_say_why_they_are_of_no_use()
     {
        let letters = vec![letter("a", "m-1", 10), letter("b", "m-2", 20), letter("c", "m-1", 30)];
        let found = of(letters, &RecordKey::new("acme", "contact", "m-1"));
        insta::assert_snapshot!(words(Style::Plain, &found), @r"
        came and could not be used
        AT                        CODE     MESSAGE               MORE
        1970-01-01T00:00:00.030Z  RTR1002  `version` is missing  rtr dlq show --id db2f32d43184c03d
        1970-01-01T00:00:00.010Z  RTR1002  `version` is missing  rtr dlq show --id 4c2ff062465dd419
        ");
    }
}
