//! What is wrong with a mapping, and where in it: the caller knows the file, this knows the path within the mapping.

use super::expression::ExpressionError;
use crate::code::Code;

/// One thing wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}{}", self.place.path.join("."), self.hint())]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What is wrong and what to do.
    pub message: String,
    /// The nearest right name.
    pub suggestion: Option<String>,
    /// The code people look up.
    pub code: Code,
}

/// A place within a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The keys that lead there, such as `fields`, `email`, `from`.
    pub path: Vec<String>,
    /// What of it.
    pub spot: Spot,
}

/// What is meant of what stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spot {
    /// The value.
    #[default]
    Value,
    /// The last key of the path.
    Key,
    /// A line and column within the value, which is a text; both from 1.
    Within(u32, u32),
}

impl Problem {
    /// A problem at `path`.
    pub fn new<'a>(path: impl IntoIterator<Item = &'a str>, code: Code, message: impl Into<String>) -> Self {
        let path = path.into_iter().map(str::to_owned).collect();
        Self { place: Place { path, spot: Spot::Value }, message: message.into(), suggestion: None, code }
    }

    /// The same with a name that was probably meant.
    #[must_use]
    pub fn meaning(mut self, suggestion: Option<&str>) -> Self {
        self.suggestion = suggestion.map(str::to_owned);
        self
    }

    /// The same about the last key of its path.
    #[must_use]
    pub(super) fn at_key(mut self) -> Self {
        self.place.spot = Spot::Key;
        self
    }

    /// A problem with the expression `source` at `path`.
    pub(super) fn of_expression(path: &[&str], source: &str, error: &ExpressionError) -> Self {
        let mut problem = Self::new(path.iter().copied(), error.code, error.message.clone());
        let (line, column) = error.line_and_column(source);
        problem.place.spot = Spot::Within(line, column);
        problem.meaning(error.suggestion.as_deref())
    }

    fn hint(&self) -> String {
        self.suggestion.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
    }
}
