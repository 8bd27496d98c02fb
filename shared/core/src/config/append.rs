//! A case added to a file of cases: what stands there already stays as it is written, comments included.

use super::cases::read;
use super::diagnostic::SourceFile;
use crate::mapping::Case;
use serde_json::Value;
use std::fmt::Write as _;

/// What a new file begins with.
const HEADER: &str = "# yaml-language-server: $schema=../../../schema/mapping-tests.json\n";
/// The order in which a person reads a case; other keys come after.
const ORDER: [&str; 4] = ["name", "org", "record", "existing"];
/// Plain words that YAML, or a reader of it, takes for something else.
const WORDS: [&str; 13] =
    ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity", "none"];

/// The text of `file` with `case` at its end; an empty text becomes a whole file.
///
/// # Errors
/// Why it cannot be added there, in words.
pub fn append_case(file: &SourceFile, case: &Case) -> Result<String, String> {
    if file.text.trim().is_empty() {
        return Ok(format!("{HEADER}{}", item(case, 0)));
    }
    let mut faults = Vec::new();
    let before = read(file, &mut faults).unwrap_or_default();
    if let Some(fault) = faults.first() {
        return Err(format!("the file is wrong already: {fault}"));
    }
    let place = before.first().and_then(|first| file.text.lines().nth(first.line.saturating_sub(1) as usize));
    let listed = place.filter(|line| line.trim_start().starts_with('-'));
    let Some(first) = listed else {
        return Err("the file is no list of cases in lines of their own, each behind a hyphen; make it one"
            .to_owned());
    };
    let indent = first.len() - first.trim_start().len();
    let text = format!("{}\n\n{}", file.text.trim_end(), item(case, indent));
    let after =
        read(&SourceFile { path: file.path.clone(), text: text.clone() }, &mut faults).unwrap_or_default();
    let same = after.iter().zip(&before).all(|(after, before)| after.case == before.case);
    let added = after.last().is_some_and(|last| last.case == *case);
    if faults.is_empty() && same && added && after.len() == before.len() + 1 {
        Ok(text)
    } else {
        Err("after the file's last line no further case can be added; add it by hand".to_owned())
    }
}

/// A case as an item of a list.
fn item(case: &Case, indent: usize) -> String {
    // All its keys are texts, so this cannot fail.
    let whole = serde_json::to_value(case).unwrap_or_default();
    let margin = " ".repeat(indent);
    let mut lines = Vec::new();
    let mut entries: Vec<_> = whole.as_object().into_iter().flatten().collect();
    entries.sort_by_key(|(key, _)| ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len()));
    for (key, value) in entries {
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                lines.push(format!("{key}:"));
                lines.extend(
                    entries.iter().map(|(key, value)| format!("  {}: {}", yaml_text(key), flow(value))),
                );
            }
            value => lines.push(format!("{key}: {}", flow(value))),
        }
    }
    let mut item = String::new();
    for (at, line) in lines.iter().enumerate() {
        let _ = writeln!(item, "{margin}{}{line}", if at == 0 { "- " } else { "  " });
    }
    item
}

/// A value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(value) => yaml_text(value),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| format!("{}: {}", yaml_text(key), flow(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A text as YAML: words that can be nothing else stand as they are, any other is quoted.
#[must_use]
pub fn yaml_text(value: &str) -> String {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
    };
    if value.split(' ').all(word) && !WORDS.contains(&value.to_lowercase().as_str()) {
        return value.to_owned();
    }
    // JSON's escapes are YAML's. What YAML does not print, or takes for the end of a line, JSON leaves as it is.
    let odd = |c: char| {
        c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let mut quoted = String::new();
    for c in Value::from(value).to_string().chars() {
        match u32::from(c) {
            code if odd(c) => drop(write!(quoted, "\\u{code:04x}")),
            _ => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn file(text: &str) -> SourceFile {
        SourceFile { path: "mappings/hubspot/tests/contact.yaml".to_owned(), text: text.to_owned() }
    }

    fn case(record: Value) -> Case {
        serde_json::from_value(json!({
            "name": "recorded", "record": record, "expect": {"email": "a@x.io", "on": null}, "untouched": ["city", "zip"],
        }))
        .unwrap()
    }

    #[test]
    fn given_a_file_when_a_case_is_added_then_its_comments_stay_and_it_reads_again() {
        let case = case(
            json!({"email": "a@x.io", "yes": true, "n": "no", "zip": "01", "tags": ["a b", {"k": 1.5}]}),
        );
        insta::assert_snapshot!(append_case(&file(""), &case).unwrap(), @r#"
        # yaml-language-server: $schema=../../../schema/mapping-tests.json
        - name: recorded
          record:
            email: "a@x.io"
            "n": "no"
            tags: [a b, {k: 1.5}]
            "yes": true
            zip: "01"
          expect:
            email: "a@x.io"
            "on": null
          untouched: [city, zip]
        "#);
        let text = "# ours\n  - record: {}   # nothing\n    untouched: [email]\n  # the end\n";
        insta::assert_snapshot!(append_case(&file(text), &case).unwrap(), @r#"
        # ours
          - record: {}   # nothing
            untouched: [email]
          # the end

          - name: recorded
            record:
              email: "a@x.io"
              "n": "no"
              tags: [a b, {k: 1.5}]
              "yes": true
              zip: "01"
            expect:
              email: "a@x.io"
              "on": null
            untouched: [city, zip]
        "#);
        for wrong in ["record: {}\n", "[{record: {}}]\n", "- record: {}\n...\n", "- recrod: {}\n"] {
            assert!(append_case(&file(wrong), &case).is_err(), "{wrong}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[a-z0-9:#,.~{}\\[\\]&*!|>'\"%@` -]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn given_any_record_when_written_then_it_reads_as_it_was(value in any_json()) {
            let case = case(json!({ "value": value }));
            let text = append_case(&file(""), &case).unwrap();
            let again = append_case(&file(&text), &case).unwrap();
            let read = read(&file(&again), &mut Vec::new()).unwrap();
            prop_assert!(read.iter().all(|one| one.case == case), "{}", text);
        }
    }
}
