//! The one environment of all expressions: our own filters, functions and tests, and nothing of minijinja's.
//!
//! Nothing in it reads a clock, draws a random number or keeps a state between two records: within one, what all its
//! expressions cost together is counted ([`Work`]).

use super::operator;
use super::work::Work;
use crate::mapping::transform::{self, Kind, Missing};
use minijinja::value::Rest;
use minijinja::{Environment, Error, State, UndefinedBehavior, Value};
use std::sync::OnceLock;

/// How deep minijinja's own calls may nest; the grammar allows no recursion.
const RECURSION_LIMIT: usize = 64;

/// The environment, made on first use.
pub(super) fn shared() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(build)
}

fn build() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_fuel(Some(super::FUEL));
    environment.set_recursion_limit(RECURSION_LIMIT);
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    for found in transform::all() {
        match found.kind {
            Kind::Filter => {
                let call = move |_: &mut State, value: Value, rest: Rest<Value>| -> Result<Value, Error> {
                    let passes =
                        found.missing == Missing::PassesThrough && (value.is_undefined() || value.is_none());
                    if passes {
                        return Ok(value);
                    }
                    Work::add(&value, &rest)?;
                    (found.run)(&value, &rest)
                };
                environment.add_filter(found.name, call);
            }
            Kind::Function => {
                let call = move |_: &mut State, rest: Rest<Value>| {
                    Work::add(&Value::UNDEFINED, &rest)?;
                    (found.run)(&Value::UNDEFINED, &rest)
                };
                environment.add_function(format!("__{}", found.name), call);
            }
        }
    }
    for (name, _, _) in transform::TESTS {
        let test =
            move |_: &mut State, value: Value, rest: Rest<Value>| transform::holds(name, &value, &rest);
        environment.add_test(format!("__{name}"), test);
    }
    environment.add_function("__get", |value: Value, keys: Rest<Value>| {
        keys.iter().try_fold(value, |value, key| operator::get(&value, key))
    });
    environment.add_function("__slice", |value: Value, start: Value, stop: Value| {
        operator::slice(&value, &start, &stop)
    });
    environment.add_function("__in", |item: Value, whole: Value| operator::contains(&whole, &item));
    environment.add_function("__order", |a: Value, sign: Value, b: Value| operator::order(&a, &sign, &b));
    environment.add_function("__arith", |first: Value, rest: Rest<Value>| operator::chain(first, &rest));
    environment
}
