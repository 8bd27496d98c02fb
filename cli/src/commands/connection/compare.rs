//! What a mapping writes, held against what the CRM describes, as findings. Pure: each says what to do.

use super::open::Finding;
use rtr_connectors::connector::{Association, Crm, Property};
use rtr_core::code::Code;
use rtr_core::mapping::{Fit, Mapping, Misfit};

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
        let Self { mapping, crm, object_of, properties } = *self;
        let associates = |to: &str, label: &str| {
            let association = Association {
                from_object: mapping.object.clone(),
                from_id: String::new(),
                to_object: to.to_owned(),
                to_id: String::new(),
                label: label.to_owned(),
            };
            crm.knows_association(&association).map_err(|failure| failure.message)
        };
        let by_hand = |name: &str| crm.property_by_hand(&mapping.object, name);
        let fit = Fit { mapping, properties, object_of, associates: &associates, by_hand: &by_hand };
        fit.misfits().into_iter().map(|misfit| finding(misfit).at(&mapping.object)).collect()
    }
}

/// Why this property cannot hold our record id.
pub(super) fn unfit_key(property: &Property) -> Option<Finding> {
    let message = rtr_core::mapping::unfit_key(property)?;
    Some(Finding::of(Code::ConfigConflict, message).on(&property.name))
}

fn finding(Misfit { property, problem, .. }: Misfit) -> Finding {
    let meant = problem.suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    Finding::of(problem.code, format!("{}{meant}", problem.message)).on(&property)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_connectors::registry::by_name;
    use serde_json::{Value, json};

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
