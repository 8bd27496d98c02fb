//! How dead letters would fare under a configuration: each is rehearsed, and nothing is sent, asked or written.
//!
//! A letter is rehearsed as its event, over its item without the dead version: what a wake-up of it comes to. The items of a
//! batch, and those that its records refer to, are read at once. What a CRM would say is not known to a rehearsal: what it
//! refused, and what would be sent to it as it was, is told apart from what would go through.

use super::letter::Letter;
use super::plan::body_of;
use crate::rehearsal::{Letterhead, Rehearsed, Scene, Sent, State, rehearse};
use crate::seams::{Clock, Records, Unavailable};
use futures::stream::{self, StreamExt, TryStreamExt};
use rtr_connectors::registry;
use rtr_core::change::{Change, Operation, to_body};
use rtr_core::code::Code;
use rtr_core::config::{Connection, Mode, OrgConfig};
use rtr_core::item::{Ended, Item, Reason, Slot};
use rtr_core::key::{ConnectionKey, PairKey, RecordKey, Whose};
use rtr_core::mapping::Subject;
use rtr_core::payload::Payload;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Bodies read at once.
const AT_ONCE: usize = 16;
/// No payload's hash: a person's wake-up is never taken to be unchanged.
const NO_HASH: &str = "dead";
/// The class of what a CRM refused.
const REJECTED: &str = "rejected";

/// An org, as it would be.
#[derive(Debug)]
pub struct Under {
    /// Its configuration.
    pub config: OrgConfig,
    /// The one that is in force, if it is another.
    pub before: Option<OrgConfig>,
    /// How requests of its connections are authorised, where that is to be shown.
    pub letterheads: BTreeMap<String, Letterhead>,
}

/// What would become of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It would end so, as far as that is ours to say.
    Ended(Ended),
    /// It would be sent as it was when the CRM refused it: only the CRM can say what becomes of it.
    AsRefused,
    /// It is not dead any more.
    Gone,
    /// It cannot be rehearsed, for this reason.
    Unrehearsed(&'static str),
}

/// How one letter would fare.
#[derive(Debug)]
pub struct Fared<'l> {
    /// The letter.
    pub letter: &'l Letter,
    /// What would become of it.
    pub fate: Fate,
    /// Why, where it would not simply be applied.
    pub reason: Option<Reason>,
    /// What the record means at the CRM.
    pub payload: Option<Payload>,
    /// The requests, in their order.
    pub requests: Vec<Sent>,
    /// Other than live: nothing is sent as long as it is so.
    pub mode: Mode,
}

/// Rehearses dead letters.
pub struct Trial<'a> {
    records: &'a dyn Records,
    clock: &'a dyn Clock,
    now: State<'a>,
    before: State<'a>,
}

/// A letter with what is known of it.
struct Case<'l> {
    letter: &'l Letter,
    record: RecordKey,
    connection: &'l str,
    item: Item,
    slot: Slot,
    data: Value,
}

impl std::fmt::Debug for Trial<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trial").finish_non_exhaustive()
    }
}

impl<'a> Trial<'a> {
    /// Over the records' stored state. What a rehearsal would have written is kept for those that come after it.
    #[must_use]
    pub fn over(records: &'a dyn Records, clock: &'a dyn Clock) -> Self {
        let state = || State::over(Some(records));
        Self { records, clock, now: state(), before: state() }
    }

    /// Rehearses `letters` under `orgs`, in their order.
    ///
    /// # Errors
    /// When what is kept cannot be read.
    pub async fn run<'l>(
        &self,
        letters: &'l [Letter],
        orgs: &BTreeMap<String, Under>,
    ) -> Result<Vec<Fared<'l>>, Unavailable> {
        let keys: Vec<PairKey> = letters.iter().map(|letter| letter.key.clone()).collect();
        let items = self.records.read(&keys).await?;
        let sorted: Vec<_> = letters.iter().map(|letter| (letter, meant(letter, &items))).collect();
        let cases: Vec<Result<Case<'l>, Fared<'l>>> = stream::iter(sorted)
            .map(|(letter, meant)| async move {
                match meant {
                    Ok((item, slot)) => self.case(letter, item, slot).await,
                    Err(fate) => Ok(Err(fared(letter, fate))),
                }
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        self.lay(&cases, orgs).await?;
        let mut all = Vec::with_capacity(cases.len());
        for case in cases {
            all.push(match case {
                Ok(case) => match orgs.get(&case.record.org_id) {
                    Some(under) => self.one(&case, under).await?,
                    None => {
                        fared(case.letter, Fate::Unrehearsed("the configuration of its org cannot be used"))
                    }
                },
                Err(fared) => fared,
            });
        }
        Ok(all)
    }

    async fn case<'l>(
        &self,
        letter: &'l Letter,
        item: &Item,
        slot: &Slot,
    ) -> Result<Result<Case<'l>, Fared<'l>>, Unavailable> {
        let (Some(record), Some(connection)) = (letter.record(), letter.connection.as_deref()) else {
            let why = "it goes to no connection yet: a redrive sends its event again";
            return Ok(Err(fared(letter, Fate::Unrehearsed(why))));
        };
        let Some(data) = body_of(self.records, slot).await? else {
            let reason = Reason::new(Code::BodyGone, "its body is gone or unreadable; send the record again");
            return Ok(Err(Fared { reason: Some(reason), ..fared(letter, Fate::Ended(Ended::Dead)) }));
        };
        Ok(Ok(Case { letter, record, connection, item: item.clone(), slot: slot.clone(), data }))
    }

    /// Lays out the letters' items, and those of what their records refer to, for both rehearsals.
    async fn lay(
        &self,
        cases: &[Result<Case<'_>, Fared<'_>>],
        orgs: &BTreeMap<String, Under>,
    ) -> Result<(), Unavailable> {
        let mut keys = Vec::new();
        for case in cases.iter().flatten() {
            for state in [&self.now, &self.before] {
                state.lay(case.letter.key.clone(), undone(&case.item, case.slot.wanted_version));
            }
            keys.extend(orgs.get(&case.record.org_id).into_iter().flat_map(|under| references(case, under)));
        }
        if keys.is_empty() {
            return Ok(());
        }
        let mut found = self.records.read(&keys).await?;
        for key in keys {
            let item = found.remove(&key).unwrap_or_default();
            self.before.lay_read(key.clone(), item.clone());
            self.now.lay_read(key, item);
        }
        Ok(())
    }

    async fn one<'l>(&self, case: &Case<'l>, under: &Under) -> Result<Fared<'l>, Unavailable> {
        let own = under.config.connections.get(case.connection);
        let mode = own.map_or(Mode::Live, |own| own.mode);
        let Some(rehearsed) = self.rehearse(case, under, &under.config, &self.now).await? else {
            return Ok(fared(case.letter, Fate::Unrehearsed("its event cannot be read any more")));
        };
        let as_refused =
            rehearsed.ended == Ended::Applied && self.is_as_refused(case, under, &rehearsed).await?;
        let fate = if as_refused { Fate::AsRefused } else { Fate::Ended(rehearsed.ended) };
        let Rehearsed { reason, payload, requests, .. } = rehearsed;
        Ok(Fared { letter: case.letter, fate, reason, payload, requests, mode })
    }

    /// What would come of it; none where its event cannot be read.
    async fn rehearse(
        &self,
        case: &Case<'_>,
        under: &Under,
        config: &OrgConfig,
        state: &State<'_>,
    ) -> Result<Option<Rehearsed>, Unavailable> {
        let own = config.connections.get(case.connection);
        let known = under.letterheads.get(case.connection);
        let letterhead = known.cloned().unwrap_or_else(|| plain(own));
        let scene = Scene {
            config,
            connection: case.connection,
            letterhead: &letterhead,
            state,
            questions: None,
            clock: self.clock,
        };
        let Ok(rehearsed) = Box::pin(rehearse(&scene, &case.event())).await else { return Ok(None) };
        match rehearsed.reason {
            Some(reason) if reason.code == Code::StateUnavailable => Err(Unavailable(reason.message)),
            _ => Ok(Some(rehearsed)),
        }
    }

    /// Whether the CRM refused it, and would get the same.
    async fn is_as_refused(
        &self,
        case: &Case<'_>,
        under: &Under,
        then: &Rehearsed,
    ) -> Result<bool, Unavailable> {
        if case.slot.reason.class() != REJECTED {
            return Ok(false);
        }
        let mapping = |config: &OrgConfig| {
            let at = config.mapping(case.connection, &case.record.record_type)?;
            Some((at.revision, at.mapping.object.clone()))
        };
        let Some((revision, object)) = mapping(&under.config) else { return Ok(false) };
        if revision == case.slot.mapping_revision {
            return Ok(true);
        }
        // What was sent then is known as long as the mapping of then is.
        let Some(before) = &under.before else { return Ok(false) };
        if mapping(before) != Some((case.slot.mapping_revision, object)) {
            return Ok(false);
        }
        let was = self.rehearse(case, under, before, &self.before).await?;
        let field = case.slot.reason.field.as_deref();
        Ok(was.is_some_and(|was| is_same(was.payload.as_ref(), then.payload.as_ref(), field)))
    }
}

impl Case<'_> {
    fn event(&self) -> String {
        let change = Change {
            trace: None,
            key: self.record.clone(),
            event_id: None,
            version: self.slot.wanted_version,
            operation: self.slot.operation(),
            occurred_at: self.slot.occurred_at,
            data: self.data.clone(),
            unknown_fields: 0,
            only: None,
            rewrite: false,
        };
        to_body(&change).to_string()
    }
}

/// The item with its dead version, or why the letter is not rehearsed.
fn meant<'i>(letter: &Letter, items: &'i HashMap<PairKey, Item>) -> Result<(&'i Item, &'i Slot), Fate> {
    let dead = items.get(&letter.key).and_then(|item| Some((item, item.dead()?)));
    let (item, slot) = dead.ok_or(Fate::Gone)?;
    if letter.key.whose() == Whose::External {
        return Err(Fate::Unrehearsed("it is a CRM's record on its way back: a redrive looks at it anew"));
    }
    if letter.is_unattributed() {
        let why = "it could not be read: publish the corrected event, then rtr dlq drop this one";
        return Err(Fate::Unrehearsed(why));
    }
    Ok((item, slot))
}

fn fared(letter: &Letter, fate: Fate) -> Fared<'_> {
    Fared { letter, fate, reason: None, payload: None, requests: Vec::new(), mode: Mode::Live }
}

/// The item as if `version` had never been tried: as far as a person's wake-up does not ask for it.
fn undone(item: &Item, version: u64) -> Item {
    Item {
        slot: None,
        crashes: 0,
        applied_version: item.applied_version.filter(|applied| *applied < version),
        applied_hash: item.applied_hash.as_ref().map(|_| NO_HASH.to_owned()),
        ..item.clone()
    }
}

/// The items of what the record refers to, by either configuration.
fn references(case: &Case<'_>, under: &Under) -> Vec<PairKey> {
    if case.slot.operation() == Operation::Deleted {
        return Vec::new();
    }
    let RecordKey { org_id, record_type, record_id } = &case.record;
    let connection = ConnectionKey::new(org_id, case.connection);
    let mut keys = Vec::new();
    for config in std::iter::once(&under.config).chain(&under.before) {
        let Some(at) = config.mapping(case.connection, record_type) else { continue };
        // What cannot be mapped refers to nothing.
        let mapped = at.mapping.apply(&Subject { org_id, record_type, record_id }, &case.data);
        let references = mapped.map(|mapped| mapped.references).unwrap_or_default();
        keys.extend(
            references.iter().map(|one| {
                PairKey::new(&RecordKey::new(org_id, &one.record_type, &one.record_id), &connection)
            }),
        );
    }
    keys.retain(|key| *key != case.letter.key);
    keys
}

/// Whether the CRM gets the same: in the field that it named, or in all of it where it named none of ours.
fn is_same(was: Option<&Payload>, then: Option<&Payload>, field: Option<&str>) -> bool {
    let (Some(was), Some(then)) = (was, then) else { return was.is_none() && then.is_none() };
    let of = |payload: &Payload, field: &str| {
        payload.fields.get(field).or_else(|| payload.on_create.get(field)).cloned()
    };
    match field.filter(|field| of(was, field).is_some()) {
        Some(field) => of(was, field) == of(then, field),
        None => was == then,
    }
}

/// How requests look where nobody is to see them.
fn plain(own: Option<&Connection>) -> Letterhead {
    let crm = own.and_then(|own| registry::by_name(&own.provider));
    let base_url = own.and_then(|own| own.base_url.clone());
    let base_url = base_url.or_else(|| crm.and_then(|crm| crm.base_url()).map(str::to_owned));
    Letterhead {
        base_url: base_url.unwrap_or_else(|| "https://HOST".to_owned()),
        header: "authorization".to_owned(),
        scheme: "Bearer ",
    }
}
