//! Entries to `changes.fifo`, each answered for: the id of its message, or why there is none.

use super::{SqsQueue, traced};
use crate::errors::describe;
use async_trait::async_trait;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use rtr_core::ingest::Entry;
use rtr_engine::seams::{NotTaken, Outlet};

type Answers = Vec<Result<String, NotTaken>>;

#[async_trait]
impl Outlet for SqsQueue {
    async fn offer(&self, entries: &[&Entry]) -> Answers {
        let all = |why: NotTaken| vec![Err(why); entries.len()];
        let built: Result<Vec<_>, _> =
            entries.iter().enumerate().map(|(at, entry)| build(at, entry)).collect();
        let built = match built {
            Ok(built) => built,
            Err(error) => return all(NotTaken::Unavailable(error.to_string())),
        };
        let call = self.client.send_message_batch().queue_url(&self.changes_url).set_entries(Some(built));
        match call.send().await {
            Ok(answer) => answers(entries.len(), &answer),
            Err(error) => all(whole(&error)),
        }
    }
}

fn build(at: usize, entry: &Entry) -> Result<SendMessageBatchRequestEntry, aws_sdk_sqs::error::BuildError> {
    let built = SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(&entry.body)
        .message_group_id(&entry.group)
        .message_deduplication_id(&entry.deduplication_id);
    match &entry.trace {
        Some(trace) => traced(built, trace)?.build(),
        None => built.build(),
    }
}

/// One answer per entry, by the ids, which are places; silence is no answer.
fn answers(count: usize, answer: &SendMessageBatchOutput) -> Answers {
    let silence = || Err(NotTaken::Unavailable("SQS did not answer for this entry".to_owned()));
    let mut answers: Answers = std::iter::repeat_with(silence).take(count).collect();
    let place = |id: &str| id.parse::<usize>().ok().filter(|place| *place < count);
    for entry in &answer.failed {
        if let Some(place) = place(&entry.id) {
            answers[place] = Err(single(entry));
        }
    }
    for entry in &answer.successful {
        if let Some(place) = place(&entry.id) {
            answers[place] = Ok(entry.message_id.clone());
        }
    }
    answers
}

/// Why one entry of a call was not taken. SQS's message may repeat a part of the body, so the code must do.
fn single(entry: &BatchResultErrorEntry) -> NotTaken {
    let code = entry.code.clone();
    match () {
        () if is_throttle(&code) => NotTaken::Throttled(code),
        () if entry.sender_fault => NotTaken::Refused(code),
        () => NotTaken::Unavailable(code),
    }
}

/// Why a whole call was not. Nothing of it is laid at an event's door: what is wrong with a call is not for a producer to mend.
fn whole<R: std::fmt::Debug>(error: &SdkError<SendMessageBatchError, R>) -> NotTaken {
    let why = describe("SendMessageBatch", error);
    let throttled = error.as_service_error().and_then(ProvideErrorMetadata::code).is_some_and(is_throttle);
    if throttled { NotTaken::Throttled(why) } else { NotTaken::Unavailable(why) }
}

/// The codes by which SQS says that it was too much, by itself or by way of KMS.
fn is_throttle(code: &str) -> bool {
    let code = code.rsplit('.').next().unwrap_or(code);
    ["RequestThrottled", "ThrottlingException", "Throttling", "KmsThrottled", "OverLimit"].contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sqs::error::ErrorMetadata;
    use aws_sdk_sqs::types::SendMessageBatchResultEntry;

    fn failed(id: &str, code: &str, sender_fault: bool) -> BatchResultErrorEntry {
        let built =
            BatchResultErrorEntry::builder().id(id).code(code).message("a body").sender_fault(sender_fault);
        built.build().unwrap()
    }

    #[test]
    fn given_answers_out_of_order_when_mapped_then_each_is_at_its_place_and_silence_is_none() {
        let done = SendMessageBatchResultEntry::builder().id("2").message_id("m-2").md5_of_message_body("x");
        let answer = SendMessageBatchOutput::builder()
            .failed(failed("0", "AWS.SimpleQueueService.RequestThrottled", true))
            .failed(failed("3", "InvalidMessageContents", true))
            .failed(failed("4", "InternalError", false))
            .failed(failed("9", "InternalError", false))
            .successful(done.build().unwrap());
        let expected = [
            Err(NotTaken::Throttled("AWS.SimpleQueueService.RequestThrottled".to_owned())),
            Err(NotTaken::Unavailable("SQS did not answer for this entry".to_owned())),
            Ok("m-2".to_owned()),
            Err(NotTaken::Refused("InvalidMessageContents".to_owned())),
            Err(NotTaken::Unavailable("InternalError".to_owned())),
        ];
        assert_eq!(answers(5, &answer.build().unwrap()), expected);
    }

    #[test]
    fn given_a_call_that_fails_when_classified_then_only_a_throttle_is_one() {
        let of = |code: &str| {
            let error = SendMessageBatchError::generic(ErrorMetadata::builder().code(code).build());
            whole(&SdkError::service_error(error, ()))
        };
        assert!(matches!(of("RequestThrottled"), NotTaken::Throttled(_)));
        for code in ["AccessDenied", "QueueDoesNotExist", "BatchRequestTooLong"] {
            assert!(matches!(of(code), NotTaken::Unavailable(_)), "{code}");
        }
    }
}
