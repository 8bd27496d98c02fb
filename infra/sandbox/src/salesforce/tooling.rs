//! The part of the Tooling API that makes fields. A field that is made is seen by nobody until a permission
//! set lets somebody: neither `describe` nor a write nor a query knows it before.

use super::access::{Context, body};
use super::errors::Fail;
use super::schema::{ObjectType, custom, find};
use super::store::Record;
use super::{Salesforce, ids, query};
use crate::provider::{Answer, Call};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Every path below `/tooling`.
pub(super) fn serve(
    org: &mut Salesforce,
    rest: &[&str],
    call: &Call<'_>,
    context: &Context,
) -> Result<Answer, Fail> {
    match (call.method(), rest) {
        ("GET", ["query"]) => query::query(org, "tooling/query", call, context, true),
        ("POST", ["sobjects", "CustomField"]) => {
            let id = org.make_field(&body(call)?, context)?;
            Ok(Answer::json(
                201,
                json!({"id": id, "success": true, "errors": [], "warnings": [], "infos": []}),
            ))
        }
        ("GET", ["sobjects", "CustomField", id]) => {
            let record =
                ids::canonical(id).and_then(|id| org.store.live(&id)).filter(|record| record.kind.tooling);
            let record = record.ok_or_else(Fail::not_found)?;
            let fields: Vec<_> = org.fields(record.kind).collect();
            Ok(Answer::json(200, org.view(record, &fields, context)))
        }
        _ => Err(Fail::not_found()),
    }
}

impl Salesforce {
    fn make_field(&mut self, input: &Value, context: &Context) -> Result<String, Fail> {
        let missing = |name: &str| Fail::required(vec![name.to_owned()]);
        let full = input.get("FullName").and_then(Value::as_str).ok_or_else(|| missing("FullName"))?;
        let metadata =
            input.get("Metadata").filter(|value| value.is_object()).ok_or_else(|| missing("Metadata"))?;
        let wrong = |what: String| Fail::bad("FIELD_INTEGRITY_EXCEPTION", what).fields(Vec::new());
        let (object, name) =
            full.split_once('.').ok_or_else(|| wrong(format!("{full} is not Object.Field__c")))?;
        let kind = find(object).filter(|kind| kind.business);
        let kind = kind.ok_or_else(|| wrong(format!("Entity Enumeration Or ID: bad value: {object}")))?;
        if metadata.get("label").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(wrong("Label: You must enter a value".to_owned()));
        }
        self.add_field(kind, name, metadata, false).map_err(|error| match error {
            Taken(true) => {
                let message = format!("There is already a field named {name} on {}.", kind.name);
                Fail::bad("DUPLICATE_DEVELOPER_NAME", message).fields(vec!["DeveloperName".to_owned()])
            }
            Taken(false) => wrong(format!("{name}: a custom field's name is made of letters, digits and single underscores, and ends in __c")),
            Wrong(what) => wrong(what),
        })?;
        let id = ids::encode("00N", self.next_number(context.now));
        let kept = find("CustomField").ok_or_else(Fail::not_found)?;
        let values = BTreeMap::from([
            ("DeveloperName".to_owned(), json!(name.trim_end_matches("__c"))),
            ("TableEnumOrId".to_owned(), json!(kind.name)),
            ("FullName".to_owned(), json!(format!("{}.{name}", kind.name))),
        ]);
        self.hold(Record::new(&id, kept, values, context.now));
        Ok(id)
    }

    /// Adds a field to a type; `open` lets everyone see it without a permission set.
    pub(super) fn add_field(
        &mut self,
        kind: &'static ObjectType,
        name: &str,
        metadata: &Value,
        open: bool,
    ) -> Result<(), Refused> {
        let bare = name.strip_suffix("__c").unwrap_or_default();
        let letters = bare.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let starts = bare.starts_with(|letter: char| letter.is_ascii_alphabetic());
        if !starts || !letters || bare.contains("__") || bare.ends_with('_') || bare.len() > 40 {
            return Err(Taken(false));
        }
        if self.definitions(kind).any(|field| field.name.eq_ignore_ascii_case(name)) {
            return Err(Taken(true));
        }
        let mut field = custom(name, metadata).map_err(Wrong)?;
        // A required field cannot be hidden from anyone.
        field.open = open || field.required;
        (field.visible, field.editable) = (field.open, field.open);
        if field.is_key() {
            self.store.watch(kind, name);
        }
        self.fields.entry(kind.name).or_default().push(field);
        Ok(())
    }
}

/// Why a field was not made.
#[derive(Debug)]
pub(super) enum Refused {
    /// Its name: there is such a field already, or it is no name for one.
    Taken(bool),
    Wrong(String),
}
use Refused::{Taken, Wrong};
