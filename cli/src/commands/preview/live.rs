//! What the CRM holds of the record, beside what would stand there.

use crate::commands::connection::open::{Finding, Opening};
use crate::schema::foreign;
use rtr_connectors::connector::{Crm, Lookup, LookupBy, Property};
use rtr_connectors::session::Session;
use rtr_connectors::shape::{Compared, Shape, compare};
use rtr_core::change::{Change, Operation};
use rtr_core::mapping::{Key, Mapping, OnDelete, Patch};
use rtr_engine::rehearsal::{Rehearsed, id_of};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The CRM's record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Live {
    pub(super) object: String,
    /// Its id; none: the CRM has no such record.
    pub(super) external_id: Option<String>,
    /// Whether it would be removed.
    pub(super) is_removed: bool,
    /// Property by property, those that would be written.
    pub(super) fields: Vec<Difference>,
    /// Properties that the mapping writes and the CRM does not have.
    pub(super) unknown: Vec<String>,
}

/// One property.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Difference {
    pub(super) field: String,
    #[schemars(schema_with = "foreign::compared")]
    pub(super) is: Compared,
    pub(super) held: Value,
    pub(super) wanted: Value,
}

impl Live {
    /// Whether the CRM would be another one afterwards.
    pub(super) fn differs(&self) -> bool {
        let is_gone = self.is_removed && self.external_id.is_some();
        is_gone || !self.unknown.is_empty() || self.fields.iter().any(|one| one.is != Compared::Same)
    }
}

/// Looks at the CRM's record of `change`; none where nothing of it is for this CRM.
pub(super) async fn look(
    opening: &Opening<'_>,
    session: &Session<'_>,
    mapping: &Mapping,
    change: &Change,
    rehearsed: &Rehearsed,
) -> Result<Option<Live>, Finding> {
    let is_deleted = change.operation == Operation::Deleted;
    let set = match &mapping.on_delete {
        OnDelete::Set(fields) if is_deleted => Some(fields),
        _ => None,
    };
    let is_removed = (is_deleted && set.is_none() && mapping.on_delete != OnDelete::Ignore)
        || (!is_deleted && rehearsed.payload.is_none() && rehearsed.ended == rtr_core::item::Ended::Applied);
    let mut wanted: BTreeMap<String, Patch<Value>> = BTreeMap::new();
    if let Some(payload) = &rehearsed.payload {
        wanted.extend(payload.fields.clone());
    }
    let set = set.into_iter().flatten();
    wanted.extend(set.map(|(name, value)| (name.clone(), Patch::Set(value.clone()))));
    if wanted.is_empty() && !is_removed {
        return Ok(None);
    }
    let crm = opening.connector;
    let external_id = match known(change, rehearsed) {
        Some(id) => Some(id),
        None => by_key(crm, session, mapping, rehearsed).await?,
    };
    if external_id.is_none()
        && let Some(payload) = &rehearsed.payload
    {
        wanted.extend(payload.on_create.clone());
    }
    let object = &mapping.object;
    let properties = crm.properties(session, object).await;
    let properties =
        properties.map_err(|failure| Finding::failed("reading the properties", &failure).at(object))?;
    let shapes = Shapes { crm, properties: &properties };
    let (names, unknown): (Vec<String>, Vec<String>) =
        wanted.keys().cloned().partition(|name| shapes.of(name).is_some());
    let held = match &external_id {
        Some(id) => crm.held(session, object, id, &names).await,
        None => Ok(None),
    };
    let held = held.map_err(|failure| Finding::failed("reading the record", &failure).at(object))?;
    let external_id = external_id.filter(|_| held.is_some());
    let held = held.unwrap_or_default();
    let fields = if is_removed || (is_deleted && external_id.is_none()) {
        Vec::new()
    } else {
        names.iter().filter_map(|name| difference(&shapes, name, &wanted[name], &held)).collect()
    };
    Ok(Some(Live { object: object.clone(), external_id, is_removed, fields, unknown }))
}

/// The record that it is linked to, or that was found for it.
fn known(change: &Change, rehearsed: &Rehearsed) -> Option<String> {
    let then = rehearsed.linked_then.clone().filter(|id| *id != id_of(&change.key));
    rehearsed.linked_before.clone().or(then)
}

/// The record that has our key already: the first write would be to it.
async fn by_key(
    crm: &dyn Crm,
    session: &Session<'_>,
    mapping: &Mapping,
    rehearsed: &Rehearsed,
) -> Result<Option<String>, Finding> {
    let (Key::Property { name }, Some(value)) = (&mapping.key, &rehearsed.key_value) else { return Ok(None) };
    let lookup = Lookup {
        object: mapping.object.clone(),
        property: name.clone(),
        by: LookupBy::Unique,
        values: vec![value.clone()],
        also: None,
    };
    let found = crm.lookup(session, &lookup).await;
    let found =
        found.map_err(|failure| Finding::failed("looking for the record", &failure).at(&mapping.object))?;
    Ok(found.into_iter().next().map(|found| found.external_id))
}

struct Shapes<'a> {
    crm: &'a dyn Crm,
    properties: &'a [Property],
}

impl Shapes<'_> {
    /// Names are compared without case where no other is meant: Salesforce does.
    fn of(&self, name: &str) -> Option<Shape> {
        let exactly = self.properties.iter().find(|property| property.name == name);
        let alike = || self.properties.iter().find(|property| property.name.eq_ignore_ascii_case(name));
        exactly.or_else(alike).map(|property| self.crm.shape(property))
    }
}

fn difference(
    shapes: &Shapes<'_>,
    name: &str,
    patch: &Patch<Value>,
    held: &BTreeMap<String, Value>,
) -> Option<Difference> {
    let held = held.get(name).cloned().unwrap_or_default();
    let is = compare(shapes.of(name)?, &held, patch)?;
    let wanted = match patch {
        Patch::Set(value) => value.clone(),
        Patch::Keep | Patch::Clear => Value::Null,
    };
    Some(Difference { field: name.to_owned(), is, held, wanted })
}
