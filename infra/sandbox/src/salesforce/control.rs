//! What the control API sees and does without going through the vendor's API.

use super::access::{Context, VERSIONS};
use super::schema::{Field, FieldType, ObjectType, find};
use super::store::Record;
use super::tooling::Refused;
use super::{Salesforce, ids};
use crate::clock::iso;
use crate::faults::known;
use crate::provider::Env;
use serde_json::{Map, Value, json};

pub(super) fn object(name: &str) -> Result<&'static ObjectType, String> {
    find(name).ok_or_else(|| format!("object: no object type \"{name}\""))
}

fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, String> {
    input.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name}: expected a string"))
}

fn flag(input: &Value, name: &str) -> Result<Option<bool>, String> {
    match input.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(format!("{name}: expected true or false")),
    }
}

pub(super) fn context(env: &Env<'_>) -> Context {
    let number = *VERSIONS.end();
    Context {
        now: env.now,
        serial: env.serial,
        version: format!("v{number}.0"),
        number,
        allow_save: true,
        page: 2000,
        user: None,
    }
}

impl Salesforce {
    /// Creates records under the same rules as the API, all or none.
    pub(super) fn plant(
        &mut self,
        name: &str,
        records: &[Value],
        env: &Env<'_>,
    ) -> Result<Vec<String>, String> {
        let (kind, context, mark) = (object(name)?, context(env), self.store.mark());
        let mut ids = Vec::new();
        for (at, record) in records.iter().enumerate() {
            let none = Map::new();
            let values = record.get("properties").and_then(Value::as_object).unwrap_or(&none);
            match self.create(kind, values, &context) {
                Ok(written) => ids.push(written.id),
                Err(fail) => {
                    self.undo(mark);
                    return Err(format!("records[{at}]: {}", fail.message()));
                }
            }
        }
        self.store.keep();
        Ok(ids)
    }

    /// The records of a type for whoever checks final states, newest first when they are few.
    pub(super) fn dump(&self, name: &str, archived: bool, count: usize) -> Result<Vec<Value>, String> {
        let kind = object(name)?;
        let wanted =
            self.store.all(kind).rev().filter(|record| archived || record.deleted.is_none()).take(count);
        let mut found: Vec<Value> = wanted.map(|record| self.shown(record)).collect();
        if count == usize::MAX {
            found.reverse();
        }
        Ok(found)
    }

    fn shown(&self, record: &Record) -> Value {
        let mut properties = record.values.clone();
        if let Some(master) = &record.master {
            properties.insert("MasterRecordId".to_owned(), json!(master));
        }
        let mut ways = Map::new();
        for field in self.definitions(record.kind).filter(|field| field.name != "OwnerId") {
            if let (Some(way), Some(id)) = (&field.relationship, record.values.get(&field.name)) {
                ways.insert(way.clone(), json!([{"id": id}]));
            }
        }
        json!({"id": record.id, "properties": properties, "created_at": iso(record.created),
               "updated_at": iso(record.modified), "archived": record.deleted.is_some(), "associations": ways})
    }

    /// `{object, name, required?, rejects?, options?, field?}`: what is not named stays as it is.
    pub(super) fn set_rule(&mut self, rule: &Value) -> Result<(), String> {
        let (kind, name) = (object(text(rule, "object")?)?, text(rule, "name")?);
        let (required, rejects) = (flag(rule, "required")?, flag(rule, "rejects")?);
        let options = match rule.get("options") {
            None | Some(Value::Null) => None,
            Some(list) => {
                let texts = list.as_array().map(|list| {
                    list.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
                });
                Some(texts.flatten().ok_or("options: expected a list of strings")?)
            }
        };
        if let Some(metadata) = rule.get("field").filter(|metadata| !metadata.is_null()) {
            self.add_field(kind, name, metadata, true).map_err(|refused| match refused {
                Refused::Taken(true) => format!("name: {} has \"{name}\" already", kind.name),
                Refused::Taken(false) => format!("name: \"{name}\" is not a name for a custom field"),
                Refused::Wrong(what) => format!("field.{what}"),
            })?;
        }
        let fields = self.fields.get_mut(kind.name).into_iter().flatten();
        let field = fields.into_iter().find(|field| field.name.eq_ignore_ascii_case(name));
        let field = field.ok_or_else(|| format!("name: {} has no field \"{name}\"", kind.name))?;
        field.demanded = required.unwrap_or(field.demanded);
        field.rejects = rejects.unwrap_or(field.rejects);
        if let Some(options) = options {
            restrict(field, options)?;
        }
        Ok(())
    }

    /// `{duplicate_rule: {object, fields, allow_save?}}`, `{row_locks: {hold_ms}}`, `{ingest: {takes_ms?, fails_after?, finish?}}`,
    /// `{users: […]}`, `{stages: […]}`: any of them.
    pub(super) fn set(&mut self, setting: &Value) -> Result<(), String> {
        known(
            setting,
            &["provider", "account", "duplicate_rule", "row_locks", "ingest", "users", "stages"],
            "body",
        )?;
        let hold_ms = match setting.get("row_locks") {
            None => None,
            Some(locks) => {
                known(locks, &["hold_ms"], "row_locks")?;
                let ms = locks.get("hold_ms").and_then(Value::as_i64).filter(|ms| (0..=600_000).contains(ms));
                Some(ms.ok_or("row_locks.hold_ms: expected 0 to 600000")?)
            }
        };
        if let Some(rule) = setting.get("duplicate_rule") {
            known(rule, &["object", "fields", "allow_save"], "duplicate_rule")?;
            self.set_duplicate_rule(rule)?;
        }
        if let Some(ingest) = setting.get("ingest") {
            known(ingest, &["takes_ms", "fails_after", "finish"], "ingest")?;
            self.jobs.set(ingest)?;
        }
        if let Some(users) = setting.get("users") {
            self.set_users(users)?;
        }
        if let Some(stages) = setting.get("stages") {
            self.set_stages(stages)?;
        }
        if let Some(ms) = hold_ms {
            self.locks.hold_ms = ms;
        }
        Ok(())
    }

    /// `{action: "undelete"|"purge", id}` or `{action: "merge", winner, loser}`.
    pub(super) fn do_action(&mut self, action: &Value, env: &Env<'_>) -> Result<Value, String> {
        let now = env.now;
        let done = match text(action, "action")? {
            "undelete" => {
                let mut record = self.named(action, "id")?;
                let back = record.deleted.take().is_some();
                record.modified = now;
                record.modified_by = Some(self.person());
                self.hold(record);
                json!({"undeleted": back})
            }
            "purge" => {
                let record = self.named(action, "id")?;
                self.store.erase(&record.id);
                json!({"purged": true})
            }
            "merge" => self.merge(action, now)?,
            other => return Err(format!("action: \"{other}\" is not one of undelete, purge, merge")),
        };
        self.store.keep();
        Ok(done)
    }

    fn named(&self, action: &Value, name: &str) -> Result<Record, String> {
        let id = text(action, name)?;
        let record = ids::canonical(id).and_then(|id| self.store.get(&id)).cloned();
        record.ok_or_else(|| format!("{name}: no record \"{id}\""))
    }

    /// The loser goes to the recycle bin and names the winner; what led to it leads to the winner.
    fn merge(&mut self, action: &Value, now: i64) -> Result<Value, String> {
        let (mut winner, mut loser) = (self.named(action, "winner")?, self.named(action, "loser")?);
        if winner.kind.name != loser.kind.name || winner.id == loser.id {
            return Err("loser: has to be another record of the winner's type".to_owned());
        }
        if winner.deleted.is_some() || loser.deleted.is_some() {
            return Err("winner, loser: neither may be deleted".to_owned());
        }
        let (from, to) = (json!(loser.id), json!(winner.id));
        let children: Vec<Record> = super::TYPES
            .iter()
            .flat_map(|kind| self.store.all(kind))
            .filter(|record| record.values.values().any(|value| *value == from))
            .cloned()
            .collect();
        let by = Some(self.person());
        for mut child in children {
            child.values.values_mut().filter(|value| **value == from).for_each(|value| *value = to.clone());
            child.modified = now;
            child.modified_by.clone_from(&by);
            self.hold(child);
        }
        (loser.deleted, loser.modified, loser.master) = (Some(now), now, Some(winner.id.clone()));
        loser.modified_by.clone_from(&by);
        (winner.modified, winner.modified_by) = (now, by);
        let merged = json!({"id": winner.id, "merged": [loser.id]});
        self.hold(loser);
        self.hold(winner);
        Ok(merged)
    }
}

/// These values alone; an empty list lifts the restriction and keeps what people may choose from.
fn restrict(field: &mut Field, options: Vec<String>) -> Result<(), String> {
    match field.kind {
        FieldType::Picklist | FieldType::MultiPicklist => {}
        FieldType::Text if field.createable => field.kind = FieldType::Picklist,
        _ => return Err(format!("options: {} is not a picklist", field.name)),
    }
    field.restricted = !options.is_empty();
    if field.restricted {
        field.options = options;
    }
    Ok(())
}
