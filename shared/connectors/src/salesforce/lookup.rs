//! Finding records by the value of a field: the queries, their pages, and what they hold.
//!
//! SOQL sees what was committed and has no batch of its own: what bounds a query is the length of its address.

use super::{body, request, soql};
use crate::connector::{Call, Found, Lookup};
use crate::session::Session;
use rtr_core::failure::{Class, Failure};
use serde_json::Value;
use std::collections::BTreeSet;

/// Salesforce takes addresses and headers up to 16,384 bytes together; the rest is for the token and the host.
pub(super) const QUERY_BYTES: usize = 12_000;
/// Columns of a query that names them one by one: at 120 characters a name they have room in an address.
const COLUMNS: usize = 80;
/// Pages of one query: more is an answer that turns in a circle.
const PAGES: usize = 500;

/// The queries of a look-up.
///
/// # Errors
/// When a name is none, or a value is too long to be asked for.
pub fn queries(lookup: &Lookup) -> Result<Vec<String>, Failure> {
    let property = soql::field(&lookup.property)?;
    let object = soql::object(&lookup.object)?;
    let mut columns = vec!["Id"];
    for name in std::iter::once(property).chain(lookup.also.as_deref()) {
        if !columns.iter().any(|column| column.eq_ignore_ascii_case(name)) {
            columns.push(soql::field(name)?);
        }
    }
    let begin = format!("SELECT {} FROM {object} WHERE {property} IN (", columns.join(", "));
    let frame = request::encoded(&begin).len();
    let mut seen = BTreeSet::new();
    let mut queries: Vec<String> = Vec::new();
    let mut used = QUERY_BYTES;
    for value in lookup.values.iter().filter(|value| seen.insert(value.as_str())) {
        let literal = soql::literal(value);
        let length = request::encoded(&literal).len() + 3;
        if frame + length > QUERY_BYTES {
            let message = format!("a value of `{property}` is too long for a query of Salesforce");
            return Err(Failure::new(Class::Invalid { field: Some(property.to_owned()) }, message));
        }
        match queries.last_mut() {
            Some(query) if used + length <= QUERY_BYTES => query.push_str(&format!(",{literal}")),
            _ => {
                queries.push(format!("{begin}{literal}"));
                used = frame;
            }
        }
        used += length;
    }
    Ok(queries.into_iter().map(|query| query + ")").collect())
}

/// The queries for what one record holds, each with its fields: as many as one address has room for.
///
/// # Errors
/// When a name is none.
pub fn holding<'f>(
    object: &str,
    external_id: &str,
    fields: &'f [String],
) -> Result<Vec<(String, &'f [String])>, Failure> {
    let end = format!(" FROM {} WHERE Id = {}", soql::object(object)?, soql::literal(external_id));
    let mut queries = Vec::new();
    for fields in fields.chunks(COLUMNS) {
        let mut columns = vec!["Id"];
        for name in fields.iter().filter(|name| !name.eq_ignore_ascii_case("Id")) {
            columns.push(soql::field(name)?);
        }
        queries.push((format!("SELECT {}{end}", columns.join(", ")), fields));
    }
    // Whether it is there is asked all the same.
    if queries.is_empty() {
        queries.push((format!("SELECT Id{end}"), fields));
    }
    Ok(queries)
}

/// One record as found by `lookup`; none when it lacks an id.
#[must_use]
pub fn found(lookup: &Lookup, record: &Value) -> Option<Found> {
    Some(Found {
        external_id: record["Id"].as_str()?.to_owned(),
        value: soql::value_of(record, &lookup.property).unwrap_or_default(),
        also: lookup
            .also
            .as_deref()
            .and_then(|name| soql::value_of(record, name))
            .filter(|text| !text.is_empty()),
    })
}

/// The records of every page of a query.
///
/// # Errors
/// The failure of a call; an answer that does not say what it found: taking that for nothing would make second records.
pub(super) async fn all_pages(session: &Session<'_>, first: Call) -> Result<Vec<Value>, Failure> {
    let mut records = Vec::new();
    let mut page = Some(first);
    for _ in 0..PAGES {
        let Some(call) = page else { return Ok(records) };
        let answer = session.send(&call).await?.json().unwrap_or_default();
        page = next_page(&answer)?;
        records.extend(body::list(&answer["records"]).iter().cloned());
    }
    Err(Failure::new(
        Class::Refused,
        "far too many Salesforce records match; the match field tells too little",
    ))
}

/// The next page is at a path that Salesforce gives, at the same host and nowhere else.
fn next_page(answer: &Value) -> Result<Option<Call>, Failure> {
    let unsaid =
        || Failure::new(Class::Unavailable, "Salesforce answered a query without saying what it found");
    match (answer["records"].is_array(), answer["done"].as_bool()) {
        (true, Some(true)) => Ok(None),
        (true, Some(false)) => {
            let path = answer["nextRecordsUrl"].as_str().filter(|path| path.starts_with("/services/data/"));
            Ok(Some(request::get(path.ok_or_else(unsaid)?.to_owned())))
        }
        _ => Err(unsaid()),
    }
}
