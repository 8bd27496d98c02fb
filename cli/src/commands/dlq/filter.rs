//! Which dead letters, or which parked versions, are meant.

use super::letter::Letter;
use crate::moment::{now, read_time};
use rtr_core::time::Instant;
use std::fmt::Write as _;

/// The classes of reasons that dead letters have, as `Reason::class` gives them.
const REASONS: [&str; 5] = ["malformed", "mapping", "rejected", "waiting", "crash"];
/// The way that a letter was on: to a CRM, or from one.
const DIRECTIONS: [&str; 2] = ["out", "in"];

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
    /// With this code, such as RTR3001
    #[arg(long, value_parser = code)]
    pub(crate) code: Option<String>,
    /// With this field at fault
    #[arg(long, value_name = "NAME")]
    pub(crate) field: Option<String>,
    /// On its way out to a CRM, or in to the internal system
    #[arg(long, value_parser = DIRECTIONS)]
    pub(crate) direction: Option<String>,
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

/// A slip in a code finds nothing, which would pass for good news.
fn code(text: &str) -> Result<String, String> {
    let digits = text.get(..3).filter(|head| head.eq_ignore_ascii_case("rtr")).and_then(|_| text.get(3..));
    let is_code =
        digits.is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|c| c.is_ascii_digit()));
    if is_code { Ok(text.to_ascii_uppercase()) } else { Err(format!("`{text}` is no code: write RTR3001")) }
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
            && is(&self.field, &letter.field)
            && self.direction.as_ref().is_none_or(|wanted| *wanted == letter.direction.unwrap_or("out"))
            && self.since.is_none_or(|since| letter.since >= since)
            && self.until.is_none_or(|until| letter.since < until)
            && (self.id.is_empty() || self.id.contains(&letter.id))
    }

    /// Whether it takes everything.
    pub(super) fn is_open(&self) -> bool {
        self.words().is_empty()
    }

    /// The same as it is said on a command line, each word after a space; what has no value is not said.
    pub(crate) fn words(&self) -> String {
        let mut words = String::new();
        let mut say = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(words, " --{name} {}", quoted(&value));
            }
        };
        let time = |at: Option<Instant>| at.map(Instant::to_rfc3339);
        say("org", self.org.clone());
        say("connection", self.connection.clone());
        say("type", self.record_type.clone());
        say("reason", self.reason.clone());
        say("code", self.code.clone());
        say("field", self.field.clone());
        say("direction", self.direction.clone());
        say("since", time(self.since));
        say("until", time(self.until));
        self.id.iter().for_each(|id| say("id", Some(id.clone())));
        words
    }
}

/// A value as a shell takes it.
pub(crate) fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/@+,".contains(c);
    if !value.is_empty() && !value.starts_with('-') && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
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
    fn given_a_code_when_read_then_a_slip_is_refused_and_case_does_not_matter() {
        assert_eq!(code("rtr3001"), Ok("RTR3001".to_owned()));
        assert!(
            ["3001", "RTR301", "RTR30011", "RTR3OO1", "", "é", "rtré3001"]
                .iter()
                .all(|text| code(text).is_err())
        );
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
    fn given_a_field_or_a_direction_when_asked_then_only_such_letters_are_meant() {
        let mut letters = three();
        letters[2].direction = Some("in");
        let seen = |filter: Filter| {
            letters.iter().filter(|one| filter.takes(one)).map(|one| one.since.0).collect::<Vec<_>>()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(seen(Filter { field: text("email"), ..Filter::default() }), [10, 30]);
        assert_eq!(seen(Filter { direction: text("in"), ..Filter::default() }), [30]);
        assert_eq!(seen(Filter { direction: text("out"), ..Filter::default() }), [10, 20]);
    }

    #[test]
    fn given_a_filter_when_said_then_a_shell_reads_it_as_it_is() {
        let text = |text: &str| Some(text.to_owned());
        let filter = Filter {
            org: text("o'hara & co"),
            code: text("RTR3001"),
            field: text("first_name"),
            since: Some(Instant(0)),
            ..Filter::default()
        };
        insta::assert_snapshot!(filter.words().trim_start(), @r"--org 'o'\''hara & co' --code RTR3001 --field first_name --since 1970-01-01T00:00:00.000Z");
        assert_eq!(Filter::default().words(), "");
        assert_eq!([quoted("-x"), quoted("")], ["'-x'", "''"]);
    }
}
