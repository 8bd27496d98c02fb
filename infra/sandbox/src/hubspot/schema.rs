//! Property definitions of one object type. A definition decides what values a record may hold.

use super::catalogue;
use super::types::ObjectType;
use crate::clock::iso;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many properties of a type may have unique values.
pub(super) const MAX_UNIQUE: usize = 10;

/// One property's definition.
#[derive(Debug, Clone, Default)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) description: String,
    pub(super) group: String,
    /// `string`, `number`, `bool`, `enumeration`, `date`, `datetime`, `phone_number`.
    pub(super) kind: String,
    pub(super) field: String,
    /// Option values with their labels, in order.
    pub(super) options: Vec<(String, String)>,
    pub(super) unique: bool,
    pub(super) read_only: bool,
    /// HubSpot's own: its definition cannot be changed or archived.
    pub(super) standard: bool,
    /// A rule of the account: a record without it is refused.
    pub(super) required: bool,
    /// A rule of the account: no value is accepted.
    pub(super) rejects: bool,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) archived: bool,
}

impl Property {
    pub(super) fn view(&self) -> Value {
        let options: Vec<Value> = self
            .options
            .iter()
            .enumerate()
            .map(|(at, (value, label))| json!({"label": label, "value": value, "displayOrder": at, "hidden": false}))
            .collect();
        let mut view = json!({
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": self.field,
            "description": self.description, "groupName": self.group, "options": options,
            "createdAt": iso(self.created), "updatedAt": iso(self.updated), "displayOrder": -1,
            "calculated": false, "externalOptions": false, "archived": self.archived,
            "hasUniqueValue": self.unique, "hidden": false, "formField": !self.read_only,
            "modificationMetadata": {"archivable": !self.standard, "readOnlyDefinition": self.standard,
                                     "readOnlyValue": self.read_only},
            "dataSensitivity": "non_sensitive",
        });
        if self.standard {
            view["hubspotDefined"] = json!(true);
        }
        view
    }
}

/// A group of properties.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) archived: bool,
}

impl Group {
    pub(super) fn view(&self, at: usize) -> Value {
        json!({"name": self.name, "label": self.label, "displayOrder": at, "archived": self.archived})
    }
}

/// All properties and groups of a type.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    pub(super) properties: BTreeMap<String, Property>,
    pub(super) groups: Vec<Group>,
}

impl Schema {
    pub(super) fn standard(kind: &ObjectType) -> Self {
        let group = format!("{}information", kind.singular);
        let label = format!("{} information", kind.title());
        let properties = catalogue::standard(kind, &group).into_iter().map(|p| (p.name.clone(), p)).collect();
        Self { properties, groups: vec![Group { name: group, label, archived: false }] }
    }

    /// The property, unless it is archived.
    pub(super) fn live(&self, name: &str) -> Option<&Property> {
        self.properties.get(name).filter(|property| !property.archived)
    }

    pub(super) fn unique_names(&self) -> Vec<String> {
        let unique = self.properties.values().filter(|property| property.unique && !property.archived);
        unique.map(|property| property.name.clone()).collect()
    }

    pub(super) fn required_names(&self) -> Vec<String> {
        let required = self.properties.values().filter(|property| property.required && !property.archived);
        required.map(|property| property.name.clone()).collect()
    }
}
