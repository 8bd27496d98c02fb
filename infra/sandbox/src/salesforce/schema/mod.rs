//! The types of records an account has and their fields.

mod catalogue;
mod field;

pub(super) use catalogue::{TYPES, find, standard};
pub(super) use field::{Field, FieldType, custom};

/// One type of record ("sObject").
#[derive(Debug)]
pub(super) struct ObjectType {
    pub(super) name: &'static str,
    pub(super) plural: &'static str,
    /// What every id of the type begins with.
    pub(super) prefix: &'static str,
    /// Business records, as against those of the account's own set-up.
    pub(super) business: bool,
    /// Whether records can be written through the API at all.
    pub(super) writable: bool,
    /// Whether it is seen below `/tooling` alone.
    pub(super) tooling: bool,
    /// Whether its records are people, whose `Name` is made of their parts.
    pub(super) person: bool,
}
