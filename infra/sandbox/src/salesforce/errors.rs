//! Salesforce's errors. One [`Fail`] becomes either a whole answer, a list with one entry that has an
//! `errorCode`, or one item's error in a collection, where the same thing is called `statusCode`.

use super::schema::Field;
use crate::provider::Answer;
use serde_json::{Value, json};

/// An error as Salesforce words it.
#[derive(Debug, Clone)]
pub(super) struct Fail {
    pub(super) status: u16,
    pub(super) code: &'static str,
    message: String,
    /// `None` leaves the list out of an answer; an item always has it.
    fields: Option<Vec<String>>,
    /// A duplicate rule's findings, under the name this version of the API gives them.
    found: Option<Box<(&'static str, Value)>>,
    /// The records that hold a value which should name one: the whole answer is their list.
    choices: Option<Vec<String>>,
}

impl Fail {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: None, found: None, choices: None }
    }

    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    /// Also what an id that is none is answered with: it is taken for an external id.
    pub(super) fn no_external_id(name: &str) -> Self {
        let message = format!("Provided external ID field does not exist or is not accessible: {name}");
        Self::new(404, "NOT_FOUND", message)
    }

    pub(super) fn deleted() -> Self {
        Self::new(404, "ENTITY_IS_DELETED", "entity is deleted").fields(Vec::new())
    }

    pub(super) fn unknown_record() -> Self {
        Self::new(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id").fields(Vec::new())
    }

    pub(super) fn no_column(name: &str, kind: &str) -> Self {
        Self::bad("INVALID_FIELD", format!("No such column '{name}' on sobject of type {kind}"))
    }

    pub(super) fn read_only(names: Vec<String>) -> Self {
        let message = format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it \
             is read/write for your profile or permission set.",
            names.join(", ")
        );
        Self::bad("INVALID_FIELD_FOR_INSERT_UPDATE", message).fields(names)
    }

    pub(super) fn required(names: Vec<String>) -> Self {
        let message = format!("Required fields are missing: [{}]", names.join(", "));
        Self::bad("REQUIRED_FIELD_MISSING", message).fields(names)
    }

    /// A value that cannot be read as what the field holds.
    pub(super) fn unreadable(wanted: &str, raw: &Value) -> Self {
        let (token, shown) = match raw {
            Value::String(text) => ("VALUE_STRING", text.clone()),
            Value::Number(number) if number.is_f64() => ("VALUE_NUMBER_FLOAT", number.to_string()),
            Value::Number(number) => ("VALUE_NUMBER_INT", number.to_string()),
            Value::Bool(true) => ("VALUE_TRUE", "true".to_owned()),
            Value::Bool(false) => ("VALUE_FALSE", "false".to_owned()),
            Value::Object(_) => ("START_OBJECT", "{".to_owned()),
            Value::Array(_) => ("START_ARRAY", "[".to_owned()),
            Value::Null => ("VALUE_NULL", "null".to_owned()),
        };
        let message = format!(
            "Cannot deserialize instance of {wanted} from {token} value {shown} or request may be missing a required field"
        );
        Self::bad("JSON_PARSER_ERROR", message)
    }

    /// `Email: invalid email address: x`: the field goes by its label.
    pub(super) fn value(field: &Field, code: &'static str, what: &str) -> Self {
        Self::bad(code, format!("{}: {what}", field.label)).fields(vec![field.name.clone()])
    }

    pub(super) fn fields(mut self, names: Vec<String>) -> Self {
        self.fields = Some(names);
        self
    }

    pub(super) fn found(mut self, name: &'static str, result: Value) -> Self {
        self.found = Some(Box::new((name, result)));
        self
    }

    pub(super) fn choices(mut self, urls: Vec<String>) -> Self {
        self.status = 300;
        self.choices = Some(urls);
        self
    }

    /// The answer it is when the call is about this alone.
    pub(super) fn answer(self) -> Answer {
        if let Some(urls) = self.choices {
            return Answer::json(self.status, json!(urls));
        }
        let mut entry = json!({"message": self.message, "errorCode": self.code});
        if let Some(fields) = self.fields {
            entry["fields"] = json!(fields);
        }
        if let Some(found) = self.found {
            let (name, result) = *found;
            entry[name] = result;
        }
        Answer::json(self.status, json!([entry]))
    }

    /// The entry it is in an item's `errors`.
    pub(super) fn item(self) -> Value {
        let fields = self.fields.unwrap_or_default();
        let mut entry = json!({"statusCode": self.code, "message": self.message, "fields": fields});
        if let Some(found) = self.found {
            let (name, result) = *found;
            entry[name] = result;
        }
        entry
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }
}
