//! From a mapping's words to a mapping that can be applied; finds everything that is wrong, not just the first thing.

mod lookup;

use super::field::{Field, Source};
use super::raw::{Direction, RawField, RawMapping};
use super::suggest::nearest;
use super::{DurationText, Expression, Key, KeyTemplate, Mapping, OnDelete, Problem, ProviderFacts};
use crate::code::Code;

/// How long a write waits for a referenced record unless the mapping says otherwise, in milliseconds: an hour.
const REFERENCE_WAIT_MS: i64 = 3_600_000;
const KEY_TEMPLATE: &str = "{record_id}";
/// The word for "no unique property" in `key`.
const NO_KEY: &str = "none";

impl Mapping {
    /// Gives `raw` its meaning for `record_type` at `provider`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn compile(
        provider: &ProviderFacts,
        record_type: &str,
        raw: &RawMapping,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut compiler = Compiler { problems: &mut problems };
        let mapping = compiler.mapping(provider, record_type, raw);
        match mapping {
            Some(mapping) if problems.is_empty() => Ok(mapping),
            _ => Err(problems),
        }
    }
}

struct Compiler<'a> {
    problems: &'a mut Vec<Problem>,
}

impl Compiler<'_> {
    fn mapping(&mut self, provider: &ProviderFacts, record_type: &str, raw: &RawMapping) -> Option<Mapping> {
        if raw.object.trim().is_empty() {
            self.conflict(&["object"], "the object has no name; write the provider's name, such as contacts");
        }
        let key = self.key(provider, raw);
        self.match_on(raw);
        let key_template = self.key_template(raw);
        let when = raw.when.as_deref().map(|when| self.expression(&["when"], when));
        let fields: Vec<Option<Field>> =
            raw.fields.iter().map(|(name, field)| self.field(provider, raw, name, field)).collect();
        self.on_delete(raw);
        let reference_wait_ms = self.duration("reference_wait", raw.reference_wait.as_ref());
        Some(Mapping {
            provider: provider.name.to_owned(),
            provider_title: provider.title,
            record_type: record_type.to_owned(),
            object: raw.object.clone(),
            key,
            match_on: raw.match_on.clone(),
            marker: raw.marker.clone(),
            write: raw.write.unwrap_or_default(),
            reference_wait_ms: reference_wait_ms?,
            on_delete: raw.on_delete.clone().unwrap_or_default(),
            on_missing: raw.on_missing.unwrap_or_default(),
            on_unmatched: raw.on_unmatched.unwrap_or_default(),
            key_template: key_template?,
            when: match when {
                None => None,
                Some(compiled) => Some(compiled?),
            },
            fields: fields.into_iter().collect::<Option<_>>()?,
        })
    }

    fn key(&mut self, provider: &ProviderFacts, raw: &RawMapping) -> Key {
        let name = match raw.key.as_deref() {
            Some(NO_KEY) => None,
            Some("") => {
                self.conflict(&["key"], "the key has no name; write the CRM's unique property, or none");
                None
            }
            Some(name) => Some(name),
            None => provider.default_key,
        };
        let Some(name) = name else {
            if raw.match_on.is_none() && raw.marker.is_none() {
                let message = "without a unique key nothing could find a create whose answer was lost; add `match: <a mapped field>`, \
                               or `marker: <a property that may hold our record id>`";
                self.conflict(&["key"], message);
            }
            return Key::Intent;
        };
        if raw.fields.contains_key(name) {
            self.conflict(
                &["fields", name],
                "this is the key property, which holds our record id; map another one",
            );
        }
        Key::Property { name: name.to_owned() }
    }

    fn match_on(&mut self, raw: &RawMapping) {
        if let Some(marker) = raw.marker.as_deref().filter(|marker| raw.fields.contains_key(*marker)) {
            self.conflict(
                &["fields", marker],
                "this is the marker, which holds our record id; map another property",
            );
        }
        let Some(name) = raw.match_on.as_deref() else { return };
        match raw.fields.get(name) {
            None => {
                let message =
                    format!("`match: {name}` needs a field `{name}`, whose value is looked for in the CRM");
                let problem = Problem::new(["match"], Code::ConfigReference, message);
                self.problems.push(problem.meaning(nearest(name, raw.fields.keys().map(String::as_str))));
            }
            Some(field)
                if field.reference.is_some()
                    || field.lookup.is_some()
                    || field.direction == Some(Direction::In) =>
            {
                self.conflict(
                    &["match"],
                    "`match` needs a field that is written from the record's own values",
                );
            }
            Some(_) => {}
        }
    }

    fn key_template(&mut self, raw: &RawMapping) -> Option<KeyTemplate> {
        match KeyTemplate::parse(raw.key_value.as_deref().unwrap_or(KEY_TEMPLATE)) {
            Ok(template) => Some(template),
            Err((message, meant)) => {
                self.problems.push(Problem::new(["key_value"], Code::BadExpression, message).meaning(meant));
                None
            }
        }
    }

    fn field(
        &mut self,
        provider: &ProviderFacts,
        mapping: &RawMapping,
        name: &str,
        raw: &RawField,
    ) -> Option<Field> {
        let source = match (&raw.reference, &raw.lookup) {
            (_, Some(lookup)) => self.lookup(provider, mapping, name, lookup)?,
            (Some(record_type), None) => self.reference(name, record_type, raw)?,
            (None, None) => self.value(name, raw)?,
        };
        let field = Field {
            name: name.to_owned(),
            source,
            on: raw.on.unwrap_or_default(),
            null: raw.null.unwrap_or_default(),
            direction: raw.direction.unwrap_or_default(),
            wins: raw.wins.unwrap_or_default(),
        };
        if let Some(why) = super::back::not_invertible(&field) {
            self.conflict(&["fields", name, "direction"], why);
            return None;
        }
        Some(field)
    }

    fn reference(&mut self, name: &str, record_type: &str, raw: &RawField) -> Option<Source> {
        if raw.from.is_some() || raw.map.is_some() || raw.default.is_some() {
            self.conflict(
                &["fields", name],
                "a reference takes `id` and `association`, not `from`, `map` or `default`",
            );
            return None;
        }
        let Some(id) = &raw.id else {
            let message = "a reference needs `id`, an expression for the referenced record's id, such as id: company_id";
            self.conflict(&["fields", name, "reference"], message);
            return None;
        };
        let id = self.expression(&["fields", name, "id"], id)?;
        Some(Source::Reference {
            record_type: record_type.to_owned(),
            id,
            association: raw.association.clone(),
        })
    }

    fn value(&mut self, name: &str, raw: &RawField) -> Option<Source> {
        if raw.within.is_some() {
            let message =
                "`within` belongs to a look-up; add `lookup: <what to look up>`, or take `within` away";
            self.conflict(&["fields", name, "within"], message);
            return None;
        }
        if let Some(key) = [("id", raw.id.is_some()), ("association", raw.association.is_some())]
            .into_iter()
            .find_map(|(key, given)| given.then_some(key))
        {
            let message = format!(
                "`{key}` belongs to a reference; add `reference: <record type>`, or take `{key}` away"
            );
            self.conflict(&["fields", name, key], message);
            return None;
        }
        let Some(from) = &raw.from else {
            self.conflict(
                &["fields", name],
                "the field has neither `from` nor `reference`, so nothing fills it",
            );
            return None;
        };
        let path: &[&str] = &["fields", name, "from"];
        let from = self.expression(path, from)?;
        Some(Source::Value { from, map: raw.map.clone(), default: raw.default.clone() })
    }

    fn on_delete(&mut self, raw: &RawMapping) {
        if let Some(OnDelete::Set(set)) = &raw.on_delete
            && set.is_empty()
        {
            self.conflict(
                &["on_delete", "set"],
                "nothing is set; name a property and its value, or write ignore",
            );
        }
    }

    fn duration(&mut self, key: &str, text: Option<&DurationText>) -> Option<i64> {
        let Some(text) = text else { return Some(REFERENCE_WAIT_MS) };
        match text.to_ms() {
            Ok(ms) => Some(ms),
            Err(error) => {
                self.problems.push(Problem::new([key], Code::ConfigSyntax, error.to_string()));
                None
            }
        }
    }

    fn expression(&mut self, path: &[&str], source: &str) -> Option<Expression> {
        match Expression::compile(source) {
            Ok(expression) => Some(expression),
            Err(error) => {
                self.problems.push(Problem::of_expression(path, source, &error));
                None
            }
        }
    }

    fn conflict(&mut self, path: &[&str], message: impl Into<String>) {
        self.problems.push(Problem::new(path.iter().copied(), Code::ConfigConflict, message));
    }
}
