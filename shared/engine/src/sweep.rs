//! The sweep: wakes what waits in its slot when its look is due, and starts the bulk lanes that are due. It runs for longer
//! than its schedule's interval, so that one is always at work and what waits seconds waits seconds. Two at once send the same
//! messages, which the queue knows.
//!
//! It also tells what is to be told of connections ([`crate::notices`]). Of records it decides nothing and writes nothing: a slot says when it is to be looked at, its record's worker does the looking.
//! What it has woken stays due until that worker has been there, and is not woken again by the same run; what the queue did not
//! take is sent again at the next look.

use crate::batch::Settings;
use crate::bulk::baton;
use crate::notices;
use crate::report::BatchReport;
use crate::seams::{Baton, Bus, Seams, Sleeper};
use crate::wake::{taken, wake};
use rtr_core::metric::Metric;
use rtr_core::time::Instant;
use std::collections::HashSet;

/// Between two looks, in milliseconds.
const LOOK_MS: i64 = 2_000;
/// Slots of one look.
const LOOK_AT: usize = 10_000;
/// Lanes of one look.
const LANES_AT: usize = 1_000;

/// Looks again and again until `until`; the report counts what was woken.
pub async fn run(seams: &Seams<'_>, settings: &Settings, bus: &dyn Bus, until: Instant) -> BatchReport {
    let mut report = BatchReport::default();
    let (mut woken, mut started) = (HashSet::new(), HashSet::new());
    loop {
        let now = seams.clock.now();
        match seams.records.due(now, LOOK_AT).await {
            Ok(due) => {
                let of = |one: &Sleeper| (one.record.clone(), one.connection.clone(), one.due_at);
                let due = due.into_iter().filter(|one| !woken.contains(&of(one))).collect();
                for part in by_due(due) {
                    let cause = format!("due#{}", part.first().map_or(0, |one| one.due_at.0));
                    let sent = wake(seams, settings, &part, &cause).await;
                    report.count(Metric::Woken, taken(&sent));
                    woken.extend(part.iter().zip(sent).filter(|(_, sent)| *sent).map(|(one, _)| of(one)));
                }
            }
            Err(error) => tracing::warn!(event = "sweep", message = %error),
        }
        match seams.limits.lanes_due(now, LANES_AT).await {
            Ok(due) => {
                let of = |one: &Baton| (one.connection.clone(), one.n);
                let due: Vec<Baton> = due.into_iter().filter(|one| !started.contains(&of(one))).collect();
                let sent = baton::send(seams, &due).await;
                report.count(Metric::Started, taken(&sent));
                started.extend(due.iter().zip(sent).filter(|(_, sent)| *sent).map(|(one, _)| of(one)));
            }
            Err(error) => tracing::warn!(event = "sweep", message = %error),
        }
        notices::tell(seams, bus, &mut report).await;
        if seams.clock.now().plus_ms(LOOK_MS) > until {
            return report;
        }
        seams.clock.sleep_ms(LOOK_MS).await;
    }
}

/// Those due at one time share their cause.
fn by_due(mut due: Vec<Sleeper>) -> Vec<Vec<Sleeper>> {
    due.sort_by_key(|one| one.due_at);
    due.chunk_by(|one, other| one.due_at == other.due_at).map(<[Sleeper]>::to_vec).collect()
}
