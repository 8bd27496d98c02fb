//! Conditions, and the branches that they lead to or never do.

use super::super::lowered::lowered;
use super::super::tree::{Node, Tree};
use super::opposites::opposed;
use super::{Looker, Shape};
use crate::mapping::transform::Kinds;

impl Looker {
    /// What stands where true or false is asked for: it must not be the same for every record.
    pub(super) fn condition(&mut self, tree: &Tree) -> Shape {
        let before = self.faults.len();
        let shape = self.shape(tree);
        // What is wrong within it is told already.
        if self.faults.len() == before
            && let Some(truth) = shape.truth()
        {
            self.fault(
                tree.at,
                format!("this condition is {truth} for every record; write one that depends on the record"),
            );
        }
        shape
    }

    pub(super) fn choice(&mut self, value: &Tree, test: &Tree, otherwise: Option<&Tree>) -> Shape {
        let mut seen = vec![lowered(test)];
        self.condition(test);
        let mut shape = self.shape(value);
        let mut next = otherwise;
        while let Some(tree) = next {
            // A chain of `else … if …`, in which a condition may stand twice.
            let Node::If { value, test, otherwise } = &tree.node else { return shape.or(self.shape(tree)) };
            let condition = lowered(test);
            if seen.contains(&condition) {
                self.fault(test.at, "this condition stands in this chain already, so that its branch is never reached; take one of them away");
            } else {
                self.condition(test);
            }
            seen.push(condition);
            shape = shape.or(self.shape(value));
            next = otherwise.as_deref();
        }
        shape.or(Shape::any(Kinds::UNDEFINED))
    }

    /// `a or b or c`: the first that holds, else the last.
    pub(super) fn either(&mut self, parts: &[Tree]) -> Shape {
        self.first_that(parts, true, "or")
    }

    /// `a and b and c`: the first that does not hold, else the last.
    pub(super) fn every(&mut self, parts: &[Tree]) -> Shape {
        self.first_that(parts, false, "and")
    }

    fn first_that(&mut self, parts: &[Tree], ends: bool, word: &str) -> Shape {
        let mut all = Shape::any(Kinds::NOTHING);
        let (mut ended, mut never) = (opposed(parts, ends), true);
        for (at, part) in parts.iter().enumerate() {
            let before = self.faults.len();
            let shape = self.shape(part);
            let last = at + 1 == parts.len();
            ended |= shape.truth() == Some(ends);
            never &= shape.truth() == Some(!ends);
            if !last && self.faults.len() == before && shape.truth() == Some(ends) {
                let message = format!(
                    "this is {ends} for every record, so that what stands behind `{word}` is never reached; take one of them away"
                );
                self.fault(part.at, message);
            }
            // What is missing does not hold, and so does not come out of `or` but at its end.
            all = all.or(if ends && !last { shape.with_missing(Kinds::NOTHING) } else { shape });
        }
        if ended || never { all.that_holds(ended == ends) } else { all }
    }
}
