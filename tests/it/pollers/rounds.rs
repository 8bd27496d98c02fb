//! What is sent, and how long it took: another org's changes among those of a crowd, again and again with the crowd's CRM well
//! and with it in trouble, turn by turn, so that whatever else the machine does is the same for both.

use crate::stack::{Event, Field, Org, Stack, eventually_within, now_ms};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// Turns of each kind.
const ROUNDS: usize = 8;
/// Of ten events one is the other org's: a page of SQS.
const CROWD: usize = 9;
/// Within this a turn is over, however slow the machine.
const SETTLING: Duration = Duration::from_secs(240);

/// How long the other org's events took in the turns of one kind, in milliseconds, sorted.
#[derive(Debug)]
pub(super) struct Took(Vec<i64>);

impl Took {
    /// The time within which so many percent were at the CRM.
    pub(super) fn within(&self, percent: usize) -> i64 {
        self.0[(self.0.len() - 1) * percent / 100]
    }
}

/// The orgs.
pub(super) struct Orgs<'a> {
    /// The crowd whose CRM is well.
    pub(super) well: Org<'a>,
    /// The crowd whose CRM is in trouble.
    pub(super) troubled: Org<'a>,
    /// The org that lives its life.
    pub(super) other: Org<'a>,
}

/// How many events each crowd has, of the `wanted` ones.
pub(super) fn whole(wanted: usize) -> usize {
    wanted.div_ceil(ROUNDS * CROWD).max(1) * ROUNDS * CROWD
}

/// Lets it happen, with so many events of each crowd; how long the other's took with the one and with the other.
pub(super) fn take_turns(stack: &Stack, field: &Field<'_>, orgs: &Orgs<'_>, events: usize) -> (Took, Took) {
    let mut sent = [Vec::new(), Vec::new()];
    let mut told = 0;
    for round in 0..ROUNDS {
        // Who is first is second the next time.
        for kind in [round % 2, 1 - round % 2] {
            let crowd = [&orgs.well, &orgs.troubled][kind];
            let pages = events / ROUNDS / CROWD;
            for page in round * pages..(round + 1) * pages {
                let id = format!("{}{page:05}", ["w", "t"][kind]);
                let mut batch: Vec<Event> =
                    (0..CROWD).map(|n| contact(crowd, &format!("c{:06}", page * CROWD + n))).collect();
                batch.insert(CROWD / 2, contact(&orgs.other, &id));
                sent[kind].push((id, now_ms()));
                stack.send_to(&field.changes, &batch);
                told += 1;
            }
            eventually_within(
                SETTLING,
                "the other org's events are at its CRM, and nobody waits to be received",
                || {
                    let (there, waiting) = (orgs.other.crm().records("contacts").len(), field.waiting());
                    if (there, waiting) == (told, 0) {
                        return Ok(());
                    }
                    Err(format!("{there} of {told} there, {waiting} waiting"))
                },
            );
        }
    }
    let landed = landings(&orgs.other);
    let [well, troubled] = sent.map(|sent| {
        let mut took: Vec<i64> = sent.iter().map(|(id, at)| landed[id] - at).collect();
        took.sort_unstable();
        Took(took)
    });
    (well, troubled)
}

fn contact(org: &Org<'_>, id: &str) -> Event {
    org.contact(id, 1, &json!({"email": format!("{id}@x.example"), "first_name": "v1"}))
}

/// When each of the org's records was first written, by the CRM's own log.
fn landings(org: &Org<'_>) -> HashMap<String, i64> {
    let mut landed = HashMap::new();
    for request in org.crm().requests_with_bodies(0).iter().filter(|one| (200..300).contains(&one.status)) {
        for input in request.body["inputs"].as_array().into_iter().flatten() {
            if let Value::String(id) = &input["properties"]["rtr_record_id"] {
                let at = landed.entry(id.clone()).or_insert(request.at_ms);
                *at = (*at).min(request.at_ms);
            }
        }
    }
    landed
}
