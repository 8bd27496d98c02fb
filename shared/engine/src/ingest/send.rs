//! Entries to the queue: several records at once, each record's in their order.

use super::Ways;
use crate::seams::NotTaken;
use futures::future::join_all;
use rtr_core::code::Code;
use rtr_core::ingest::sending::Sending;
use rtr_core::ingest::{Entry, Fate, Refusal};
use rtr_core::time::Instant;

/// Calls under way at once.
const AT_ONCE: usize = 16;
/// What the queue did not take makes sense again after so many seconds.
const AGAIN_S: u64 = 1;

/// Sends `entries` until `until`, and tells of each what became of it.
pub async fn send(ways: &Ways<'_>, entries: &[Entry], until: Instant) -> Vec<Fate> {
    let mut fates: Vec<Option<Fate>> = vec![None; entries.len()];
    let mut sending = Sending::new(entries);
    'all: loop {
        let calls = sending.calls();
        if calls.is_empty() {
            break;
        }
        for some in calls.chunks(AT_ONCE) {
            if ways.clock.now() >= until {
                break 'all;
            }
            let answers = join_all(some.iter().map(|call| offer(ways, entries, call))).await;
            for (place, answer) in answers.into_iter().flatten() {
                settle(&mut sending, &mut fates, place, answer);
            }
        }
    }
    fates.into_iter().map(|fate| fate.unwrap_or_else(|| Fate::Refused(out_of_time()))).collect()
}

/// One call, each of its places with its answer.
async fn offer(ways: &Ways<'_>, entries: &[Entry], call: &[usize]) -> Vec<(usize, Result<String, NotTaken>)> {
    let offered: Vec<&Entry> = call.iter().map(|place| &entries[*place]).collect();
    let silence = || Err(NotTaken::Unavailable("the queue did not answer for this entry".to_owned()));
    let answers = ways.outlet.offer(&offered).await.into_iter().chain(std::iter::repeat_with(silence));
    call.iter().copied().zip(answers).collect()
}

fn settle(
    sending: &mut Sending<'_>,
    fates: &mut [Option<Fate>],
    place: usize,
    answer: Result<String, NotTaken>,
) {
    let refusal = match answer {
        Ok(id) => {
            sending.taken(place);
            fates[place] = Some(Fate::Taken(id));
            return;
        }
        Err(why) => refusal(why),
    };
    if refusal.passes() {
        for behind in sending.failed(place) {
            fates[behind] = Some(Fate::Refused(refusal.behind()));
        }
    } else {
        // It will never go, and a newer version makes up for it: nothing is to wait for it.
        sending.taken(place);
    }
    fates[place] = Some(Fate::Refused(refusal));
}

fn refusal(why: NotTaken) -> Refusal {
    match why {
        NotTaken::Throttled(why) => {
            tracing::warn!(event = "ingest", code = Code::QueueThrottled.as_str(), message = why);
            Refusal::passing(
                429,
                Code::QueueThrottled,
                "the queue takes no more at the moment: send it again",
                AGAIN_S,
            )
        }
        NotTaken::Unavailable(why) => {
            tracing::error!(event = "ingest", code = Code::QueueUnavailable.as_str(), message = why);
            Refusal::passing(503, Code::QueueUnavailable, "the queue does not answer: send it again", AGAIN_S)
        }
        NotTaken::Refused(why) => {
            tracing::error!(event = "ingest", code = Code::QueueRefused.as_str(), message = why);
            Refusal::lasting(400, Code::QueueRefused, format!("the queue refuses the event: {why}"))
        }
    }
}

fn out_of_time() -> Refusal {
    let message = "there was no time left to send it: send it again, with fewer at a time";
    Refusal::passing(503, Code::IngestOutOfTime, message, AGAIN_S)
}
