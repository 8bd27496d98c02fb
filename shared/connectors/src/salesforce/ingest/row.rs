//! Items into rows of a job, and what a job tells of its rows into outcomes. Pure.

use super::super::body::id18;
use super::super::{error, request, response};
use super::csv;
use crate::connector::{Fields, Kind, WriteCall, WriteItem, Written};
use crate::http::Response;
use crate::ingest::{Fate, Part, Row, Target};
use rtr_core::failure::{Class, Failure};
use rtr_core::mapping::Patch;
use rtr_core::time::Instant;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What empties a field: an empty cell leaves it alone.
const EMPTY: &str = "#N/A";
/// The column of a record's own id.
const ID: &str = "Id";

/// The column by which a job's rows are told apart.
pub(super) fn key_column(kind: &Kind) -> &str {
    match kind {
        Kind::Upsert { property } => property,
        _ => ID,
    }
}

/// The row of an item; none where a cell could not say what the item does.
pub(super) fn row(target: &Target, item: &WriteItem) -> Option<Row> {
    let mut row = Row::new();
    match target.kind {
        Kind::Upsert { .. } | Kind::Update => {
            let (object, kind) = (target.object.clone(), target.kind.clone());
            let call = WriteCall { object, kind, items: Vec::new() };
            let Value::Object(record) = request::record(&call, item).ok()? else { return None };
            for (name, value) in record.iter().filter(|(name, _)| *name != "attributes" && *name != "id") {
                match value {
                    // A parent by its own key.
                    Value::Object(parent) => {
                        for (key, value) in parent {
                            row.insert(format!("{name}.{key}"), cell(value)?);
                        }
                    }
                    value => drop(row.insert(name.clone(), cell(value)?)),
                }
            }
            // An update of nothing needs no row.
            if row.is_empty() {
                return None;
            }
        }
        Kind::Archive => {}
        // What must not be said twice, or needs a permission of its own.
        Kind::Create | Kind::Erase => return None,
    }
    let key = key_column(&target.kind);
    row.retain(|name, _| !name.eq_ignore_ascii_case(key));
    row.insert(key.to_owned(), Some(&item.id).filter(|id| *id == id.trim() && !id.is_empty())?.clone());
    Some(row)
}

fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(EMPTY.to_owned()),
        Value::String(text) if text.trim().is_empty() => Some(EMPTY.to_owned()),
        // It would empty the field.
        Value::String(text) if text == EMPTY => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// The rows as one text, under every column that any of them has.
pub(super) fn table(rows: &[Row]) -> String {
    let columns: BTreeSet<&str> = rows.iter().flat_map(|row| row.keys().map(String::as_str)).collect();
    let mut text = String::new();
    csv::write_line(&mut text, columns.iter().copied());
    for row in rows {
        csv::write_line(&mut text, columns.iter().map(|name| row.get(*name).map_or("", String::as_str)));
    }
    text
}

/// What one part of a job's results tells of each of its rows.
pub(super) fn fates(
    target: &Target,
    part: Part,
    answer: &Response,
    now: Instant,
) -> Result<Vec<(String, Fate)>, Failure> {
    let unreadable =
        || Failure::new(Class::Unavailable, "Salesforce's list of a job's results cannot be read");
    let text = std::str::from_utf8(&answer.body).map_err(|_| unreadable())?;
    let mut lines = csv::read(text).ok_or_else(unreadable)?.into_iter();
    let Some(header) = lines.next() else { return Ok(Vec::new()) };
    let place = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
    let (id, created, error) = (place("sf__Id"), place("sf__Created"), place("sf__Error"));
    let Some(key) = place(key_column(&target.kind)) else {
        // A job that was never filled has no columns of its own, and no rows.
        return if id.is_some() && lines.len() == 0 { Ok(Vec::new()) } else { Err(unreadable()) };
    };
    let mut fates = Vec::new();
    for line in lines {
        // A line that lacks cells was cut off: what stands after it is lost, and so may be what is in it.
        if line.len() != header.len() {
            return Err(unreadable());
        }
        let cell = |at: Option<usize>| at.and_then(|at| line.get(at)).map_or("", String::as_str);
        let key = cell(Some(key)).to_owned();
        let fate = match part {
            Part::Done => {
                // A delete may leave the id out; whatever is addressed by id has it in the row.
                let asked = (!matches!(target.kind, Kind::Upsert { .. })).then_some(key.as_str());
                let told = Some(cell(id)).filter(|id| !id.is_empty()).or(asked);
                let external_id = told.ok_or_else(unreadable)?;
                let external_id = id18(external_id).unwrap_or_else(|| external_id.to_owned());
                let created = cell(created) == "true";
                Fate::Worked(Ok(Written { created, ..response::silent(&external_id) }))
            }
            Part::Refused => {
                let columns = header.iter().zip(&line).filter(|(name, cell)| {
                    !cell.is_empty() && !name.starts_with("sf__") && !name.eq_ignore_ascii_case(ID)
                });
                // Their names tell which field the words are about; the values are of no matter.
                let fields: Fields =
                    columns.map(|(name, _)| (name.clone(), Patch::Set(Value::Null))).collect();
                let item = WriteItem { id: key.clone(), fields, trace: String::new() };
                let failure = error::of_item(&complaint(cell(error)), now);
                Fate::Worked(response::alone(&target.kind, &item, failure))
            }
            Part::Untouched => Fate::Untouched,
        };
        fates.push((key, fate));
    }
    Ok(fates)
}

/// `CODE:words, which may hold colons:Field,Other --` as an item of a collection tells it.
fn complaint(told: &str) -> Value {
    let told = told.trim().trim_end_matches("--").trim_end();
    let (code, rest) = told.split_once(':').unwrap_or(("", told));
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
    };
    let (message, fields) = match rest.rsplit_once(':') {
        Some((message, "")) => (message, Vec::new()),
        Some((message, names)) => {
            let names: Vec<&str> = names.split(',').map(str::trim).collect();
            if names.iter().all(|name| is_name(name)) { (message, names) } else { (rest, Vec::new()) }
        }
        None => (rest, Vec::new()),
    };
    json!({ "statusCode": code, "message": message, "fields": fields })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_errors_of_rows_when_read_then_code_words_and_fields_are_told_apart() {
        let read = |told| {
            let read = complaint(told);
            format!(
                "{}|{}|{}",
                read["statusCode"].as_str().unwrap_or_default(),
                read["message"],
                read["fields"]
            )
        };
        assert_eq!(
            read("REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"),
            r#"REQUIRED_FIELD_MISSING|"Required fields are missing: [LastName]"|["LastName"]"#
        );
        assert_eq!(
            read(
                "DUPLICATE_VALUE:duplicate value found: Key__c duplicates value on record with id: 003000000000009:--"
            ),
            r#"DUPLICATE_VALUE|"duplicate value found: Key__c duplicates value on record with id: 003000000000009"|[]"#
        );
        assert_eq!(
            read("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:Level: bad value: X:Level__c,Other__c --"),
            r#"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST|"Level: bad value: X"|["Level__c","Other__c"]"#
        );
        assert_eq!(
            read("SOMETHING:of another: kind of thing"),
            r#"SOMETHING|"of another: kind of thing"|[]"#
        );
        assert_eq!(read("words"), r#"|"words"|[]"#);
    }
}
