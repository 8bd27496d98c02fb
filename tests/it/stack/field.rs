//! A field of the test's own in the local stack: tables and queues that only its processes know, so that killing and
//! cutting them off disturbs nobody else's test.

use super::{ScratchTable, Stack, Worker, batch_of, unique};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageSystemAttributeName, QueueAttributeName,
};
use std::collections::HashMap;

/// How long a received message stays unseen. The functions stop after ten seconds, and no request lives longer than two
/// at this CRM: what comes back then has no call of its first run before it.
const VISIBILITY_S: i32 = 30;

/// An item as DynamoDB gives it.
pub(crate) type Row = HashMap<String, AttributeValue>;

/// Tables and queues that live as long as their test.
pub(crate) struct Field<'a> {
    stack: &'a Stack,
    tables: Vec<(&'static str, &'static str, ScratchTable<'a>)>,
    /// `changes.fifo`
    pub(crate) changes: String,
    /// `dead-letter.fifo`
    pub(crate) dead_letters: String,
    /// `bulk.fifo`
    pub(crate) batons: String,
}

impl<'a> Field<'a> {
    /// A field like the deployed one; `rtr` works on it from now on.
    pub(crate) fn new(stack: &'a Stack) -> Self {
        let name = unique();
        let table = |of_stack, of_function| (of_stack, of_function, ScratchTable::like(stack, of_stack));
        let tables = vec![
            table("RECORDS_TABLE_NAME", "RTR_RECORDS_TABLE"),
            table("LIMITS_TABLE_NAME", "RTR_LIMITS_TABLE"),
            table("CONFIG_TABLE_NAME", "RTR_CONFIG_TABLE"),
        ];
        let changes = queue(stack, &format!("field-{name}.fifo"));
        let dead_letters = queue(stack, &format!("field-dead-{name}.fifo"));
        let batons = queue(stack, &format!("field-bulk-{name}.fifo"));
        let mut own: Vec<(&'static str, String)> =
            tables.iter().map(|(of_stack, _, table)| (*of_stack, table.name.clone())).collect();
        own.push(("CHANGES_QUEUE_URL", changes.clone()));
        own.push(("DEAD_LETTER_QUEUE_URL", dead_letters.clone()));
        own.push(("BULK_QUEUE_URL", batons.clone()));
        stack.own.set(own).expect("one field for a stack");
        Self { stack, tables, changes, dead_letters, batons }
    }

    /// What a function has to know to work here.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut all: Vec<(&'static str, String)> =
            self.tables.iter().map(|(_, of_function, table)| (*of_function, table.name.clone())).collect();
        all.push(("RTR_CHANGES_QUEUE_URL", self.changes.clone()));
        all.push(("RTR_DEAD_LETTER_QUEUE_URL", self.dead_letters.clone()));
        all.push(("RTR_BULK_QUEUE_URL", self.batons.clone()));
        all.push(("RTR_VISIBILITY_S", VISIBILITY_S.to_string()));
        all.push(("RTR_MAXIMUM_CONCURRENCY", "100".to_owned()));
        all
    }

    /// Everything in the records table.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let (mut rows, mut from) = (Vec::new(), None);
        loop {
            let scan = self.stack.dynamodb.scan().table_name(&self.tables[0].2.name).consistent_read(true);
            let page = self.stack.wait(scan.set_exclusive_start_key(from).send()).unwrap();
            rows.extend(page.items.unwrap_or_default());
            from = page.last_evaluated_key;
            if from.is_none() {
                return rows;
            }
        }
    }

    /// One turn of a poller at `queue`: up to `most` messages for `worker`, if there are any. How many it took.
    pub(crate) fn turn(&self, queue: &str, worker: &Worker<'_>, most: i32) -> usize {
        let batch = self.receive(queue, most);
        if !batch.is_empty() {
            let failed = worker.hand(&batch_of(&batch));
            self.settle(queue, &batch, &failed);
        }
        batch.len()
    }

    /// Messages of `queue`, waited for a moment.
    pub(crate) fn receive(&self, queue: &str, most: i32) -> Vec<Message> {
        let asked = self.stack.sqs.receive_message().queue_url(queue).max_number_of_messages(most);
        let asked =
            asked.message_system_attribute_names(MessageSystemAttributeName::All).wait_time_seconds(1);
        self.stack.wait(asked.send()).unwrap().messages.unwrap_or_default()
    }

    /// Deletes what `failed` does not name, as Lambda does.
    pub(crate) fn settle(&self, queue: &str, batch: &[Message], failed: &[String]) {
        let done = batch.iter().filter(|message| !failed.contains(message.message_id.as_ref().unwrap()));
        let entry = |(at, message): (usize, &Message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(at.to_string());
            entry.receipt_handle(message.receipt_handle.as_ref().unwrap()).build().unwrap()
        };
        let entries: Vec<_> = done.enumerate().map(entry).collect();
        if !entries.is_empty() {
            let deleting = self.stack.sqs.delete_message_batch().queue_url(queue).set_entries(Some(entries));
            self.stack.wait(deleting.send()).unwrap();
        }
    }

    /// Lets the time pass until `batch` is seen again.
    pub(crate) fn see_again_in(&self, queue: &str, batch: &[Message], seconds: i32) {
        let entry = |(at, message): (usize, &Message)| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(at.to_string());
            let entry = entry.receipt_handle(message.receipt_handle.as_ref().unwrap());
            entry.visibility_timeout(seconds).build().unwrap()
        };
        let entries = batch.iter().enumerate().map(entry).collect();
        let changing = self.stack.sqs.change_message_visibility_batch().queue_url(queue);
        self.stack.wait(changing.set_entries(Some(entries)).send()).unwrap();
    }

    /// Messages that lie in either queue of events, seen and unseen. Batons hold none.
    pub(crate) fn messages(&self) -> u32 {
        use QueueAttributeName as Name;
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::ApproximateNumberOfMessagesDelayed,
        ];
        [&self.changes, &self.dead_letters].into_iter().map(|url| self.count(url, &names)).sum()
    }

    /// Events that nobody but whoever has them may receive now.
    pub(crate) fn in_flight(&self) -> u32 {
        self.count(&self.changes, &[QueueAttributeName::ApproximateNumberOfMessagesNotVisible])
    }

    /// Events that nobody has in hand.
    pub(crate) fn waiting(&self) -> u32 {
        self.count(&self.changes, &[QueueAttributeName::ApproximateNumberOfMessages])
    }

    fn count(&self, url: &str, names: &[QueueAttributeName]) -> u32 {
        let asked =
            self.stack.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
        let found = self.stack.wait(asked.send()).unwrap().attributes.unwrap_or_default();
        names.iter().filter_map(|name| found.get(name)?.parse::<u32>().ok()).sum()
    }
}

impl Drop for Field<'_> {
    fn drop(&mut self) {
        for url in [&self.changes, &self.dead_letters, &self.batons] {
            let _ = self.stack.wait(self.stack.sqs.delete_queue().queue_url(url).send());
        }
    }
}

fn queue(stack: &Stack, name: &str) -> String {
    let attributes = [
        (QueueAttributeName::FifoQueue, "true".to_owned()),
        (QueueAttributeName::DeduplicationScope, "messageGroup".to_owned()),
        (QueueAttributeName::FifoThroughputLimit, "perMessageGroupId".to_owned()),
        (QueueAttributeName::VisibilityTimeout, VISIBILITY_S.to_string()),
        (QueueAttributeName::MaximumMessageSize, "1048576".to_owned()),
    ];
    let making = stack.sqs.create_queue().queue_name(name);
    let making = attributes.into_iter().fold(making, |making, (name, value)| making.attributes(name, value));
    stack.wait(making.send()).unwrap().queue_url.unwrap()
}
