//! An expression in minijinja's words.
//!
//! Invariant: what is missing stays missing. Jinja's own operators turn an undefined operand into empty text or an
//! error (`first ~ missing` is `first`), which would spoil a CRM field. So `~`, arithmetic, ordering and every lookup are
//! lowered to functions of ours that hand undefined and none through. The lowered text is fully bracketed, so that
//! minijinja cannot read it in another way than the grammar did.

use super::tree::{Call, Node, Step, Tree};

/// `tree` in minijinja's words.
pub(super) fn lowered(tree: &Tree) -> String {
    match &tree.node {
        Node::Record => "record".to_owned(),
        Node::None => "none".to_owned(),
        Node::Bool(flag) => flag.to_string(),
        Node::Text(text) => quoted(text),
        Node::Number(digits) => digits.clone(),
        Node::List(items) => format!("[{}]", list(items)),
        Node::Object(entries) => {
            let entry = |(key, value): &(Tree, Tree)| format!("{}: {}", lowered(key), lowered(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Node::Lookup { of, keys } => {
            let keys = keys.iter().map(|step| match step {
                Step::Key(key) => quoted(key),
                Step::Index(index) => lowered(index),
            });
            format!("__get({}, {})", lowered(of), keys.collect::<Vec<_>>().join(", "))
        }
        Node::Slice { of, start, stop } => {
            let bound =
                |bound: &Option<Box<Tree>>| bound.as_ref().map_or("none".to_owned(), |at| lowered(at));
            format!("__slice({}, {}, {})", lowered(of), bound(start), bound(stop))
        }
        Node::Negative(of) => format!("__arith(0, \"-\", {})", lowered(of)),
        Node::Arithmetic { first, rest } => {
            let rest = rest.iter().map(|(sign, operand)| format!(", {}, {}", quoted(sign), lowered(operand)));
            format!("__arith({}{})", lowered(first), rest.collect::<String>())
        }
        Node::Joined(parts) => format!("__concat({})", list(parts)),
        Node::Compared { left, sign, right } => compared(&lowered(left), sign, &lowered(right)),
        Node::All(parts) => format!("({})", joined(parts, " and ")),
        Node::Any(parts) => format!("({})", joined(parts, " or ")),
        Node::Not { of, times } => {
            format!("({}{})", if times % 2 == 1 { "not " } else { "not not " }, lowered(of))
        }
        Node::If { value, test, otherwise } => {
            let otherwise =
                otherwise.as_ref().map_or_else(String::new, |tree| format!(" else {}", lowered(tree)));
            format!("({} if {}{otherwise})", lowered(value), lowered(test))
        }
        Node::Filtered { of, filters } => {
            let filters = filters.iter().map(|call| format!(" | {}", called(call)));
            format!("({}{})", lowered(of), filters.collect::<String>())
        }
        Node::Tested { of, is_not, call } => {
            let not = if *is_not { "not " } else { "" };
            format!("({not}({} is __{}))", lowered(of), called(call))
        }
        Node::Called(call) => format!("__{}", called(call)),
    }
}

/// `name(arguments)`
pub(super) fn called(call: &Call) -> String {
    format!("{}({})", call.name, list(&call.arguments))
}

fn compared(left: &str, sign: &str, right: &str) -> String {
    match sign {
        "==" | "!=" => format!("({left} {sign} {right})"),
        "in" => format!("__in({left}, {right})"),
        "not in" => format!("(not __in({left}, {right}))"),
        _ => format!("__order({left}, \"{sign}\", {right})"),
    }
}

fn list(parts: &[Tree]) -> String {
    joined(parts, ", ")
}

fn joined(parts: &[Tree], between: &str) -> String {
    parts.iter().map(lowered).collect::<Vec<_>>().join(between)
}

/// How deep the brackets of a lowered text nest; those within its quoted texts do not count.
pub(super) fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'(' | b'[' | b'{' if !quoted => depth += 1,
            b')' | b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
