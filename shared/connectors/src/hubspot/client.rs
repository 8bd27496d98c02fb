//! HubSpot's calls, sent: the only file of this connector that waits. What to send and how to read it is decided
//! elsewhere.

mod changes;

pub use changes::{changed, gone, snapshots};

use super::directory::{self, Owners};
use super::lookup::Plan;
use super::{BATCH, FACTS, Standard, association, error, lookup as finding, request, response};
use crate::bisect::Bisect;
use crate::connector::{
    Asked, Association, Call, Entry, Found, Kind, Lookup, Outcome, Property, WriteCall, WriteItem, Written,
    no_directory,
};
use crate::session::Session;
use rtr_core::failure::{Class, Failure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Writes a batch; the outcomes stand in the order of the items.
pub async fn write(session: &Session<'_>, call: &WriteCall) -> Vec<Outcome> {
    let mut work = Bisect::new(call.items.len(), Vec::new());
    let mut waiting = Vec::new();
    for (number, item) in call.items.iter().enumerate() {
        if call.kind == Kind::Update && request::is_empty(&item.fields) {
            work.set(number, Ok(response::silent(&item.id)));
        } else if call.kind == Kind::Erase && Standard::of(&call.object) != Some(Standard::Contact) {
            work.set(number, Err(no_erasure(&call.object)));
        } else {
            waiting.push(number);
        }
    }
    let rounds = if call.kind == Kind::Erase {
        vec![waiting.iter().map(|number| vec![*number]).collect()]
    } else {
        rounds(call, &waiting)
    };
    let mut left = rounds.into_iter();
    for groups in left.by_ref() {
        if let Some(failure) = round(session, call, groups, &mut work).await {
            for number in left.flatten().flatten() {
                work.set(number, Err(failure.clone()));
            }
            break;
        }
    }
    work.finish()
}

/// Finds records by the values of a property.
///
/// # Errors
/// The failure of a call as a whole.
pub async fn lookup(session: &Session<'_>, lookup: &Lookup) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    match finding::plan(lookup)? {
        Plan::Read(calls) => {
            for call in calls {
                match session.send(&call).await {
                    Ok(answer) => found.extend(finding::found(lookup, &answer.json().unwrap_or_default())?),
                    // Some endpoints say so when none of the keys is anyone's.
                    Err(failure) if failure.class == Class::Missing => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Plan::Search(calls) => {
            for call in calls {
                let mut page = Some(call);
                while let Some(call) = page {
                    let answer = ask(session, &call).await?;
                    found.extend(finding::found(lookup, &answer)?);
                    page = finding::next_page(&call, &answer)?;
                }
            }
        }
    }
    // A record may stand on two pages, or be found by two spellings.
    let mut seen = BTreeSet::new();
    found.retain(|one| seen.insert((one.external_id.clone(), one.value.clone())));
    Ok(found)
}

/// Owners by their addresses; pipelines and stages by their labels, all of an object's in one call.
///
/// # Errors
/// The failure of a call.
pub async fn directory(session: &Session<'_>, asked: &Asked) -> Result<Vec<Entry>, Failure> {
    match asked.lookup {
        directory::OWNER => owners(session, &asked.names).await,
        directory::PIPELINE | directory::STAGE => {
            directory::pipelines_in(&ask(session, &directory::pipelines(&asked.object)).await?)
        }
        _ => Err(no_directory(FACTS.title, asked)),
    }
}

async fn owners(session: &Session<'_>, names: &[String]) -> Result<Vec<Entry>, Failure> {
    let mut found = Vec::new();
    match directory::owners(names) {
        Owners::ByAddress(calls) => {
            for call in calls {
                found.extend(directory::owners_in(&ask(session, &call).await?)?);
            }
        }
        Owners::All(call) => {
            let mut page = Some(call);
            for _ in 0..directory::PAGES {
                let Some(call) = page else { return Ok(found) };
                let answer = ask(session, &call).await?;
                found.extend(directory::owners_in(&answer)?);
                page = directory::next_page(&answer);
            }
            if page.is_some() {
                return Err(Failure::new(Class::Refused, "HubSpot listed owners without end"));
            }
        }
    }
    Ok(found)
}

/// What a record holds in these properties; none when there is no such record.
///
/// # Errors
/// The failure of the call.
pub async fn held(
    session: &Session<'_>,
    object: &str,
    external_id: &str,
    properties: &[String],
) -> Result<Option<BTreeMap<String, Value>>, Failure> {
    match session.send(&finding::holding(object, external_id, properties)).await {
        Ok(answer) => finding::held(&answer.json().unwrap_or_default(), properties),
        Err(failure) if failure.class == Class::Missing => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Makes associations; the outcomes stand in the order given. Making one again changes nothing.
pub async fn associate(session: &Session<'_>, wanted: &[Association]) -> Vec<Result<(), Failure>> {
    let mut work = Bisect::new(wanted.len(), association::groups(wanted));
    while let Some(group) = work.next_group() {
        let members: Vec<&Association> = group.iter().filter_map(|number| wanted.get(*number)).collect();
        let Some(first) = members.first() else { continue };
        let type_id = match association::type_id(first) {
            Ok(type_id) => type_id,
            Err(failure) => {
                work.answered(&group, members.iter().map(|_| Err(failure.clone())).collect());
                continue;
            }
        };
        let call = association::call(first, type_id, &members);
        match session.send_reading(&call, error::classify_batch).await {
            Ok(answer) => {
                let outcomes = association::outcomes(&members, &answer, session.clock.now());
                work.answered(&group, outcomes);
            }
            Err(failure) => work.failed(&group, &failure),
        }
    }
    work.finish()
}

/// The properties of `object`.
///
/// # Errors
/// The failure of the call.
pub async fn properties(session: &Session<'_>, object: &str) -> Result<Vec<Property>, Failure> {
    Ok(finding::properties(object, &ask(session, &request::properties(object)).await?))
}

/// Makes the unique property that holds our key.
///
/// # Errors
/// The failure of the call; a property of this name that is there already is none.
pub async fn create_key(session: &Session<'_>, object: &str, name: &str) -> Result<(), Failure> {
    match session.send(&request::key_property(object, name)?).await {
        Ok(_) => Ok(()),
        Err(failure) if matches!(failure.class, Class::Duplicate { .. }) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// The scopes that reading or writing records of `object` lacks: a batch of nothing is refused for that first, and does
/// nothing. Token introspection would put the token into a body, and knows nothing of a user's own permissions.
pub async fn lacks(session: &Session<'_>, object: &str) -> Vec<Failure> {
    let mut lacking: Vec<Failure> = Vec::new();
    for call in request::nothing(object) {
        match session.send(&call).await {
            Err(failure) if failure.class == Class::Forbidden && !lacking.contains(&failure) => {
                lacking.push(failure);
            }
            // That nothing stood in it is as it should be.
            _ => {}
        }
    }
    lacking
}

/// The account behind the credentials: HubSpot's portal id.
///
/// # Errors
/// The failure of the call.
pub async fn account(session: &Session<'_>) -> Result<String, Failure> {
    let answer = ask(session, &request::account()).await?;
    super::body::text_of(&answer["portalId"]).ok_or_else(|| {
        Failure::new(Class::Unavailable, "HubSpot did not say which account the token belongs to")
    })
}

async fn ask(session: &Session<'_>, call: &Call) -> Result<Value, Failure> {
    Ok(session.send(call).await?.json().unwrap_or_default())
}

/// Sends one round's groups, in parts where they are refused as a whole. Gives the failure that keeps the rounds after
/// it from being sent, if any: a later write of a record must not overtake one whose answer was lost.
async fn round(
    session: &Session<'_>,
    call: &WriteCall,
    groups: Vec<Vec<usize>>,
    work: &mut Bisect<Written>,
) -> Option<Failure> {
    let mut stop = None;
    work.add(groups);
    while let Some(group) = work.next_group() {
        let items: Vec<&WriteItem> = group.iter().filter_map(|number| call.items.get(*number)).collect();
        let request = match (&call.kind, items.as_slice()) {
            (Kind::Erase, [item]) => request::erase(&call.object, &item.id),
            _ => request::batch(call, &items),
        };
        match session.send_reading(&request, error::classify_batch).await {
            Ok(answer) => {
                let outcomes = response::outcomes(call, &items, &answer, session.clock.now());
                work.answered(&group, outcomes);
            }
            Err(failure) => {
                work.failed(&group, &failure);
                stop = Some(match failure.class {
                    Class::OutcomeUnknown | Class::Busy => {
                        Failure::new(Class::Unavailable, "not sent: a call before it did not end well")
                    }
                    _ => failure,
                });
            }
        }
    }
    stop
}

/// Items in calls: at most a batch each, and no id or trace twice in one. HubSpot refuses a whole call for an id that
/// stands twice in it; the caller sees to that, and if not, the second goes in a later round.
fn rounds(call: &WriteCall, waiting: &[usize]) -> Vec<Vec<Vec<usize>>> {
    let mut seen: Vec<BTreeSet<(&str, String)>> = Vec::new();
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for number in waiting {
        let Some(item) = call.items.get(*number) else { continue };
        let marks = [("id", response::fold(&item.id)), ("trace", item.trace.clone())];
        let marks: Vec<(&str, String)> = marks.into_iter().filter(|(_, mark)| !mark.is_empty()).collect();
        let after = seen.iter().rposition(|seen| marks.iter().any(|mark| seen.contains(mark)));
        let round = after.map_or(0, |last| last + 1);
        if round == rounds.len() {
            seen.push(BTreeSet::new());
            rounds.push(Vec::new());
        }
        if let (Some(seen), Some(members)) = (seen.get_mut(round), rounds.get_mut(round)) {
            seen.extend(marks);
            members.push(*number);
        }
    }
    rounds.iter().map(|members| members.chunks(BATCH).map(<[usize]>::to_vec).collect()).collect()
}

fn no_erasure(object: &str) -> Failure {
    let message = format!("HubSpot erases contacts only; `{object}` can be archived, which is no erasure");
    Failure::new(Class::Refused, message)
}
