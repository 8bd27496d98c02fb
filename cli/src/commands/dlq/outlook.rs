//! How dead letters would fare, counted. Pure.

use crate::output::{Style, count, one_line, or_dash, table};
use rtr_core::code::Code;
use rtr_core::config::Mode;
use rtr_core::item::Ended;
use rtr_engine::letters::{Fared, Fate};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// How letters would fare, in the shape that scripts rely on. The endings and `gone` and `not_rehearsed` add up to `looked_at`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Outlook {
    pub(crate) looked_at: usize,
    /// Beyond what was looked at; with `or_more`, at least so many.
    pub(crate) not_looked_at: usize,
    pub(crate) or_more: bool,
    pub(crate) applied: usize,
    pub(crate) unchanged: usize,
    pub(crate) superseded: usize,
    pub(crate) skipped: usize,
    pub(crate) parked: usize,
    /// Sent as when the CRM refused it: only the CRM can say.
    pub(crate) as_refused: usize,
    pub(crate) dead: usize,
    /// No longer dead.
    pub(crate) gone: usize,
    pub(crate) not_rehearsed: usize,
    /// By ending and cause, the most frequent first.
    pub(crate) groups: Vec<Alike>,
    /// Connections that are not live: nothing goes there until they are.
    pub(crate) not_live: BTreeSet<NotLive>,
}

/// Letters that would fare alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Alike {
    pub(crate) outcome: Outcome,
    /// Why it would end so; of what would go through, and of what cannot be rehearsed, what it died of.
    pub(crate) code: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) message: String,
    pub(crate) count: usize,
    /// The id of one.
    pub(crate) example: String,
}

/// A connection to which nothing goes as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(crate) struct NotLive {
    org_id: String,
    connection: String,
    mode: &'static str,
}

/// How it would end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Applied,
    Unchanged,
    Superseded,
    Skipped,
    Parked,
    AsRefused,
    Dead,
    NotRehearsed,
}

impl Outcome {
    /// None for what is not dead any more.
    pub(super) fn of(fate: Fate) -> Option<Self> {
        Some(match fate {
            Fate::Ended(Ended::Applied) => Self::Applied,
            Fate::Ended(Ended::Unchanged) => Self::Unchanged,
            Fate::Ended(Ended::Superseded) => Self::Superseded,
            Fate::Ended(Ended::Skipped) => Self::Skipped,
            Fate::Ended(Ended::Parked) => Self::Parked,
            Fate::Ended(Ended::Dead) => Self::Dead,
            Fate::AsRefused => Self::AsRefused,
            Fate::Unrehearsed(_) => Self::NotRehearsed,
            Fate::Gone => return None,
        })
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Superseded => "superseded",
            Self::Skipped => "skipped",
            Self::Parked => "waits",
            Self::AsRefused => "sent as it was refused",
            Self::Dead => "dead again",
            Self::NotRehearsed => "not rehearsed",
        }
    }
}

impl Outlook {
    /// Adds how one would fare.
    pub(super) fn add(&mut self, fared: &Fared<'_>) {
        self.looked_at += 1;
        let Some(outcome) = Outcome::of(fared.fate) else {
            self.gone += 1;
            return;
        };
        *match outcome {
            Outcome::Applied => &mut self.applied,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Superseded => &mut self.superseded,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Parked => &mut self.parked,
            Outcome::AsRefused => &mut self.as_refused,
            Outcome::Dead => &mut self.dead,
            Outcome::NotRehearsed => &mut self.not_rehearsed,
        } += 1;
        let letter = fared.letter;
        if let (Some(org_id), Some(connection), false) =
            (&letter.org_id, &letter.connection, fared.mode == Mode::Live)
        {
            let mode = if fared.mode == Mode::Paused { "paused" } else { "shadow" };
            let (org_id, connection) = (org_id.clone(), connection.clone());
            self.not_live.insert(NotLive { org_id, connection, mode });
        }
        let (code, field, message) = why(fared);
        let same = |alike: &&mut Alike| {
            alike.outcome == outcome && alike.code == code && alike.field == field && alike.message == message
        };
        match self.groups.iter_mut().find(same) {
            Some(alike) => alike.count += 1,
            None => {
                let example = letter.id.clone();
                self.groups.push(Alike { outcome, code, field, message, count: 1, example });
            }
        }
    }

    /// The same, in its order.
    pub(super) fn sorted(mut self) -> Self {
        self.groups.sort_by_key(|alike| std::cmp::Reverse(alike.count));
        self
    }

    /// Counted, in a line.
    pub(crate) fn summary(&self) -> String {
        let counted = [
            (self.applied, Outcome::Applied),
            (self.unchanged, Outcome::Unchanged),
            (self.superseded, Outcome::Superseded),
            (self.skipped, Outcome::Skipped),
            (self.parked, Outcome::Parked),
            (self.as_refused, Outcome::AsRefused),
            (self.dead, Outcome::Dead),
            (self.not_rehearsed, Outcome::NotRehearsed),
        ];
        let mut parts: Vec<String> =
            counted.iter().filter(|(n, _)| *n > 0).map(|(n, of)| format!("{n} {}", of.words())).collect();
        if self.gone > 0 {
            parts.push(format!("{} no longer dead", self.gone));
        }
        let looked = count(self.looked_at, "dead letter");
        let more = match (self.not_looked_at, self.or_more) {
            (0, false) => String::new(),
            (0, true) => " (and more that were not looked at)".to_owned(),
            (n, true) => format!(" (and {n} or more that were not looked at)"),
            (n, false) => format!(" (and {n} that were not looked at)"),
        };
        if parts.is_empty() {
            format!("{looked}{more}")
        } else {
            format!("{looked}: {}{more}", parts.join(", "))
        }
    }

    /// What a person should know beside the counts.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.as_refused > 0 {
            remarks.push(
                "sent as it was refused: the CRM gets in it what it refused before; whether it takes that now, only it can say"
                    .to_owned(),
            );
        }
        let stopped = |one: &NotLive| {
            let until = if one.mode == "paused" { "it is resumed" } else { "its mode is live" };
            one_line(&format!(
                "{} {} is {}: nothing goes there until {until}",
                one.org_id, one.connection, one.mode
            ))
        };
        remarks.extend(self.not_live.iter().map(stopped));
        remarks
    }

    /// The groups as rows.
    pub(crate) fn rows(&self, style: Style) -> String {
        if self.groups.is_empty() {
            return String::new();
        }
        let row = |alike: &Alike| {
            vec![
                alike.outcome.words().to_owned(),
                alike.count.to_string(),
                or_dash(alike.code.as_ref()),
                or_dash(alike.field.as_ref()),
                alike.example.clone(),
                alike.message.clone(),
            ]
        };
        let header = ["would be", "count", "code", "field", "example", "message"];
        table(style, &header, self.groups.iter().map(row).collect())
    }
}

/// Code, field and words of why it would end so, or of what it died of.
fn why(fared: &Fared<'_>) -> (Option<String>, Option<String>, String) {
    let letter = fared.letter;
    match (fared.fate, &fared.reason) {
        (Fate::Unrehearsed(why), _) => (letter.code.clone(), letter.field.clone(), why.to_owned()),
        (Fate::Ended(ended), Some(reason)) if ended != Ended::Applied => {
            let code: Code = reason.code;
            (Some(code.to_string()), reason.field.clone(), reason.message.clone())
        }
        _ => (letter.code.clone(), letter.field.clone(), letter.message.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::Letter;
    use super::super::letter::tests::letter;
    use super::*;
    use rtr_core::item::Reason;

    fn refused(id: &str) -> Letter {
        let summary = r#"{"org_id":"acme","connection":"hubspot","record_type":"contact","record_id":"c-1",
            "version":7,"reason":"mapping","code":"RTR2005","message":"no value of the map","field":"stage","attempts":1}"#;
        letter(id, "hubspot", 10, summary)
    }

    fn fared(letter: &Letter, fate: Fate, reason: Option<Reason>, mode: Mode) -> Fared<'_> {
        Fared { letter, fate, reason, payload: None, requests: Vec::new(), mode }
    }

    #[test]
    fn given_how_letters_would_fare_when_counted_then_the_counts_add_up_and_each_cause_has_an_example() {
        let letters: Vec<Letter> = (0..7).map(|n| refused(&format!("c-{n}"))).collect();
        let again = || {
            let reason = Reason::new(Code::MappingFailed, "`phone` is no number");
            Some(Reason { field: Some("phone".to_owned()), ..reason })
        };
        let mut outlook = Outlook::default();
        for (letter, fate, reason, mode) in [
            (&letters[0], Fate::Ended(Ended::Applied), None, Mode::Paused),
            (&letters[1], Fate::Ended(Ended::Dead), again(), Mode::Live),
            (&letters[2], Fate::Ended(Ended::Applied), None, Mode::Live),
            (&letters[3], Fate::Ended(Ended::Applied), None, Mode::Live),
            (&letters[4], Fate::AsRefused, None, Mode::Live),
            (&letters[5], Fate::Gone, None, Mode::Live),
            (&letters[6], Fate::Unrehearsed("it is on its way back"), None, Mode::Live),
        ] {
            outlook.add(&fared(letter, fate, reason, mode));
        }
        let outlook = Outlook { not_looked_at: 3, ..outlook.sorted() };
        insta::assert_snapshot!(outlook.summary(), @"7 dead letters: 3 applied, 1 sent as it was refused, 1 dead again, 1 not rehearsed, 1 no longer dead (and 3 that were not looked at)");
        insta::assert_snapshot!(outlook.rows(Style::Plain), @r"
        WOULD BE                COUNT  CODE     FIELD  EXAMPLE           MESSAGE
        applied                 3      RTR2005  stage  dea5ebe8a966148c  no value of the map
        dead again              1      RTR2005  phone  7ba3413ad828a995  `phone` is no number
        sent as it was refused  1      RTR2005  stage  2e6d22329a9e49fc  no value of the map
        not rehearsed           1      RTR2005  stage  d3ff68d6237b9fce  it is on its way back
        ");
        insta::assert_snapshot!(outlook.remarks().join("\n"), @r"
        sent as it was refused: the CRM gets in it what it refused before; whether it takes that now, only it can say
        acme hubspot is paused: nothing goes there until it is resumed
        ");
        let sum = outlook.applied + outlook.as_refused + outlook.dead + outlook.not_rehearsed + outlook.gone;
        assert_eq!(sum, outlook.looked_at);
        assert_eq!(outlook.groups.iter().map(|alike| alike.count).sum::<usize>() + outlook.gone, 7);
        assert_eq!(
            (Outlook::default().summary(), Outlook::default().rows(Style::Plain)),
            ("0 dead letters".to_owned(), String::new())
        );
    }

    #[test]
    fn given_an_outlook_when_scripts_read_it_then_it_has_the_contracts_shape() {
        let letter = refused("c-1");
        let mut outlook = Outlook::default();
        outlook.add(&fared(&letter, Fate::AsRefused, None, Mode::Shadow));
        crate::schema::tests::holds("dlq preview", &outlook);
        insta::assert_snapshot!(serde_json::to_string(&outlook).unwrap(), @r#"{"looked_at":1,"not_looked_at":0,"or_more":false,"applied":0,"unchanged":0,"superseded":0,"skipped":0,"parked":0,"as_refused":1,"dead":0,"gone":0,"not_rehearsed":0,"groups":[{"outcome":"as_refused","code":"RTR2005","field":"stage","message":"no value of the map","count":1,"example":"7ba3413ad828a995"}],"not_live":[{"org_id":"acme","connection":"hubspot","mode":"shadow"}]}"#);
    }
}
