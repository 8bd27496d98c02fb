//! Operators and look-ups: what they cannot take, whatever the record holds.

use super::super::tree::{Node, Step, Tree};
use super::{Looker, Shape};
use crate::mapping::transform::Kinds;

impl Looker {
    pub(super) fn lookup(&mut self, of: &Tree, keys: &[Step]) -> Shape {
        let whole = self.shape(of);
        for key in keys {
            if let Step::Index(index) = key {
                self.shape(index);
            }
        }
        let kinds = whole.present();
        if !kinds.is_nothing() && !kinds.meets(Kinds::LIST.or(Kinds::OBJECT)) {
            self.fault(
                of.at,
                format!(
                    "{} has no keys, so that this is undefined for every record; a filter stands behind `|`",
                    kinds.told()
                ),
            );
        }
        Shape::any(Kinds::ANY)
    }

    pub(super) fn slice(&mut self, of: &Tree, bounds: [&Option<Box<Tree>>; 2]) -> Shape {
        let whole = self.shape(of);
        for bound in bounds.into_iter().flatten() {
            let kinds = self.shape(bound).present();
            if !kinds.is_nothing() && !kinds.meets(Kinds::NUMBER) {
                self.fault(bound.at, format!("a slice takes whole numbers, not {}", kinds.told()));
            }
        }
        let sliced = Kinds::TEXT.or(Kinds::LIST);
        self.must(of.at, &whole, sliced, "only a text or a list can be sliced, not");
        Shape::any(whole.present().and(sliced).or(whole.missing()))
    }

    pub(super) fn negative(&mut self, of: &Tree) -> Shape {
        let shape = self.shape(of);
        let kinds = shape.present();
        if !kinds.is_nothing() && !kinds.meets(Kinds::NUMBER) {
            self.fault(of.at, no_number(kinds));
        }
        Shape::any(shape.missing().or(Kinds::NUMBER))
    }

    pub(super) fn arithmetic(&mut self, first: &Tree, rest: &[(&'static str, Tree)]) -> Shape {
        let shape = self.shape(first);
        let (mut missing, mut kinds, mut at) = (shape.missing(), shape.present(), first.at);
        for (sign, operand) in rest {
            let shape = self.shape(operand);
            missing = missing.or(shape.missing());
            let takes =
                if *sign == "+" { Kinds::NUMBER.or(Kinds::TEXT).or(Kinds::LIST) } else { Kinds::NUMBER };
            kinds = self.sum(sign, takes, (at, kinds), (operand.at, shape.present()));
            if matches!(*sign, "/" | "//" | "%")
                && let Some([zero]) = shape.values().as_deref()
                && zero.as_f64() == Some(0.0)
            {
                self.fault(operand.at, "division by zero");
            }
            at = operand.at;
        }
        Shape::any(missing.or(kinds))
    }

    /// The kinds of `left sign right`; both must be of one of the kinds that it takes.
    fn sum(&mut self, sign: &str, takes: Kinds, left: (usize, Kinds), right: (usize, Kinds)) -> Kinds {
        // Of what is always missing the result is missing.
        if left.1.is_nothing() || right.1.is_nothing() {
            return Kinds::NOTHING;
        }
        let both = left.1.and(right.1).and(takes);
        if !both.is_nothing() {
            return both;
        }
        let wrong = if left.1.meets(Kinds::NUMBER) { right } else { left };
        let join = sign == "+" && left.1.or(right.1).without(Kinds::WORDS).is_nothing();
        let hint = if join { "; `~` joins texts" } else { "" };
        self.fault(wrong.0, format!("{}{hint}", no_number(wrong.1)));
        takes
    }

    pub(super) fn concatenated(&mut self, parts: &[Tree]) -> Shape {
        let mut missing = Kinds::NOTHING;
        for part in parts {
            let shape = self.shape(part);
            missing = missing.or(shape.missing());
            self.must(part.at, &shape, Kinds::WORDS, "`~` joins texts, numbers and truth values, not");
        }
        Shape::any(missing.or(Kinds::TEXT))
    }

    pub(super) fn compared(&mut self, left: &Tree, sign: &str, right: &Tree) -> Shape {
        let one = self.shape(left);
        match sign {
            "in" | "not in" => {
                self.within(&one, sign == "in", right);
                Shape::any(Kinds::BOOL)
            }
            "==" | "!=" => {
                let two = self.shape(right);
                if !one.may_equal(&two) {
                    let at = if right.is_constant() { right.at } else { left.at };
                    self.never_equal(at, (&one, &two), sign == "==");
                }
                Shape::any(Kinds::BOOL)
            }
            _ => {
                let two = self.shape(right);
                let (a, b) = (one.present(), two.present());
                if !a.is_nothing() && !b.is_nothing() && !a.and(b).meets(Kinds::NUMBER.or(Kinds::TEXT)) {
                    let message = format!(
                        "only two numbers or two texts have an order, not {} and {}",
                        a.told(),
                        b.told()
                    );
                    self.fault(right.at, message);
                }
                Shape::any(one.missing().or(two.missing()).or(Kinds::BOOL))
            }
        }
    }

    fn never_equal(&mut self, at: usize, (one, two): (&Shape, &Shape), equal: bool) {
        let outcome = if equal { "never holds" } else { "always holds" };
        let (a, b) = (one.present(), two.present());
        let message = if a.meets(b) {
            format!("the other side never gives this value, so that the comparison {outcome}")
        } else {
            format!("{} never equals {}, so that the comparison {outcome}", a.told(), b.told())
        };
        self.fault(at, message);
    }

    /// `item in list`: each item of a list that is written out must be one that may come.
    pub(super) fn within(&mut self, item: &Shape, is_in: bool, list: &Tree) {
        if let Node::List(items) = &list.node {
            for part in items {
                let shape = self.shape(part);
                if part.is_constant() && !item.may_equal(&shape) {
                    let outcome = if is_in { "finds" } else { "leaves out" };
                    self.fault(part.at, format!("the value that is looked for is never this one, so that it {outcome} nothing; mend it, or take it away"));
                }
            }
            return;
        }
        let shape = self.shape(list);
        let takes = Kinds::TEXT.or(Kinds::LIST).or(Kinds::OBJECT);
        self.must(list.at, &shape, takes, "`in` looks into a text, a list or an object, not into");
    }

    /// Refuses a value that is never of one of the kinds that are taken here.
    pub(super) fn must(&mut self, at: usize, shape: &Shape, takes: Kinds, message: &str) {
        let kinds = shape.present();
        if !kinds.is_nothing() && !kinds.meets(takes) {
            self.fault(at, format!("{message} {}", kinds.told()));
        }
    }
}

fn no_number(kinds: Kinds) -> String {
    let advice = if kinds.meets(Kinds::TEXT) { "; turn it into one with `| int` or `| float`" } else { "" };
    format!("arithmetic takes numbers, and this is {}{advice}", kinds.told())
}
