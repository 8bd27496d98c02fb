//! The names in an expression: whether they exist and take so many arguments, and which one was meant.

use super::ExpressionError;
use crate::mapping::suggest::nearest;
use crate::mapping::transform::{self, Kind};

/// Refuses a filter or function that does not exist or takes another number of arguments.
pub(super) fn check_call(kind: Kind, name: &str, given: usize, at: usize) -> Result<(), ExpressionError> {
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

/// How many arguments the test of this name takes.
pub(super) fn test_arguments(name: &str, at: usize) -> Result<usize, ExpressionError> {
    transform::test_arguments(&name.to_lowercase()).ok_or_else(|| {
        let names = transform::TESTS.iter().map(|(name, _, _)| *name);
        ExpressionError::new(at, format!("unknown test `{name}`")).maybe_meaning(nearest(name, names))
    })
}
