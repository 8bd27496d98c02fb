//! What the suite has to be told about a vendor: names, values, and bodies in the vendor's own shapes. Data, and the few
//! things that only the vendor's own API does.

use super::bench::Bench;
use super::sheet::Row;
use rtr_connectors::connector::Fields;

/// What marks every value that the suite writes: none of our own messages may hold it.
pub const CANARY: &str = "canary";

/// A vendor, as far as the suite needs to know it.
#[derive(Debug)]
pub struct Profile {
    /// The connector's name in the registry, and the sandbox's.
    pub provider: &'static str,
    /// An object that has people or the like.
    pub object: &'static str,
    /// The unique property that holds our key; the connector makes it if [`Profile::key_is_there`] is false.
    pub key: &'static str,
    /// Whether a new account of the sandbox has the key property already.
    pub key_is_there: bool,
    /// The fields of record number n, all that the vendor requires and no key; each value holds [`CANARY`].
    pub fields: fn(usize) -> Fields,
    /// The same with nothing in it that the vendor keeps unique.
    pub nameless: fn(usize) -> Fields,
    /// A text field that may be cleared and searched; not among `fields`.
    pub text: &'static str,
    /// The longest text it takes, in characters.
    pub text_chars: usize,
    /// Another such field.
    pub other: &'static str,
    /// One field each with a value that the vendor refuses, and the field it names in its refusal.
    pub refused: &'static [(&'static str, &'static str)],
    /// The fields of a record that the vendor takes for a duplicate of record number n, which was made with `fields`.
    pub twin: fn(usize) -> Fields,
    /// A well-formed id that no record has.
    pub absent_id: &'static str,
    /// Merges the second record into the first, as a person at the vendor would; none where the vendor cannot.
    pub merge: Option<fn(&Bench<'_>, &str, &str)>,
    /// How a record refers to another.
    pub link: Link,
    /// Every refusal of the contract sheet that concerns a call as a whole.
    pub sheet: &'static [Row],
    /// The body of a refusal of a whole batch that may be one item's fault, and its status.
    pub batch_refusal: Row,
    /// The refusal of a call for want of a permission.
    pub forbidden: Row,
    /// The cases that this vendor cannot have, each with the vendor's reason.
    pub absent: &'static [(&'static str, &'static str)],
}

/// How records refer to each other.
#[derive(Debug)]
pub struct Link {
    /// The object referred to.
    pub object: &'static str,
    /// The fields of record number n of it.
    pub fields: fn(usize) -> Fields,
    /// By what.
    pub by: LinkBy,
}

/// What a reference is kept in.
#[derive(Debug, Clone, Copy)]
pub enum LinkBy {
    /// An association of this label, beside the record.
    Association(&'static str),
    /// A field that holds the other record's id.
    Field(&'static str),
}

impl Profile {
    /// Why this vendor cannot have `case`.
    #[must_use]
    pub fn reason_without(&self, case: &str) -> Option<&'static str> {
        self.absent.iter().find(|(name, _)| *name == case).map(|(_, reason)| *reason)
    }
}
