//! Salesforce's standard types and fields, as many as a CRM sync meets in practice.

use super::{Field, FieldType, ObjectType};
use FieldType::{
    Boolean, Currency, Date, DateTime, Double, Email, Id, Int, Percent, Phone, Picklist, Reference, Text,
    TextArea, Url,
};

const fn business(
    name: &'static str,
    plural: &'static str,
    prefix: &'static str,
    person: bool,
) -> ObjectType {
    ObjectType { name, plural, prefix, business: true, writable: true, tooling: false, person }
}

const fn setup(name: &'static str, prefix: &'static str, writable: bool, tooling: bool) -> ObjectType {
    ObjectType { name, plural: name, prefix, business: false, writable, tooling, person: false }
}

/// All types; custom ones are not offered.
pub(in crate::salesforce) const TYPES: &[ObjectType] = &[
    business("Account", "Accounts", "001", false),
    business("Contact", "Contacts", "003", true),
    business("Lead", "Leads", "00Q", true),
    business("Opportunity", "Opportunities", "006", false),
    business("Task", "Tasks", "00T", false),
    ObjectType { person: true, ..setup("User", "005", false, false) },
    setup("OpportunityStage", "01J", false, false),
    setup("Organization", "00D", false, false),
    setup("Profile", "00e", false, false),
    setup("PermissionSet", "0PS", true, false),
    setup("PermissionSetAssignment", "0Pa", true, false),
    setup("FieldPermissions", "01k", true, false),
    setup("CustomField", "00N", false, true),
];

/// The type of that name; names are matched without regard to case.
pub(in crate::salesforce) fn find(name: &str) -> Option<&'static ObjectType> {
    TYPES.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
}

type Row = (&'static str, FieldType, usize);

const PERSON: &[Row] = &[
    ("Salutation", Picklist, 40),
    ("FirstName", Text, 40),
    ("LastName", Text, 80),
    ("Email", Email, 80),
    ("Phone", Phone, 40),
    ("MobilePhone", Phone, 40),
    ("Title", Text, 128),
    ("Description", TextArea, 32_000),
    ("HasOptedOutOfEmail", Boolean, 0),
];
const CONTACT: &[Row] = &[
    ("Department", Text, 80),
    ("Birthdate", Date, 0),
    ("LeadSource", Picklist, 255),
    ("MailingStreet", TextArea, 255),
    ("MailingCity", Text, 40),
    ("MailingState", Text, 80),
    ("MailingPostalCode", Text, 20),
    ("MailingCountry", Text, 80),
    ("AssistantName", Text, 40),
];
const LEAD: &[Row] = &[
    ("Company", Text, 255),
    ("Website", Url, 255),
    ("Status", Picklist, 255),
    ("Rating", Picklist, 255),
    ("Industry", Picklist, 255),
    ("LeadSource", Picklist, 255),
    ("AnnualRevenue", Currency, 0),
    ("NumberOfEmployees", Int, 0),
    ("Street", TextArea, 255),
    ("City", Text, 40),
    ("State", Text, 80),
    ("PostalCode", Text, 20),
    ("Country", Text, 80),
];
const ACCOUNT: &[Row] = &[
    ("Name", Text, 255),
    ("AccountNumber", Text, 40),
    ("Type", Picklist, 255),
    ("Industry", Picklist, 255),
    ("Rating", Picklist, 255),
    ("Website", Url, 255),
    ("Phone", Phone, 40),
    ("AnnualRevenue", Currency, 0),
    ("NumberOfEmployees", Int, 0),
    ("Description", TextArea, 32_000),
    ("BillingStreet", TextArea, 255),
    ("BillingCity", Text, 40),
    ("BillingState", Text, 80),
    ("BillingPostalCode", Text, 20),
    ("BillingCountry", Text, 80),
];
const OPPORTUNITY: &[Row] = &[
    ("Name", Text, 120),
    ("StageName", Picklist, 255),
    ("CloseDate", Date, 0),
    ("Amount", Currency, 0),
    ("Probability", Percent, 0),
    ("Type", Picklist, 255),
    ("LeadSource", Picklist, 255),
    ("NextStep", Text, 255),
    ("Description", TextArea, 32_000),
];
const TASK: &[Row] = &[
    ("Subject", Text, 255),
    ("Status", Picklist, 255),
    ("Priority", Picklist, 255),
    ("ActivityDate", Date, 0),
    ("Description", TextArea, 32_000),
];
const USER: &[Row] = &[
    ("Username", Text, 80),
    ("FirstName", Text, 40),
    ("LastName", Text, 80),
    ("Email", Email, 128),
    ("IsActive", Boolean, 0),
    ("UserType", Picklist, 40),
];
const OPPORTUNITY_STAGE: &[Row] =
    &[("ApiName", Text, 255), ("MasterLabel", Text, 255), ("IsActive", Boolean, 0), ("SortOrder", Int, 0)];
const ORGANIZATION: &[Row] = &[
    ("Name", Text, 80),
    ("InstanceName", Text, 5),
    ("IsSandbox", Boolean, 0),
    ("OrganizationType", Picklist, 40),
];
const PERMISSION_SET: &[Row] =
    &[("Name", Text, 80), ("Label", Text, 80), ("Description", Text, 255), ("IsOwnedByProfile", Boolean, 0)];
const FIELD_PERMISSIONS: &[Row] = &[
    ("SobjectType", Text, 40),
    ("Field", Text, 255),
    ("PermissionsRead", Boolean, 0),
    ("PermissionsEdit", Boolean, 0),
];
const CUSTOM_FIELD: &[Row] = &[
    ("DeveloperName", Text, 80),
    ("TableEnumOrId", Text, 80),
    ("FullName", Text, 255),
    ("Length", Double, 0),
];

/// The fields that lead to other records: type, field, where to, and the way's name.
const REFERENCES: &[(&str, &str, &str, &str)] = &[
    ("Account", "ParentId", "Account", "Parent"),
    ("Contact", "AccountId", "Account", "Account"),
    ("Contact", "ReportsToId", "Contact", "ReportsTo"),
    ("Opportunity", "AccountId", "Account", "Account"),
    ("Task", "WhoId", "Contact", "Who"),
    ("Task", "WhatId", "Account", "What"),
    ("User", "ProfileId", "Profile", "Profile"),
    ("PermissionSet", "ProfileId", "Profile", "Profile"),
    ("PermissionSetAssignment", "AssigneeId", "User", "Assignee"),
    ("PermissionSetAssignment", "PermissionSetId", "PermissionSet", "PermissionSet"),
    ("FieldPermissions", "ParentId", "PermissionSet", "Parent"),
];

/// The fields without which a record is refused.
const REQUIRED: &[(&str, &[&str])] = &[
    ("Account", &["Name"]),
    ("Contact", &["LastName"]),
    ("Lead", &["LastName", "Company"]),
    ("Opportunity", &["Name", "StageName", "CloseDate"]),
    ("PermissionSet", &["Name", "Label"]),
    ("PermissionSetAssignment", &["AssigneeId", "PermissionSetId"]),
    ("FieldPermissions", &["ParentId", "SobjectType", "Field"]),
];

/// What people choose from; a value of their own is accepted all the same.
const OPTIONS: &[(&str, &[&str])] = &[
    (
        "Industry",
        &[
            "Banking",
            "Biotechnology",
            "Consulting",
            "Education",
            "Finance",
            "Healthcare",
            "Insurance",
            "Manufacturing",
            "Retail",
            "Technology",
        ],
    ),
    ("Rating", &["Hot", "Warm", "Cold"]),
    ("LeadSource", &["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"]),
    (
        "StageName",
        &[
            "Prospecting",
            "Qualification",
            "Needs Analysis",
            "Proposal/Price Quote",
            "Negotiation/Review",
            "Closed Won",
            "Closed Lost",
        ],
    ),
    ("Salutation", &["Mr.", "Ms.", "Mrs.", "Dr.", "Prof."]),
    ("Priority", &["High", "Normal", "Low"]),
];

/// The standard fields of a type.
pub(in crate::salesforce) fn standard(kind: &ObjectType) -> Vec<Field> {
    let (shared, own): (&[Row], &[Row]) = match kind.name {
        "Account" => (&[], ACCOUNT),
        "Contact" => (PERSON, CONTACT),
        "Lead" => (PERSON, LEAD),
        "Opportunity" => (&[], OPPORTUNITY),
        "Task" => (&[], TASK),
        "User" => (&[], USER),
        "OpportunityStage" => (&[], OPPORTUNITY_STAGE),
        "Organization" => (&[], ORGANIZATION),
        "Profile" => (&[], &[("Name", Text, 80)]),
        "PermissionSet" => (&[], PERMISSION_SET),
        "FieldPermissions" => (&[], FIELD_PERMISSIONS),
        "CustomField" => (&[], CUSTOM_FIELD),
        _ => (&[], &[]),
    };
    let mut fields: Vec<Field> =
        shared.iter().chain(own).map(|(name, kind, length)| Field::new(name, *kind, *length)).collect();
    fields
        .extend(REFERENCES.iter().filter(|row| row.0 == kind.name).map(|row| reference(row.1, row.2, row.3)));
    if kind.business {
        fields.push(reference("OwnerId", "User", "Owner"));
    }
    let required = REQUIRED.iter().find(|(name, _)| *name == kind.name).map_or(&[][..], |(_, names)| names);
    for field in &mut fields {
        field.required = required.contains(&field.name.as_str());
        field.id_lookup = field.kind == Email && kind.business;
        if let Some((_, options)) = OPTIONS.iter().find(|(name, _)| *name == field.name) {
            field.options = options.iter().map(|value| (*value).to_owned()).collect();
        }
        (field.createable, field.updateable) = (kind.writable, kind.writable);
    }
    fields.extend(system(kind));
    fields
}

fn reference(name: &str, to: &'static str, relationship: &str) -> Field {
    let relationship = Some(relationship.to_owned());
    Field { refers: Some(to), relationship, ..Field::new(name, Reference, 18) }
}

/// What Salesforce itself keeps of every record.
fn system(kind: &ObjectType) -> Vec<Field> {
    let mut rows = vec![
        ("Id", Id, 18),
        ("IsDeleted", Boolean, 0),
        ("CreatedDate", DateTime, 0),
        ("LastModifiedDate", DateTime, 0),
        ("SystemModstamp", DateTime, 0),
    ];
    if kind.person {
        rows.push(("Name", Text, 121));
    }
    let mut fields: Vec<Field> =
        rows.iter().map(|(name, kind, length)| Field::new(name, *kind, *length)).collect();
    fields.push(reference("CreatedById", "User", "CreatedBy"));
    fields.push(reference("LastModifiedById", "User", "LastModifiedBy"));
    if let ("Account" | "Contact" | "Lead", name) = (kind.name, kind.name) {
        fields.push(reference("MasterRecordId", name, "MasterRecord"));
    }
    for field in &mut fields {
        (field.createable, field.updateable) = (false, false);
        field.id_lookup = field.kind == Id;
        field.required = !matches!(field.name.as_str(), "MasterRecordId" | "Name");
    }
    fields
}
