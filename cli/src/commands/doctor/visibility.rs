//! How long a received message stays hidden, beside how long its work may last. Pure.

use super::checks::{AGAIN, Finding, Seen, finding, told};
use super::unseen::{Part, Unseen, gone};
use rtr_connectors::registry;
use std::collections::BTreeSet;

/// The queue's visibility, in timeouts of its function.
const VISIBILITIES: u64 = 6;
/// The functions whose queue's visibility counts.
const QUEUED: [(&str, &str); 5] = [
    ("sync", "changes"),
    ("bulk", "bulk"),
    ("redrive", "dead-letter"),
    ("apply", "inbound"),
    ("poll", "poll"),
];

/// What is wrong with the visibility of queues: a crashed worker's message comes back after it, and by then what the worker had
/// asked of a CRM must have landed or died.
pub(super) fn visibility(seen: &Seen, found: &mut Vec<Finding>) {
    if let Err(why) = &seen.providers {
        found.push(match (gone(seen).remove("Config"), why) {
            (Some(told), Unseen::Missing(_)) => {
                let (message, action) = (format!("not looked at: {told}"), "mend that, then look again");
                finding("unreadable", "configuration", message, action)
            }
            (_, why) => {
                let part = Part { about: "configuration", right: "dynamodb:Scan", mend: AGAIN };
                why.finding(&part, &seen.stage)
            }
        });
    }
    let (provider, life_s) = life_that_counts(seen);
    for (name, queue) in QUEUED {
        let (Some(Ok(function)), Some(Ok(queue_seen))) = (seen.functions.get(name), seen.queues.get(queue))
        else {
            continue;
        };
        let (about, visibility, timeout) =
            (format!("function {name}"), queue_seen.visibility_s, function.timeout_s);
        told(&about, "RTR_FUNCTION_TIMEOUT_S", function, timeout, found);
        told(&about, "RTR_VISIBILITY_S", function, visibility, found);
        if visibility < timeout + life_s {
            let message = format!(
                "{queue}.fifo hides messages for {visibility} s, an invocation may take {timeout} s, and a request to \
                 {provider} may live {life_s} s after it: a crashed one's requests could still land while the next works"
            );
            let least = (timeout * VISIBILITIES).max(timeout + life_s);
            found.push(finding(
                "visibility",
                &about,
                message,
                &format!("set QueueVisibility to {least} at least"),
            ));
        } else if visibility < timeout * VISIBILITIES {
            let message = format!(
                "{queue}.fifo hides messages for {visibility} s and an invocation may take {timeout} s: AWS wants six times \
                 that, so that throttled batches do not come back too early"
            );
            let least = timeout * VISIBILITIES;
            found.push(finding(
                "visibility",
                &about,
                message,
                &format!("set QueueVisibility to {least} at least"),
            ));
        }
    }
}

/// At the local stage the CRMs are the sandbox, and messages come back soon, so that nobody waits for what a crash left: there
/// the shortest life counts.
fn life_that_counts(seen: &Seen) -> (&'static str, u64) {
    if seen.is_local {
        return lives().min_by_key(|(_, life_s)| *life_s).unwrap_or(("a CRM", 0));
    }
    longest_life(seen.providers.as_ref().ok())
}

/// How long each CRM may still work on a request that nobody waits for any more, in seconds, as the engine has it.
fn lives() -> impl Iterator<Item = (&'static str, u64)> {
    registry::ALL.iter().map(|connector| {
        let life_ms = u64::try_from(connector.capabilities().request_life_ms).unwrap_or(0);
        (connector.facts().name, life_ms.div_ceil(1_000))
    })
}

/// The longest of them: of those that are connected, or of all where none is or nobody knows.
fn longest_life(connected: Option<&BTreeSet<String>>) -> (&'static str, u64) {
    let is_connected = |name: &str| connected.is_some_and(|all| all.contains(name));
    let any = lives().any(|(name, _)| is_connected(name));
    let counts = lives().filter(|(name, _)| !any || is_connected(name));
    counts.max_by_key(|(_, life_s)| *life_s).unwrap_or(("a CRM", 0))
}

#[cfg(test)]
mod tests {
    use super::super::checks::findings;
    use super::super::sample::{function, sound};
    use super::*;
    use crate::aws::Function;

    #[test]
    fn given_the_crms_that_are_connected_when_the_visibility_is_judged_then_the_longest_life_of_a_request_counts()
     {
        let with = |providers: &[&str], visibility_s: u64| {
            let mut seen = sound();
            seen.providers = Ok(providers.iter().map(|name| (*name).to_owned()).collect());
            // An invocation of ten seconds: here six times that is less than a request may live.
            for name in ["sync", "bulk", "redrive", "apply", "poll"] {
                let mut short = Function { timeout_s: 10, ..function("64") };
                let variables = [("RTR_FUNCTION_TIMEOUT_S", 10), ("RTR_VISIBILITY_S", visibility_s)];
                short.variables.extend(variables.map(|(name, value)| (name.to_owned(), value.to_string())));
                seen.functions.insert(name, Ok(short));
            }
            seen.queues.values_mut().flatten().for_each(|queue| queue.visibility_s = visibility_s);
            findings(&seen)
                .into_iter()
                .map(|one| format!("{} | {}", one.message, one.action))
                .collect::<Vec<_>>()
        };
        let life_s = |name| longest_life(Some(&BTreeSet::from([String::from(name)]))).1;
        let (hubspot, salesforce) = (life_s("hubspot"), life_s("salesforce"));
        assert!(hubspot < salesforce, "what the engine holds a lost request for");
        assert_eq!(with(&["hubspot"], 10 + hubspot), Vec::<String>::new());
        assert_eq!(with(&["hubspot"], 9 + hubspot).len(), 5);
        for all in [&["hubspot", "salesforce"][..], &["salesforce"], &[]] {
            assert_eq!(with(all, 10 + salesforce), Vec::<String>::new());
            let short = with(all, 9 + salesforce);
            let (lives, least) =
                (format!("salesforce may live {salesforce} s"), format!("to {} at", 10 + salesforce));
            assert!(short.len() == 5 && short[0].contains(&lives) && short[0].contains(&least), "{short:?}");
        }
        let salesforce = Ok(BTreeSet::from(["salesforce".to_owned()]));
        let local = Seen { is_local: true, providers: salesforce, ..sound() };
        assert_eq!(life_that_counts(&local), ("hubspot", hubspot));
    }
}
