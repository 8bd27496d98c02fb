//! `rtr dlq drop`: gives dead versions up. Each is one compare-and-set, and a stored body goes only after it.

use super::Act;
use super::decision::{Seen, dropped};
use super::filter::Filter;
use super::index;
use super::letter::Letter;
use super::redrive::Pace;
use crate::app::App;
use crate::audit::{Who, note};
use crate::aws::{Aws, unavailable};
use crate::confirm::confirm;
use crate::output::count;
use crate::problem::{Ended, Exit, Problem};
use futures::stream::{self, StreamExt};
use rtr_core::audit::Entry;
use rtr_core::item::Item;
use rtr_engine::seams::{Seams, Unavailable, Write, Wrote};
use serde::Serialize;
use std::collections::BTreeMap;

/// Writes under way at once.
const AT_ONCE: usize = 16;
/// Times a refused write is decided anew.
const ROUNDS: usize = 4;

/// What a drop came to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
struct Report {
    dry_run: bool,
    matched: usize,
    dropped: usize,
    /// No longer dead, or of another version by now: left alone.
    gone: usize,
}

/// What became of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cleared {
    /// It is free.
    Done,
    /// Something else lies there by now.
    Gone,
    /// Nobody knows.
    Failed(Unavailable),
}

/// Drops what `filter` takes.
pub(super) async fn run(app: &App, filter: &Filter, act: &Act, who: &Who, rate: Option<u32>) -> Ended {
    let aws = Box::pin(app.aws()).await?;
    let letters = index::find(&aws, filter).await?;
    let mut report = Report { dry_run: act.dry_run, matched: letters.len(), ..Report::default() };
    let question = format!("Drop {} for good?", count(letters.len(), "dead letter"));
    if letters.is_empty() || (!act.dry_run && !confirm(app, &question, act.yes)?) {
        return Ok(tell(app, &report));
    }
    if !act.dry_run {
        for entry in entries(&letters, who) {
            note(&aws, &entry).await?;
        }
    }
    let runtime = aws.runtime("")?;
    let pace = Pace::new(rate, letters.len());
    for step in letters.chunks(pace.step()) {
        let done = one_step(&runtime.seams(), &aws, step, &mut report).await;
        if let Err(problem) = done {
            tell(app, &report);
            return Err(problem);
        }
        pace.wait(step.len()).await;
    }
    Ok(tell(app, &report))
}

/// One entry for each connection that is concerned; what belongs to no org, or to no connection of it, has one of its own.
fn entries(letters: &[Letter], who: &Who) -> Vec<Entry> {
    let mut by_connection: BTreeMap<(Option<&str>, Option<&str>), u64> = BTreeMap::new();
    for letter in letters {
        let of = (letter.org_id.as_deref(), letter.connection.as_deref());
        *by_connection.entry(of).or_default() += 1;
    }
    let entry = |((org_id, connection), versions): ((Option<&str>, Option<&str>), u64)| {
        let target = match (org_id, connection) {
            (Some(org_id), Some(connection)) => format!("{org_id} {connection}"),
            (Some(org_id), None) => org_id.to_owned(),
            (None, _) => "of no org".to_owned(),
        };
        let entry = who.entry("dlq.drop", target);
        Entry { org_id: org_id.map(str::to_owned), count: Some(versions), ..entry }
    };
    by_connection.into_iter().map(entry).collect()
}

async fn one_step(
    seams: &Seams<'_>,
    aws: &Aws,
    letters: &[Letter],
    report: &mut Report,
) -> Result<(), Problem> {
    let keys: Vec<_> = letters.iter().map(|letter| letter.key.clone()).collect();
    let read = seams.records.read(&keys).await;
    let mut items = read.map_err(|error| unavailable("reading items", &aws.place, &error))?;
    let dry_run = report.dry_run;
    let dropping = letters.iter().map(|letter| {
        let item = items.remove(&letter.key).unwrap_or_default();
        async move {
            if dry_run {
                let would = dropped(&item, letter.seen(), letter.kind(), "", seams.clock.now()).is_some();
                return (letter, if would { Cleared::Done } else { Cleared::Gone });
            }
            (letter, clear(seams, letter, item, letter.seen()).await)
        }
    });
    // All of the step is ended before the first failure is told: nothing is left half-way.
    let mut failed = Ok(());
    let mut ended = stream::iter(dropping.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    while let Some((letter, cleared)) = ended.next().await {
        match cleared {
            Cleared::Done => report.dropped += 1,
            Cleared::Gone => report.gone += 1,
            Cleared::Failed(error) => {
                failed = Err(unavailable(&format!("dropping {}", letter.whose()), &aws.place, &error));
            }
        }
    }
    failed
}

/// Frees the place where `letter` lies, if what was `seen` still lies there; `item` is what was read.
pub(super) async fn clear(seams: &Seams<'_>, letter: &Letter, mut item: Item, seen: Seen) -> Cleared {
    let by = format!("rtr#{}", seams.clock.nonce());
    for _ in 0..ROUNDS {
        // A write whose answer was lost may have landed, and was refused the second time.
        if item.by == by {
            return Cleared::Done;
        }
        let next = dropped(&item, seen, letter.kind(), &by, seams.clock.now());
        let Some(new) = next else { return Cleared::Gone };
        let write = Write { key: letter.key.clone(), names: letter.names(), old: item, new };
        match seams.records.write(std::slice::from_ref(&write)).await.into_iter().next() {
            Some(Wrote::Done) => {
                if let Some(body) = write.old.stored_body() {
                    // A failure only wastes space.
                    let _ = seams.records.delete_body(body).await;
                }
                return Cleared::Done;
            }
            Some(Wrote::Failed(error)) => return Cleared::Failed(error),
            _ => match seams.records.read(std::slice::from_ref(&letter.key)).await {
                Ok(mut found) => item = found.remove(&letter.key).unwrap_or_default(),
                Err(error) => return Cleared::Failed(error),
            },
        }
    }
    Cleared::Failed(Unavailable("the item kept changing".to_owned()))
}

fn tell(app: &App, report: &Report) -> Exit {
    app.out.answer(report, |_| {
        let would = if report.dry_run { "would drop" } else { "dropped" };
        let gone =
            if report.gone > 0 { format!(", {} no longer as listed", report.gone) } else { String::new() };
        format!("{would} {}{gone}", count(report.dropped, "dead letter"))
    });
    Exit::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtr_core::key::PairKey;
    use rtr_core::time::Instant;

    #[test]
    fn given_letters_of_several_connections_when_dropped_then_each_connection_has_one_entry_of_all_its_records()
     {
        let letter = |org_id: &str, connection: &str| {
            let summary = serde_json::json!({"org_id": org_id, "connection": connection, "version": 1});
            let key = PairKey { pk: format!("{org_id}#contact"), sk: format!("c#{connection}") };
            Letter::read(key, Instant(0), &summary.to_string())
        };
        let unread = PairKey { pk: "!unattributed#m".to_owned(), sk: "-".to_owned() };
        let letters = [
            letter("acme", "hubspot"),
            letter("acme", "salesforce"),
            letter("acme", "hubspot"),
            letter("umbra", "-"),
            Letter::read(unread, Instant(0), "{}"),
        ];
        let who = Who { reason: Some("sent by mistake".to_owned()), author: "ada".to_owned() };
        let found = entries(&letters, &who);
        assert!(
            found.iter().all(|one| one.action == "dlq.drop" && one.by == "ada" && one.reason == who.reason)
        );
        let short: Vec<(&str, Option<&str>, Option<u64>)> =
            found.iter().map(|one| (one.target.as_str(), one.org_id.as_deref(), one.count)).collect();
        assert_eq!(
            short,
            [
                ("of no org", None, Some(1)),
                ("acme hubspot", Some("acme"), Some(2)),
                ("acme salesforce", Some("acme"), Some(1)),
                ("umbra", Some("umbra"), Some(1)),
            ]
        );
        assert_eq!(entries(&[], &who), []);
    }
}
