//! `rtr parked drain` and `drop`: each version by one compare-and-set of its slot. The bulk lane, which may be in a call of
//! it at this moment, does the rest.

use super::Act;
use super::entry::Entry;
use super::look::find;
use super::share::{Meant, Share, shares, shares_words};
use crate::app::App;
use crate::audit::note;
use crate::aws::{Aws, unavailable};
use crate::commands::dlq::audit::entries;
use crate::commands::dlq::filter::Filter;
use crate::confirm::confirm;
use crate::output::{count, progress_bar};
use crate::problem::{Ended, Exit, Problem};
use crate::signal::{Rest, told_to_end, unless_interrupted};
use rtr_core::item::Item;
use rtr_core::key::ConnectionKey;
use rtr_core::parked::{self, give_up, hasten};
use rtr_core::time::Instant;
use rtr_engine::seams::{Named, Seams, Unavailable, Write, Wrote};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// Versions per step: one read of DynamoDB.
const STEP: usize = 100;
/// Times a refused write is decided anew.
const ROUNDS: usize = 4;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// It is made due.
    Drain,
    /// It is marked to be dropped.
    Drop,
}

/// What it came to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Report {
    dry_run: bool,
    matched: usize,
    /// Due now, or marked; with those that were so already.
    done: usize,
    /// They wait until a request has landed or died, and go then.
    held: usize,
    /// They wait for another record, and go when that is linked or their wait ends.
    waiting: usize,
    /// They were given up before, and cannot be made due.
    dropping: usize,
    /// Gone, or another version by now: left alone.
    gone: usize,
    /// Whose they are that are acted on.
    of: Vec<Share>,
}

/// Acts on what `filter` takes.
pub(super) async fn run(app: &App, filter: &Filter, act: &Act, what: What) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let runtime = aws.runtime("")?;
    let found = Box::pin(find(&aws, &runtime, filter)).await?;
    let matched = found.len();
    let Meant { entries, waiting, dropping } = Meant::of(found, what);
    let of = shares(&entries);
    let mut report =
        Report { dry_run: act.dry_run, matched, waiting, dropping, of: of.clone(), ..Report::default() };
    // Before anything is done, and whether or not somebody is there to be asked: a drop cannot be taken back.
    if what == What::Drop && matched > 0 {
        app.out.note(&shares_words(&of, waiting));
    }
    let versions = count(entries.len(), "parked version");
    let question = format!("Drop {versions} for good? They are not sent to the CRM.");
    if entries.is_empty() || (what == What::Drop && !act.dry_run && !confirm(app, &question, act.yes)?) {
        return Ok(tell(app, what, &report));
    }
    if !act.dry_run {
        audit(&aws, act, what, filter, &entries).await?;
    }
    let by = format!("rtr#{}", runtime.seams().clock.nonce());
    let bar = progress_bar(Some(entries.len() as u64));
    let (stop, mut left) = (told_to_end(), entries.len());
    for step in entries.chunks(STEP) {
        let done = one_step(&runtime.seams(), step, what, &by, &mut report).await;
        if let Err(error) = done {
            bar.finish_and_clear();
            tell(app, what, &report);
            return Err(unavailable("changing what is parked", &aws.place, &error));
        }
        bar.inc(step.len() as u64);
        left -= step.len();
        if stop.is_cancelled() {
            break;
        }
    }
    bar.finish_and_clear();
    let named = (!filter.id.is_empty()).then_some("rtr parked list");
    let rest = Rest { left, all: entries.len(), dry_run: act.dry_run, named };
    unless_interrupted(tell(app, what, &report), rest)
}

/// One entry for each connection that is concerned.
async fn audit(aws: &Aws, act: &Act, what: What, filter: &Filter, parked: &[Entry]) -> Result<(), Problem> {
    let action = match what {
        What::Drain => "parked.drain",
        What::Drop => "parked.drop",
    };
    let letters = parked.iter().map(|one| &one.letter);
    for entry in entries(action, letters, filter, &act.by.who()) {
        note(aws, &entry).await?;
    }
    Ok(())
}

async fn one_step(
    seams: &Seams<'_>,
    entries: &[Entry],
    what: What,
    by: &str,
    report: &mut Report,
) -> Result<(), Unavailable> {
    let dry_run = report.dry_run;
    let (mut left, mut wanted): (Vec<&Entry>, BTreeSet<&ConnectionKey>) =
        (entries.iter().collect(), BTreeSet::new());
    for round in 0..ROUNDS {
        let keys: Vec<_> = left.iter().map(|entry| entry.letter.key.clone()).collect();
        let named = seams.records.read_named(&keys).await?;
        let mut named: HashMap<_, Named> = named.into_iter().map(|one| (one.key.clone(), one)).collect();
        let (mut writing, mut writes) = (Vec::new(), Vec::new());
        for entry in left {
            let one = named.remove(&entry.letter.key);
            let item = one.as_ref().map(|one| one.item.clone()).unwrap_or_default();
            // A write whose answer was lost may have landed, and was refused the second time.
            if round > 0 && item.by == by {
                report.done += 1;
                continue;
            }
            match decide(&item, entry, what, by, seams.clock.now()) {
                parked::Act::Write(_) if dry_run => report.done += 1,
                parked::Act::Write(new) => {
                    let names = one.map(|one| one.names).unwrap_or_default();
                    writes.push(Write { key: entry.letter.key.clone(), names, old: item, new: *new });
                    writing.push(entry);
                }
                parked::Act::Already => {
                    wanted.insert(&entry.connection);
                    report.done += 1;
                }
                parked::Act::Held(_) => report.held += 1,
                parked::Act::Waits => report.waiting += 1,
                parked::Act::Dropped => report.dropping += 1,
                parked::Act::Gone => report.gone += 1,
            }
        }
        left = Vec::new();
        if writes.is_empty() {
            break;
        }
        // What is due is known to its lane before it is due: a slot that no lane knows of would sleep.
        wanted.extend(writing.iter().map(|entry| &entry.connection));
        want(seams, &wanted).await?;
        // All went together: those that are done count, whichever of them failed.
        let mut failed = None;
        for (entry, wrote) in writing.into_iter().zip(seams.records.write(&writes).await) {
            match wrote {
                Wrote::Done => report.done += 1,
                Wrote::Failed(error) => failed = failed.or(Some(error)),
                Wrote::Refused | Wrote::Owned(_) => left.push(entry),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
    }
    if !dry_run {
        want(seams, &wanted).await?;
    }
    if left.is_empty() { Ok(()) } else { Err(Unavailable("an item kept changing".to_owned())) }
}

fn decide(item: &Item, entry: &Entry, what: What, by: &str, now: Instant) -> parked::Act {
    match what {
        What::Drain => hasten(item, entry.seen, by, now),
        What::Drop => give_up(item, entry.seen, by),
    }
}

async fn want(seams: &Seams<'_>, lanes: &BTreeSet<&ConnectionKey>) -> Result<(), Unavailable> {
    for connection in lanes {
        seams.limits.want_lane(connection, seams.clock.now()).await?;
    }
    Ok(())
}

fn tell(app: &App, what: What, report: &Report) -> Exit {
    app.out.answer(report, |_| words(what, report));
    Exit::Done
}

fn words(what: What, report: &Report) -> String {
    let versions = count(report.done, "parked version");
    let mut text = match (what, report.dry_run) {
        (What::Drain, false) => format!("made {versions} due now"),
        (What::Drain, true) => format!("would make {versions} due now"),
        (What::Drop, false) => {
            format!(
                "gave {versions} up: each ends when its connection's lane looks, and is counted as dropped"
            )
        }
        (What::Drop, true) => format!("would give {versions} up"),
    };
    for (n, why) in [
        (report.held, "held until a request of unknown outcome has landed or died, and left alone"),
        (report.waiting, "waiting for another record, and left alone"),
        (
            report.dropping,
            "given up before, and to be dropped when the lane looks: only a newer version goes",
        ),
        (report.gone, "no longer as listed"),
    ] {
        if n > 0 {
            text.push_str(&format!("\n{n} {why}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;
    use rtr_core::code::Code;
    use rtr_core::item::SlotState;

    #[test]
    fn given_reports_when_told_then_people_see_what_was_left_alone_and_why() {
        let of = shares(&[
            entry("c-1", SlotState::Parked, Code::Paused).unwrap(),
            entry("c-2", SlotState::Parked, Code::Paused).unwrap(),
        ]);
        let report =
            Report { dry_run: false, matched: 11, done: 5, held: 1, waiting: 2, dropping: 2, gone: 1, of };
        let dry = Report { dry_run: true, matched: 1, done: 1, ..Report::default() };
        let all = [
            words(What::Drain, &report),
            words(What::Drain, &dry),
            words(What::Drop, &report),
            words(What::Drop, &dry),
        ];
        insta::assert_snapshot!(all.join("\n--\n"), @r"
        made 5 parked versions due now
        1 held until a request of unknown outcome has landed or died, and left alone
        2 waiting for another record, and left alone
        2 given up before, and to be dropped when the lane looks: only a newer version goes
        1 no longer as listed
        --
        would make 1 parked version due now
        --
        gave 5 parked versions up: each ends when its connection's lane looks, and is counted as dropped
        1 held until a request of unknown outcome has landed or died, and left alone
        2 waiting for another record, and left alone
        2 given up before, and to be dropped when the lane looks: only a newer version goes
        1 no longer as listed
        --
        would give 1 parked version up
        ");
        crate::schema::tests::holds("parked drain", &report);
        crate::schema::tests::holds("parked drop", &report);
        insta::assert_snapshot!(serde_json::to_string(&report).unwrap(), @r#"{"dry_run":false,"matched":11,"done":5,"held":1,"waiting":2,"dropping":2,"gone":1,"of":[{"org_id":"acme","connection":"hubspot","record_type":"contact","versions":2}]}"#);
    }
}
