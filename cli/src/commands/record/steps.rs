//! The way of a version at a connection, step by step, each in a sentence: from the event in its queue to the ending that was
//! written. Pure. What a step needs and nobody kept is left out, never guessed.

use super::setting::Setting;
use crate::schema::foreign;
use rtr_core::code::Code;
use rtr_core::item::{Ended, Recent};
use rtr_core::time::Instant;
use rtr_core::trail::{Did, Trail};
use schemars::JsonSchema;
use serde::Serialize;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Step {
    /// `event`, `route`, `mapping`, `decision`, `tokens`, `request`, `answer` or `committed`.
    pub(super) step: &'static str,
    /// When, where that is known.
    pub(super) at: Option<String>,
    /// What happened, in a sentence.
    pub(super) message: String,
    /// Why, where that has a code.
    #[schemars(schema_with = "foreign::code_or_null")]
    pub(super) code: Option<Code>,
}

fn step(name: &'static str, at: Option<Instant>, message: impl Into<String>) -> Step {
    Step { step: name, at: at.map(Instant::to_rfc3339), message: message.into(), code: None }
}

/// The steps to `recent`, in their order; `why` is its reason in our words.
pub(super) fn steps(recent: &Recent, why: Option<&str>, setting: &Setting) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(trail) = &recent.trail {
        steps.push(event(recent, trail));
    }
    steps.push(step("route", None, setting.route_words()));
    steps.extend(mapping(recent, setting));
    let by_crm = is_by_crm(recent);
    let code = recent.code.filter(|_| !by_crm);
    steps.extend(decision(recent).map(|words| Step { code, ..step("decision", None, words) }));
    if let Some(trail) = recent.trail.as_ref().filter(|trail| trail.calls > 0) {
        steps.extend(calls(recent, trail, by_crm));
    }
    let committed = committed(recent, why, setting);
    steps.push(Step { code: recent.code, ..step("committed", Some(recent.at), committed) });
    steps
}

fn event(recent: &Recent, trail: &Trail) -> Step {
    let entered = i64::try_from(trail.entered_ms).unwrap_or(i64::MAX);
    let at = recent.at.plus_ms(-entered);
    let times = match trail.receives {
        0 | 1 => String::new(),
        n => format!(", received {n} times"),
    };
    step("event", Some(at), format!("Version {} came in{times}.", recent.version))
}

fn mapping(recent: &Recent, setting: &Setting) -> Option<Step> {
    let trail = recent.trail.as_ref()?;
    let name = setting.mapping_name();
    let message = match setting.revision {
        _ if trail.mapping_revision == 0 => return None,
        Some(now) if now != trail.mapping_revision => {
            format!("By mapping {name}, revision {}; revision {now} is in force now.", trail.mapping_revision)
        }
        _ => format!("By mapping {name}, revision {}.", trail.mapping_revision),
    };
    Some(step("mapping", None, message))
}

/// Whether it was the CRM's answer, or the want of one, that it ended so for: not the event, the mapping, or what was concluded
/// from an answer.
fn is_by_crm(recent: &Recent) -> bool {
    recent.trail.as_ref().is_some_and(|trail| trail.calls > 0)
        && recent.code.is_some_and(|code| {
            is_refusal(code)
                || matches!(
                    code,
                    Code::Throttled | Code::Unavailable | Code::OutcomeUnknown | Code::Suspended | Code::Busy
                )
        })
}

/// Whether it is the CRM's word against what was sent.
fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::Invalid | Code::Forbidden | Code::Missing | Code::Duplicate | Code::Refused | Code::TooLarge
    )
}

/// What was decided.
fn decision(recent: &Recent) -> Option<&'static str> {
    let did = recent.trail.as_ref()?.did;
    Some(match (recent.ended, did) {
        (Ended::Skipped, None) => match recent.code {
            Some(Code::LeftOut) => "The mapping's `when` does not hold: no call.",
            Some(Code::Ignored) => "The mapping leaves such a change alone: no call.",
            Some(Code::Shadowed) => "What would be written was noted, and nothing sent: no call.",
            Some(Code::GivenUp) => "Given up before it went: no call.",
            _ => "Not for this CRM: no call.",
        },
        (_, Some(Did::Create)) => "To be made: the CRM has no record of it.",
        (_, Some(Did::Update)) => "To be written to the linked record.",
        (_, Some(Did::Upsert)) => "To be written to whichever record has our key, or made.",
        (_, Some(Did::Archive)) => "To be archived.",
        (_, Some(Did::Erase)) => "To be erased.",
        (Ended::Unchanged, Some(Did::Look)) => "The CRM holds it already: nothing to write.",
        (_, Some(Did::Look)) => "The CRM was asked what it has.",
        (Ended::Applied, None) => "To be written.",
        (Ended::Unchanged, None) => "Equal to what was last written: no call.",
        (Ended::Superseded, None) => "An equal or newer version was there before: no call.",
        (Ended::Parked, None) => "Not now: no call.",
        (Ended::Dead, None) => "It cannot be sent as it is: no call.",
    })
}

fn calls(recent: &Recent, trail: &Trail, by_crm: bool) -> Vec<Step> {
    let tokens = match trail.waited_ms {
        0 => "Within the limits: no wait.".to_owned(),
        ms => format!("Waited {} for the connection's limits.", span(ms)),
    };
    let to = trail.did.map_or_else(String::new, |did| format!(", the last to {}", did.words()));
    let requests =
        if trail.calls == 1 { "1 request".to_owned() } else { format!("{} requests", trail.calls) };
    let answer = match trail.status {
        // One answer to a call for several records: it says of each what became of it.
        Some(status @ 200..300) if by_crm && recent.code.is_some_and(is_refusal) => {
            format!("The CRM answered {status} after {}, and in it refused this record.", span(trail.took_ms))
        }
        Some(status) => format!("The CRM answered {status} after {}.", span(trail.took_ms)),
        None => format!("The CRM did not answer within {}.", span(trail.took_ms)),
    };
    vec![
        step("tokens", None, tokens),
        step("request", None, format!("{requests}{to}.")),
        Step { code: recent.code.filter(|_| by_crm), ..step("answer", None, answer) },
    ]
}

fn committed(recent: &Recent, why: Option<&str>, setting: &Setting) -> String {
    let after = recent
        .trail
        .as_ref()
        .map_or_else(String::new, |trail| format!(", {} after it came in", span(trail.entered_ms)));
    let because = why.map_or_else(String::new, |why| format!(": {why}"));
    let meaning = match recent.ended {
        Ended::Applied => "Applied",
        Ended::Unchanged => "Unchanged",
        Ended::Superseded => "Superseded",
        Ended::Skipped => "Skipped",
        Ended::Parked if recent.code.is_some_and(|code| setting.action(code).is_some()) => {
            "Parked, and waits for a person"
        }
        Ended::Parked => "Parked, and goes by itself",
        Ended::Dead => "Dead, and waits for a person",
    };
    let dot = if because.ends_with(['.', '!', '?']) { "" } else { "." };
    let who = match recent.code {
        Some(Code::GivenUp) => format!(" {} says who did, and why.", setting.audit()),
        _ => String::new(),
    };
    format!("{meaning}{after}{because}{dot}{who}")
}

/// `35 ms`, `1.2 s`, `3 min`, `5 h`.
fn span(ms: u64) -> String {
    match ms {
        0..=999 => format!("{ms} ms"),
        1_000..=119_999 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        120_000..=7_199_999 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(recent: &Recent, why: Option<&str>) -> String {
        let setting = Setting::sample();
        let line = |step: Step| format!("{} {} {}", step.step, step.at.unwrap_or_default(), step.message);
        steps(recent, why, &setting).into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn given_an_applied_version_when_told_then_each_step_of_its_way_is_a_sentence() {
        let trail = Trail {
            entered_ms: 1_203,
            receives: 2,
            waited_ms: 35,
            calls: 2,
            status: Some(200),
            took_ms: 140,
            mapping_revision: 11,
            did: Some(Did::Update),
        };
        let recent = Recent {
            ended: Ended::Applied,
            version: 7,
            at: Instant(1_795_000_000_000),
            code: None,
            field: None,
            trail: Some(trail),
        };
        insta::assert_snapshot!(told(&recent, None), @r"
        event 2026-11-18T11:06:38.797Z Version 7 came in, received 2 times.
        route  Records of type contact go to hubspot.
        mapping  By mapping hubspot/contact, revision 11; revision 12 is in force now.
        decision  To be written to the linked record.
        tokens  Waited 35 ms for the connection's limits.
        request  2 requests, the last to update.
        answer  The CRM answered 200 after 140 ms.
        committed 2026-11-18T11:06:40.000Z Applied, 1.2 s after it came in.
        ");
    }

    #[test]
    fn given_what_was_noted_without_its_way_when_told_then_nothing_is_guessed() {
        let recent = Recent {
            ended: Ended::Dead,
            version: 8,
            at: Instant(1_795_000_000_000),
            code: Some(Code::Invalid),
            field: None,
            trail: None,
        };
        insta::assert_snapshot!(told(&recent, Some("email: not an address")), @r"
        route  Records of type contact go to hubspot.
        committed 2026-11-18T11:06:40.000Z Dead, and waits for a person: email: not an address.
        ");
    }

    #[test]
    fn given_a_call_without_an_answer_when_told_then_it_says_so() {
        let trail = Trail { calls: 1, took_ms: 30_000, did: Some(Did::Create), ..Trail::default() };
        let ended = Ended::Parked;
        let recent = Recent {
            ended,
            version: 8,
            at: Instant(0),
            code: Some(Code::OutcomeUnknown),
            field: None,
            trail: Some(trail),
        };
        let told = told(&recent, Some(Code::OutcomeUnknown.about()));
        assert!(
            told.contains("1 request, the last to create.\nanswer  The CRM did not answer within 30.0 s."),
            "{told}"
        );
        assert!(told.ends_with("the write may have landed."), "{told}");
    }

    fn recent(ended: Ended, code: Option<Code>, trail: Option<Trail>) -> Recent {
        Recent { ended, version: 8, at: Instant(0), code, field: None, trail }
    }

    #[test]
    fn given_an_answer_to_a_call_for_several_when_one_is_refused_then_the_code_stands_at_the_answer() {
        let trail =
            Trail { calls: 1, took_ms: 4, status: Some(207), did: Some(Did::Upsert), ..Trail::default() };
        let steps = steps(&recent(Ended::Dead, Some(Code::Invalid), Some(trail)), None, &Setting::sample());
        let coded: Vec<_> = steps.iter().filter(|step| step.code.is_some()).map(|step| step.step).collect();
        assert_eq!(coded, ["answer", "committed"]);
        let answer = steps.iter().find(|step| step.step == "answer").unwrap();
        assert_eq!(answer.message, "The CRM answered 207 after 4 ms, and in it refused this record.");
    }

    #[test]
    fn given_what_is_concluded_from_an_answer_when_told_then_the_code_stands_at_the_decision() {
        let trail = Trail { calls: 1, status: Some(200), ..Trail::default() };
        for code in
            [Code::MappingFailed, Code::Ambiguous, Code::Owned, Code::Ignored, Code::WaitingForReference]
        {
            let recent = recent(Ended::Dead, Some(code), Some(trail.clone()));
            let steps = steps(&recent, None, &Setting::sample());
            let coded: Vec<_> =
                steps.iter().filter(|step| step.code.is_some()).map(|step| step.step).collect();
            assert_eq!(coded, ["decision", "committed"], "{code}");
            assert!(steps.iter().any(|step| step.message == "The CRM answered 200 after 0 ms."), "{code}");
        }
    }

    #[test]
    fn given_what_went_nowhere_when_told_then_each_has_its_own_reason() {
        let lines = [Code::LeftOut, Code::Ignored, Code::Shadowed, Code::GivenUp].map(|code| {
            let steps = steps(
                &recent(Ended::Skipped, Some(code), Some(Trail::default())),
                Some(code.about()),
                &Setting::sample(),
            );
            let last = steps.iter().rev().take(2).rev().map(|step| step.message.clone());
            last.collect::<Vec<_>>().join(" ")
        });
        insta::assert_snapshot!(lines.join("\n"), @r"
        The mapping's `when` does not hold: no call. Skipped, 0 ms after it came in: The mapping's `when` does not take the record.
        The mapping leaves such a change alone: no call. Skipped, 0 ms after it came in: The mapping says to leave it: by `write`, `on_delete` or `on_missing`.
        What would be written was noted, and nothing sent: no call. Skipped, 0 ms after it came in: The connection is shadowed: what would have been written is kept, nothing was sent.
        Given up before it went: no call. Skipped, 0 ms after it came in: A person gave the version up. rtr audit --org acme says who did, and why.
        ");
    }

    #[test]
    fn given_what_is_parked_when_told_then_it_says_whether_a_person_has_to_act() {
        let setting = Setting::paused(Some("acme hubspot"));
        let line = |code: Code| committed(&recent(Ended::Parked, Some(code), None), None, &setting);
        let waits = [Code::Paused, Code::Suspended, Code::NoSecret, Code::Throttled, Code::Unavailable];
        insta::assert_snapshot!(waits.map(line).join("\n"), @r"
        Parked, and waits for a person.
        Parked, and waits for a person.
        Parked, and waits for a person.
        Parked, and goes by itself.
        Parked, and goes by itself.
        ");
        let actions: Vec<String> = waits.iter().filter_map(|code| setting.action(*code)).collect();
        insta::assert_snapshot!(actions.join("\n"), @r"
        when it may go on: rtr connection resume acme hubspot
        new credentials: rtr connection connect acme hubspot, or another token in its secret (docs/credentials.md); then rtr connection test acme hubspot
        store its secret as docs/credentials.md shows, or rtr connection connect acme hubspot; then rtr connection test acme hubspot
        ");
    }
}
