//! The object types an account has, and the names they go by: plural, singular and type id.

use super::errors::Fail;

/// One object type.
#[derive(Debug)]
pub(super) struct ObjectType {
    pub(super) id: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    /// The property that holds the time of the last change.
    pub(super) modified: &'static str,
    /// What a read gives when it does not say which properties it wants.
    pub(super) shown: &'static [&'static str],
}

const MODIFIED: &str = "hs_lastmodifieddate";

/// All types; custom ones are not offered.
pub(super) const TYPES: &[ObjectType] = &[
    ObjectType {
        id: "0-1",
        plural: "contacts",
        singular: "contact",
        modified: "lastmodifieddate",
        shown: &["email", "firstname", "lastname"],
    },
    ObjectType {
        id: "0-2",
        plural: "companies",
        singular: "company",
        modified: MODIFIED,
        shown: &["domain", "name"],
    },
    ObjectType {
        id: "0-3",
        plural: "deals",
        singular: "deal",
        modified: MODIFIED,
        shown: &["amount", "closedate", "dealname", "dealstage", "pipeline"],
    },
    ObjectType {
        id: "0-5",
        plural: "tickets",
        singular: "ticket",
        modified: MODIFIED,
        shown: &[
            "content",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_category",
            "hs_ticket_priority",
            "subject",
        ],
    },
    ObjectType {
        id: "0-7",
        plural: "products",
        singular: "product",
        modified: MODIFIED,
        shown: &["description", "name", "price"],
    },
];

impl ObjectType {
    /// `CONTACT`, as some messages have it.
    pub(super) fn upper(&self) -> String {
        self.singular.to_uppercase()
    }

    /// `Contact`, as others do.
    pub(super) fn title(&self) -> String {
        let mut letters = self.singular.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

/// The type of that name.
pub(super) fn find(name: &str) -> Option<&'static ObjectType> {
    let lower = name.to_lowercase();
    TYPES.iter().find(|kind| [kind.id, kind.plural, kind.singular].contains(&lower.as_str()))
}

/// The type of that name, or HubSpot's refusal, which has no category.
pub(super) fn infer(name: &str) -> Result<&'static ObjectType, Fail> {
    find(name).ok_or_else(|| Fail::bare(400, format!("Unable to infer object type from: {name}")))
}
