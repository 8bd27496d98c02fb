//! Parts of an expression that are the same for every record: they are evaluated, and fail or not once and for all.

use super::super::lowered::{call_words, lowered};
use super::super::tree::{Call, Node, Tree};
use super::{Looker, Shape, evaluate, value_of};
use crate::code::Code;
use crate::mapping::expression::{ExpressionError, scope};
use crate::mapping::precision;
use crate::mapping::transform::Kinds;

impl Looker {
    /// What `tree`, which reads no record, gives. Its parts are looked at first, so that a fault is told where it is.
    pub(super) fn constant(&mut self, tree: &Tree) -> Shape {
        let before = self.faults.len();
        match &tree.node {
            Node::Number(digits) => self.number(tree.at, digits),
            Node::Any(parts) => drop(self.either(parts)),
            Node::All(parts) => drop(self.every(parts)),
            Node::If { value, test, otherwise } => drop(self.choice(value, test, otherwise.as_deref())),
            Node::Filtered { of, filters } => self.constant_filters(of, filters),
            Node::Called(call) if call.name == "coalesce" => drop(self.called(call)),
            node => {
                for part in node.parts() {
                    self.shape(part);
                }
            }
        }
        if self.faults.len() > before {
            return Shape::any(Kinds::ANY);
        }
        match value_of(tree) {
            Ok(value) => Shape::just(value),
            Err(message) => {
                self.fault(tree.at, message);
                Shape::any(Kinds::ANY)
            }
        }
    }

    /// Filters one after the other, so that the one that fails is named.
    fn constant_filters(&mut self, of: &Tree, filters: &[Call]) {
        let before = self.faults.len();
        self.shape(of);
        for call in filters {
            self.all(&call.arguments);
        }
        if self.faults.len() > before {
            return;
        }
        let mut text = lowered(of);
        for call in filters {
            text = format!("{text} | {}", call_words(call));
            if let Err(message) = evaluate(&text, &scope(&serde_json::Value::Null)) {
                return self.fault(call.at, message);
            }
        }
    }

    fn number(&mut self, at: usize, digits: &str) {
        if digits.contains('.') && !precision::is_kept(digits) {
            let message = format!(
                "`{digits}` has more digits than are kept; leave some away, or write it in quotes, as a text"
            );
            self.faults.push(ExpressionError { code: Code::NotKept, ..ExpressionError::new(at, message) });
        }
    }
}
