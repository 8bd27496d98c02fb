//! Two mappings that could give two records one key in one object, so that they would overwrite each other.

use crate::mapping::{Key, Mapping};

/// Why records of `one` and `other`, both at one connection, could be taken for each other; nothing when they cannot.
pub(super) fn clash(one: &Mapping, other: &Mapping) -> Option<String> {
    if one.object != other.object {
        return None;
    }
    let (Key::Property { name }, Key::Property { name: theirs }) = (&one.key, &other.key) else {
        return None;
    };
    if name != theirs
        || !one.key_template().could_equal(&one.record_type, other.key_template(), &other.record_type)
    {
        return None;
    }
    Some(format!(
        "a {} and a {} could get one `{name}` in `{}` and overwrite each other; write \
         key_value: \"{{record_type}}:{{record_id}}\" in both",
        one.record_type, other.record_type, one.object,
    ))
}
