//! The grammar of expressions: Jinja's, read once, checked, and lowered to what minijinja evaluates.
//!
//! Invariant: what is missing stays missing. Jinja's own operators turn an undefined operand into empty text or an
//! error (`first ~ missing` is `first`), which would spoil a CRM field. So `~`, arithmetic, ordering and every lookup are
//! lowered to functions of ours that hand undefined and none through. Precedence is Jinja's; the lowered text is fully
//! bracketed, so the two readings cannot differ. Names of filters, functions and tests are checked here, where their
//! place is known.

use super::ExpressionError;
use super::token::{Token, Word, tokenize};
use crate::mapping::suggest::{listed, nearest};
use crate::mapping::transform::{self, Kind};

/// How deep expressions may stand within expressions.
const MAX_DEPTH: usize = 16;
/// How deep the lowered text may nest; minijinja reads it by recursion, on stacks as small as 2 MiB.
const MAX_NESTING: usize = 48;
const KEYWORDS: [&str; 13] =
    ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];

/// An expression in minijinja's words.
pub(super) struct Lowered {
    /// What minijinja compiles.
    pub(super) text: String,
    /// The path, when the expression is nothing but one: `address.city`.
    pub(super) path: Option<Vec<String>>,
    /// Whether the text is a look-up that further keys can be added to.
    is_lookup: bool,
}

/// Reads `source` to its end.
pub(super) fn lower(source: &str) -> Result<Lowered, ExpressionError> {
    if source.trim_start().starts_with("{{") {
        return Err(ExpressionError::new(0, "an expression stands alone here, without {{ and }}".into()));
    }
    let mut reader = Reader { tokens: tokenize(source)?, next: 0, depth: 0 };
    let lowered = reader.expression()?;
    match reader.peek() {
        Word::End if nesting(&lowered.text) > MAX_NESTING => Err(ExpressionError::new(0, too_deep())),
        Word::End => Ok(lowered),
        _ => Err(reader.unexpected("the end of the expression, or an operator")),
    }
}

struct Reader {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

type Step = Result<Lowered, ExpressionError>;

impl Reader {
    fn expression(&mut self) -> Step {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
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
        self.depth -= 1;
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
        let Some(wanted) = transform::test_arguments(&name.to_lowercase()) else {
            let names = transform::TESTS.iter().map(|(name, _, _)| *name);
            let error = ExpressionError::new(at, format!("unknown test `{name}`"));
            return Err(error.maybe_meaning(nearest(&name, names)));
        };
        let arguments = match wanted {
            0 => Vec::new(),
            _ if self.take("(") => self.arguments(")")?,
            _ => vec![self.operand()?.text],
        };
        if arguments.len() != wanted {
            return Err(ExpressionError::new(
                at,
                format!("the test `{name}` takes {}", counted(wanted, wanted)),
            ));
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
            && self.tokens.get(self.next + 1).map(|token| &token.word) == Some(&Word::Symbol("]"))
        {
            self.next += 2;
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
                    self.next += 1;
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
            "record" => Ok(Lowered { text: "record".into(), path: Some(Vec::new()), is_lookup: false }),
            _ if KEYWORDS.contains(&name) => Err(self.back().unexpected("a value")),
            _ => {
                let record = Lowered { text: "record".into(), path: Some(Vec::new()), is_lookup: false };
                Ok(lookup(record, &quoted(name), Some(name.to_owned())))
            }
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
            let named = self.tokens.get(self.next + 1).map(|token| &token.word) == Some(&Word::Symbol("="));
            if named && matches!(self.peek(), Word::Name(_)) {
                return Err(self.error("arguments have no names here; write the value alone".into()));
            }
            arguments.push(self.expression()?.text);
        }
        Ok(arguments)
    }

    fn name(&mut self, wanted: &str) -> Result<(String, usize), ExpressionError> {
        let at = self.here();
        match self.word() {
            Word::Name(name) => Ok((name, at)),
            _ => Err(self.back().unexpected(wanted)),
        }
    }

    fn peek(&self) -> &Word {
        self.tokens.get(self.next).map_or(&Word::End, |token| &token.word)
    }

    fn here(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |token| token.at)
    }

    fn word(&mut self) -> Word {
        let word = self.peek().clone();
        self.next += 1;
        word
    }

    fn back(&mut self) -> &Self {
        self.next = self.next.saturating_sub(1);
        self
    }

    fn take(&mut self, symbol: &str) -> bool {
        let taken = matches!(self.peek(), Word::Symbol(next) if *next == symbol);
        self.next += usize::from(taken);
        taken
    }

    fn take_name(&mut self, keyword: &str) -> bool {
        let taken = matches!(self.peek(), Word::Name(next) if next == keyword);
        self.next += usize::from(taken);
        taken
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), ExpressionError> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn error(&self, message: String) -> ExpressionError {
        ExpressionError::new(self.here(), message)
    }

    fn unexpected(&self, wanted: &str) -> ExpressionError {
        let found = match self.peek() {
            Word::Name(name) => format!("`{name}`"),
            Word::Text(_) => "a text".to_owned(),
            Word::Number(digits) => format!("`{digits}`"),
            Word::Symbol(symbol) => format!("`{symbol}`"),
            Word::End => "the end".to_owned(),
        };
        self.error(format!("expected {wanted}, found {found}"))
    }
}

fn plain(text: String) -> Lowered {
    Lowered { text, path: None, is_lookup: false }
}

fn lookup(value: Lowered, key: &str, name: Option<String>) -> Lowered {
    let path = value.path.zip(name).map(|(mut path, name)| {
        path.push(name);
        path
    });
    let text = match value.text.strip_suffix(')').filter(|_| value.is_lookup) {
        Some(open) => format!("{open}, {key})"),
        None => format!("__get({}, {key})", value.text),
    };
    Lowered { text, path, is_lookup: true }
}

/// How deep the brackets of a lowered text nest; those within its quoted texts do not count.
fn nesting(text: &str) -> usize {
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

fn too_deep() -> String {
    "the expression nests too deep; compute parts of it in the internal system".to_owned()
}

fn check_call(kind: Kind, name: &str, given: usize, at: usize) -> Result<(), ExpressionError> {
    let Some(found) = transform::find(kind, name) else {
        return Err(unknown(kind, name, at));
    };
    if (found.least..=found.most).contains(&given) {
        return Ok(());
    }
    let wanted = counted(found.least, found.most);
    Err(ExpressionError::new(
        at,
        format!("`{name}` takes {wanted}, not {given}; for example {}", found.example),
    ))
}

fn unknown(kind: Kind, name: &str, at: usize) -> ExpressionError {
    let (this, other) = match kind {
        Kind::Filter => ("filter", Kind::Function),
        Kind::Function => ("function", Kind::Filter),
    };
    let error = ExpressionError::new(at, format!("unknown {this} `{name}`"));
    match (transform::find(other, name), kind) {
        (Some(_), Kind::Function) => error.meaning(format!("… | {name}")),
        (Some(_), Kind::Filter) => error.meaning(format!("{name}(…)")),
        (None, _) => error.maybe_meaning(nearest(name, transform::names(kind))),
    }
}

fn counted(least: usize, most: usize) -> String {
    match (least, most) {
        (0, 0) => "no argument".to_owned(),
        (1, 1) => "one argument".to_owned(),
        (least, usize::MAX) => format!("{least} arguments or more"),
        (least, most) if least == most => format!("{least} arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The names of the tests, for an error or a page of the docs.
#[must_use]
pub fn test_names() -> String {
    listed(transform::TESTS.iter().map(|(name, _, _)| *name))
}
