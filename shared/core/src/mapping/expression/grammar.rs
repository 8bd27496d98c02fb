//! The grammar of expressions: Jinja's, read once and checked, with Jinja's precedence.
//!
//! Names of filters, functions and tests are checked here, where their place is known.

use super::ExpressionError;
use super::names::{check_call, test_arguments};
use super::reader::Reader;
use super::token::Word;
use super::tree::{Call, Node, Step, Tree};
use crate::mapping::transform::Kind;

/// How deep expressions may stand within expressions.
const MAX_DEPTH: usize = 16;
/// How deep a tree, and the text that it is lowered to, may nest; both are read by recursion, on stacks as small as 2 MiB.
pub(super) const MAX_NESTING: usize = 48;
const KEYWORDS: [&str; 13] =
    ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];

type Answer = Result<Tree, ExpressionError>;

/// Reads `source` to its end.
pub(super) fn read(source: &str) -> Answer {
    if source.trim_start().starts_with("{{") {
        return Err(ExpressionError::new(0, "an expression stands alone here, without {{ and }}".into()));
    }
    if source.trim().is_empty() {
        let message = "the expression is empty; write a path such as email, or none to clear what is there";
        return Err(ExpressionError::new(0, message.into()));
    }
    let mut reader = Reader::new(source)?;
    let tree = reader.expression()?;
    match reader.peek() {
        Word::End => Ok(tree),
        _ => Err(reader.unexpected("the end of the expression, or an operator")),
    }
}

/// The tree of `node`, unless it nests too deep.
fn tree(at: usize, node: Node) -> Answer {
    let tree = Tree::new(at, node);
    if tree.depth > MAX_NESTING { Err(ExpressionError::new(0, too_deep())) } else { Ok(tree) }
}

impl Reader {
    fn expression(&mut self) -> Answer {
        if !self.descend(MAX_DEPTH) {
            return Err(self.error(too_deep()));
        }
        let at = self.here();
        let mut value = self.or()?;
        while self.take_name("if") {
            let test = Box::new(self.spanned(Self::or)?);
            let otherwise = if self.take_name("else") { Some(Box::new(self.expression()?)) } else { None };
            value = tree(at, Node::If { value: Box::new(value), test, otherwise })?;
        }
        self.ascend();
        value.end = self.here();
        Ok(value)
    }

    /// What `read` reads, with its beginning and its end.
    fn spanned(&mut self, read: fn(&mut Self) -> Answer) -> Answer {
        let at = self.here();
        let part = read(self)?;
        Ok(Tree { at, end: self.here(), ..part })
    }

    fn or(&mut self) -> Answer {
        self.joined("or", Self::and, Node::Any)
    }

    fn and(&mut self) -> Answer {
        self.joined("and", Self::not, Node::All)
    }

    fn joined(
        &mut self,
        keyword: &'static str,
        operand: fn(&mut Self) -> Answer,
        node: fn(Vec<Tree>) -> Node,
    ) -> Answer {
        let at = self.here();
        let mut parts = vec![self.spanned(operand)?];
        while self.take_name(keyword) {
            parts.push(self.spanned(operand)?);
        }
        several(at, parts, node)
    }

    fn not(&mut self) -> Answer {
        let at = self.here();
        let mut times = 0;
        while self.take_name("not") {
            times += 1;
        }
        let of = self.comparison()?;
        if times == 0 { Ok(of) } else { tree(at, Node::Not { of: Box::new(of), times }) }
    }

    fn comparison(&mut self) -> Answer {
        let at = self.here();
        let left = self.sum()?;
        let Some(sign) = self.comparison_operator()? else { return Ok(left) };
        let right = self.sum()?;
        let next = self.here();
        if self.comparison_operator()?.is_some() {
            return Err(ExpressionError::new(
                next,
                "comparisons cannot be chained; join two of them with `and`".into(),
            ));
        }
        tree(at, Node::Compared { left: Box::new(left), sign, right: Box::new(right) })
    }

    fn comparison_operator(&mut self) -> Result<Option<&'static str>, ExpressionError> {
        for operator in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.take(operator) {
                return Ok(Some(operator));
            }
        }
        if self.peek() == &Word::Symbol("=") {
            return Err(self.error("`=` does not compare".into()).meaning("=="));
        }
        if self.take_name("in") {
            return Ok(Some("in"));
        }
        if self.take_name("not") {
            return if self.take_name("in") { Ok(Some("not in")) } else { Err(self.unexpected("`in`")) };
        }
        Ok(None)
    }

    fn sum(&mut self) -> Answer {
        self.binary(&["+", "-"], Self::concatenation)
    }

    fn concatenation(&mut self) -> Answer {
        let at = self.here();
        let mut parts = vec![self.product()?];
        while self.take("~") {
            parts.push(self.product()?);
        }
        several(at, parts, Node::Joined)
    }

    fn product(&mut self) -> Answer {
        self.binary(&["*", "//", "/", "%"], Self::power)
    }

    fn power(&mut self) -> Answer {
        self.binary(&["**"], Self::filtered)
    }

    fn binary(&mut self, operators: &[&'static str], operand: fn(&mut Self) -> Answer) -> Answer {
        let at = self.here();
        let first = operand(self)?;
        let mut rest = Vec::new();
        while let Some(operator) = operators.iter().find(|operator| self.take(operator)) {
            rest.push((*operator, operand(self)?));
        }
        if rest.is_empty() { Ok(first) } else { tree(at, Node::Arithmetic { first: Box::new(first), rest }) }
    }

    fn filtered(&mut self) -> Answer {
        let at = self.here();
        let mut value = self.operand()?;
        loop {
            if self.peek() == &Word::Symbol("|") {
                let mut filters = Vec::new();
                while self.take("|") {
                    let (name, at) = self.name("the name of a filter")?;
                    let arguments = if self.take("(") { self.arguments(")")? } else { Vec::new() };
                    check_call(Kind::Filter, &name, arguments.len(), at)?;
                    filters.push(Call { name, at, arguments });
                }
                value = tree(at, Node::Filtered { of: Box::new(value), filters })?;
            } else if self.take_name("is") {
                value = self.test(at, value)?;
            } else {
                return Ok(value);
            }
        }
    }

    fn test(&mut self, start: usize, value: Tree) -> Answer {
        let is_not = self.take_name("not");
        let (name, at) = match self.take_name("in") {
            true => ("in".to_owned(), self.here()),
            false => self.name("the name of a test")?,
        };
        let wanted = test_arguments(&name, at)?;
        let arguments = match wanted {
            0 => Vec::new(),
            _ if self.take("(") => self.arguments(")")?,
            _ => vec![self.operand()?],
        };
        if arguments.len() != wanted {
            return Err(ExpressionError::new(at, format!("the test `{name}` takes one value after it")));
        }
        let call = Call { name: name.to_lowercase(), at, arguments };
        tree(start, Node::Tested { of: Box::new(value), is_not, call })
    }

    fn operand(&mut self) -> Answer {
        let at = self.here();
        let mut minuses = 0;
        while self.take("-") {
            minuses += 1;
        }
        let start = self.here();
        let mut value = self.primary()?;
        loop {
            if self.take(".") {
                let key = self.here();
                let step = match self.word() {
                    Word::Name(name) => Step::Key(name),
                    Word::Number(digits) => Step::Index(Tree::new(key, Node::Number(digits))),
                    _ => return Err(self.back().unexpected("a key after the dot")),
                };
                value = tree(start, value.step(step))?;
            } else if self.take("[") {
                value = self.subscript(start, value)?;
            } else if self.peek() == &Word::Symbol("(") {
                return Err(
                    self.error("values have no methods; use a filter, such as `email | lower`".into())
                );
            } else {
                break;
            }
        }
        if minuses % 2 == 1 { tree(at, Node::Negative(Box::new(value))) } else { Ok(value) }
    }

    fn subscript(&mut self, at: usize, value: Tree) -> Answer {
        if let Word::Text(key) = self.peek().clone()
            && self.peek_second() == &Word::Symbol("]")
        {
            self.word();
            self.word();
            return tree(at, value.step(Step::Key(key)));
        }
        let start = if self.peek() == &Word::Symbol(":") { None } else { Some(self.expression()?) };
        if !self.take(":") {
            self.expect("]")?;
            // Without a start there was a colon.
            return tree(at, start.map_or(Node::None, |index| value.step(Step::Index(index))));
        }
        let stop = if self.peek() == &Word::Symbol("]") { None } else { Some(self.expression()?) };
        self.expect("]")?;
        let (start, stop) = (start.map(Box::new), stop.map(Box::new));
        tree(at, Node::Slice { of: Box::new(value), start, stop })
    }

    fn primary(&mut self) -> Answer {
        let at = self.here();
        match self.word() {
            Word::Text(mut text) => {
                while let Word::Text(more) = self.peek().clone() {
                    text.push_str(&more);
                    self.word();
                }
                tree(at, Node::Text(text))
            }
            Word::Number(digits) => tree(at, Node::Number(digits)),
            Word::Symbol("(") => self.bracketed(at),
            Word::Symbol("[") => {
                let items = self.arguments("]")?;
                tree(at, Node::List(items))
            }
            Word::Symbol("{") => self.object(at),
            Word::Name(name) => self.named(name, at),
            _ => Err(self.back().unexpected("a value")),
        }
    }

    fn named(&mut self, name: String, at: usize) -> Answer {
        if self.take("(") {
            let arguments = self.arguments(")")?;
            check_call(Kind::Function, &name, arguments.len(), at)?;
            return tree(at, Node::Called(Call { name, at, arguments }));
        }
        match name.as_str() {
            "true" | "True" => tree(at, Node::Bool(true)),
            "false" | "False" => tree(at, Node::Bool(false)),
            "none" | "None" => tree(at, Node::None),
            "null" | "nil" | "NULL" | "Null" => {
                Err(ExpressionError::new(at, format!("`{name}` is not a value here")).meaning("none"))
            }
            "record" => tree(at, Node::Record),
            _ if KEYWORDS.contains(&name.as_str()) => Err(self.back().unexpected("a value")),
            _ => tree(at, Tree::new(at, Node::Record).step(Step::Key(name))),
        }
    }

    fn bracketed(&mut self, at: usize) -> Answer {
        let value = self.expression()?;
        if self.take(",") {
            let mut items = vec![value];
            items.extend(self.arguments(")")?);
            return tree(at, Node::List(items));
        }
        self.expect(")")?;
        Ok(value)
    }

    fn object(&mut self, at: usize) -> Answer {
        let mut entries = Vec::new();
        while !self.take("}") {
            if !entries.is_empty() {
                self.expect(",")?;
                if self.take("}") {
                    break;
                }
            }
            let key = self.expression()?;
            self.expect(":")?;
            entries.push((key, self.expression()?));
        }
        tree(at, Node::Object(entries))
    }

    fn arguments(&mut self, close: &'static str) -> Result<Vec<Tree>, ExpressionError> {
        let mut arguments = Vec::new();
        while !self.take(close) {
            if !arguments.is_empty() {
                self.expect(",")?;
                if self.take(close) {
                    break;
                }
            }
            if self.peek_second() == &Word::Symbol("=") && matches!(self.peek(), Word::Name(_)) {
                return Err(self.error("arguments have no names here; write the value alone".into()));
            }
            arguments.push(self.expression()?);
        }
        Ok(arguments)
    }
}

/// The only part, or the node of them all.
fn several(at: usize, mut parts: Vec<Tree>, node: fn(Vec<Tree>) -> Node) -> Answer {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => Ok(only),
        (_, last) => {
            parts.extend(last);
            tree(at, node(parts))
        }
    }
}

pub(super) fn too_deep() -> String {
    "the expression nests too deep; compute parts of it in the internal system".to_owned()
}
