//! Events that cannot be previewed: a finding beside those that can.

use super::events::Event;
use super::one::Told;
use crate::problem::Problem;
use schemars::JsonSchema;
use serde::Serialize;

/// Why an event cannot be previewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Unpreviewed {
    /// The event's place in its file, from 1.
    pub(super) event: usize,
    pub(super) message: String,
    /// What to do about it.
    pub(super) advice: Option<String>,
}

/// What is told of all `events`, of each of which something `came`. Where nothing could be previewed that is the command's problem.
pub(super) fn together(events: &[Event], came: Vec<Result<Told, Problem>>) -> Result<Vec<Told>, Problem> {
    if came.iter().all(Result::is_err) {
        return came.into_iter().collect();
    }
    let told = |(at, (event, came)): (usize, (&Event, Result<Told, Problem>))| {
        came.unwrap_or_else(|Problem { what, hint, .. }| {
            let problem = Unpreviewed { event: at + 1, message: what, advice: hint };
            Told { problem: Some(problem), ..Told::of(&event.change, Vec::new()) }
        })
    };
    Ok(events.iter().zip(came).enumerate().map(told).collect())
}

#[cfg(test)]
mod tests {
    use super::super::events::of_text;
    use super::*;
    use crate::problem::Exit;

    #[test]
    fn given_events_of_which_one_cannot_be_previewed_when_told_then_it_is_a_finding_and_the_others_are_there()
    {
        let event = r#"{"org_id":"acme","record_type":"contact","record_id":"c-1","version":7,"data":{}}"#;
        let lines = format!("{event}\n{}\n{event}\n", event.replace("acme", "nobody"));
        let events = of_text("odd.jsonl", &lines).unwrap();
        let problem = || Err(Problem::not_found("org `nobody` has no configuration").hint("rtr config show"));
        let well = |at: usize| Ok(Told::of(&events[at].change, Vec::new()));
        let told = together(&events, vec![well(0), problem(), well(2)]).unwrap();
        assert_eq!(told.iter().map(Told::has_findings).collect::<Vec<_>>(), [false, true, false]);
        let Unpreviewed { event, message, advice } = told[1].problem.clone().unwrap();
        assert_eq!((event, message.as_str()), (2, "org `nobody` has no configuration"));
        assert_eq!((advice.as_deref(), told[1].key.org_id.as_str()), (Some("rtr config show"), "nobody"));
        let none = together(&events[1..2], vec![problem()]).unwrap_err();
        assert_eq!((none.exit, none.what.as_str()), (Exit::NotFound, "org `nobody` has no configuration"));
    }
}
