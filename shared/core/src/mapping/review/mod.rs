//! What of a mapping fails, or has no effect, whatever a record holds; told when a folder is checked, and never where a
//! mapping is used: one that was stored before the check knew better goes on as it did.
//!
//! Invariant: only what the mapping alone proves is refused.
//!
//! - `settings.rs` settings for what the mapping does not do · `field.rs` the expression, map and default of a field
//! - `values.rs` values that no CRM takes

mod field;
mod settings;
mod values;

use super::expression::{Look, look};
use super::{Expression, Problem, ProviderFacts, RawMapping};
use crate::code::Code;
use crate::mapping::transform::Kinds;

/// Everything in `raw`, for `provider`, that never works; of the fields, those that `said` has, which is `raw` itself or the
/// layer that it comes of. What cannot be compiled is not looked at.
#[must_use]
pub fn review(provider: &ProviderFacts, raw: &RawMapping, said: &RawMapping) -> Vec<Problem> {
    let mut reviewer = Reviewer { problems: Vec::new() };
    reviewer.settings(provider, raw);
    reviewer.when(raw);
    for (name, field) in &said.fields {
        reviewer.field(name, field, raw);
    }
    reviewer.on_delete(raw);
    reviewer.problems
}

struct Reviewer {
    problems: Vec<Problem>,
}

impl Reviewer {
    /// Looks at an expression; nothing where it does not compile, or something in it is wrong, which is told.
    fn look(&mut self, path: &[&str], source: &str) -> Option<Look> {
        Expression::compile(source).ok()?;
        let look = look(source).ok()?;
        for fault in &look.faults {
            self.problems.push(Problem::of_expression(path, source, fault));
        }
        look.faults.is_empty().then_some(look)
    }

    fn when(&mut self, raw: &RawMapping) {
        let Some(source) = raw.when.as_deref() else { return };
        let Some(Look { shape, .. }) = self.look(&["when"], source) else { return };
        let kinds = shape.present();
        match shape.truth() {
            Some(true) => self.never(
                &["when"],
                "`when` holds for every record; take it away, or make it depend on the record",
            ),
            Some(false) => self.never(
                &["when"],
                "`when` holds for no record, so that nothing is ever written; make it depend on the record",
            ),
            None if !kinds.is_nothing() && !kinds.meets(Kinds::BOOL) => {
                let message = format!(
                    "`when` gives {}, not true or false; compare it, such as `(…) is not empty`",
                    kinds.told()
                );
                self.never(&["when"], message);
            }
            None => {}
        }
    }

    /// Something that never works, at the value of `path`.
    fn never(&mut self, path: &[&str], message: impl Into<String>) {
        self.problems.push(Problem::new(path.iter().copied(), Code::NeverWorks, message));
    }

    /// The same at its last key.
    fn idle(&mut self, path: &[&str], message: impl Into<String>) {
        self.problems.push(Problem::new(path.iter().copied(), Code::NeverWorks, message).at_key());
    }
}

#[cfg(test)]
mod tests;
