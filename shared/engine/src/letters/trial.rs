//! How dead letters would fare under a configuration: each is rehearsed, and nothing is sent, asked or written.
//!
//! A letter is rehearsed as its event, over its item without the dead version: what a wake-up of it comes to. The items of a
//! batch, and those that its records refer to, are read at once. What a CRM would say is not known to a rehearsal: what it
//! refused, and what would be sent to it as it was, is told apart from what would go through.

use super::case::{Again, Case, compared, meant, references, undone};
use super::earlier::{Earlier, Of};
use super::letter::Letter;
use super::plan::body_of;
use crate::rehearsal::{Letterhead, Rehearsed, Scene, Sent, State, rehearse};
use crate::seams::{Clock, Records, Unavailable};
use futures::stream::{self, StreamExt, TryStreamExt};
use rtr_connectors::registry;
use rtr_core::code::Code;
use rtr_core::config::{Connection, Mode, OrgConfig};
use rtr_core::item::{Ended, Item, Reason, Slot};
use rtr_core::key::PairKey;
use rtr_core::payload::Payload;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Bodies, or earlier mappings, read at once.
const AT_ONCE: usize = 16;
/// Why nobody can say whether the CRM would get what it refused.
const NOT_KNOWN: &str = "not known: what the CRM refused was of a mapping that is not kept any more, and it may get the same again";
/// The same, where the mapping of then is kept.
const NOTHING_THEN: &str = "not known: by the mapping of then nothing goes now, so what the CRM refused cannot be told, and it may get the same again";

/// An org, as it would be.
#[derive(Debug)]
pub struct Under {
    /// Its configuration.
    pub config: OrgConfig,
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
    earlier: Option<&'a dyn Earlier>,
    now: State<'a>,
    before: State<'a>,
}

/// The configuration with the mapping that letters died under; none where that is not kept.
type Thens = BTreeMap<Of, Option<Arc<OrgConfig>>>;

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
        Self { records, clock, earlier: None, now: state(), before: state() }
    }

    /// With what is kept of earlier mappings: without them nobody can say whether a CRM would get what it refused.
    #[must_use]
    pub fn knowing(self, earlier: &'a dyn Earlier) -> Self {
        Self { earlier: Some(earlier), ..self }
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
        let thens = self.thens(&cases, orgs).await?;
        self.lay(&cases, orgs, &thens).await?;
        let mut all = Vec::with_capacity(cases.len());
        for case in cases {
            all.push(match case {
                Ok(case) => match orgs.get(&case.record.org_id) {
                    Some(under) => self.one(&case, under, &thens).await?,
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

    /// The mappings that letters were refused under and that are others by now: each is asked for once, some side by side.
    async fn thens(
        &self,
        cases: &[Result<Case<'_>, Fared<'_>>],
        orgs: &BTreeMap<String, Under>,
    ) -> Result<Thens, Unavailable> {
        let Some(earlier) = self.earlier else { return Ok(Thens::new()) };
        let another = |case: &Case<'_>| {
            orgs.get(&case.record.org_id).and_then(|under| case.refused_under_another(under))
        };
        let wanted: BTreeSet<Of> = cases.iter().flatten().filter_map(another).collect();
        stream::iter(wanted)
            .map(|of| async move {
                let then = earlier.config(&of).await?;
                // Whatever is kept: only the mapping of that revision says what was sent.
                let is_of_then =
                    |config: &Arc<OrgConfig>| of.mapping(config).is_some_and(|at| at.revision == of.revision);
                Ok((of.clone(), then.filter(is_of_then)))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Lays out the letters' items, and those of what their records refer to, for both rehearsals.
    async fn lay(
        &self,
        cases: &[Result<Case<'_>, Fared<'_>>],
        orgs: &BTreeMap<String, Under>,
        thens: &Thens,
    ) -> Result<(), Unavailable> {
        let mut keys = Vec::new();
        for case in cases.iter().flatten() {
            for state in [&self.now, &self.before] {
                state.lay(case.letter.key.clone(), undone(&case.item, case.slot.wanted_version));
            }
            keys.extend(orgs.get(&case.record.org_id).into_iter().flat_map(|under| {
                let then = case.refused_under_another(under).and_then(|of| thens.get(&of)?.as_deref());
                references(case, under, then)
            }));
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

    async fn one<'l>(&self, case: &Case<'l>, under: &Under, thens: &Thens) -> Result<Fared<'l>, Unavailable> {
        let own = under.config.connections.get(case.connection);
        let mode = own.map_or(Mode::Live, |own| own.mode);
        let Some(rehearsed) = self.rehearse(case, under, &under.config, &self.now).await? else {
            return Ok(fared(case.letter, Fate::Unrehearsed("its event cannot be read any more")));
        };
        let again = match rehearsed.ended {
            Ended::Applied => self.again(case, under, thens, &rehearsed).await?,
            _ => Again::Otherwise,
        };
        let fate = match again {
            Again::Otherwise => Fate::Ended(rehearsed.ended),
            Again::Same => Fate::AsRefused,
            Again::NotKnown => Fate::Unrehearsed(NOT_KNOWN),
            Again::NothingThen => Fate::Unrehearsed(NOTHING_THEN),
        };
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
    async fn again(
        &self,
        case: &Case<'_>,
        under: &Under,
        thens: &Thens,
        now: &Rehearsed,
    ) -> Result<Again, Unavailable> {
        let of = case.of();
        let Some(at) = of.mapping(&under.config).filter(|_| case.is_refused()) else {
            return Ok(Again::Otherwise);
        };
        if at.revision == of.revision {
            return Ok(Again::Same);
        }
        let Some(Some(then)) = thens.get(&of) else { return Ok(Again::NotKnown) };
        if of.mapping(then).is_none_or(|was| was.mapping.object != at.mapping.object) {
            return Ok(Again::Otherwise);
        }
        let was = self.rehearse(case, under, then, &self.before).await?;
        let field = case.slot.reason.field.as_deref();
        Ok(compared(was.as_ref(), now, field))
    }
}

fn fared(letter: &Letter, fate: Fate) -> Fared<'_> {
    Fared { letter, fate, reason: None, payload: None, requests: Vec::new(), mode: Mode::Live }
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
