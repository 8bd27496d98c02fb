//! What a CRM describes of an object, kept beside the configuration: `crm/<org>/<connection>/<object>.json`, written by
//! `rtr connection test ORG CONNECTION --save`, so that a folder can be checked against the CRM without asking it.
//!
//! Invariant: the same description gives the same text, a line per fact, so that what changed at the CRM is seen in a
//! difference. It holds names and types, never a value of a record and never a secret.

use crate::mapping::Property;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The folder of descriptions, within the configuration.
pub(super) const FOLDER: &str = "crm";

/// What a connection's CRM says of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The org.
    pub org: String,
    /// Its connection.
    pub connection: String,
    /// The CRM's name of the object.
    pub object: String,
    /// The properties by name.
    properties: BTreeMap<String, Property>,
}

impl Description {
    /// What the CRM said.
    #[must_use]
    pub fn new(org: &str, connection: &str, object: &str, properties: &[Property]) -> Self {
        let sorted = |mut property: Property| {
            property.options.sort();
            property.refers_to.sort();
            (property.name.clone(), property)
        };
        Self {
            org: org.to_owned(),
            connection: connection.to_owned(),
            object: object.to_owned(),
            properties: properties.iter().cloned().map(sorted).collect(),
        }
    }

    /// Its path within the folder of the configuration.
    #[must_use]
    pub fn path(&self) -> String {
        let [org, connection, object] =
            [&self.org, &self.connection, &self.object].map(|name| file_name(name));
        format!("{FOLDER}/{org}/{connection}/{object}.json")
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> String {
        // All its keys are texts, so this cannot fail.
        format!("{}\n", serde_json::to_string_pretty(self).unwrap_or_default())
    }

    /// The description that `text` is.
    ///
    /// # Errors
    /// Why it is none, and the line and column.
    pub(super) fn parse(text: &str) -> Result<Self, (String, (u32, u32))> {
        serde_json::from_str(text).map_err(|error| {
            let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default().to_owned();
            (words, (place(error.line()), place(error.column())))
        })
    }

    /// The properties.
    #[must_use]
    pub fn properties(&self) -> Vec<Property> {
        let named =
            |(name, property): (&String, &Property)| Property { name: name.clone(), ..property.clone() };
        self.properties.iter().map(named).collect()
    }
}

/// `name` as the name of a file on every system: letters, digits and `-_.` stay, all else is `%` and its bytes.
fn file_name(name: &str) -> String {
    let escaped = name.bytes().enumerate().map(|(at, byte)| match byte {
        b'.' if at == 0 => "%2E".to_owned(),
        b'-' | b'_' | b'.' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_description_when_written_and_read_then_it_is_the_same_and_a_line_per_fact() {
        let property =
            |name: &str| Property { name: name.to_owned(), kind: "string".to_owned(), ..Property::default() };
        let options = vec!["lead".to_owned(), "customer".to_owned()];
        let stage = Property { kind: "enumeration".to_owned(), options, ..property("stage") };
        let at = Property { writable: false, ..property("createdate") };
        let key = Property { unique: true, searchable: false, ..property("rtr_record_id") };
        let one = Description::new("acme", "hubspot", "contacts", &[stage, key, at]);
        insta::assert_snapshot!(one.text(), @r#"
        {
          "org": "acme",
          "connection": "hubspot",
          "object": "contacts",
          "properties": {
            "createdate": {
              "kind": "string",
              "writable": false
            },
            "rtr_record_id": {
              "kind": "string",
              "unique": true,
              "searchable": false
            },
            "stage": {
              "kind": "enumeration",
              "options": [
                "customer",
                "lead"
              ]
            }
          }
        }
        "#);
        let read = Description::parse(&one.text()).unwrap();
        assert_eq!((read.properties(), read.text()), (one.properties(), one.text()));
        assert_eq!(one.path(), "crm/acme/hubspot/contacts.json");
    }

    #[test]
    fn given_names_that_are_no_file_names_when_written_then_the_path_stays_within_the_folder() {
        let path = |org: &str| Description::new(org, "a/b", "Ä b", &[]).path();
        assert_eq!(path(".."), "crm/%2E./a%2Fb/%C3%84%20b.json");
        assert_eq!(path("a#b:c"), "crm/a%23b%3Ac/a%2Fb/%C3%84%20b.json");
    }
}
