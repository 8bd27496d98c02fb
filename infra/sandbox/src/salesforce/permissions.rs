//! Who sees which custom field: field permissions belong to permission sets, and those are assigned to users.
//! The user's profile has a permission set of its own, which is always theirs.

use super::Salesforce;
use super::errors::Fail;
use super::schema::{ObjectType, TYPES, find};
use super::store::Record;
use super::{begun, ids};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What there cannot be twice of: a type, and the fields that tell.
const SINGLE: &[(&str, &[&str])] = &[
    ("PermissionSet", &["Name"]),
    ("FieldPermissions", &["ParentId", "Field"]),
    ("PermissionSetAssignment", &["AssigneeId", "PermissionSetId"]),
];

impl Salesforce {
    /// What a new account has: itself, a user, that user's profile, and its permission set.
    pub(super) fn found(&mut self, name: &str) {
        let text = |value: &str| json!(value);
        let (org, user) = (self.org.clone(), self.user.clone());
        let id = |prefix: &str| ids::encode(prefix, begun(self.salt) + 1);
        let (profile, set, assigned) = (id("00e"), id("0PS"), id("0Pa"));
        let instance = text("SBX1");
        self.lay(
            &org,
            "Organization",
            vec![
                ("Name", text(name)),
                ("InstanceName", instance),
                ("IsSandbox", json!(false)),
                ("OrganizationType", text("Enterprise Edition")),
            ],
        );
        self.lay(&profile, "Profile", vec![("Name", text("System Administrator"))]);
        let address = text(&format!("integration@{name}.example"));
        self.lay(
            &user,
            "User",
            vec![
                ("Username", address.clone()),
                ("Email", address),
                ("FirstName", text("Integration")),
                ("LastName", text("User")),
                ("IsActive", json!(true)),
                ("UserType", text("Standard")),
                ("ProfileId", text(&profile)),
            ],
        );
        self.lay(
            &set,
            "PermissionSet",
            vec![
                ("Name", text("X00ex_Admin")),
                ("Label", text("System Administrator")),
                ("IsOwnedByProfile", json!(true)),
                ("ProfileId", text(&profile)),
            ],
        );
        self.lay(
            &assigned,
            "PermissionSetAssignment",
            vec![("AssigneeId", text(&user)), ("PermissionSetId", text(&set))],
        );
        self.people(name);
        self.store.keep();
    }

    pub(super) fn lay(&mut self, id: &str, kind: &str, values: Vec<(&str, Value)>) {
        let Some(kind) = find(kind) else { return };
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.hold(Record::new(id, kind, values, 0));
    }

    /// Refuses a permission of what is not there, or a second one of the same.
    pub(super) fn permitted(&self, kind: &ObjectType, values: &BTreeMap<String, Value>) -> Result<(), Fail> {
        let text = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default();
        if kind.name == "FieldPermissions" {
            let known = text("Field").split_once('.').and_then(|(object, name)| {
                let kind = find(object).filter(|kind| kind.name == text("SobjectType"))?;
                self.definitions(kind)
                    .find(|field| field.name.eq_ignore_ascii_case(name) && field.custom && !field.required)
            });
            if known.is_none() {
                let message =
                    format!("Field Name: bad value for restricted picklist field: {}", text("Field"));
                return Err(Fail::bad("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message)
                    .fields(vec!["Field".to_owned()]));
            }
        }
        let Some((_, names)) = SINGLE.iter().find(|(name, _)| *name == kind.name) else { return Ok(()) };
        let same = |record: &&Record| names.iter().all(|name| record.values.get(*name) == values.get(*name));
        match self.store.all(kind).filter(|record| record.deleted.is_none()).find(same) {
            None => Ok(()),
            Some(_) if kind.name == "PermissionSet" => {
                let message = format!("The name {} is already in use", text("Name"));
                Err(Fail::bad("DUPLICATE_DEVELOPER_NAME", message).fields(vec!["Name".to_owned()]))
            }
            Some(record) => {
                let message = format!(
                    "duplicate value found: <unknown> duplicates value on record with id: {}",
                    ids::short(&record.id)
                );
                Err(Fail::bad("DUPLICATE_VALUE", message).fields(Vec::new()))
            }
        }
    }

    /// Works out anew who sees what, after a write to something it depends on.
    pub(super) fn grant(&mut self, kind: &ObjectType) {
        if matches!(kind.name, "FieldPermissions" | "PermissionSetAssignment" | "PermissionSet") {
            self.grant_all();
        }
    }

    /// Works out anew who sees what.
    pub(super) fn grant_all(&mut self) {
        let live = |name: &str| {
            let kind = find(name);
            kind.into_iter().flat_map(|kind| self.store.all(kind)).filter(|record| record.deleted.is_none())
        };
        let sets: Vec<&str> = live("PermissionSetAssignment")
            .filter(|record| record.text("AssigneeId") == Some(&self.user))
            .filter_map(|record| record.text("PermissionSetId"))
            .filter(|set| self.store.live(set).is_some())
            .collect();
        let mut seen: BTreeMap<String, bool> = BTreeMap::new();
        for record in live("FieldPermissions")
            .filter(|record| record.text("ParentId").is_some_and(|set| sets.contains(&set)))
        {
            let flag = |name: &str| record.values.get(name) == Some(&json!(true));
            let Some(field) = record.text("Field").map(str::to_lowercase).filter(|_| flag("PermissionsRead"))
            else {
                continue;
            };
            *seen.entry(field).or_default() |= flag("PermissionsEdit");
        }
        for kind in TYPES.iter().filter(|kind| kind.business) {
            for field in self
                .fields
                .get_mut(kind.name)
                .into_iter()
                .flatten()
                .filter(|field| field.custom && !field.open)
            {
                let found = seen.get(&format!("{}.{}", kind.name, field.name).to_lowercase());
                (field.visible, field.editable) = (found.is_some(), found == Some(&true));
            }
        }
    }
}
