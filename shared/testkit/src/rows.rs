//! The limits table as rows that environments read and write on a condition, each request a way there and back: what a
//! lease costs while others lease too.

use crate::limits::MemoryLimits;
use async_trait::async_trait;
use rtr_connectors::http::Clock;
use rtr_core::breaker::{Breaker, Change};
use rtr_core::key::ConnectionKey;
use rtr_core::lane::Lane;
use rtr_core::limit::{Ask, Bucket, Rule, block};
use rtr_core::time::Instant;
use rtr_engine::leases::{Rows, Seen, Stored, breaker, change_breaker, lease};
use rtr_engine::seams::{Baton, Known, Lease, Limits, Suspension, Tally, Unavailable};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The rows of buckets, and what was asked of them.
pub struct RowTable {
    clock: Arc<dyn Clock>,
    way_ms: i64,
    /// Of a thousand ways so many take so long instead, in milliseconds.
    tail: (f64, i64),
    asked: Mutex<Asked>,
}

/// What was asked.
#[derive(Debug, Default)]
pub struct Asked {
    /// Buckets by name.
    pub rows: BTreeMap<String, Stored>,
    /// Reads.
    pub reads: u64,
    /// When rows were written, for a lease or a breaker.
    pub writes: Vec<Instant>,
    /// Tokens that were granted.
    pub granted: u64,
    /// Leases.
    pub leases: Vec<(Instant, u64, bool)>,
    /// When a write was refused, since the row had changed: it costs as much.
    pub refused: Vec<Instant>,
}

impl RowTable {
    /// An empty table, so many milliseconds away.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, way_ms: i64) -> Self {
        Self { clock, way_ms, tail: (0.0, 0), asked: Mutex::default() }
    }

    /// One of which so many ways in a thousand take `ms` instead.
    #[must_use]
    pub fn with_tail(self, of_a_thousand: f64, ms: i64) -> Self {
        Self { tail: (of_a_thousand, ms), ..self }
    }

    fn one_way_ms(&self) -> i64 {
        let (of_a_thousand, ms) = self.tail;
        if of_a_thousand > 0.0 && self.clock.random() * 1_000.0 < of_a_thousand { ms } else { self.way_ms }
    }

    /// What was asked of it.
    pub fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Rows for RowTable {
    async fn look(&self, bucket: &str) -> Result<Stored, Unavailable> {
        self.clock.sleep_ms(self.one_way_ms()).await;
        let stored = {
            let mut asked = self.asked();
            asked.reads += 1;
            asked.rows.get(bucket).cloned().unwrap_or_default()
        };
        self.clock.sleep_ms(self.one_way_ms()).await;
        Ok(stored)
    }

    async fn spend(
        &self,
        bucket: &str,
        rev: u64,
        after: &Bucket,
        _: &[Rule],
        _: Instant,
    ) -> Result<Option<Stored>, Unavailable> {
        self.clock.sleep_ms(self.one_way_ms()).await;
        let changed = {
            let (now, mut asked) = (self.clock.now(), self.asked());
            let held = asked.rows.get(bucket).cloned().unwrap_or_default();
            if held.rev == rev {
                asked.rows.insert(bucket.to_owned(), Stored { rev: rev + 1, bucket: after.clone(), ..held });
                asked.writes.push(now);
                None
            } else {
                asked.refused.push(now);
                Some(held)
            }
        };
        self.clock.sleep_ms(self.one_way_ms()).await;
        Ok(changed)
    }

    async fn set_breaker(
        &self,
        bucket: &str,
        rev: u64,
        after: &Breaker,
        _: Instant,
    ) -> Result<Result<Stored, Stored>, Unavailable> {
        self.clock.sleep_ms(self.one_way_ms()).await;
        let answer = {
            let (now, mut asked) = (self.clock.now(), self.asked());
            let held = asked.rows.get(bucket).cloned().unwrap_or_default();
            if held.breaker_rev == rev {
                let (rev, breaker_rev, breaker) = (held.rev + 1, rev + 1, after.clone());
                let written = Stored { rev, breaker_rev, breaker, ..held };
                asked.rows.insert(bucket.to_owned(), written.clone());
                asked.writes.push(now);
                Ok(written)
            } else {
                asked.refused.push(now);
                Err(held)
            }
        };
        self.clock.sleep_ms(self.one_way_ms()).await;
        Ok(answer)
    }
}

/// One environment's sight of the table.
pub struct RowLimits {
    table: Arc<RowTable>,
    seen: Seen,
    rest: MemoryLimits,
}

impl RowLimits {
    /// An environment that has seen nothing yet. All but its buckets and breakers is its own.
    #[must_use]
    pub fn new(table: &Arc<RowTable>) -> Self {
        let rest = MemoryLimits::new(table.clock.clone());
        Self { table: table.clone(), seen: Seen::default(), rest }
    }
}

#[async_trait]
impl Limits for RowLimits {
    async fn lease(&self, bucket: &str, rules: &[Rule], ask: &Ask) -> Result<Lease, Unavailable> {
        let table = &*self.table;
        let lease = lease(table, &self.seen, table.clock.as_ref(), bucket, rules, ask).await?;
        table.asked().granted += lease.granted;
        if lease.granted > 0 {
            table.asked().leases.push((
                lease.retry_at.unwrap_or(table.clock.now()),
                lease.granted,
                lease.retry_at.is_some(),
            ));
        }
        Ok(lease)
    }

    async fn block(&self, bucket: &str, until: Instant) -> Result<(), Unavailable> {
        self.table.clock.sleep_ms(self.table.one_way_ms()).await;
        let now = self.table.clock.now();
        let mut asked = self.table.asked();
        let held = asked.rows.entry(bucket.to_owned()).or_default();
        let blocked = block(&held.bucket, until, now);
        if blocked != held.bucket {
            (held.rev, held.bucket) = (held.rev + 1, blocked);
        }
        self.seen.put(bucket, held.clone(), now);
        Ok(())
    }

    async fn lock(&self, name: &str, holder: &str, for_ms: i64) -> Result<bool, Unavailable> {
        self.rest.lock(name, holder, for_ms).await
    }

    async fn unlock(&self, name: &str, holder: &str) -> Result<(), Unavailable> {
        self.rest.unlock(name, holder).await
    }

    async fn suspension(&self, connection: &str) -> Result<Option<Suspension>, Unavailable> {
        self.rest.suspension(connection).await
    }

    async fn set_suspension(
        &self,
        connection: &str,
        suspension: Option<&Suspension>,
    ) -> Result<(), Unavailable> {
        self.rest.set_suspension(connection, suspension).await
    }

    async fn known(&self, connection: &str) -> Result<Known, Unavailable> {
        self.rest.known(connection).await
    }

    async fn note_account(&self, connection: &str, account: &str) -> Result<(), Unavailable> {
        self.rest.note_account(connection, account).await
    }

    async fn note_replaced(&self, connection: &str, version: &str) -> Result<(), Unavailable> {
        self.rest.note_replaced(connection, version).await
    }

    async fn breaker(&self, connection: &ConnectionKey) -> Result<Breaker, Unavailable> {
        breaker(&*self.table, &self.seen, self.table.clock.as_ref(), connection).await
    }

    async fn change_breaker(
        &self,
        connection: &ConnectionKey,
        change: &Change,
    ) -> Result<Breaker, Unavailable> {
        change_breaker(&*self.table, &self.seen, self.table.clock.as_ref(), connection, change).await
    }

    async fn want_lane(&self, connection: &ConnectionKey, at: Instant) -> Result<(), Unavailable> {
        self.rest.want_lane(connection, at).await
    }

    async fn open_offers(
        &self,
        connection: &ConnectionKey,
        names: &[String],
        until: Instant,
    ) -> Result<(), Unavailable> {
        self.rest.open_offers(connection, names, until).await
    }

    async fn close_offers(&self, connection: &ConnectionKey, names: &[String]) -> Result<(), Unavailable> {
        self.rest.close_offers(connection, names).await
    }

    async fn offers(&self, connection: &ConnectionKey) -> Result<Option<Instant>, Unavailable> {
        self.rest.offers(connection).await
    }

    async fn add_tally(&self, org: &str, revision: u64, tally: Tally) -> Result<(), Unavailable> {
        self.rest.add_tally(org, revision, tally).await
    }

    async fn tally(&self, org: &str, revision: u64) -> Result<Tally, Unavailable> {
        self.rest.tally(org, revision).await
    }

    async fn note_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        note: Option<&str>,
    ) -> Result<bool, Unavailable> {
        self.rest.note_lane(connection, taken, note).await
    }

    async fn lanes_due(&self, now: Instant, limit: usize) -> Result<Vec<Baton>, Unavailable> {
        self.rest.lanes_due(now, limit).await
    }

    async fn take_lane(&self, baton: &Baton, quiet_ms: i64) -> Result<Option<Lane>, Unavailable> {
        self.rest.take_lane(baton, quiet_ms).await
    }

    async fn pass_lane(
        &self,
        connection: &ConnectionKey,
        taken: &Lane,
        next: Option<Instant>,
        held: Option<Instant>,
    ) -> Result<bool, Unavailable> {
        self.rest.pass_lane(connection, taken, next, held).await
    }
}
