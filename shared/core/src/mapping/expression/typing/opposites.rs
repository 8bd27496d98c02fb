//! Conditions of which one always holds, or never two at once.

use super::super::lowered::lowered;
use super::super::tree::{Node, Tree};
use super::value_of;

/// Whether two of `parts` cannot hold at once or, where `either`, cannot both fail.
pub(super) fn opposed(parts: &[Tree], either: bool) -> bool {
    parts.iter().enumerate().any(|(at, one)| {
        parts[at + 1..].iter().any(|other| negated(one, other) || !either && apart(one, other))
    })
}

/// Whether the one says that the other does not hold.
fn negated(one: &Tree, other: &Tree) -> bool {
    let not = |of: &Tree, what: &Tree| match &of.node {
        Node::Not { of, times } => times % 2 == 1 && lowered(of) == lowered(what),
        _ => false,
    };
    let signs = |sign: &str, against: &str| match (&one.node, &other.node) {
        (
            Node::Compared { left, sign: first, right },
            Node::Compared { left: other_left, sign: second, right: other_right },
        ) => {
            (*first, *second) == (sign, against)
                && lowered(left) == lowered(other_left)
                && lowered(right) == lowered(other_right)
        }
        _ => false,
    };
    not(one, other) || not(other, one) || signs("==", "!=") || signs("!=", "==")
}

/// Whether both say of the same that it is something, each another thing.
fn apart(one: &Tree, other: &Tree) -> bool {
    let (Some((what, is)), Some((other, is_too))) = (said(one), said(other)) else { return false };
    let values = (value_of(is), value_of(is_too));
    lowered(what) == lowered(other) && matches!(values, (Ok(is), Ok(is_too)) if is != is_too)
}

/// What is said to be something that is the same for every record, and that.
fn said(tree: &Tree) -> Option<(&Tree, &Tree)> {
    let Node::Compared { left, sign: "==", right } = &tree.node else { return None };
    match (left.is_constant(), right.is_constant()) {
        (false, true) => Some((left, right)),
        (true, false) => Some((right, left)),
        _ => None,
    }
}
