//! What is known of a value before any record comes: whether it may be missing, and what it may be where it is not.
//!
//! Invariant: a shape never says less than what may come; what is not known is [`Form::Any`].

use super::run;
use crate::mapping::result::to_json;
use crate::mapping::transform::Kinds;
use minijinja::Value;

/// More forms than that are not told apart.
const MOST_FORMS: usize = 64;

/// What a value may be.
#[derive(Debug, Clone)]
pub(in crate::mapping) struct Shape {
    /// Whether it may be undefined, or none.
    missing: Kinds,
    /// Everything that it may be where it is not missing.
    forms: Vec<Form>,
    /// Whether it holds as a condition, where more is known of that than the forms tell.
    holds: Option<bool>,
}

/// One thing that a value may be.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// This value and no other.
    Just(Value),
    /// What has gone through these filters, none of which changes it once more.
    Through { kinds: Kinds, filters: Vec<String> },
    /// Any value of these kinds.
    Any(Kinds),
}

impl Shape {
    /// Any value of these kinds.
    pub(super) fn any(kinds: Kinds) -> Self {
        let present = kinds.and(Kinds::PRESENT);
        let forms = if present.is_nothing() { Vec::new() } else { vec![Form::Any(present)] };
        Self { missing: kinds.and(Kinds::MISSING), forms, holds: None }
    }

    /// This value.
    pub(super) fn just(value: Value) -> Self {
        let kind = Kinds::of(&value);
        if kind.meets(Kinds::MISSING) {
            Self::any(kind)
        } else {
            Self { missing: Kinds::NOTHING, forms: vec![Form::Just(value)], holds: None }
        }
    }

    /// What has gone through a filter that does nothing more to it.
    pub(super) fn through(kinds: Kinds, filters: Vec<String>) -> Self {
        Self {
            missing: kinds.and(Kinds::MISSING),
            forms: vec![Form::Through { kinds: kinds.and(Kinds::PRESENT), filters }],
            holds: None,
        }
    }

    /// Either of the two.
    #[must_use]
    pub(super) fn or(mut self, other: Self) -> Self {
        self.holds = self.truth().filter(|truth| other.truth() == Some(*truth));
        self.missing = self.missing.or(other.missing);
        self.forms.extend(other.forms);
        if self.forms.len() > MOST_FORMS {
            self.forms = vec![Form::Any(self.present())];
        }
        self
    }

    /// The same where it is not missing, and `missing` besides.
    #[must_use]
    pub(super) fn with_missing(self, missing: Kinds) -> Self {
        Self { missing, holds: None, ..self }
    }

    /// The same, which holds as a condition for every record, or for none.
    #[must_use]
    pub(super) fn that_holds(self, holds: bool) -> Self {
        Self { holds: Some(holds), ..self }
    }

    /// Whether it may be undefined, or none.
    pub(in crate::mapping) fn missing(&self) -> Kinds {
        self.missing
    }

    /// The kinds that it may be of where it is not missing.
    pub(in crate::mapping) fn present(&self) -> Kinds {
        self.forms.iter().map(Form::kinds).fold(Kinds::NOTHING, Kinds::or)
    }

    /// The filters that everything which it may be has gone through.
    pub(super) fn filters(&self) -> Vec<String> {
        match self.forms.as_slice() {
            [Form::Through { filters, .. }] => filters.clone(),
            _ => Vec::new(),
        }
    }

    /// All values that it may be, where they are known; missing ones aside.
    pub(in crate::mapping) fn values(&self) -> Option<Vec<serde_json::Value>> {
        self.forms.iter().map(Form::value).collect()
    }

    /// The values that it may be beside others that nobody knows.
    pub(in crate::mapping) fn known_values(&self) -> Vec<serde_json::Value> {
        self.forms.iter().filter_map(Form::value).collect()
    }

    /// Whether it holds as a condition, where that is known.
    pub(in crate::mapping) fn truth(&self) -> Option<bool> {
        if self.holds.is_some() {
            return self.holds;
        }
        let missing = (!self.missing.is_nothing()).then_some(Some(false));
        let forms = self.forms.iter().map(|form| match form {
            Form::Just(value) => Some(value.is_true()),
            _ => None,
        });
        let mut answers = missing.into_iter().chain(forms);
        let first = answers.next()??;
        answers.all(|answer| answer == Some(first)).then_some(first)
    }

    /// Whether `value`, written as a key of a map, may come.
    pub(in crate::mapping) fn may_be_written(&self, key: &str) -> bool {
        self.forms.iter().any(|form| form.may_be_written(key))
    }

    /// Whether the two may be equal.
    pub(super) fn may_equal(&self, other: &Self) -> bool {
        let both_missing = !self.missing.is_nothing() && !other.missing.is_nothing();
        both_missing || self.forms.iter().any(|one| other.forms.iter().any(|two| one.may_equal(two)))
    }
}

impl Form {
    fn value(&self) -> Option<serde_json::Value> {
        match self {
            Self::Just(value) => to_json(value).ok(),
            _ => None,
        }
    }

    fn kinds(&self) -> Kinds {
        match self {
            Self::Just(value) => Kinds::of(value),
            Self::Through { kinds, .. } | Self::Any(kinds) => *kinds,
        }
    }

    fn may_be_written(&self, key: &str) -> bool {
        match self {
            Self::Just(value) => written(value).is_none_or(|written| written == key),
            Self::Any(kinds) => kinds_write(*kinds, key),
            Self::Through { kinds, filters } => {
                let passes = |filter: &String| {
                    run(filter, &Value::from(key)).is_ok_and(|out| written(&out).is_none_or(|out| out == key))
                };
                kinds_write(*kinds, key) && filters.iter().all(passes)
            }
        }
    }

    fn may_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Just(one), Self::Just(two)) => one == two,
            (Self::Through { filters, .. }, Self::Just(value))
            | (Self::Just(value), Self::Through { filters, .. })
                if Kinds::of(value) == Kinds::TEXT && self.kinds() == other.kinds() =>
            {
                filters.iter().all(|filter| run(filter, value).is_ok_and(|out| out == *value))
            }
            // Truth values are numbers to some readers.
            _ => {
                let alike =
                    |kinds: Kinds| if kinds.meets(Kinds::BOOL) { kinds.or(Kinds::NUMBER) } else { kinds };
                alike(self.kinds()).meets(alike(other.kinds()))
            }
        }
    }
}

/// How a map writes `value` as a key; nothing where it has no keys for it.
fn written(value: &Value) -> Option<String> {
    match to_json(value).ok()? {
        serde_json::Value::String(text) => Some(text),
        json @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => Some(json.to_string()),
        _ => None,
    }
}

fn kinds_write(kinds: Kinds, key: &str) -> bool {
    kinds.meets(Kinds::TEXT)
        || (kinds.meets(Kinds::NUMBER) && serde_json::from_str::<serde_json::Number>(key).is_ok())
        || (kinds.meets(Kinds::BOOL) && matches!(key, "true" | "false"))
}
