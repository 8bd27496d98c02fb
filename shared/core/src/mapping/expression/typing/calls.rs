//! Filters, functions and tests: what goes in, whether the arguments can be right, and what comes out.

use super::super::lowered::call_words;
use super::super::tree::{Call, Node, Tree};
use super::{Looker, Shape, evaluate, run};
use crate::mapping::expression::scope;
use crate::mapping::transform::{self, Kind, Kinds, Missing, Transformer};
use minijinja::Value;
use minijinja::value::Serde;

/// What a filter says where the value is not written as its pattern is: nothing is wrong with the pattern.
const OTHER_PATTERN: &str = "parse_date: the value is not written as the pattern says";

impl Looker {
    pub(super) fn filtered(&mut self, of: &Tree, filters: &[Call]) -> Shape {
        let mut shape = self.shape(of);
        for call in filters {
            let arguments = self.all(&call.arguments);
            // The grammar has refused a filter that there is not.
            let Some(found) = transform::find(Kind::Filter, &call.name) else { continue };
            let before = self.faults.len();
            self.taken(found, call, &shape);
            self.arguments(found, call);
            shape = self.given(found, call, shape, &arguments);
            if self.faults.len() > before {
                shape = Shape::any(Kinds::ANY);
            }
        }
        shape
    }

    /// Refuses a value that the filter cannot take.
    fn taken(&mut self, found: &Transformer, call: &Call, shape: &Shape) {
        let (takes, kinds) = (found.signature().takes, shape.present());
        if !kinds.is_nothing() && !kinds.meets(takes) {
            let message = format!(
                "`{}` takes {}, not {}; for example {}",
                found.name,
                takes.told(),
                kinds.told(),
                found.example
            );
            self.fault(call.at, message);
        } else if found.missing == Missing::Handles && shape.missing().is_nothing() {
            let message = format!(
                "what stands before `{}` is never missing, so that it has no effect; take it away",
                found.name
            );
            self.fault(call.at, message);
        }
    }

    /// Refuses arguments that the filter cannot take, by handing them to it with the value of its example.
    fn arguments(&mut self, found: &Transformer, call: &Call) {
        if call.arguments.is_empty() || !call.arguments.iter().all(Tree::is_constant) {
            return;
        }
        let Some((value, _)) = found.example.split_once(" | ") else { return };
        let tried = evaluate(&format!("{value} | {}", call_words(call)), &scope(&serde_json::Value::Null));
        if let Err(message) = tried
            && message != OTHER_PATTERN
        {
            let name = format!("{}: ", found.name);
            let message = message.strip_prefix(&name).unwrap_or(&message).to_owned();
            let message = format!(
                "`{}` cannot take these arguments: {message}; for example {}",
                found.name, found.example
            );
            self.fault(call.at, message);
        }
    }

    fn given(&mut self, found: &Transformer, call: &Call, shape: Shape, arguments: &[Shape]) -> Shape {
        let constant = call.arguments.iter().all(Tree::is_constant);
        let missing = shape.missing();
        match (found.name, arguments) {
            ("default", [other]) => shape.with_missing(Kinds::NOTHING).or(other.clone()),
            ("required", _) => shape.with_missing(Kinds::NOTHING),
            ("blank_to_none" | "nullif", _) => shape.with_missing(missing.or(Kinds::NONE)),
            ("lookup", [_, others @ ..]) => self.looked_up(call, &shape, others.first()),
            // What each of a few known values becomes is known too.
            _ if constant && shape.values().is_some_and(|values| !values.is_empty()) => {
                each(found, call, &shape)
            }
            _ => {
                let kinds = found.signature().gives;
                let came = missing.or(if shape.present().is_nothing() { Kinds::NOTHING } else { kinds });
                let mut filters = Vec::new();
                if found.cuts() {
                    filters.extend(
                        shape.filters().into_iter().filter(|one| one == "lower()" || one == "upper()"),
                    );
                }
                if found.keeps_its_own() && constant {
                    filters.push(call_words(call));
                }
                if ["email", "domain"].contains(&found.name) {
                    filters.push("lower()".to_owned());
                }
                if filters.is_empty() || shape.present().is_nothing() {
                    Shape::any(came)
                } else {
                    Shape::through(came, filters)
                }
            }
        }
    }

    /// `value | lookup({…}, other)`: each key must be one that may come, and what comes out is one of the values.
    fn looked_up(&mut self, call: &Call, shape: &Shape, other: Option<&Shape>) -> Shape {
        let missing = shape.missing();
        let absent = other.cloned().unwrap_or_else(|| Shape::any(Kinds::UNDEFINED));
        let Some(Node::Object(entries)) = call.arguments.first().map(|table| &table.node) else {
            return Shape::any(Kinds::ANY);
        };
        let mut out = Shape::any(missing).or(absent);
        for (key, value) in entries {
            if let Node::Text(text) = &key.node
                && !shape.present().meets(Kinds::NUMBER)
                && !shape.may_be_written(text)
            {
                self.fault(
                    key.at,
                    format!("the value that is looked up is never `{text}`; mend the key, or take it away"),
                );
            }
            // Its faults are told already, with the arguments.
            out = out.or(Self { faults: Vec::new() }.shape(value));
        }
        out
    }

    pub(super) fn called(&mut self, call: &Call) -> Shape {
        match call.name.as_str() {
            "concat" => self.concatenated(&call.arguments),
            "coalesce" => self.coalesced(&call.arguments),
            _ => {
                self.all(&call.arguments);
                Shape::any(Kinds::ANY)
            }
        }
    }

    fn coalesced(&mut self, arguments: &[Tree]) -> Shape {
        let mut all = Shape::any(Kinds::NOTHING);
        // What it may be missing as: nothing, once one of them never is.
        let mut missing = Kinds::NOTHING;
        for (at, argument) in arguments.iter().enumerate() {
            let shape = self.shape(argument);
            if at > 0 && missing.is_nothing() {
                self.fault(argument.at, "what stands before this is never missing, so that this is never reached; take one of them away");
                break;
            }
            let may_be = shape.missing();
            missing = if may_be.is_nothing() { may_be } else { missing.or(may_be) };
            all = all.or(shape);
        }
        all.with_missing(missing)
    }

    pub(super) fn tested(&mut self, of: &Tree, is_not: bool, call: &Call) -> Shape {
        let shape = self.shape(of);
        if call.name == "in" {
            if let Some(list) = call.arguments.first() {
                self.within(&shape, !is_not, list);
            }
            return Shape::any(Kinds::BOOL);
        }
        self.all(&call.arguments);
        if let Some(holds) = always(&call.name, &shape) {
            let told = shape.present().or(shape.missing());
            let what = if told.meets(Kinds::PRESENT) { told.told() } else { "nothing".to_owned() };
            let message = format!(
                "this is {} for every record, since what stands before it is {what}",
                holds != is_not
            );
            self.fault(call.at, message);
        }
        Shape::any(Kinds::BOOL)
    }
}

/// What the filter makes of each value that `shape` may be.
fn each(found: &Transformer, call: &Call, shape: &Shape) -> Shape {
    let start = Shape::any(shape.missing());
    shape.values().unwrap_or_default().iter().fold(start, |all, value| {
        let out = run(&call_words(call), &Value::from(Serde(value)));
        all.or(out.map_or_else(|_| Shape::any(found.signature().gives), Shape::just))
    })
}

/// Whether the test holds or not by the kinds of the value alone.
fn always(test: &str, shape: &Shape) -> Option<bool> {
    let kinds = shape.present().or(shape.missing());
    let decided = |holds: Kinds| match (kinds.meets(holds), kinds.without(holds).is_nothing()) {
        (false, _) => Some(false),
        (true, true) => Some(true),
        (true, false) => None,
    };
    match test {
        "defined" => decided(Kinds::ANY.without(Kinds::UNDEFINED)),
        "undefined" => decided(Kinds::UNDEFINED),
        "none" => decided(Kinds::NONE),
        "boolean" => decided(Kinds::BOOL),
        "string" => decided(Kinds::TEXT),
        "number" => decided(Kinds::NUMBER),
        "sequence" => decided(Kinds::LIST),
        "mapping" => decided(Kinds::OBJECT),
        "empty" => decided(Kinds::MISSING)
            .filter(|holds| *holds || !kinds.meets(Kinds::TEXT.or(Kinds::LIST).or(Kinds::OBJECT))),
        "integer" | "divisibleby" => decided(Kinds::NUMBER).filter(|holds| !holds),
        "startingwith" | "endingwith" => decided(Kinds::TEXT).filter(|holds| !holds),
        _ => None,
    }
}
