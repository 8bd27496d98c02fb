//! Which dead letters, or which parked versions, are meant.

use super::letter::Letter;
use crate::moment::{now, read_time};
use rtr_core::time::Instant;
use serde::Serialize;
use std::collections::BTreeMap;

/// The classes of reasons that dead letters have, as `Reason::class` gives them.
const REASONS: [&str; 5] = ["malformed", "mapping", "rejected", "waiting", "crash"];

/// The filters; all that are given must hold.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Filter {
    /// Of this org
    #[arg(long)]
    pub(crate) org: Option<String>,
    /// At this connection
    #[arg(long)]
    pub(crate) connection: Option<String>,
    /// Of this record type
    #[arg(long = "type", value_name = "RECORD_TYPE")]
    pub(crate) record_type: Option<String>,
    /// With this class of reason
    #[arg(long, value_parser = REASONS)]
    pub(crate) reason: Option<String>,
    /// With this code
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// Since this time or later: 2026-11-23T10:00:00Z, 2026-11-23, or a time ago such as 2h
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Instant>,
    /// Since before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Instant>,
    /// With this id; may be given again
    #[arg(long)]
    pub(crate) id: Vec<String>,
}

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
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    /// What its letters have in common.
    #[serde(flatten)]
    pub(crate) by: BTreeMap<&'static str, Option<String>>,
    /// How many there are.
    pub(crate) count: usize,
    /// The oldest.
    pub(crate) since: String,
}

fn time(text: &str) -> Result<Instant, String> {
    read_time(text, now())
}

impl Filter {
    /// Whether `letter` is meant.
    pub(crate) fn takes(&self, letter: &Letter) -> bool {
        let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        let code =
            |wanted: &String| letter.code.as_ref().is_some_and(|code| code.eq_ignore_ascii_case(wanted));
        is(&self.org, &letter.org_id)
            && is(&self.connection, &letter.connection)
            && is(&self.record_type, &letter.record_type)
            && self.reason.as_ref().is_none_or(|reason| *reason == letter.reason)
            && self.code.as_ref().is_none_or(code)
            && self.since.is_none_or(|since| letter.since >= since)
            && self.until.is_none_or(|until| letter.since < until)
            && (self.id.is_empty() || self.id.contains(&letter.id))
    }
}

impl Grouping {
    fn of(self, letter: &Letter) -> BTreeMap<&'static str, Option<String>> {
        let code = ("code", letter.code.clone());
        match self {
            Self::Org => BTreeMap::from([("org_id", letter.org_id.clone())]),
            Self::Connection => {
                BTreeMap::from([("org_id", letter.org_id.clone()), ("connection", letter.connection.clone())])
            }
            Self::Type => BTreeMap::from([("record_type", letter.record_type.clone())]),
            Self::Reason => BTreeMap::from([("reason", Some(letter.reason.clone()))]),
            Self::Code => BTreeMap::from([code]),
            Self::Field => BTreeMap::from([code, ("field", letter.field.clone())]),
            Self::Message => BTreeMap::from([code, ("message", Some(letter.message.clone()))]),
        }
    }

    /// The letters counted, the largest group first.
    pub(crate) fn count(self, letters: &[Letter]) -> Vec<Group> {
        let mut groups: BTreeMap<BTreeMap<&'static str, Option<String>>, (usize, Instant)> = BTreeMap::new();
        for letter in letters {
            let (count, since) = groups.entry(self.of(letter)).or_insert((0, letter.since));
            *count += 1;
            *since = (*since).min(letter.since);
        }
        let group =
            |(by, (count, since)): (_, (usize, Instant))| Group { by, count, since: since.to_rfc3339() };
        let mut groups: Vec<Group> = groups.into_iter().map(group).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups
    }
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
            letter("3", "salesforce", 30, &summary("salesforce", "RTR3004", "email")),
        ]
    }

    #[test]
    fn given_filters_when_asked_then_all_of_them_must_hold() {
        let letters = three();
        let seen = |filter: Filter| {
            letters.iter().filter(|one| filter.takes(one)).map(|one| one.since.0).collect::<Vec<_>>()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(seen(Filter::default()), [10, 20, 30]);
        assert_eq!(
            seen(Filter { connection: text("hubspot"), since: Some(Instant(20)), ..Filter::default() }),
            [20]
        );
        assert_eq!(seen(Filter { until: Some(Instant(20)), ..Filter::default() }), [10]);
        assert_eq!(seen(Filter { code: text("rtr3004"), org: text("acme"), ..Filter::default() }), [30]);
        assert_eq!(seen(Filter { id: vec![letters[1].id.clone()], ..Filter::default() }), [20]);
        assert!(seen(Filter { org: text("other"), ..Filter::default() }).is_empty());
    }

    #[test]
    fn given_every_code_when_classed_then_its_reason_can_be_asked_for() {
        use rtr_core::code::Code;
        use rtr_core::item::Reason;
        for code in Code::ALL {
            let class = Reason::new(*code, "").class();
            assert!(REASONS.contains(&class), "{class} of {code}");
        }
    }

    #[test]
    fn given_letters_when_grouped_then_the_largest_group_comes_first() {
        insta::assert_snapshot!(serde_json::to_string(&Grouping::Code.count(&three())).unwrap(), @r#"[{"code":"RTR3001","count":2,"since":"1970-01-01T00:00:00.010Z"},{"code":"RTR3004","count":1,"since":"1970-01-01T00:00:00.030Z"}]"#);
        assert_eq!(Grouping::Connection.count(&three()).len(), 2);
        assert_eq!(Grouping::Field.count(&three()).len(), 3);
    }
}
