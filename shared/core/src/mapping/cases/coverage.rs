//! What of a mapping its cases look at: each field, and each way that a field's value may come about.
//!
//! A field counts when a case says what is written to it; that it is left alone says little, since a field that is misspelt
//! is left alone as well. A way counts when a record takes it in a case that looks at its field.

use super::Case;
use crate::mapping::expression::{Traced, Way, scope};
use crate::mapping::field::{Field, Source};
use crate::mapping::raw::{Direction, RawMapping};
use crate::mapping::result::to_json;
use crate::mapping::{Expression, Mapping};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What cases look at of one mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The fields that records are written by.
    pub fields: usize,
    /// Those of which no case says what is written, by the CRM's names.
    pub untouched: Vec<String>,
    /// The ways that values come about: conditions, choices, entries of a `map`.
    pub branches: usize,
    /// Those that no case takes.
    pub missed: Vec<Branch>,
}

/// A way that no case takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Branch {
    /// The field; none: the mapping's `when`.
    pub field: Option<String>,
    /// What never happens, as a sentence.
    pub message: String,
}

/// Watches cases of one mapping.
#[derive(Debug)]
pub struct Tracer<'m> {
    mapping: &'m Mapping,
    when: Option<Traced>,
    /// Whether `when` held and whether it did not; none: nothing is to be said of it.
    held: Option<[bool; 2]>,
    fields: Vec<Watched<'m>>,
}

#[derive(Debug)]
struct Watched<'m> {
    field: &'m Field,
    expected: bool,
    expression: Option<Traced>,
    /// The keys of `map` that were taken.
    keys: BTreeSet<String>,
    /// Whether `default` was.
    default: bool,
}

impl<'m> Tracer<'m> {
    /// Watches all of `mapping`, or of an org's layer what it says itself: the rest is the matter of the mapping below.
    #[must_use]
    pub fn new(mapping: &'m Mapping, layer: Option<&RawMapping>) -> Self {
        let layer = layer.filter(|raw| raw.is_layer());
        let own = |field: &&Field| {
            field.direction != Direction::In && layer.is_none_or(|raw| raw.fields.contains_key(&field.name))
        };
        let when = mapping.when.as_ref().filter(|_| layer.is_none_or(|raw| raw.when.is_some()));
        Self {
            mapping,
            when: when.and_then(traced),
            held: when.map(|_| [false; 2]),
            fields: mapping.fields.iter().filter(own).map(Watched::new).collect(),
        }
    }

    /// Runs a case past it, whether it holds or not.
    pub fn watch(&mut self, case: &Case) {
        let scope = scope(&case.record);
        if let Some(when) = &self.when {
            when.pass(&scope);
        }
        let (looked_at, failed): (BTreeSet<&str>, _) = match case.mapped(self.mapping) {
            Ok(mapped) => {
                if let Some(held) = &mut self.held {
                    held[usize::from(!mapped.selected)] = true;
                }
                (case.named().filter(|_| mapped.selected).collect(), None)
            }
            Err(error) => (BTreeSet::new(), error.field),
        };
        let failed = failed.as_deref();
        for watched in &mut self.fields {
            let name = watched.field.name.as_str();
            if looked_at.contains(name) || failed == Some(name) {
                watched.pass(&scope);
                watched.expected |= case.expect.as_ref().is_some_and(|expect| expect.contains_key(name));
            }
        }
    }

    /// What they looked at.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let mut ways: Vec<(Option<&str>, String, bool)> = Vec::new();
        if let Some([held, failed]) = self.held {
            ways.push((None, "`when` never holds".to_owned(), held));
            ways.push((None, "`when` always holds".to_owned(), failed));
        }
        ways.extend(told(self.when.as_ref()).map(|(message, gone)| (None, message, gone)));
        for watched in &self.fields {
            ways.extend(
                watched.ways().map(|(message, gone)| (Some(watched.field.name.as_str()), message, gone)),
            );
        }
        let missed = ways.iter().filter(|(_, _, gone)| !gone);
        let branch = |(field, message, _): &(Option<&str>, String, bool)| Branch {
            field: field.map(str::to_owned),
            message: message.clone(),
        };
        let untouched = self.fields.iter().filter(|watched| !watched.expected);
        Coverage {
            fields: self.fields.len(),
            untouched: untouched.map(|watched| watched.field.name.clone()).collect(),
            branches: ways.len(),
            missed: missed.map(branch).collect(),
        }
    }
}

impl Coverage {
    /// The share of fields and ways that cases look at, in percent, rounded down.
    #[must_use]
    pub fn percent(&self) -> usize {
        let all = self.fields + self.branches;
        let missed = self.untouched.len() + self.missed.len();
        (all - missed) * 100 / all.max(1) + usize::from(all == 0) * 100
    }
}

impl<'m> Watched<'m> {
    fn new(field: &'m Field) -> Self {
        let expression = match &field.source {
            Source::Value { from, .. } | Source::Lookup { from, .. } => from,
            Source::Reference { id, .. } => id,
        };
        Self { field, expected: false, expression: traced(expression), keys: BTreeSet::new(), default: false }
    }

    fn pass(&mut self, scope: &minijinja::Value) {
        if let Some(expression) = &self.expression {
            expression.pass(scope);
        }
        let Source::Value { from, map, default } = &self.field.source else { return };
        let Ok(value) = from.evaluate(scope) else { return };
        let value = if value.is_undefined() { Value::Null } else { to_json(&value).unwrap_or_default() };
        match (map, &value) {
            (Some(_), Value::Null) => {}
            (Some(map), value) => match crate::mapping::field::map_key(value) {
                Some(key) if map.contains_key(&key) => drop(self.keys.insert(key)),
                Some(_) => self.default = true,
                None => {}
            },
            (None, value) => self.default |= value.is_null() && default.is_some(),
        }
    }

    /// The ways of its value, each with whether a case took it.
    fn ways(&self) -> impl Iterator<Item = (String, bool)> {
        let (map, default) = match &self.field.source {
            Source::Value { map, default, .. } => (map.as_ref(), default.as_ref()),
            // What the CRM has is the CRM's affair.
            Source::Lookup { .. } | Source::Reference { .. } => (None, None),
        };
        let keys = map.into_iter().flat_map(BTreeMap::keys);
        let keys = keys.map(|key| (format!("never `{key}`"), self.keys.contains(key)));
        // Without a map a default of null is none: what is missing stays missing.
        let default = default.filter(|value| map.is_some() || !value.is_null());
        let default = default.map(|_| ("`default` is never used".to_owned(), self.default));
        told(self.expression.as_ref()).chain(keys).chain(default)
    }
}

/// The expression with notes; one without forks, or too deep for notes, has nothing to tell.
fn traced(expression: &Expression) -> Option<Traced> {
    Traced::compile(expression.source()).ok()
}

fn told(traced: Option<&Traced>) -> impl Iterator<Item = (String, bool)> {
    traced.map(Traced::ways).unwrap_or_default().into_iter().map(|(way, gone)| (sentence(&way), gone))
}

/// What it means that a way is not taken.
fn sentence(way: &Way) -> String {
    match way {
        Way::Holds(what) => format!("`{what}` never holds"),
        Way::Fails(what) => format!("`{what}` always holds"),
        Way::There(what) => format!("`{what}` is always missing"),
        Way::Missing(what) => format!("`{what}` is never missing"),
        Way::Taken(what) => format!("`{what}` is never taken"),
        Way::Key(what) => format!("never `{what}`"),
        Way::Unlisted(what) => format!("`{what}` is never one that `lookup` lacks"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::ProviderFacts;
    use serde_json::json;

    const FACTS: ProviderFacts = ProviderFacts {
        name: "hubspot",
        title: "HubSpot",
        default_key: Some("rtr_record_id"),
        default_limits: &[],
        lookups: &[],
    };

    fn covered(raw: &Value, layer: Option<&Value>, cases: Value) -> Coverage {
        let read = |value: &Value| serde_json::from_value::<RawMapping>(value.clone()).unwrap();
        let (raw, layer) = (read(raw), layer.map(read));
        let raw = layer.as_ref().map_or_else(|| raw.clone(), |layer| layer.over(&raw));
        let mapping = Mapping::compile(&FACTS, "contact", &raw).unwrap();
        let mut tracer = Tracer::new(&mapping, layer.as_ref());
        for case in serde_json::from_value::<Vec<Case>>(cases).unwrap() {
            tracer.watch(&case);
        }
        tracer.coverage()
    }

    fn words(coverage: &Coverage) -> String {
        let Coverage { fields, untouched, branches, missed } = coverage;
        let missed: Vec<String> = missed
            .iter()
            .map(|branch| format!("{}: {}", branch.field.as_deref().unwrap_or("-"), branch.message))
            .collect();
        let percent = coverage.percent();
        format!("{fields} fields, not {untouched:?}; {branches} branches, {percent} %\n{}", missed.join("\n"))
    }

    fn mapping() -> Value {
        json!({"object": "contacts", "when": "stage != 'draft'", "fields": {
            "city": "address.city",
            "company": {"reference": "company", "id": "company_id or firm_id"},
            "name": "coalesce(nick, name | default('?'))",
            "phone": {"from": "phone", "default": "none known"},
            "score": "1 if (vip and active) else 0",
            "stage": {"from": "stage", "map": {"lead": "lead", "won": "customer"}, "default": "other"},
            "theirs": {"from": "theirs", "direction": "in"},
        }})
    }

    #[test]
    fn given_no_case_when_covered_then_every_field_and_way_is_told() {
        insta::assert_snapshot!(words(&covered(&mapping(), None, json!([]))), @r#"
        6 fields, not ["city", "company", "name", "phone", "score", "stage"]; 16 branches, 0 %
        -: `when` never holds
        -: `when` always holds
        company: `company_id` never holds
        company: `company_id` always holds
        name: `name` is always missing
        name: `name` is never missing
        name: `nick` is never taken
        name: `name | default('?')` is never taken
        phone: `default` is never used
        score: `vip` never holds
        score: `vip` always holds
        score: `(vip and active)` never holds
        score: `(vip and active)` always holds
        stage: never `lead`
        stage: never `won`
        stage: `default` is never used
        "#);
    }

    #[test]
    fn given_cases_when_covered_then_only_what_a_case_looks_at_counts() {
        let cases = json!([
            // It takes ways of every field, and looks at two.
            {"record": {"stage": "won", "name": "Ada", "vip": true, "active": true}, "expect": {"stage": "customer", "name": "Ada"}},
            // Left alone is looked at, but shows no value.
            {"record": {"stage": "lead"}, "untouched": ["city"], "expect": {"stage": "lead", "phone": "none known"}},
            // That it does not hold is told elsewhere.
            {"record": {"nick": "A"}, "expect": {"name": "B"}},
            {"record": {"stage": "draft"}, "unmatched": true},
            {"record": {"stage": []}, "error": "field `stage`"},
        ]);
        insta::assert_snapshot!(words(&covered(&mapping(), None, cases)), @r#"
        6 fields, not ["city", "company", "score"]; 16 branches, 54 %
        company: `company_id` never holds
        company: `company_id` always holds
        score: `vip` never holds
        score: `vip` always holds
        score: `(vip and active)` never holds
        score: `(vip and active)` always holds
        stage: `default` is never used
        "#);
    }

    #[test]
    fn given_an_orgs_layer_when_covered_then_what_it_says_counts_and_what_stands_below_does_not() {
        let layer = json!({"fields": {"city": "town if town else address.city", "phone": null}});
        let cases = json!([{"record": {"town": "Ulm"}, "expect": {"city": "Ulm", "name": "?"}}]);
        insta::assert_snapshot!(words(&covered(&mapping(), Some(&layer), cases)), @r"
        1 fields, not []; 2 branches, 66 %
        city: `town` always holds
        ");
        let whole = json!({"object": "contacts", "fields": {"email": "email"}});
        let all =
            covered(&mapping(), Some(&whole), json!([{"record": {"email": "a"}, "expect": {"email": "a"}}]));
        assert_eq!((all.percent(), all.fields, all.branches), (100, 1, 0));
    }
}
