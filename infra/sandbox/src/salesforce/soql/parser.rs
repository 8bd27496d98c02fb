//! From words to a query.

use super::super::errors::Fail;
use super::lexer::{Token, split};
use super::{Condition, Literal, Operator, Query, malformed};

const MAX_LENGTH: usize = 100_000;
const MAX_OFFSET: usize = 2000;

/// Reads a query.
pub(in crate::salesforce) fn parse(text: &str) -> Result<Query, Fail> {
    if text.chars().count() > MAX_LENGTH {
        return Err(Fail::bad(
            "QUERY_TOO_COMPLICATED",
            "SOQL statements cannot be longer than 100000 characters.",
        ));
    }
    let mut parser = Parser { tokens: split(text)?, at: 0 };
    let query = parser.query()?;
    match parser.tokens.get(parser.at) {
        None => Ok(query),
        Some(token) => Err(unexpected(token)),
    }
}

fn unexpected(token: &Token) -> Fail {
    malformed(format!("unexpected token: '{}'", token.shown()))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Result<Token, Fail> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token.ok_or_else(|| malformed("unexpected token: '<EOF>'"))
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.tokens.get(self.at), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> Result<(), Fail> {
        if self.takes_word(word) { Ok(()) } else { Err(unexpected(&self.next()?)) }
    }

    fn sign(&mut self, sign: &str) -> Result<(), Fail> {
        if self.takes_sign(sign) { Ok(()) } else { Err(unexpected(&self.next()?)) }
    }

    fn name(&mut self) -> Result<String, Fail> {
        match self.next()? {
            Token::Word(name)
                if name.starts_with(|letter: char| letter.is_ascii_alphabetic())
                    && !name.contains([':', '+', '-']) =>
            {
                Ok(name)
            }
            token => Err(unexpected(&token)),
        }
    }

    fn query(&mut self) -> Result<Query, Fail> {
        self.word("SELECT")?;
        let mut fields = vec![self.name()?];
        if fields.first().is_some_and(|name| name.eq_ignore_ascii_case("COUNT")) && self.takes_sign("(") {
            self.sign(")")?;
            fields.clear();
        }
        while !fields.is_empty() && self.takes_sign(",") {
            fields.push(self.name()?);
        }
        self.word("FROM")?;
        let from = self.name()?;
        let condition = if self.takes_word("WHERE") { Some(self.any(0)?) } else { None };
        let order = self.order()?;
        let limit = if self.takes_word("LIMIT") { Some(self.number()?) } else { None };
        let offset = if self.takes_word("OFFSET") { self.number()? } else { 0 };
        if offset > MAX_OFFSET {
            return Err(Fail::bad("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"));
        }
        Ok(Query { fields, from, condition, order, limit, offset })
    }

    fn order(&mut self) -> Result<Vec<(String, bool)>, Fail> {
        let mut order = Vec::new();
        if !self.takes_word("ORDER") {
            return Ok(order);
        }
        self.word("BY")?;
        loop {
            let name = self.name()?;
            let descending = self.takes_word("DESC");
            let _ = descending || self.takes_word("ASC");
            if self.takes_word("NULLS") && !self.takes_word("FIRST") {
                self.word("LAST")?;
            }
            order.push((name, descending));
            if !self.takes_sign(",") {
                return Ok(order);
            }
        }
    }

    fn number(&mut self) -> Result<usize, Fail> {
        let token = self.next()?;
        match &token {
            Token::Word(text) => text.parse().map_err(|_| unexpected(&token)),
            _ => Err(unexpected(&token)),
        }
    }

    /// AND and OR in one row have to be told apart by parentheses.
    fn any(&mut self, depth: usize) -> Result<Condition, Fail> {
        if depth > 50 {
            return Err(Fail::bad("QUERY_TOO_COMPLICATED", "The query is nested too deeply"));
        }
        let mut parts = vec![self.one(depth)?];
        for (word, other) in [("AND", "OR"), ("OR", "AND")] {
            while self.takes_word(word) {
                parts.push(self.one(depth)?);
            }
            if parts.len() > 1 {
                if let Some(token) =
                    self.tokens.get(self.at).filter(|token| token.shown().eq_ignore_ascii_case(other))
                {
                    return Err(unexpected(token));
                }
                return Ok(if word == "AND" { Condition::All(parts) } else { Condition::Any(parts) });
            }
        }
        Ok(Condition::All(parts))
    }

    fn one(&mut self, depth: usize) -> Result<Condition, Fail> {
        if self.takes_word("NOT") {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.takes_sign("(") {
            let inner = self.any(depth + 1)?;
            self.sign(")")?;
            return Ok(inner);
        }
        let field = self.name()?;
        let operator = self.operator()?;
        let values = if matches!(operator, Operator::In | Operator::NotIn) {
            self.list()?
        } else {
            vec![self.literal()?]
        };
        Ok(Condition::Compare { field, operator, values })
    }

    fn operator(&mut self) -> Result<Operator, Fail> {
        if self.takes_word("LIKE") {
            return Ok(Operator::Like);
        }
        if self.takes_word("IN") {
            return Ok(Operator::In);
        }
        if self.takes_word("NOT") {
            self.word("IN")?;
            return Ok(Operator::NotIn);
        }
        let token = self.next()?;
        Ok(match token {
            Token::Sign("=") => Operator::Equal,
            Token::Sign("!=" | "<>") => Operator::NotEqual,
            Token::Sign("<") => Operator::Less,
            Token::Sign("<=") => Operator::LessOrEqual,
            Token::Sign(">") => Operator::Greater,
            Token::Sign(">=") => Operator::GreaterOrEqual,
            token => return Err(unexpected(&token)),
        })
    }

    fn list(&mut self) -> Result<Vec<Literal>, Fail> {
        self.sign("(")?;
        let mut values = vec![self.literal()?];
        while self.takes_sign(",") {
            values.push(self.literal()?);
        }
        self.sign(")")?;
        Ok(values)
    }

    fn literal(&mut self) -> Result<Literal, Fail> {
        let token = self.next()?;
        let text = match &token {
            Token::Text(text) => return Ok(Literal::Text(text.clone())),
            Token::Word(text) => text,
            Token::Sign(_) => return Err(unexpected(&token)),
        };
        match text.to_lowercase().as_str() {
            "null" => return Ok(Literal::Null),
            "true" => return Ok(Literal::Flag(true)),
            "false" => return Ok(Literal::Flag(false)),
            _ => {}
        }
        if text.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-' || letter == '+') {
            if let Ok(number) = text.parse() {
                return Ok(Literal::Number(number));
            }
            if crate::clock::parse_day(text).or_else(|| super::super::values::instant(text)).is_some() {
                return Ok(Literal::Moment(text.clone()));
            }
        }
        Err(unexpected(&token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_query_when_parsed_then_each_part_is_where_it_belongs() {
        let text = "select Id, Account.Name from Contact where (Email in ('a', 'b') or LastName = 'x') and \
                    SystemModstamp >= 2026-01-01T00:00:00Z order by SystemModstamp desc, Id limit 5 offset 2";
        let query = parse(text).expect("well formed");
        assert_eq!(
            (query.fields.as_slice(), query.from.as_str()),
            (&["Id".to_owned(), "Account.Name".to_owned()][..], "Contact")
        );
        assert_eq!((query.limit, query.offset, query.order.len()), (Some(5), 2, 2));
        assert!(
            matches!(query.condition, Some(Condition::All(parts)) if matches!(parts.as_slice(), [Condition::Any(_), Condition::Compare { .. }]))
        );
    }

    #[test]
    fn given_what_soql_does_not_allow_when_parsed_then_it_is_malformed() {
        for text in [
            "",
            "SELECT FROM Contact",
            "SELECT * FROM Contact",
            "SELECT Id Contact",
            "SELECT Id FROM Contact WHERE",
            "SELECT Id FROM Contact WHERE Name IS NULL",
            "SELECT Id FROM Contact WHERE Name IN ()",
            "SELECT Id FROM Contact WHERE A = 1 AND B = 2 OR C = 3",
            "SELECT Id FROM Contact LIMIT x",
            "SELECT Id FROM Contact; DELETE",
        ] {
            assert_eq!(parse(text).expect_err("refused").code, "MALFORMED_QUERY", "{text}");
        }
    }
}
