//! What starts the functions: the queues that their events come from, and the schedule of the sweep. Pure.

use super::checks::{AGAIN, DEPLOY, Finding, Seen, finding, told};
use super::unseen::Part;
use crate::aws::{Function, Mapping, Rule};

/// Where each function's events come from.
struct Source {
    function: &'static str,
    queue: &'static str,
    /// Messages for one invocation.
    batch: u64,
    /// Why it is so many.
    because: &'static str,
    at_once: AtOnce,
}

/// How many invocations there may be at once.
enum AtOnce {
    /// As the stack's parameter of this name says.
    Parameter(&'static str),
    /// As the template says.
    Fixed(u64),
}

/// As the template has it.
const SOURCES: [Source; 5] = [
    Source {
        function: "sync",
        queue: "changes",
        batch: 10,
        because: "a batch of an org's records is one call of the CRM's",
        at_once: AtOnce::Parameter("MaximumConcurrency"),
    },
    Source {
        function: "bulk",
        queue: "bulk",
        batch: 1,
        because: "a baton is the work of a whole invocation, and another one in its batch would wait for it",
        at_once: AtOnce::Parameter("BulkConcurrency"),
    },
    Source {
        function: "redrive",
        queue: "dead-letter",
        batch: 10,
        because: "each batch is one round of reads and writes",
        at_once: AtOnce::Fixed(2),
    },
    Source {
        function: "apply",
        queue: "inbound",
        batch: 10,
        because: "each batch is one round of reads and writes",
        at_once: AtOnce::Parameter("ApplyConcurrency"),
    },
    Source {
        function: "poll",
        queue: "poll",
        batch: 1,
        because: "a poll is the work of a whole invocation, and another one in its batch would wait for it",
        at_once: AtOnce::Parameter("PollConcurrency"),
    },
];
/// When the sweep is started.
const SCHEDULE: &str = "rate(1 minute)";

/// The functions that take from a queue.
pub(super) fn taking() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|source| source.function)
}

/// What is wrong with the queues that functions take from.
pub(super) fn sources(seen: &Seen, found: &mut Vec<Finding>) {
    for source in &SOURCES {
        let about = format!("event source of {}", source.function);
        match seen.mappings.get(source.function) {
            Some(Err(why)) => {
                let right = "lambda:ListEventSourceMappings";
                found.push(why.finding(&Part { about: &about, right, mend: AGAIN }, &seen.stage));
            }
            Some(Ok(mappings)) => of_function(seen, source, &about, mappings, found),
            None => {}
        }
    }
}

fn of_function(seen: &Seen, source: &Source, about: &str, mappings: &[Mapping], found: &mut Vec<Finding>) {
    let Some(Ok(queue)) = seen.queues.get(source.queue) else { return };
    let name = format!("{}.fifo", source.queue);
    for other in mappings.iter().filter(|mapping| mapping.queue != queue.arn) {
        let message = format!("it takes from {} too, which is not {name} of this stack", other.queue);
        let action = "aws lambda delete-event-source-mapping --uuid … ends that, if nobody means it";
        found.push(finding("event_source", about, message, action));
    }
    let Some(mapping) = mappings.iter().find(|mapping| mapping.queue == queue.arn) else {
        let message = format!("it takes nothing from {name}: what comes there stays there");
        found.push(finding("event_source", about, message, DEPLOY));
        return;
    };
    match mapping.state.as_str() {
        "Enabled" | "Updating" => {}
        "Creating" | "Enabling" => {
            let message = format!("it does not take from {name} yet ({})", mapping.state);
            found.push(finding("event_source", about, message, "wait, then look again"));
        }
        state => {
            let message = format!("it is {state}: nothing is taken from {name}");
            let action = format!("aws lambda update-event-source-mapping --enabled --uuid {}", mapping.id);
            found.push(finding("event_source", about, message, &action));
        }
    }
    if mapping.batch != source.batch {
        let (is, wanted, because) = (mapping.batch, source.batch, source.because);
        let message = format!(
            "it takes {is} messages at a time from {name}, and {wanted} is what it is written for: {because}"
        );
        found.push(finding("event_source", about, message, DEPLOY));
    }
    if !mapping.reports_items {
        let message = "it lacks ReportBatchItemFailures: one message that is to come back brings back its whole batch, or none";
        found.push(finding("event_source", about, message, DEPLOY));
    }
    let wanted = match source.at_once {
        AtOnce::Fixed(wanted) => Some(wanted),
        AtOnce::Parameter(name) => seen.stack.parameters.get(name).and_then(|text| text.parse().ok()),
    };
    match (mapping.at_once, wanted) {
        (None, _) => {
            let message = "it has no MaximumConcurrency: it may take all that the account has";
            found.push(finding("event_source", about, message, DEPLOY));
        }
        (Some(is), Some(wanted)) if is != wanted => {
            let message = format!("its MaximumConcurrency is {is}, and the stack means {wanted}");
            found.push(finding("event_source", about, message, DEPLOY));
        }
        _ => {}
    }
    // By it each environment knows its share of what all have together.
    if let (AtOnce::Parameter("MaximumConcurrency"), Some(is), Some(Ok(function))) =
        (&source.at_once, mapping.at_once, seen.functions.get(source.function))
    {
        told(&format!("function {}", source.function), "RTR_MAXIMUM_CONCURRENCY", function, is, found);
    }
}

/// What is wrong with the schedule of the sweep, which wakes what is due and starts lanes.
pub(super) fn schedule(seen: &Seen, found: &mut Vec<Finding>) {
    let about = "schedule of sweep";
    let rules = match &seen.schedule {
        None => return,
        Some(Err(why)) => {
            let right = "events:ListRuleNamesByTarget and events:DescribeRule";
            return found.push(why.finding(&Part { about, right, mend: AGAIN }, &seen.stage));
        }
        Some(Ok(rules)) => rules,
    };
    let by_time: Vec<&Rule> = rules.iter().filter(|rule| rule.schedule.is_some()).collect();
    let cost = "what waits is not woken, and parked work does not go";
    if by_time.iter().any(|rule| rule.state.starts_with("ENABLED")) {
        let other = by_time.iter().find(|rule| rule.schedule.as_deref() != Some(SCHEDULE));
        if let Some(Rule { name, schedule: Some(schedule), .. }) = other {
            let message = format!("rule {name} starts it by {schedule}, and it is written for {SCHEDULE}");
            found.push(finding("schedule", about, message, DEPLOY));
        }
        return;
    }
    match by_time.first() {
        Some(Rule { name, state, .. }) => {
            let action = format!("aws events enable-rule --name {name}");
            found.push(finding("schedule", about, format!("rule {name} is {state}: {cost}"), &action));
        }
        None => found.push(finding("schedule", about, format!("no rule starts it: {cost}"), DEPLOY)),
    }
}

/// The rules' target.
pub(super) fn target(seen: &Seen) -> Option<&Function> {
    seen.functions.get("sweep")?.as_ref().ok().filter(|function| !function.arn.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{of, sound};
    use super::super::unseen::Unseen;
    use super::*;

    #[test]
    fn given_each_fault_of_an_event_source_when_checked_then_it_is_found_and_nothing_else() {
        let changes: [&dyn Fn(&mut Mapping); 8] = [
            &|one| one.state = "Disabled".to_owned(),
            &|one| one.state = "Enabling".to_owned(),
            &|one| one.state = "Updating".to_owned(),
            &|one| one.batch = 5,
            &|one| one.reports_items = false,
            &|one| one.at_once = None,
            &|one| one.at_once = Some(7),
            &|one| one.queue = "arn:another".to_owned(),
        ];
        let mut all = Vec::new();
        for (n, change) in changes.iter().enumerate() {
            let mut seen = sound();
            // Each at another function, in turn.
            let name = SOURCES[n % 3].function;
            if let Some(Ok(mappings)) = seen.mappings.get_mut(name) {
                change(&mut mappings[0]);
            }
            all.extend(of(&seen));
        }
        let mut seen = sound();
        seen.mappings.insert("sync", Err(Unseen::Denied));
        all.extend(of(&seen));
        insta::assert_snapshot!(all.join("\n"), @r"
        event_source | event source of sync | it is Disabled: nothing is taken from changes.fifo
        event_source | event source of bulk | it does not take from bulk.fifo yet (Enabling)
        event_source | event source of sync | it takes 5 messages at a time from changes.fifo, and 10 is what it is written for: a batch of an org's records is one call of the CRM's
        event_source | event source of bulk | it lacks ReportBatchItemFailures: one message that is to come back brings back its whole batch, or none
        event_source | event source of redrive | it has no MaximumConcurrency: it may take all that the account has
        event_source | event source of sync | its MaximumConcurrency is 7, and the stack means 100
        told | function sync | it is told RTR_MAXIMUM_CONCURRENCY = 100, and it is 7
        event_source | event source of bulk | it takes from arn:another too, which is not bulk.fifo of this stack
        event_source | event source of bulk | it takes nothing from bulk.fifo: what comes there stays there
        unreadable | event source of sync | these credentials may not look at it: that needs lambda:ListEventSourceMappings
        ");
    }

    #[test]
    fn given_each_fault_of_the_schedule_when_checked_then_it_is_found_and_nothing_else() {
        let rule = |state: &str, schedule: Option<&str>| Rule {
            name: "every-minute".to_owned(),
            state: state.to_owned(),
            schedule: schedule.map(str::to_owned),
        };
        let rate = Some(SCHEDULE);
        let cases = [
            Some(Ok(vec![])),
            Some(Ok(vec![rule("ENABLED", None)])),
            Some(Ok(vec![rule("DISABLED", rate)])),
            Some(Ok(vec![rule("ENABLED", Some("rate(5 minutes)"))])),
            Some(Err(Unseen::Denied)),
            Some(Ok(vec![rule("DISABLED", rate), rule("ENABLED", rate)])),
            // Where the function cannot be seen its schedule is nobody's.
            None,
        ];
        let all = cases.into_iter().flat_map(|schedule| of(&Seen { schedule, ..sound() }));
        insta::assert_snapshot!(all.collect::<Vec<_>>().join("\n"), @r"
        schedule | schedule of sweep | no rule starts it: what waits is not woken, and parked work does not go
        schedule | schedule of sweep | no rule starts it: what waits is not woken, and parked work does not go
        schedule | schedule of sweep | rule every-minute is DISABLED: what waits is not woken, and parked work does not go
        schedule | schedule of sweep | rule every-minute starts it by rate(5 minutes), and it is written for rate(1 minute)
        unreadable | schedule of sweep | these credentials may not look at it: that needs events:ListRuleNamesByTarget and events:DescribeRule
        ");
    }
}
