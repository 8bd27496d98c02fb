//! What the control API puts in place without going through the vendor's API: records and rules.

use super::HubSpot;
use super::types::{ObjectType, find};
use crate::faults::known as known_keys;
use crate::provider::Env;
use serde_json::Value;

fn known(object: &str) -> Result<&'static ObjectType, String> {
    find(object).ok_or_else(|| format!("object: no object type \"{object}\""))
}

impl HubSpot {
    /// Creates records under the same rules as the API, all or none.
    pub(super) fn plant(
        &mut self,
        object: &str,
        records: &[Value],
        env: &Env<'_>,
    ) -> Result<Vec<String>, String> {
        let kind = known(object)?;
        let none = || format!("object: no records of \"{object}\"");
        self.table_mut(kind).map_err(|_| none())?.store.begin();
        let (mut ids, mut links) = (Vec::new(), Vec::new());
        for (at, record) in records.iter().enumerate() {
            match self.create(kind, record, env) {
                Ok(written) => {
                    ids.push(written.id.to_string());
                    links.extend(written.links);
                }
                Err(trouble) => {
                    let table = self.table_mut(kind).map_err(|_| none())?;
                    let unique = table.schema.unique_names();
                    table.store.undo(&unique);
                    return Err(format!("records[{at}]: {}", trouble.fail(kind).entry()["message"]));
                }
            }
        }
        self.table_mut(kind).map_err(|_| none())?.store.keep();
        self.links.add_all(&links);
        Ok(ids)
    }

    /// `{owners?, pipelines?}`. A deal's pipeline and stage take what there is of them, as at HubSpot.
    pub(super) fn set(&mut self, setting: &Value) -> Result<(), String> {
        known_keys(setting, &["provider", "account", "owners", "pipelines"], "body")?;
        self.directory.set(setting)?;
        for (plural, names) in
            [("deals", ["pipeline", "dealstage"]), ("tickets", ["hs_pipeline", "hs_pipeline_stage"])]
        {
            let kind = known(plural)?;
            let options = self.directory.ids(kind);
            let table = self.table_mut(kind).map_err(|_| format!("no records of \"{plural}\""))?;
            for (name, options) in names.into_iter().zip(options) {
                if let Some(property) = table.schema.properties.get_mut(name) {
                    property.options = options;
                }
            }
        }
        Ok(())
    }

    /// `{object, name, required?, rejects?, options?}`: what is not named stays as it is.
    pub(super) fn set_rule(&mut self, rule: &Value) -> Result<(), String> {
        let text = |name: &str| {
            rule.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name}: expected a string"))
        };
        let flag = |name: &str| match rule.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(format!("{name}: expected true or false")),
        };
        let kind = known(text("object")?)?;
        let name = text("name")?;
        let (required, rejects) = (flag("required")?, flag("rejects")?);
        let options = match rule.get("options") {
            None | Some(Value::Null) => None,
            Some(Value::Array(list)) => {
                let texts =
                    list.iter().map(|one| one.as_str().map(|text| (text.to_owned(), text.to_owned())));
                Some(texts.collect::<Option<Vec<_>>>().ok_or("options: expected a list of strings")?)
            }
            Some(_) => return Err("options: expected a list of strings".to_owned()),
        };
        let table = self.table_mut(kind).map_err(|_| format!("object: no records of \"{}\"", kind.plural))?;
        let found = table.schema.properties.get_mut(name).filter(|property| !property.archived);
        let property = found.ok_or_else(|| format!("name: {} have no property \"{name}\"", kind.plural))?;
        property.required = required.unwrap_or(property.required);
        property.rejects = rejects.unwrap_or(property.rejects);
        if let Some(options) = options {
            // An empty list lifts the rule from a property that is plain text by nature.
            let bare = options.is_empty() && property.kind == "enumeration";
            property.kind = if bare {
                "string"
            } else if options.is_empty() {
                &property.kind
            } else {
                "enumeration"
            }
            .to_owned();
            property.field = if options.is_empty() { "text" } else { "select" }.to_owned();
            property.options = options;
        }
        Ok(())
    }
}
