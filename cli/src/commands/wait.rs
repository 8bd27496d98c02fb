//! `rtr wait --idle`: until the queues are empty, nothing is in flight and nothing parked is due.
//!
//! What waits for a person, a dead letter for example, does not count.

use crate::app::App;
use crate::aws::{Aws, problem};
use crate::moment::{now, read_duration};
use crate::problem::{Ended, Exit, Problem};
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use aws_sdk_sqs::types::QueueAttributeName as Name;
use rtr_core::time::Instant;
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant as Monotonic;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// Looks in a row that must find nothing: a message on its way from one queue to another is in neither for a moment.
const QUIET_LOOKS: u32 = 2;

/// What to wait for.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Wait until nothing is queued, in flight, retrying, or parked and due
    #[arg(long, required = true)]
    idle: bool,
    /// Give up after this long
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = read_duration)]
    timeout: Duration,
}

/// What is left of one queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Queued {
    queue: &'static str,
    visible: u64,
    in_flight: u64,
    delayed: u64,
}

/// What is left of everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Left {
    idle: bool,
    queues: Vec<Queued>,
    parked_due: u64,
}

/// Looks until nothing is left or the time is over.
pub(crate) async fn run(app: &App, args: &Args) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let until = Monotonic::now() + args.timeout;
    let due = now().plus_ms(i64::try_from(args.timeout.as_millis()).unwrap_or(i64::MAX));
    let mut quiet = 0;
    loop {
        let left = Box::pin(look(&aws, due)).await?;
        quiet = if left.idle { quiet + 1 } else { 0 };
        if quiet >= QUIET_LOOKS {
            app.out.answer(&left, |_| "idle".to_owned());
            return Ok(Exit::Done);
        }
        if Monotonic::now() + LOOK > until {
            // One quiet look at the very end is not proof of idleness.
            let left = Left { idle: false, ..left };
            app.out.answer(&left, |_| String::new());
            app.out.note(&format!("rtr: not idle after {} s: {}", args.timeout.as_secs(), left.words()));
            return Ok(Exit::Findings);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(aws: &Aws, due: Instant) -> Result<Left, Problem> {
    let changes = queue(aws, "changes.fifo", aws.stack.output("CHANGES_QUEUE_URL")?).await?;
    let dead_letters = queue(aws, "dead-letter.fifo", aws.stack.output("DEAD_LETTER_QUEUE_URL")?).await?;
    let bulk = queue(aws, "bulk.fifo", aws.stack.output("BULK_QUEUE_URL")?).await?;
    let parked_due = parked(aws, due).await?;
    let queues = vec![changes, bulk, dead_letters];
    let idle = parked_due == 0 && queues.iter().all(Queued::is_empty);
    Ok(Left { idle, queues, parked_due })
}

async fn queue(aws: &Aws, name: &'static str, url: &str) -> Result<Queued, Problem> {
    let names = [
        Name::ApproximateNumberOfMessages,
        Name::ApproximateNumberOfMessagesNotVisible,
        Name::ApproximateNumberOfMessagesDelayed,
    ];
    let asked =
        aws.clients.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
    let answer = asked.send().await.map_err(|error| problem("GetQueueAttributes", &aws.place, &error))?;
    let of = |name: &Name| {
        answer.attributes().and_then(|all| all.get(name)).and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    let [visible, in_flight, delayed] = names.each_ref().map(of);
    Ok(Queued { queue: name, visible, in_flight, delayed })
}

/// Parked work that is due before `due`. The index is sparse: this reads what is parked and nothing else.
async fn parked(aws: &Aws, due: Instant) -> Result<u64, Problem> {
    let (mut count, mut from) = (0, None);
    loop {
        let scan = aws
            .clients
            .dynamodb
            .scan()
            .table_name(aws.stack.output("RECORDS_TABLE_NAME")?)
            .index_name("parked");
        let scan =
            scan.select(Select::Count).filter_expression("parked_at <= :due").set_exclusive_start_key(from);
        let scan = scan.expression_attribute_values(":due", AttributeValue::N(due.0.to_string()));
        let page =
            scan.send().await.map_err(|error| problem("Scan of the parked index", &aws.place, &error))?;
        count += u64::try_from(page.count()).unwrap_or(0);
        from = page.last_evaluated_key;
        if from.is_none() {
            return Ok(count);
        }
    }
}

impl Queued {
    fn is_empty(&self) -> bool {
        (self.visible, self.in_flight, self.delayed) == (0, 0, 0)
    }
}

impl Left {
    /// What is left, in words.
    fn words(&self) -> String {
        let mut parts = Vec::new();
        for Queued { queue, visible, in_flight, delayed } in
            self.queues.iter().filter(|queue| !queue.is_empty())
        {
            let counts = [(visible, "waiting"), (in_flight, "in flight or retrying"), (delayed, "delayed")];
            let counts: Vec<String> =
                counts.iter().filter(|(n, _)| **n > 0).map(|(n, what)| format!("{n} {what}")).collect();
            parts.push(format!("{queue}: {}", counts.join(", ")));
        }
        if self.parked_due > 0 {
            parts.push(format!("{} parked and due", self.parked_due));
        }
        if parts.is_empty() { "it had only just become quiet".to_owned() } else { parts.join("; ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_work_when_it_is_left_over_then_the_words_say_where() {
        let queues = vec![
            Queued { queue: "changes.fifo", visible: 3, in_flight: 2, delayed: 0 },
            Queued { queue: "dead-letter.fifo", ..Queued::default() },
        ];
        let left = Left { idle: false, queues, parked_due: 7 };
        assert_eq!(left.words(), "changes.fifo: 3 waiting, 2 in flight or retrying; 7 parked and due");
        let left = Left { idle: false, queues: Vec::new(), parked_due: 0 };
        assert_eq!(left.words(), "it had only just become quiet");
    }
}
