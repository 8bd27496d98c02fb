//! Duplicate rules: what an administrator calls the same record twice. They apply to creates and updates, and
//! may let a caller that insists save all the same.

use super::Salesforce;
use super::access::Context;
use super::errors::Fail;
use super::schema::{ObjectType, find};
use super::store::Record;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// From this version on the findings go by their right name.
const SPELT_RIGHT: u32 = 57;

/// One rule: records of the type are the same when these fields are, regardless of case.
#[derive(Debug, Clone)]
pub(super) struct DuplicateRule {
    kind: &'static ObjectType,
    fields: Vec<String>,
    allow_save: bool,
}

impl Salesforce {
    /// Refuses a record that a rule takes for another one.
    pub(super) fn differs(
        &self,
        kind: &'static ObjectType,
        values: &BTreeMap<String, Value>,
        own: Option<&str>,
        context: &Context,
    ) -> Result<(), Fail> {
        let rules = self.rules.iter().filter(|rule| rule.kind.name == kind.name);
        for rule in rules.filter(|rule| !(rule.allow_save && context.allow_save)) {
            let same = |record: &&Record| {
                Some(record.id.as_str()) != own
                    && record.deleted.is_none()
                    && rule.fields.iter().all(|field| {
                        let pair = (values.get(field), record.values.get(field));
                        matches!(pair, (Some(one), Some(other)) if text(one) == text(other))
                    })
            };
            let found: Vec<&Record> = self.candidates(kind, rule, values).into_iter().filter(same).collect();
            if !found.is_empty() {
                return Err(refusal(rule, &found, context));
            }
        }
        Ok(())
    }

    fn candidates(
        &self,
        kind: &ObjectType,
        rule: &DuplicateRule,
        values: &BTreeMap<String, Value>,
    ) -> Vec<&Record> {
        let watched =
            rule.fields.iter().find_map(|field| self.store.holders(kind, field, values.get(field)?));
        match watched {
            Some(ids) => ids.iter().filter_map(|id| self.store.live(id)).collect(),
            None => self.store.all(kind).collect(),
        }
    }

    /// `{object, fields, allow_save?}`; no fields lift the rules of that type.
    pub(super) fn set_duplicate_rule(&mut self, rule: &Value) -> Result<(), String> {
        let name =
            rule.get("object").and_then(Value::as_str).ok_or("duplicate_rule.object: expected a string")?;
        let kind = find(name).ok_or_else(|| format!("duplicate_rule.object: no object type \"{name}\""))?;
        let list =
            rule.get("fields").and_then(Value::as_array).ok_or("duplicate_rule.fields: expected a list")?;
        let mut fields = Vec::new();
        for value in list {
            let name = value.as_str().ok_or("duplicate_rule.fields: expected a list of strings")?;
            let field = self.field(kind, name);
            let field =
                field.ok_or_else(|| format!("duplicate_rule.fields: {} has no \"{name}\"", kind.name))?;
            fields.push(field.name.clone());
        }
        let allow_save = match rule.get("allow_save") {
            None => false,
            Some(flag) => flag.as_bool().ok_or("duplicate_rule.allow_save: expected true or false")?,
        };
        self.rules.retain(|rule| rule.kind.name != kind.name);
        if !fields.is_empty() {
            self.rules.push(DuplicateRule { kind, fields, allow_save });
        }
        Ok(())
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_lowercase)
}

fn refusal(rule: &DuplicateRule, found: &[&Record], context: &Context) -> Fail {
    let message = "Use one of these records?";
    let matches: Vec<Value> = found
        .iter()
        .map(|record| {
            let url = format!("/services/data/{}/sobjects/{}/{}", context.version, rule.kind.name, record.id);
            let attributes = json!({"type": rule.kind.name, "url": url});
            json!({"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
                   "record": {"attributes": attributes, "Id": record.id}})
        })
        .collect();
    let result = json!({
        "allowSave": rule.allow_save, "duplicateRule": format!("Standard_{}_Duplicate_Rule", rule.kind.name),
        "duplicateRuleEntityType": rule.kind.name, "errorMessage": message,
        "matchResults": [{"entityType": rule.kind.name, "errors": [], "matchEngine": "ExactMatchEngine",
                          "matchRecords": matches, "rule": format!("Standard_{}_Match_Rule", rule.kind.name),
                          "size": found.len(), "success": true}],
    });
    let name = if context.number < SPELT_RIGHT { "duplicateResut" } else { "duplicateResult" };
    Fail::bad("DUPLICATES_DETECTED", message).found(name, result)
}
