//! What a person does at HubSpot's pages.

use super::HubSpot;
use super::objects::archive;
use super::record::Trouble;
use super::types::{ObjectType, find};
use crate::desk::Desk;
use crate::provider::Env;
use serde_json::{Map, Value, json};

fn known(object: &str) -> Result<&'static ObjectType, String> {
    find(object).ok_or_else(|| format!("object: no object type \"{object}\""))
}

/// What a person is told.
fn refused(kind: &ObjectType, trouble: Trouble) -> String {
    match trouble {
        Trouble::Values(problems) => {
            let told = problems.iter().map(|one| format!("values.{}: {}", one.name, one.message));
            told.collect::<Vec<_>>().join("; ")
        }
        other => {
            let entry = other.fail(kind).entry();
            format!("values: {}", entry["message"].as_str().unwrap_or_default())
        }
    }
}

impl HubSpot {
    fn present(&self, kind: &ObjectType, id: &str) -> Result<u64, String> {
        let table = self.table(kind).ok();
        let record = id.parse().ok().and_then(|id| table?.store.live(id));
        record.map(|record| record.id).ok_or_else(|| format!("id: no record \"{id}\""))
    }
}

impl Desk for HubSpot {
    fn fields(&self, object: &str) -> Result<Vec<Value>, String> {
        let table = self.table(known(object)?).map_err(|_| format!("object: no records of \"{object}\""))?;
        let written = table.schema.properties.values().filter(|one| !one.archived && !one.read_only);
        let view = |property: &super::schema::Property| {
            let options = property.options.iter();
            let options: Vec<Value> =
                options.map(|(value, label)| json!({"value": value, "label": label})).collect();
            // Several at once are typed, with semicolons between them.
            let restricted = !options.is_empty() && property.field != "checkbox";
            json!({"name": property.name, "label": property.label, "type": property.kind,
                   "required": property.required, "options": options, "restricted": restricted})
        };
        Ok(written.map(view).collect())
    }

    fn save(
        &mut self,
        object: &str,
        id: Option<&str>,
        values: &Map<String, Value>,
        env: &Env<'_>,
    ) -> Result<String, String> {
        let kind = known(object)?;
        let plain = |value: &Value| if value.is_null() { json!("") } else { value.clone() };
        let values: Map<String, Value> =
            values.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
        let input = json!({"properties": values});
        let written = match id {
            None => self.create(kind, &input, env),
            Some(id) => self.update(kind, self.present(kind, id)?, &input, env),
        };
        written.map(|written| written.id.to_string()).map_err(|trouble| refused(kind, trouble))
    }

    fn delete(&mut self, object: &str, id: &str, env: &Env<'_>) -> Result<String, String> {
        let kind = known(object)?;
        let id = self.present(kind, id)?.to_string();
        archive(self, kind, &id, env).map_err(|fail| refused(kind, Trouble::Other(fail)))?;
        Ok(id)
    }
}
