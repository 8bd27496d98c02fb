//! What goes over the stack's event bus, heard by a queue of the test's own.

use super::{Stack, variable};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

/// A rule with a queue behind it.
pub(crate) struct Listener<'a> {
    stack: &'a Stack,
    name: String,
    url: String,
}

impl Stack {
    /// Hears the events that `pattern` is of from now on.
    pub(crate) fn listen(&self, name: &str, pattern: &Value) -> Listener<'_> {
        let made = self.wait(self.sqs.create_queue().queue_name(name).send()).unwrap();
        let url = made.queue_url.unwrap();
        let asked =
            self.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
        let arn = self.wait(asked.send()).unwrap().attributes.unwrap()[&QueueAttributeName::QueueArn].clone();
        let bus = variable("EVENT_BUS_NAME");
        let rule = json!({"Name": name, "EventBusName": bus, "EventPattern": pattern.to_string()});
        self.aws_json("events", "AWSEvents.PutRule", &rule);
        let targets = json!({"Rule": name, "EventBusName": bus, "Targets": [{"Id": "queue", "Arn": arn}]});
        self.aws_json("events", "AWSEvents.PutTargets", &targets);
        Listener { stack: self, name: name.to_owned(), url }
    }
}

impl Listener<'_> {
    /// What came since it was last asked.
    pub(crate) fn take(&self) -> Vec<Value> {
        let asked = self.stack.sqs.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let found = self.stack.wait(asked.wait_time_seconds(1).send()).unwrap().messages.unwrap_or_default();
        found.iter().map(|message| serde_json::from_str(message.body().unwrap()).unwrap()).collect()
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        let bus = variable("EVENT_BUS_NAME");
        let gone = json!({"Rule": self.name, "EventBusName": bus, "Ids": ["queue"]});
        self.stack.aws_json("events", "AWSEvents.RemoveTargets", &gone);
        self.stack.aws_json(
            "events",
            "AWSEvents.DeleteRule",
            &json!({"Name": self.name, "EventBusName": bus}),
        );
        let _ = self.stack.wait(self.stack.sqs.delete_queue().queue_url(&self.url).send());
    }
}
