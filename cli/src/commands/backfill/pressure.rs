//! How full `changes.fifo` is, which a backfill shares with live traffic.

use crate::aws::{Aws, problem};
use crate::problem::Problem;
use aws_sdk_sqs::types::QueueAttributeName as Name;

/// The messages in `changes.fifo`, those in hand included.
pub(super) async fn depth(aws: &Aws) -> Result<u64, Problem> {
    let names = [Name::ApproximateNumberOfMessages, Name::ApproximateNumberOfMessagesNotVisible];
    let url = aws.stack.output("CHANGES_QUEUE_URL")?;
    let asked =
        aws.clients.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
    let answer = asked.send().await.map_err(|error| problem("GetQueueAttributes", &aws.place, &error))?;
    let of = |name: &Name| {
        answer.attributes().and_then(|all| all.get(name)).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0)
    };
    Ok(names.iter().map(of).sum())
}
