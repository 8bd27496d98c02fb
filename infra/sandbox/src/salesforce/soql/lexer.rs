//! SOQL's words: names, strings with their escapes, numbers and moments, and signs.

use super::super::errors::Fail;
use super::malformed;

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or keyword, or a bare number or moment.
    Word(String),
    Text(String),
    Sign(&'static str),
}

impl Token {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(text) => text.clone(),
            Self::Text(text) => format!("'{text}'"),
            Self::Sign(sign) => (*sign).to_owned(),
        }
    }
}

const SIGNS: &[&str] = &["<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", ","];

/// Splits a query into words.
pub(super) fn split(text: &str) -> Result<Vec<Token>, Fail> {
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
        } else if first == '\'' {
            let (text, after) = string(rest.get(1..).unwrap_or_default())?;
            tokens.push(Token::Text(text));
            rest = after;
        } else {
            let plain = |letter: char| letter.is_alphanumeric() || "_.:+-".contains(letter);
            let end = rest.find(|letter| !plain(letter)).unwrap_or(rest.len());
            if end == 0 {
                return Err(malformed(format!("unexpected token: '{first}'")));
            }
            let (word, after) = rest.split_at(end);
            tokens.push(Token::Word(word.to_owned()));
            rest = after;
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A string's content, and what follows its closing quote.
fn string(text: &str) -> Result<(String, &str), Fail> {
    let (mut out, mut letters) = (String::new(), text.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' => return Ok((out, text.get(at + 1..).unwrap_or_default())),
            '\n' | '\r' => return Err(malformed("line breaks are not allowed in string literals")),
            '\\' => {
                let letter = letters.next().map(|(_, letter)| letter);
                if matches!(letter, Some('_' | '%')) {
                    // Only LIKE knows these; the backslash stays, for it to tell them from wildcards.
                    out.push('\\');
                }
                out.push(escaped(letter)?);
            }
            letter => out.push(letter),
        }
    }
    Err(malformed("unexpected end of file: expecting a closing quote"))
}

fn escaped(letter: Option<char>) -> Result<char, Fail> {
    Ok(match letter {
        Some('n' | 'N') => '\n',
        Some('r' | 'R') => '\r',
        Some('t' | 'T') => '\t',
        Some('b' | 'B') => '\u{8}',
        Some('f' | 'F') => '\u{c}',
        Some(plain @ ('\'' | '"' | '\\' | '_' | '%')) => plain,
        _ => return Err(malformed("Invalid string literal: illegal character sequence in string literal")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_escapes_when_split_then_the_text_is_what_was_meant() {
        let tokens = split(r"Name = 'O\'Brien \\ \n'").expect("well formed");
        assert_eq!(tokens.last(), Some(&Token::Text("O'Brien \\ \n".to_owned())));
    }

    #[test]
    fn given_what_is_no_soql_when_split_then_it_is_malformed() {
        for text in ["Name = 'open", r"Name = '\x'", "Name = \"x\"", "a ; b"] {
            assert_eq!(split(text).expect_err("refused").code, "MALFORMED_QUERY", "{text}");
        }
    }
}
