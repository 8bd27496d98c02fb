//! Dead letters, or what is parked, counted by what they have in common.

use super::letter::Letter;
use crate::output::{Style, or_dash, table};
use rtr_core::time::Instant;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;

/// Causes that are shown.
const FEW: usize = 10;
/// An hour, in milliseconds.
const HOUR_MS: i64 = 3_600_000;
/// A day, in milliseconds.
const DAY_MS: i64 = 24 * HOUR_MS;

/// By what they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Grouping {
    /// The org
    Org,
    /// The org and the connection
    Connection,
    /// The record type
    Type,
    /// The class of the reason
    Reason,
    /// The code
    Code,
    /// Code and field
    Field,
    /// Code and message
    Message,
    /// The day, UTC
    Day,
    /// The hour, UTC
    Hour,
}

/// What letters of a group have in common, by the names that scripts know, in the order in which it was asked for.
pub(crate) type Common = Vec<(&'static str, Option<String>)>;

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// What its letters have in common.
    pub(crate) by: Common,
    /// How many there are.
    pub(crate) count: usize,
    /// The oldest.
    pub(crate) since: Instant,
    /// The newest.
    pub(crate) until: Instant,
    /// The id of the newest.
    pub(crate) example: String,
}

impl Serialize for Group {
    /// In the shape that scripts rely on.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shape = serializer.serialize_map(Some(self.by.len() + 4))?;
        for (name, value) in &self.by {
            shape.serialize_entry(name, value)?;
        }
        shape.serialize_entry("count", &self.count)?;
        shape.serialize_entry("since", &self.since.to_rfc3339())?;
        shape.serialize_entry("until", &self.until.to_rfc3339())?;
        shape.serialize_entry("example", &self.example)?;
        shape.end()
    }
}

impl Grouping {
    fn of(self, letter: &Letter) -> Common {
        let code = ("code", letter.code.clone());
        match self {
            Self::Org => vec![("org_id", letter.org_id.clone())],
            Self::Connection => {
                vec![("org_id", letter.org_id.clone()), ("connection", letter.connection.clone())]
            }
            Self::Type => vec![("record_type", letter.record_type.clone())],
            Self::Reason => vec![("reason", Some(letter.reason.clone()))],
            Self::Code => vec![code],
            Self::Field => vec![code, ("field", letter.field.clone())],
            Self::Message => vec![code, ("message", Some(letter.message.clone()))],
            Self::Day => vec![("day", Some(begins(letter.since, DAY_MS).to_rfc3339()[..10].to_owned()))],
            Self::Hour => vec![("hour", Some(begins(letter.since, HOUR_MS).to_rfc3339()))],
        }
    }
}

/// When the hour or the day of `at` begins.
fn begins(at: Instant, unit_ms: i64) -> Instant {
    Instant(at.0.div_euclid(unit_ms) * unit_ms)
}

/// The letters counted by all of `by`, the largest group first.
pub(crate) fn groups(by: &[Grouping], letters: &[Letter]) -> Vec<Group> {
    let mut groups: BTreeMap<Common, Group> = BTreeMap::new();
    for letter in letters {
        let mut common = Common::new();
        for part in by.iter().flat_map(|by| by.of(letter)) {
            if !common.iter().any(|(name, _)| *name == part.0) {
                common.push(part);
            }
        }
        let group = groups.entry(common.clone()).or_insert_with(|| Group {
            by: common,
            count: 0,
            since: letter.since,
            until: letter.since,
            example: letter.id.clone(),
        });
        group.count += 1;
        group.since = group.since.min(letter.since);
        if letter.since > group.until {
            group.until = letter.since;
            group.example.clone_from(&letter.id);
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

/// Groups as rows.
pub(crate) fn group_rows(style: Style, groups: &[Group]) -> String {
    let Some(first) = groups.first() else { return String::new() };
    let by = first.by.iter().map(|(name, _)| *name);
    let header: Vec<&str> = ["count"].into_iter().chain(by).chain(["since", "until", "example"]).collect();
    let row = |group: &Group| {
        let by = group.by.iter().map(|(_, value)| or_dash(value.as_ref()));
        let rest = [group.since.to_rfc3339(), group.until.to_rfc3339(), group.example.clone()];
        [group.count.to_string()].into_iter().chain(by).chain(rest).collect()
    };
    table(style, &header, groups.iter().map(row).collect())
}

/// What letters have in common, for who is asked or is told before they are acted on: the largest groups.
pub(super) fn causes(letters: &[Letter]) -> String {
    let mut groups = groups(&[Grouping::Connection, Grouping::Field], letters);
    let others: usize = groups.iter().skip(FEW).map(|group| group.count).sum();
    groups.truncate(FEW);
    let rows = group_rows(Style::Plain, &groups);
    if others == 0 { rows } else { format!("{rows}\n{others} of other causes") }
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::*;

    fn three() -> Vec<Letter> {
        let summary = |connection: &str, code: &str, field: &str| {
            format!(
                r#"{{"org_id":"acme","connection":"{connection}","record_type":"contact","record_id":"x","version":1,
                "reason":"rejected","code":"{code}","message":"m","field":"{field}","attempts":1}}"#
            )
        };
        vec![
            letter("1", "hubspot", 10, &summary("hubspot", "RTR3001", "email")),
            letter("2", "hubspot", 20, &summary("hubspot", "RTR3001", "phone")),
            letter("3", "salesforce", DAY_MS + 30, &summary("salesforce", "RTR3004", "email")),
        ]
    }

    #[test]
    fn given_letters_when_grouped_then_the_largest_group_comes_first_and_tells_its_span_and_one_of_it() {
        let letters = three();
        let found = groups(&[Grouping::Code], &letters);
        crate::schema::tests::fits("dlq list", &found);
        insta::assert_snapshot!(serde_json::to_string(&found[0]).unwrap(), @r#"{"code":"RTR3001","count":2,"since":"1970-01-01T00:00:00.010Z","until":"1970-01-01T00:00:00.020Z","example":"3c26860e0d976764"}"#);
        assert_eq!((found.len(), found[0].example.as_str()), (2, letters[1].id.as_str()));
        assert_eq!(groups(&[Grouping::Connection], &letters).len(), 2);
        assert_eq!(groups(&[Grouping::Field], &letters).len(), 3);
    }

    #[test]
    fn given_several_things_to_count_by_when_grouped_then_each_stands_once_and_in_its_order() {
        let found = groups(&[Grouping::Day, Grouping::Code, Grouping::Field, Grouping::Hour], &three());
        let names: Vec<&str> = found[0].by.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["day", "code", "field", "hour"]);
        insta::assert_snapshot!(group_rows(Style::Plain, &groups(&[Grouping::Day, Grouping::Hour], &three())), @r"
        COUNT  DAY         HOUR                      SINCE                     UNTIL                     EXAMPLE
        2      1970-01-01  1970-01-01T00:00:00.000Z  1970-01-01T00:00:00.010Z  1970-01-01T00:00:00.020Z  3c26860e0d976764
        1      1970-01-02  1970-01-02T00:00:00.000Z  1970-01-02T00:00:00.030Z  1970-01-02T00:00:00.030Z  a874e904abffed75
        ");
    }

    #[test]
    fn given_letters_of_many_causes_when_it_is_asked_then_the_largest_are_shown_and_the_rest_is_counted() {
        let summary = |field: usize| {
            format!(
                r#"{{"org_id":"acme","connection":"hubspot","record_type":"contact","record_id":"c","version":1,
                "reason":"mapping","code":"RTR2005","message":"m","field":"f{field:02}"}}"#
            )
        };
        let of = |n: usize| letter(&n.to_string(), "hubspot", 0, &summary(n.saturating_sub(2)));
        let letters: Vec<Letter> = (0..15).map(of).collect();
        let said = causes(&letters);
        assert!(said.lines().nth(1).unwrap().starts_with("3      acme    hubspot"), "{said}");
        assert!(said.ends_with("\n3 of other causes") && said.lines().count() == 12, "{said}");
        assert_eq!(causes(&letters[..1]).lines().count(), 2);
    }
}
