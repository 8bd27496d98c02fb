//! How old the parked work of a connection is: measured once in each run of its lane, and told when it is old.

use super::Work;
use crate::notices;
use crate::report::BatchReport;
use rtr_connectors::registry;
use rtr_core::config::OrgConfig;
use rtr_core::item::Slot;
use rtr_core::metric::Metric;
use rtr_core::notice::{Notice, NoticeKind};

/// From this age on parked work is told of, in milliseconds.
const OLD_MS: i64 = 3_600_000;

/// Measures the age of `first`, which goes first of what is parked.
pub(super) async fn measure(lane: &Work<'_>, config: &OrgConfig, first: &Slot, report: &mut BatchReport) {
    let own = config.connections.get(&lane.connection.connection);
    let connector = own.and_then(|own| registry::by_name(&own.provider));
    let provider = connector.map_or("", |connector| connector.facts().name);
    let key = (provider, Metric::ParkedAgeMs);
    if report.measured.contains_key(&key) {
        return;
    }
    let now = lane.seams.clock.now();
    let age_ms = now.since_ms(first.since);
    report.measure(provider, Metric::ParkedAgeMs, age_ms);
    if age_ms < OLD_MS {
        return;
    }
    let notice = Notice {
        code: Some(first.reason.code),
        ..notices::of(NoticeKind::ParkedOld, lane.connection, provider, first.since)
    };
    if lane.caches.notices.is_news(&notice, now) {
        notices::raise(lane.seams, &notice).await;
    }
}
