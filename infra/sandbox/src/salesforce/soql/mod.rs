//! The part of SOQL that a sync asks: `SELECT … FROM … WHERE … ORDER BY … LIMIT … OFFSET`, conditions with AND,
//! OR, NOT and parentheses, and fields of the record a reference leads to.

mod eval;
mod lexer;
mod parser;

pub(super) use eval::{Path, run};
pub(super) use parser::parse;

use super::errors::Fail;

/// A value in a condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(f64),
    Flag(bool),
    Null,
    /// A date or an instant: bare, as SOQL has it.
    Moment(String),
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    In,
    NotIn,
}

/// What has to hold of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare { field: String, operator: Operator, values: Vec<Literal> },
}

/// A query as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    /// Names of fields, with dots where they lead elsewhere; none is `COUNT()`.
    pub(super) fields: Vec<String>,
    pub(super) from: String,
    pub(super) condition: Option<Condition>,
    /// Fields to sort by, and whether each is descending.
    pub(super) order: Vec<(String, bool)>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
}

/// `sObject type 'Accout' is not supported.`
pub(super) fn no_type(name: &str) -> Fail {
    let message = format!(
        "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the \
         '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    );
    Fail::bad("INVALID_TYPE", message)
}

/// A field that a query names and the type has not, or the user does not see.
fn no_column(name: &str, kind: &str) -> Fail {
    let message = format!(
        "No such column '{name}' on entity '{kind}'. If you are attempting to use a custom field, be sure to append the \
         '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
    );
    Fail::bad("INVALID_FIELD", message)
}

fn malformed(message: impl Into<String>) -> Fail {
    Fail::bad("MALFORMED_QUERY", message)
}
