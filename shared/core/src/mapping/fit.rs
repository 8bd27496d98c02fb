//! What a mapping writes, held against what the CRM describes of the object: everything that would make records die.

use super::expression::look;
use super::property::Property;
use super::suggest::{listed, nearest};
use super::{Key, Mapping, OnDelete, Problem, Source};
use crate::code::Code;
use serde_json::Value;

/// Options that a message lists; more would hide what it says.
const LISTED: usize = 12;

/// A mapping and what its CRM says.
pub struct Fit<'a> {
    /// The mapping.
    pub mapping: &'a Mapping,
    /// The object's properties.
    pub properties: &'a [Property],
    /// The object of a record type that is written to the same CRM.
    pub object_of: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the object can be tied to another one (the first) under a label (the second), or why not.
    pub associates: &'a dyn Fn(&str, &str) -> Result<(), String>,
    /// What a person clicks to make a text property of this name.
    pub by_hand: &'a dyn Fn(&str) -> String,
}

/// What does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The property that it is about.
    pub property: String,
    /// What is wrong, and where in the mapping.
    pub problem: Problem,
    /// Whether `rtr connection setup` mends it.
    pub is_set_up: bool,
}

impl Fit<'_> {
    /// Everything that does not fit.
    #[must_use]
    pub fn misfits(&self) -> Vec<Misfit> {
        let mapping = self.mapping;
        let fields = mapping.field_names().filter_map(|name| self.property(&["fields", name], name));
        let mut misfits: Vec<Misfit> = fields.collect();
        misfits.extend(mapping.constants().into_iter().filter_map(|(path, name, value)| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            self.value(&path, &name, &value)
        }));
        misfits.extend(self.on_delete());
        misfits.extend(self.key());
        misfits.extend(self.marker());
        misfits.extend(self.match_property());
        misfits.extend(mapping.references().filter_map(|(name, to, label)| self.reference(name, to, label)));
        misfits
    }

    fn find(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    fn property(&self, path: &[&str], name: &str) -> Option<Misfit> {
        match self.find(name) {
            None => {
                let near = nearest(name, self.properties.iter().map(|property| property.name.as_str()));
                let missing = misfit(name, path, Code::ConfigReference, "the CRM has no such property");
                Some(Misfit { problem: missing.problem.at_key().meaning(near), ..missing })
            }
            Some(property) if !property.writable => {
                let message = "the CRM does not let this property be written: take it out of the mapping";
                let read_only = misfit(name, path, Code::ConfigConflict, message);
                Some(Misfit { problem: read_only.problem.at_key(), ..read_only })
            }
            Some(_) => None,
        }
    }

    /// A value of the mapping's own that the property does not take. Options hold texts, whatever their type.
    fn value(&self, path: &[&str], name: &str, value: &Value) -> Option<Misfit> {
        let property = self.find(name).filter(|property| !property.options.is_empty())?;
        if let Value::Array(items) = value {
            return items.iter().find_map(|item| self.value(path, name, item));
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if property.options.contains(&text) {
            return None;
        }
        let options = || property.options.iter().map(String::as_str);
        let near = nearest(&text, options());
        let advice = match near {
            Some(_) => String::new(),
            None if property.options.len() <= LISTED => format!("; it takes {}", listed(options())),
            None => format!("; it takes {} others", property.options.len()),
        };
        let message = format!(
            "the mapping writes `{text}`, which is none of the options of this property ({}){advice}",
            property.kind
        );
        let refused = misfit(name, path, Code::Invalid, message);
        Some(Misfit { problem: refused.problem.meaning(near), ..refused })
    }

    fn on_delete(&self) -> Vec<Misfit> {
        let OnDelete::Set(set) = &self.mapping.on_delete else { return Vec::new() };
        let of = |(name, value): (&String, &Value)| {
            let path = ["on_delete", "set", name];
            let refused = || self.value(&path, name, value).filter(|_| !value.is_null());
            self.property(&path, name).or_else(refused)
        };
        set.iter().filter_map(of).collect()
    }

    fn key(&self) -> Option<Misfit> {
        let Key::Property { name } = &self.mapping.key else { return None };
        match self.find(name) {
            None => {
                let message =
                    "the unique property that holds our record id is missing: rtr connection setup makes it";
                Some(Misfit { is_set_up: true, ..misfit(name, &["key"], Code::ConfigReference, message) })
            }
            Some(property) => {
                unfit_key(property).map(|message| misfit(name, &["key"], Code::ConfigConflict, message))
            }
        }
    }

    fn marker(&self) -> Option<Misfit> {
        let name = self.mapping.marker.as_deref()?;
        match self.find(name) {
            None => {
                let message =
                    format!("the marker that holds our record id is missing. {}", (self.by_hand)(name));
                Some(misfit(name, &["marker"], Code::ConfigReference, message))
            }
            Some(property) if !property.writable || !property.searchable => {
                let message = "the marker must be a property that can be written and searched: name another";
                Some(misfit(name, &["marker"], Code::ConfigConflict, message))
            }
            Some(_) => None,
        }
    }

    /// What is missing altogether is told as a field already: the match is one of them.
    fn match_property(&self) -> Option<Misfit> {
        let property = self.find(self.mapping.match_on.as_deref()?)?;
        if property.searchable || property.unique {
            return None;
        }
        let message = format!(
            "records cannot be searched by this property ({}): name another in the mapping's `match`",
            property.kind
        );
        Some(misfit(&property.name, &["match"], Code::ConfigConflict, message))
    }

    fn reference(&self, name: &str, record_type: &str, label: Option<&str>) -> Option<Misfit> {
        let path = ["fields", name, "reference"];
        let Some(object) = (self.object_of)(record_type) else {
            let message = format!(
                "the field refers to `{record_type}`, which no mapping writes here: it would wait for its record in vain"
            );
            return Some(misfit(name, &path, Code::NoMapping, message));
        };
        match label {
            Some(label) => {
                let refused = (self.associates)(&object, label).err()?;
                Some(misfit(name, &["fields", name, "association"], Code::ConfigReference, refused))
            }
            None => {
                let property = self.find(name)?;
                let fits = property.refers_to.is_empty() || property.refers_to.contains(&object);
                let message = || {
                    format!(
                        "the property refers to {}, and `{record_type}` is written to {object}",
                        listed(property.refers_to.iter().map(String::as_str))
                    )
                };
                (!fits).then(|| misfit(name, &path, Code::ConfigConflict, message()))
            }
        }
    }
}

/// Why this property cannot hold our record id: two records could share it, or it cannot be written.
#[must_use]
pub fn unfit_key(property: &Property) -> Option<&'static str> {
    match (property.unique, property.writable) {
        (true, true) => None,
        (false, _) => Some(
            "this property holds our record id, but the CRM does not keep its values unique: \
             name another in the mapping's `key`, and rtr connection setup makes it",
        ),
        (true, false) => Some(
            "this property holds our record id, but the CRM does not let it be written: give the \
             credentials' user leave to edit it, or name another in the mapping's `key`",
        ),
    }
}

impl Mapping {
    /// The values that the mapping itself writes whatever the record says, each with its path and property: those of `map`s
    /// and `default`s, and those that an expression may give by itself. Null, which clears, is none.
    fn constants(&self) -> Vec<(Vec<String>, String, Value)> {
        let mut found = Vec::new();
        for field in &self.fields {
            let nothing = None;
            let (from, map, default) = match &field.source {
                Source::Value { from, map, default } => (Some(from), map, default),
                Source::Lookup { lookup, .. } => (None, &nothing, &lookup.default),
                Source::Reference { .. } => continue,
            };
            let mut add = |rest: &[&str], value: &Value| {
                let path = ["fields", &field.name].iter().chain(rest).map(|key| (*key).to_owned()).collect();
                found.push((path, field.name.clone(), value.clone()));
            };
            for (key, value) in map.iter().flatten() {
                add(&["map", key], value);
            }
            if let Some(value) = default {
                add(&["default"], value);
            }
            if map.is_none()
                && let Some(Ok(look)) = from.map(|from| look(from.source()))
            {
                look.shape.known_values().iter().for_each(|value| add(&["from"], value));
            }
        }
        found.retain(|(_, _, value)| !value.is_null());
        found
    }
}

fn misfit(property: &str, path: &[&str], code: Code, message: impl Into<String>) -> Misfit {
    let problem = Problem::new(path.iter().copied(), code, message);
    Misfit { property: property.to_owned(), problem, is_set_up: false }
}
