//! What must hold of a stack, and what is wrong where it does not. Pure.

use super::sources::{schedule, sources};
use super::unseen::{Part, Unseen, renamed};
use super::visibility::visibility;
use crate::aws::{Described, Function, Mapping, Rule};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The functions that put messages into their groups, or look whether they are in them.
const GROUPING: [&str; 6] = ["sync", "bulk", "redrive", "sweep", "ingest", "apply"];

/// The attributes of a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Queue {
    /// Its full name.
    pub(super) arn: String,
    pub(super) fifo: bool,
    pub(super) per_group: bool,
    pub(super) visibility_s: u64,
    /// Receives until the queue gives a message up, if it does.
    pub(super) max_receives: Option<u64>,
}

/// A table: whether it is there, and its indexes that are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) active: bool,
    pub(super) indexes: Vec<String>,
    pub(super) wanted: Vec<&'static str>,
}

/// Everything that was looked at; what could not be read is in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) stack: Described,
    /// Variables that name a part otherwise than the stack does: what they say, and what is so.
    pub(super) renamed: Vec<(&'static str, String, String)>,
    pub(super) queues: BTreeMap<&'static str, Result<Queue, Unseen>>,
    pub(super) tables: BTreeMap<&'static str, Result<Table, Unseen>>,
    pub(super) functions: BTreeMap<&'static str, Result<Function, Unseen>>,
    /// The queues that functions take from.
    pub(super) mappings: BTreeMap<&'static str, Result<Vec<Mapping>, Unseen>>,
    /// What starts the sweep; none where that cannot be asked for.
    pub(super) schedule: Option<Result<Vec<Rule>, Unseen>>,
    /// The CRMs that orgs are connected to.
    pub(super) providers: Result<BTreeSet<String>, Unseen>,
    /// Whether it is the stack of a developer's machine.
    pub(super) is_local: bool,
    /// The stack's stage.
    pub(super) stage: String,
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Finding {
    /// A stable name for scripts.
    pub(super) check: &'static str,
    /// The part it is about.
    pub(super) about: String,
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) action: String,
}

impl Seen {
    /// The message groups per org that the stack is set to.
    pub(super) fn buckets(&self) -> Option<u64> {
        self.stack.parameters.get("GroupBuckets").and_then(|text| text.parse().ok())
    }

    /// The parts.
    pub(super) fn names(&self) -> Vec<String> {
        let queues = self.queues.keys().map(|name| format!("{name}.fifo"));
        let tables = self.tables.keys().map(|name| format!("table {name}"));
        let functions = self.functions.keys().map(|name| format!("function {name}"));
        let mappings = self.mappings.keys().map(|name| format!("event source of {name}"));
        let schedule = self.schedule.iter().map(|_| "schedule of sweep".to_owned());
        let stack = ["stack".to_owned()];
        queues.chain(tables).chain(functions).chain(mappings).chain(schedule).chain(stack).collect()
    }
}

/// Everything that is wrong.
pub(super) fn findings(seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    stack(seen, &mut found);
    renamed(seen, &mut found);
    queues(seen, &mut found);
    tables(seen, &mut found);
    functions(seen, &mut found);
    visibility(seen, &mut found);
    sources(seen, &mut found);
    schedule(seen, &mut found);
    groups(seen, &mut found);
    found
}

pub(super) fn finding(check: &'static str, about: &str, message: impl Into<String>, action: &str) -> Finding {
    Finding { check, about: about.to_owned(), message: message.into(), action: action.to_owned() }
}

/// What differs from the template. CloudFormation takes what was changed by hand for what it has made itself, and does nothing.
pub(super) const DEPLOY: &str = "deploy template.yaml again; if that finds nothing to update, somebody has changed it by hand: deploy by a drift-aware \
     change set (docs/operations.md#a-part-that-is-gone)";
/// What is not there any more, which CloudFormation does not see either.
pub(super) const AGAIN: &str =
    "deploy by a drift-aware change set, which makes it again (docs/operations.md#a-part-that-is-gone)";
/// What is not there and can be had back as it was.
const RESTORE: &str = "restore it under this name, from what AWS keeps of it for 35 days (docs/operations.md#a-part-that-is-gone)";
pub(super) const LEAVE: &str = "it may be missing, or these credentials may not look at it";

fn stack(seen: &Seen, found: &mut Vec<Finding>) {
    let status = &seen.stack.status;
    if status.ends_with("IN_PROGRESS") {
        let action = "wait until it is over, then look again: parts may be old and new meanwhile";
        found.push(finding("stack", "stack", format!("a deployment is under way ({status})"), action));
    } else if !matches!(status.as_str(), "" | "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE") {
        let action = "its events in CloudFormation say why; then deploy again";
        found.push(finding("stack", "stack", format!("the last deployment ended as {status}"), action));
    }
}

fn queues(seen: &Seen, found: &mut Vec<Finding>) {
    for (name, queue) in &seen.queues {
        let about = format!("{name}.fifo");
        let queue = match queue {
            Ok(queue) => queue,
            Err(why) => {
                let right = "sqs:GetQueueAttributes";
                let part = Part { about: &about, right, mend: &queue_again(name) };
                found.push(why.finding(&part, &seen.stage));
                continue;
            }
        };
        if !queue.fifo {
            found.push(finding("queue", &about, "it is no FIFO queue: records lose their order", DEPLOY));
        }
        if !queue.per_group {
            let message =
                "throughput and deduplication are not per message group: 300 requests a second are its most";
            found.push(finding("queue", &about, message, DEPLOY));
        }
        match (*name, queue.max_receives) {
            ("changes" | "inbound", None) => {
                let message = "it has no redrive policy: what crashes its function comes back for 14 days";
                found.push(finding("queue", &about, message, DEPLOY));
            }
            ("changes" | "inbound", Some(most)) if most < 100 => {
                let message =
                    format!("it gives messages up after {most} receives, and waiting for a CRM takes some");
                found.push(finding("queue", &about, message, DEPLOY));
            }
            _ => {}
        }
    }
}

/// What to do where the queue is gone.
fn queue_again(name: &str) -> String {
    let lost = match name {
        "changes" => {
            "events that were in it are lost, and have to be sent again (rtr backfill, or whoever sends them)"
        }
        "bulk" | "poll" => "what was in it is sent again by itself",
        _ => "what was in it is lost",
    };
    format!("{AGAIN}: {lost}")
}

/// What to do where the table is gone.
fn table_again(name: &str) -> String {
    match name {
        "Records" => {
            format!("{RESTORE}. An empty one knows no link, no version and nothing that is parked or dead")
        }
        "Config" => format!(
            "{RESTORE}. Or have an empty one made as is said there, then rtr config apply: revisions, pauses and the audit are gone"
        ),
        _ => format!(
            "{RESTORE}. Or have an empty one made as is said there: suspensions, accounts and which connections have work parked \
             are gone"
        ),
    }
}

fn tables(seen: &Seen, found: &mut Vec<Finding>) {
    for (name, table) in &seen.tables {
        let about = format!("table {name}");
        match table {
            Err(why) => {
                let right = "dynamodb:DescribeTable";
                let part = Part { about: &about, right, mend: &table_again(name) };
                found.push(why.finding(&part, &seen.stage));
            }
            Ok(table) if !table.active => {
                found.push(finding("table", &about, "it is not active", "wait, then look again"));
            }
            Ok(table) => {
                for index in
                    table.wanted.iter().filter(|index| !table.indexes.iter().any(|one| one == *index))
                {
                    let message = format!("its index `{index}` is missing or not active");
                    found.push(finding("table", &about, message, DEPLOY));
                }
            }
        }
    }
}

fn functions(seen: &Seen, found: &mut Vec<Finding>) {
    for (name, function) in &seen.functions {
        let about = format!("function {name}");
        match function {
            Err(why) => {
                let right = "lambda:GetFunctionConfiguration";
                found.push(why.finding(&Part { about: &about, right, mend: AGAIN }, &seen.stage));
            }
            Ok(function) if function.changing => {
                let action = "wait until it is over, then look again";
                found.push(finding("function", &about, "it is being updated", action));
            }
            Ok(_) => {}
        }
    }
}

/// The function computes with what it is told, which must be what is so.
pub(super) fn told(about: &str, name: &str, function: &Function, is: u64, found: &mut Vec<Finding>) {
    let said = function.variables.get(name).map(String::as_str).unwrap_or("nothing");
    if said != is.to_string() {
        let message = format!("it is told {name} = {said}, and it is {is}");
        found.push(finding("told", about, message, DEPLOY));
    }
}

/// Messages of one record in two groups are worked by two at once.
fn groups(seen: &Seen, found: &mut Vec<Finding>) {
    let mut by_function: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in GROUPING {
        if let Some(Ok(function)) = seen.functions.get(name) {
            let text =
                function.variables.get("RTR_GROUP_BUCKETS").cloned().unwrap_or_else(|| "nothing".to_owned());
            by_function.entry(text).or_default().push(name);
        }
    }
    let stated = seen.buckets();
    let listed: Vec<String> =
        by_function.iter().map(|(buckets, names)| format!("{}: {buckets}", names.join(", "))).collect();
    let differ = by_function.len() > 1;
    let other =
        by_function.keys().next().filter(|only| Some((*only).clone()) != stated.map(|k| k.to_string()));
    if !differ && (other.is_none() || stated.is_none()) {
        return;
    }
    let stated = stated.map_or_else(|| "unknown".to_owned(), |stated| stated.to_string());
    let message = format!("the stack's GroupBuckets is {stated}; {}", listed.join("; "));
    let action = "rtr connection pause --all, rtr wait --idle, deploy template.yaml again, rtr connection resume --all: \
                  until all agree, one record may be worked by two at once";
    found.push(finding("group_buckets", "message groups", message, action));
}

#[cfg(test)]
mod tests {
    use super::super::sample::{function, moving, of, sound};
    use super::*;

    #[test]
    fn given_a_sound_stack_when_checked_then_nothing_is_found() {
        assert_eq!(of(&sound()), Vec::<String>::new());
    }

    #[test]
    fn given_each_fault_when_checked_then_it_is_found_and_nothing_else() {
        let mut all = Vec::new();
        let mut with = |change: &dyn Fn(&mut Seen)| {
            let mut seen = sound();
            change(&mut seen);
            all.extend(of(&seen));
        };
        with(&|seen| seen.stack.status = "UPDATE_IN_PROGRESS".to_owned());
        with(&|seen| seen.stack.status = "UPDATE_ROLLBACK_COMPLETE".to_owned());
        with(&|seen| drop(seen.queues.insert("bulk", Err(Unseen::Denied))));
        with(&|seen| {
            let arn = "arn:changes".to_owned();
            let queue = Queue { arn, fifo: true, per_group: false, visibility_s: 90, max_receives: Some(5) };
            seen.queues.insert("changes", Ok(queue));
        });
        with(&|seen| {
            let table = Table { active: true, indexes: vec!["dead".to_owned()], wanted: vec!["dead", "due"] };
            seen.tables.insert("Records", Ok(table));
        });
        with(&|seen| {
            seen.functions.insert("bulk", Ok(Function { timeout_s: 900, ..function("64") }));
        });
        with(&|seen| drop(seen.stack.parameters.insert("GroupBuckets".to_owned(), "8".to_owned())));
        with(&|seen| *seen = moving());
        with(&|seen| seen.providers = Err(Unseen::Denied));
        insta::assert_snapshot!(all.join("\n"), @r"
        stack | stack | a deployment is under way (UPDATE_IN_PROGRESS)
        stack | stack | the last deployment ended as UPDATE_ROLLBACK_COMPLETE
        unreadable | bulk.fifo | these credentials may not look at it: that needs sqs:GetQueueAttributes
        queue | changes.fifo | throughput and deduplication are not per message group: 300 requests a second are its most
        queue | changes.fifo | it gives messages up after 5 receives, and waiting for a CRM takes some
        told | function sync | it is told RTR_VISIBILITY_S = 360, and it is 90
        visibility | function sync | changes.fifo hides messages for 90 s, an invocation may take 60 s, and a request to hubspot may live 60 s after it: a crashed one's requests could still land while the next works
        table | table Records | its index `due` is missing or not active
        told | function bulk | it is told RTR_FUNCTION_TIMEOUT_S = 60, and it is 900
        visibility | function bulk | bulk.fifo hides messages for 360 s, an invocation may take 900 s, and a request to hubspot may live 60 s after it: a crashed one's requests could still land while the next works
        group_buckets | message groups | the stack's GroupBuckets is 8; sync, bulk, redrive, sweep, ingest, apply: 64
        group_buckets | message groups | the stack's GroupBuckets is 64; sync: 0; bulk, redrive, sweep, ingest, apply: 64
        unreadable | configuration | these credentials may not look at it: that needs dynamodb:Scan
        ");
    }

    #[test]
    fn given_a_part_that_is_gone_when_told_then_what_to_do_says_what_is_lost_with_it() {
        let queues = ["changes", "bulk", "inbound"].map(queue_again);
        let tables = ["Records", "Config", "Limits"].map(table_again);
        insta::assert_snapshot!([queues, tables].concat().join("\n"), @r"
        deploy by a drift-aware change set, which makes it again (docs/operations.md#a-part-that-is-gone): events that were in it are lost, and have to be sent again (rtr backfill, or whoever sends them)
        deploy by a drift-aware change set, which makes it again (docs/operations.md#a-part-that-is-gone): what was in it is sent again by itself
        deploy by a drift-aware change set, which makes it again (docs/operations.md#a-part-that-is-gone): what was in it is lost
        restore it under this name, from what AWS keeps of it for 35 days (docs/operations.md#a-part-that-is-gone). An empty one knows no link, no version and nothing that is parked or dead
        restore it under this name, from what AWS keeps of it for 35 days (docs/operations.md#a-part-that-is-gone). Or have an empty one made as is said there, then rtr config apply: revisions, pauses and the audit are gone
        restore it under this name, from what AWS keeps of it for 35 days (docs/operations.md#a-part-that-is-gone). Or have an empty one made as is said there: suspensions, accounts and which connections have work parked are gone
        ");
    }

    #[test]
    fn given_a_part_that_is_gone_when_told_then_no_advice_counts_on_a_deployment_that_changes_nothing() {
        let mut seen = sound();
        let gone = || Unseen::Missing("it".to_owned());
        seen.queues.values_mut().for_each(|queue| *queue = Err(gone()));
        seen.tables.values_mut().for_each(|table| *table = Err(gone()));
        seen.functions.values_mut().for_each(|function| *function = Err(gone()));
        seen.mappings.values_mut().for_each(|mappings| *mappings = Err(gone()));
        let found = findings(&seen);
        let missing: Vec<&Finding> = found.iter().filter(|one| one.check == "missing").collect();
        assert!(missing.len() > 15, "{missing:?}");
        for one in missing {
            assert!(!one.action.contains("deploy template.yaml again"), "{one:?}");
        }
        // The page that they name has that section.
        let page = include_str!("../../../../docs/operations.md");
        assert!(page.contains("\n## A part that is gone\n") && AGAIN.contains("#a-part-that-is-gone)"));
        assert!([DEPLOY, RESTORE].iter().all(|said| said.contains("#a-part-that-is-gone)")));
    }
}
