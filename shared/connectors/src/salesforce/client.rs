//! Salesforce's writes and look-ups, sent. What to send and how to read it is decided elsewhere.

mod changes;

pub use changes::{changed, snapshots};

use super::{BATCH, FACTS, directory, error, follow, lookup as finding, request, response, soql};
use crate::bisect::Bisect;
use crate::connector::{
    Asked, Entry, Found, Kind, Lookup, LookupBy, Outcome, WriteCall, WriteItem, Written, no_directory,
};
use crate::session::Session;
use rtr_core::failure::{Class, Failure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Tries of items that Salesforce has locked, the first included: halved each time, so that those of 200 that wait for
/// the same parent come through one after another. The session's own tries are for calls refused as a whole.
const LOCK_TRIES: u32 = 8;
/// The same of one record alone, which is in nobody's way.
const LOCK_TRIES_ALONE: u32 = 4;

/// Writes a batch; the outcomes stand in the order of the items. Those of merged records tell of the record that was kept.
pub async fn write(session: &Session<'_>, call: &WriteCall) -> Vec<Outcome> {
    let mut outcomes = write_here(session, call).await;
    if call.kind == Kind::Update {
        follow::tell_fates(session, call, &mut outcomes).await;
    }
    outcomes
}

/// Finds records by the values of a property.
///
/// # Errors
/// The failure of a call as a whole.
pub async fn lookup(session: &Session<'_>, lookup: &Lookup) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for soql in finding::queries(lookup)? {
        let records = finding::all_pages(session, request::query(&soql, false)).await?;
        found.extend(records.iter().filter_map(|record| finding::found(lookup, record)));
    }
    let mut seen = BTreeSet::new();
    found.retain(|one| seen.insert((one.external_id.clone(), one.value.clone())));
    Ok(found)
}

/// Active users by e-mail or username; active stages by their labels.
///
/// # Errors
/// The failure of a call as a whole.
pub async fn directory(session: &Session<'_>, asked: &Asked) -> Result<Vec<Entry>, Failure> {
    match asked.lookup {
        directory::OWNER => {
            let mut users = Vec::new();
            for soql in directory::users(&asked.names) {
                users.extend(finding::all_pages(session, request::query(&soql, false)).await?);
            }
            Ok(directory::users_in(&asked.names, &users))
        }
        directory::STAGE => {
            let records = finding::all_pages(session, request::query(directory::STAGES, false)).await?;
            Ok(directory::stages_in(&records))
        }
        _ => Err(no_directory(FACTS.title, asked)),
    }
}

/// What a record holds in these fields; none when there is no such record.
///
/// # Errors
/// The failure of a call.
pub async fn held(
    session: &Session<'_>,
    object: &str,
    external_id: &str,
    fields: &[String],
) -> Result<Option<BTreeMap<String, Value>>, Failure> {
    let mut held = BTreeMap::new();
    for (soql, fields) in finding::holding(object, external_id, fields)? {
        let records = finding::all_pages(session, request::query(&soql, false)).await?;
        let Some(record) = records.first() else { return Ok(None) };
        let value = |name: &String| (name.clone(), soql::at(record, name).unwrap_or_default());
        held.extend(fields.iter().map(value));
    }
    Ok(Some(held))
}

/// One call's items while they are being written.
struct Writing<'a> {
    call: &'a WriteCall,
    records: Vec<Option<Value>>,
    work: Bisect<Written>,
    /// Refused for a lock: to be sent again, in smaller parts.
    locked: Vec<(usize, Failure)>,
}

async fn write_here(session: &Session<'_>, call: &WriteCall) -> Vec<Outcome> {
    let mut writing = Writing {
        call,
        records: Vec::new(),
        work: Bisect::new(call.items.len(), Vec::new()),
        locked: Vec::new(),
    };
    let waiting = writing.prepare();
    let mut left = rounds(call, &waiting).into_iter();
    for groups in left.by_ref() {
        if let Some(failure) = writing.round(session, groups).await {
            for number in left.flatten().flatten() {
                writing.work.set(number, Err(failure.clone()));
            }
            break;
        }
    }
    writing.work.finish()
}

impl Writing<'_> {
    /// Settles what needs no call; gives the numbers of what does.
    fn prepare(&mut self) -> Vec<usize> {
        let mut waiting = Vec::new();
        for (number, item) in self.call.items.iter().enumerate() {
            let record = prepared(self.call, item);
            self.records.push(None);
            match record {
                Ok(Some(record)) => {
                    self.records[number] = Some(record);
                    waiting.push(number);
                }
                Ok(None) => {
                    self.work.set(number, Ok(response::silent(&item.id)));
                }
                Err(failure) => self.work.set(number, Err(failure)),
            }
        }
        waiting
    }

    /// Sends one round's groups, in parts where they are refused as a whole or locked. Gives the failure that keeps the
    /// rounds after it from being sent: a later write of a record must not overtake one whose answer was lost.
    async fn round(&mut self, session: &Session<'_>, groups: Vec<Vec<usize>>) -> Option<Failure> {
        let mut stop = None;
        let mut tries = 1;
        let alone = groups.iter().map(Vec::len).sum::<usize>() == 1;
        let most = if alone { LOCK_TRIES_ALONE } else { LOCK_TRIES };
        self.work.add(groups);
        loop {
            while let Some(group) = self.work.next_group() {
                stop = self.send(session, &group).await.or(stop);
            }
            let locked = std::mem::take(&mut self.locked);
            if locked.is_empty() {
                return stop;
            }
            if stop.is_some() || !session.pause_for_items(tries, most).await {
                let (class, why) = (Class::Unavailable, "not sent: a call before it did not end well");
                for (number, failure) in locked {
                    self.work.set(number, Err(failure));
                }
                return stop.or_else(|| Some(Failure::new(class, why)));
            }
            let numbers: Vec<usize> = locked.into_iter().map(|(number, _)| number).collect();
            let parts = 1 << tries.min(7);
            let size = numbers.len().div_ceil(parts).max(1);
            self.work.add(numbers.chunks(size).map(<[usize]>::to_vec).collect());
            tries += 1;
        }
    }

    async fn send(&mut self, session: &Session<'_>, group: &[usize]) -> Option<Failure> {
        let items: Vec<&WriteItem> = group.iter().filter_map(|number| self.call.items.get(*number)).collect();
        let records = group.iter().filter_map(|number| self.records.get(*number).cloned().flatten());
        let records: Vec<Value> = records.collect();
        let request = request::write(self.call, &items, &records);
        let answer = match session.send_reading(&request, error::classify_items).await {
            Ok(answer) => answer,
            Err(failure) => {
                self.work.failed(group, &failure);
                return Some(match failure.class {
                    Class::OutcomeUnknown | Class::Busy => {
                        Failure::new(Class::Unavailable, "not sent: a call before it did not end well")
                    }
                    _ => failure,
                });
            }
        };
        let outcomes = match (answer.status, items.as_slice()) {
            // Written, without its id.
            (204, [item]) => vec![by_key(session, self.call, item).await],
            _ => response::outcomes(self.call, &items, &answer, session.clock.now()),
        };
        let (mut numbers, mut rest) = (Vec::new(), Vec::new());
        for (number, outcome) in group.iter().copied().zip(outcomes) {
            match outcome {
                Err(failure) if response::is_passing(self.call, &failure) => {
                    self.locked.push((number, failure))
                }
                outcome => {
                    numbers.push(number);
                    rest.push(outcome);
                }
            }
        }
        self.work.answered(&numbers, rest);
        None
    }
}

/// The item as a record; none when there is nothing to send.
fn prepared(call: &WriteCall, item: &WriteItem) -> Result<Option<Value>, Failure> {
    soql::object(&call.object)?;
    if let Kind::Upsert { property } = &call.kind {
        soql::field(property)?;
    }
    match call.kind {
        Kind::Update if request::is_empty(&item.fields) => Ok(None),
        Kind::Erase => {
            let message = "Salesforce has no erasure over its REST API; a record can be archived, which puts it in \
                           the bin for 15 days, and is erased by emptying the bin";
            Err(Failure::new(Class::Refused, message))
        }
        _ => request::record(call, item).map(Some),
    }
}

/// An update that answers 204, as versions before v46 do, does not say which record it was.
async fn by_key(session: &Session<'_>, call: &WriteCall, item: &WriteItem) -> Outcome {
    let unsaid = "Salesforce answered with success and nothing that can be read";
    let Kind::Upsert { property } = &call.kind else {
        return Err(Failure::new(Class::OutcomeUnknown, unsaid));
    };
    let asked = Lookup {
        object: call.object.clone(),
        property: property.clone(),
        by: LookupBy::Unique,
        values: vec![item.id.clone()],
        also: None,
    };
    match lookup(session, &asked).await.as_deref() {
        Ok([one]) => Ok(response::silent(&one.external_id)),
        _ => Err(Failure::new(Class::OutcomeUnknown, unsaid)),
    }
}

/// Items in calls: those of one parent side by side, at most a batch each, and no id twice in one. Salesforce refuses
/// both of two equal keys in a call, and compares them without case unless the field says otherwise; the second goes in
/// a later round.
fn rounds(call: &WriteCall, waiting: &[usize]) -> Vec<Vec<Vec<usize>>> {
    let mut rounds: Vec<(BTreeSet<String>, Vec<usize>)> = Vec::new();
    for number in waiting {
        let Some(item) = call.items.get(*number) else { continue };
        let mark = match call.kind {
            Kind::Create => format!("{number}"),
            Kind::Upsert { .. } => item.id.trim().to_lowercase(),
            _ => item.id.clone(),
        };
        let after = rounds.iter().rposition(|(seen, _)| seen.contains(&mark));
        let round = after.map_or(0, |last| last + 1);
        if round == rounds.len() {
            rounds.push((BTreeSet::new(), Vec::new()));
        }
        if let Some((seen, members)) = rounds.get_mut(round) {
            seen.insert(mark);
            members.push(*number);
        }
    }
    let in_calls = |(_, mut members): (BTreeSet<String>, Vec<usize>)| {
        members.sort_by_cached_key(|number| call.items.get(*number).map(request::parents));
        members.chunks(BATCH).map(<[usize]>::to_vec).collect()
    };
    rounds.into_iter().map(in_calls).collect()
}
