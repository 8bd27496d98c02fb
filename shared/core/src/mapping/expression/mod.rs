//! One expression of a mapping: compiled once, evaluated per record, never reading anything but that record.

mod environment;
mod grammar;
mod literals;
mod lowered;
mod names;
mod operator;
mod reader;
mod token;
mod trace;
mod tree;
mod typing;
mod work;

pub(super) use literals::literals;
pub(super) use operator::contains;
pub(super) use trace::{Traced, Way};
pub(super) use typing::{Look, Shape, look};
pub(super) use work::Work;

use crate::code::Code;
use minijinja::Value;

/// Fuel of one evaluation, in minijinja's units: an instruction each, or 64 bytes of text each. A plain field takes
/// about ten; a body of the largest size (1 MiB) through three filters about 100,000.
pub const FUEL: u64 = 200_000;

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    source: String,
    path: Option<Vec<String>>,
    compiled: minijinja::Expression<'static, 'static>,
}

/// Why an expression cannot be compiled, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", self.hint())]
pub struct ExpressionError {
    /// The byte of the expression at fault.
    pub at: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
    /// The code people look up.
    pub code: Code,
}

impl Expression {
    /// Compiles `source`.
    ///
    /// # Errors
    /// When it is no expression, or names a filter, function or test that does not exist.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        let tree = grammar::read(source)?;
        let text = lowered::lowered(&tree);
        if lowered::nesting(&text) > grammar::MAX_NESTING {
            return Err(ExpressionError::new(0, grammar::too_deep()));
        }
        let compiled = environment::shared().compile_expression_owned(text).map_err(|error| {
            ExpressionError::new(0, format!("the expression cannot be compiled: {}", error.kind()))
        })?;
        Ok(Self { source: source.to_owned(), path: tree.path(), compiled })
    }

    /// The value for a record that [`scope`] wrapped, or what went wrong; that never repeats a value of the record.
    ///
    /// # Errors
    /// When a filter cannot take its value, or the work exceeds [`FUEL`].
    pub(super) fn evaluate(&self, scope: &Value) -> Result<Value, String> {
        let value = match self.path() {
            // Most fields are nothing but a path: it is followed without starting the machine.
            Some(path) => follow(scope, path),
            None => self.compiled.eval(scope.clone()),
        };
        value.map_err(|error| told(&error))
    }

    /// The expression as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The path, when the expression is nothing but one (`address.city`) and so can be followed backwards.
    #[must_use]
    pub fn path(&self) -> Option<&[String]> {
        self.path.as_deref().filter(|path| !path.is_empty())
    }
}

/// What went wrong, without a value of the record.
fn told(error: &minijinja::Error) -> String {
    match (error.kind(), error.detail()) {
        (minijinja::ErrorKind::OutOfFuel, _) => {
            "the expression does more work than one value may cost".into()
        }
        // Ours: all the details of operators and filters are constant texts.
        (minijinja::ErrorKind::InvalidOperation, Some(detail)) => detail.to_owned(),
        (kind, _) => kind.to_string(),
    }
}

fn follow(scope: &Value, path: &[String]) -> Result<Value, minijinja::Error> {
    let record = scope.get_attr("record")?;
    path.iter().try_fold(record, |value, key| operator::get(&value, &Value::from(key.as_str())))
}

/// What expressions see of `record`; a record that is no object has no keys.
pub(super) fn scope(record: &serde_json::Value) -> Value {
    let empty = serde_json::json!({});
    let record = Value::from(minijinja::value::Serde(if record.is_object() { record } else { &empty }));
    minijinja::context! { record }
}

impl ExpressionError {
    fn new(at: usize, message: String) -> Self {
        Self { at, message, suggestion: None, code: Code::BadExpression }
    }

    fn meaning(self, suggestion: impl Into<String>) -> Self {
        Self { suggestion: Some(suggestion.into()), ..self }
    }

    fn maybe_meaning(self, suggestion: Option<&str>) -> Self {
        Self { suggestion: suggestion.map(str::to_owned), ..self }
    }

    fn hint(&self) -> String {
        self.suggestion.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
    }

    /// The line and column of the fault within the expression, both from 1.
    #[must_use]
    pub fn line_and_column(&self, source: &str) -> (u32, u32) {
        let before = source.get(..self.at).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}

/// What `expression` gives for `record`.
#[cfg(test)]
pub(super) fn evaluated(expression: &str, record: &serde_json::Value) -> Result<Value, String> {
    let compiled = Expression::compile(expression).map_err(|error| error.to_string())?;
    compiled.evaluate(&scope(record))
}

#[cfg(test)]
mod tests;
