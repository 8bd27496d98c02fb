//! The grammar of expressions: Jinja's, read once, checked, and lowered to what minijinja evaluates.
//!
//! Invariant: what is missing stays missing. Jinja's own operators turn an undefined operand into empty text or an
//! error (`first ~ missing` is `first`), which would spoil a CRM field. So `~`, arithmetic, ordering and every lookup are
//! lowered to functions of ours that hand undefined and none through. Precedence is Jinja's; the lowered text is fully
//! bracketed, so the two readings cannot differ. Names of filters, functions and tests are checked here, where their
//! place is known.

use super::ExpressionError;
use super::lowered::{Lowered, lookup, nesting, plain, quoted};
use super::names::{check_call, test_arguments};
use super::reader::Reader;
use super::token::Word;
use crate::mapping::transform::Kind;

/// How deep expressions may stand within expressions.
const MAX_DEPTH: usize = 16;
/// How deep the lowered text may nest; minijinja reads it by recursion, on stacks as small as 2 MiB.
const MAX_NESTING: usize = 48;
const KEYWORDS: [&str; 13] =
    ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];

/// Reads `source` to its end.
pub(super) fn lower(source: &str) -> Result<Lowered, ExpressionError> {
    if source.trim_start().starts_with("{{") {
        return Err(ExpressionError::new(0, "an expression stands alone here, without {{ and }}".into()));
    }
    let mut reader = Reader::new(source)?;
    let lowered = reader.expression()?;
    match reader.peek() {
        Word::End if nesting(&lowered.text) > MAX_NESTING => Err(ExpressionError::new(0, too_deep())),
        Word::End => Ok(lowered),
        _ => Err(reader.unexpected("the end of the expression, or an operator")),
    }
}

type Step = Result<Lowered, ExpressionError>;

impl Reader {
    fn expression(&mut self) -> Step {
        if !self.descend(MAX_DEPTH) {
            return Err(self.error(too_deep()));
        }
        let mut value = self.or()?;
        while self.take_name("if") {
            let test = self.or()?;
            let otherwise = if self.take_name("else") {
                format!(" else {}", self.expression()?.text)
            } else {
                String::new()
            };
            value = plain(format!("({} if {}{otherwise})", value.text, test.text));
        }
        self.ascend();
        Ok(value)
    }

    fn or(&mut self) -> Step {
        self.joined("or", Self::and)
    }

    fn and(&mut self) -> Step {
        self.joined("and", Self::not)
    }

    fn joined(&mut self, keyword: &'static str, operand: fn(&mut Self) -> Step) -> Step {
        let first = operand(self)?;
        if !matches!(self.peek(), Word::Name(next) if next == keyword) {
            return Ok(first);
        }
        let mut text = first.text;
        while self.take_name(keyword) {
            text = format!("{text} {keyword} {}", operand(self)?.text);
        }
        Ok(plain(format!("({text})")))
    }

    fn not(&mut self) -> Step {
        let mut nots = 0;
        while self.take_name("not") {
            nots += 1;
        }
        let value = self.comparison()?;
        Ok(if nots == 0 {
            value
        } else {
            plain(format!("({}{})", if nots % 2 == 1 { "not " } else { "not not " }, value.text))
        })
    }

    fn comparison(&mut self) -> Step {
        let left = self.sum()?;
        let Some(operator) = self.comparison_operator()? else { return Ok(left) };
        let right = self.sum()?.text;
        let at = self.here();
        if self.comparison_operator()?.is_some() {
            return Err(ExpressionError::new(
                at,
                "comparisons cannot be chained; join two of them with `and`".into(),
            ));
        }
        Ok(plain(match operator {
            "==" | "!=" => format!("({} {operator} {right})", left.text),
            "in" => format!("__in({}, {right})", left.text),
            "not in" => format!("(not __in({}, {right}))", left.text),
            _ => format!("__order({}, \"{operator}\", {right})", left.text),
        }))
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

    fn sum(&mut self) -> Step {
        self.binary(&["+", "-"], Self::concatenation)
    }

    fn concatenation(&mut self) -> Step {
        let first = self.product()?;
        if self.peek() != &Word::Symbol("~") {
            return Ok(first);
        }
        let mut parts = vec![first.text];
        while self.take("~") {
            parts.push(self.product()?.text);
        }
        Ok(plain(format!("__concat({})", parts.join(", "))))
    }

    fn product(&mut self) -> Step {
        self.binary(&["*", "//", "/", "%"], Self::power)
    }

    fn power(&mut self) -> Step {
        self.binary(&["**"], Self::filtered)
    }

    fn binary(&mut self, operators: &[&'static str], operand: fn(&mut Self) -> Step) -> Step {
        let first = operand(self)?;
        let mut parts = vec![first.text.clone()];
        while let Some(operator) = operators.iter().find(|operator| self.take(operator)) {
            parts.push(quoted(operator));
            parts.push(operand(self)?.text);
        }
        Ok(if parts.len() == 1 { first } else { plain(format!("__arith({})", parts.join(", "))) })
    }

    fn filtered(&mut self) -> Step {
        let mut value = self.operand()?;
        loop {
            if self.peek() == &Word::Symbol("|") {
                let mut text = value.text;
                while self.take("|") {
                    let (name, at) = self.name("the name of a filter")?;
                    let arguments = if self.take("(") { self.arguments(")")? } else { Vec::new() };
                    check_call(Kind::Filter, &name, arguments.len(), at)?;
                    text = format!("{text} | {name}({})", arguments.join(", "));
                }
                value = plain(format!("({text})"));
            } else if self.take_name("is") {
                value = self.test(&value)?;
            } else {
                return Ok(value);
            }
        }
    }

    fn test(&mut self, value: &Lowered) -> Step {
        let negation = if self.take_name("not") { "not " } else { "" };
        let (name, at) = match self.take_name("in") {
            true => ("in".to_owned(), self.here()),
            false => self.name("the name of a test")?,
        };
        let wanted = test_arguments(&name, at)?;
        let arguments = match wanted {
            0 => Vec::new(),
            _ if self.take("(") => self.arguments(")")?,
            _ => vec![self.operand()?.text],
        };
        if arguments.len() != wanted {
            return Err(ExpressionError::new(at, format!("the test `{name}` takes one value after it")));
        }
        let name = name.to_lowercase();
        Ok(plain(format!("({negation}({} is __{name}({})))", value.text, arguments.join(", "))))
    }

    fn operand(&mut self) -> Step {
        let mut minuses = 0;
        while self.take("-") {
            minuses += 1;
        }
        let mut value = self.primary()?;
        loop {
            if self.take(".") {
                let key = match self.word() {
                    Word::Name(name) => name,
                    Word::Number(digits) => {
                        value = lookup(value, &digits, None);
                        continue;
                    }
                    _ => return Err(self.back().unexpected("a key after the dot")),
                };
                value = lookup(value, &quoted(&key), Some(key));
            } else if self.take("[") {
                value = self.subscript(value)?;
            } else if self.peek() == &Word::Symbol("(") {
                return Err(
                    self.error("values have no methods; use a filter, such as `email | lower`".into())
                );
            } else {
                break;
            }
        }
        if minuses % 2 == 1 {
            value = plain(format!("__arith(0, \"-\", {})", value.text));
        }
        Ok(value)
    }

    fn subscript(&mut self, value: Lowered) -> Step {
        if let Word::Text(key) = self.peek().clone()
            && self.peek_second() == &Word::Symbol("]")
        {
            self.word();
            self.word();
            return Ok(lookup(value, &quoted(&key), Some(key)));
        }
        let start =
            if self.peek() == &Word::Symbol(":") { "none".to_owned() } else { self.expression()?.text };
        if !self.take(":") {
            self.expect("]")?;
            return Ok(lookup(value, &start, None));
        }
        let stop =
            if self.peek() == &Word::Symbol("]") { "none".to_owned() } else { self.expression()?.text };
        self.expect("]")?;
        Ok(plain(format!("__slice({}, {start}, {stop})", value.text)))
    }

    fn primary(&mut self) -> Step {
        let at = self.here();
        match self.word() {
            Word::Text(mut text) => {
                while let Word::Text(more) = self.peek().clone() {
                    text.push_str(&more);
                    self.word();
                }
                Ok(plain(quoted(&text)))
            }
            Word::Number(digits) => Ok(plain(digits)),
            Word::Symbol("(") => self.bracketed(),
            Word::Symbol("[") => Ok(plain(format!("[{}]", self.arguments("]")?.join(", ")))),
            Word::Symbol("{") => self.object(),
            Word::Name(name) => self.named(&name, at),
            _ => Err(self.back().unexpected("a value")),
        }
    }

    fn named(&mut self, name: &str, at: usize) -> Step {
        if self.take("(") {
            let arguments = self.arguments(")")?;
            check_call(Kind::Function, name, arguments.len(), at)?;
            return Ok(plain(format!("__{name}({})", arguments.join(", "))));
        }
        match name {
            "true" | "false" | "none" | "True" | "False" | "None" => Ok(plain(name.to_lowercase())),
            "null" | "nil" | "NULL" | "Null" => {
                Err(ExpressionError::new(at, format!("`{name}` is not a value here")).meaning("none"))
            }
            "record" => Ok(Lowered::record()),
            _ if KEYWORDS.contains(&name) => Err(self.back().unexpected("a value")),
            _ => Ok(lookup(Lowered::record(), &quoted(name), Some(name.to_owned()))),
        }
    }

    fn bracketed(&mut self) -> Step {
        let value = self.expression()?;
        if self.take(",") {
            let mut items = vec![value.text];
            items.extend(self.arguments(")")?);
            return Ok(plain(format!("[{}]", items.join(", "))));
        }
        self.expect(")")?;
        Ok(value)
    }

    fn object(&mut self) -> Step {
        let mut entries = Vec::new();
        while !self.take("}") {
            if !entries.is_empty() {
                self.expect(",")?;
                if self.take("}") {
                    break;
                }
            }
            let key = self.expression()?.text;
            self.expect(":")?;
            entries.push(format!("{key}: {}", self.expression()?.text));
        }
        Ok(plain(format!("{{{}}}", entries.join(", "))))
    }

    fn arguments(&mut self, close: &'static str) -> Result<Vec<String>, ExpressionError> {
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
            arguments.push(self.expression()?.text);
        }
        Ok(arguments)
    }
}

fn too_deep() -> String {
    "the expression nests too deep; compute parts of it in the internal system".to_owned()
}
