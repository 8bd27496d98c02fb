//! One step of a redrive: the items read once, a plan for each, and what is planned sent, many message groups at a time.
//!
//! Within a group messages go in the order of the letters, one request after another; groups do not wait for each other.

use super::clear::{Cleared, clear};
use super::decision::Seen;
use super::letter::Letter;
use super::plan::{Addressing, Redrive, body_of, needs_body, redrive};
use crate::seams::{Outbound, QueueName, Records, Seams, Unavailable};
use futures::future::join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use rtr_core::code::Code;
use rtr_core::digest;
use rtr_core::item::Item;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ways over which a step is sent at once: what each carries is in its order.
const WAYS: u64 = 8;
/// Bodies read, and places freed, at once.
const AT_ONCE: usize = 16;
/// Messages of one way that are sent together: those of one request.
const TOGETHER: usize = 10;

/// What could not be done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What was being done.
    pub doing: String,
    /// Why it was not.
    pub error: Unavailable,
}

/// One that is not sent: it could only die again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The letter.
    pub id: String,
    /// The code it would die of.
    pub code: Code,
    /// Why.
    pub message: String,
}

/// One that was sent, as it lay then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The letter.
    pub letter: Letter,
    /// What was dead: by this one tells whether it lies there still.
    pub seen: Seen,
    /// Whether its event went, and not a wake-up: it ends at its record's own items then.
    pub anew: bool,
}

/// A step, planned and not sent.
#[derive(Debug)]
pub struct Planned<'a> {
    ready: Vec<Ready<'a>>,
    /// No longer dead by now.
    pub gone: usize,
    /// Not to be sent.
    pub refused: Vec<Refused>,
}

#[derive(Debug)]
struct Ready<'a> {
    letter: &'a Letter,
    queue: QueueName,
    message: Outbound,
    seen: Seen,
    /// The item of what frees its place once it is sent.
    lying: Option<Item>,
}

/// What a step came to. What was done before it failed counts too.
#[derive(Debug, Default)]
pub struct Step {
    /// What was sent.
    pub sent: Vec<Sent>,
    /// The first thing that could not be done. Nothing was begun after it.
    pub failed: Option<Failed>,
    /// Ready, and not begun.
    pub left: usize,
}

/// Plans one step: what of `letters` is dead still, as a strong read finds it.
///
/// # Errors
/// When items or bodies cannot be read.
pub async fn plan_step<'a>(
    records: &dyn Records,
    letters: &'a [Letter],
    how: &Addressing,
) -> Result<Planned<'a>, Failed> {
    let keys: Vec<_> = letters.iter().map(|letter| letter.key.clone()).collect();
    let items = records.read(&keys).await.map_err(|error| failed("reading items", error))?;
    let mut bodies = bodies(records, letters, |letter| items.get(&letter.key)).await?;
    let mut planned = Planned { ready: Vec::new(), gone: 0, refused: Vec::new() };
    for (place, letter) in letters.iter().enumerate() {
        let item = items.get(&letter.key);
        let (queue, message, lying) = match redrive(letter, item, bodies.remove(&place), how) {
            Redrive::Wake(message) => (QueueName::Changes, message, None),
            Redrive::Tell(message) => (QueueName::Inbound, message, None),
            Redrive::Resend(message) => (QueueName::Changes, message, item.cloned()),
            Redrive::Gone => {
                planned.gone += 1;
                continue;
            }
            Redrive::Refused(code, message) => {
                planned.refused.push(Refused { id: letter.id.clone(), code, message });
                continue;
            }
        };
        let Some(slot) = item.and_then(Item::dead) else { continue };
        // It may be newer than what was listed.
        let seen = Seen { version: Some(slot.wanted_version), since: slot.since };
        planned.ready.push(Ready { letter, queue, message, seen, lying });
    }
    Ok(planned)
}

/// The bodies of those letters that are sent as events, by their places.
async fn bodies<'i>(
    records: &dyn Records,
    letters: &[Letter],
    item: impl Fn(&Letter) -> Option<&'i Item>,
) -> Result<BTreeMap<usize, Value>, Failed> {
    let slot = |(place, letter)| Some((place, item(letter)?.dead()?));
    let wanted: Vec<_> =
        letters.iter().enumerate().filter(|(_, letter)| needs_body(letter)).filter_map(slot).collect();
    let read = stream::iter(wanted)
        .map(|(place, slot)| async move { Ok((place, body_of(records, slot).await?)) })
        .buffer_unordered(AT_ONCE);
    let read: Vec<(usize, Option<Value>)> =
        read.try_collect().await.map_err(|error| failed("reading a body", error))?;
    Ok(read.into_iter().filter_map(|(place, body)| Some((place, body?))).collect())
}

impl Planned<'_> {
    /// How many would be sent.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Sends what is ready, and frees the places of what went as an event.
    pub async fn send(self, seams: &Seams<'_>) -> Step {
        self.send_while(seams, &|| true).await
    }

    /// The same as long as `goes_on` says so: what is under way then ends, and no other request is begun.
    pub async fn send_while(self, seams: &Seams<'_>, goes_on: &(dyn Fn() -> bool + Sync)) -> Step {
        let answers = dispatch(seams, &self.ready, goes_on).await;
        let mut step = Step::default();
        let mut clearing = Vec::new();
        for (ready, answer) in self.ready.into_iter().zip(answers) {
            let Ready { letter, seen, lying, .. } = ready;
            match answer {
                None => step.left += 1,
                Some(Ok(())) => {
                    step.sent.push(Sent { letter: letter.clone(), seen, anew: lying.is_some() });
                    // The event is in the queue; what lay in for it goes, unless it has died again already.
                    clearing.extend(lying.map(|item| (letter, item, seen)));
                }
                Some(Err(error)) => {
                    step.failed.get_or_insert(failed(&format!("sending {}", letter.whose()), error));
                }
            }
        }
        let has_failed = AtomicBool::new(false);
        let clearing = clearing.into_iter().take_while(|_| !has_failed.load(Ordering::Relaxed));
        let mut cleared = stream::iter(clearing)
            .map(|(letter, item, seen)| async move { (letter, clear(seams, letter, item, seen).await) })
            .buffer_unordered(AT_ONCE);
        while let Some((letter, cleared)) = cleared.next().await {
            if let Cleared::Failed(error) = cleared {
                has_failed.store(true, Ordering::Relaxed);
                step.failed.get_or_insert(failed(&format!("clearing {}", letter.whose()), error));
            }
        }
        step
    }
}

/// Sends over several ways at once; the answers stand in the order of `ready`. What fails once may hang for long each time: none
/// begins after a failure, on any way, and what was not begun has no answer.
async fn dispatch(
    seams: &Seams<'_>,
    ready: &[Ready<'_>],
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Vec<Option<Result<(), Unavailable>>> {
    let (ways, has_failed) = (ways(ready), AtomicBool::new(false));
    let sending = ways.iter().map(|((queue, _), places)| {
        let has_failed = &has_failed;
        async move {
            let mut answers = Vec::new();
            for places in places.chunks(TOGETHER) {
                if has_failed.load(Ordering::Relaxed) || !goes_on() {
                    break;
                }
                let messages: Vec<Outbound> =
                    places.iter().map(|place| ready[*place].message.clone()).collect();
                let mut sent = seams.queue.send(*queue, &messages).await;
                sent.resize_with(places.len(), unanswered);
                if sent.iter().any(Result::is_err) {
                    has_failed.store(true, Ordering::Relaxed);
                }
                answers.extend(places.iter().copied().zip(sent));
            }
            answers
        }
    });
    let mut answers = vec![None; ready.len()];
    for (place, answer) in join_all(sending).await.into_iter().flatten() {
        answers[place] = Some(answer);
    }
    answers
}

fn unanswered() -> Result<(), Unavailable> {
    Err(Unavailable("the queue did not answer for it".to_owned()))
}

/// The places of `ready` by the way they go: all of a message group go the same.
fn ways(ready: &[Ready<'_>]) -> BTreeMap<(QueueName, u64), Vec<usize>> {
    let mut ways: BTreeMap<(QueueName, u64), Vec<usize>> = BTreeMap::new();
    for (place, one) in ready.iter().enumerate() {
        let way = digest::number(one.message.group.as_bytes()) % WAYS;
        ways.entry((one.queue, way)).or_default().push(place);
    }
    ways
}

fn failed(doing: &str, error: Unavailable) -> Failed {
    Failed { doing: doing.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::*;
    use rtr_core::time::Instant;

    #[test]
    fn given_many_letters_when_sent_over_several_ways_then_all_of_a_group_go_the_same_in_their_order() {
        let letters: Vec<Letter> = (0..200).map(|n| letter(&format!("c-{n}"), "hubspot", n, "{}")).collect();
        let ready: Vec<Ready<'_>> = letters
            .iter()
            .enumerate()
            .map(|(n, letter)| Ready {
                letter,
                queue: if n % 5 == 0 { QueueName::Inbound } else { QueueName::Changes },
                message: Outbound {
                    trace: None,
                    body: String::new(),
                    group: format!("g{}", n % 40),
                    deduplication_id: n.to_string(),
                    lane: None,
                },
                seen: letter.seen(),
                lying: None,
            })
            .collect();
        let ways = ways(&ready);
        assert!(ways.len() > 8, "{} ways", ways.len());
        let mut all: Vec<usize> = ways.values().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..200).collect::<Vec<_>>(), "each goes once");
        let mut of_group: BTreeMap<(QueueName, &str), u64> = BTreeMap::new();
        for ((queue, way), places) in &ways {
            assert!(places.is_sorted());
            for place in places {
                assert_eq!(ready[*place].queue, *queue);
                let first = of_group.entry((*queue, &ready[*place].message.group)).or_insert(*way);
                assert_eq!(first, way, "a group goes one way");
            }
        }
        assert_eq!(letters[3].seen().since, Instant(3));
    }
}
