//! What the table has to tell of connections.

use super::{MemoryLimits, Noted};
use async_trait::async_trait;
use rtr_core::notice::Notice;
use rtr_core::time::Instant;
use rtr_engine::seams::{Notices, Raised, Unavailable};

/// Not under the weather: what is raised is no matter of a record's.
#[async_trait]
impl Notices for MemoryLimits {
    async fn raise(&self, notice: &Notice) -> Result<(), Unavailable> {
        if self.state().hangs {
            std::future::pending::<()>().await;
        }
        let now = self.clock.now();
        let mut state = self.state();
        let due_at = now.plus_ms(notice.kind.gathers_ms());
        let Some(noted) = state.notices.get_mut(&notice.key()) else {
            let noted = Noted { notice: notice.clone(), due_at: Some(due_at), told_at: None };
            state.notices.insert(notice.key(), noted);
            return Ok(());
        };
        if notice.once.is_some() && noted.notice.once == notice.once {
            return Ok(());
        }
        let lasts = notice.kind.lasts();
        if lasts && noted.told_at.is_some_and(|told| told.plus_ms(notice.kind.spacing_ms()) > now) {
            return Ok(());
        }
        let since = if noted.due_at.is_some() && !lasts { noted.notice.since } else { notice.since };
        let before = if lasts { 0 } else { noted.notice.count };
        noted.notice = Notice { count: before + notice.count, since, ..notice.clone() };
        noted.due_at = noted.due_at.or(Some(due_at));
        Ok(())
    }

    async fn raised(&self, now: Instant, limit: usize) -> Result<Vec<Raised>, Unavailable> {
        let state = self.state();
        let due = state.notices.values().filter_map(|noted| {
            let due_at = noted.due_at.filter(|at| *at <= now)?;
            Some(Raised { notice: noted.notice.clone(), due_at, told_at: noted.told_at })
        });
        Ok(due.take(limit).collect())
    }

    async fn put_off(&self, raised: &Raised, until: Instant) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let held = state.notices.get_mut(&raised.notice.key());
        let Some(noted) = held.filter(|noted| noted.due_at == Some(raised.due_at)) else { return Ok(false) };
        noted.due_at = Some(until);
        Ok(true)
    }

    async fn told(&self, raised: &Raised, at: Instant) -> Result<(), Unavailable> {
        let mut state = self.state();
        let held = state.notices.get_mut(&raised.notice.key());
        let Some(noted) = held.filter(|noted| noted.due_at == Some(raised.due_at)) else { return Ok(()) };
        noted.told_at = Some(at);
        let told = if raised.notice.kind.lasts() { noted.notice.count } else { raised.notice.count };
        noted.notice.count -= told.min(noted.notice.count);
        noted.due_at = (noted.notice.count > 0).then(|| at.plus_ms(raised.notice.kind.spacing_ms()));
        noted.notice.since = at;
        Ok(())
    }
}
