//! Of what kinds a value may be, and what each transformer takes and gives: what the check knows before any record comes.

use super::{Kind, Transformer};
use minijinja::Value;
use minijinja::value::ValueKind;

/// A set of kinds of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

const NAMES: [(Kinds, &str); 5] = [
    (Kinds::TEXT, "a text"),
    (Kinds::NUMBER, "a number"),
    (Kinds::BOOL, "true or false"),
    (Kinds::LIST, "a list"),
    (Kinds::OBJECT, "an object"),
];

impl Kinds {
    pub(crate) const NOTHING: Self = Self(0);
    pub(crate) const UNDEFINED: Self = Self(1);
    pub(crate) const NONE: Self = Self(2);
    pub(crate) const BOOL: Self = Self(4);
    pub(crate) const NUMBER: Self = Self(8);
    pub(crate) const TEXT: Self = Self(16);
    pub(crate) const LIST: Self = Self(32);
    pub(crate) const OBJECT: Self = Self(64);
    /// What stands for no value.
    pub(crate) const MISSING: Self = Self(3);
    /// What has words: see `words`.
    pub(crate) const WORDS: Self = Self(28);
    /// Every value that is one.
    pub(crate) const PRESENT: Self = Self(124);
    pub(crate) const ANY: Self = Self(127);

    /// The kind of `value`.
    pub(crate) fn of(value: &Value) -> Self {
        match value.kind() {
            ValueKind::Undefined => Self::UNDEFINED,
            ValueKind::None => Self::NONE,
            ValueKind::Bool => Self::BOOL,
            ValueKind::Number => Self::NUMBER,
            ValueKind::String => Self::TEXT,
            ValueKind::Seq | ValueKind::Iterable => Self::LIST,
            _ => Self::OBJECT,
        }
    }

    /// What is in either.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this one alone.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether they have a kind in common.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is no kind in it.
    pub(crate) fn is_nothing(self) -> bool {
        self.0 == 0
    }

    /// In the words of a message: `a text or a number`.
    pub(crate) fn told(self) -> String {
        let names: Vec<&str> =
            NAMES.iter().filter(|(kind, _)| self.meets(*kind)).map(|(_, name)| *name).collect();
        match names.split_last() {
            None => "nothing".to_owned(),
            Some((only, [])) => (*only).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
        }
    }
}

/// What a transformer takes, and what it gives for what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) takes: Kinds,
    pub(crate) gives: Kinds,
}

const fn signature(takes: Kinds, gives: Kinds) -> Signature {
    Signature { takes, gives }
}

impl Transformer {
    /// What it takes and gives; of a missing value the environment takes care.
    pub(crate) fn signature(&self) -> Signature {
        use Kinds as K;
        let (words, maybe_text) = (K::WORDS, K::TEXT.or(K::UNDEFINED));
        match self.name {
            "lower" | "upper" | "capitalize" | "title" | "trim" | "squeeze" | "replace" | "truncate"
            | "truncate_bytes" | "pad" | "before" | "digits" | "phone" | "slug" | "strip_html" | "hash"
            | "string" => signature(words, K::TEXT),
            "major_units" => signature(K::TEXT.or(K::NUMBER), K::TEXT),
            "minor_units" => signature(K::TEXT.or(K::NUMBER), K::NUMBER),
            "after" | "email" | "given_name" | "family_name" | "initials" | "domain" => {
                signature(words, maybe_text)
            }
            "split" => signature(words, K::LIST),
            "int" | "float" | "round" | "abs" => signature(words, K::NUMBER),
            "bool" => signature(words, K::BOOL.or(K::NONE)),
            "date" | "datetime" | "format_date" => signature(K::TEXT.or(K::NUMBER), K::TEXT),
            "epoch_ms" | "epoch_day_ms" => signature(K::TEXT.or(K::NUMBER), K::NUMBER),
            "parse_date" => signature(K::TEXT, K::TEXT),
            "join" => signature(words.or(K::LIST), K::TEXT),
            "length" => signature(K::TEXT.or(K::LIST).or(K::OBJECT), K::NUMBER),
            "sort" | "unique" | "reverse" | "compact" | "pluck" | "where" => signature(K::LIST, K::LIST),
            "first" | "last" | "min" | "max" => signature(K::LIST, K::ANY),
            "sum" => signature(K::LIST, K::NUMBER),
            "json" => signature(K::PRESENT, K::TEXT),
            "concat" => signature(words.or(K::MISSING), K::TEXT.or(K::MISSING)),
            _ => signature(K::ANY, K::ANY),
        }
    }

    /// Whether it gives a value of its own kind back as it is, so that nothing else comes out of it. With what this does
    /// to a text it is known whether the text can come out of it.
    pub(crate) fn keeps_its_own(&self) -> bool {
        let names = [
            "lower",
            "upper",
            "trim",
            "squeeze",
            "digits",
            "slug",
            "truncate",
            "truncate_bytes",
            "pad",
            "int",
            "float",
            "abs",
            "round",
            "bool",
            "string",
        ];
        self.kind == Kind::Filter && names.contains(&self.name)
    }

    /// Whether what comes out of it is a part of the text that goes in: lower case stays lower case.
    pub(crate) fn cuts(&self) -> bool {
        ["trim", "squeeze", "digits", "truncate_bytes", "before", "after"].contains(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::expression::evaluated;
    use crate::mapping::transform::{Missing, all};
    use proptest::prelude::*;
    use serde_json::json;

    fn values() -> Vec<serde_json::Value> {
        vec![
            json!("Ada King"),
            json!(""),
            json!("1.5"),
            json!("2026-11-23"),
            json!("2026-11-23T10:00:00Z"),
            json!("Yes"),
            json!("ada@x.io"),
            json!("<b>x</b>"),
            json!(0),
            json!(-42),
            json!(1.5),
            json!(true),
            json!(false),
            json!([]),
            json!([1, 2]),
            json!(["a", null]),
            json!([{"id": 1}]),
            json!({}),
            json!({"id": 1}),
            json!("23.11.2026"),
            json!("1999"),
        ]
    }

    /// What the filter's example does, to `x` instead.
    fn call(found: &Transformer) -> String {
        let (expression, _) = found.example.split_once(" → ").unwrap();
        let (_, call) = expression.rsplit_once(" | ").unwrap();
        format!("x | {call}")
    }

    #[test]
    fn given_every_filter_when_it_takes_a_value_of_any_kind_then_its_signature_is_right() {
        let filters = all().iter().filter(|found| found.kind == Kind::Filter);
        for found in filters.filter(|found| found.missing == Missing::PassesThrough) {
            let Signature { takes, gives } = found.signature();
            let mut taken = Kinds::NOTHING;
            for value in values() {
                let kind = Kinds::of(&Value::from(minijinja::value::Serde(&value)));
                let Ok(given) = evaluated(&call(found), &json!({ "x": value })) else { continue };
                taken = taken.or(kind);
                assert!(takes.meets(kind), "{} takes {value}", found.name);
                assert!(gives.meets(Kinds::of(&given)), "{} gives {given} for {value}", found.name);
            }
            if takes != Kinds::ANY {
                assert_eq!(taken, takes.and(Kinds::PRESENT), "{} takes what it says", found.name);
            }
        }
    }

    proptest! {
        #[test]
        fn given_any_text_when_it_has_come_out_of_a_filter_that_keeps_its_own_then_it_does_again(text in "\\PC{0,12}|[A-Za-z0-9. -]{0,8}|-?[0-9]{1,5}") {
            for found in all().iter().filter(|found| found.keeps_its_own()) {
                let Ok(once) = evaluated(&call(found), &json!({ "x": text })) else { continue };
                let again = evaluated(&call(found), &json!({ "x": once }));
                prop_assert_eq!(again.ok(), Some(once), "{}", found.name);
            }
        }

        #[test]
        fn given_a_text_in_one_case_when_it_is_cut_then_it_stays_in_that_case(text in "\\PC{0,12}") {
            for found in all().iter().filter(|found| found.cuts()) {
                for case in ["lower", "upper"] {
                    let cut = call(found).replacen("x |", &format!("x | {case} |"), 1);
                    let once = evaluated(&cut, &json!({ "x": text })).unwrap();
                    if once.is_undefined() {
                        continue;
                    }
                    let again = evaluated(&format!("x | {case}"), &json!({ "x": once }));
                    prop_assert_eq!(again.ok(), Some(once), "{} {}", found.name, case);
                }
            }
        }
    }
}
