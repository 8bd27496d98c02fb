//! `rtr dlq redrive`: wakes dead versions through their records' own groups. Safe in any order, any number of times.

use super::Act;
use super::decision::Seen;
use super::drop::{Cleared, clear};
use super::filter::Filter;
use super::index;
use super::letter::Letter;
use super::plan::{Addressing, Redrive, body_of, needs_body, redrive};
use crate::app::App;
use crate::aws::{Aws, unavailable};
use crate::confirm::confirm;
use crate::output::{count, progress_bar};
use crate::problem::{Ended, Exit, Problem};
use indicatif::ProgressBar;
use rtr_connectors::http::Clock as _;
use rtr_core::code::Code;
use rtr_core::item::Item;
use rtr_engine::seams::{Outbound, QueueName, Seams};
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;

/// Dead letters per step: one read of DynamoDB.
const STEP: usize = 100;
/// With a rate, fewer: one request to SQS.
const PACED_STEP: usize = 10;

/// What a redrive came to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
struct Report {
    dry_run: bool,
    matched: usize,
    redriven: usize,
    /// No longer dead by now.
    gone: usize,
    /// Not sent: it could only die again.
    refused: Vec<Refused>,
}

/// One that was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Refused {
    id: String,
    code: Code,
    message: String,
}

/// Sends what `filter` takes again.
pub(super) async fn run(
    app: &App,
    filter: &Filter,
    act: &Act,
    buckets: Option<u64>,
    rate: Option<u32>,
) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let letters = index::find(&aws, filter).await?;
    let mut report = Report { dry_run: act.dry_run, matched: letters.len(), ..Report::default() };
    let question = format!("Send {} again?", count(letters.len(), "dead letter"));
    if letters.is_empty() || (!act.dry_run && !confirm(app, &question, act.yes)?) {
        return tell(app, &report);
    }
    let runtime = aws.runtime("")?;
    let fresh = rtr_aws::clock::SystemClock.nonce();
    let how = Addressing { buckets: aws.group_buckets(buckets).await, fresh };
    let pace = Pace::new(rate, letters.len());
    for step in letters.chunks(pace.step()) {
        let done = one_step(&runtime.seams(), &aws, step, &how, &mut report).await;
        if let Err(problem) = done {
            tell(app, &report)?;
            return Err(problem);
        }
        pace.wait(step.len()).await;
    }
    tell(app, &report)
}

async fn one_step(
    seams: &Seams<'_>,
    aws: &Aws,
    letters: &[Letter],
    how: &Addressing,
    report: &mut Report,
) -> Result<(), Problem> {
    let keys: Vec<_> = letters.iter().map(|letter| letter.key.clone()).collect();
    let read = seams.records.read(&keys).await;
    let items = read.map_err(|error| unavailable("reading items", &aws.place, &error))?;
    let mut sending: Vec<(&Letter, QueueName, Outbound, Option<Lying>)> = Vec::new();
    for letter in letters {
        let item = items.get(&letter.key);
        let body = match item.and_then(Item::dead).filter(|_| needs_body(letter)) {
            Some(slot) => body_of(seams.records, slot)
                .await
                .map_err(|error| unavailable("reading a body", &aws.place, &error))?,
            None => None,
        };
        match redrive(letter, item, body, how) {
            Redrive::Wake(message) => sending.push((letter, QueueName::Changes, message, None)),
            Redrive::Tell(message) => sending.push((letter, QueueName::Inbound, message, None)),
            Redrive::Resend(message) => {
                sending.push((letter, QueueName::Changes, message, item.and_then(lying)));
            }
            Redrive::Gone => report.gone += 1,
            Redrive::Refused(code, message) => {
                report.refused.push(Refused { id: letter.id.clone(), code, message })
            }
        }
    }
    if report.dry_run {
        report.redriven += sending.len();
        return Ok(());
    }
    // Stable: each queue's keep their order.
    sending.sort_by_key(|(_, queue, ..)| *queue == QueueName::Inbound);
    let mut sent = Vec::new();
    for part in sending.chunk_by(|one, other| one.1 == other.1) {
        let messages: Vec<Outbound> = part.iter().map(|(_, _, message, _)| message.clone()).collect();
        sent.extend(seams.queue.send(part[0].1, &messages).await);
    }
    for ((letter, _, _, lay), sent) in sending.into_iter().zip(sent) {
        sent.map_err(|error| unavailable(&format!("sending {}", letter.whose()), &aws.place, &error))?;
        report.redriven += 1;
        // The event is in the queue; what lay in for it goes, unless it has died again already.
        if let Some(Lying { item, sent }) = lay {
            let cleared = clear(seams, letter, item, sent).await;
            if let Cleared::Failed(error) = cleared {
                return Err(unavailable(&format!("clearing {}", letter.whose()), &aws.place, &error));
            }
        }
    }
    Ok(())
}

/// An item that frees its place once what lay there is sent.
struct Lying {
    item: Item,
    /// What is sent of it, which may be newer than what was listed.
    sent: Seen,
}

fn lying(item: &Item) -> Option<Lying> {
    let slot = item.dead()?;
    let sent = Seen { version: Some(slot.wanted_version), since: slot.since };
    Some(Lying { item: item.clone(), sent })
}

fn tell(app: &App, report: &Report) -> Ended {
    app.out.answer(report, |_| words(report));
    Ok(Exit::of_findings(!report.refused.is_empty()))
}

fn words(report: &Report) -> String {
    let would = if report.dry_run { "would send" } else { "sent" };
    let mut text = format!("{would} {} again", count(report.redriven, "dead letter"));
    if report.gone > 0 {
        text.push_str(&format!(", {} no longer dead", report.gone));
    }
    for Refused { id, code, message } in &report.refused {
        text.push_str(&format!("\n{id}: {code} {message}"));
    }
    text
}

/// How fast to go.
pub(super) struct Pace {
    rate: Option<u32>,
    began: Instant,
    bar: ProgressBar,
}

impl Pace {
    /// At most `rate` a second of `total`.
    pub(super) fn new(rate: Option<u32>, total: usize) -> Self {
        Self { rate, began: Instant::now(), bar: progress_bar(Some(total as u64)) }
    }

    /// How many to do at a time.
    pub(super) fn step(&self) -> usize {
        self.rate.map_or(STEP, |rate| PACED_STEP.min(rate as usize)).max(1)
    }

    /// Notes that `done` more are done, and waits until that is within the rate.
    pub(super) async fn wait(&self, done: usize) {
        self.bar.inc(done as u64);
        let all_done = self.bar.length() == Some(self.bar.position());
        if all_done {
            self.bar.finish_and_clear();
        }
        if let Some(rate) = self.rate.filter(|_| !all_done) {
            let ms = self.bar.position().saturating_mul(1_000) / u64::from(rate.max(1));
            tokio::time::sleep_until(self.began + Duration::from_millis(ms)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_report_when_told_then_people_see_what_was_not_sent_and_why() {
        let refused = vec![Refused {
            id: "ab12".to_owned(),
            code: Code::MalformedJson,
            message: "not JSON".to_owned(),
        }];
        let report = Report { dry_run: false, matched: 4, redriven: 2, gone: 1, refused };
        insta::assert_snapshot!(words(&report), @r"
        sent 2 dead letters again, 1 no longer dead
        ab12: RTR1001 not JSON
        ");
        assert_eq!(words(&Report { dry_run: true, ..Report::default() }), "would send 0 dead letters again");
    }

    #[test]
    fn given_a_rate_when_paced_then_steps_are_no_larger_than_it() {
        assert_eq!([None, Some(3), Some(100)].map(|rate| Pace::new(rate, 5).step()), [100, 3, 10]);
    }
}
