//! A mapping as it is written and stored: the shape of `mappings/<provider>/<record_type>.yaml`.
//!
//! What is absent here is absent in the stored document too, so a stored mapping reads like its file. The words of
//! the file are checked for their shape only; [`super::Mapping::compile`] gives them their meaning.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// How records of one internal type are written to one object of a CRM.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mapping")]
pub struct RawMapping {
    /// The provider's name of the object, such as `contacts` or `Account`. An org's mapping without it is a layer: what it says
    /// takes the place of what the global mapping says, and all else stays as it is there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// The CRM's unique property that holds our record id; `none`: there is no such property, creates go by intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What stands in the key property: text with `{org_id}`, `{record_type}` and `{record_id}`. Default: `{record_id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_value: Option<String>,
    /// The CRM property by which an existing CRM record is found and adopted before a first create; a field of this mapping.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub match_on: Option<String>,
    /// A CRM property, not unique, that holds our record id, so that a create whose answer was lost can be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// Whether records are created, updated, or both. Default: `upsert`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<super::WriteMode>,
    /// An expression over the record; a record for which it does not hold is not written and follows `on_unmatched`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The CRM's properties, each with the expression over the record that fills it.
    #[serde(default)]
    pub fields: BTreeMap<String, RawField>,
    /// How long a write waits for a referenced record that is not linked yet, such as `1h`. Default: `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_wait: Option<super::DurationText>,
    /// What a deleted record does to its CRM record. Default: `archive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<super::OnDelete>,
    /// What to do when the CRM record is gone. Default: `recreate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_missing: Option<super::OnMissing>,
    /// What to do with a record that stops matching `when`. Default: `ignore`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unmatched: Option<super::OnUnmatched>,
}

/// One property: an expression, or the long form; null in an org's layer leaves out what the global mapping has.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RawField {
    /// An expression over the record; undefined leaves the property, none clears it.
    pub from: Option<String>,
    /// The values of the expression and what to write for each.
    pub map: Option<BTreeMap<String, Value>>,
    /// With `map` or `lookup`: what to write for a value that it does not have; null empties the property. Without: what to write when
    /// there is no value.
    pub default: Option<Value>,
    /// When the property is written.
    pub on: Option<WriteOn>,
    /// What an empty (none) value does.
    pub null: Option<NullRule>,
    /// The record type that this property refers to.
    pub reference: Option<String>,
    /// An expression for the id of the referenced record.
    pub id: Option<String>,
    /// The provider's name of the association; without it the property itself holds the reference.
    pub association: Option<String>,
    /// What the value is looked up as in the CRM.
    pub lookup: Option<String>,
    /// The field whose value the look-up lies within.
    pub within: Option<String>,
    /// Which way values flow.
    pub direction: Option<Direction>,
    /// Who wins when both sides changed.
    pub wins: Option<Wins>,
}

/// The long form of a field.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Field")]
struct LongField {
    /// An expression over the record; undefined leaves the property, none clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The values of the expression and what to write for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    map: Option<BTreeMap<String, Value>>,
    /// With `map`: what to write for a value that it does not list; with `lookup`: for one that the CRM does not have; null empties
    /// the property. Without: what to write when there is no value.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    /// When the property is written. Default: `always`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on: Option<WriteOn>,
    /// What an empty (none) value does. Default: `clear`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    null: Option<NullRule>,
    /// The record type that this property refers to; needs `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// An expression for the id of the referenced record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The provider's name of the association; without it the property itself holds the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    association: Option<String>,
    /// What the value is looked up as in the CRM, such as `owner` by an e-mail address; what is found is written. `default` is for
    /// a value that the CRM does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lookup: Option<String>,
    /// With `lookup`: the field of this mapping that it lies within, as a stage within the field of its pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<String>,
    /// Which way values flow. Default: `out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    /// Who wins when both sides changed. Default: `newest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wins: Option<Wins>,
}

/// When a property is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum WriteOn {
    /// With the create only.
    Create,
    /// With every write.
    #[default]
    Always,
}

/// What an empty value does to the property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum NullRule {
    /// It empties the property.
    #[default]
    Clear,
    /// It leaves the property alone.
    Ignore,
}

/// Which way values flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Direction {
    /// From the internal system to the CRM.
    #[default]
    Out,
    /// From the CRM to the internal system.
    In,
    /// Both ways.
    Both,
}

/// Who wins when both sides changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Wins {
    /// The internal system.
    Internal,
    /// The CRM.
    External,
    /// Whoever changed last.
    #[default]
    Newest,
}

impl RawField {
    /// The short form: an expression and nothing else.
    pub fn expression(from: impl Into<String>) -> Self {
        Self { from: Some(from.into()), ..Self::default() }
    }

    fn is_short(&self) -> bool {
        *self == Self { from: self.from.clone(), ..Self::default() } && self.from.is_some()
    }
}

impl Serialize for RawField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.from {
            Some(from) if self.is_short() => serializer.serialize_str(from),
            None if self.is_left_out() => serializer.serialize_unit(),
            _ => LongField::from(self.clone()).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RawField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = RawField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an expression, or a field with `from`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawField, E> {
                Ok(RawField::expression(text))
            }

            fn visit_unit<E: de::Error>(self) -> Result<RawField, E> {
                Ok(RawField::default())
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<RawField, A::Error> {
                LongField::deserialize(de::value::MapAccessDeserializer::new(map)).map(RawField::from)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A value that is null where it is given as null, and absent only where it is not.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl JsonSchema for RawField {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FieldOrExpression".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<LongField>();
        json_schema!({
            "description": "An expression over the record, or the long form of a field. In an org's mapping null leaves out the global one.",
            "anyOf": [{ "type": "string" }, long, { "type": "null" }],
        })
    }
}

impl From<RawField> for LongField {
    fn from(field: RawField) -> Self {
        let RawField {
            from,
            map,
            default,
            on,
            null,
            reference,
            id,
            association,
            lookup,
            within,
            direction,
            wins,
        } = field;
        Self { from, map, default, on, null, reference, id, association, lookup, within, direction, wins }
    }
}

impl From<LongField> for RawField {
    fn from(field: LongField) -> Self {
        let LongField {
            from,
            map,
            default,
            on,
            null,
            reference,
            id,
            association,
            lookup,
            within,
            direction,
            wins,
        } = field;
        Self { from, map, default, on, null, reference, id, association, lookup, within, direction, wins }
    }
}
