//! Asks the CRMs what the records hold, connections concurrently, records of one kind together.

use super::Looking;
use crate::batch::Settings;
use crate::report::BatchReport;
use crate::seams::Seams;
use crate::work::Caches;
use crate::work::connections::{Deed, Door, over};
use async_trait::async_trait;
use futures::future::join_all;
use rtr_connectors::changes::Snapshot;
use rtr_connectors::session::Session;
use rtr_core::failure::{Class, Failure};
use rtr_core::inbound::Seen;
use rtr_core::item::Lane;
use rtr_core::key::ConnectionKey;
use rtr_core::limit::Traffic;
use rtr_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Asks for every look that is not decided yet.
pub(super) async fn ask_all(
    seams: &Seams<'_>,
    settings: &Settings,
    caches: &Caches,
    looks: &mut [Looking<'_>],
    deadline: Instant,
    report: &mut BatchReport,
) {
    let mut open: BTreeMap<ConnectionKey, Vec<&mut Looking<'_>>> = BTreeMap::new();
    for one in looks.iter_mut().filter(|one| one.verdict.is_none()) {
        open.entry(one.look.notice.connection.clone()).or_default().push(one);
    }
    let asking = open.into_iter().map(|(connection, mut looks)| async move {
        let mut own = BatchReport::default();
        let Some(first) = looks.first() else { return own };
        let (config, connector) = (first.config.clone(), first.connector);
        // What we found by asking is behind what happens, in the CRM's tokens too.
        let asked = |one: &Looking<'_>| matches!(one.look.notice.seen, Seen::Poll | Seen::Reconcile);
        let traffic = if looks.iter().all(|one| asked(one)) { Traffic::Backfill } else { Traffic::Live };
        let door = Door { config: &config, connection: &connection, connector, lane: Lane::Sync, traffic };
        over(seams, settings, caches, &door, deadline, &mut Ask { looks: &mut looks }, &mut own).await;
        own
    });
    for own in join_all(asking).await {
        report.add(own);
    }
}

struct Ask<'a, 'j, 'l> {
    looks: &'a mut [&'j mut Looking<'l>],
}

#[async_trait]
impl Deed for Ask<'_, '_, '_> {
    async fn with(&mut self, session: &Session<'_>) {
        let mut by_object: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, one) in self.looks.iter().enumerate() {
            by_object.entry(one.look.notice.object.clone()).or_default().push(at);
        }
        for (object, places) in by_object {
            let connector = self.looks[places[0]].connector;
            for places in places.chunks(connector.feed().read_batch.max(1)) {
                let id = |at: &usize| self.looks[*at].look.notice.external_id.clone();
                let ids: BTreeSet<String> = places.iter().map(id).collect();
                let names: BTreeSet<String> =
                    places.iter().flat_map(|at| properties(self.looks[*at])).collect();
                let (ids, names) = (Vec::from_iter(ids), Vec::from_iter(names));
                let answer = connector.snapshots(session, &object, &ids, &names).await;
                for at in places {
                    let one = &mut *self.looks[*at];
                    one.seen = Some(of(&answer, &one.look.notice.external_id));
                }
            }
        }
    }
}

fn properties(one: &Looking<'_>) -> Vec<String> {
    one.mapping.mapping.inbound().map(|field| field.field.to_owned()).collect()
}

fn of(answer: &Result<Vec<Snapshot>, Failure>, id: &str) -> Result<Snapshot, Failure> {
    let unsaid = || Failure::new(Class::Unavailable, "the CRM did not say what has become of the record");
    match answer {
        Ok(found) => found.iter().find(|one| one.external_id == id).cloned().ok_or_else(unsaid),
        Err(failure) => Err(failure.clone()),
    }
}
