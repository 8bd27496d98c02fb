//! The words of an expression, read one after the other with a look at the next two.

use super::ExpressionError;
use super::token::{Token, Word, tokenize};

/// A place in the words.
pub(super) struct Reader {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Reader {
    /// The start of `source`.
    pub(super) fn new(source: &str) -> Result<Self, ExpressionError> {
        Ok(Self { tokens: tokenize(source)?, next: 0, depth: 0 })
    }

    /// Goes one expression deeper, unless that is deeper than `most`.
    pub(super) fn descend(&mut self, most: usize) -> bool {
        self.depth += 1;
        self.depth <= most
    }

    /// Comes back from [`Self::descend`].
    pub(super) fn ascend(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn peek_second(&self) -> &Word {
        self.tokens.get(self.next + 1).map_or(&Word::End, |token| &token.word)
    }

    pub(super) fn name(&mut self, wanted: &str) -> Result<(String, usize), ExpressionError> {
        let at = self.here();
        match self.word() {
            Word::Name(name) => Ok((name, at)),
            _ => Err(self.back().unexpected(wanted)),
        }
    }

    pub(super) fn peek(&self) -> &Word {
        self.tokens.get(self.next).map_or(&Word::End, |token| &token.word)
    }

    pub(super) fn here(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |token| token.at)
    }

    pub(super) fn word(&mut self) -> Word {
        let word = self.peek().clone();
        self.next += 1;
        word
    }

    pub(super) fn back(&mut self) -> &Self {
        self.next = self.next.saturating_sub(1);
        self
    }

    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let taken = matches!(self.peek(), Word::Symbol(next) if *next == symbol);
        self.next += usize::from(taken);
        taken
    }

    pub(super) fn take_name(&mut self, keyword: &str) -> bool {
        let taken = matches!(self.peek(), Word::Name(next) if next == keyword);
        self.next += usize::from(taken);
        taken
    }

    pub(super) fn expect(&mut self, symbol: &'static str) -> Result<(), ExpressionError> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    pub(super) fn error(&self, message: String) -> ExpressionError {
        ExpressionError::new(self.here(), message)
    }

    pub(super) fn unexpected(&self, wanted: &str) -> ExpressionError {
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
