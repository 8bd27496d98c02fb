//! Which ways an expression went: a second compilation of it, for tests, that notes each fork as it is passed.
//!
//! Invariant: it gives the same value as the expression itself, which knows nothing of this and costs what it always did.
//! Forks are wrapped in calls of a recorder that lies in the scope beside the record, so the environment stays without state.

use super::ExpressionError;
use super::environment;
use super::lowered::{self, Fork as Point};
use super::tree::Tree;
use crate::mapping::transform::{self, Kind};
use minijinja::value::Object;
use minijinja::{Error, State, Value};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// The recorder's name in a scope. No name of an expression comes out as a bare one, so none can be it.
const RECORDER: &str = "__trace";

/// A place at which an expression goes one way or another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fork {
    /// What decides holds or does not.
    Truth,
    /// A value is there or missing.
    Missing,
    /// The first of so many values that is there is taken; each by where it stands in the source.
    First(Vec<Range<usize>>),
    /// An object is looked into: its keys.
    Lookup(Vec<String>),
}

/// The forks of an expression as they are met.
#[derive(Debug, Default)]
pub(super) struct Forks {
    found: Vec<(Fork, Range<usize>)>,
}

/// One way out of a fork, in words of the expression.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::mapping) enum Way {
    /// The condition holds.
    Holds(String),
    /// It does not.
    Fails(String),
    /// The value is there.
    There(String),
    /// It is missing.
    Missing(String),
    /// It is the first that is there.
    Taken(String),
    /// The key is looked up.
    Key(String),
    /// Something is looked up that the object does not hold.
    Unlisted(String),
}

/// An expression that notes which ways it goes.
#[derive(Debug)]
pub(in crate::mapping) struct Traced {
    ways: Vec<Way>,
    /// Without forks there is nothing to run.
    run: Option<(minijinja::Expression<'static, 'static>, Arc<Recorder>)>,
}

/// Notes what it is called with.
#[derive(Debug)]
struct Recorder {
    /// Each fork with the number of its first way.
    forks: Vec<(Fork, usize)>,
    gone: Mutex<BTreeSet<usize>>,
}

impl Forks {
    /// The lowered `text` of what stands at `point` of the source, wrapped so that the way it goes is noted.
    fn note(&mut self, source: &str, point: &Point<'_>, text: String) -> String {
        let span = |tree: &Tree| tree.at..tree.end;
        let (fork, at) = match point {
            Point::Decides(tree) => (Fork::Truth, span(tree)),
            Point::First(parts) => (Fork::First(parts.iter().map(span).collect()), 0..0),
            Point::Into(of, call) => {
                let fork = match call.name.as_str() {
                    "default" => Some(Fork::Missing),
                    "lookup" => call.arguments.first().and_then(Tree::keys).map(Fork::Lookup),
                    _ => None,
                };
                let Some(fork) = fork else { return text };
                // Up to the bar before the filter's name.
                let before = source.get(..call.at).and_then(|before| before.rfind('|'));
                (fork, of.at..before.unwrap_or(call.at))
            }
        };
        self.found.push((fork, at));
        format!("{RECORDER}({}, {text})", self.found.len() - 1)
    }
}

impl Fork {
    fn ways(&self, source: &str, at: &Range<usize>) -> Vec<Way> {
        let words = |at: &Range<usize>| one_line(source.get(at.clone()).unwrap_or_default());
        let own = words(at);
        match self {
            Self::Truth => vec![Way::Holds(own.clone()), Way::Fails(own)],
            Self::Missing => vec![Way::There(own.clone()), Way::Missing(own)],
            Self::First(spans) => spans.iter().map(|span| Way::Taken(words(span))).collect(),
            Self::Lookup(keys) => keys.iter().cloned().map(Way::Key).chain([Way::Unlisted(own)]).collect(),
        }
    }

    /// Which of its ways these values go; none: nothing is decided.
    fn way(&self, values: &[Value]) -> Option<usize> {
        let missing = |value: &Value| value.is_undefined() || value.is_none();
        let value = values.first()?;
        match self {
            Self::Truth => Some(usize::from(!value.is_true())),
            Self::Missing => Some(usize::from(missing(value))),
            Self::First(_) => values.iter().position(|value| !missing(value)),
            Self::Lookup(_) if missing(value) => None,
            Self::Lookup(keys) => {
                let key = value.to_string();
                Some(keys.iter().position(|known| *known == key).unwrap_or(keys.len()))
            }
        }
    }
}

impl Object for Recorder {
    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
        let number = arguments.first().and_then(Value::as_usize);
        let fork = number.and_then(|number| self.forks.get(number));
        let values = arguments.get(1..).unwrap_or_default();
        let Some((fork, first)) = fork else { return Err(transform::fail("there is no such fork")) };
        if let Some(way) = fork.way(values) {
            self.gone.lock().unwrap_or_else(PoisonError::into_inner).insert(first + way);
        }
        match (fork, transform::find(Kind::Function, "coalesce")) {
            (Fork::First(_), Some(coalesce)) => (coalesce.run)(&Value::UNDEFINED, values),
            _ => Ok(values.first().cloned().unwrap_or_default()),
        }
    }
}

impl Traced {
    /// Compiles `source`, which compiles without notes.
    ///
    /// # Errors
    /// When it does not, or the notes make it nest too deep.
    pub(in crate::mapping) fn compile(source: &str) -> Result<Self, ExpressionError> {
        let tree = super::grammar::read(source)?;
        let mut found = Forks::default();
        let text = lowered::write(&tree, &mut |point, text| found.note(source, &point, text));
        let (mut ways, mut forks) = (Vec::new(), Vec::new());
        for (fork, at) in found.found {
            let first = ways.len();
            ways.extend(fork.ways(source, &at));
            forks.push((fork, first));
        }
        if forks.is_empty() {
            return Ok(Self { ways, run: None });
        }
        let compiled = environment::shared().compile_expression_owned(text);
        let compiled = compiled.map_err(|error| ExpressionError::new(0, error.kind().to_string()))?;
        Ok(Self { ways, run: Some((compiled, Arc::new(Recorder { forks, gone: Mutex::default() }))) })
    }

    /// Goes through it for one record that `scope` wraps. That it fails is no matter here: it has gone as far as it goes.
    pub(in crate::mapping) fn pass(&self, scope: &Value) {
        if let Some((compiled, recorder)) = &self.run {
            let recorder = Value::from_dyn_object(Arc::clone(recorder));
            let record = scope.get_attr("record").unwrap_or_default();
            let _ = compiled.eval(minijinja::context! { record, __trace => recorder });
        }
    }

    /// Every way, and whether a record has gone it.
    pub(in crate::mapping) fn ways(&self) -> Vec<(Way, bool)> {
        let gone = self
            .run
            .as_ref()
            .map(|(_, recorder)| recorder.gone.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let gone = gone.unwrap_or_default();
        self.ways.iter().enumerate().map(|(number, way)| (way.clone(), gone.contains(&number))).collect()
    }
}

/// Part of an expression as it stands in a sentence: on one line, and not too long.
fn one_line(text: &str) -> String {
    const MOST: usize = 60;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= MOST {
        return words;
    }
    words.chars().take(MOST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Expression, scope};
    use super::*;
    use crate::mapping::result::to_json;
    use serde_json::json;

    fn missed(source: &str, records: &[serde_json::Value]) -> Vec<Way> {
        let traced = Traced::compile(source).unwrap();
        for record in records {
            traced.pass(&scope(record));
        }
        traced.ways().into_iter().filter_map(|(way, gone)| (!gone).then_some(way)).collect()
    }

    #[test]
    fn given_forks_when_records_pass_then_the_ways_that_none_went_are_told_in_the_words_of_the_source() {
        let (holds, fails) = (|text: &str| Way::Holds(text.into()), |text: &str| Way::Fails(text.into()));
        let taken = |text: &str| Way::Taken(text.into());
        let all = |source: &str| missed(source, &[]);
        assert_eq!(all("a | lower ~ b"), []);
        assert_eq!(all("'x' if  a >\n 1 else b"), [holds("a > 1"), fails("a > 1")]);
        assert_eq!(all("a and (b or c) and d").len(), 6);
        assert_eq!(all("coalesce(a.b, b | trim)"), [taken("a.b"), taken("b | trim")]);
        let default = [Way::There("a | trim".into()), Way::Missing("a | trim".into())];
        assert_eq!(all("a | trim | default('x') | upper"), default);
        let keys = ["de", "f:,{r", "1"].map(|key| Way::Key(key.into())).to_vec();
        let keys = keys.into_iter().chain([Way::Unlisted("a".into())]).collect::<Vec<_>>();
        assert_eq!(all(r#"a | lookup({"de": "D", "f:,{r": none, 1: b ~ "x"})"#), keys);
        assert_eq!(all("a | lookup(b)"), [], "what b holds is known to the record alone");

        assert_eq!(missed("'x' if a > 1 else b", &[json!({"a": 2})]), [fails("a > 1")]);
        assert_eq!(missed("a or b", &[json!({"a": ""}), json!({"a": "x"})]), []);
        assert_eq!(missed("coalesce(a, b)", &[json!({"b": 1})]), [taken("a")]);
        assert_eq!(missed("a | default(1)", &[json!({})]), [Way::There("a".into())]);
        let seen = [json!({"a": "de"}), json!({"a": 1}), json!({"a": "x"}), json!({})];
        assert_eq!(missed("a | lookup({'de': 1, 1: 2})", &seen), []);
        // What is not reached is not gone.
        assert_eq!(missed("b and (c or d)", &[json!({"b": false})]).len(), 3);
    }

    #[test]
    fn given_any_expression_when_it_is_traced_then_its_value_is_the_same() {
        let records =
            [json!({}), json!({"a": "x", "b": 2, "c": null}), json!({"a": null, "b": "", "c": [1]})];
        let sources = [
            "a or b or c",
            "a and b and c",
            "a if b else c",
            "a if b",
            "not a or b",
            "a | default(b) | string",
            "coalesce(c, b, a)",
            "a | lookup({'x': b, 'y': none}, c)",
            "(a or b) if (b and c) else (c | default('d'))",
            "coalesce(a if b else c, b) ~ a",
            "[a or b, {'k': c and b}]",
            "a | truncate(1 if b else 2)",
        ];
        for source in sources {
            for record in &records {
                let (plain, traced) =
                    (Expression::compile(source).unwrap(), Traced::compile(source).unwrap());
                let Some((compiled, recorder)) = &traced.run else { panic!("{source} has forks") };
                let record = scope(record);
                let with = minijinja::context! {
                    record => record.get_attr("record").unwrap(),
                    __trace => Value::from_dyn_object(Arc::clone(recorder)),
                };
                let json = |value: Result<Value, Error>| {
                    value.map(|value| (value.is_undefined(), to_json(&value))).map_err(|error| error.kind())
                };
                assert_eq!(json(compiled.eval(with)), json(plain.compiled.eval(record)), "{source}");
            }
        }
    }

    #[test]
    fn given_an_expression_as_deep_as_may_be_when_traced_then_it_compiles() {
        let nests = ["(b or |)", "(b and |)", "(b if |)", "coalesce(|, b)", "(b | default(|))", "[b or |]"];
        for (open, close) in nests.iter().filter_map(|nest| nest.rsplit_once('|')) {
            let deep = |levels: usize| format!("{}a{}", open.repeat(levels), close.repeat(levels));
            let most = (1..20).map(deep).take_while(|deep| Expression::compile(deep).is_ok()).last().unwrap();
            assert!(Traced::compile(&most).is_ok(), "{most}");
        }
    }
}
