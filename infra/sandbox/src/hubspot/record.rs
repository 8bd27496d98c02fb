//! Writing one record: everything is checked before anything is written, so that a refused input changes
//! nothing.

use super::HubSpot;
use super::errors::{Fail, Problem, bad_values};
use super::links::Link;
use super::schema::Schema;
use super::store::Record;
use super::types::ObjectType;
use super::values::{email, normalise};
use crate::clock::iso;
use crate::provider::Env;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Why an input was refused.
#[derive(Debug)]
pub(super) enum Trouble {
    Values(Vec<Problem>),
    /// Another record holds a unique value of this one.
    Conflict(u64),
    /// There is no such record.
    Unknown(String),
    Other(Fail),
}

impl From<Fail> for Trouble {
    fn from(fail: Fail) -> Self {
        Self::Other(fail)
    }
}

impl Trouble {
    /// The error when it is the only input of a call.
    pub(super) fn fail(self, kind: &ObjectType) -> Fail {
        match self {
            Self::Values(problems) => bad_values(&problems, None),
            Self::Conflict(id) => conflict(kind, Some(id)),
            Self::Unknown(_) => Fail::not_found(),
            Self::Other(fail) => fail,
        }
    }
}

/// `Contact already exists. Existing ID: 512`; a batch that fails as a whole does not name the record.
pub(super) fn conflict(kind: &ObjectType, id: Option<u64>) -> Fail {
    let existing = id.map(|id| format!(". Existing ID: {id}")).unwrap_or_default();
    Fail::new(409, "CONFLICT", format!("{} already exists{existing}", kind.title()))
}

/// A record that was written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) id: u64,
    /// The properties that the write named.
    pub(super) named: Vec<String>,
    pub(super) new: bool,
    /// Associations to make once the whole call is known to succeed.
    pub(super) links: Vec<Link>,
}

fn map(value: Option<&Value>) -> Result<&Map<String, Value>, Fail> {
    let wrong =
        || Fail::invalid("Invalid input JSON: expected an object of property values in \"properties\"");
    value.and_then(Value::as_object).ok_or_else(wrong)
}

/// The values of an input as they would be stored.
fn checked(schema: &Schema, values: &Map<String, Value>) -> Result<BTreeMap<String, String>, Trouble> {
    let (mut good, mut bad) = (BTreeMap::new(), Vec::new());
    for (name, raw) in values {
        match schema.live(name) {
            None => {
                let message = format!("Property \"{name}\" does not exist");
                bad.push(Problem::new(name, "PROPERTY_DOESNT_EXIST", message));
            }
            Some(property) => match normalise(property, raw) {
                Ok(text) => {
                    good.insert(name.clone(), text);
                }
                Err(problem) => bad.push(problem),
            },
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(Trouble::Values(bad)) }
}

impl HubSpot {
    /// Fails when another record holds one of these unique values.
    fn free(
        &self,
        kind: &ObjectType,
        values: &BTreeMap<String, String>,
        own: Option<u64>,
    ) -> Result<(), Trouble> {
        let table = self.table(kind)?;
        for name in table.schema.unique_names() {
            let Some(value) = values.get(&name).filter(|value| !value.is_empty()) else { continue };
            if let Some(holder) = table.store.by_value(&name, value).filter(|holder| Some(holder.id) != own) {
                return Err(Trouble::Conflict(holder.id));
            }
            if name == "email" && table.store.erased.contains(value) {
                let message = "This address was deleted for privacy and cannot be added again.".to_owned();
                return Err(Trouble::Values(vec![Problem::new(&name, "CONTACT_PRIVACY_DELETED", message)]));
            }
        }
        Ok(())
    }

    fn complete(
        &self,
        kind: &ObjectType,
        values: &BTreeMap<String, String>,
        verb: &str,
    ) -> Result<(), Trouble> {
        let required = self.table(kind)?.schema.required_names();
        let unset = |name: &String| values.get(name).is_none_or(String::is_empty);
        let missing: Vec<String> = required.into_iter().filter(unset).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("Error {verb} {}. Some required properties were not set.", kind.upper());
        let inner = json!({"message": message, "code": "REQUIRED_FIELD", "context": {"properties": missing}});
        let fail = Fail::invalid(message).context("properties", missing).with("errors", json!([inner]));
        Err(Trouble::Other(fail))
    }

    /// Creates a record.
    pub(super) fn create(
        &mut self,
        kind: &ObjectType,
        input: &Value,
        env: &Env<'_>,
    ) -> Result<Written, Trouble> {
        let mut values = checked(&self.table(kind)?.schema, map(input.get("properties"))?)?;
        let named = values.keys().cloned().collect();
        values.retain(|_, value| !value.is_empty());
        self.complete(kind, &values, "creating")?;
        self.free(kind, &values, None)?;
        let id = self.next_id(env.now);
        let links = self.links_in(kind, id, input.get("associations"))?;
        if kind.singular == "contact" {
            values.entry("lifecyclestage".to_owned()).or_insert_with(|| "lead".to_owned());
        }
        let mut record = Record::new(id, env.now);
        record.properties = values;
        self.store_record(kind, record, env)?;
        Ok(Written { id, named, new: true, links })
    }

    /// Changes a record that exists.
    pub(super) fn update(
        &mut self,
        kind: &ObjectType,
        id: u64,
        input: &Value,
        env: &Env<'_>,
    ) -> Result<Written, Trouble> {
        let values = map(input.get("properties"))?;
        if values.is_empty() {
            let fail = Fail::invalid("No properties found to update, please provide at least one.");
            return Err(Trouble::Other(fail.context("properties", vec!["{}".to_owned()])));
        }
        let table = self.table(kind)?;
        let values = checked(&table.schema, values)?;
        let mut record = table.store.live(id).cloned().ok_or_else(|| Trouble::Unknown(id.to_string()))?;
        self.free(kind, &values, Some(record.id))?;
        let before = record.properties.clone();
        let named: Vec<String> = values.keys().cloned().collect();
        for (name, value) in values {
            if value.is_empty() {
                record.properties.remove(&name);
            } else if name != "lifecyclestage" || self.may_move(kind, record.properties.get(&name), &value) {
                record.properties.insert(name, value);
            }
        }
        self.complete(kind, &record.properties, "updating")?;
        let (id, changed) = (record.id, record.properties != before);
        if changed {
            record.updated = env.now;
            self.store_record(kind, record, env)?;
        }
        Ok(Written { id, named, new: false, links: Vec::new() })
    }

    /// A lifecycle stage only goes forward; a step back is accepted and silently not made.
    fn may_move(&self, kind: &ObjectType, from: Option<&String>, to: &str) -> bool {
        let Ok(table) = self.table(kind) else { return true };
        let Some(stages) = table.schema.live("lifecyclestage").map(|property| &property.options) else {
            return true;
        };
        let place = |stage: &str| stages.iter().position(|(value, _)| value == stage);
        match (from.and_then(|stage| place(stage)), place(to)) {
            (Some(old), Some(new)) => new >= old,
            _ => true,
        }
    }

    /// Creates or changes the record that holds a unique value.
    pub(super) fn upsert(
        &mut self,
        kind: &ObjectType,
        property: &str,
        value: &str,
        input: &Value,
        env: &Env<'_>,
    ) -> Result<Written, Trouble> {
        let table = self.table(kind)?;
        let Some(definition) = table.schema.live(property) else {
            return Err(self.not_unique(kind, property).into());
        };
        let value = normalise(definition, &json!(value)).map_err(|problem| Trouble::Values(vec![problem]))?;
        let found = table.store.by_value(property, &value).map(|record| record.id);
        let mut input = input.clone();
        if let Some(values) = input.get_mut("properties").and_then(Value::as_object_mut) {
            values.entry(property).or_insert_with(|| json!(value));
        }
        match found {
            Some(id) => self.update(kind, id, &input, env),
            None => self.create(kind, &input, env),
        }
    }

    pub(super) fn not_unique(&self, kind: &ObjectType, property: &str) -> Fail {
        Fail::invalid(format!(
            "Unable to perform update/upsert by non-unique {} property {property} in portal ID {}",
            kind.id, self.portal
        ))
    }

    /// Writes a record with the properties that follow from it.
    pub(super) fn store_record(
        &mut self,
        kind: &ObjectType,
        mut record: Record,
        env: &Env<'_>,
    ) -> Result<(), Fail> {
        let system = [
            ("hs_object_id", record.id.to_string()),
            ("createdate", iso(record.created)),
            (kind.modified, iso(record.updated)),
        ];
        record.properties.extend(system.map(|(name, value)| (name.to_owned(), value)));
        let table = self.table_mut(kind)?;
        let unique = table.schema.unique_names();
        table.store.put(record, &unique, env.now + env.search_lag, env.now);
        Ok(())
    }

    /// The record an id names: HubSpot's own id, or a unique value.
    pub(super) fn locate(
        &self,
        kind: &ObjectType,
        id: &str,
        by: Option<&str>,
    ) -> Result<Option<&Record>, Fail> {
        let table = self.table(kind)?;
        let Some(property) = by else { return Ok(id.parse().ok().and_then(|id| table.store.get(id))) };
        if !table.schema.live(property).is_some_and(|definition| definition.unique) {
            return Err(self.not_unique(kind, property));
        }
        let value = if property == "email" { email(id).unwrap_or_default() } else { id.to_owned() };
        Ok(table.store.by_value(property, &value))
    }

    /// A record in HubSpot's form. The properties always given come with those that are wanted; of these a
    /// read gives even the empty ones.
    pub(super) fn view(&self, kind: &ObjectType, record: &Record, wanted: &[String], empty: bool) -> Value {
        let mut shown = Map::new();
        let always = ["createdate", "hs_object_id", kind.modified];
        for name in wanted.iter().map(String::as_str).chain(always) {
            let known = self.table(kind).is_ok_and(|table| table.schema.live(name).is_some());
            match record.properties.get(name) {
                Some(value) => drop(shown.insert(name.to_owned(), json!(value))),
                None if known && empty => drop(shown.insert(name.to_owned(), Value::Null)),
                None => {}
            }
        }
        let mut view = json!({
            "id": record.id.to_string(), "properties": shown, "createdAt": iso(record.created),
            "updatedAt": iso(record.updated), "archived": record.archived.is_some(),
            "url": format!("https://app.hubspot.com/contacts/{}/record/{}/{}", self.portal, kind.id, record.id),
        });
        if let Some(at) = record.archived {
            view["archivedAt"] = json!(iso(at));
        }
        view
    }

    /// What a write gives back of a record.
    pub(super) fn view_written(&self, kind: &ObjectType, written: &Written) -> Result<Value, Fail> {
        let record = self.table(kind)?.store.get(written.id).ok_or_else(Fail::not_found)?;
        Ok(self.view(kind, record, &written.named, true))
    }
}
