//! Asks a linked record's own worker to look: whoever has its message group knows that no write of ours is under way.

use super::Flow;
use crate::report::BatchReport;
use crate::seams::{Outbound, QueueName};
use rtr_core::change::{Look, look_body};
use rtr_core::inbound::Notice;
use rtr_core::key::{RecordKey, sqs_id};
use rtr_core::metric::Metric;

impl Flow<'_> {
    pub(super) async fn ask(
        &self,
        record: &RecordKey,
        notice: &Notice,
        anew: Vec<String>,
        report: &mut BatchReport,
    ) -> Result<(), String> {
        // What the CRM holds is read when the record's turn comes.
        let notice = Notice { record: None, ..notice.clone() };
        let look = Look { key: record.clone(), notice, anew };
        let message = Outbound {
            trace: None,
            body: look_body(&look).to_string(),
            group: record.message_group(self.ways.settings.group_buckets),
            deduplication_id: sqs_id(&format!("look#{}#{}", self.by, look.anew.join("#"))),
            lane: None,
        };
        match self.seams.queue.send(QueueName::Changes, &[message]).await.into_iter().next() {
            Some(Ok(())) => {
                report.count(Metric::LooksAsked, 1);
                Ok(())
            }
            Some(Err(error)) => Err(error.0),
            None => Err("the queue said nothing".to_owned()),
        }
    }
}
