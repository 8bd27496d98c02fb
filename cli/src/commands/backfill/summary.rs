//! What became of a backfill, for people and scripts.

use super::feed::From;
use super::run::Sent;
use super::stops::Stopped;
use super::way::Waiting;
use crate::app::App;
use crate::commands::publish::line::Refused;
use crate::output::count;
use crate::problem::Exit;
use schemars::JsonSchema;
use serde::Serialize;

/// Refused lines that are shown to a person; a script gets more.
const SHOWN: usize = 20;

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::commands) struct Summary {
    pub(super) org_id: String,
    pub(super) record_type: String,
    /// The connections it is for.
    pub(super) connections: Vec<String>,
    /// Those of them that are shadowed: nothing is sent there.
    pub(super) shadowed: Vec<String>,
    /// Events that SQS has from this run, or that it would have.
    pub(in crate::commands) sent: u64,
    /// Lines that were refused.
    pub(in crate::commands) refused_lines: u64,
    /// The first ten thousand of them.
    pub(super) refused: Vec<Refused>,
    /// The line after which this run went on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resumed_after: Option<u64>,
    /// What is still parked, by connection.
    pub(super) waiting: Vec<Waiting>,
    /// Whether all of it has reached the CRM, or ended otherwise.
    pub(in crate::commands) done: bool,
    pub(super) dry_run: bool,
}

/// `summary` with what a run has sent.
pub(super) fn with(summary: Summary, sent: Sent) -> Summary {
    let Sent { sent, refused_lines, mut refused, waiting } = sent;
    refused.sort_by_key(|one| one.line);
    Summary { sent, refused_lines, refused, waiting, ..summary }
}

/// Tells it, with the lines that were refused; exit 1 if there are any.
pub(super) fn tell(app: &App, from: &From, summary: Summary) -> Exit {
    if !app.out.is_json() {
        for one in summary.refused.iter().take(SHOWN) {
            let code = one.code.map_or_else(String::new, |code| format!("{code} "));
            app.out.note(&format!("{}:{}: {code}{}", from.name(), one.line, one.message));
        }
        let more = usize::try_from(summary.refused_lines).unwrap_or(usize::MAX).saturating_sub(SHOWN);
        if more > 0 {
            app.out.note(&format!("… and {} more; --json lists the first ten thousand", count(more, "line")));
        }
    }
    app.out.answer(&summary, |_| words(&summary));
    Exit::of_findings(summary.refused_lines > 0)
}

fn words(summary: &Summary) -> String {
    let n = |n: u64, noun| count(usize::try_from(n).unwrap_or(usize::MAX), noun);
    let verb = if summary.dry_run { "would send" } else { "sent" };
    let mut text = format!("{verb} {}", n(summary.sent, "event"));
    if summary.refused_lines > 0 {
        text += &format!(", refused {}", n(summary.refused_lines, "line"));
    }
    let to: Vec<&str> = summary
        .connections
        .iter()
        .map(String::as_str)
        .filter(|name| !summary.shadowed.iter().any(|shadowed| shadowed == name))
        .collect();
    if summary.done && !to.is_empty() {
        text += &format!("; nothing of it is left on the way to {}", to.join(", "));
    }
    for name in &summary.shadowed {
        text += &format!("; nothing goes to {name}, which is shadowed");
    }
    for one in summary.waiting.iter().filter(|one| one.parked > 0 && !summary.done) {
        let about = if one.exact { "" } else { "about " };
        text += &format!("; {about}{} parked at {}", one.parked, one.connection);
        if let Some(Stopped { why, action }) = &one.stopped {
            text += &format!(", which is stopped: {why}\n  they go after: {action}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(parked: u64, exact: bool) -> Waiting {
        Waiting { connection: "hubspot".to_owned(), parked, exact, stopped: None }
    }

    fn summary() -> Summary {
        Summary {
            org_id: "acme".to_owned(),
            record_type: "contact".to_owned(),
            connections: vec!["hubspot".to_owned()],
            shadowed: vec![],
            sent: 2,
            refused_lines: 1,
            refused: vec![Refused { line: 3, code: None, field: None, message: "x".to_owned() }],
            resumed_after: None,
            waiting: vec![waiting(0, true)],
            done: true,
            dry_run: false,
        }
    }

    #[test]
    fn given_a_summary_when_told_then_words_and_json_agree() {
        assert_eq!(
            words(&summary()),
            "sent 2 events, refused 1 line; nothing of it is left on the way to hubspot"
        );
        let parked = |waiting| Summary { done: false, refused_lines: 0, waiting: vec![waiting], ..summary() };
        assert_eq!(words(&parked(waiting(3_200, false))), "sent 2 events; about 3200 parked at hubspot");
        let stopped = Stopped { why: "paused by ada".to_owned(), action: "rtr connection resume".to_owned() };
        let paused = Waiting { stopped: Some(stopped), ..waiting(2, true) };
        assert_eq!(
            words(&parked(paused)),
            "sent 2 events; 2 parked at hubspot, which is stopped: paused by ada\n  they go after: rtr connection resume"
        );
        let shadowed = Summary { shadowed: vec!["hubspot".to_owned()], refused_lines: 0, ..summary() };
        assert_eq!(words(&shadowed), "sent 2 events; nothing goes to hubspot, which is shadowed");
        let dry = Summary { dry_run: true, done: false, refused_lines: 0, ..summary() };
        assert_eq!(words(&dry), "would send 2 events");
        crate::schema::tests::holds("backfill", &summary());
        insta::assert_snapshot!(serde_json::to_string(&summary()).unwrap(), @r#"{"org_id":"acme","record_type":"contact","connections":["hubspot"],"shadowed":[],"sent":2,"refused_lines":1,"refused":[{"line":3,"code":null,"field":null,"message":"x"}],"waiting":[{"connection":"hubspot","parked":0,"exact":true,"stopped":null}],"done":true,"dry_run":false}"#);
    }
}
