//! An expression in minijinja's words.
//!
//! Invariant: what is missing stays missing. Jinja's own operators turn an undefined operand into empty text or an
//! error (`first ~ missing` is `first`), which would spoil a CRM field. So `~`, arithmetic, ordering and every lookup are
//! lowered to functions of ours that hand undefined and none through. The lowered text is fully bracketed, so that
//! minijinja cannot read it in another way than the grammar did.

use super::tree::{Call, Node, Step, Tree};

/// A place at which an expression goes one way or another.
pub(super) enum Fork<'a> {
    /// A condition.
    Decides(&'a Tree),
    /// The first of these that is there is taken.
    First(&'a [Tree]),
    /// A value goes into this filter.
    Into(&'a Tree, &'a Call),
}

/// What the words of a fork become.
type Mark<'m> = dyn for<'a> FnMut(Fork<'a>, String) -> String + 'm;

/// `tree` in minijinja's words.
pub(super) fn lowered(tree: &Tree) -> String {
    write(tree, &mut |fork, text| match fork {
        Fork::First(_) => format!("__coalesce({text})"),
        Fork::Decides(_) | Fork::Into(..) => text,
    })
}

/// The same with each fork as `mark` makes it.
pub(super) fn write(tree: &Tree, mark: &mut Mark<'_>) -> String {
    match &tree.node {
        Node::Record => "record".to_owned(),
        Node::None => "none".to_owned(),
        Node::Bool(flag) => flag.to_string(),
        Node::Text(text) => quoted(text),
        Node::Number(digits) => digits.clone(),
        Node::List(items) => format!("[{}]", list(items, mark)),
        Node::Object(entries) => {
            let mut entry =
                |(key, value): &(Tree, Tree)| format!("{}: {}", write(key, mark), write(value, mark));
            format!("{{{}}}", entries.iter().map(&mut entry).collect::<Vec<_>>().join(", "))
        }
        Node::Lookup { of, keys } => {
            let of = write(of, mark);
            let keys = keys.iter().map(|step| match step {
                Step::Key(key) => quoted(key),
                Step::Index(index) => write(index, mark),
            });
            format!("__get({of}, {})", keys.collect::<Vec<_>>().join(", "))
        }
        Node::Slice { of, start, stop } => {
            let of = write(of, mark);
            let mut bound =
                |bound: &Option<Box<Tree>>| bound.as_ref().map_or("none".to_owned(), |at| write(at, mark));
            format!("__slice({of}, {}, {})", bound(start), bound(stop))
        }
        Node::Negative(of) => format!("__arith(0, \"-\", {})", write(of, mark)),
        Node::Arithmetic { first, rest } => {
            let first = write(first, mark);
            let rest =
                rest.iter().map(|(sign, operand)| format!(", {}, {}", quoted(sign), write(operand, mark)));
            format!("__arith({first}{})", rest.collect::<String>())
        }
        Node::Joined(parts) => format!("__concat({})", list(parts, mark)),
        Node::Compared { left, sign, right } => compared(&write(left, mark), sign, &write(right, mark)),
        Node::All(parts) => format!("({})", decided(parts, " and ", mark)),
        Node::Any(parts) => format!("({})", decided(parts, " or ", mark)),
        Node::Not { of, times } => {
            format!("({}{})", if times % 2 == 1 { "not " } else { "not not " }, write(of, mark))
        }
        Node::If { value, test, otherwise } => {
            let value = write(value, mark);
            let words = write(test, mark);
            let words = mark(Fork::Decides(test), words);
            let otherwise =
                otherwise.as_ref().map_or_else(String::new, |tree| format!(" else {}", write(tree, mark)));
            format!("({value} if {words}{otherwise})")
        }
        Node::Filtered { of, filters } => {
            let mut text = write(of, mark);
            for call in filters {
                let filter = called(call, mark);
                text = format!("{} | {filter}", mark(Fork::Into(of, call), text));
            }
            format!("({text})")
        }
        Node::Tested { of, is_not, call } => {
            let not = if *is_not { "not " } else { "" };
            format!("({not}({} is __{}))", write(of, mark), called(call, mark))
        }
        Node::Called(call) if call.name == "coalesce" => {
            let parts = list(&call.arguments, mark);
            mark(Fork::First(&call.arguments), parts)
        }
        Node::Called(call) => format!("__{}", called(call, mark)),
    }
}

/// `name(arguments)`, without marks.
pub(super) fn call_words(call: &Call) -> String {
    let parts = call.arguments.iter().map(lowered).collect::<Vec<_>>();
    format!("{}({})", call.name, parts.join(", "))
}

/// `name(arguments)`
fn called(call: &Call, mark: &mut Mark<'_>) -> String {
    format!("{}({})", call.name, list(&call.arguments, mark))
}

/// Conditions, each of which decides but the last: what that one is, the whole is.
fn decided(parts: &[Tree], between: &str, mark: &mut Mark<'_>) -> String {
    let last = parts.len().saturating_sub(1);
    let words = parts.iter().enumerate().map(|(place, part)| {
        let words = write(part, mark);
        if place == last { words } else { mark(Fork::Decides(part), words) }
    });
    words.collect::<Vec<_>>().join(between)
}

fn compared(left: &str, sign: &str, right: &str) -> String {
    match sign {
        "==" | "!=" => format!("({left} {sign} {right})"),
        "in" => format!("__in({left}, {right})"),
        "not in" => format!("(not __in({left}, {right}))"),
        _ => format!("__order({left}, \"{sign}\", {right})"),
    }
}

fn list(parts: &[Tree], mark: &mut Mark<'_>) -> String {
    parts.iter().map(|part| write(part, mark)).collect::<Vec<_>>().join(", ")
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
