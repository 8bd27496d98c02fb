//! One request: up to ten events, the refused ones among them sent again or given up with SQS's reason.

use super::line::{Event, LANE, Refused};
use crate::aws::problem;
use crate::problem::Problem;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{BatchResultErrorEntry, MessageAttributeValue, SendMessageBatchRequestEntry};
use std::time::Duration;

/// Tries of an entry that SQS could not take for a reason of its own.
const TRIES: u32 = 6;
/// The pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(200);

/// The queue, and how to tell of it.
#[derive(Debug, Clone)]
pub(in crate::commands) struct Target {
    /// SQS.
    pub(in crate::commands) client: Client,
    /// The queue.
    pub(in crate::commands) url: String,
    /// Where AWS is.
    pub(in crate::commands) place: String,
    /// The `lane` attribute.
    pub(in crate::commands) lane: Option<String>,
}

/// A request that has ended.
pub(in crate::commands) struct Ended {
    /// What it was asked to send.
    pub(in crate::commands) batch: Vec<Event>,
    /// The lines that SQS will never take.
    pub(in crate::commands) refused: Vec<Refused>,
    /// What is not sent, and why: the run stops.
    pub(in crate::commands) failed: Option<(Vec<u64>, Problem)>,
}

/// Sends `batch`.
pub(in crate::commands) async fn send(target: Target, batch: Vec<Event>) -> Ended {
    let mut left: Vec<usize> = (0..batch.len()).collect();
    let (mut refused, mut pause) = (Vec::new(), PAUSE);
    for tries in 1..=TRIES {
        let outcome = once(&target, &batch, &left).await;
        let failures = match outcome {
            Ok(failures) => failures,
            Err(problem) => {
                let lines = left.iter().map(|at| batch[*at].line).collect();
                return Ended { batch, refused, failed: Some((lines, problem)) };
            }
        };
        left.clear();
        let mut last = None;
        for (at, entry) in failures {
            if entry.sender_fault() && !is_passing(entry.code()) {
                let message =
                    format!("SQS refuses it: {} {}", entry.code(), entry.message().unwrap_or_default());
                let message = message.trim_end().to_owned();
                refused.push(Refused { line: batch[at].line, code: None, field: None, message });
            } else {
                left.push(at);
                last = Some(entry);
            }
        }
        let Some(entry) = last else { return Ended { batch, refused, failed: None } };
        if tries == TRIES {
            let what = format!("SQS at {} does not take events: {}", target.place, entry.code());
            let lines = left.iter().map(|at| batch[*at].line).collect();
            return Ended { batch, refused, failed: Some((lines, Problem::unreachable(what))) };
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Ended { batch, refused, failed: None }
}

/// One call; the entries that failed, by their place.
async fn once(
    target: &Target,
    batch: &[Event],
    left: &[usize],
) -> Result<Vec<(usize, BatchResultErrorEntry)>, Problem> {
    let entries: Result<Vec<_>, _> =
        left.iter().map(|at| entry(*at, &batch[*at], target.lane.as_deref())).collect();
    let entries = entries.map_err(|error| Problem::usage(format!("the request cannot be built: {error}")))?;
    let sending = target.client.send_message_batch().queue_url(&target.url).set_entries(Some(entries)).send();
    let answer =
        Box::pin(sending).await.map_err(|error| problem("SendMessageBatch", &target.place, &error))?;
    let done: Vec<&str> = answer.successful.iter().map(|entry| entry.id()).collect();
    Ok(failures(left, &done, answer.failed))
}

/// The entries that failed, by their place; one of which nothing is said is not sent either, as far as anybody knows.
fn failures(
    left: &[usize],
    done: &[&str],
    failed: Vec<BatchResultErrorEntry>,
) -> Vec<(usize, BatchResultErrorEntry)> {
    let place = |id: &str| id.parse::<usize>().ok().filter(|at| left.contains(at));
    let mut all: Vec<_> = failed.into_iter().filter_map(|entry| Some((place(entry.id())?, entry))).collect();
    for at in left {
        let id = at.to_string();
        if !done.contains(&id.as_str()) && !all.iter().any(|(failed, _)| failed == at) {
            let unsaid = BatchResultErrorEntry::builder().id(id).code("NoAnswer").sender_fault(false).build();
            all.extend(unsaid.ok().map(|entry| (*at, entry)));
        }
    }
    all
}

fn entry(
    at: usize,
    event: &Event,
    lane: Option<&str>,
) -> Result<SendMessageBatchRequestEntry, aws_sdk_sqs::error::BuildError> {
    let entry = SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(&event.body)
        .message_group_id(&event.group)
        .message_deduplication_id(&event.deduplication_id);
    let entry = match lane {
        Some(lane) => {
            let value = MessageAttributeValue::builder().data_type("String").string_value(lane).build()?;
            entry.message_attributes(LANE, value)
        }
        None => entry,
    };
    entry.build()
}

/// Codes that AWS lays at the sender's door though they pass by themselves.
fn is_passing(code: &str) -> bool {
    code.contains("Throttl") || code == "ServiceUnavailable"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_an_entry_of_which_sqs_says_nothing_when_answered_then_it_is_not_taken_for_sent() {
        let failed = |id: &str| BatchResultErrorEntry::builder().id(id).code("x").sender_fault(false).build();
        let all = failures(&[0, 2, 5], &["0"], vec![failed("2").unwrap(), failed("7").unwrap()]);
        assert_eq!(
            all.iter().map(|(at, entry)| (*at, entry.code())).collect::<Vec<_>>(),
            [(2, "x"), (5, "NoAnswer")]
        );
        assert!(all.iter().all(|(_, entry)| !entry.sender_fault()));
    }
}
