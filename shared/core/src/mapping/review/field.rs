//! The expression of a field, and its `map` and `default` held against what the expression may give.

use super::Reviewer;
use crate::code::Code;
use crate::mapping::expression::Shape;
use crate::mapping::raw::RawField;
use crate::mapping::suggest::nearest;
use crate::mapping::transform::Kinds;
use crate::mapping::{Problem, RawMapping, is_kept};
use serde_json::Value;
use std::collections::BTreeMap;

impl Reviewer {
    pub(super) fn field(&mut self, name: &str, field: &RawField, raw: &RawMapping) {
        self.field_settings(name, field, raw);
        self.own_values(name, field);
        if let Some(id) = &field.id {
            self.pointer(name, id);
        }
        let Some(from) = &field.from else { return };
        let Some(look) = self.look(&["fields", name, "from"], from) else { return };
        let kinds = look.shape.present();
        let shape = look.shape;
        self.written(name, &shape, kinds);
        match (&field.map, &field.default) {
            (Some(map), default) => self.map(name, map, default.as_ref(), &shape),
            // It is for what the CRM does not have, which only the CRM knows.
            (None, Some(_)) if field.lookup.is_some() => {}
            (None, Some(default)) => self.default(name, default, &shape),
            (None, None) => {}
        }
        if raw.match_on.as_deref() == Some(name)
            && !kinds.is_nothing()
            && field.map.is_none()
            && !kinds.meets(Kinds::TEXT.or(Kinds::NUMBER))
        {
            let message =
                format!("records are found by a text or a number, and this field gives {}", kinds.told());
            self.never(&["match"], message);
        }
    }

    /// What the expression gives by itself.
    fn written(&mut self, name: &str, shape: &Shape, kinds: Kinds) {
        let path = ["fields", name, "from"];
        if kinds.is_nothing() && !shape.missing().meets(Kinds::NONE) {
            self.never(&path, "the expression is undefined for every record, so that the field is never written; mend it, or take the field away");
        }
        if kinds == Kinds::OBJECT {
            self.never(&path, "no property of a CRM takes an object; write what of it is meant, such as address.city, or its text by `| json`");
        }
        let numbers = shape.values().into_iter().flatten().filter(Value::is_number);
        for number in numbers.filter(|number| !is_kept(&number.to_string())) {
            let message = format!(
                "the CRM would not keep every digit of {number}; write it in quotes within the expression, as a text"
            );
            self.problems.push(Problem::new(path, Code::NotKept, message));
        }
    }

    fn pointer(&mut self, name: &str, id: &str) {
        let path = ["fields", name, "id"];
        let Some(look) = self.look(&path, id) else { return };
        let kinds = look.shape.present();
        if !kinds.is_nothing() && !kinds.meets(Kinds::TEXT.or(Kinds::NUMBER)) {
            self.never(
                &path,
                format!("the id of a reference is a text or a whole number, not {}", kinds.told()),
            );
        }
    }

    fn map(&mut self, name: &str, map: &BTreeMap<String, Value>, default: Option<&Value>, shape: &Shape) {
        let kinds = shape.present();
        let from = ["fields", name, "from"];
        if map.is_empty() {
            return self.never(
                &["fields", name, "map"],
                "`map` lists nothing; write value: what to write, or take it away",
            );
        }
        if kinds.is_nothing() {
            return;
        }
        if !kinds.meets(Kinds::WORDS) {
            return self.never(
                &from,
                format!("`map` takes a text, a number, true or false, and this gives {}", kinds.told()),
            );
        }
        if shape.missing().is_nothing() && shape.values().is_some_and(|values| values.len() == 1) {
            return self.never(&from, "the value is the same for every record, and so is what `map` makes of it; write that instead");
        }
        let reached = |key: &&String| shape.may_be_written(key);
        for key in map.keys().filter(|key| !reached(key)) {
            let others = shape.values().unwrap_or_default();
            let others: Vec<&str> = others.iter().filter_map(Value::as_str).collect();
            let lower = key.to_lowercase();
            let meant =
                nearest(key, others).or_else(|| shape.may_be_written(&lower).then_some(lower.as_str()));
            let message = format!(
                "the expression never gives `{key}`, so that this entry is never used; mend the key, or take it away"
            );
            let problem = Problem::new(["fields", name, "map", key], Code::NeverWorks, message).at_key();
            self.problems.push(problem.meaning(meant));
        }
        if default.is_some() && lists_all(map, shape) {
            self.idle(&["fields", name, "default"], "`map` lists everything that the expression gives, so that `default` is never used; take it away");
        }
    }

    fn default(&mut self, name: &str, default: &Value, shape: &Shape) {
        let path = ["fields", name, "default"];
        if default.is_null() {
            self.idle(&path, "without `map` an empty `default` changes nothing; write the value that is meant, or take it away");
        } else if shape.missing().is_nothing() {
            self.idle(
                &path,
                "the expression always gives a value, so that `default` is never used; take it away",
            );
        }
    }
}

/// Whether `map` has an entry for whatever may come.
fn lists_all(map: &BTreeMap<String, Value>, shape: &Shape) -> bool {
    if shape.present() == Kinds::BOOL {
        return map.contains_key("true") && map.contains_key("false");
    }
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    shape.values().is_some_and(|values| values.iter().all(|value| map.contains_key(&word(value))))
}
