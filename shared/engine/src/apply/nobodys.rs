//! What becomes of a record of a CRM's that is linked to none: it is read, and offered unless it may be one that we are making.

use super::flow::Flow;
use super::known::{Known, offered_by};
use super::offer::offered_before;
use crate::report::BatchReport;
use crate::work::connections::{Deed, Door, over};
use crate::work::look::stamp;
use async_trait::async_trait;
use rtr_connectors::changes::{Fate, Snapshot};
use rtr_connectors::registry::{self, Connector};
use rtr_connectors::session::Session;
use rtr_core::code::Code;
use rtr_core::config::{MappingAt, Mode, OrgConfig};
use rtr_core::failure::{Class, Failure};
use rtr_core::inbound::canonical::canonical;
use rtr_core::inbound::ledger::version;
use rtr_core::inbound::{Delivery, Notice, Seen};
use rtr_core::item::{Lane, Reason};
use rtr_core::limit::Traffic;
use rtr_core::mapping::Key;
use rtr_core::marks::Marks;
use rtr_core::metric::Metric;
use rtr_core::plan::PAUSE_MS;
use rtr_core::time::Instant;

/// The wait where nobody says how long, in milliseconds.
const AGAIN_MS: i64 = 10_000;
/// A record that has our key and no link is waited for so long, in milliseconds: whoever made it may have died before it was
/// linked, and is followed after that.
const LINK_WITHIN_MS: i64 = 900_000;

/// What becomes of a record that is nobody's.
pub(super) enum Nobodys {
    /// It is offered.
    Offer(Box<Delivery>, Marks),
    /// There is nothing to offer: how it is counted.
    Nothing(Metric),
    /// It is part of another record, which is to be looked at.
    Elsewhere(String),
    /// Not now, or never without a person.
    Kept(Option<Instant>, Reason),
}

impl Flow<'_> {
    pub(super) async fn look_closely(
        &self,
        known: &Known,
        config: &OrgConfig,
        notice: &Notice,
        report: &mut BatchReport,
    ) -> Nobodys {
        let now = self.seams.clock.now();
        let name = &self.work.connection.connection;
        let (Some(_), Some(own)) = (&config.inbound, config.connections.get(name)) else {
            return Nobodys::Nothing(Metric::Skipped);
        };
        let (record_type, at) = match offered_by(config, name, &self.work.object) {
            Ok(found) => found,
            Err(counter) => return Nobodys::Nothing(counter),
        };
        let Some(connector) = registry::by_name(&own.provider) else {
            return Nobodys::Nothing(Metric::Skipped);
        };
        match own.mode {
            Mode::Live => {}
            Mode::Shadow => return Nobodys::Nothing(Metric::Skipped),
            Mode::Paused => {
                let reason = Reason::new(Code::Paused, "the connection is paused");
                return Nobodys::Kept(Some(now.plus_ms(PAUSE_MS)), reason);
            }
        }
        let polled = matches!(notice.seen, Seen::Poll | Seen::Reconcile);
        let door = Door {
            config,
            connection: &self.work.connection,
            connector,
            lane: Lane::Sync,
            traffic: if polled { Traffic::Backfill } else { Traffic::Live },
        };
        let key = stamp(&at.mapping, Some("")).map(|(property, _)| property);
        let names = at.mapping.inbound().map(|field| field.field.to_owned()).chain(key.clone()).collect();
        let (object, id) = (&self.work.object, &self.work.external_id);
        let mut ask = Ask { connector, object, id, names, seen: None };
        over(self.seams, self.ways.settings, self.ways.caches, &door, self.deadline, &mut ask, report).await;
        match ask.seen {
            Some(Ok(snapshot)) => self.judge(known, (record_type, at), key, &snapshot, notice, now),
            Some(Err(failure)) => refused(&failure, now),
            None => Nobodys::Kept(
                Some(now.plus_ms(AGAIN_MS)),
                Reason::new(Code::OutOfTime, Code::OutOfTime.about()),
            ),
        }
    }

    fn judge(
        &self,
        known: &Known,
        (record_type, at): (&str, &MappingAt),
        key: Option<String>,
        snapshot: &Snapshot,
        notice: &Notice,
        now: Instant,
    ) -> Nobodys {
        match &snapshot.fate {
            Fate::Gone => return Nobodys::Nothing(Metric::Echoes),
            Fate::Merged { into } => return Nobodys::Elsewhere(into.clone()),
            Fate::Here => {}
        }
        let changed_at = snapshot.at.or(notice.at).unwrap_or(notice.received_at);
        let is_ours = key.as_ref().is_some_and(|key| snapshot.values.get(key).and_then(canonical).is_some());
        if let Some(kept) = self.may_be_ours(known, at, is_ours, changed_at, now) {
            return kept;
        }
        let version = version(Some(&known.told), changed_at.min(now));
        let fields: Vec<String> = at
            .mapping
            .inbound()
            .filter(|field| snapshot.values.get(field.field).and_then(canonical).is_some())
            .map(|field| field.field.to_owned())
            .collect();
        let is_good = |name: &String| at.mapping.back(&snapshot.values, std::slice::from_ref(name)).is_ok();
        let (good, bad): (Vec<String>, Vec<String>) = fields.into_iter().partition(is_good);
        let fields = if good.is_empty() { bad.clone() } else { good };
        match at.mapping.back(&snapshot.values, &fields) {
            Ok(back) => {
                let values = at
                    .mapping
                    .inbound()
                    .filter(|field| !bad.iter().any(|name| name == field.field))
                    .filter_map(|field| Some((field.field, snapshot.values.get(field.field)?)));
                let marks = Marks::of(values);
                let mut delivery = Delivery {
                    connection: self.work.connection.clone(),
                    object: self.work.object.clone(),
                    external_id: self.work.external_id.clone(),
                    record_type: record_type.to_owned(),
                    record_id: None,
                    version,
                    deleted: false,
                    merged_into: None,
                    changed: back.changed,
                    fields,
                    data: back.data,
                    occurred_at: changed_at,
                    also: bad,
                    behind: Vec::new(),
                };
                // It was offered as it is, and not taken.
                let seen = known
                    .told
                    .applied_version
                    .is_some_and(|told| told / 1_000 >= stamp_ms(changed_at.min(now)));
                if seen && known.told.applied_hash.as_ref() == Some(&delivery.digest()) {
                    return Nobodys::Nothing(Metric::Repeated);
                }
                // Offered again as it was, it is the same to the internal system.
                let offered =
                    offered_before(&known.told).filter(|one| one.digest == delivery.offered().digest);
                delivery.version = offered.map_or(delivery.version, |one| one.version);
                Nobodys::Offer(Box::new(delivery), marks)
            }
            Err(error) => Nobodys::Kept(
                None,
                Reason { field: error.field.clone(), ..Reason::new(error.code, error.message) },
            ),
        }
    }

    /// A record that we made and whose link is not written yet must not be offered: it is waited for. It is known by our key;
    /// where there is none to know it by, by its age.
    fn may_be_ours(
        &self,
        known: &Known,
        at: &MappingAt,
        is_ours: bool,
        changed_at: Instant,
        now: Instant,
    ) -> Option<Nobodys> {
        let settings = self.ways.settings;
        if is_ours {
            let since = known.told.slot.as_ref().map_or(now, |slot| slot.since);
            if now.since_ms(since) < LINK_WITHIN_MS {
                let message = "it has our key: whoever made it is about to link it";
                return Some(Nobodys::Kept(
                    Some(now.plus_ms(AGAIN_MS)),
                    Reason::new(Code::IntentOpen, message),
                ));
            }
            let message =
                "it has our key and is linked to no record: import its link, or take the key away in the CRM";
            return Some(Nobodys::Kept(None, Reason::new(Code::Owned, message)));
        }
        let unmarked = at.mapping.key == Key::Intent && at.mapping.marker.is_none();
        let settled = changed_at.plus_ms(settings.visibility_ms + settings.timeout_ms);
        (unmarked && settled > now).then(|| {
            let message = "it is new, and may be one that we are making";
            Nobodys::Kept(Some(settled), Reason::new(Code::IntentOpen, message))
        })
    }
}

struct Ask<'a> {
    connector: Connector,
    object: &'a str,
    id: &'a str,
    names: Vec<String>,
    seen: Option<Result<Snapshot, Failure>>,
}

#[async_trait]
impl Deed for Ask<'_> {
    async fn with(&mut self, session: &Session<'_>) {
        let ids = [self.id.to_owned()];
        let answer = self.connector.snapshots(session, self.object, &ids, &self.names).await;
        let unsaid = || Failure::new(Class::Unavailable, "the CRM did not say what has become of the record");
        self.seen = Some(answer.and_then(|found| found.into_iter().next().ok_or_else(unsaid)));
    }
}

fn stamp_ms(at: Instant) -> u64 {
    u64::try_from(at.0).unwrap_or(0)
}

fn refused(failure: &Failure, now: Instant) -> Nobodys {
    let until = match &failure.class {
        Class::Throttled { until } => until.unwrap_or(now.plus_ms(AGAIN_MS)),
        Class::Resting { until } => *until,
        Class::Unavailable | Class::Busy | Class::OutOfTime | Class::OutcomeUnknown => now.plus_ms(AGAIN_MS),
        Class::Unauthorized | Class::Revoked | Class::NoSecret => now.plus_ms(PAUSE_MS),
        _ => return Nobodys::Kept(None, Reason::from(failure)),
    };
    Nobodys::Kept(Some(until), Reason::from(failure))
}
