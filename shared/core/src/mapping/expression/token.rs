//! The words of an expression, each with the byte at which it starts.

use super::ExpressionError;

/// The longest expression, in bytes. A longer one belongs into several fields, or into the internal system.
pub(super) const MAX_EXPRESSION_BYTES: usize = 4_096;

const SYMBOLS: [&str; 26] = [
    "**", "//", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "~", "+", "-", "*",
    "/", "%", "<", ">", "=", ";",
];
const FOREIGN: [(&str, &str); 6] =
    [("&&", "and"), ("||", "or"), ("===", "=="), ("!==", "!="), ("<>", "!="), ("=>", ">=")];

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    /// A name or a keyword.
    Name(String),
    /// A quoted text, without its quotes and escapes.
    Text(String),
    /// A number as it is written.
    Number(String),
    /// An operator or bracket.
    Symbol(&'static str),
    /// The end of the expression.
    End,
}

/// A word and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) at: usize,
}

/// All words of `source`, [`Word::End`] last.
pub(super) fn tokenize(source: &str) -> Result<Vec<Token>, ExpressionError> {
    if source.len() > MAX_EXPRESSION_BYTES {
        return Err(ExpressionError::new(
            0,
            format!("the expression is over {MAX_EXPRESSION_BYTES} bytes long"),
        ));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += source[at..].len() - source[at..].trim_start().len();
        let (word, length) = next_word(source, at)?;
        let ended = word == Word::End;
        tokens.push(Token { word, at });
        if ended {
            return Ok(tokens);
        }
        at += length;
    }
}

fn next_word(source: &str, at: usize) -> Result<(Word, usize), ExpressionError> {
    let rest = &source[at..];
    let Some(first) = rest.chars().next() else { return Ok((Word::End, 0)) };
    if first == '"' || first == '\'' {
        return text(rest, first, at);
    }
    if first.is_ascii_digit() {
        return number(rest, at);
    }
    if first == '_' || first.is_alphabetic() {
        let length = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
        return Ok((Word::Name(rest[..length].to_owned()), length));
    }
    if let Some((theirs, ours)) = FOREIGN.iter().find(|(theirs, _)| rest.starts_with(theirs)) {
        let error = ExpressionError::new(at, format!("`{theirs}` is not an operator here"));
        return Err(error.meaning(*ours));
    }
    match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        Some(symbol) => Ok((Word::Symbol(symbol), symbol.len())),
        None if first == '!' => {
            Err(ExpressionError::new(at, "`!` is not an operator here".to_owned()).meaning("not"))
        }
        None => Err(ExpressionError::new(at, format!("unexpected character `{}`", first.escape_default()))),
    }
}

fn number(rest: &str, at: usize) -> Result<(Word, usize), ExpressionError> {
    let digits = |text: &str| text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'_').count();
    let mut length = digits(rest);
    if rest[length..].starts_with('.') && digits(&rest[length + 1..]) > 0 {
        length += 1 + digits(&rest[length + 1..]);
    }
    let follows = rest[length..].chars().next();
    if follows.is_some_and(|c| c == '_' || c.is_alphanumeric()) {
        return Err(ExpressionError::new(
            at,
            "a name cannot start with a digit; write record[\"…\"] for such a key".to_owned(),
        ));
    }
    let digits = rest[..length].replace('_', "");
    let whole = !digits.contains('.');
    if whole && digits.parse::<i64>().is_err() {
        return Err(ExpressionError::new(at, "the number is beyond 64 bits".to_owned()));
    }
    Ok((Word::Number(digits), length))
}

fn text(rest: &str, quote: char, at: usize) -> Result<(Word, usize), ExpressionError> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((index, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((Word::Text(text), index + 1)),
            '\\' => text.push(match chars.next() {
                Some((_, 'n')) => '\n',
                Some((_, 't')) => '\t',
                Some((_, 'r')) => '\r',
                Some((_, c @ ('\\' | '"' | '\'' | '/'))) => c,
                _ => {
                    return Err(ExpressionError::new(
                        at + index,
                        "unknown escape; a text knows \\n, \\t, \\r, \\\\, \\\" and \\'".to_owned(),
                    ));
                }
            }),
            c => text.push(c),
        }
    }
    Err(ExpressionError::new(at, format!("the text has no closing {quote}")))
}
