//! SQS: messages are received as Lambda's poller does, and read as a function reads its event.

use crate::stack::with_stack;
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};
use rtr_aws::clients::Clients;
use rtr_aws::queue::{SqsQueue, from_sqs};
use rtr_engine::batch::Received;
use rtr_engine::seams::{Queue, QueueName};
use rtr_testkit::services::on_stack;
use rtr_testkit::services::queue::{Ends, MAX_RECEIVES, VISIBILITY_MS};
use serde_json::{Map, Value, json};
use std::time::Duration;

struct Queues {
    sqs: Client,
    queue: SqsQueue,
    changes: String,
    dead_letter: String,
    bulk: String,
    inbound: String,
    poll: String,
}

/// A queue as the template sets it up; its address and name.
async fn make(clients: &Clients, name: &str, redrive: Option<String>) -> (String, String) {
    let mut attributes = vec![
        (QueueAttributeName::FifoQueue, "true".to_owned()),
        (QueueAttributeName::DeduplicationScope, "messageGroup".to_owned()),
        (QueueAttributeName::FifoThroughputLimit, "perMessageGroupId".to_owned()),
        (QueueAttributeName::VisibilityTimeout, (VISIBILITY_MS / 1_000).to_string()),
        (QueueAttributeName::MaximumMessageSize, "1048576".to_owned()),
    ];
    attributes.extend(redrive.map(|redrive| (QueueAttributeName::RedrivePolicy, redrive)));
    let create = clients.sqs.create_queue().queue_name(format!("{name}.fifo"));
    let create = attributes.into_iter().fold(create, |create, (name, value)| create.attributes(name, value));
    let url = create.send().await.unwrap().queue_url.unwrap();
    let asked = clients.sqs.get_queue_attributes().queue_url(&url);
    let asked = asked.attribute_names(QueueAttributeName::QueueArn).send().await.unwrap();
    let arn = asked.attributes.unwrap().remove(&QueueAttributeName::QueueArn).unwrap();
    (url, arn)
}

/// A message as an event brings it.
fn record(message: Message) -> Value {
    let attributes: Map<String, Value> = message
        .attributes
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str().to_owned(), value.into()))
        .collect();
    let attribute = |value: MessageAttributeValue| json!({"stringValue": value.string_value, "dataType": value.data_type, "stringListValues": [], "binaryListValues": []});
    let message_attributes: Map<String, Value> = message
        .message_attributes
        .into_iter()
        .flatten()
        .map(|(name, value)| (name, attribute(value)))
        .collect();
    json!({
        "messageId": message.message_id, "receiptHandle": message.receipt_handle, "body": message.body,
        "attributes": attributes, "messageAttributes": message_attributes,
    })
}

#[async_trait]
impl Ends for Queues {
    fn queue(&self) -> &dyn Queue {
        &self.queue
    }

    async fn receive(&self, from: QueueName, most: usize) -> Vec<Received> {
        let url = match from {
            QueueName::Changes => &self.changes,
            QueueName::DeadLetter => &self.dead_letter,
            QueueName::Bulk => &self.bulk,
            QueueName::Inbound => &self.inbound,
            QueueName::Poll => &self.poll,
        };
        let asked = self.sqs.receive_message().queue_url(url).message_attribute_names("All");
        let asked = asked.max_number_of_messages(i32::try_from(most).unwrap());
        let asked = asked.message_system_attribute_names(MessageSystemAttributeName::All);
        let messages = asked.send().await.unwrap().messages.unwrap_or_default();
        let records: Vec<Value> = messages.into_iter().map(record).collect();
        from_sqs(serde_json::from_value(json!({"Records": records})).unwrap())
    }

    /// The local stack's clock is the real one.
    async fn pass_ms(&self, ms: i64) {
        tokio::time::sleep(Duration::from_millis(u64::try_from(ms).unwrap())).await;
    }
}

fn on_adapter(name: &str, law: impl AsyncFnOnce(&dyn Ends)) {
    with_stack(async |clients, stem| {
        let (dead_letter, arn) = make(&clients, &format!("{stem}-dead"), None).await;
        let redrive = json!({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES}).to_string();
        let (changes, _) = make(&clients, &stem, Some(redrive)).await;
        let (bulk, _) = make(&clients, &format!("{stem}-bulk"), None).await;
        let (inbound, _) = make(&clients, &format!("{stem}-inbound"), None).await;
        let (poll, _) = make(&clients, &format!("{stem}-poll"), None).await;
        let queue = SqsQueue::new(&clients, &changes, &dead_letter, &bulk, &inbound, &poll);
        let queues = Queues { sqs: clients.sqs.clone(), queue, changes, dead_letter, bulk, inbound, poll };
        on_stack(name, law(&queues)).await;
        for url in [queues.changes, queues.dead_letter, queues.bulk, queues.inbound, queues.poll] {
            clients.sqs.delete_queue().queue_url(url).send().await.unwrap();
        }
    });
}

rtr_testkit::service_laws!(queue, on_adapter);
