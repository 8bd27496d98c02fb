//! Values that only the CRM can tell: an owner's id by an e-mail address, a stage's by its label.
//!
//! An expression stays pure: a field declares its look-up, [`super::Mapping::apply`] leaves it open as a [`Wanted`], and
//! whoever has the CRM's answer puts it in its place ([`Mapped::look_up`]). Only then is there a payload.

use super::apply::{Mapped, MappingError};
use super::field::Field;
use super::raw::{NullRule, WriteOn};
use super::result::to_json;
use super::{Expression, LookupFact, Patch};
use crate::code::Code;
use serde_json::Value;

/// A compiled look-up of a field.
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) fact: &'static LookupFact,
    /// The field whose value it lies within.
    pub(super) within: Option<String>,
    /// What to write for a value that the CRM does not have.
    pub(super) default: Option<Value>,
}

/// A value that is to be looked up in the CRM before it can be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The CRM's name of the field.
    pub field: String,
    /// The look-up.
    pub fact: &'static LookupFact,
    /// What the record says, such as an e-mail address.
    pub value: String,
    /// The field whose value it lies within.
    pub within: Option<String>,
    on: WriteOn,
    null: NullRule,
    default: Option<Value>,
}

/// What a look-up's field is for one record.
pub(super) enum Sought {
    /// The CRM has to tell.
    Open(Wanted),
    /// There is nothing to look up.
    Settled(Patch<Value>),
}

/// What is known of a value that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The CRM has exactly this one: what to write.
    One(String),
    /// The CRM has none.
    None,
    /// The CRM has several.
    Several,
    /// Nobody has asked it yet.
    Unknown,
}

impl Wanted {
    /// The value as people name it where the CRM is not asked, as a reference is `type/id`: `owner/ada@x.io`.
    #[must_use]
    pub fn named(&self) -> String {
        format!("{}/{}", self.fact.name, self.value)
    }

    /// Why the record cannot be written. Names the field and the kind, never the value.
    fn refused(&self, title: &str, several: bool) -> MappingError {
        let LookupFact { noun, by, add, several: hint, .. } = self.fact;
        let field = &self.field;
        let message = if several {
            format!("{title} has more than one {noun} with the {by} in `{field}`; {hint}")
        } else {
            format!("{title} has no {noun} with the {by} in `{field}`; {add}, or give the field a `default`")
        };
        MappingError { code: Code::NotInCrm, ..MappingError::new(Some(field), message) }
    }
}

impl Field {
    /// What is to be looked up for a record that `scope` wraps.
    pub(super) fn sought(
        &self,
        from: &Expression,
        lookup: &Lookup,
        scope: &minijinja::Value,
    ) -> Result<Sought, MappingError> {
        let error = |message: &str| MappingError::new(Some(&self.name), message);
        let value = from.evaluate(scope).map_err(|message| error(&message))?;
        if value.is_undefined() {
            return Ok(Sought::Settled(Patch::Keep));
        }
        let text = match to_json(&value).map_err(error)? {
            Value::Null => String::new(),
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) if !number.is_f64() => number.to_string(),
            _ => return Err(error("`lookup` takes a text or a whole number")),
        };
        if text.is_empty() {
            return Ok(Sought::Settled(self.ruled(Patch::Clear)));
        }
        Ok(Sought::Open(Wanted {
            field: self.name.clone(),
            fact: lookup.fact,
            value: text,
            within: lookup.within.clone(),
            on: self.on,
            null: self.null,
            default: lookup.default.clone(),
        }))
    }
}

impl Mapped {
    /// Puts what `answer` knows in the place of what is to be looked up. `answer` gets what is wanted, and the value of
    /// the field that it lies within, if that has one. What it does not know stays open in `wanted`.
    ///
    /// # Errors
    /// When the CRM, called `title`, has no such value, or several, and the field has no `default`.
    pub fn look_up(
        &mut self,
        title: &str,
        mut answer: impl FnMut(&Wanted, Option<&str>) -> Answer,
    ) -> Result<(), MappingError> {
        // What others lie within comes first.
        let (first, then): (Vec<Wanted>, Vec<Wanted>) =
            std::mem::take(&mut self.wanted).into_iter().partition(|wanted| wanted.within.is_none());
        for wanted in first.into_iter().chain(then) {
            let open = |name: &String| self.wanted.iter().any(|other| other.field == *name);
            if wanted.within.as_ref().is_some_and(open) {
                self.wanted.push(wanted);
                continue;
            }
            let within = wanted.within.as_ref().and_then(|name| self.text_of(name));
            let patch = match answer(&wanted, within.as_deref()) {
                Answer::One(found) => Patch::Set(Value::from(found)),
                Answer::Unknown => {
                    self.wanted.push(wanted);
                    continue;
                }
                missing => match &wanted.default {
                    Some(Value::Null) if wanted.null == NullRule::Ignore => Patch::Keep,
                    Some(Value::Null) => Patch::Clear,
                    Some(default) => Patch::Set(default.clone()),
                    None => return Err(wanted.refused(title, missing == Answer::Several)),
                },
            };
            self.place(&wanted, patch);
        }
        Ok(())
    }

    /// Writes each value that is to be looked up as people name it: for who shows a record's mapping and asks no CRM.
    pub fn name_wanted(&mut self) {
        for wanted in std::mem::take(&mut self.wanted) {
            let named = Patch::Set(Value::from(wanted.named()));
            self.place(&wanted, named);
        }
    }

    fn place(&mut self, wanted: &Wanted, patch: Patch<Value>) {
        let target = if wanted.on == WriteOn::Create { &mut self.on_create } else { &mut self.fields };
        target.insert(wanted.field.clone(), patch);
    }

    fn text_of(&self, name: &str) -> Option<String> {
        match self.fields.get(name).or_else(|| self.on_create.get(name))? {
            Patch::Set(Value::String(text)) => Some(text.clone()),
            Patch::Set(value @ Value::Number(_)) => Some(value.to_string()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
