//! The shapes of the `--json` answers: a JSON Schema for each command, made from the types that are serialised, kept in
//! `docs/schema/` and printed by `rtr schema`.
//!
//! - `foreign.rs` the shapes of what other crates define
//!
//! A schema is closed: a field that is renamed, forgotten or new does not pass, so that a test over real answers sees it.

pub(crate) mod foreign;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::marker::PhantomData;

/// Marks the schema of one line, where the answer is a stream of lines.
const LINES: &str = "x-lines";

/// The answer of one command.
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    /// The command, as the command line says it without `rtr`.
    pub(crate) command: &'static str,
    schema: fn() -> Value,
    lines: bool,
}

impl Answer {
    /// One value of `T`.
    pub(crate) const fn of<T: JsonSchema>(command: &'static str) -> Self {
        Self { command, schema: generated::<T>, lines: false }
    }

    /// Lines, each a value of `T`.
    pub(crate) const fn lines_of<T: JsonSchema>(command: &'static str) -> Self {
        Self { command, schema: generated::<T>, lines: true }
    }

    /// The name of its file in `docs/schema/`, without its ending.
    pub(crate) fn name(&self) -> String {
        self.command.replace(' ', "-").replace("--", "")
    }

    /// Its JSON Schema.
    pub(crate) fn schema(&self) -> Value {
        let mut schema = (self.schema)();
        let what = if self.lines { "A line of the answer" } else { "The answer" };
        schema["title"] = format!("{what} of `rtr {} --json`", self.command).into();
        if self.lines {
            schema[LINES] = true.into();
        }
        schema
    }
}

fn generated<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(Closed);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Closes every object whose fields are known.
#[derive(Debug, Clone)]
struct Closed;

impl Transform for Closed {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let fixed = schema.get("properties").is_some() && schema.get("additionalProperties").is_none();
        if fixed {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
    }
}

/// An answer that has one shape or another, by what was asked for.
pub(crate) struct Either<A, B>(PhantomData<(A, B)>);

impl<A: JsonSchema, B: JsonSchema> JsonSchema for Either<A, B> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}_or_{}", A::schema_name(), B::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let either = json!([generator.subschema_for::<A>(), generator.subschema_for::<B>()]);
        json_schema!({ "anyOf": either })
    }
}

#[cfg(test)]
pub(crate) mod tests;
