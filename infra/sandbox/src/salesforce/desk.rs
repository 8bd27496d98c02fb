//! What a person does at Salesforce's pages, as one of the account's users.

use super::access::Context;
use super::control::{context, object};
use super::errors::Fail;
use super::schema::{Field, FieldType, ObjectType, find};
use super::{Salesforce, begun, ids};
use crate::desk::Desk;
use crate::provider::Env;
use serde_json::{Map, Value, json};

fn refused(fail: &Fail) -> String {
    format!("values: {}", fail.message())
}

fn business(name: &str) -> Result<&'static ObjectType, String> {
    let kind = object(name)?;
    if kind.business { Ok(kind) } else { Err(format!("object: people do not edit {}", kind.name)) }
}

impl Salesforce {
    /// The user as whom people edit: the first active one that is not the account's own.
    pub(super) fn person(&self) -> String {
        let users = find("User").into_iter().flat_map(|kind| self.store.all(kind));
        let mut others = users.filter(|user| user.id != self.user && user.deleted.is_none());
        let active = others.find(|user| user.values.get("IsActive") == Some(&json!(true)));
        active.map_or_else(|| ids::encode("005", begun(self.salt) + 2), |user| user.id.clone())
    }

    fn as_person(&self, env: &Env<'_>) -> Context {
        Context { user: Some(self.person()), ..context(env) }
    }

    fn at_desk(&self, kind: &ObjectType, id: &str) -> Result<String, String> {
        let found = ids::canonical(id).filter(|id| id.starts_with(kind.prefix));
        let found = found.filter(|id| self.store.live(id).is_some());
        found.ok_or_else(|| format!("id: no record \"{id}\""))
    }

    fn settle(&mut self, env: &Env<'_>) {
        self.store.keep();
        self.locks.settle(env.serial, env.now);
    }
}

impl Desk for Salesforce {
    fn fields(&self, object: &str) -> Result<Vec<Value>, String> {
        let kind = business(object)?;
        let written = |field: &&Field| field.editable && (field.createable || field.updateable);
        let view = |field: &Field| {
            let options = field.options.iter().map(|value| json!({"value": value, "label": value}));
            let restricted = field.restricted && field.kind != FieldType::MultiPicklist;
            json!({"name": field.name, "label": field.label, "type": field.kind.name(),
                   "required": field.required || field.demanded, "options": options.collect::<Vec<_>>(),
                   "restricted": restricted})
        };
        Ok(Salesforce::fields(self, kind).filter(written).map(view).collect())
    }

    fn save(
        &mut self,
        object: &str,
        id: Option<&str>,
        values: &Map<String, Value>,
        env: &Env<'_>,
    ) -> Result<String, String> {
        let (kind, context) = (business(object)?, self.as_person(env));
        let written = match id {
            None => self.create(kind, values, &context),
            Some(id) => self.update(kind, &self.at_desk(kind, id)?, values, &context),
        };
        self.settle(env);
        written.map(|written| written.id).map_err(|fail| refused(&fail))
    }

    fn delete(&mut self, object: &str, id: &str, env: &Env<'_>) -> Result<String, String> {
        let (kind, context) = (business(object)?, self.as_person(env));
        let deleted = Salesforce::delete(self, kind, &self.at_desk(kind, id)?, &context);
        self.settle(env);
        deleted.map_err(|fail| refused(&fail))
    }
}
