//! `rtr wait --idle`: until the queues are empty, nothing is in flight and nothing parked is due.
//!
//! What waits for a person does not count: dead letters, and what is parked at a connection that is paused, shadowed, suspended
//! or without a secret. Only lanes that are to be looked at some time are asked: nothing is parked where none is.

use crate::app::App;
use crate::aws::{Aws, problem, unavailable};
use crate::moment::{now, read_duration};
use crate::output::{count, progress_bar};
use crate::problem::{Ended, Exit, Problem};
use crate::schema::Answer;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use futures::stream::{self, StreamExt, TryStreamExt};
use rtr_aws::function::Runtime;
use rtr_aws::records::Counted;
use rtr_core::config::{Mode, OrgConfig};
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use rtr_engine::seams::{Baton, Limits as _, Unavailable};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::Instant as Monotonic;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// Looks in a row that must find nothing: a message on its way from one queue to another is in neither for a moment.
const QUIET_LOOKS: u32 = 2;
/// Lanes looked at at once.
const AT_ONCE: usize = 16;
/// Lanes and waits asked for, and versions counted, in one look: more is not idle either.
const MANY: usize = 10_000;

/// The shapes of its `--json` answers.
pub(super) const ANSWERS: [Answer; 1] = [Answer::of::<Left>("wait")];

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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
struct Queued {
    queue: &'static str,
    visible: u64,
    in_flight: u64,
    delayed: u64,
}

/// What is left of everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Left {
    idle: bool,
    queues: Vec<Queued>,
    /// Parked versions that go within the time.
    parked_due: u64,
    /// Bulk lanes that are to be started now.
    lanes_due: u64,
}

/// What is left at connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Parked {
    versions: u64,
    lanes: u64,
}

/// Looks until nothing is left or the time is over.
pub(crate) async fn run(app: &App, args: &Args) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let runtime = aws.runtime("")?;
    let until = Monotonic::now() + args.timeout;
    let due = now().plus_ms(i64::try_from(args.timeout.as_millis()).unwrap_or(i64::MAX));
    let (mut quiet, bar) = (0, progress_bar(None));
    loop {
        let left = Box::pin(look(&aws, &runtime, due)).await?;
        quiet = if left.idle { quiet + 1 } else { 0 };
        bar.set_message(format!("{} (for {} s at most)", left.words(), args.timeout.as_secs()));
        bar.tick();
        if quiet >= QUIET_LOOKS {
            bar.finish_and_clear();
            app.out.answer(&left, |_| "idle".to_owned());
            return Ok(Exit::Done);
        }
        if Monotonic::now() + LOOK > until {
            // One quiet look at the very end is not proof of idleness.
            let left = Left { idle: false, ..left };
            bar.finish_and_clear();
            app.out.answer(&left, |_| String::new());
            app.out.note(&format!("rtr: not idle after {} s: {}", args.timeout.as_secs(), left.words()));
            return Ok(Exit::Findings);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(aws: &Aws, runtime: &Runtime, due: Instant) -> Result<Left, Problem> {
    let changes = queue(aws, "changes.fifo", aws.stack.output("CHANGES_QUEUE_URL")?).await?;
    let dead_letters = queue(aws, "dead-letter.fifo", aws.stack.output("DEAD_LETTER_QUEUE_URL")?).await?;
    let bulk = queue(aws, "bulk.fifo", aws.stack.output("BULK_QUEUE_URL")?).await?;
    let inbound = queue(aws, "inbound.fifo", aws.stack.output("INBOUND_QUEUE_URL")?).await?;
    let poll = queue(aws, "poll.fifo", aws.stack.output("POLL_QUEUE_URL")?).await?;
    let parked = parked(runtime, due).await;
    let parked = parked.map_err(|error| unavailable("looking for parked work", &aws.place, &error))?;
    let (parked_due, lanes_due) = (parked.versions, parked.lanes);
    let queues = vec![changes, bulk, dead_letters, inbound, poll];
    let idle = parked_due == 0 && lanes_due == 0 && queues.iter().all(Queued::is_empty);
    Ok(Left { idle, queues, parked_due, lanes_due })
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

/// Parked work that goes by `due` without a person, and lanes that are due now. A lane that only looks again later, since an
/// index may lag, keeps nobody waiting.
async fn parked(runtime: &Runtime, due: Instant) -> Result<Parked, Unavailable> {
    let limits = runtime.limits();
    let starting: HashSet<ConnectionKey> = keys(limits.lanes_due(now(), MANY).await?).collect();
    let lanes: Vec<ConnectionKey> = keys(limits.lanes_due(Instant(i64::MAX), MANY).await?).collect();
    let (starting, looking) = (&starting, stream::iter(lanes));
    let of_lane = |key: ConnectionKey| async move {
        let config = runtime.seams().configs.org(&key.org_id).await?;
        if is_stopped(&config, &key) {
            return Ok(Parked::default());
        }
        let counted = Counted { until: Some(due), with_waits: false, most: MANY };
        let versions = runtime.records().count_parked(&key, counted).await?.number;
        let lanes = u64::from(starting.contains(&key));
        if versions + lanes == 0 || waits_for_a_person(runtime, &key).await? {
            return Ok(Parked::default());
        }
        Ok(Parked { versions, lanes })
    };
    let found: Vec<Parked> = looking.map(of_lane).buffer_unordered(AT_ONCE).try_collect().await?;
    let mut all = found.into_iter().fold(Parked::default(), |all, one| Parked {
        versions: all.versions + one.versions,
        lanes: all.lanes + one.lanes,
    });
    for wait in runtime.records().waits_ending(due, MANY).await? {
        let key = ConnectionKey::new(&wait.record.org_id, &wait.connection);
        let config = runtime.seams().configs.org(&key.org_id).await?;
        all.versions += u64::from(!is_stopped(&config, &key));
    }
    Ok(all)
}

fn keys(batons: Vec<Baton>) -> impl Iterator<Item = ConnectionKey> {
    batons.into_iter().map(|baton| baton.connection)
}

/// Whether a person has stopped the connection. What is parked at one that is gone becomes dead: that is work.
fn is_stopped(config: &OrgConfig, key: &ConnectionKey) -> bool {
    config.connections.get(&key.connection).is_some_and(|own| own.mode != Mode::Live)
}

/// Whether the connection cannot go on without new credentials.
async fn waits_for_a_person(runtime: &Runtime, key: &ConnectionKey) -> Result<bool, Unavailable> {
    let seams = runtime.seams();
    if seams.limits.suspension(&key.key()).await?.is_some() {
        return Ok(true);
    }
    let config = seams.configs.org(&key.org_id).await?;
    let Some(own) = config.connections.get(&key.connection) else { return Ok(false) };
    // Who may not read secrets is not told that they are missing.
    Ok(seams.secrets.read(&own.secret).await.is_ok_and(|secret| secret.is_none()))
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
        if self.lanes_due > 0 {
            parts.push(format!(
                "{} about to be looked at",
                count(usize::try_from(self.lanes_due).unwrap_or(usize::MAX), "bulk lane")
            ));
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
        let left = Left { idle: false, queues, parked_due: 7, lanes_due: 1 };
        crate::schema::tests::holds("wait", &left);
        assert_eq!(
            left.words(),
            "changes.fifo: 3 waiting, 2 in flight or retrying; 7 parked and due; 1 bulk lane about to be looked at"
        );
        let left = Left { idle: false, queues: Vec::new(), parked_due: 0, lanes_due: 0 };
        assert_eq!(left.words(), "it had only just become quiet");
    }
}
