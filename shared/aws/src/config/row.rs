//! A stored document as a row and back.

use crate::attributes::{Row, Unreadable, n, number, required, s, text};
use rtr_core::config::StoredDoc;
use rtr_engine::seams::Unavailable;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;

pub(super) fn to_row(org: &str, sk: &str, stored: &StoredDoc<Value>) -> Row {
    let reason = stored.reason.as_ref().map(|reason| ("reason".to_owned(), s(reason)));
    let mut row = HashMap::from([
        ("pk".to_owned(), s(org)),
        ("sk".to_owned(), s(sk)),
        ("revision".to_owned(), n(stored.revision)),
        ("author".to_owned(), s(&stored.author)),
        ("at".to_owned(), s(&stored.at)),
        // Text: a document's numbers and depth are not DynamoDB's affair.
        ("doc".to_owned(), s(stored.doc.to_string())),
    ]);
    row.extend(reason);
    row
}

pub(super) fn from_row<T: DeserializeOwned>(row: &Row) -> Result<StoredDoc<T>, Unavailable> {
    let org = text(row, "pk").ok().flatten().unwrap_or_default();
    let wrong =
        |why: String| Unavailable(format!("the stored configuration of `{org}` cannot be used: {why}"));
    let given = |name| {
        let found = text(row, name).and_then(|value| required(value, name));
        found.map_err(|error| wrong(error.to_string()))
    };
    Ok(StoredDoc {
        revision: revision(row).map_err(|error| wrong(error.to_string()))?,
        author: given("author")?.to_owned(),
        at: given("at")?.to_owned(),
        reason: text(row, "reason").map_err(|error| wrong(error.to_string()))?.map(str::to_owned),
        doc: serde_json::from_str(given("doc")?).map_err(|error| wrong(error.to_string()))?,
    })
}

/// The bytes of the document's text.
pub(super) fn text_bytes(row: &Row) -> usize {
    text(row, "doc").ok().flatten().map_or(0, str::len)
}

/// The number alone, for whoever has the document of that number.
pub(super) fn revision(row: &Row) -> Result<u64, Unreadable> {
    required(number(row, "revision")?, "revision")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::config::OrgDoc;
    use serde_json::json;

    #[test]
    fn given_a_document_when_stored_and_read_then_it_is_the_same() {
        let doc = json!({"routes": {"contact": ["hubspot"]}});
        let (author, at) = ("ada".to_owned(), "2026-11-23T10:00:00Z".to_owned());
        let stored = StoredDoc { revision: 12, author, at, reason: Some("asked for".to_owned()), doc };
        let row = to_row("acme", &super::super::revision_key(12), &stored);
        assert_eq!(row.get("sk"), Some(&s("revision#000000000012")));
        assert_eq!(from_row(&row), Ok(stored));
        assert_eq!(from_row::<OrgDoc>(&row).unwrap().doc.routes["contact"], ["hubspot"]);
    }

    #[test]
    fn given_a_row_that_is_no_document_when_read_then_the_error_names_org_and_attribute() {
        let row = HashMap::from([("pk".to_owned(), s("acme")), ("revision".to_owned(), n(1))]);
        let error = from_row::<OrgDoc>(&row).unwrap_err().0;
        assert_eq!(
            error,
            "the stored configuration of `acme` cannot be used: the stored attribute `author` is not there"
        );
    }
}
