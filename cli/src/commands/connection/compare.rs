//! What a mapping writes, held against what the CRM describes. Pure: each finding says what to do.

use super::open::Finding;
use rtr_connectors::connector::{Association, Crm, Property};
use rtr_core::code::Code;
use rtr_core::mapping::{Key, Mapping, listed, nearest};
use serde_json::Value;

/// Options that a finding lists; more would hide what it says.
const LISTED: usize = 12;

/// The mapping, its CRM, and the CRM's object of each record type that is mapped there.
pub(super) struct Comparison<'a> {
    /// The mapping.
    pub(super) mapping: &'a Mapping,
    /// Its CRM.
    pub(super) crm: &'a dyn Crm,
    /// The object of a record type.
    pub(super) object_of: &'a dyn Fn(&str) -> Option<String>,
    /// The object's properties.
    pub(super) properties: &'a [Property],
}

impl Comparison<'_> {
    /// Everything that would make records die.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> =
            self.mapping.field_names().filter_map(|name| self.field(name)).collect();
        findings.extend(self.mapping.own_values().filter_map(|(name, value)| self.value(name, value)));
        findings.extend(self.key());
        findings.extend(self.marker());
        findings.extend(self.match_property());
        let references = self.mapping.references();
        findings.extend(references.filter_map(|(name, to, label)| self.reference(name, to, label)));
        findings.into_iter().map(|finding| finding.at(&self.mapping.object)).collect()
    }

    fn find(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    fn field(&self, name: &str) -> Option<Finding> {
        match self.find(name) {
            None => Some(missing(name, self.properties)),
            Some(property) if !property.writable => {
                let message = "the CRM does not let this property be written: take it out of the mapping";
                Some(Finding::of(Code::ConfigConflict, message).on(name))
            }
            Some(_) => None,
        }
    }

    /// A value of the mapping's own that the property does not take. Options hold texts, whatever their type.
    fn value(&self, name: &str, value: &Value) -> Option<Finding> {
        let property = self.find(name).filter(|property| !property.options.is_empty())?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if property.options.contains(&text) {
            return None;
        }
        let near = nearest(&text, property.options.iter().map(String::as_str));
        let advice = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if property.options.len() <= LISTED => {
                format!("it takes {}", listed(property.options.iter().map(String::as_str)))
            }
            None => format!("it takes {} others", property.options.len()),
        };
        let message = format!(
            "the mapping writes `{text}`, which is none of the options of this property ({}); {advice}",
            property.kind
        );
        Some(Finding::of(Code::Invalid, message).on(name))
    }

    fn key(&self) -> Option<Finding> {
        let Key::Property { name } = &self.mapping.key else { return None };
        match self.find(name) {
            None => {
                let message =
                    "the unique property that holds our record id is missing: rtr connection setup makes it";
                Some(Finding::of(Code::ConfigReference, message).on(name))
            }
            Some(property) => unfit_key(property),
        }
    }

    fn marker(&self) -> Option<Finding> {
        let name = self.mapping.marker.as_deref()?;
        match self.find(name) {
            None => {
                let message = format!(
                    "the marker that holds our record id is missing. {}",
                    self.crm.property_by_hand(&self.mapping.object, name)
                );
                Some(Finding::of(Code::ConfigReference, message).on(name))
            }
            Some(property) if !property.writable || !property.searchable => {
                let message = "the marker must be a property that can be written and searched: name another";
                Some(Finding::of(Code::ConfigConflict, message).on(name))
            }
            Some(_) => None,
        }
    }

    /// What is missing altogether is told as a field already: the match is one of them.
    fn match_property(&self) -> Option<Finding> {
        let property = self.find(self.mapping.match_on.as_deref()?)?;
        if property.searchable || property.unique {
            return None;
        }
        let message = format!(
            "records cannot be searched by this property ({}): name another in the mapping's `match`",
            property.kind
        );
        Some(Finding::of(Code::ConfigConflict, message).on(&property.name))
    }

    fn reference(&self, name: &str, record_type: &str, label: Option<&str>) -> Option<Finding> {
        let Some(object) = (self.object_of)(record_type) else {
            let message = format!(
                "the field refers to `{record_type}`, which no mapping writes here: it would wait for its record in vain"
            );
            return Some(Finding::of(Code::NoMapping, message).on(name));
        };
        match label {
            Some(label) => {
                let association = Association {
                    from_object: self.mapping.object.clone(),
                    from_id: String::new(),
                    to_object: object,
                    to_id: String::new(),
                    label: label.to_owned(),
                };
                let refused = self.crm.knows_association(&association).err()?;
                Some(Finding::of(Code::ConfigReference, refused.message).on(name))
            }
            None => {
                let property = self.find(name)?;
                let fits = property.refers_to.is_empty() || property.refers_to.contains(&object);
                let message = || {
                    format!(
                        "the property refers to {}, and `{record_type}` is written to {object}",
                        listed(property.refers_to.iter().map(String::as_str))
                    )
                };
                (!fits).then(|| Finding::of(Code::ConfigConflict, message()).on(name))
            }
        }
    }
}

/// Why this property cannot hold our record id: two records could share it, or it cannot be written.
pub(super) fn unfit_key(property: &Property) -> Option<Finding> {
    let message = match (property.unique, property.writable) {
        (true, true) => return None,
        (false, _) => {
            "this property holds our record id, but the CRM does not keep its values unique: \
             name another in the mapping's `key`, and rtr connection setup makes it"
        }
        (true, false) => {
            "this property holds our record id, but the CRM does not let it be written: give the \
             credentials' user leave to edit it, or name another in the mapping's `key`"
        }
    };
    Some(Finding::of(Code::ConfigConflict, message).on(&property.name))
}

fn missing(name: &str, properties: &[Property]) -> Finding {
    let near = nearest(name, properties.iter().map(|property| property.name.as_str()));
    let meant = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Finding::of(Code::ConfigReference, format!("the CRM has no such property{meant}")).on(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_connectors::registry::by_name;
    use serde_json::json;

    fn property(name: &str) -> Property {
        Property { name: name.to_owned(), kind: "string".to_owned(), ..Property::default() }
    }

    fn compared(raw: Value, properties: &[Property]) -> String {
        let crm = by_name("hubspot").unwrap();
        let raw = serde_json::from_value(raw).unwrap();
        let mapping = Mapping::compile(&crm.facts(), "contact", &raw).unwrap();
        let object_of = |record_type: &str| (record_type == "company").then(|| "companies".to_owned());
        let comparison = Comparison { mapping: &mapping, crm, object_of: &object_of, properties };
        comparison.findings().iter().map(Finding::words).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn given_a_mapping_when_compared_with_the_crm_then_each_finding_says_what_to_do() {
        let raw = json!({
            "object": "contacts", "match": "notes",
            "fields": {
                "email": "email", "fristname": "first", "createdate": "at", "notes": "notes",
                "stage": {"from": "stage", "map": {"1": "lead", "2": "custmer"}, "default": "x"},
                "optout": {"from": "optout", "default": false},
                "company": {"reference": "company", "id": "company_id", "association": "boss"},
                "owner": {"reference": "company", "id": "owner_id"},
                "deal": {"reference": "deal", "id": "deal_id", "association": "default"},
            },
        });
        let properties = [
            Property { unique: true, ..property("email") },
            property("firstname"),
            Property { writable: false, ..property("createdate") },
            Property { searchable: false, kind: "textarea".to_owned(), ..property("notes") },
            Property {
                kind: "enumeration".to_owned(),
                options: vec!["lead".to_owned(), "customer".to_owned()],
                ..property("stage")
            },
            Property { options: vec!["true".to_owned(), "false".to_owned()], ..property("optout") },
            Property { refers_to: vec!["users".to_owned()], ..property("owner") },
        ];
        insta::assert_snapshot!(compared(raw, &properties), @r"
        RTR2004 contacts.createdate: the CRM does not let this property be written: take it out of the mapping
        RTR2002 contacts.fristname: the CRM has no such property; did you mean `firstname`?
        RTR3001 contacts.stage: the mapping writes `custmer`, which is none of the options of this property (enumeration); did you mean `customer`?
        RTR3001 contacts.stage: the mapping writes `x`, which is none of the options of this property (enumeration); it takes `lead` and `customer`
        RTR2002 contacts.rtr_record_id: the unique property that holds our record id is missing: rtr connection setup makes it
        RTR2004 contacts.notes: records cannot be searched by this property (textarea): name another in the mapping's `match`
        RTR2002 contacts.company: HubSpot has no association `boss` from contacts to companies that rtr-sync knows; there are `default` between any two objects, and `primary` from contacts or deals to companies
        RTR2006 contacts.deal: the field refers to `deal`, which no mapping writes here: it would wait for its record in vain
        RTR2004 contacts.owner: the property refers to `users`, and `company` is written to companies
        ");
    }

    #[test]
    fn given_keys_that_will_not_do_when_compared_then_the_reason_is_told() {
        let raw = json!({"object": "contacts", "fields": {"email": "email"}});
        let keyed = |unique, writable| {
            let key = Property { unique, writable, ..property("rtr_record_id") };
            compared(raw.clone(), &[property("email"), key])
        };
        insta::assert_snapshot!([keyed(false, true), keyed(true, false), keyed(true, true)].join("\n"), @r"
        RTR2004 contacts.rtr_record_id: this property holds our record id, but the CRM does not keep its values unique: name another in the mapping's `key`, and rtr connection setup makes it
        RTR2004 contacts.rtr_record_id: this property holds our record id, but the CRM does not let it be written: give the credentials' user leave to edit it, or name another in the mapping's `key`
        ");
        let marked =
            json!({"object": "contacts", "key": "none", "marker": "ref", "fields": {"email": "email"}});
        insta::assert_snapshot!(compared(marked, &[property("email")]), @r"
        RTR2002 contacts.ref: the marker that holds our record id is missing. HubSpot: Settings > Properties > contacts > Create property: internal name `ref`, single-line text
        ");
    }
}
