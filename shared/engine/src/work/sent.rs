//! What a version would write of the properties that flow back from a CRM.

use rtr_core::config::{MappingAt, OrgConfig};
use rtr_core::key::RecordKey;
use rtr_core::mapping::{Mapped, Subject};
use rtr_core::marks::Marks;
use rtr_core::payload::Payload;
use serde_json::Value;

/// The marks of what a version with `data` would write; none where nothing flows back, or where it cannot be mapped.
pub(crate) fn of_data(config: &OrgConfig, at: &MappingAt, record: &RecordKey, data: &Value) -> Marks {
    if config.inbound.is_none() || !at.mapping.flows_back() {
        return Marks::default();
    }
    let RecordKey { org_id, record_type, record_id } = record;
    let mapped = at.mapping.apply(&Subject { org_id, record_type, record_id }, data);
    mapped.map(|mapped| of_mapped(at, &mapped)).unwrap_or_default()
}

/// The same of one that is mapped already.
pub(crate) fn of_mapped(at: &MappingAt, mapped: &Mapped) -> Marks {
    only_back(at, &Payload::build(mapped, &[]).marks())
}

/// Those of `marks` that flow back.
pub(crate) fn only_back(at: &MappingAt, marks: &Marks) -> Marks {
    let mut back = Marks::default();
    for name in at.mapping.inbound().map(|field| field.field) {
        if let Some(mark) = marks.get(name) {
            back.set(name, mark);
        }
    }
    back
}
