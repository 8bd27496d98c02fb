//! What is known of an expression before any record comes, and what in it can only fail or never be reached.
//!
//! Invariant: what is refused here fails, or has no effect, whatever the record holds; what is not known is accepted.
//! Nothing but the check of a folder asks: an expression that was stored before the check knew better goes on working.
//!
//! - `shape.rs` what a value may be · `literal.rs` what is the same for every record · `calls.rs` filters, functions, tests
//! - `operators.rs` operators and look-ups · `branches.rs` conditions and what stands in their branches,
//!   `opposites.rs` which of them exclude each other

mod branches;
mod calls;
mod literal;
mod operators;
mod opposites;
mod shape;

pub(in crate::mapping) use shape::Shape;

use super::lowered::lowered;
use super::tree::{Node, Tree};
use super::{ExpressionError, environment, grammar, scope};
use crate::code::Code;
use crate::mapping::transform::Kinds;
use minijinja::Value;
use std::collections::BTreeSet;

/// An expression, looked at.
#[derive(Debug)]
pub(in crate::mapping) struct Look {
    /// What it may give.
    pub(in crate::mapping) shape: Shape,
    /// What in it can only fail, or is never reached.
    pub(in crate::mapping) faults: Vec<ExpressionError>,
}

/// Looks at the expression `source`.
///
/// # Errors
/// When it is none.
pub(in crate::mapping) fn look(source: &str) -> Result<Look, ExpressionError> {
    let tree = grammar::read(source)?;
    let mut looker = Looker { faults: Vec::new() };
    let shape = looker.shape(&tree);
    Ok(Look { shape, faults: looker.faults })
}

struct Looker {
    faults: Vec<ExpressionError>,
}

impl Looker {
    /// What `tree` may give; each part of it is looked at once.
    fn shape(&mut self, tree: &Tree) -> Shape {
        if let Node::Object(entries) = &tree.node {
            self.keys_once(entries);
        }
        if tree.is_constant() {
            return self.constant(tree);
        }
        match &tree.node {
            Node::Record => Shape::any(Kinds::OBJECT),
            Node::None | Node::Bool(_) | Node::Text(_) | Node::Number(_) => self.constant(tree),
            Node::List(items) => {
                self.all(items);
                Shape::any(Kinds::LIST)
            }
            Node::Object(entries) => {
                for (key, value) in entries {
                    self.shape(key);
                    self.shape(value);
                }
                Shape::any(Kinds::OBJECT)
            }
            Node::Lookup { of, keys } => self.lookup(of, keys),
            Node::Slice { of, start, stop } => self.slice(of, [start, stop]),
            Node::Negative(of) => self.negative(of),
            Node::Arithmetic { first, rest } => self.arithmetic(first, rest),
            Node::Joined(parts) => self.concatenated(parts),
            Node::Compared { left, sign, right } => self.compared(left, sign, right),
            Node::All(parts) => self.every(parts),
            Node::Any(parts) => self.either(parts),
            Node::Not { of, .. } => {
                self.condition(of);
                Shape::any(Kinds::BOOL)
            }
            Node::If { value, test, otherwise } => self.choice(value, test, otherwise.as_deref()),
            Node::Filtered { of, filters } => self.filtered(of, filters),
            Node::Tested { of, is_not, call } => self.tested(of, *is_not, call),
            Node::Called(call) => self.called(call),
        }
    }

    fn all(&mut self, parts: &[Tree]) -> Vec<Shape> {
        parts.iter().map(|part| self.shape(part)).collect()
    }

    /// Of two entries with one key only the last would count.
    fn keys_once(&mut self, entries: &[(Tree, Tree)]) {
        let mut seen = BTreeSet::new();
        for (key, _) in entries {
            if !seen.insert(lowered(key)) {
                self.fault(key.at, "this key stands twice in the object; keep one of them");
            }
        }
    }

    fn fault(&mut self, at: usize, message: impl Into<String>) {
        self.faults
            .push(ExpressionError { code: Code::NeverWorks, ..ExpressionError::new(at, message.into()) });
    }
}

/// What the expression `text`, in minijinja's words, gives without a record.
fn evaluate(text: &str, scope: &Value) -> Result<Value, String> {
    let compiled = environment::shared().compile_expression_owned(text.to_owned());
    compiled.and_then(|compiled| compiled.eval(scope.clone())).map_err(|error| super::told(&error))
}

/// What `tree`, which reads no record, gives.
fn value_of(tree: &Tree) -> Result<Value, String> {
    evaluate(&lowered(tree), &scope(&serde_json::Value::Null))
}

/// What the filter, in minijinja's words, makes of `value`.
fn run(filter: &str, value: &Value) -> Result<Value, String> {
    evaluate(&format!("value | {filter}"), &minijinja::context! { value })
}

#[cfg(test)]
mod tests;
