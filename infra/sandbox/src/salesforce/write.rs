//! Writing one record: everything is checked before anything is written, so that a refused record changes
//! nothing.

use super::Salesforce;
use super::access::Context;
use super::errors::Fail;
use super::ids;
use super::schema::{Field, ObjectType};
use super::store::Record;
use super::values::normalise;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A record that was written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) id: String,
    pub(super) created: bool,
}

/// How an upsert names its record.
pub(super) struct Key {
    pub(super) field: Field,
    pub(super) value: Value,
}

impl Salesforce {
    /// The values of an input as they would be held.
    fn checked(
        &self,
        kind: &'static ObjectType,
        input: &Map<String, Value>,
        new: bool,
    ) -> Result<BTreeMap<String, Value>, Fail> {
        let (mut values, mut locked) = (BTreeMap::new(), Vec::new());
        for (name, raw) in input.iter().filter(|(name, _)| *name != "attributes") {
            if let Some(field) = self.way(kind, name).filter(|_| raw.is_object() || raw.is_null()) {
                let id = if raw.is_null() { Value::Null } else { self.foreign(field, raw)? };
                values.insert(field.name.clone(), id);
                continue;
            }
            let field = self.field(kind, name).ok_or_else(|| Fail::no_column(name, kind.name))?;
            if !field.editable || !(if new { field.createable } else { field.updateable }) {
                locked.push(field.name.clone());
                continue;
            }
            values.insert(field.name.clone(), normalise(field, raw)?);
        }
        if !locked.is_empty() {
            return Err(Fail::read_only(locked));
        }
        self.lead_somewhere(kind, &values)?;
        Ok(values)
    }

    /// The field that the name of a relationship stands for.
    pub(super) fn way(&self, kind: &ObjectType, name: &str) -> Option<&Field> {
        let named =
            |field: &&Field| field.relationship.as_deref().is_some_and(|way| way.eq_ignore_ascii_case(name));
        self.fields(kind).filter(|field| field.editable).find(named)
    }

    /// The record meant by `{"Ext__c": "A1"}` where an id would stand.
    fn foreign(&self, field: &Field, raw: &Value) -> Result<Value, Fail> {
        let target = field.refers.and_then(super::schema::find).ok_or_else(Fail::not_found)?;
        let given: Vec<(&String, &Value)> =
            raw.as_object().into_iter().flatten().filter(|(name, _)| *name != "attributes").collect();
        let [(name, value)] = given.as_slice() else {
            let listed: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!(
                "More than 1 field provided in an external foreign key reference in entity: {}: [{}]",
                target.name,
                listed.join(", ")
            );
            return Err(Fail::bad("INVALID_FIELD", message));
        };
        let no_key = |_| {
            let message = format!(
                "Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for {}",
                target.name
            );
            Fail::bad("INVALID_FIELD", message)
        };
        let key = self.key(target, name).map_err(no_key)?;
        let value = normalise(key, value)?;
        let found = self.store.by_key(target, key, &value);
        match found.as_slice() {
            [] => {
                let shown = value.as_str().map_or_else(|| value.to_string(), str::to_lowercase);
                let message = format!(
                    "Foreign key external ID: {shown} not found for field {} in entity {}",
                    key.name, target.name
                );
                Err(Fail::bad("INVALID_FIELD", message))
            }
            [one] => Ok(json!(one.id)),
            several => Err(ambiguous(&several.iter().map(|record| record.id.clone()).collect::<Vec<_>>())),
        }
    }

    /// Refuses references to what is not there.
    fn lead_somewhere(&self, kind: &ObjectType, values: &BTreeMap<String, Value>) -> Result<(), Fail> {
        for field in self.fields(kind).filter(|field| field.refers.is_some()) {
            let Some(id) = values.get(&field.name).and_then(Value::as_str) else { continue };
            match self.store.get(id) {
                None => {
                    let fail = Fail::bad("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
                    return Err(fail.fields(vec![field.name.clone()]));
                }
                Some(record) if record.deleted.is_some() => {
                    let fail = Fail::bad("ENTITY_IS_DELETED", "entity is deleted");
                    return Err(fail.fields(vec![field.name.clone()]));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Refuses a record without a value it must have.
    fn complete(&self, kind: &ObjectType, values: &BTreeMap<String, Value>) -> Result<(), Fail> {
        let missing = |field: &&Field| {
            ((field.required && field.createable) || field.demanded) && !values.contains_key(&field.name)
        };
        let names: Vec<String> = self.fields(kind).filter(missing).map(|field| field.name.clone()).collect();
        if names.is_empty() { Ok(()) } else { Err(Fail::required(names)) }
    }

    /// Refuses a unique value that another record holds.
    fn free(
        &self,
        kind: &ObjectType,
        values: &BTreeMap<String, Value>,
        own: Option<&str>,
    ) -> Result<(), Fail> {
        for field in self.definitions(kind).filter(|field| field.unique) {
            let Some(value) = values.get(&field.name) else { continue };
            let found = self.store.by_key(kind, field, value);
            if let Some(holder) = found.iter().find(|record| Some(record.id.as_str()) != own) {
                let (name, id) = (&field.name, ids::short(&holder.id));
                let message =
                    format!("duplicate value found: {name} duplicates value on record with id: {id}");
                return Err(Fail::bad("DUPLICATE_VALUE", message).fields(Vec::new()));
            }
        }
        Ok(())
    }

    /// Creates a record.
    pub(super) fn create(
        &mut self,
        kind: &'static ObjectType,
        input: &Map<String, Value>,
        context: &Context,
    ) -> Result<Written, Fail> {
        if input.keys().any(|name| name.eq_ignore_ascii_case("id")) {
            let fail = Fail::bad("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call");
            return Err(fail.fields(vec!["Id".to_owned()]));
        }
        if !kind.writable {
            let message = format!("entity type cannot be inserted: {}", kind.name);
            return Err(Fail::bad("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message).fields(Vec::new()));
        }
        let mut values = self.checked(kind, input, true)?;
        values.retain(|_, value| !value.is_null());
        self.complete(kind, &values)?;
        self.free(kind, &values, None)?;
        self.permitted(kind, &values)?;
        self.differs(kind, &values, None, context)?;
        for field in self.definitions(kind).filter(|field| field.createable && field.kind.name() == "boolean")
        {
            values.entry(field.name.clone()).or_insert(json!(false));
        }
        if kind.business {
            values.entry("OwnerId".to_owned()).or_insert(json!(context.user.as_ref().unwrap_or(&self.user)));
        }
        let id = ids::encode(kind.prefix, self.next_number(context.now));
        self.locks.take(self.parents(kind, &values), &id, context)?;
        let by = context.user.clone();
        let (created_by, modified_by) = (by.clone(), by);
        self.hold(Record { created_by, modified_by, ..Record::new(&id, kind, values, context.now) });
        Ok(Written { id, created: true })
    }

    /// Changes a record that exists.
    pub(super) fn update(
        &mut self,
        kind: &'static ObjectType,
        id: &str,
        input: &Map<String, Value>,
        context: &Context,
    ) -> Result<Written, Fail> {
        let mut record = self.present(kind, id)?.clone();
        if !kind.writable {
            return Err(Fail::bad("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be updated"));
        }
        let changes = self.checked(kind, input, false)?;
        let mut values = record.values.clone();
        for (name, value) in &changes {
            if value.is_null() {
                values.remove(name)
            } else {
                values.insert(name.clone(), value.clone())
            };
        }
        self.complete(kind, &values)?;
        self.free(kind, &changes, Some(&record.id))?;
        self.differs(kind, &values, Some(&record.id), context)?;
        let mut parents = self.parents(kind, &record.values);
        parents.extend(self.parents(kind, &values));
        self.locks.take(parents, &record.id, context)?;
        (record.values, record.modified) = (values, context.now);
        record.modified_by.clone_from(&context.user);
        let id = record.id.clone();
        self.hold(record);
        Ok(Written { id, created: false })
    }

    /// Changes the record that holds the key's value, or creates it.
    pub(super) fn upsert(
        &mut self,
        kind: &'static ObjectType,
        key: &Key,
        input: &Map<String, Value>,
        context: &Context,
    ) -> Result<Written, Fail> {
        let found: Vec<String> =
            self.store.by_key(kind, &key.field, &key.value).iter().map(|record| record.id.clone()).collect();
        let mut input = input.clone();
        input.retain(|name, _| !name.eq_ignore_ascii_case(&key.field.name));
        match found.as_slice() {
            [] => {
                input.insert(key.field.name.clone(), key.value.clone());
                self.create(kind, &input, context)
            }
            [id] => self.update(kind, id, &input, context),
            several => {
                let url =
                    |id: &String| format!("/services/data/{}/sobjects/{}/{id}", context.version, kind.name);
                Err(ambiguous(several).choices(several.iter().map(url).collect()))
            }
        }
    }

    /// Puts a record into the recycle bin.
    pub(super) fn delete(
        &mut self,
        kind: &'static ObjectType,
        id: &str,
        context: &Context,
    ) -> Result<String, Fail> {
        let mut record = self.present(kind, id)?.clone();
        self.locks.take(self.parents(kind, &record.values), &record.id, context)?;
        (record.deleted, record.modified) = (Some(context.now), context.now);
        record.modified_by.clone_from(&context.user);
        let id = record.id.clone();
        self.hold(record);
        Ok(id)
    }

    /// The record of that id, which has to be one of the type's and not in the bin.
    pub(super) fn present(&self, kind: &ObjectType, id: &str) -> Result<&Record, Fail> {
        let canonical = ids::canonical(id).filter(|id| id.starts_with(kind.prefix));
        let canonical = canonical
            .ok_or_else(|| Fail::bad("MALFORMED_ID", format!("malformed id {id}")).fields(Vec::new()))?;
        let record = self.store.get(&canonical).ok_or_else(Fail::unknown_record)?;
        if record.deleted.is_some() { Err(Fail::deleted()) } else { Ok(record) }
    }

    fn parents(&self, kind: &ObjectType, values: &BTreeMap<String, Value>) -> Vec<String> {
        let ways = self.definitions(kind).filter(|field| field.refers.is_some_and(|to| to != "User"));
        ways.filter_map(|field| values.get(&field.name)?.as_str().map(str::to_owned)).collect()
    }
}

fn ambiguous(ids: &[String]) -> Fail {
    let message = format!("more than one record found for external id field: [{}]", ids.join(", "));
    Fail::bad("DUPLICATE_EXTERNAL_ID", message).fields(Vec::new())
}
